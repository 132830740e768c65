//! What a person grants of what was held: because its days may have moved, or as a suspected duplicate.

use sqlx::Row as _;

use super::{
    Tx,
    fault::{Fault, corrupt},
    grant::{FirstTransfer, Standing, events, tell_others},
    money_out,
    rows::narrow,
    twin, words,
};
use crate::{
    domain::{
        Ms,
        facts::{Family, Money},
        hold::may_have_moved_refunded,
        id::ChannelId,
        settle::{How, Order, State, uncovered::Stage},
    },
    envelope,
    ledger::Decided,
};

/// Plans the days of a payment that was held because they may have moved. One decision releases many, so what is
/// probably told a second time is held again for that; who decides that too has looked at both. Returns the new state.
pub(super) async fn released(
    tx: &mut Tx,
    key: &str,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<&'static str, Fault> {
    let row = sqlx::query(
        "SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, amount, currency \
         FROM payments WHERE key = $1",
    )
    .bind(key)
    .fetch_one(&mut **tx)
    .await?;
    let (amount, currency): (Option<i64>, Option<String>) =
        (row.try_get("amount")?, row.try_get("currency")?);
    let money = amount.zip(currency).map(|(amount, currency)| Money { amount, currency });
    let channel: Option<String> = row.try_get("channel")?;
    let days = row.try_get::<Option<i64>, _>("days")?.map(narrow);
    let hold = match channel.as_deref().and_then(ChannelId::parse).zip(days) {
        Some((channel, days)) => {
            let events = events(tx, key).await?;
            twin::suspected(tx, key, &channel, days, money.as_ref(), &events).await?
        }
        None => None,
    };
    let Some(hold) = hold else {
        grant(tx, key, decided, now).await?;
        return Ok("planned");
    };
    sqlx::query("UPDATE payments SET since = $1, cause = $2, reason = $3, next = $4 WHERE key = $5")
        .bind(now)
        .bind(hold.cause())
        .bind(hold.to_string())
        .bind(hold.next())
        .bind(key)
        .execute(&mut **tx)
        .await?;
    Ok("held")
}

/// Grants a payment that was held because its days may have moved, or for its twin, as a person decided: its days are
/// on the channel, or those that its money covers are planned now.
pub(super) async fn grant(tx: &mut Tx, key: &str, decided: &Decided<'_>, now: Ms) -> Result<(), Fault> {
    let row = sqlx::query(
        "SELECT COALESCE(set_channel, channel) AS channel, COALESCE(set_days, days) AS days, cause, set_days, days_due, \
         days_reduced, covered, (SELECT r.money_in FROM source_rules r WHERE r.realm = payments.realm \
         ORDER BY r.number DESC LIMIT 1) AS money_in FROM payments WHERE key = $1",
    )
    .bind(key)
    .fetch_one(&mut **tx)
    .await?;
    let unreadable = || corrupt(format!("the channel or days of the held payment {key}"));
    let channel: Option<String> = row.try_get("channel")?;
    let channel = channel.as_deref().and_then(ChannelId::parse).ok_or_else(unreadable)?;
    let days = row.try_get::<Option<i64>, _>("days")?.map(narrow).ok_or_else(unreadable)?;
    let family: Option<String> = row.try_get("money_in")?;
    let applied = decided.order == Order::Applied;
    let refunded = row.try_get::<Option<String>, _>("cause")?.as_deref().is_some_and(may_have_moved_refunded);
    let moves = match (applied, refunded) {
        (true, _) => days,
        // A person who has set the days has decided.
        (false, true) => match row.try_get::<Option<i64>, _>("set_days")? {
            Some(set) => narrow(set),
            None => row.try_get::<Option<i64>, _>("days_due")?.map_or(days, narrow),
        },
        (false, false) => days.saturating_sub(narrow(row.try_get("days_reduced")?)),
    };
    let money_out = row.try_get::<Option<String>, _>("covered")?.is_some();
    let state = if applied {
        let how = How::ByOperator;
        State::Settled { how, before: 0, after: None, at: now, attempt: 0, watch: None }
    } else {
        State::planned(now)
    };
    sqlx::query(
        "UPDATE payments SET since = $1, decision = 'granted', cause = NULL, reason = NULL, next = NULL, \
         granted = 1, channel = $3, days = $4, \
         due_decided = CASE WHEN $5 = 1 THEN days_due ELSE due_decided END WHERE key = $2",
    )
    .bind(now)
    .bind(key)
    .bind(channel.as_str())
    .bind(i64::from(days))
    .bind(i64::from(refunded && !applied))
    .execute(&mut **tx)
    .await?;
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
    let transfer = transfer.insert(tx, key, now).await?;
    if money_out && let Some(known) = money_out::asked(tx, &transfer).await? {
        known.refresh(tx, Stage::Granted(&begins, moves), now).await?;
    }
    if let Some(family) = family.map(Family::new) {
        tell_others(tx, key, &Standing::Now, None, &family).await?;
    }
    Ok(())
}
