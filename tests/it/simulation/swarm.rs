//! From a seed to a story.

use std::{collections::BTreeSet, time::Duration};

use super::{
    api::Fault,
    features::{Feature, features},
    life::lives,
    payment::{Occasion, Way},
    retire::Deletes,
    slices,
    story::{Step, Story},
};

/// How long a story lasts.
pub(super) const STORY_MS: u64 = 240_000;

pub(super) struct Draw {
    pub(super) rng: fastrand::Rng,
    features: BTreeSet<Feature>,
    pub(super) steps: Vec<(u64, Step)>,
    pub(super) channels: Vec<String>,
    workers: usize,
    money_in: &'static str,
}

/// The story of a seed, with so many payments at most.
pub fn story(seed: u64, payments_max: usize) -> Story {
    let features = features(seed);
    let mut draw = Draw {
        rng: fastrand::Rng::with_seed(seed ^ 0x5eed),
        features,
        steps: Vec::new(),
        channels: Vec::new(),
        workers: 1,
        money_in: "charges",
    };
    draw.settings(seed);
    draw.partner();
    let mut payments = draw.rng.usize(1..=payments_max);
    if draw.has(Feature::Slices) {
        payments = payments.min(slices::draw::PAYMENTS_MAX);
    }
    for number in 0..payments {
        draw.payment(number);
    }
    draw.faults();
    draw.slices(payments);
    let title = format!("seed {seed}");
    let mut steps = std::mem::take(&mut draw.steps);
    steps.sort_by_key(|(at, _)| *at);
    let mut story = Story { title, steps: Vec::new() };
    let mut now = 0;
    for (at, step) in steps {
        if at > now {
            story.steps.push(Step::Wait(Duration::from_millis(at - now)));
            now = at;
        }
        story.steps.push(step);
    }
    story
}

impl Draw {
    pub(super) fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it happens: with a feature, once in so many.
    pub(super) fn now_and_then(&mut self, feature: Feature, once_in: u32) -> bool {
        self.has(feature) && self.rng.u32(0..once_in) == 0
    }

    pub(super) fn at(&mut self, at: u64, step: Step) {
        self.steps.push((at, step));
    }

    pub(super) fn moment(&mut self) -> u64 {
        self.rng.u64(0..STORY_MS)
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.at(0, Step::Set { key: key.to_owned(), value: value.to_owned() });
    }

    fn settings(&mut self, seed: u64) {
        self.set("chance", &seed.to_string());
        if self.has(Feature::SeveralWorkers) {
            self.workers = self.rng.usize(2..=4);
        }
        self.set("workers", &self.workers.to_string());
        if self.has(Feature::Backfill) {
            self.set("backfill", "on");
        }
        if self.has(Feature::OddTexts) {
            self.set("texts", "odd");
        }
        for (feature, key) in [(Feature::Aliases, "alias"), (Feature::Shrinks, "shrink")] {
            if self.has(feature) {
                self.set(key, "on");
            }
        }
        if self.has(Feature::Settings) {
            let on_refund =
                *self.rng.choice(&["report", "cancel_unspent", "hold_channel_transfers"]).unwrap();
            self.set("on_refund", on_refund);
            let on_unmoved = *self.rng.choice(&["retry", "hold"]).unwrap();
            self.set("on_unmoved", on_unmoved);
            let brake = *self.rng.choice(&["0", "2", "5"]).unwrap();
            self.set("brake", brake);
            self.money_in = self.rng.choice(&["charges", "payment_intents", "checkout", "invoices"]).unwrap();
            self.set("money_in", self.money_in);
        }
    }

