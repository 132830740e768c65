//! The payment of an event, brought up to date with it: load, evaluate, detect a duplicate, store, schedule, reverse.

use std::collections::BTreeSet;

use super::{
    duplicate,
    evaluate::{Evaluated, evaluate},
    grant::FirstTransfer,
    identity::{self, Identity},
    late_money::{self, LateMoney},
    names::{Space, ids, name},
    recording::Recording,
    reversal::{self, Reversed},
    seen::channel_lock,
    stored::{Disposition, Stored, facts_of, load, store},
};
use crate::{
    domain::{
        facts::Facts,
        id::ChannelId,
        payment::{
            Decision, covers,
            directory::{Directory, asked},
            reversal::tells,
            sold,
        },
        settle::State,
    },
    ledger::{
        Claim,
        db::{Fault, Tx},
        directory::known,
        settle::{queue, slices},
    },
};

/// What became of a payment.
pub(super) struct Updated {
    pub(super) disposition: Disposition,
    /// The transfer that it planned, or planned again.
    pub(super) planned: Option<String>,
    /// Its channel, taken for who records.
    pub(super) claim: Option<Claim>,
    /// What became of money that went out, or came in after the grant, in a sentence.
    pub(super) note: Option<String>,
    /// A person has said how many days it is for.
    pub(super) days_by_person: bool,
    /// What money does that came in after the grant; `None`: none did.
    pub(super) late: Option<LateMoney>,
}

/// Grants a payment's days if its events come to that and they were not granted before. Of what was granted, or closed
/// by a person, only the money is looked at.
pub(super) fn update(tx: &mut Tx, recording: &Recording<'_>, identity: Identity) -> Result<Updated, Fault> {
    let mut stored = load(tx, recording, &identity)?;
    if let Some(disposition) = stored.decided.take() {
        return update_decided(tx, recording, &identity.key, &stored, disposition);
    }
    let events = match identity.stored {
        true => facts_of(tx, &identity.key)?,
        false => vec![recording.facts.clone()],
    };
    stored.corrections.directory = directory(tx, recording, &stored, &events)?;
    let evaluated = evaluate(&events, &recording.source.rules, &stored.corrections, &stored.memory);
    let (identity, duplicate) = detect(tx, recording, identity, &evaluated, &events)?;
    let decision = duplicate.as_ref().unwrap_or(&evaluated.decision);
    let disposition = store(tx, recording, &identity, &evaluated, decision)?;
    let (planned, claim) = match decision {
        Decision::Grant { channel, days } => {
            schedule(tx, recording, &identity.key, channel, (*days, evaluated.slice))?
        }
        _ => (None, None),
    };
    let note = match stored.reversed || events.iter().any(tells) {
        true => reverse(tx, recording, &identity.key, &evaluated, &disposition, &events)?,
        false => None,
    };
    let days_by_person = stored.corrections.days.is_some();
    Ok(Updated { disposition, planned, claim, note, days_by_person, late: None })
}

/// What the directory knows of whoever paid, where that matters: a person did not say which channel it is for.
fn directory(
    tx: &mut Tx,
    recording: &Recording<'_>,
    stored: &Stored,
    events: &[Facts],
) -> Result<Directory, Fault> {
    let rules = &recording.source.rules;
    let paid = events.iter().any(|event| event.meaning.is_money_in(&rules.money_in));
    if !paid || stored.corrections.channel.is_some() {
        return Ok(Directory::default());
    }
    let space = Space::of(recording.facts, &recording.source.realm);
    known(tx, space.realm, space.account, asked(events, rules.channel_alias))
}

