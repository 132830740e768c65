//! From a selection, a file or another plan to a plan; a page at a time, so that its size costs no memory.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{PAGE, ReplayError, file::EventLines};
use crate::{
    domain::Ms,
    envelope::{Envelope, Trigger, new_traceparent},
    ledger::{
        Ledger, LedgerError, Plan, Selection,
        plan::{Candidate, PaymentStanding},
        view::Planned,
    },
    provider::ANSWER_TIMEOUT,
    worker::Interpreter,
};

/// Hex digits of a plan's hash.
const HASH_HEX: usize = 16;

/// Events rehearsed in one transaction: it holds locks while it lasts.
const REHEARSED_AT_ONCE: usize = 50;

/// Most earlier events of one payment that are rehearsed with a later one.
const EARLIER_MAX: u32 = 200;

/// Where a plan's events come from.
pub enum Feed<'a> {
    /// The ledger's archive.
    Selection(&'a Selection),
    /// A file of raw events.
    File(EventLines<'a>),
    /// Another plan after a position, to see whether it still holds.
    Plan(i64, i64),
}

/// Makes and keeps a plan; `None`: nothing fits.
pub async fn plan(
    ledger: &Ledger,
    interpreter: &Interpreter,
    feed: Feed<'_>,
    what: &str,
    who: &str,
    now: Ms,
) -> Result<Option<Plan>, ReplayError> {
    let (number, hash) = match draft(ledger, interpreter, feed, what, who, now).await? {
        (number, Some(hash)) => (number, hash),
        (number, None) => {
            ledger.plan_drop(number).await?;
            return Ok(None);
        }
    };
    Ok(Some(ledger.plan_finish(number, &hash, now).await?))
}

/// Makes a plan that nobody can apply yet; no hash where nothing fits.
pub(super) async fn draft(
    ledger: &Ledger,
    interpreter: &Interpreter,
    feed: Feed<'_>,
    what: &str,
    who: &str,
    now: Ms,
) -> Result<(i64, Option<String>), ReplayError> {
    let number = ledger.plan_begin(what, who, now).await?;
    let drafted =
        Draft { ledger, interpreter, number, now, digest: Sha256::new(), events: 0 }.fill(feed).await;
    match drafted {
        Ok(hash) => Ok((number, hash)),
        Err(error) => {
            ledger.plan_drop(number).await?;
            Err(error)
        }
    }
}

struct Draft<'a> {
    ledger: &'a Ledger,
    interpreter: &'a Interpreter,
    number: i64,
    now: Ms,
    digest: Sha256,
    events: u64,
}

