//! Where an agreement stands: what the provider calls a subscription, to which the payments of many periods belong.
//!
//! Its events arrive in any order. What counts is when each happened by the provider's clock, so the same events come to
//! the same standing, however they came. An agreement moves no days and joins no payments.

use serde::{Deserialize, Serialize};

pub use crate::domain::closed::AgreementState;
use crate::domain::{
    Ms,
    facts::{Facts, Meaning},
};

/// What is done about days that are owed when their agreement ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnEnd {
    /// What is paid is delivered.
    #[default]
    Finish,
    /// The rest is held, until a new payment of the agreement lifts it.
    Stop,
}

impl OnEnd {
    /// The word of the settings.
    pub fn word(self) -> &'static str {
        match self {
            OnEnd::Finish => "finish",
            OnEnd::Stop => "stop",
        }
    }
}

/// What is known of an agreement: the last word on it, and the last money of it. Each is the largest of what was told, so
/// no order in which it was told changes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When its provider last spoke of the agreement itself, and how; of one moment the worse word counts.
    pub said: Option<(Ms, AgreementState)>,
    /// When money of it came in last.
    pub paid_at: Option<Ms>,
}

impl Standing {
    /// What one event says of its agreement.
    pub fn told(facts: &Facts) -> Self {
        let at = facts.occurred_at;
        let some = facts.money.as_ref().map_or(facts.amount_unread.is_some(), |money| money.amount > 0);
        let paid = some && matches!(facts.meaning, Meaning::MoneyIn(_));
        Self { said: facts.agreement_state.map(|state| (at, state)), paid_at: paid.then_some(at) }
    }

    /// With what another event says.
    pub fn with(self, other: Self) -> Self {
        Self { said: self.said.max(other.said), paid_at: self.paid_at.max(other.paid_at) }
    }

    /// Where it stands, and since when; `None`: nothing says so. Money makes good for what was behind, and never for an
    /// end: the last invoice may be paid after it.
    pub fn state(&self) -> Option<(AgreementState, Ms)> {
        let paid = self.paid_at.map(|at| (AgreementState::Active, at));
        match self.said {
            None => paid,
            Some((at, AgreementState::Behind)) => {
                paid.filter(|(_, paid)| *paid > at).or(Some((AgreementState::Behind, at)))
            }
            Some((at, state)) => Some((state, at)),
        }
    }

    /// Whether its end keeps back what is owed.
    pub fn stops(&self, on_end: OnEnd) -> bool {
        let ended = self.said.filter(|(_, state)| *state == AgreementState::Ended);
        on_end == OnEnd::Stop && ended.is_some_and(|(at, _)| self.paid_at.is_none_or(|paid| paid <= at))
    }
}

#[cfg(test)]
mod tests {
    use AgreementState::{Active, Behind, Ended};

    use super::*;

    #[test]
    fn whatever_the_order_the_last_word_counts() {
        let said = |at: Ms, state| Standing { said: Some((at, state)), paid_at: None };
        let paid = |at: Ms| Standing { said: None, paid_at: Some(at) };
        for (told, want, stops) in [
            (vec![], None, false),
            (vec![paid(5)], Some((Active, 5)), false),
            (vec![said(1, Active), said(2, Behind)], Some((Behind, 2)), false),
            (vec![said(2, Behind), paid(3)], Some((Active, 3)), false),
            (vec![said(2, Behind), paid(1)], Some((Behind, 2)), false),
            (vec![said(2, Behind), said(2, Active)], Some((Behind, 2)), false),
            (vec![said(1, Behind), said(2, Ended)], Some((Ended, 2)), true),
            (vec![said(2, Ended), said(2, Behind)], Some((Ended, 2)), true),
            (vec![said(2, Ended), paid(1)], Some((Ended, 2)), true),
            (vec![said(2, Ended), paid(3)], Some((Ended, 2)), false),
            (vec![said(2, Ended), paid(4), said(3, Active)], Some((Active, 3)), false),
        ] {
            let mut back = told.clone();
            back.reverse();
            for order in [told, back] {
                let stands = order.iter().fold(Standing::default(), |all, one| all.with(*one));
                assert_eq!(stands.state(), want, "{order:?}");
                assert_eq!(stands.stops(OnEnd::Stop), stops, "{order:?}");
                assert!(!stands.stops(OnEnd::Finish), "{order:?}");
            }
        }
    }
}
