//! What waits for a person: tried again, settled, corrected, closed. A held payment or event is tried again by its own
//! stored bytes through the queue, so that the worker weighs it as it would a fresh one.

use std::collections::BTreeSet;

use super::{again, publish};
use crate::{
    domain::{Ms, closed::HeldCause, facts::Unread, hold::may_have_moved, settle::Order},
    envelope::{Envelope, new_delivery},
    ledger::{
        Act, Correction, Decided, Ledger, LedgerError, Place, Selection,
        plan::PlanVerdict,
        query::HeldQuery,
        view::{Action, Held, HeldKind},
    },
    provider::ANSWER_TIMEOUT,
    queue::{NotConfirmed, Queue},
    worker::Interpreter,
};

/// Most held things that one command acts on.
pub const BULK_MAX: u32 = 10_000;

/// Most events of one payment that are replayed.
const EVENTS_MAX: u32 = 1_000;

/// The payment of a transfer's key; any other name as it stands.
fn transfers_payment(key: &str) -> String {
    key.rsplit_once('#').map_or(key, |(payment, _)| payment).to_owned()
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// The ledger's word.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing was lost: the stored event stays held.
    #[error("the queue did not take the event: {0}; it stays held, try again")]
    NotConfirmed(#[from] NotConfirmed),
}

closed! {
    /// What a person decides about something held, by the word of the console's forms.
    HeldDecision {
        /// Try again.
        Retry = "retry",
        /// An open outcome: its days are on the channel.
        Applied = "applied",
        /// An open outcome: they are not.
        NotApplied = "not-applied",
        /// Never extend.
        Cancel = "cancel",
    }
}

/// A decision, and what it rests on.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// What.
    pub decision: HeldDecision,
    /// What it was held for when the person looked.
    pub cause: Option<HeldCause>,
    /// Applied: the days that Billing History shows, where the ledger cannot know them.
    pub days: Option<u32>,
}

/// What acts on held things need.
pub struct Desk<'a> {
    /// The record.
    pub ledger: &'a Ledger,
    /// The broker.
    pub queue: &'a dyn Queue,
    /// What bodies mean today.
    pub interpreter: &'a Interpreter,
    /// How long a call may still be applied, ms.
    pub settle_window_ms: i64,
}

