//! Channels whose days moved and which could not be switched to live, for a person. The switch is tried on by itself,
//! slowly; a row closes when it is live, however it came to that.

use crate::{
    domain::{Ms, closed::HeldCause, settle::Order},
    ledger::{
        Decided, Scope,
        db::{Fault, Row, Tx, args, fault::refused, filter::Filter},
        query::HeldQuery,
        row,
        settle::{claim::take_from_worker, schedule},
        view::{Held, HeldKind},
    },
};

/// Counts them as a group of held things.
pub(in crate::ledger) const GROUP: &str = "SELECT 'not_live' AS cause, COUNT(*) AS many, CAST(0 AS BIGINT) AS days, \
     MIN(not_live_since) AS oldest FROM channels WHERE not_live_since IS NOT NULL HAVING COUNT(*) > 0";

impl Tx {
    /// Oldest first, along the index of what is not live.
    pub(in crate::ledger) fn held_channels(
        &mut self,
        wanted: &HeldQuery,
        limit: u32,
    ) -> Result<Vec<Held>, Fault> {
        if wanted.cause.is_some_and(|cause| cause != HeldCause::NotLive) {
            return Ok(Vec::new());
        }
        let filter = Filter::default().fixed("not_live_since IS NOT NULL");
        let filter = match wanted.key.as_deref().map(Scope::parse) {
            None => filter,
            Some(Some(Scope::Channel(account, channel))) => {
                filter.text("account =", Some(&account)).text("channel =", Some(channel.as_str()))
            }
            Some(_) => return Ok(Vec::new()),
        };
        let statement = "SELECT account, channel, detail, not_live_since FROM channels";
        let order = "ORDER BY not_live_since, account, channel";
        filter.rows(self, statement, order, limit)?.iter().map(held).collect()
    }
}

fn held(row: &Row) -> Result<Held, Fault> {
    let (account, channel): (String, String) = (row.get("account")?, row.get("channel")?);
    let known = row::channel(row)?;
    let key = format!("channel:{account}/{channel}");
    Ok(Held {
        kind: HeldKind::Channel,
        payment: None,
        cause: HeldCause::NotLive,
        reason: format!(
            "its days moved, but it is not live: the switch failed {} times, at last because {}",
            known.live_tries,
            known.live_error.as_deref().unwrap_or("the partner did not say why")
        ),
        outcome: None,
        next: format!(
            "look at the channel in the partner's panel, and switch it to live there or try at once with `daybridge held retry '{key}'`; it is tried every hour and closes by itself when it is live; `daybridge held cancel '{key}' --reason …` leaves it as it is"
        ),
        key,
        since: row.get("not_live_since")?,
        channel: Some(channel),
        days: None,
        history: Vec::new(),
        payer: crate::ledger::view::Payer::default(),
    })
}

/// What a person decides about such a channel; `None`: the key names none. The claim is taken from whoever holds it.
pub(in crate::ledger) fn decide(
    tx: &mut Tx,
    key: &str,
    decided: &Decided<'_>,
    now: Ms,
) -> Result<Option<&'static str>, Fault> {
    let Some(Scope::Channel(account, channel)) = Scope::parse(key) else { return Ok(None) };
    let row = tx.optional(
        "SELECT detail FROM channels WHERE account = $1 AND channel = $2 AND not_live_since IS NOT NULL",
        args![&*account, channel.as_str()],
    )?;
    let Some(row) = row else {
        return Err(refused(format!("{key} does not wait for anybody: see `daybridge held list`")));
    };
    let mut known = row::channel(&row)?;
    let after = match decided.order {
        Order::Retry => {
            known.live_due = Some(now);
            "tried again"
        }
        Order::Cancel => {
            known.live_over();
            "left as it is"
        }
        Order::Applied | Order::NotApplied => {
            return Err(refused(format!(
                "its days have moved, there is nothing to settle: `daybridge held retry '{key}'` switches it to live"
            )));
        }
    };
    tx.send(
        "UPDATE channels SET detail = $1, not_live_since = $2 WHERE account = $3 AND channel = $4",
        args![serde_json::to_string(&known)?, known.not_live_since, &*account, channel.as_str()],
    )?;
    take_from_worker(tx, &account, channel.as_str())?;
    schedule::schedule_channel(tx, &account, channel.as_str(), now)?;
    Ok(Some(after))
}
