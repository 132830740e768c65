//! Intake: one delivery, one transaction.
//!
//! An event is one (source, event id, digest): a provider that says something else under an id it used
//! before has made another event. Its place ([`super::join`]) and what its payment comes to
//! ([`super::grant`]) are found anew at every recording, so that changed settings and later events are
//! taken in; what was granted stays granted and is never weighed again.

use super::{
    grant::{self, Standing},
    join::{self, Place},
    more::More,
    storable::{self, Storable},
    zlib::pack,
};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        facts::{Facts, Meaning, UNFETCHED, Unread},
        hold::UNCLEAR,
        money_out::only_asks,
    },
    envelope,
    ledger::{
        CLOSED, DEAD, Entry, Outcome, Recorded, SourceRules,
        db::{Fault, Tx, args, fault::corrupt},
    },
};

/// What is stored of the event before this recording.
struct Event {
    number: i64,
    fresh: bool,
    dead: bool,
    facts: Option<String>,
    payment: Option<String>,
    held_reason: Option<String>,
    /// By whom it was closed, and why.
    closed: Option<String>,
    /// The question whose answer is stored.
    asked: Option<i64>,
}

/// What is stored of the delivery before this recording.
struct Delivery {
    number: i64,
    again: bool,
    outcome: Outcome,
    reason: Option<String>,
}

/// How a recording ended.
struct Verdict {
    outcome: Outcome,
    reason: Option<String>,
    payment: Option<String>,
    planned: Option<String>,
}

impl Verdict {
    fn new(outcome: Outcome, reason: Option<String>, payment: Option<String>) -> Self {
        Self { outcome, reason, payment, planned: None }
    }

    fn recorded(self, again: bool) -> Recorded {
        let Self { outcome, reason, payment, planned } = self;
        Recorded { outcome, reason, payment, planned, again }
    }
}

/// Of a delivery that changes nothing of its event.
fn as_it_stands(event: &Event, delivery: &Delivery, why: &str) -> Verdict {
    let payment = event.payment.clone();
    match (&event.held_reason, delivery.again) {
        (_, true) => Verdict::new(delivery.outcome, delivery.reason.clone(), payment),
        (Some(reason), false) => Verdict::new(Outcome::Held, Some(reason.clone()), payment),
        (None, false) => Verdict::new(Outcome::Duplicate, Some(why.to_owned()), payment),
    }
}

impl Tx {
    /// Serializable: whether a payment was granted is read before it is written, by events that may know it
    /// under different ids.
    pub(super) fn record(&mut self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
        let recorded = record(self, entry, now)?;
        self.commit();
        Ok(recorded)
    }

    pub(super) fn question(&mut self) -> Result<i64, Fault> {
        let row = self.one("UPDATE questions SET last = last + 1 RETURNING last", args![])?;
        let number = row.get("last")?;
        self.commit();
        Ok(number)
    }
}

/// Records a delivery in a transaction that the caller commits, or, to see what would happen, does not.
pub(super) fn record(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    match &Storable::of(entry)? {
        Some(storable) => recorded(tx, &storable.entry(entry), now),
        None => recorded(tx, entry, now),
    }
}

fn recorded(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    let event = event(tx, entry, now)?;
    let delivery = delivery(tx, entry, event.number, now)?;
    let outdated = entry.asked.zip(event.asked).is_some_and(|(asked, kept)| asked < kept);
    if outdated {
        let verdict = as_it_stands(&event, &delivery, "the provider's API has told more since");
        end(tx, &delivery, &verdict)?;
        return Ok(verdict.recorded(delivery.again));
    }
    if let Some(asked) = entry.asked {
        tx.execute("UPDATE events SET asked = $1 WHERE number = $2", args![asked, event.number])?;
    }
    let verdict = match (entry.facts, entry.source) {
        (Ok(facts), Some(source)) if !entry.dead => read(tx, entry, facts, source, &event, &delivery, now)?,
        (facts, _) => unread(tx, entry, facts, &event, &delivery)?,
    };
    close(tx, event.number, &delivery, &verdict)?;
    Ok(verdict.recorded(delivery.again))
}