    fn partner(&mut self) {
        let many = if self.has(Feature::OneChannel) { 1 } else { self.rng.usize(2..=8) };
        for number in 0..many {
            let name = format!("CHAN-{number}");
            let days = if self.now_and_then(Feature::Expired, 2) {
                -self.rng.i64(1..20)
            } else if self.has(Feature::Slices) {
                self.rng.i64(1..10)
            } else {
                self.rng.i64(1..40)
            };
            self.channels.push(name.clone());
            self.at(0, Step::Channel { name, days });
        }
        let days = if self.has(Feature::Balance) { self.rng.i64(0..200) } else { 1_000_000 };
        self.at(0, Step::Balance(days));
        let mut habit = |habit: &str, value: &str| {
            self.steps.push((0, Step::Partner { habit: habit.to_owned(), value: value.to_owned() }));
        };
        if self.features.contains(&Feature::Expired) && self.rng.bool() {
            habit("expired_base", "old");
        }
        if self.features.contains(&Feature::Terse) {
            habit("usual", if self.rng.bool() { "ok_no_till" } else { "ok_empty" });
        }
        if self.features.contains(&Feature::Stale) {
            habit("stale", &self.rng.u32(1..=8).to_string());
        }
        if self.features.contains(&Feature::Balance) {
            if self.rng.bool() {
                habit("no_balance", "422");
            }
            for _ in 0..self.rng.u32(0..3) {
                let (at, days) = (self.rng.u64(0..STORY_MS), self.rng.i64(0..400));
                self.steps.push((at, Step::Balance(days)));
            }
        }
    }

    fn way(&mut self) -> Way {
        for (feature, is_asked) in [(Feature::OtherProviders, false), (Feature::Fetched, true)] {
            if self.now_and_then(feature, 3) {
                let lives: Vec<_> = lives().iter().filter(|life| life.is_asked() == is_asked).collect();
                return Way::At(self.rng.choice(lives).unwrap());
            }
        }
        let customers = self.now_and_then(Feature::Customers, 2);
        match self.money_in {
            "checkout" => Way::Checkout,
            "invoices" => Way::Subscription,
            _ if customers => Way::Customer,
            _ if self.has(Feature::Joins) => {
                *self.rng.choice(&[Way::Direct, Way::Checkout, Way::Subscription]).unwrap()
            }
            _ => Way::Direct,
        }
    }

    fn payment(&mut self, number: usize) {
        let name = format!("p{number}");
        let way = self.way();
        let many = if self.has(Feature::Slices) { slices::draw::DAYS } else { [30, 30, 30, 10, 7, 90, 365] };
        let days = *self.rng.choice(&many).unwrap();
        let amount = i64::from(days) * 30;
        let channel = self.rng.choice(&self.channels).unwrap().clone();
        let paid = self.rng.u64(0..STORY_MS / 2);
        self.at(paid, Step::Pay { payment: name.clone(), channel, days, amount, way });
        let mut events = way.events(Occasion::Paid);
        self.rng.shuffle(&mut events);
        self.tell_all(&name, events, paid);
        if self.now_and_then(Feature::Tries, 3) {
            self.at(paid, Step::Tried { payment: name.clone() });
            self.tell_all(&name, way.events(Occasion::Tried), paid);
        }
        self.money_out((&name, way), amount, paid);
        if self.now_and_then(Feature::Asides, 2) {
            let at = paid + self.rng.u64(1_000..STORY_MS / 2);
            self.at(at, Step::Aside { payment: name.clone() });
            self.tell_all(&name, way.events(Occasion::Aside), at);
        }
        self.calls(&name);
        if self.now_and_then(Feature::Errors, 4) {
            self.at(paid, Step::Errs(name.clone()));
        }
        if self.now_and_then(Feature::Replays, 4) {
            let at = paid + self.rng.u64(0..STORY_MS / 2);
            self.at(at, Step::Replay(name));
        }
    }

    fn tell_all(&mut self, payment: &str, events: Vec<String>, made: u64) {
        for event in events {
            self.tell(payment, &event, made);
        }
    }