impl Draft<'_> {
    async fn fill(mut self, feed: Feed<'_>) -> Result<Option<String>, ReplayError> {
        self.digest.update(self.number.to_be_bytes());
        self.digest.update(self.now.to_be_bytes());
        match feed {
            Feed::Selection(selection) => {
                let mut after = None;
                loop {
                    let found = self.ledger.select(selection, after.as_ref(), PAGE).await?;
                    let numbers: Vec<i64> = found.iter().map(|event| event.number).collect();
                    after = found.into_iter().last();
                    if after.is_none() {
                        break;
                    }
                    let page = self.ledger.standings(&numbers).await?;
                    self.add(page).await?;
                }
            }
            Feed::File(mut lines) => {
                while let Some(page) = lines.page(PAGE)? {
                    self.not_known_elsewhere(&page).await?;
                    self.add(page).await?;
                }
            }
            Feed::Plan(other, mut after) => loop {
                let events = self.ledger.plan_events(other, None, after, PAGE).await?;
                let Some((last, _)) = events.last() else { break };
                after = *last;
                let page = self.stand_now(events.into_iter().map(|(_, event)| event).collect()).await?;
                self.add(page).await?;
            },
        }
        let mut hash = hex::encode(self.digest.finalize());
        hash.truncate(HASH_HEX);
        Ok((self.events > 0).then_some(hash))
    }

    /// Stored events where they stand today; those from a file as they are.
    async fn stand_now(&self, events: Vec<Candidate>) -> Result<Vec<PaymentStanding>, LedgerError> {
        let numbers: Vec<i64> = events.iter().filter_map(|event| event.number).collect();
        let mut standings = self.ledger.standings(&numbers).await?;
        let files = events.into_iter().filter(|event| event.number.is_none());
        standings.extend(files.map(|candidate| PaymentStanding { candidate, skip: None }));
        Ok(standings)
    }

    /// An event of a file that was recorded from a source of another realm would be another payment here, and be
    /// credited once more.
    async fn not_known_elsewhere(&self, page: &[PaymentStanding]) -> Result<(), ReplayError> {
        let Some(first) = page.first() else { return Ok(()) };
        let source = &first.candidate.source;
        let others = self.interpreter.other_realms(source);
        let ids: Vec<String> = page.iter().map(|standing| standing.candidate.event_id.clone()).collect();
        match self.ledger.recorded(&others, &ids).await?.into_iter().next() {
            Some(event) => Err(ReplayError::Elsewhere { event, named: source.clone() }),
            None => Ok(()),
        }
    }

    async fn add(&mut self, page: Vec<PaymentStanding>) -> Result<(), ReplayError> {
        let mut unsure: Vec<usize> = Vec::new();
        let mut planned: Vec<Option<Planned>> = Vec::new();
        let mut events: Vec<Candidate> = Vec::new();
        for (index, standing) in page.into_iter().enumerate() {
            // What its provider's API answers today may be something else than what is recorded.
            let asks =
                standing.candidate.number.is_some() && self.interpreter.fetches(&standing.candidate.source);
            let skip = standing.skip.filter(|_| !asks);
            if skip.is_none() {
                unsure.push(index);
            }
            planned.push(skip);
            events.push(standing.candidate);
        }
        for some in unsure.chunks(REHEARSED_AT_ONCE) {
            let chosen: Vec<Candidate> =
                some.iter().filter_map(|index| events.get(*index)).cloned().collect();
            let rehearsed = self.rehearse(&chosen).await?;
            for (index, one) in some.iter().zip(rehearsed) {
                if let Some(event) = events.get_mut(*index) {
                    event.payment.clone_from(&one.payment);
                }
                if let Some(place) = planned.get_mut(*index) {
                    *place = Some(one);
                }
            }
            let begun = events.get(..some.first().copied().unwrap_or(0)).unwrap_or_default();
            let together = self.together(some, &events, begun).await?;
            for index in some {
                let alone = planned.get(*index).and_then(Option::as_ref);
                if alone.is_some_and(|alone| together.contains_key(&alone.payment))
                    && let Some(place) = planned.get_mut(*index)
                {
                    *place = None;
                }
            }
            planned.extend(together.into_values().flatten().map(Some));
        }
        let planned: Vec<Planned> = planned.into_iter().flatten().collect();
        events.retain(|event| event.number.is_some() || event.body.is_some());
        let said = (
            events.iter().map(|event| (&event.source, &event.event_id)).collect::<Vec<_>>(),
            planned
                .iter()
                .map(|one| (&one.payment, &one.verdict, &one.channel, one.days))
                .collect::<Vec<_>>(),
        );
        self.digest.update(serde_json::to_vec(&said).map_err(|e| LedgerError::Corrupt(e.to_string()))?);
        self.events = self.events.saturating_add(u64::try_from(events.len()).unwrap_or(0));
        self.ledger.plan_add(self.number, &events, &planned).await?;
        Ok(())
    }

    /// Payments of which earlier events of the plan say something as well: all of them in one rehearsal, whose word
    /// counts instead of what the later ones came to alone.
    async fn together(
        &self,
        some: &[usize],
        events: &[Candidate],
        begun: &[Candidate],
    ) -> Result<BTreeMap<String, Vec<Planned>>, LedgerError> {
        let mut payments: BTreeMap<&str, Vec<Candidate>> = BTreeMap::new();
        for event in some.iter().filter_map(|index| events.get(*index)) {
            payments.entry(&event.payment).or_default().push(event.clone());
        }
        let mut planned = BTreeMap::new();
        for (payment, own) in payments {
            let earlier = self.ledger.plan_events(self.number, Some(payment), 0, EARLIER_MAX).await?;
            let mut all: Vec<Candidate> = earlier.into_iter().map(|(_, event)| event).collect();
            all.extend(begun.iter().filter(|event| event.payment == payment).cloned());
            if !all.is_empty() {
                all.extend(own);
                planned.insert(payment.to_owned(), self.rehearse(&all).await?);
            }
        }
        Ok(planned)
    }

    async fn rehearse(&self, events: &[Candidate]) -> Result<Vec<Planned>, LedgerError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut envelopes = Vec::with_capacity(events.len());
        for (place, event) in events.iter().enumerate() {
            let mut envelope = envelope(self.ledger, event, self.now).await?;
            envelope.trigger = Trigger::Replay;
            envelope.delivery = format!("rehearsal-{}-{place}", self.number);
            envelopes.push(envelope);
        }
        let mut facts = Vec::with_capacity(envelopes.len());
        for envelope in &envelopes {
            facts.push(self.interpreter.read(envelope, ANSWER_TIMEOUT).await);
        }
        let entries: Vec<_> = envelopes
            .iter()
            .zip(&facts)
            .map(|(envelope, facts)| self.interpreter.entry(envelope, facts, false))
            .collect();
        self.ledger.rehearse(&entries, self.now).await
    }
}

/// The event as it was received, or as it stood in the file.
pub(super) async fn envelope(ledger: &Ledger, event: &Candidate, now: Ms) -> Result<Envelope, LedgerError> {
    if let Some(body) = &event.body {
        return Ok(Envelope {
            body: body.clone().into(),
            content_type: "application/json".into(),
            source: event.source.clone(),
            event_id: event.event_id.clone(),
            event_type: event.event_type.clone(),
            received_at_ms: now,
            delivery: String::new(),
            trigger: Trigger::Replay,
            traceparent: new_traceparent(),
        });
    }
    let numbers: Vec<i64> = event.number.into_iter().collect();
    let found = ledger.envelopes(&numbers).await?.pop();
    found.ok_or_else(|| LedgerError::Refused(format!("event {} is not stored", event.event_id)))
}
