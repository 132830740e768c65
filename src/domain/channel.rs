//! What is known of a channel, and movement the ledger cannot explain.

use serde::{Deserialize, Serialize};

use super::{Ms, reply::Reading};

/// How long a channel is left alone after its mode was changed, in ms: it restarts.
pub const QUIET_MS: i64 = 30_000;

/// How far ahead a rest or a switch to live is believed, in ms: none is put off by more than 5 minutes.
const AHEAD_MS_MAX: i64 = 600_000;

/// Most tries to switch a channel to live for one settled transfer.
pub const LIVE_TRIES_MAX: u32 = 12;

/// What the ledger keeps of a channel.
#[derive(Debug, Clone, Default, PartialEq, Hash, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Highest `activeTill` ever read; a lower reading lags.
    pub floor: Option<Ms>,
    /// The `activeTill` the ledger can explain; `None`: it was never read.
    pub known: Option<Ms>,
    /// Transfers settled on this channel so far.
    pub settles: u64,
    /// Mode at the last reading that carried one.
    pub mode: Option<String>,
    /// When to switch to live, where that is due.
    pub live_due: Option<Ms>,
    /// Tries of the switch so far.
    pub live_tries: u32,
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
    }

    /// A transfer was settled with this `activeTill` after it. `ensure_live`: see design §6.8. A channel that
    /// shows no mode at all is switched once, not at every payment: each switch restarts it.
    pub fn settled(&mut self, after: Ms, ensure_live: bool, now: Ms) {
        self.settles = self.settles.saturating_add(1);
        self.floor = self.floor.max(Some(after));
        self.known = Some(after);
        let live = match self.mode.as_deref() {
            Some(mode) => mode == "live",
            None => self.made_live,
        };
        if ensure_live && !live {
            self.live_due = Some(now);
            self.live_tries = 0;
        }
    }

    /// Takes back what a clock that was ahead put off: a rest or a switch further away than any is. Says whether it did.
    pub fn believe(&mut self, now: Ms) -> bool {
        let rests = self.quiet_until > now.saturating_add(AHEAD_MS_MAX);
        let waits = self.live_due.is_some_and(|due| due > now.saturating_add(AHEAD_MS_MAX));
        if rests {
            self.quiet_until = now;
        }
        if waits {
            self.live_due = Some(now);
        }
        rests || waits
    }

    /// The switch to live was answered.
    pub fn live_tried(&mut self, done: bool, now: Ms) {
        self.live_tries = self.live_tries.saturating_add(1);
        if done {
            self.live_due = None;
            self.made_live = true;
            self.mode = Some("live".into());
            self.quiet_until = now.saturating_add(QUIET_MS);
        } else if self.live_tries >= LIVE_TRIES_MAX {
            self.live_due = None;
        } else {
            self.live_due = Some(now.saturating_add(super::settle::back_off_ms(self.live_tries)));
        }
    }
}
