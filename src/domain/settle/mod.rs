//! The step function of a transfer: `(state, input, now, policy) → (state, effect)`.
//!
//! Whoever drives it (the worker, the simulation) commits each new state *before* it carries out the effect,
//! by compare-and-set on (state, attempt, epoch), and feeds what came back into the next step. Nothing here
//! sends anything; nothing here believes an answer without evidence: a transfer is settled only when
//! `activeTill` shows its days, and a call whose outcome is open is never repeated on faith.

use super::DAY_MS;

/// Why a transfer is held.
pub mod cause;

/// Where a transfer stands.
pub mod state;

/// What a step goes by.
mod turn;

/// One step.
pub mod step;

/// What a reading proves about a call.
pub mod evidence;

/// What the answer to a call proves.
mod judge;

/// What readings of the channel prove.
mod observe;

/// What a person decides.
pub mod person;

/// What money that went out makes of a transfer.
pub mod reversal;

pub use cause::Cause;
pub use evidence::fits;
pub use person::{Order, OrderRefused, call_is_over, order, planned_again};
pub use state::{Call, How, Kept, Outcome, State, Watch};
pub use step::{Input, Moment, step};
pub use turn::{AccountSignal, Effect, Step};

/// How far ahead a probe is believed, in ms: no `account_probe` is longer. A later one was dated by a clock that was
/// ahead, and is due.
pub const PROBE_AHEAD_MS_MAX: i64 = 86_400_000;

/// Waits between tries of a planned transfer: 1 s, 2 s, 5 s, 10 s, 30 s, 1 min, 2 min, then 5 min.
const BACK_OFF_MS: [i64; 8] = [1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000];

/// Waits between readings of a doubtful transfer: 1 s, 2 s, 4 s, 8 s, 15 s, 30 s, 1 min, then 2 min.
const OBSERVE_MS: [i64; 8] = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 120_000];

/// Equal readings it takes, the last after the window, to call a channel unmoved.
pub const UNMOVED_READS_MIN: u32 = 3;

/// Longest a transfer is tried without success, in ms: 3 days. The time in which it was due and nobody turned to it
/// does not count.
pub const PLAN_AGE_MS_MAX: i64 = 3 * DAY_MS;

/// How far a reading may lag behind an extension, in ms: 10 s, or half the settle window where that is shorter. A refusal
/// may have hidden a success, so its channel is left alone for so long, and the next reading shows it.
pub const READ_LAG_MS_MAX: i64 = 10_000;

/// Longest a doubtful transfer waits for readings beyond its window, in ms: 1 day.
pub const DOUBT_AGE_MS_MAX: i64 = DAY_MS;

/// The settings the rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long a doubtful call is watched, ms.
    pub settle_window_ms: i64,
    /// One further attempt after an unmoved window; else a person decides.
    pub retry_unmoved: bool,
    /// How far the partner's clock and ours may differ, ms.
    pub skew_ms: i64,
    /// Switch a channel to live after its days moved.
    pub ensure_live: bool,
}

/// The wait before try number `tries + 1`.
pub fn back_off_ms(tries: u32) -> i64 {
    spaced(&BACK_OFF_MS, tries)
}

pub(super) fn observe_ms(tries: u32) -> i64 {
    spaced(&OBSERVE_MS, tries)
}

fn spaced(table: &[i64; 8], tries: u32) -> i64 {
    let index = usize::try_from(tries).unwrap_or(usize::MAX);
    table.get(index).or(table.last()).copied().unwrap_or(DAY_MS)
}

/// What so many waits between readings come to: time that no clock which is set can shorten.
fn waited_ms(waits: u32) -> i64 {
    (0..waits).fold(0_i64, |sum, wait| sum.saturating_add(observe_ms(wait)))
}
