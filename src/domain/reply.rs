//! What the partner answered, in a closed set. The door that parses HTTP is `partner/`; these are the only
//! words of it that the rules see.

use serde::{Deserialize, Serialize};

use super::Ms;

/// A channel as the partner showed it.
#[derive(Debug, Clone, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Until when the channel has days, ms since epoch.
    pub active_till: Ms,
    /// `trial`, `live` …; not every channel carries one.
    pub mode: Option<String>,
}

/// A channel as the partner lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// Its id.
    pub channel: super::id::ChannelId,
    /// What the partner calls it.
    pub name: Option<String>,
    /// The number of its WhatsApp.
    pub phone: Option<String>,
    /// `trial`, `live` …
    pub mode: Option<String>,
    /// Until when it has days; `None`: that cannot be used.
    pub active_till: Option<Ms>,
}

/// One page of all the channels that the partner shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelPage {
    /// Those that carry an id.
    pub channels: Vec<ListedChannel>,
    /// How many were shown, those that cannot be used included; the next page begins after them.
    pub shown: u32,
}

/// Why a channel could not be read.
#[derive(Debug, Clone, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub enum ReadError {
    /// The partner says it does not know the channel (404 in its own form).
    UnknownChannel,
    /// The token was refused (401 in its own form).
    Unauthorized,
    /// Anything else: timeout, 5xx, an answer that cannot be read; the text is for the operator.
    Failed(String),
}

/// What came back from one `extend` call.
#[derive(Debug, Clone, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// A 2xx in the partner's form that does not say `success: false`; `activeTill` where it carries one.
    Accepted {
        /// From the answer, if it was there.
        active_till: Option<Ms>,
    },
    /// The partner's own JSON error form with 400, 401, 402, 403, 404 or 422: not applied, it says.
    Refused {
        /// HTTP status.
        status: u16,
        /// The partner's message, capped.
        message: String,
        /// Its words speak of too few days or balance (or the status is 402).
        balance: bool,
    },
    /// 429 in the partner's form.
    Throttled {
        /// `Retry-After`, in ms, where given.
        retry_after_ms: Option<i64>,
    },
    /// The connection was never made: certainly not applied.
    NotSent(String),
    /// Anything else: whether it was applied is not known. The text says what was seen.
    Unclear(String),
}

/// What came back from one `DELETE` of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// A 2xx in the partner's form that does not say `success: false`.
    Deleted {
        /// Days that went back to the balance, where it tells.
        days: Option<u32>,
    },
    /// The partner says it does not know the channel (404 in its own form).
    UnknownChannel,
    /// The partner's own JSON error form with 400, 401, 402, 403 or 422: not applied, it says.
    Refused {
        /// HTTP status.
        status: u16,
        /// The partner's message, capped.
        message: String,
    },
    /// Certainly not applied: the connection was never made, or 429 in the partner's form.
    NotSent(String),
    /// Anything else: whether it was applied is not known. The text says what was seen.
    Unclear(String),
}
