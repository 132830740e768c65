//! What a person grants of what was held: because its days may have moved, or as a suspected duplicate.

use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PaymentState},
        facts::{Family, Money},
        hold::may_have_moved_refunded,
        id::ChannelId,
        settle::{How, Order, State, reversal::Stage},
    },
    envelope,
    ledger::{
        Decided,
        db::{Fault, Tx, args, fault::corrupt},
        intake::{
            self, coverage,
            grant::FirstTransfer,
            stored::{Disposition, facts_of},
        },
        read::words,
        row::narrow,
        settle::{queue, transition},
    },
};

/// Plans the days of a payment that was held because they may have moved. One decision releases many, so what is
/// probably told a second time is held again for that; who decides that too has looked at both. Returns the new state.
pub(in crate::ledger) fn released(
    tx: &mut Tx,
    key: &str,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<&'static str, Fault> {
    let row = tx.one("SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, amount, currency \
         FROM payments WHERE key = $1", args![key])?;
    let (amount, currency): (Option<i64>, Option<String>) = (row.get("amount")?, row.get("currency")?);
    let money = amount.zip(currency).map(|(amount, currency)| Money { amount, currency });
    let channel: Option<String> = row.get("channel")?;
    let days = row.get::<Option<i64>>("days")?.map(narrow);
    let hold = match channel.as_deref().and_then(ChannelId::parse).zip(days) {
        Some((channel, days)) => {
            let events = facts_of(tx, key)?;
            intake::suspected(tx, key, &channel, days, money.as_ref(), &events)?
        }
        None => None,
    };
    let Some(hold) = hold else {
        grant(tx, key, decided, now)?;
        return Ok(PaymentState::Planned.as_str());
    };
    tx.execute(
        "UPDATE payments SET since = $1, cause = $2, reason = $3, next = $4 WHERE key = $5",
        args![now, hold.cause(), hold.to_string(), hold.next(), key],
    )?;
    Ok(PaymentState::Held.as_str())
}

/// Grants a payment that was held because its days may have moved, or for its twin, as a person decided: its days are
/// on the channel, or those that its money covers are planned now.
pub(in crate::ledger) fn grant(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
    let row = tx.one("SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, cause, set_days, days_due, source, slice, \
         days_reduced, covered, (SELECT r.money_in FROM source_rules r WHERE r.realm = payments.realm \
         ORDER BY r.number DESC LIMIT 1) AS money_in FROM payments WHERE key = $1", args![key])?;
    let unreadable = || corrupt(format!("the channel or days of the held payment {key}"));
    let channel: Option<String> = row.get("channel")?;
    let channel = channel.as_deref().and_then(ChannelId::parse).ok_or_else(unreadable)?;
    let days = row.get::<Option<i64>>("days")?.map(narrow).ok_or_else(unreadable)?;
    let family: Option<String> = row.get("money_in")?;
    let applied = decided.order == Order::Applied;
    let refunded = row.get::<Option<HeldCause>>("cause")?.is_some_and(may_have_moved_refunded);
    let moves = match (applied, refunded) {
        (true, _) => decided.days.unwrap_or(days),
        // A person who has set the days has decided.
        (false, true) => match row.get::<Option<i64>>("set_days")? {
            Some(set) => narrow(set),
            None => row.get::<Option<i64>>("days_due")?.map_or(days, narrow),
        },
        (false, false) => days.saturating_sub(narrow(row.get("days_reduced")?)),
    };
    let money_out = row.get::<Option<String>>("covered")?.is_some();
    let state = if applied {
        let how = How::ByOperator;
        State::Settled { how, before: 0, after: None, at: now, attempt: 0, watch: None }
    } else {
        State::planned(now)
    };
    tx.execute(
        "UPDATE payments SET since = $1, decision = 'granted', cause = NULL, reason = NULL, next = NULL, \
         granted = 1, channel = $3, days = $4, \
         due_decided = CASE WHEN $5 = 1 THEN days_due ELSE due_decided END WHERE key = $2",
        args![now, key, channel.as_str(), i64::from(days), i64::from(refunded && !applied)],
    )?;
    if tx
        .place()
        .allocation()
        .sizes(&row.get::<String>("source")?, row.get::<Option<i64>>("slice")?.map(narrow))
        .slice
        > 0
    {
        return grant_in_slices(tx, key, (&channel, moves, applied, refunded), decided, family, now);
    }
    let begins = state.clone();
    let transfer = FirstTransfer {
        account: decided.account,
        channel: &channel,
        days: moves,
        comment: decided.comment,
        traceparent: &envelope::new_traceparent(),
        note: format!("{}; decided: {}", words::note(&state), decided.reason),
        state,
        who: Some(decided.who),
    };
    let inserted = transfer.insert(tx, key, now)?;
    transition::apply(tx, &inserted, None, &begins)?;
    transfer.make_due(tx, None, now)?;
    let others_moved = applied && moves != days;
    if others_moved {
        coverage::others_moved(tx, key, days)?;
    }
    if (money_out || others_moved)
        && let Some(known) = coverage::of_transfer(tx, &inserted)?
    {
        known.refresh(tx, Stage::Granted(&begins, moves), now)?;
    }
    granted_by(tx, key, family)
}

/// The deliveries that waited say that the days were granted.
fn granted_by(tx: &mut Tx, key: &str, family: Option<String>) -> Result<(), Fault> {
    if let Some(family) = family.map(Family::new) {
        intake::update_deliveries(tx, key, &Disposition::Now, None, Some(&family))?;
    }
    Ok(())
}

/// The same of a payment whose days move in slices. Where some are on the channel already, whether more are is asked of the
/// person who looks at Billing History.
fn grant_in_slices(
    tx: &mut Tx,
    key: &str,
    (channel, moves, applied, refunded): (&ChannelId, u32, bool, bool),
    decided: &Decided<'_>,
    family: Option<String>,
    now: Ms,
) -> Result<(), Fault> {
    if refunded && !applied {
        tx.execute("UPDATE payments SET days_despite = $2 WHERE key = $1", args![key, i64::from(moves)])?;
    }
    match applied {
        true => queue::found(tx, key, (decided.account, channel), moves, decided, now)?,
        false => drop(queue::grant(tx, key, (decided.account, channel), None, now)?),
    }
    granted_by(tx, key, family)
}
