//! What is not known of the partner, each unknown a switch. The defaults are the likeliest answers; the
//! service must be right under every setting.

use serde::{Deserialize, Serialize};

/// All switches; an admin request may set some of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Switches {
    /// What an expired channel's days are counted from.
    pub expired_base: ExpiredBase,
    /// What an accepted extend answers.
    pub extend_answer: Shape,
    /// What an accepted mode change answers.
    pub mode_answer: Shape,
    /// What an extend beyond the balance answers.
    pub too_little_balance: TooLittleBalance,
    /// An extend without a comment is accepted.
    pub accept_missing_comment: bool,
    /// Days of 0, below 0 or with a fraction (cut) are accepted.
    pub accept_bad_days: bool,
    /// How long an old reading may still be shown, in ms.
    pub stale_reads_ms: i64,
    /// New channels get a trial.
    pub trial_on_create: bool,
    /// How long each answer takes, in ms of real time; what it says is decided before.
    pub answer_delay_ms: u64,
    /// How long a channel without days goes on running, in ms.
    pub stop_delay_ms: i64,
    /// `GET /channels/list` answers a bare array.
    pub list_bare: bool,
    /// Body of the days webhook.
    pub days_webhook_shape: HookShape,
    /// How often one days webhook is sent.
    pub days_webhook_copies: u32,
    /// How long after the crossing it is sent, in ms of real time.
    pub days_webhook_delay_ms: u64,
    /// It is lost.
    pub days_webhook_lost: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            expired_base: ExpiredBase::Now,
            extend_answer: Shape::Full,
            mode_answer: Shape::Full,
            too_little_balance: TooLittleBalance::PaymentRequired,
            accept_missing_comment: false,
            accept_bad_days: false,
            stale_reads_ms: 0,
            trial_on_create: true,
            answer_delay_ms: 0,
            stop_delay_ms: 60_000,
            list_bare: false,
            days_webhook_shape: HookShape::Event,
            days_webhook_copies: 1,
            days_webhook_delay_ms: 0,
            days_webhook_lost: false,
        }
    }
}

/// What an expired channel's days are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredBase {
    /// The time of the call.
    Now,
    /// The old `activeTill`.
    Old,
}

/// The body of an accepted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The channel object.
    Full,
    /// `{"success":true}`
    Success,
    /// No body.
    Empty,
}

/// What an extend beyond the balance answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TooLittleBalance {
    /// 402
    #[serde(rename = "402")]
    PaymentRequired,
    /// 403
    #[serde(rename = "403")]
    Forbidden,
    /// 400
    #[serde(rename = "400")]
    BadRequest,
    /// 409
    #[serde(rename = "409")]
    Conflict,
    /// It is applied; the balance goes below zero (a postpaid account).
    #[serde(rename = "allowed")]
    Allowed,
}

impl TooLittleBalance {
    /// The status of the refusal; none where it is allowed.
    pub fn status(self) -> Option<u16> {
        match self {
            TooLittleBalance::PaymentRequired => Some(402),
            TooLittleBalance::Forbidden => Some(403),
            TooLittleBalance::BadRequest => Some(400),
            TooLittleBalance::Conflict => Some(409),
            TooLittleBalance::Allowed => None,
        }
    }
}

/// The body of the days webhook, which nobody has recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookShape {
    /// `{"event":{"type":"days","event":"post"},"days":n,"days_limit":m}`
    Event,
    /// `{"days":n}`
    Flat,
    /// `{"type":"days","data":{"balance":n}}`
    Nested,
    /// `n`
    Number,
}
