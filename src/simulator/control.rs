//! What the two ports of a simulator share: books, switches, faults and a clock behind one lock, which is
//! never held over an await. Tests in the same process use it directly; the admin port does the same things.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    fault::{Fault, Faults},
    record::{Extend, SimChannel, blank},
    state::Book,
    switches::Switches,
};
use crate::domain::{DAY_MS, Ms};

/// The simulator's clock: this machine's, moved; or standing still.
#[derive(Debug, Clone, Copy, Default)]
pub struct SimClock {
    offset_ms: i64,
    frozen_at: Option<Ms>,
}

impl SimClock {
    /// Milliseconds since epoch.
    pub fn now(&self) -> Ms {
        self.frozen_at.unwrap_or_else(|| machine_now().saturating_add(self.offset_ms))
    }

    /// Moves it; it goes on as before.
    pub fn advance(&mut self, ms: i64) {
        self.set(self.now().saturating_add(ms));
    }

    /// Sets it; it goes on as before.
    pub fn set(&mut self, now: Ms) {
        match &mut self.frozen_at {
            Some(at) => *at = now,
            None => self.offset_ms = now.saturating_sub(machine_now()),
        }
    }

    /// Makes it stand still, or go again from where it stands.
    pub fn freeze(&mut self, frozen: bool) {
        let now = self.now();
        self.frozen_at = frozen.then_some(now);
        self.set(now);
    }
}

fn machine_now() -> Ms {
    jiff::Timestamp::now().as_millisecond()
}

/// Where the days webhook goes: what `PATCH /partners/{name}/settings` set.
#[derive(Debug, Clone, Default)]
pub struct HookSettings {
    /// Addresses that want the `days` event.
    pub urls: Vec<String>,
}

/// Everything a simulator knows.
#[derive(Debug)]
pub struct World {
    /// The truth.
    pub book: Book,
    /// The unknowns.
    pub switches: Switches,
    /// The faults to come.
    pub faults: Faults,
    /// Its time.
    pub clock: SimClock,
    /// The days webhook.
    pub hooks: HookSettings,
}

/// The handle on a running simulator's world.
#[derive(Debug)]
pub struct Control {
    world: Mutex<World>,
}

impl Control {
    /// A world with a balance and no channels.
    pub fn new(balance_days: i64, switches: Switches) -> Self {
        let (faults, clock, hooks) = (Faults::default(), SimClock::default(), HookSettings::default());
        let book = Book::new(balance_days);
        Self { world: Mutex::new(World { book, switches, faults, clock, hooks }) }
    }

    /// The world, locked: do not hold it over an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now, on the simulator's clock.
    pub fn now(&self) -> Ms {
        self.world().clock.now()
    }

    /// Adds a channel whose `activeTill` lies so many days from now (below 0: expired); no mode: a bare one.
    /// An existing id is left as it is.
    pub fn add_channel(&self, id: &str, days: i64, mode: Option<&str>) -> SimChannel {
        let mut world = self.world();
        let now = world.clock.now();
        let mut channel = blank(id, now);
        channel.active_till = now.saturating_add(days.saturating_mul(DAY_MS));
        channel.mode = mode.map(str::to_owned);
        if world.book.add(now, channel.clone()).is_err() {
            let switches = world.switches.clone();
            return world.book.read(now, id, &switches).unwrap_or(channel);
        }
        channel
    }

    /// Adds a fault; false where there are too many.
    pub fn push_fault(&self, fault: Fault) -> bool {
        self.world().faults.push(fault)
    }

    /// Changes switches.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.world().switches);
    }

    /// A channel as it truly is.
    pub fn channel(&self, id: &str) -> Option<SimChannel> {
        let world = self.world();
        world.book.channels(world.clock.now(), &world.switches).into_iter().find(|channel| channel.id == id)
    }

    /// Every extend asked for, oldest first.
    pub fn extends(&self) -> Vec<Extend> {
        self.world().book.extends().cloned().collect()
    }

    /// Extends of this channel that were applied.
    pub fn applied(&self, id: &str) -> usize {
        self.world().book.extends().filter(|line| line.applied && line.channel == id).count()
    }
}