impl Desk<'_> {
    /// Carries out a decision on one.
    pub async fn decide(&self, key: &str, choice: Choice, act: Act<'_>, now: Ms) -> Result<(), HeldError> {
        let Choice { decision, cause, .. } = choice;
        let order = match decision {
            HeldDecision::Retry => match self.read_again(key, now).await? {
                Some(held) if cause.is_some_and(|cause| cause != held.cause) => {
                    // Its words are the ledger's.
                    return Ok(self
                        .ledger
                        .decide(key, &self.decided(Order::Retry, choice, act), now)
                        .await?);
                }
                Some(held) if held.cause == HeldCause::Closed => {
                    self.ledger.decide(key, &self.decided(Order::Retry, choice, act), now).await?;
                    return self.publish(self.events(&held, key).await?).await;
                }
                Some(held) => {
                    let events = self.events(&held, key).await?;
                    self.may_change(&held, &events, now).await?;
                    self.ledger.note(Action::HeldRetry, key, &act, now).await?;
                    return self.publish(events).await;
                }
                None => Order::Retry,
            },
            HeldDecision::Applied => Order::Applied,
            HeldDecision::NotApplied => Order::NotApplied,
            HeldDecision::Cancel => Order::Cancel,
        };
        Ok(self.ledger.decide(key, &self.decided(order, choice, act), now).await?)
    }

    fn decided<'d>(&'d self, order: Order, choice: Choice, act: Act<'d>) -> Decided<'d> {
        Decided {
            order,
            cause: choice.cause,
            days: choice.days,
            who: act.who,
            reason: act.reason,
            settle_window_ms: self.settle_window_ms,
            account: self.interpreter.account(),
            comment: self.interpreter.comment(),
        }
    }

    /// Corrects what something held is for; a payment is weighed anew at once, and where its channel is remembered, so are
    /// those that wait for it. Tells how many these are.
    pub async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<usize, HeldError> {
        self.ledger.correct(key, correction, now).await?;
        let mut own = None;
        if let Some(held) = self.read_again(key, now).await? {
            self.publish(self.events(&held, key).await?).await?;
            own = held.payment;
        }
        if !correction.remember {
            return Ok(0);
        }
        let names = self.ledger.names_of_payment(&transfers_payment(key)).await?;
        self.learnt(&names, own.as_deref(), now).await
    }

    /// What is held for want of a channel of these names is weighed anew, but for one payment; tells how many these are.
    pub async fn learnt(
        &self,
        names: &BTreeSet<Place>,
        but: Option<&str>,
        now: Ms,
    ) -> Result<usize, HeldError> {
        let mut many = 0_usize;
        for key in self.ledger.held_for_names(names).await? {
            if Some(key.as_str()) == but {
                continue;
            }
            if let Some(held) = self.read_again(&key, now).await? {
                self.publish(self.events(&held, &key).await?).await?;
                many = many.saturating_add(1);
            }
        }
        Ok(many)
    }

    /// The held payment or event that is read again by its events; `None`: it is a transfer, or a person must settle it
    /// first.
    async fn read_again(&self, key: &str, now: Ms) -> Result<Option<Held>, LedgerError> {
        let held_as = async |key: &str| {
            let wanted = HeldQuery { key: Some(key.to_owned()), cause: None };
            self.ledger.held(&wanted, 1, now).await
        };
        let mut held = held_as(key).await?;
        // Of an id that several events have, the ledger says so.
        if held.is_empty()
            && let Some(whole) = self.ledger.payment(key).await?
        {
            held = held_as(&whole.payment.key).await?;
        }
        // Days that moved, or are owed, come from no event. What was paid before the ledger may be adopted by now.
        // What a restored ledger holds may be released by a declaration that was taken back.
        let adopted = |held: &Held| may_have_moved(held.cause);
        let readable = |held: &Held| {
            (held.history.is_empty() || adopted(held)) && !held.is_gap() && !held.waits_for_event()
        };
        Ok(held
            .into_iter()
            .find(|held| readable(held) && matches!(held.kind, HeldKind::Payment | HeldKind::Event)))
    }

    /// Deliveries of its stored events. `name`: as the person wrote it, which may tell the source of an event.
    async fn events(&self, held: &Held, name: &str) -> Result<Vec<Envelope>, LedgerError> {
        let selection = match held.kind {
            HeldKind::Payment => Selection { payment: Some(held.key.clone()), ..Selection::default() },
            _ => Selection { event: Some(name.to_owned()), ..Selection::default() },
        };
        let found = self.ledger.select(&selection, None, EVENTS_MAX).await?;
        let numbers: Vec<i64> = found.iter().map(|event| event.number).collect();
        let stored = self.ledger.envelopes(&numbers).await?;
        Ok(stored.into_iter().map(|envelope| again(envelope, new_delivery())).collect())
    }

    /// Refuses what would come to the same as before. What went to the dead queue, waits for an API or is not taken
    /// apart yet may end otherwise whatever its bytes say.
    async fn may_change(&self, held: &Held, events: &[Envelope], now: Ms) -> Result<(), LedgerError> {
        let whole = |event: &Envelope| {
            self.interpreter.split(event).iter().any(|part| part.delivery != event.delivery)
        };
        if events.is_empty()
            || matches!(held.cause, HeldCause::Dead | HeldCause::Unfetched)
            || events.iter().any(whole)
        {
            return Ok(());
        }
        let mut facts = Vec::with_capacity(events.len());
        for event in events {
            facts.push(self.interpreter.read(event, ANSWER_TIMEOUT).await);
        }
        if facts.iter().any(|facts| matches!(facts, Err(Unread::Unfetched(_)))) {
            return Ok(());
        }
        let entries: Vec<_> = events
            .iter()
            .zip(&facts)
            .map(|(event, facts)| self.interpreter.entry(event, facts, false))
            .collect();
        let planned = self.ledger.rehearse(&entries, now).await?;
        match planned.last() {
            // An event that can be read now may be held again, with its payment: that is not the same.
            Some(last)
                if matches!(last.verdict, PlanVerdict::Held | PlanVerdict::Conflict)
                    && (held.kind != HeldKind::Event || last.reason == held.reason) =>
            {
                Err(LedgerError::Refused(format!(
                    "read again with the settings of today it says the same: {}; {}",
                    last.reason, held.next
                )))
            }
            _ => Ok(()),
        }
    }

    async fn publish(&self, events: Vec<Envelope>) -> Result<(), HeldError> {
        for event in events {
            publish(self.queue, event).await?;
        }
        Ok(())
    }
}
