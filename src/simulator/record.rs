//! What the books hold: channels, lines about extends, and the reasons for not doing one.

use serde::Serialize;

use crate::domain::Ms;

/// Days of a trial, from creation.
pub const TRIAL_DAYS: i64 = 5;

/// Days a channel with a trial is active for, from creation.
pub const TRIAL_ACTIVE_DAYS: i64 = 6;

/// One channel, in the partner's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimChannel {
    /// Such as `DEMOCH-AB12C`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Creation, ms since epoch.
    #[serde(rename = "creationTS")]
    pub creation_ts: Ms,
    /// Until when it has days, ms since epoch.
    pub active_till: Ms,
    /// End of the trial, ms since epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<Ms>,
    /// `trial`, `live` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Its phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Its project.
    pub project_id: String,
    /// The channel's own token; in the simulator so that dropping it is tested.
    pub token: String,
    /// It has stopped for want of days.
    pub stopped: bool,
    /// `active` even without days.
    pub status: &'static str,
}

/// Who moved a channel's days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// `POST …/extend`.
    Api,
    /// The panel's Extend button: debits the balance too.
    Panel,
    /// A card renewal: does not touch the balance.
    Renewal,
}

/// One line of the truth: an extend that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extend {
    /// When, ms since epoch.
    pub at: Ms,
    /// The channel named.
    pub channel: String,
    /// Days asked for.
    pub days: i64,
    /// The comment, where given.
    pub comment: Option<String>,
    /// The days moved.
    pub applied: bool,
    /// Who.
    pub by: By,
    /// Why not, or what was done to the answer.
    pub note: String,
}

/// Why the partner did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SimRefusal {
    /// No such channel.
    #[error("channel not found")]
    UnknownChannel,
    /// Too few days on the account; the status is a switch.
    #[error("not enough days on the balance")]
    TooLittleBalance(u16),
    /// No comment.
    #[error("comment is required")]
    MissingComment,
    /// Days below 1 or with a fraction.
    #[error("days must be a positive integer")]
    BadDays,
    /// A channel of this id exists.
    #[error("channel already exists")]
    Exists,
    /// More than [`super::state::CREATIONS_MAX`].
    #[error("too many channels created")]
    TooManyCreations,
}

impl SimRefusal {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            SimRefusal::UnknownChannel => 404,
            SimRefusal::TooLittleBalance(status) => status,
            SimRefusal::MissingComment | SimRefusal::BadDays => 400,
            SimRefusal::Exists => 409,
            SimRefusal::TooManyCreations => 429,
        }
    }
}

/// A channel without days, trial or mode, as a creation without a trial leaves it.
pub fn blank(id: &str, now: Ms) -> SimChannel {
    SimChannel {
        id: id.to_owned(),
        name: id.to_owned(),
        creation_ts: now,
        active_till: now,
        trial: None,
        mode: None,
        phone: None,
        project_id: "projectSimulated".into(),
        token: format!("simChannelToken9Of{id}"),
        stopped: false,
        status: "active",
    }
}
