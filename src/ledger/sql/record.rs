//! Intake: one delivery, one transaction.
//!
//! An event is one (source, event id, digest): a provider that says something else under an id it used
//! before has made another event. Its place ([`super::join`]) and what its payment comes to
//! ([`super::grant`]) are found anew at every recording, so that changed settings and later events are
//! taken in; what was granted stays granted and is never weighed again.

use sqlx::Row as _;

use super::{
    SqlLedger, Tx,
    fault::{Fault, corrupt},
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
    ledger::{CLOSED, DEAD, Entry, Outcome, Recorded, SourceRules},
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

impl SqlLedger {
    /// Serializable: whether a payment was granted is read before it is written, by events that may know it
    /// under different ids.
    pub(super) async fn record_once(&self, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
        let mut tx = self.serial().await?;
        let recorded = record(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(recorded)
    }

    pub(super) async fn question_once(&self) -> Result<i64, Fault> {
        let mut tx = self.plain().await?;
        let row =
            sqlx::query("UPDATE questions SET last = last + 1 RETURNING last").fetch_one(&mut *tx).await?;
        let number = row.try_get("last")?;
        tx.commit().await?;
        Ok(number)
    }
}

/// Records a delivery in a transaction that the caller commits, or, to see what would happen, does not.
pub(super) async fn record(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    match &Storable::of(entry)? {
        Some(storable) => recorded(tx, &storable.entry(entry), now).await,
        None => recorded(tx, entry, now).await,
    }
}

async fn recorded(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Recorded, Fault> {
    let event = event(tx, entry, now).await?;
    let delivery = delivery(tx, entry, event.number, now).await?;
    let outdated = entry.asked.zip(event.asked).is_some_and(|(asked, kept)| asked < kept);
    if outdated {
        let verdict = as_it_stands(&event, &delivery, "the provider's API has told more since");
        end(tx, &delivery, &verdict).await?;
        return Ok(verdict.recorded(delivery.again));
    }
    if let Some(asked) = entry.asked {
        sqlx::query("UPDATE events SET asked = $1 WHERE number = $2")
            .bind(asked)
            .bind(event.number)
            .execute(&mut **tx)
            .await?;
    }
    let verdict = match (entry.facts, entry.source) {
        (Ok(facts), Some(source)) if !entry.dead => {
            read(tx, entry, facts, source, &event, &delivery, now).await?
        }
        (facts, _) => unread(tx, entry, facts, &event, &delivery).await?,
    };
    close(tx, event.number, &delivery, &verdict).await?;
    Ok(verdict.recorded(delivery.again))
}

async fn event(tx: &mut Tx, entry: &Entry<'_>, now: Ms) -> Result<Event, Fault> {
    let envelope = entry.envelope;
    let digest = envelope::digest(&envelope.body);
    let added = sqlx::query(
        "INSERT INTO events (source, event_id, digest, event_type, content_type, received_at, recorded_at, \
         dead) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (source, event_id, digest) DO NOTHING",
    )
    .bind(&*envelope.source)
    .bind(&*envelope.event_id)
    .bind(&*digest)
    .bind(&*envelope.event_type)
    .bind(&*envelope.content_type)
    .bind(envelope.received_at_ms.min(now))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let row = sqlx::query(
        "SELECT number, dead, facts, payment, held_reason, closed, asked FROM events \
         WHERE source = $1 AND event_id = $2 AND digest = $3",
    )
    .bind(&*envelope.source)
    .bind(&*envelope.event_id)
    .bind(&*digest)
    .fetch_one(&mut **tx)
    .await?;
    let event = Event {
        number: row.try_get("number")?,
        fresh: added.rows_affected() > 0,
        dead: row.try_get::<i64, _>("dead")? != 0,
        facts: row.try_get("facts")?,
        payment: row.try_get("payment")?,
        held_reason: row.try_get("held_reason")?,
        closed: row.try_get("closed")?,
        asked: row.try_get("asked")?,
    };
    if event.fresh {
        sqlx::query("INSERT INTO bodies (event, size, zlib) VALUES ($1, $2, $3)")
            .bind(event.number)
            .bind(i64::try_from(envelope.body.len()).unwrap_or(i64::MAX))
            .bind(pack(&envelope.body)?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(event)
}

async fn delivery(tx: &mut Tx, entry: &Entry<'_>, event: i64, now: Ms) -> Result<Delivery, Fault> {
    let envelope = entry.envelope;
    let added = sqlx::query(
        "INSERT INTO deliveries (delivery, event, cause, traceparent, received_at, recorded_at, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, 'held') ON CONFLICT (delivery) DO NOTHING",
    )
    .bind(&*envelope.delivery)
    .bind(event)
    .bind(envelope.trigger.as_str())
    .bind(&*envelope.traceparent)
    // A receiver whose clock was ahead: nothing is recorded before it came.
    .bind(envelope.received_at_ms.min(now))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let row = sqlx::query("SELECT number, outcome, reason FROM deliveries WHERE delivery = $1")
        .bind(&*envelope.delivery)
        .fetch_one(&mut **tx)
        .await?;
    let word: String = row.try_get("outcome")?;
    Ok(Delivery {
        number: row.try_get("number")?,
        again: added.rows_affected() == 0,
        outcome: Outcome::parse(&word).ok_or_else(|| corrupt(format!("the outcome {word:?}")))?,
        reason: row.try_get("reason")?,
    })
}

/// What cannot be read, or comes from the dead queue. An event that was read well before stays as it is; where it may
/// say something else by now, because its provider tells all that happens to a payment by the same bytes, it is asked
/// for again.
async fn unread(
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
            sqlx::query("UPDATE events SET held_cause = $1, held_reason = $2 WHERE number = $3")
                .bind(UNFETCHED)
                .bind(&**why)
                .bind(event.number)
                .execute(&mut **tx)
                .await?;
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
    sqlx::query(
        "UPDATE events SET dead = $1, facts = $2, held_cause = $3, held_reason = $4 WHERE number = $5",
    )
    .bind(i64::from(entry.dead || event.dead))
    .bind(facts.ok().map(storable::json).transpose()?)
    .bind(cause)
    .bind(&*reason)
    .bind(event.number)
    .execute(&mut **tx)
    .await?;
    Ok(Verdict::new(Outcome::Held, Some(reason), None))
}

async fn read(
    tx: &mut Tx,
    entry: &Entry<'_>,
    facts: &Facts,
    source: &SourceRules,
    event: &Event,
    delivery: &Delivery,
    now: Ms,
) -> Result<Verdict, Fault> {
    if let Meaning::Ignored(reason) = &facts.meaning {
        store(tx, event.number, facts, event.payment.as_deref(), None).await?;
        return Ok(Verdict::new(Outcome::Ignored, Some(reason.clone()), event.payment.clone()));
    }
    if let Some(closed) = &event.closed {
        return closed_before(tx, facts, event, closed).await;
    }
    let place =
        join::place(tx, facts, &source.realm, &entry.envelope.source, event.payment.as_deref(), now).await?;
    let key = match place {
        Place::Payment(key) => key,
        Place::Held(cause, reason) => {
            store(tx, event.number, facts, None, Some((cause, &reason))).await?;
            return Ok(Verdict::new(Outcome::Held, Some(reason), None));
        }
    };
    store(tx, event.number, facts, Some(&key), None).await?;
    let weighed = grant::weigh(tx, &key, entry, source, now).await?;
    let money_in = facts.meaning.is_money_in(&source.rules.money_in);
    if let (Some(why), Standing::Before { .. }, false) =
        (&facts.unclear, &weighed.standing, weighed.days_by_person)
    {
        let reason = format!("its payment {key} was granted, and more money may have come in: {why}");
        store(tx, event.number, facts, Some(&key), Some((UNCLEAR, &reason))).await?;
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
    grant::tell_others(tx, &key, &weighed.standing, own, &source.rules.money_in).await?;
    Ok(Verdict { outcome, reason, payment: Some(key), planned: weighed.planned })
}

/// An event that a person closed says the same as then: it stays closed. Where it says something else by now, its days
/// may have moved by hand meanwhile: the person is asked again.
async fn closed_before(tx: &mut Tx, facts: &Facts, event: &Event, closed: &str) -> Result<Verdict, Fault> {
    let payment = event.payment.clone();
    if event.facts.as_deref() == Some(&*serde_json::to_string(facts)?) {
        return Ok(Verdict::new(Outcome::Ignored, Some(closed.to_owned()), payment));
    }
    let reason = format!("it was {closed}; by now it says what it did not say then");
    store(tx, event.number, facts, payment.as_deref(), Some((CLOSED, &reason))).await?;
    Ok(Verdict::new(Outcome::Held, Some(reason), payment))
}

async fn store(
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
    sqlx::query(
        "UPDATE events SET dead = 0, facts = $1, family = $2, payment = $3, held_cause = $4, \
         held_reason = $5 WHERE number = $6",
    )
    .bind(storable::json(facts)?)
    .bind(family)
    .bind(payment)
    .bind(held.map(|(cause, _)| cause))
    .bind(held.map(|(_, reason)| reason))
    .bind(number)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Along the event's deliveries, however many others are held.
pub(super) const HELD_BEFORE: &str = "UPDATE deliveries SET outcome = $1, reason = $2 \
     WHERE event = $3 AND outcome || '' = 'held' AND number <> $4";

/// Writes how the delivery ended.
async fn end(tx: &mut Tx, delivery: &Delivery, verdict: &Verdict) -> Result<(), Fault> {
    sqlx::query("UPDATE deliveries SET outcome = $1, reason = $2 WHERE number = $3")
        .bind(verdict.outcome.as_str())
        .bind(verdict.reason.as_deref())
        .bind(delivery.number)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes how the delivery ended, and what that makes of earlier deliveries of the event that were held.
async fn close(tx: &mut Tx, event: i64, delivery: &Delivery, verdict: &Verdict) -> Result<(), Fault> {
    end(tx, delivery, verdict).await?;
    let (outcome, reason) = match verdict.outcome {
        Outcome::Granted => (Outcome::Duplicate, Some("granted by a later delivery of this event")),
        other => (other, verdict.reason.as_deref()),
    };
    sqlx::query(HELD_BEFORE)
        .bind(outcome.as_str())
        .bind(reason)
        .bind(event)
        .bind(delivery.number)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
