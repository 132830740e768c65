//! What waits for a person: tried again, settled, corrected, closed. A held payment or event is tried again by its own
//! stored bytes through the queue, so that the worker weighs it as it would a fresh one.

use super::{again, publish};
use crate::{
    domain::{
        Ms,
        hold::{BEFORE_LEDGER, BEFORE_LEDGER_REFUNDED},
        settle::Order,
    },
    envelope::new_delivery,
    ledger::{Act, Correction, Decided, Ledger, LedgerError, Selection, query::HeldQuery, view::Held},
    queue::{NotConfirmed, Queue},
    worker::Interpreter,
};

/// Most held things that one command acts on.
pub const BULK_MAX: u32 = 10_000;

/// Most events of one payment that are replayed.
const EVENTS_MAX: u32 = 1_000;

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

/// What a person decides about something held.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Try again.
    Retry,
    /// An open outcome: its days are on the channel.
    Applied,
    /// An open outcome: they are not.
    NotApplied,
    /// Never extend.
    Cancel,
}

/// What acts on held things need.
pub struct Desk<'a> {
    /// The record.
    pub ledger: &'a dyn Ledger,
    /// The broker.
    pub queue: &'a dyn Queue,
    /// What bodies mean today.
    pub interpreter: &'a Interpreter,
    /// How long a call may still be applied, ms.
    pub settle_window_ms: i64,
}

impl Desk<'_> {
    /// Carries out a decision on one.
    pub async fn decide(
        &self,
        key: &str,
        decision: &Decision,
        act: Act<'_>,
        now: Ms,
    ) -> Result<(), HeldError> {
        let order = match decision {
            Decision::Retry => match self.read_again(key, now).await? {
                Some(selection) => {
                    self.ledger.note("held retry", key, &act, now).await?;
                    return self.publish(&selection).await;
                }
                None => Order::Retry,
            },
            Decision::Applied => Order::Applied,
            Decision::NotApplied => Order::NotApplied,
            Decision::Cancel => Order::Cancel,
        };
        let decided = Decided {
            order,
            who: act.who,
            reason: act.reason,
            settle_window_ms: self.settle_window_ms,
            account: self.interpreter.account(),
            comment: self.interpreter.comment(),
        };
        Ok(self.ledger.decide(key, &decided, now).await?)
    }

    /// Corrects what something held is for; a payment is weighed anew at once.
    pub async fn correct(&self, key: &str, correction: &Correction<'_>, now: Ms) -> Result<(), HeldError> {
        self.ledger.correct(key, correction, now).await?;
        match self.read_again(key, now).await? {
            Some(selection) => self.publish(&selection).await,
            None => Ok(()),
        }
    }

    /// The events by which a held payment or event is read again; `None`: it is a transfer, or a person must settle
    /// it first.
    async fn read_again(&self, key: &str, now: Ms) -> Result<Option<Selection>, LedgerError> {
        let held_as = async |key: &str| {
            let wanted = HeldQuery { key: Some(key.to_owned()), cause: None };
            self.ledger.held(&wanted, 1, now).await
        };
        let mut held = held_as(key).await?;
        if held.is_empty()
            && let Some(whole) = self.ledger.payment(key).await?
        {
            held = held_as(&whole.payment.key).await?;
        }
        // Days that moved, or are owed, come from no event. What was paid before the ledger may be adopted by now.
        let adopted = |held: &Held| matches!(&*held.cause, BEFORE_LEDGER | BEFORE_LEDGER_REFUNDED);
        let readable = |held: &Held| {
            (held.history.is_empty() || adopted(held)) && !held.is_gap() && !held.waits_for_event()
        };
        Ok(held.iter().find(|held| readable(held)).and_then(|held| match held.kind {
            "payment" => Some(Selection { payment: Some(held.key.clone()), ..Selection::default() }),
            "event" => Some(Selection { event: Some(held.key.clone()), ..Selection::default() }),
            _ => None,
        }))
    }

    async fn publish(&self, selection: &Selection) -> Result<(), HeldError> {
        let numbers = self.ledger.select(selection, 0, EVENTS_MAX).await?;
        for envelope in self.ledger.envelopes(&numbers).await? {
            publish(self.queue, again(envelope, new_delivery())).await?;
        }
        Ok(())
    }
}
