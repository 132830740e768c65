//! What a person decides about a held transfer, payment or event; kept with name and time.

use super::{
    audit::{self, Entry},
    grant_held, not_live, restored, transfer,
};
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PaymentDecision, PaymentState},
        hold::{may_have_moved, may_have_moved_refunded},
        settle::{Order, call_is_over},
    },
    ledger::{
        Act, Decided, DeliveryOutcome, Ledger, LedgerError,
        db::{Fault, Row, Tx, args, fault::refused},
        query::HeldQuery,
        read::{
            resolve::{event_named, resolve},
            waiting,
            words::OTHER_FAMILY_NEXT,
        },
        settle::{rest, transition},
        storable,
        view::Action,
    },
};

fn action(order: Order) -> Action {
    match order {
        Order::Retry => Action::HeldRetry,
        Order::Applied => Action::HeldApplied,
        Order::NotApplied => Action::HeldNotApplied,
        Order::Cancel => Action::HeldCancel,
    }
}

/// Most days that a person may find for one key: a hundred years.
const DAYS_MAX: u32 = 36_500;

impl Ledger {
    /// A person's decision about a transfer, or `Cancel`/`Retry` of a held payment or event where that fits.
    /// `Retry` of a transfer that waits for its account, held or planned, makes it the account's probe now.
    pub async fn decide(&self, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), LedgerError> {
        let (key, decided) = (key.to_owned(), decided.kept());
        self.db.alone(move |tx| tx.decide(&key, &decided.lent(), now)).await
    }
}

