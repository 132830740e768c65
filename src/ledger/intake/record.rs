//! Intake: one delivery, one transaction.
//!
//! An event is one (source, event id, digest): a provider that says something else under an id it used before has made
//! another event. Its payment ([`super::identity`]) and what that comes to ([`super::payment`]) are found anew at every
//! recording, so that changed settings and later events are taken in; what was granted stays granted.

use super::{
    agreement, contacts,
    events::{self, Ending, Says},
    identity::{self, Identity, Place},
    late_money::LateMoney,
    payment::{self, Updated},
    recording::Recording,
    seen::{self, Event, Seen},
    stored::Disposition,
};
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PaymentState},
        facts::{Facts, Family, Meaning, Unread},
        payment::reversal::only_asks,
    },
    ledger::{
        Claim, DeliveryOutcome, Entry, Ledger, LedgerError, Recorded,
        db::{Fault, Tx, args},
        storable::Storable,
    },
};

/// How a recording ended.
struct Verdict {
    event: i64,
    outcome: DeliveryOutcome,
    reason: Option<String>,
    payment: Option<String>,
    planned: Option<String>,
    claim: Option<Claim>,
}

impl Verdict {
    fn new(event: i64, outcome: DeliveryOutcome, reason: Option<String>, payment: Option<String>) -> Self {
        Self { event, outcome, reason, payment, planned: None, claim: None }
    }

    fn ending(&self) -> Ending<'_> {
        Ending { event: self.event, outcome: self.outcome, reason: self.reason.as_deref() }
    }

    fn recorded(self, again: bool) -> Recorded {
        let Self { outcome, reason, payment, planned, claim, .. } = self;
        Recorded { outcome, reason, payment, planned, claim, again }
    }
}

/// Of a delivery that changes nothing of its event.
fn as_it_stands(event: &Event, seen: &Seen, why: &str) -> Verdict {
    let payment = event.payment.clone();
    match (&event.held_reason, &seen.delivery) {
        (_, Some(before)) => Verdict::new(event.number, before.outcome, before.reason.clone(), payment),
        (Some(reason), None) => {
            Verdict::new(event.number, DeliveryOutcome::Held, Some(reason.clone()), payment)
        }
        (None, None) => Verdict::new(event.number, DeliveryOutcome::Duplicate, Some(why.to_owned()), payment),
    }
}

impl Ledger {
    /// Records one delivery in one transaction: the delivery, the event, its payment and aliases, the
    /// decision, and the transfer if one is granted. Recording the same delivery again changes nothing but
    /// takes in what changed settings make of it.
    pub async fn record(&self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, LedgerError> {
        let entry = entry.kept();
        self.db.write(move |tx| tx.record(&entry.lent(), now)).await
    }

    /// A number for a question to a provider's API that is about to be asked: larger than that of every question that
    /// began before, at whichever worker. Rejected: the workers' clocks, of which one may be behind.
    pub async fn question(&self) -> Result<i64, LedgerError> {
        self.db.write(move |tx| tx.question()).await
    }
}

impl Tx {
    pub(in crate::ledger) fn record(&mut self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
        let recorded = record(self, entry, now)?;
        self.commit();
        Ok(recorded)
    }

