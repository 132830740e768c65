//! What a seed draws about slices: how large they are, what a person does, and over which weeks all of it happens.

use super::super::{
    features::Feature,
    story::Step,
    swarm::{Draw, STORY_MS},
};

/// Payments of a seed, at most: each is called for many times.
pub const PAYMENTS_MAX: usize = 6;

/// Days that are bought.
pub const DAYS: [u32; 7] = [14, 10, 10, 7, 5, 3, 1];

/// Days that somebody extends on the panel: more than any slice has.
pub const HAND_DAYS: u32 = 17;

/// A day, in ms.
const DAY_MS: u64 = 86_400_000;

impl Draw {
    /// Beside all that is drawn already.
    pub fn slices(&mut self, payments: usize) {
        self.granted();
        for number in 0..payments {
            self.stopped(&format!("p{number}"));
        }
        if self.has(Feature::Marks) {
            for _ in 0..self.rng.u32(1..=4) {
                let at = self.moment();
                self.at(at, Step::Mark);
            }
        }
        if !self.has(Feature::Slices) {
            return;
        }
        self.sizes();
        for number in 0..payments {
            self.given(&format!("p{number}"));
            self.ended(&format!("p{number}"));
        }
        self.weeks();
    }

    fn sizes(&mut self) {
        if self.has(Feature::Ends) {
            let on_end = *self.rng.choice(&["stop", "finish"]).unwrap();
            self.set("on_end", on_end);
        }
        let slice = *self.rng.choice(&["5", "5", "1", "2", "3", "0"]).unwrap();
        self.set("slice", slice);
        if slice == "0" || self.rng.u32(0..3) == 0 {
            let own = *self.rng.choice(&["5", "1", "3"]).unwrap();
            self.set("slice_stripe", own);
        }
        let lead = *self.rng.choice(&["2days", "2days", "1day", "3days"]).unwrap();
        self.set("lead", lead);
        if self.has(Feature::Changes) {
            let at = self.moment();
            let (key, value) = *self
                .rng
                .choice(&[("slice", "3"), ("slice", "5"), ("lead", "1day"), ("lead", "3days")])
                .unwrap();
            self.at(at, Step::Set { key: key.to_owned(), value: value.to_owned() });
            self.at(at, Step::Restart { worker: 1 });
        }
    }

    fn ended(&mut self, name: &str) {
        if !self.now_and_then(Feature::Ends, 2) {
            return;
        }
        let payment = name.to_owned();
        let at = self.moment();
        if self.rng.u32(0..3) == 0 {
            self.at(at, Step::Behind { payment });
            return self.tell(name, "behind", at);
        }
        self.at(at, Step::Ends { payment });
        self.tell(name, "ended", at);
    }

    fn granted(&mut self) {
        if !self.has(Feature::Grants) {
            return;
        }
        for number in 0..self.rng.u32(1..=3) {
            let (key, channel) = (format!("g{number}"), self.rng.choice(&self.channels).unwrap().clone());
            let days = *self.rng.choice(&[7, 5, 3]).unwrap();
            for _ in 0..self.rng.u32(1..=2) {
                let at = self.moment();
                self.at(at, Step::Grant { key: key.clone(), channel: channel.clone(), days });
            }
            self.stopped(&key);
        }
    }

    fn stopped(&mut self, name: &str) {
        if self.now_and_then(Feature::Stops, 3) {
            let at = self.moment();
            self.at(at, Step::StopPayment(name.to_owned()));
            if self.rng.bool() {
                let later = at + self.rng.u64(0..STORY_MS / 2);
                self.at(later, Step::Go(name.to_owned()));
            }
        }
    }

    fn given(&mut self, name: &str) {
        if self.now_and_then(Feature::Moves, 3) {
            let (at, channel) = (self.moment(), self.rng.choice(&self.channels).unwrap().clone());
            self.at(at, Step::Move { payment: name.to_owned(), channel });
        }
        if self.now_and_then(Feature::SlicesNow, 3) {
            let (at, days) = (self.moment(), self.rng.u32(1..=4));
            self.at(at, Step::SliceNow { payment: name.to_owned(), days });
        }
    }

    /// What is drawn to happen within minutes happens in as many episodes, with days between them.
    fn weeks(&mut self) {
        let many = self.rng.u64(4..=8);
        let each = STORY_MS / many;
        let mut begins = vec![0];
        for number in 1..many {
            let gap = self.rng.u64(0..5 * DAY_MS);
            begins.push(begins.last().unwrap() + gap);
            if self.now_and_then(Feature::Outages, 3) {
                let ends = (number * each).saturating_sub(1);
                let away = match self.rng.bool() {
                    true => [Step::Stop, Step::Start],
                    false => [
                        Step::ReadsFail(std::time::Duration::from_millis(gap)),
                        Step::ReadsFail(std::time::Duration::ZERO),
                    ],
                };
                let [begin, end] = away;
                self.at(ends, begin);
                self.at(number * each, end);
            }
        }
        for (at, _) in &mut self.steps {
            let episode = usize::try_from((*at / each).min(many - 1)).unwrap();
            *at += begins[episode];
        }
    }
}