fn event(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Event, Fault> {
    let envelope = entry.envelope;
    let digest = envelope::digest(&envelope.body);
    let added = tx.execute(
        "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, \
         dead) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (source, event_id, digest) DO NOTHING",
        args![
            &*envelope.source,
            &*envelope.event_id,
            &*digest,
            &*envelope.event_type,
            &*envelope.content_type,
            envelope.received_at_ms.min(now),
            now
        ],
    )?;
    let row = tx.one(
        "SELECT number, dead, facts, payment, held_reason, closed, asked FROM events \
         WHERE source = $1 AND event_id = $2 AND digest = $3",
        args![&*envelope.source, &*envelope.event_id, &*digest],
    )?;
    let event = Event {
        number: row.get("number")?,
        fresh: added > 0,
        dead: row.get::<i64>("dead")? != 0,
        facts: row.get("facts")?,
        payment: row.get("payment")?,
        held_reason: row.get("held_reason")?,
        closed: row.get("closed")?,
        asked: row.get("asked")?,
    };
    if event.fresh {
        tx.execute(
            "INSERT INTO bodies (event, size, zlib) VALUES ($1, $2, $3)",
            args![
                event.number,
                i64::try_from(envelope.body.len()).unwrap_or(i64::MAX),
                pack(&envelope.body)?
            ],
        )?;
    }
    Ok(event)
}

fn delivery(tx: &mut Tx, entry: &Entry<'_>, event: i64, now: Ms) -> Result<Delivery, Fault> {
    let envelope = entry.envelope;
    // A receiver whose clock was ahead: nothing is recorded before it came.
    let received_at = envelope.received_at_ms.min(now);
    let added = tx.execute(
        "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, 'held') ON CONFLICT (delivery) DO NOTHING",
        args![
            &*envelope.delivery,
            event,
            envelope.trigger.as_str(),
            &*envelope.traceparent,
            received_at,
            now
        ],
    )?;
    let row = tx.one(
        "SELECT number, outcome, reason FROM deliveries WHERE delivery = $1",
        args![&*envelope.delivery],
    )?;
    let word: String = row.get("outcome")?;
    Ok(Delivery {
        number: row.get("number")?,
        again: added == 0,
        outcome: Outcome::parse(&word).ok_or_else(|| corrupt(format!("the outcome {word:?}")))?,
        reason: row.get("reason")?,
    })
}

/// What cannot be read, or comes from the dead queue. An event that was read well before stays as it is; where it may
/// say something else by now, because its provider tells all that happens to a payment by the same bytes, it is asked
/// for again.
fn unread(
    tx: &mut Tx,
    entry: &Entry<'_>,
    facts: Result<&Facts, &Unread>,
    event: &Event,
    delivery: &Delivery,
) -> Result<Verdict, Fault> {
    if let Some(closed) = &event.closed {
        return Ok(Verdict::new(Outcome::Ignored, Some(closed.clone()), event.payment.clone()));
    }
    if event.facts.is_some() && !event.dead {
        if let (Err(Unread::Unfetched(why)), false) = (facts, entry.dead) {
            tx.execute(
                "UPDATE events SET held_cause = $1, held_reason = $2 WHERE number = $3",
                args![UNFETCHED, &**why, event.number],
            )?;
            return Ok(Verdict::new(Outcome::Held, Some(why.clone()), event.payment.clone()));
        }
        return Ok(as_it_stands(event, delivery, "recorded before"));
    }
    let (cause, reason) = match (entry.dead, facts) {
        (true, Ok(_)) => (DEAD, "the worker failed on it over and over, so it went to the dead queue".into()),
        (true, Err(error)) => (DEAD, format!("it went to the dead queue, and it cannot be read: {error}")),
        (false, Err(why)) => (why.cause(), why.to_string()),
        (false, Ok(_)) => (HeldCause::Unreadable.as_str(), "its source is not in the settings".to_owned()),
    };
    tx.execute(
        "UPDATE events SET dead = $1, facts = $2, held_cause = $3, held_reason = $4 WHERE number = $5",
        args![
            i64::from(entry.dead || event.dead),
            facts.ok().map(storable::json).transpose()?,
            cause,
            &*reason,
            event.number
        ],
    )?;
    Ok(Verdict::new(Outcome::Held, Some(reason), None))
}

fn read(
    tx: &mut Tx,
    entry: &Entry<'_>,
    facts: &Facts,
    source: &SourceRules,
    event: &Event,
    delivery: &Delivery,
    now: Ms,
) -> Result<Verdict, Fault> {
    if let Meaning::Ignored(reason) = &facts.meaning {
        store(tx, event.number, facts, event.payment.as_deref(), None)?;
        return Ok(Verdict::new(Outcome::Ignored, Some(reason.clone()), event.payment.clone()));
    }
    if let Some(closed) = &event.closed {
        return closed_before(tx, facts, event, closed);
    }
    let place = join::place(tx, facts, &source.realm, &entry.envelope.source, event.payment.as_deref(), now)?;
    let key = match place {
        Place::Payment(key) => key,
        Place::Held(cause, reason) => {
            store(tx, event.number, facts, None, Some((cause, &reason)))?;
            return Ok(Verdict::new(Outcome::Held, Some(reason), None));
        }
    };
    store(tx, event.number, facts, Some(&key), None)?;
    let weighed = grant::weigh(tx, &key, entry, source, now)?;
    let money_in = facts.meaning.is_money_in(&source.rules.money_in);
    if let (Some(why), Standing::Before { .. }, false) =
        (&facts.unclear, &weighed.standing, weighed.days_by_person)
    {
        let reason = format!("its payment {key} was granted, and more money may have come in: {why}");
        store(tx, event.number, facts, Some(&key), Some((UNCLEAR, &reason)))?;
        return Ok(Verdict::new(Outcome::Held, Some(reason), Some(key)));
    }
    let (outcome, reason) = match (&facts.meaning, &weighed.standing) {
        (Meaning::MoneyOut, _) if only_asks(facts) => {
            (Outcome::Refund, Some("the payer's bank asks about it; no money was taken".to_owned()))
        }
        (Meaning::MoneyOut, _) => {
            let told_before = delivery.reason.clone().filter(|_| delivery.again);
            (Outcome::Refund, weighed.note.clone().or(told_before))
        }
        _ if !money_in => (Outcome::Link, None),
        (_, Standing::Before { .. }) if weighed.more.is_some() => match weighed.more {
            Some(More::Moves) => (Outcome::Granted, weighed.note.clone()),
            Some(More::Waits) => (Outcome::Held, weighed.note.clone()),
            Some(More::Nothing) | None => (Outcome::Duplicate, weighed.note.clone()),
        },
        (_, Standing::Now) => (Outcome::Granted, None),
        (_, Standing::Before { .. }) if delivery.again && delivery.outcome != Outcome::Held => {
            (delivery.outcome, delivery.reason.clone())
        }
        (_, Standing::Before { settled }) => {
            let skipped = if event.fresh { "" } else { "skipped: " };
            let word = if *settled { "credited" } else { "planned" };
            (Outcome::Duplicate, Some(format!("{skipped}already {word}")))
        }
        (_, Standing::Held(reason)) => (Outcome::Held, Some(reason.clone())),
        (_, Standing::Nothing(reason)) => (Outcome::Ignored, Some(reason.clone())),
        (_, Standing::Linked) => (Outcome::Link, None),
    };
    let own = money_in.then_some(delivery.number);
    grant::tell_others(tx, &key, &weighed.standing, own, &source.rules.money_in)?;
    Ok(Verdict { outcome, reason, payment: Some(key), planned: weighed.planned })
}

/// An event that a person closed says the same as then: it stays closed. Where it says something else by now, its days
/// may have moved by hand meanwhile: the person is asked again.
fn closed_before(tx: &mut Tx, facts: &Facts, event: &Event, closed: &str) -> Result<Verdict, Fault> {
    let payment = event.payment.clone();
    if event.facts.as_deref() == Some(&*serde_json::to_string(facts)?) {
        return Ok(Verdict::new(Outcome::Ignored, Some(closed.to_owned()), payment));
    }
    let reason = format!("it was {closed}; by now it says what it did not say then");
    store(tx, event.number, facts, payment.as_deref(), Some((CLOSED, &reason)))?;
    Ok(Verdict::new(Outcome::Held, Some(reason), payment))
}

fn store(
    tx: &mut Tx,
    number: i64,
    facts: &Facts,
    payment: Option<&str>,
    held: Option<(&str, &str)>,
) -> Result<(), Fault> {
    let family = match &facts.meaning {
        Meaning::MoneyIn(family) => Some(family.as_str()),
        Meaning::Link | Meaning::MoneyOut | Meaning::Ignored(_) => None,
    };
    tx.execute(
        "UPDATE events SET dead = 0, facts = $1, family = $2, payment = $3, held_cause = $4, \
         held_reason = $5 WHERE number = $6",
        args![
            storable::json(facts)?,
            family,
            payment,
            held.map(|(cause, _)| cause),
            held.map(|(_, reason)| reason),
            number
        ],
    )?;
    Ok(())
}

/// Along the event's deliveries, however many others are held.
pub(super) const HELD_BEFORE: &str = "UPDATE deliveries SET outcome = $1, reason = $2 \
     WHERE event = $3 AND outcome || '' = 'held' AND number <> $4";

/// Writes how the delivery ended.
fn end(tx: &mut Tx, delivery: &Delivery, verdict: &Verdict) -> Result<(), Fault> {
    tx.execute(
        "UPDATE deliveries SET outcome = $1, reason = $2 WHERE number = $3",
        args![verdict.outcome.as_str(), verdict.reason.as_deref(), delivery.number],
    )?;
    Ok(())
}

/// Writes how the delivery ended, and what that makes of earlier deliveries of the event that were held.
fn close(tx: &mut Tx, event: i64, delivery: &Delivery, verdict: &Verdict) -> Result<(), Fault> {
    end(tx, delivery, verdict)?;
    let (outcome, reason) = match verdict.outcome {
        Outcome::Granted => (Outcome::Duplicate, Some("granted by a later delivery of this event")),
        other => (other, verdict.reason.as_deref()),
    };
    tx.execute(HELD_BEFORE, args![outcome.as_str(), reason, event, delivery.number])?;
    Ok(())
}
