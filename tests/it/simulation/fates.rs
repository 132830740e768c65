//! What a seed draws of single calls: whether their days move, and how they are answered.

use std::time::Duration;

use super::{
    features::Feature,
    story::{Answer, Debit, Fate, Step},
    swarm::Draw,
};

impl Draw {
    pub fn calls(&mut self, payment: &str) {
        for number in 1..=self.rng.u32(1..=3) {
            let Some(fate) = self.fate() else { continue };
            self.at(0, Step::Call { payment: payment.to_owned(), number, fate });
        }
    }

    fn fate(&mut self) -> Option<Fate> {
        let mut fates = Vec::new();
        let unclear =
            [Answer::Cut, Answer::Server, Answer::Html403, Answer::Conflict, Answer::Empty, Answer::SaysNo];
        let refusals =
            [Answer::Invalid, Answer::NoBalance, Answer::Throttled, Answer::NotSent, Answer::NoToken];
        if self.has(Feature::Refusals) {
            fates.extend(refusals.map(|answer| (Debit::Not, answer)));
        }
        if self.has(Feature::Unclear) {
            fates.extend(unclear.map(|answer| (Debit::Applied, answer)));
            fates.extend(unclear.map(|answer| (Debit::Not, answer)));
        }
        if self.has(Feature::Lies) {
            let lies = [Answer::Invalid, Answer::NoBalance, Answer::Throttled];
            fates.extend(lies.map(|answer| (Debit::Applied, answer)));
        }
        if self.has(Feature::Late) {
            let late = Debit::Late(Duration::from_millis(self.rng.u64(100..45_000)));
            fates.extend([Answer::Cut, Answer::Server, Answer::Conflict].map(|answer| (late, answer)));
        }
        if fates.is_empty() || self.rng.u32(0..3) > 0 {
            return None;
        }
        let (debit, answer) = *self.rng.choice(&fates).unwrap();
        Some(Fate { debit, answer })
    }
}
