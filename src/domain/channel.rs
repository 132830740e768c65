//! What is known of a channel, and movement the ledger cannot explain.

use serde::{Deserialize, Serialize};

use super::{Ms, reply::Reading};

/// How long a channel is left alone after its mode was changed, in ms: it restarts.
pub const QUIET_MS: i64 = 30_000;

/// How far ahead a rest is believed, in ms: none is longer than [`QUIET_MS`].
const REST_AHEAD_MS_MAX: i64 = 600_000;

/// Tries to switch a channel to live after which a person is told.
pub const LIVE_TRIES_QUIET: u32 = 12;

/// The wait between the tries after that, in ms: 1 hour. They never end by themselves.
pub const LIVE_RETRY_MS: i64 = 3_600_000;

/// How far ahead a switch to live is believed, in ms: none is put off by more than [`LIVE_RETRY_MS`].
const LIVE_AHEAD_MS_MAX: i64 = 2 * LIVE_RETRY_MS;

/// What the ledger keeps of a channel.
#[derive(Debug, Clone, Default, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Highest `activeTill` ever read; a lower reading lags.
    pub floor: Option<Ms>,
    /// The `activeTill` the ledger can explain; `None`: it was never read.
    pub known: Option<Ms>,
    /// Transfers settled on this channel so far.
    pub settles: u64,
    /// Calls made on it so far.
    #[serde(default)]
    pub calls: u64,
    /// What its settled transfers moved it by in all, in ms.
    #[serde(default)]
    pub moved_ms: i64,
    /// A transfer was settled late, after others had been called, up to this call. Those may have read its days as
    /// *before* already, so what they read is evidence of nothing once the sum has grown by it.
    #[serde(default)]
    pub mixed_to: u64,
    /// Mode at the last reading that carried one.
    pub mode: Option<String>,
    /// When to switch to live, where that is due.
    pub live_due: Option<Ms>,
    /// Tries of the switch so far that failed.
    pub live_tries: u32,
    /// Why the last one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_error: Option<String>,
    /// Since when a person is told of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_live_since: Option<Ms>,
    /// This ledger has switched it to live before.
    pub made_live: bool,
    /// Nothing is done with the channel before this time.
    pub quiet_until: Ms,
}

/// A reading above what the ledger explains: a hand-made extension, a card renewal, or a late second commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// What the ledger could explain.
    pub from: Ms,
    /// What was read.
    pub to: Ms,
}

impl Channel {
    /// Takes in a reading made while no outcome was open: anything above `known` is unexplained.
    pub fn seen(&mut self, reading: &Reading) -> Option<Movement> {
        self.noted(reading);
        let movement = self
            .known
            .filter(|known| reading.active_till > *known)
            .map(|from| Movement { from, to: reading.active_till });
        if self.known.is_none() || movement.is_some() {
            self.known = Some(reading.active_till);
        }
        movement
    }

    /// Takes in a reading that says nothing about what is explained.
    pub fn noted(&mut self, reading: &Reading) {
        self.floor = self.floor.max(Some(reading.active_till));
        if reading.mode.is_some() {
            self.mode.clone_from(&reading.mode);
        }
        if self.mode.as_deref() == Some("live") {
            self.live_over();
        }
    }

    /// When to switch it to live. One that was given up after [`LIVE_TRIES_QUIET`] tries, as was done before a person
    /// was told of it, is due.
    pub fn switch_due(&self) -> Option<Ms> {
        let given_up = self.live_tries >= LIVE_TRIES_QUIET
            && self.not_live_since.is_none()
            && self.mode.as_deref() != Some("live");
        self.live_due.or_else(|| given_up.then_some(0))
    }

    /// It is live, or is to stay as it is.
    pub fn live_over(&mut self) {
        self.live_due = None;
        self.live_tries = 0;
        self.live_error = None;
        self.not_live_since = None;
    }

    /// A transfer was settled by its call of this number, which moved the channel by so much.
    pub fn count(&mut self, number: u64, moved_ms: i64) {
        self.settles = self.settles.saturating_add(1);
        self.moved_ms = self.moved_ms.saturating_add(moved_ms);
        if number != self.calls {
            self.mixed_to = self.calls;
        }
    }

    /// The call of this number was certainly not sent.
    pub fn not_sent(&mut self, number: u64) {
        if number > 0 && number == self.calls {
            self.calls = number.saturating_sub(1);
        }
    }

    /// A transfer was settled with this `activeTill` after it. `ensure_live`: see design §6.8. A channel that
    /// shows no mode at all is switched once, not at every payment: each switch restarts it.
    pub fn settled(&mut self, after: Ms, ensure_live: bool, now: Ms) {
        self.floor = self.floor.max(Some(after));
        self.known = Some(after);
        let live = match self.mode.as_deref() {
            Some(mode) => mode == "live",
            None => self.made_live,
        };
        if ensure_live && !live {
            self.live_due = Some(now);
            if self.not_live_since.is_none() {
                self.live_tries = 0;
            }
        }
    }

    /// Takes back what a clock that was ahead put off: a rest or a switch further away than any is. Says whether it did.
    pub fn believe(&mut self, now: Ms) -> bool {
        let rests = self.quiet_until > now.saturating_add(REST_AHEAD_MS_MAX);
        let waits = self.live_due.is_some_and(|due| due > now.saturating_add(LIVE_AHEAD_MS_MAX));
        if rests {
            self.quiet_until = now;
        }
        if waits {
            self.live_due = Some(now);
        }
        rests || waits
    }

    /// It was switched to live.
    pub fn made_live(&mut self, now: Ms) {
        self.live_over();
        self.made_live = true;
        self.mode = Some("live".into());
        self.quiet_until = now.saturating_add(QUIET_MS);
    }

    /// The switch to live failed.
    pub fn not_made_live(&mut self, error: String, now: Ms) {
        self.live_tries = self.live_tries.saturating_add(1);
        self.live_error = Some(error);
        let mut wait_ms = super::settle::back_off_ms(self.live_tries);
        if self.live_tries >= LIVE_TRIES_QUIET {
            self.not_live_since = self.not_live_since.or(Some(now));
            wait_ms = LIVE_RETRY_MS;
        }
        self.live_due = Some(now.saturating_add(wait_ms));
    }
}