    /// An event that was made at a time.
    pub(super) fn tell(&mut self, payment: &str, event: &str, made: u64) {
        let slow = self.now_and_then(Feature::Delays, 3);
        if slow && self.rng.u32(0..4) == 0 {
            return; // at the end
        }
        let delay = if slow { self.rng.u64(0..STORY_MS / 2) } else { self.rng.u64(0..3_000) };
        let (payment, event) = (payment.to_owned(), event.to_owned());
        self.at(made + delay, Step::Tell { payment: payment.clone(), event: event.clone(), anew: false });
        let again = u32::from(self.now_and_then(Feature::Duplicates, 3));
        let anew = u32::from(self.now_and_then(Feature::Anew, 4));
        for number in 0..again + anew {
            let later = self.rng.u64(0..STORY_MS / 3);
            let anew = number >= again;
            self.at(
                made + delay + later,
                Step::Tell { payment: payment.clone(), event: event.clone(), anew },
            );
        }
    }

    /// A setting becomes another, and one worker after the other starts with it.
    fn change(&mut self) {
        let (key, values) = *self
            .rng
            .choice(&[
                ("on_refund", &["report", "cancel_unspent", "hold_channel_transfers"] as &[&str]),
                ("on_unmoved", &["retry", "hold"]),
                ("brake", &["0", "2", "5"]),
                ("money_in", &["charges", "payment_intents"]),
                ("api_key", &["k", "renewed"]),
            ])
            .unwrap();
        let at = self.moment();
        let value = (*self.rng.choice(values).unwrap()).to_owned();
        if key == "money_in" {
            // As is said: no two workers may grant by families of their own.
            let stopped = at.saturating_sub(60_000);
            self.at(stopped, Step::Stop);
            self.at(at, Step::Set { key: key.to_owned(), value });
            self.at(at, Step::Start);
            return;
        }
        self.at(at, Step::Set { key: key.to_owned(), value });
        for worker in 1..=self.workers {
            let later = at + self.rng.u64(0..30_000);
            self.at(later, Step::Restart { worker });
        }
    }

    /// Most channels are known before anybody pays, and some of them as one of two.
    fn assign(&mut self) {
        for channel in self.channels.clone() {
            if self.rng.u32(0..4) == 0 {
                continue; // when somebody paid for it
            }
            let other = self.rng.choice(&self.channels).unwrap().clone();
            let channels = match self.rng.u32(0..4) {
                0 if other != channel => vec![channel.clone(), other],
                _ => vec![channel.clone()],
            };
            let at = if self.rng.bool() { 0 } else { self.moment() };
            self.at(at, Step::Assign { channel, channels });
        }
    }

    fn money_out(&mut self, (payment, way): (&str, Way), amount: i64, paid: u64) {
        let name = payment.to_owned();
        let mut left = amount;
        if self.now_and_then(Feature::Refunds, 2) {
            for number in 0..self.rng.u32(1..=3) {
                let part = if self.rng.u32(0..3) == 0 { left } else { self.rng.i64(0..=left) };
                if part == 0 {
                    break;
                }
                left -= part;
                let at = paid + self.rng.u64(1_000..STORY_MS / 2);
                let refund = format!("r{number}");
                self.at(at, Step::Refund { payment: name.clone(), refund: refund.clone(), amount: part });
                self.tell_all(payment, way.events(Occasion::Refund(&refund)), at);
                if self.now_and_then(Feature::RefundFails, 2) {
                    let fails = at + self.rng.u64(1_000..STORY_MS / 3);
                    self.at(fails, Step::RefundFails { payment: name.clone(), refund: refund.clone() });
                    self.tell_all(payment, way.events(Occasion::RefundFails(&refund)), fails);
                }
            }
        }
        if self.now_and_then(Feature::Disputes, 3) {
            let at = paid + self.rng.u64(1_000..STORY_MS / 2);
            self.at(at, Step::Dispute { payment: name.clone() });
            self.tell_all(payment, way.events(Occasion::Dispute), at);
            if self.rng.u32(0..3) > 0 {
                let ends = at + self.rng.u64(1_000..STORY_MS / 3);
                let won = self.rng.bool();
                self.at(ends, Step::DisputeEnds { payment: name, won });
                let end = if won { Occasion::Won } else { Occasion::Lost };
                self.tell_all(payment, way.events(end), ends);
            }
        }
    }

