//! What there is to do with a claimed channel.

use std::sync::atomic::Ordering;

use super::{
    account,
    brake::{DAYS, TRANSFERS, channel_hour},
    server::SERVER_COLUMNS,
    steps::SLOT_MS,
};
use crate::{
    domain::{
        Ms,
        allocation::{
            brake::{COUNTED_MS, Lately, NORMAL_MS},
            slices::late,
        },
        channel::Channel,
        closed::HeldCause,
        settle::State,
    },
    ledger::{
        Claim, Ledger, LedgerError, Scope, Transfer, Turn,
        db::{Fault, Tx, args, fault::corrupt},
        row,
    },
};

/// How far ahead a due time is believed, in ms: no wait of a transfer is longer than the longest `Retry-After`, 1 h. What
/// is due later was dated by a clock that was ahead, and is due.
pub const DUE_AHEAD_MS_MAX: i64 = 7_200_000;

impl Ledger {
    /// What is to be done with a claimed channel now.
    pub async fn turn(&self, claim: &Claim, now: Ms) -> Result<Turn, LedgerError> {
        let claim = claim.clone();
        self.db.read(move |tx| tx.turn(&claim, now)).await
    }
}

impl Tx {
    /// Reads only; what it says is checked again when something is written.
    pub(in crate::ledger) fn turn(&mut self, claim: &Claim, now: Ms) -> Result<Turn, Fault> {
        let server = self.server_columns();
        let hour = now.saturating_sub(COUNTED_MS);
        let row = self.optional(
            &turn_sql(server),
            args![
                &*claim.account,
                claim.channel.as_str(),
                now,
                now.saturating_add(DUE_AHEAD_MS_MAX),
                hour.div_euclid(SLOT_MS),
                now.saturating_sub(NORMAL_MS).div_euclid(SLOT_MS),
                hour,
                Scope::Account(claim.account.clone()).word(),
                Scope::Channel(claim.account.clone(), claim.channel.clone()).word(),
            ],
        )?;
        let row = row.ok_or_else(|| corrupt(format!("no row for the claimed channel {}", claim.channel)))?;
        let channel: Channel = serde_json::from_str(&row.get::<String>("known")?)?;
        let transfer = match row.get::<Option<String>>("key")? {
            Some(_) if channel.quiet_until <= now => {
                Some(self.grown(row::transfer(&row)?, row.get("days_left")?, now))
            }
            _ => None,
        };
        Ok(Turn {
            channel,
            transfer: transfer.filter(|transfer| is_due(transfer, claim, now)),
            restored_at: row.get("restored_at")?,
            moved: server.is_some() && self.moved_by(&row)?.is_some(),
            hold: match row.get::<Option<HeldCause>>("news")? {
                Some(_) => Some(account::hold_of(&row)?),
                None => None,
            },
            paused: row.get::<i64>("paused")? != 0,
            sliced: row.get::<Option<i64>>("sliced")? == Some(1),
            lately: Lately {
                account_hour: row.get("account_hour")?,
                account_days: row.get("account_days")?,
                account_transfers: row.get("account_transfers")?,
                account_channels: 0,
                channel_hour: row.get("channel_hour")?,
            },
        })
    }
}

impl Tx {
    /// A slice that is late has more days, as far as they are owed; where the balance is short, one.
    fn grown(&self, transfer: Transfer, left: Option<i64>, now: Ms) -> Transfer {
        let State::Planned { ahead: Some(ahead), last: None, .. } = &transfer.state else { return transfer };
        let allocation = self.place().allocation();
        let days = match ahead.level_ms {
            Some(_) if self.place().short.load(Ordering::Relaxed) => 1,
            _ => late(ahead, left.map_or(0, row::narrow).max(transfer.days), allocation.lead_ms, now),
        };
        let comment = allocation.comment.render(&transfer.key, days);
        Transfer { days, comment, ..transfer }
    }
}

/// Whether what was found is due: an open outcome keeps the others back also while it is not.
fn is_due(transfer: &Transfer, claim: &Claim, now: Ms) -> bool {
    match &transfer.state {
        State::Intended { epoch, .. } if *epoch != claim.epoch => true,
        state if state.open() => {
            state.due().is_some_and(|due| due <= now || due > now.saturating_add(DUE_AHEAD_MS_MAX))
        }
        _ => true,
    }
}

/// The one with an open outcome; else the oldest planned, but what waits for the account keeps back no other of the
/// channel; else one that is still watched.
const NEXT: &str = "COALESCE((SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND open = 1), \
     (SELECT t.key FROM transfers t LEFT JOIN accounts h ON h.account = t.account \
     WHERE t.account = $1 AND t.channel = $2 AND (t.due_at <= $3 OR t.due_at > $4) AND t.state = 'planned' \
     ORDER BY CASE WHEN t.key = h.probe THEN 0 WHEN t.days >= h.ceiling THEN 2 ELSE 1 END, t.created_at, t.key LIMIT 1), \
     (SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND (due_at <= $3 OR due_at > $4) \
     AND state = 'settled' ORDER BY due_at, key LIMIT 1))";

/// All that a turn begins with. The sums are at least those of [`LATELY`](super::brake): they may say that nothing is near
/// its limit, and else it is asked.
fn turn_sql(server: Option<&str>) -> String {
    let (columns, from) = match server {
        Some(question) => (SERVER_COLUMNS, format!(" CROSS JOIN origin o CROSS JOIN ({question}) s")),
        None => ("", String::new()),
    };
    let channel_hour = channel_hour("$1", "$2", "$7");
    format!(
        "SELECT c.detail AS known, t.key, t.payment, t.days, t.comment, t.detail, t.traceparent, t.sliced, p.days_left, \
         a.news, a.since, a.probe_at, a.probe, a.ceiling, a.refused_first, \
         (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL) AS restored_at, \
         CASE WHEN EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $8, $9)) \
         THEN 1 ELSE 0 END AS paused, b.account_hour, b.account_days, b.account_transfers, \
         {channel_hour} AS channel_hour{columns} \
         FROM channels c LEFT JOIN accounts a ON a.account = c.account LEFT JOIN transfers t ON t.key = {NEXT} \
         LEFT JOIN payments p ON p.key = t.payment \
         CROSS JOIN (SELECT CAST(COALESCE(SUM({DAYS}), 0) AS BIGINT) AS account_days, \
         CAST(COALESCE(SUM({TRANSFERS}), 0) AS BIGINT) AS account_transfers, \
         CAST(COALESCE(SUM(CASE WHEN slot >= $5 THEN {DAYS} ELSE 0 END), 0) AS BIGINT) AS account_hour \
         FROM spent WHERE account = $1 AND slot > $6) b{from} WHERE c.account = $1 AND c.channel = $2"
    )
}
