//! A body that says not what its map expects.

/// Why a body cannot be read, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

pub(super) fn unreadable<T>(reason: &str) -> Result<T, Unreadable> {
    Err(Unreadable(reason.to_owned()))
}