/// Of what is granted or closed.
fn update_decided(
    tx: &mut Tx,
    recording: &Recording<'_>,
    key: &str,
    stored: &Stored,
    disposition: Disposition,
) -> Result<Updated, Fault> {
    let rules = &recording.source.rules;
    let reversed = stored.reversed || tells(recording.facts);
    let granted = matches!(disposition, Disposition::Before { .. });
    let before = stored.money.as_ref().filter(|_| granted);
    let before = before.filter(|before| late_money::may_be(recording.facts, rules, before));
    let (mut done, mut came) = (Reversed::default(), None);
    if reversed || before.is_some() {
        let events = facts_of(tx, key)?;
        if let Some(before) = before {
            let event = &recording.entry.envelope.event_id;
            came = late_money::keep(tx, key, &events, rules, before, event, recording.now)?;
        }
        let more = came.as_ref().map_or(0, |came| came.days);
        // Where it was closed before anything told its days, an event of since may.
        let bought = stored.days.or_else(|| sold(&events, rules, &stored.corrections).1);
        let covered = covers(&events, rules, bought.map(|days| days.saturating_add(more)));
        if reversed || came.is_some() {
            let found = recording.found(&covered, covered.left, None);
            done = reversal::keep(tx, key, &found, recording.now)?;
        }
    }
    let (late, note) = match came {
        Some(came) => (Some(came.done(tx, key)?), Some(came.words)),
        None => (None, done.note),
    };
    let days_by_person = stored.corrections.days.is_some() || stored.corrections.despite.is_some();
    Ok(Updated { disposition, planned: done.planned, claim: None, note, days_by_person, late })
}

/// What a payment is held for instead of being granted, where it is probably told a second time. Where there is something
/// to compare it with, it gets a row first.
fn detect(
    tx: &mut Tx,
    recording: &Recording<'_>,
    identity: Identity,
    evaluated: &Evaluated,
    events: &[Facts],
) -> Result<(Identity, Option<Decision>), Fault> {
    let Decision::Grant { channel, days } = &evaluated.decision else { return Ok((identity, None)) };
    let Recording { entry, facts, source, seen, now } = *recording;
    if !identity.stored {
        // For another channel, which the directory knows, nothing was looked for yet.
        let looked = seen.channel.as_ref() == Some(channel);
        if looked && !seen.alike && !seen.other_realm {
            return Ok((identity, None));
        }
        let space = Space::of(facts, &source.realm);
        identity::insert(tx, &space, &entry.envelope.source, &identity.key, now)?;
        name(tx, &space, &ids(facts), &identity.key)?;
    }
    // Another one than the event names, where an earlier event or a person named it.
    tx.lock(&BTreeSet::from([channel_lock(entry.account, channel)]))?;
    let days = evaluated.days.unwrap_or(*days);
    let hold = duplicate::suspected(tx, &identity.key, channel, days, evaluated.money.as_ref(), events)?;
    Ok((Identity { stored: true, ..identity }, hold.map(Decision::Hold)))
}

/// Plans the transfer of a payment's days.
fn schedule(
    tx: &mut Tx,
    recording: &Recording<'_>,
    key: &str,
    channel: &ChannelId,
    (days, slice): (u32, Option<u32>),
) -> Result<(Option<String>, Option<Claim>), Fault> {
    let Recording { entry, now, .. } = *recording;
    let envelope = entry.envelope;
    if tx.place().allocation().sizes(&envelope.source, slice).slice > 0 {
        let claim = queue::grant(tx, key, (entry.account, channel), entry.take, now)?;
        return Ok((slices::newest(tx, key)?, claim));
    }
    let transfer = FirstTransfer {
        account: entry.account,
        channel,
        days,
        comment: entry.comment,
        traceparent: &envelope.traceparent,
        state: State::planned(now),
        note: format!("planned by event {} ({})", envelope.event_id, envelope.event_type),
        who: None,
    };
    let planned = transfer.insert(tx, key, now)?;
    let claim = transfer.make_due(tx, entry.take, now)?;
    Ok((Some(planned), claim))
}

/// Keeps what went out of a payment's money. Before the money is known, neither is how much of it is out; where it never
/// will be, all of it is.
fn reverse(
    tx: &mut Tx,
    recording: &Recording<'_>,
    key: &str,
    evaluated: &Evaluated,
    disposition: &Disposition,
    events: &[Facts],
) -> Result<Option<String>, Fault> {
    let covered = &evaluated.covered;
    let unread = events.iter().any(|event| event.amount_unread.is_some() || event.unclear.is_some());
    if (covered.whole.is_none() && !unread) || matches!(disposition, Disposition::Linked) {
        reversal::mark(tx, key)?;
        return Ok(None);
    }
    let moves = match evaluated.decision {
        Decision::Grant { days, .. } => Some(days),
        _ => covered.left,
    };
    let found = recording.found(covered, moves, evaluated.channel.as_ref());
    Ok(reversal::keep(tx, key, &found, recording.now)?.note)
}
