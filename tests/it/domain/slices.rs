//! Slices over random worlds: one channel, several payments, outages, refunds, hands that extend.
//!
//! `SLICE_WORLDS=100000 cargo test --test it domain::slices` plays more.

use daybridge::domain::{
    DAY_MS,
    allocation::slices::{Ahead, Level, Owed, QUEUED, Sizes, late, next},
};

const HOUR: i64 = DAY_MS / 24;

struct Payment {
    bought: u32,
    due: u32,
    moved: u32,
    calls: u32,
    /// Some slice was late, so fewer calls were made.
    late: bool,
}

impl Payment {
    fn left(&self) -> u32 {
        self.due.saturating_sub(self.moved)
    }
}

struct World {
    rng: fastrand::Rng,
    sizes: Sizes,
    now: i64,
    till: i64,
    payments: Vec<Payment>,
    /// A hand extended it, so it may have more than we gave.
    hand: bool,
    /// Since when days are owed without a break.
    owed_since: i64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let sizes = Sizes { slice: rng.u32(1..=12), lead_ms: rng.i64(1..=4) * DAY_MS };
        let till = rng.i64(-20..=40) * DAY_MS + rng.i64(0..24) * HOUR;
        Self { rng, sizes, now: 0, till, payments: Vec::new(), hand: till > 0, owed_since: 0 }
    }

    fn pay(&mut self) {
        let bought = self.rng.u32(1..=60);
        self.payments.push(Payment { bought, due: bought, moved: 0, calls: 0, late: false });
    }

    fn owes(&self) -> bool {
        self.payments.iter().any(|payment| payment.left() > 0)
    }

    fn happens(&mut self) {
        let owed = self.owes();
        self.something();
        if !owed {
            self.owed_since = self.now;
        }
    }

    fn something(&mut self) {
        match self.rng.u32(0..10) {
            0 | 1 if self.payments.len() < 6 => self.pay(),
            2 => {
                let which = self.rng.usize(0..self.payments.len());
                let cut = self.rng.u32(0..=self.payments[which].bought);
                let payment = &mut self.payments[which];
                payment.due = payment.bought - cut;
            }
            3 => {
                self.till = self.till.max(self.now) + self.rng.i64(1..=10) * DAY_MS;
                self.hand = true;
            }
            _ => {}
        }
    }

    /// The next slice, sent when it is due, or so long after that.
    fn slice(&mut self, outage_ms: i64) {
        let Some(at) = self.payments.iter().position(|payment| payment.left() > 0) else { return };
        let (left, moved) = (self.payments[at].left(), self.payments[at].moved);
        let level = Level { active_till: Some(self.till), live: true };
        let planned = next(Owed { left, moved }, level, self.sizes, self.now);
        let sent_at = planned.at.max(self.now) + outage_ms;
        if self.rng.u32(0..8) == 0 {
            self.now = self.now.max(planned.at.min(self.now + 3 * DAY_MS));
            return self.happens();
        }
        let (before, was) = (self.till, self.now);
        self.now = sent_at;
        let days = late(&planned, left, self.sizes.lead_ms, self.now);
        self.check(&planned, days, outage_ms, before, moved == 0 || planned.at < was);
        self.till = self.till.max(self.now) + i64::from(days) * DAY_MS;
        let payment = &mut self.payments[at];
        payment.moved += days;
        payment.calls += 1;
        payment.late |= days > self.sizes.slice;
        assert!(payment.moved <= payment.due, "2: no more than due");
        let most = self.sizes.lead_ms * 2 + 2 * i64::from(self.sizes.slice) * DAY_MS;
        assert!(self.hand || self.till - self.now <= most, "4: {} days", (self.till - self.now) / DAY_MS);
    }

    fn check(&self, planned: &Ahead, days: u32, outage_ms: i64, before: i64, behind: bool) {
        assert!(days > 0, "a slice has days");
        if outage_ms == 0 && planned.at >= self.now {
            assert!(days <= self.sizes.slice, "5: a punctual slice has its size");
        }
        if !behind && self.owed_since <= planned.at {
            // It came to be due with lead left: dark only where the outage was longer than that.
            let dark = (self.now - before).max(0);
            assert!(outage_ms > self.sizes.lead_ms || dark == 0, "3: dark for {dark} ms");
        }
    }
}

#[test]
fn the_rules_hold_in_random_worlds() {
    let worlds = std::env::var("SLICE_WORLDS").map_or(10_000, |many| many.parse().unwrap());
    for seed in 0..worlds {
        let mut world = World::new(seed);
        world.pay();
        for _ in 0..80 {
            world.happens();
            let outage = match world.rng.u32(0..5) {
                0 => world.rng.i64(0..200) * HOUR,
                _ => 0,
            };
            world.slice(outage);
        }
        for payment in &world.payments {
            let punctual = payment.bought.div_ceil(world.sizes.slice);
            assert!(payment.calls <= punctual + 6, "5: {} calls of {}", payment.calls, payment.bought);
            assert!(payment.left() == 0 || payment.moved < payment.due, "1: moved and owed are what is due");
        }
    }
}

#[test]
fn when_and_how_many() {
    let sizes = Sizes { slice: 5, lead_ms: 2 * DAY_MS };
    let at = |left, moved, till: Option<i64>, live| {
        let level = Level { active_till: till.map(|days| days * DAY_MS), live };
        let Ahead { at, days, level_ms, .. } = next(Owed { left, moved }, level, sizes, 0);
        (at / DAY_MS, days, level_ms.map(|ms| ms / DAY_MS))
    };
    for (given, want) in [
        (at(30, 0, None, false), (0, 5, None)), // never read: it shows an unknown channel
        (at(30, 0, Some(9), false), (0, 5, None)), // not live: it ends the trial
        (at(30, 0, Some(-3), true), (0, 5, Some(7))), // run out
        (at(30, 0, Some(9), true), (2, 5, Some(7))), // the first one slice sooner
        (at(30, 5, Some(9), true), (7, 5, Some(2))), // then with lead left
        (at(30, 5, Some(9), false), (7, 5, Some(2))), // not live is looked at once a payment
        (at(3, 27, Some(9), true), (7, 3, Some(2))), // the rest
    ] {
        assert_eq!(given, want);
    }
    let all = next(
        Owed { left: 30, moved: 5 },
        Level { active_till: Some(QUEUED), live: true },
        Sizes { slice: 0, ..sizes },
        7,
    );
    assert_eq!((all.at, all.days, all.level_ms), (7, 30, None), "all at once");
}

#[test]
fn lateness_is_added_in_whole_days_up_to_lead() {
    let ahead = Ahead { at: 0, days: 5, level_ms: Some(2 * DAY_MS), sure: None };
    for (late_ms, left, want) in [
        (0, 30, 5),
        (DAY_MS - 1, 30, 5),
        (DAY_MS, 30, 6),
        (2 * DAY_MS, 30, 7),
        (90 * DAY_MS, 30, 7),
        (90 * DAY_MS, 6, 6),
        (-DAY_MS, 30, 5),
    ] {
        assert_eq!(late(&ahead, left, 2 * DAY_MS, late_ms), want, "{late_ms} {left}");
    }
    let at_once = Ahead { level_ms: None, ..ahead };
    assert_eq!(late(&at_once, 30, 2 * DAY_MS, 90 * DAY_MS), 5);
}