impl Tx {
    /// Alone: what is decided depends on rows of several tables that others write.
    pub(in crate::ledger) fn decide(
        &mut self,
        key: &str,
        decided: &Decided<'_>,
        now: Ms,
    ) -> Result<(), Fault> {
        if decided.days.is_some_and(|days| decided.order != Order::Applied || days > DAYS_MAX) {
            return Err(refused(format!(
                "days say how many Billing History shows for what was applied, at most {DAYS_MAX}; nothing was changed"
            )));
        }
        must_be_held_for(self, key, decided.cause, now)?;
        let after = if let Some(after) = not_live::decide(self, key, decided, now)? {
            after
        } else if transfer_exists(self, key)? {
            transfer::decide(self, key, decided, now)?
        } else {
            match payment_of(self, key)? {
                Some(found) => payment(self, &found, decided, now)?,
                None => event(self, key, decided)?,
            }
        };
        let entry = Entry {
            action: action(decided.order),
            key,
            act: Act { who: decided.who, reason: decided.reason },
            before: Some(PaymentState::Held.to_string()),
            after: Some(match decided.days {
                Some(days) => format!("{after}, {days} days"),
                None => after.to_string(),
            }),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(())
    }
}

/// Refuses a decision about something that is held for another cause by now than when the person looked.
pub(in crate::ledger) fn must_be_held_for(
    tx: &mut Tx,
    key: &str,
    cause: Option<HeldCause>,
    now: Ms,
) -> Result<(), Fault> {
    let Some(cause) = cause else { return Ok(()) };
    let mut held = tx.held(&HeldQuery { cause: None, key: Some(key.to_owned()) }, 9, now)?;
    if held.is_empty()
        && let Some(payment) = resolve(tx, key)?
    {
        held = tx.held(&HeldQuery { cause: None, key: Some(payment) }, 9, now)?;
    }
    match held.first() {
        _ if held.iter().any(|held| held.cause == cause) => Ok(()),
        None => Err(refused(format!("{key} is not held for {cause} any more, nor for anything else"))),
        Some(first) => Err(refused(format!(
            "{key} is held for {} by now, not for {cause}: {}; look again: `daybridge held show '{key}'`",
            first.cause, first.reason
        ))),
    }
}

fn transfer_exists(tx: &mut Tx, key: &str) -> Result<bool, Fault> {
    let row = tx.optional("SELECT key FROM transfers WHERE key = $1", args![key])?;
    Ok(row.is_some())
}

/// The payment that a name means. Where a provider names events like payments, it is the one that waits; where both do
/// and the name is not the payment's key, that is refused.
fn payment_of(tx: &mut Tx, name: &str) -> Result<Option<String>, Fault> {
    let Some(key) = resolve(tx, name)? else { return Ok(None) };
    let row = tx.optional("SELECT e.source, e.event_id, (SELECT COUNT(*) FROM payments p WHERE p.key = $1 \
         AND (p.decision = 'held' OR p.gap IS NOT NULL OR (p.decision = 'linked' \
         AND EXISTS (SELECT 1 FROM events f WHERE f.payment = p.key AND f.family IS NOT NULL)))) AS waits FROM events e \
         WHERE e.held_cause IS NOT NULL AND $2 IN (e.event_id, e.source || '/' || e.event_id) LIMIT 1", args![&*key, name])?;
    let Some(row) = row else { return Ok(Some(key)) };
    if row.get::<i64>("waits")? == 0 {
        return Ok(None);
    }
    if key == name {
        return Ok(Some(key));
    }
    let event: (String, String) = (row.get("source")?, row.get("event_id")?);
    Err(refused(format!(
        "{name} names the payment {key} and the event {}/{}, which both wait: name one of them so",
        event.0, event.1
    )))
}

/// Whether money came in for a payment that no event of the granting family has told of.
pub(in crate::ledger) fn is_of_another_family(tx: &mut Tx, key: &str) -> Result<bool, Fault> {
    let row = tx.optional(
        "SELECT 1 AS one FROM payments p WHERE p.key = $1 AND p.decision = 'linked' \
         AND EXISTS (SELECT 1 FROM events e WHERE e.payment = p.key AND e.family IS NOT NULL)",
        args![key],
    )?;
    Ok(row.is_some())
}

/// What helps where only another family told of the money.
pub(in crate::ledger) fn other_family_needs(key: &str) -> Fault {
    refused(format!(
        "its money was told by another family than money_in: {OTHER_FAMILY_NEXT}; or close it: `daybridge held cancel '{key}' --reason …`"
    ))
}

/// Days that moved and are not covered, or are covered and did not move: a person did what there was to do.
fn gap(
    tx: &mut Tx,
    key: &str,
    gap: HeldCause,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<&'static str, Fault> {
    if decided.order != Order::Cancel {
        return Err(refused(format!(
            "its days were granted, and there is nothing to call again: decide about them, then `daybridge held cancel '{key}' --reason …` says that it is done"
        )));
    }
    tracing::info!(payment = key, gap = gap.as_str(), "decided");
    // What has moved stays; that is no word to let more of it move, where it moves in slices.
    tx.execute(
        "UPDATE payments SET due_decided = days_due, gap = NULL, gap_since = NULL, \
         days_despite = CASE WHEN sliced = 1 THEN days_moved ELSE days_despite END WHERE key = $1",
        args![key],
    )?;
    if let Some(slice) = rest::granted(tx, key)?
        && let Some((transfer, state)) = slice.last
    {
        // What is left of it is none now.
        transition::compare_and_set(tx, &transfer, &state, &state, None, now)?;
    }
    Ok("decided")
}

fn payment(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<&'static str, Fault> {
    let row =
        tx.one("SELECT decision, granted, cause, days_due, gap FROM payments WHERE key = $1", args![key])?;
    if let Some(cause) = row.get("gap")? {
        return gap(tx, key, cause, decided, now);
    }
    let other_family = is_of_another_family(tx, key)?;
    if !other_family {
        match waiting::needs(tx, key, now)? {
            None => must_be_held(&row, key)?,
            Some(_) if decided.order == Order::Cancel => {}
            Some(next) => return Err(refused(format!("no day was granted and nothing was sent: {next}"))),
        }
    }
    match decided.order {
        Order::Cancel => close_payment(tx, key, decided, now),
        _ if other_family => Err(other_family_needs(key)),
        _ => grant_payment(tx, key, &row, decided, now),
    }
}

/// Of a payment that is held for what its days may have done, or for another one.
fn grant_payment(
    tx: &mut Tx,
    key: &str,
    row: &Row,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<&'static str, Fault> {
    let cause: Option<HeldCause> = row.get("cause")?;
    let refunded = cause.is_some_and(may_have_moved_refunded);
    let forgotten = cause.is_some_and(may_have_moved);
    let before_ledger = matches!(cause, Some(HeldCause::BeforeLedger | HeldCause::BeforeLedgerRefunded));
    let twin = cause == Some(HeldCause::SuspectedDuplicate);
    let nothing_left = row.get::<Option<i64>>("days_due")?.is_none_or(|due| due == 0);
    let restored_at = restored::declared_at(tx)?;
    match decided.order {
        Order::NotApplied if refunded && nothing_left => {
            Err(refused("its money went back: if its days have not moved, `held cancel` closes it"))
        }
        Order::NotApplied if twin => {
            grant_held::grant(tx, key, decided, now)?;
            Ok(PaymentState::Planned.as_str())
        }
        Order::Applied if twin => Err(refused(
            "the other one's days are the days of both: `held cancel` closes this one; `--not-applied` plans its own",
        )),
        Order::NotApplied if forgotten => {
            // What a lost ledger had called just before lies in the ten minutes that a new one grants.
            if let Some(since) = restored_at.or((!before_ledger).then_some(now)) {
                call_is_over(since, decided.settle_window_ms, now)
                    .map_err(|error| refused(error.to_string()))?;
            }
            grant_held::released(tx, key, decided, now)
        }
        Order::Applied if forgotten => {
            grant_held::grant(tx, key, decided, now)?;
            Ok(PaymentState::Credited.as_str())
        }
        Order::Retry if forgotten => Err(refused(
            "its days may have moved: look for its key in Billing History, then `held resolve KEY --applied` or `--not-applied`",
        )),
        Order::Retry | Order::Cancel => Err(refused(format!(
            "a payment is tried again by its own events: daybridge replay plan --payment {key}"
        ))),
        Order::Applied | Order::NotApplied if restored_at.is_some() => Err(refused(
            "its channel or days are not known any more: if its key stands in Billing History, `held cancel` closes it; if not, let the provider resend what tells them",
        )),
        Order::Applied | Order::NotApplied => Err(refused(
            "it has no transfer yet, so nothing was sent: `held set` says what it is for, `held cancel` closes it",
        )),
    }
}

fn close_payment(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<&'static str, Fault> {
    let reason = storable::text(&format!("cancelled by {}: {}", decided.who, decided.reason));
    tx.execute("UPDATE payments SET decision = 'cancelled', state = 'cancelled', cause = NULL, next = NULL, reason = $1, since = $2, \
         due_decided = CASE WHEN out_known = 1 THEN COALESCE(days_due, 0) ELSE due_decided END WHERE key = $3", args![&*reason, now, key])?;
    tx.execute(
        "UPDATE deliveries SET outcome = 'ignored', reason = $1 WHERE outcome = 'held' \
         AND event IN (SELECT number FROM events WHERE payment = $2)",
        args![&*reason, key],
    )?;
    Ok(PaymentState::Cancelled.as_str())
}

fn event(tx: &mut Tx, id: &str, decided: &Decided<'_>) -> Result<&'static str, Fault> {
    let Some((source, event)) = event_named(tx, id, None)? else {
        return Err(refused(format!(
            "no transfer, payment or event is named {id}: see `daybridge held list`"
        )));
    };
    let rows = tx.all("SELECT number, held_cause FROM events WHERE event_id = $1 AND source = $2 AND held_cause IS NOT NULL", args![event, source])?;
    let (mut held, mut closed) = (Vec::new(), false);
    for row in &rows {
        held.push(row.get::<i64>("number")?);
        closed |= row.get::<HeldCause>("held_cause")? == HeldCause::Closed;
    }
    match (held.is_empty(), decided.order) {
        (true, _) => return Err(refused("the event is not held by itself; look at its payment")),
        (false, Order::Cancel) => {}
        (false, Order::Retry) if closed => {
            for number in held {
                tx.execute("UPDATE events SET closed = NULL WHERE number = $1", args![number])?;
            }
            return Ok("opened");
        }
        (false, Order::Retry) => {
            return Err(refused(format!(
                "an event is tried again by its own bytes: daybridge replay plan --event {id}"
            )));
        }
        (false, Order::Applied | Order::NotApplied) => {
            return Err(refused("an event has no outcome to settle: `held cancel` closes it"));
        }
    }
    let reason = storable::text(&format!("cancelled by {}: {}", decided.who, decided.reason));
    for number in held {
        tx.execute(
            "UPDATE events SET held_cause = NULL, held_reason = NULL, closed = $1 WHERE number = $2",
            args![&*reason, number],
        )?;
        tx.execute(
            "UPDATE deliveries SET outcome = 'ignored', reason = $1 WHERE event = $2 AND outcome = 'held'",
            args![&*reason, number],
        )?;
    }
    Ok(DeliveryOutcome::Ignored.as_str())
}

/// Only a held payment that was never granted waits for a decision; `row` holds `granted` and `decision`.
pub(in crate::ledger) fn must_be_held(row: &Row, key: &str) -> Result<(), Fault> {
    if row.get::<i64>("granted")? != 0 {
        return Err(refused(format!(
            "its days were granted: name the transfer that waits, as `daybridge payments show '{key}'` lists it"
        )));
    }
    match row.get("decision")? {
        PaymentDecision::Held => Ok(()),
        decision => Err(refused(format!("the payment is not held: it is {decision}"))),
    }
}