    pub(in crate::ledger) fn question(&mut self) -> Result<i64, Fault> {
        let row = self.one("UPDATE questions SET last = last + 1 RETURNING last", args![])?;
        let number = row.get("last")?;
        self.commit();
        Ok(number)
    }
}

/// Records a delivery in a transaction that the caller commits, or, to see what would happen, does not.
pub(in crate::ledger) fn record(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    match &Storable::of(entry)? {
        Some(storable) => recorded(tx, &storable.entry(entry), now),
        None => recorded(tx, entry, now),
    }
}

fn recorded(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    let seen = seen::look(tx, entry)?;
    let again = seen.delivery.is_some();
    if let (Some(asked), Some(event)) = (entry.asked, &seen.event) {
        if event.asked.is_some_and(|kept| asked < kept) {
            let verdict = as_it_stands(event, &seen, "the provider's API has told more since");
            events::end(tx, entry, seen.delivery.as_ref(), &verdict.ending(), now)?;
            return Ok(verdict.recorded(again));
        }
        tx.send("UPDATE events SET asked = $1 WHERE number = $2", args![asked, event.number])?;
    }
    let verdict = match (entry.facts, entry.source) {
        (Ok(facts), Some(source)) if !entry.dead => {
            read(tx, &Recording { entry, facts, source, seen: &seen, now })?
        }
        (facts, _) => unread(tx, entry, facts, &seen, now)?,
    };
    events::end(tx, entry, seen.delivery.as_ref(), &verdict.ending(), now)?;
    events::end_held_before(tx, &seen, &verdict.ending())?;
    if let (Ok(facts), Some(source)) = (entry.facts, entry.source) {
        contacts::keep(tx, facts, &source.realm, now)?;
    }
    Ok(verdict.recorded(again))
}

/// What cannot be read, or comes from the dead queue. An event that was read well before stays as it is; where it may
/// say something else by now, because its provider tells all that happens to a payment by the same bytes, it is asked
/// for again.
fn unread(
    tx: &mut Tx,
    entry: &Entry<'_>,
    facts: Result<&Facts, &Unread>,
    seen: &Seen,
    now: Ms,
) -> Result<Verdict, Fault> {
    if let Some(event) = &seen.event {
        let (number, payment) = (event.number, event.payment.clone());
        if let Some(closed) = &event.closed {
            return Ok(Verdict::new(number, DeliveryOutcome::Ignored, Some(closed.clone()), payment));
        }
        if event.facts.is_some() && !event.dead {
            let (Err(Unread::Unfetched(why)), false) = (facts, entry.dead) else {
                return Ok(as_it_stands(event, seen, "recorded before"));
            };
            tx.send(
                "UPDATE events SET held_cause = $1, held_reason = $2 WHERE number = $3",
                args![HeldCause::Unfetched, &**why, number],
            )?;
            return Ok(Verdict::new(number, DeliveryOutcome::Held, Some(why.clone()), payment));
        }
    }
    let (cause, reason) = match (entry.dead, facts) {
        (true, Ok(_)) => {
            (HeldCause::Dead, "the worker failed on it over and over, so it went to the dead queue".into())
        }
        (true, Err(error)) => {
            (HeldCause::Dead, format!("it went to the dead queue, and it cannot be read: {error}"))
        }
        (false, Err(why)) => (why.cause(), why.to_string()),
        (false, Ok(_)) => (HeldCause::Unreadable, "its source is not in the settings".to_owned()),
    };
    let says = Says {
        dead: entry.dead || seen.event.as_ref().is_some_and(|event| event.dead),
        facts: facts.ok(),
        held: Some((cause, &reason)),
        ..Says::default()
    };
    let number = events::keep(tx, entry, seen.event.as_ref(), &says, now)?;
    Ok(Verdict::new(number, DeliveryOutcome::Held, Some(reason), None))
}

fn read(tx: &mut Tx, recording: &Recording<'_>) -> Result<Verdict, Fault> {
    let Recording { facts, source, seen, entry, now } = *recording;
    if let Meaning::Ignored(reason) = &facts.meaning {
        return ignored(tx, recording, reason);
    }
    if let Some(event) = &seen.event
        && let Some(closed) = &event.closed
    {
        return closed_before(tx, recording, event, closed);
    }
    match identity::place(tx, entry, facts, &source.realm, seen, now)? {
        Place::Payment(identity) => of_payment(tx, recording, identity),
        Place::Held(cause, reason) => {
            let number = keep(tx, recording, None, Some((cause, &reason)))?;
            Ok(Verdict::new(number, DeliveryOutcome::Held, Some(reason), None))
        }
    }
}

/// Keeps an event that was read, with its payment and what it is held for.
fn keep(
    tx: &mut Tx,
    recording: &Recording<'_>,
    payment: Option<&str>,
    held: Option<(HeldCause, &str)>,
) -> Result<i64, Fault> {
    let Recording { facts, seen, entry, now, .. } = *recording;
    let says = Says { dead: false, facts: Some(facts), payment, held };
    events::keep(tx, entry, seen.event.as_ref(), &says, now)
}

fn ignored(tx: &mut Tx, recording: &Recording<'_>, reason: &str) -> Result<Verdict, Fault> {
    let current = recording.seen.event.as_ref().and_then(|event| event.payment.clone());
    let number = keep(tx, recording, current.as_deref(), None)?;
    agreement::keep(tx, recording, None)?;
    Ok(Verdict::new(number, DeliveryOutcome::Ignored, Some(reason.to_owned()), current))
}

/// Of an event that a person closed. Where it says something else by now, its days may have moved by hand meanwhile: the
/// person is asked again.
fn closed_before(
    tx: &mut Tx,
    recording: &Recording<'_>,
    event: &Event,
    closed: &str,
) -> Result<Verdict, Fault> {
    let current = event.payment.clone();
    if says_the_same(event.facts.as_deref(), recording.facts)? {
        return Ok(Verdict::new(event.number, DeliveryOutcome::Ignored, Some(closed.to_owned()), current));
    }
    let reason = format!("it was {closed}; by now it says what it did not say then");
    let number = keep(tx, recording, current.as_deref(), Some((HeldCause::Closed, &reason)))?;
    Ok(Verdict::new(number, DeliveryOutcome::Held, Some(reason), current))
}

fn of_payment(tx: &mut Tx, recording: &Recording<'_>, identity: Identity) -> Result<Verdict, Fault> {
    let key = identity.key.clone();
    let known = identity.stored || recording.seen.event.is_some();
    let number = keep(tx, recording, Some(&key), None)?;
    let updated = payment::update(tx, recording, identity)?;
    agreement::keep(tx, recording, Some(&key))?;
    if let (Some(why), Disposition::Before { .. }, false) =
        (&recording.facts.unclear, &updated.disposition, updated.days_by_person)
    {
        return unclear(tx, number, key, why);
    }
    let (outcome, reason) = outcome(recording, &updated);
    if known {
        update_known(tx, recording, &key, &updated.disposition)?;
    }
    let Updated { planned, claim, .. } = updated;
    Ok(Verdict { event: number, outcome, reason, payment: Some(key), planned, claim })
}

/// Of an event whose payment was granted, and which may have brought more money.
fn unclear(tx: &mut Tx, number: i64, key: String, why: &str) -> Result<Verdict, Fault> {
    let reason = format!("its payment {key} was granted, and more money may have come in: {why}");
    tx.send(
        "UPDATE events SET held_cause = $1, held_reason = $2 WHERE number = $3",
        args![HeldCause::Unclear, reason, number],
    )?;
    Ok(Verdict::new(number, DeliveryOutcome::Held, Some(reason), Some(key)))
}

/// Takes the disposition to the deliveries of a payment that was known before this event.
fn update_known(
    tx: &mut Tx,
    recording: &Recording<'_>,
    key: &str,
    disposition: &Disposition,
) -> Result<(), Fault> {
    let Recording { facts, source, seen, .. } = *recording;
    let own = seen.delivery.as_ref().map(|delivery| delivery.number);
    let granted_now = matches!(disposition, Disposition::Now);
    let money_in = facts.meaning.is_money_in(&source.rules.money_in);
    let granted = (granted_now && !money_in).then_some(&source.rules.money_in);
    update_deliveries(tx, key, disposition, own.filter(|_| money_in), granted)
}

/// Whether an event says of its payment what it said before. Those that were stored before agreements were read tell of
/// none.
fn says_the_same(before: Option<&str>, facts: &Facts) -> Result<bool, Fault> {
    let Some(before) = before else { return Ok(false) };
    let before: Facts = serde_json::from_str(before)?;
    Ok(before.of_the_grant() == facts.clone().of_the_grant())
}

/// How the delivery of an event that was read ends.
fn outcome(recording: &Recording<'_>, updated: &Updated) -> (DeliveryOutcome, Option<String>) {
    let Recording { facts, source, seen, .. } = recording;
    let note = updated.note.clone();
    let before = seen.delivery.as_ref();
    match (&facts.meaning, &updated.disposition) {
        (Meaning::MoneyOut, _) if only_asks(facts) => {
            (DeliveryOutcome::Refund, Some("the payer's bank asks about it; no money was taken".to_owned()))
        }
        (Meaning::MoneyOut, _) => {
            (DeliveryOutcome::Refund, note.or_else(|| before.and_then(|before| before.reason.clone())))
        }
        _ if !facts.meaning.is_money_in(&source.rules.money_in) => (DeliveryOutcome::Link, None),
        (_, Disposition::Before { settled }) => match (updated.late, before) {
            (Some(LateMoney::Moves), _) => (DeliveryOutcome::Granted, note),
            (Some(LateMoney::Waits), _) => (DeliveryOutcome::Held, note),
            (Some(LateMoney::Nothing), _) => (DeliveryOutcome::Duplicate, note),
            (None, Some(before)) if before.outcome != DeliveryOutcome::Held => {
                (before.outcome, before.reason.clone())
            }
            (None, _) => {
                let skipped = if seen.event.is_none() { "" } else { "skipped: " };
                let state = if *settled { PaymentState::Credited } else { PaymentState::Planned };
                (DeliveryOutcome::Duplicate, Some(format!("{skipped}already {state}")))
            }
        },
        (_, Disposition::Now) => (DeliveryOutcome::Granted, None),
        (_, Disposition::Held(reason)) => (DeliveryOutcome::Held, Some(reason.clone())),
        (_, Disposition::Nothing(reason)) => (DeliveryOutcome::Ignored, Some(reason.clone())),
        (_, Disposition::Linked) => (DeliveryOutcome::Link, None),
    }
}

/// Takes a payment's disposition to the deliveries of its events that were held for it. `own`: the delivery of a granting
/// event that is being recorded is the one that granted; else, where `granted` names the family, the first of them is.
pub(in crate::ledger) fn update_deliveries(
    tx: &mut Tx,
    payment: &str,
    disposition: &Disposition,
    own: Option<i64>,
    granted: Option<&Family>,
) -> Result<(), Fault> {
    let (outcome, reason) = match disposition {
        // Its events were held as long as it was another payment, which has become a part of this one.
        Disposition::Before { settled: true } => (DeliveryOutcome::Duplicate, Some("already credited")),
        Disposition::Before { settled: false } | Disposition::Now => {
            (DeliveryOutcome::Duplicate, Some("already planned"))
        }
        Disposition::Held(reason) => (DeliveryOutcome::Held, Some(reason.as_str())),
        Disposition::Nothing(reason) => (DeliveryOutcome::Ignored, Some(reason.as_str())),
        Disposition::Linked => (DeliveryOutcome::Link, None),
    };
    if let Some(family) = granted {
        events::first_granted(tx, payment, family)?;
    }
    events::update_held(tx, payment, outcome, reason, own)
}
