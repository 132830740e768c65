//! What the directory says.

use serde::Serialize;

use crate::domain::{Ms, payment::directory::NameKind};

/// A channel that a name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryEntry {
    /// Counts up.
    pub number: i64,
    /// The provider's account name.
    pub realm: String,
    /// The connected account; empty where there is none.
    pub account: String,
    /// What kind of name.
    pub kind: NameKind,
    /// The name.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// Who said so.
    pub who: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Ms,
}
