//! The directory as callers see it: whose names, what they shall stand for, and what that changes.

use std::collections::BTreeSet;

use serde::Serialize;

use super::view::Action;
use crate::domain::{
    Ms,
    id::ChannelId,
    payment::directory::{Name, NameKind},
};

/// A name, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The provider's account name.
    pub realm: String,
    /// The connected account; empty where there is none.
    pub account: String,
    /// The name.
    pub name: Name,
}

/// What a name shall stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub place: Place,
    /// Its channels; none: it is forgotten.
    pub channels: BTreeSet<ChannelId>,
}

/// How far a change of the directory goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryGo {
    /// It is only told what would change.
    Look,
    /// It is done.
    Now,
    /// It is done if it still changes what this hash stands for.
    AsPlanned(String),
}

/// A person's change of the directory.
#[derive(Debug, Clone)]
pub struct DirectoryOrder {
    /// What the names shall stand for.
    pub wanted: Vec<Assignment>,
    /// The partner account whose list of channels counts.
    pub partner: String,
    /// A channel that the partner does not list is taken, too.
    pub force: bool,
    /// How far it goes.
    pub go: DirectoryGo,
    /// By which command.
    pub action: Action,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// What a change of the directory comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryPlan {
    /// Stands for these changes and no others.
    pub hash: String,
    /// Names that change.
    pub changes: Vec<DirectoryChange>,
    /// Names that stand for what they shall already.
    pub unchanged: u64,
    /// New channels that the partner does not list; always empty where it was never asked.
    pub unlisted: BTreeSet<String>,
    /// When the partner's list was read; `None`: never.
    pub synced_at: Option<Ms>,
}

/// What changes of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectoryChange {
    /// The provider's account name.
    pub realm: String,
    /// The connected account; empty where there is none.
    pub account: String,
    /// What kind of name.
    pub kind: NameKind,
    /// The name.
    pub id: String,
    /// Its channels.
    pub before: BTreeSet<String>,
    /// And then.
    pub after: BTreeSet<String>,
}

/// How a list of channels is taken that is empty, or much shorter than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shorter {
    /// Nothing is forgotten for it.
    Doubted,
    /// A person says that it is right.
    Believed,
}

/// What a reading of the partner's list came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// Channels that are listed.
    pub listed: u64,
    /// Channels that were listed before or are now.
    pub listed_before: u64,
    /// `false`: it is empty or much shorter than before, and nothing is forgotten for it.
    pub believed: bool,
    /// Channels that are listed no more.
    pub gone: u64,
    /// When.
    pub at: Ms,
}
