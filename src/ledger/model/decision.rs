//! What a person decides, who and why, and where it holds.

use serde::{Serialize, Serializer};

use crate::domain::{
    closed::HeldCause,
    id::{ChannelId, CommentTemplate},
    settle::Order,
};

/// A person's decision, kept with name and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<'a> {
    /// What.
    pub order: Order,
    /// What it was held for when the person looked. Where it is held for something else by now, that is another question.
    pub cause: Option<HeldCause>,
    /// Applied: the days that Billing History shows. A ledger that was restored may know others, for they may have been
    /// changed in the time that it forgot.
    pub days: Option<u32>,
    /// Who.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
    /// How long a call may still be applied, ms.
    pub settle_window_ms: i64,
    /// The partner account that pays, where the decision makes a transfer.
    pub account: &'a str,
    /// Its comment.
    pub comment: &'a CommentTemplate,
}

/// Days that a person grants without a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Names it; granted once.
    pub key: String,
    /// For whom.
    pub channel: ChannelId,
    /// How many.
    pub days: u32,
    /// The partner account that pays.
    pub account: String,
    /// The key was never given before, which a restored ledger cannot know.
    pub new: bool,
    /// Also to a channel that the partner does not list.
    pub force: bool,
}

/// What is left of a payment is another channel's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// That channel.
    pub channel: ChannelId,
    /// Days that came back from the one before, and are owed again.
    pub returned: u32,
    /// Also where the partner does not list it.
    pub force: bool,
}

/// Who did something, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act<'a> {
    /// Name of the console's user, or of the operating system's.
    pub who: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What a person says that the events do not, or say wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction<'a> {
    /// The channel.
    pub channel: Option<ChannelId>,
    /// The days.
    pub days: Option<u32>,
    /// The channel is remembered for whoever paid.
    pub remember: bool,
    /// A channel that the partner does not list is taken, too.
    pub force: bool,
    /// The partner account whose list of channels counts.
    pub account: &'a str,
    /// As in [`Decided`].
    pub cause: Option<HeldCause>,
    /// Who and why.
    pub act: Act<'a>,
    /// For a transfer's comment.
    pub comment: &'a CommentTemplate,
}

/// Where no new call is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    All,
    /// On one partner account.
    Account(String),
    /// On one channel of an account.
    Channel(String, ChannelId),
}

impl Scope {
    /// The word in the ledger: `all`, `account:A`, `channel:A/C`.
    pub fn word(&self) -> String {
        match self {
            Scope::All => "all".into(),
            Scope::Account(account) => format!("account:{account}"),
            Scope::Channel(account, channel) => format!("channel:{account}/{channel}"),
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "all" {
            return Some(Scope::All);
        }
        if let Some(account) = word.strip_prefix("account:") {
            return Some(Scope::Account(account.to_owned()));
        }
        let (account, channel) = word.strip_prefix("channel:")?.rsplit_once('/')?;
        Some(Scope::Channel(account.to_owned(), ChannelId::parse(channel)?))
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.word())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word())
    }
}