    fn faults(&mut self) {
        let span = |rng: &mut fastrand::Rng, max: u64| Duration::from_millis(rng.u64(100..max));
        for _ in 0..self.rng.u32(1..=4) {
            let at = self.moment();
            let worker = self.rng.usize(1..=self.workers);
            let effect = self.rng.u32(1..=40);
            let drawn = [
                self.has(Feature::Crashes).then(|| Step::Crash { worker, effect, after: self.rng.bool() }),
                self.has(Feature::Freezes).then(|| {
                    let (effect, time) = (self.rng.u32(0..=20), span(&mut self.rng, 200_000));
                    Step::Freeze { worker, effect, time }
                }),
                self.has(Feature::Clocks).then(|| Step::Clock { worker, ms: self.rng.i64(-900..900) }),
                self.has(Feature::ClockSteps).then(|| {
                    let most = *self.rng.choice(&[5_000, 60_000, 300_000]).unwrap();
                    Step::Clock { worker, ms: self.rng.i64(-most..most) }
                }),
                self.has(Feature::Restarts).then_some(Step::Restart { worker }),
                self.has(Feature::LedgerAway).then(|| Step::LedgerAway(span(&mut self.rng, 20_000))),
                self.has(Feature::LedgerFull).then(|| Step::LedgerFull(span(&mut self.rng, 40_000))),
                self.has(Feature::Unheard).then_some(Step::Unheard { worker, effect }),
                self.has(Feature::Meets).then(|| Step::Meets(self.rng.u32(1..5))),
                self.has(Feature::QueueBreaks).then_some(Step::QueueBreaks),
                self.has(Feature::QueueNode).then(|| Step::QueueNode(span(&mut self.rng, 20_000))),
                self.has(Feature::QueueRepeats).then_some(Step::QueueRepeats),
                self.has(Feature::DeadLetters).then_some(Step::DeadLetters),
                self.has(Feature::ReadsFail).then(|| Step::ReadsFail(span(&mut self.rng, 30_000))),
                self.has(Feature::Decisions).then_some(Step::Decide),
                self.has(Feature::Reconciles).then_some(Step::Reconcile),
                self.has(Feature::ApiFails).then(|| Step::Api {
                    fault: *self.rng.choice(Fault::ALL).unwrap(),
                    time: span(&mut self.rng, 60_000),
                }),
            ];
            for step in drawn.into_iter().flatten() {
                let later = self.rng.u64(0..20_000);
                self.at(at + later, step);
            }
            if self.has(Feature::Hands) {
                let channel = self.rng.choice(&self.channels).unwrap().clone();
                // Of no payment's days: those of a hand inside the window are taken for ours, as is said.
                let days = if self.has(Feature::Slices) { slices::draw::HAND_DAYS } else { 1_001 };
                self.at(at, Step::Hand { channel, days });
            }
        }
        if self.has(Feature::Deleted) {
            let (at, channel) = (self.moment(), self.rng.choice(&self.channels).unwrap().clone());
            self.at(at, Step::Delete(channel.clone()));
            if self.has(Feature::Remade) {
                let later = at + self.rng.u64(0..60_000);
                self.at(later, Step::Remake(channel));
            }
        }
        if self.has(Feature::Customers) || self.has(Feature::Aliases) {
            self.assign();
        }
        if self.has(Feature::Retires) {
            for _ in 0..self.rng.u32(1..=2) {
                let (at, how) = (self.moment(), *self.rng.choice(Deletes::ALL).unwrap());
                self.at(at, Step::Retire(how));
            }
        }
        if self.has(Feature::Restores) {
            let at = self.moment();
            let later = at + self.rng.u64(0..STORY_MS - at);
            self.at(at, Step::Backup);
            let declared = !self.now_and_then(Feature::Undeclared, 2);
            self.at(later, Step::Restore { declared });
        }
        if self.has(Feature::Changes) {
            self.change();
        }
    }
}
