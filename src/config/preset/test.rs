//! A condition of a preset: what must stand where, for a rule to hold.

use serde::Deserialize;

use super::pointer::Pointer;

/// A field and what must hold of it. Values are compared by their JSON text, a string's without quotes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Where.
    pub at: Pointer,
    /// Any of these; an absent field does not.
    pub is: Option<Vec<String>>,
    /// None of these; an absent field does.
    pub not: Option<Vec<String>>,
    /// A text that begins with any of these.
    pub starts: Option<Vec<String>>,
    /// A number above this one.
    pub above: Option<i64>,
    /// A text that sorts before this one, as an older date does.
    pub before: Option<String>,
    /// It is there, and not null; or it is not.
    pub given: Option<bool>,
}
