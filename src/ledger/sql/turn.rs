//! Settle: channels are claimed, looked at, and taken a step further.
//!
//! A claim raises the channel's epoch; every later write of the turn names that epoch in its `WHERE`, and
//! touches the channel's row first. So of two workers that both believe in a lease, the older one changes
//! nothing, whatever the clocks say.

use super::{
    account,
    release::{FREE, give_back},
    rows::{self, SLOT_MS},
    server::SERVER_COLUMNS,
    storable,
};
use crate::{
    domain::{
        Ms,
        brake::{COUNTED_MS, Lately, NORMAL_MS},
        channel::Channel,
        id::ChannelId,
        settle::{Cause, State, Step},
    },
    ledger::{
        Advanced, Claim, Scope, Transfer, Turn,
        db::{Dialect, Fault, Row, Tx, args, fault::corrupt},
    },
};

/// Longest lease of any worker, in ms: two of the longest calls, and time for commits. What ends later was dated by a
/// clock that was ahead, and has ended.
const LEASE_MS_MAX: i64 = 900_000;

/// How far ahead a due time is believed, in ms: no wait of a transfer is longer than the longest `Retry-After`, 1 h. What
/// is due later was dated by a clock that was ahead, and is due.
pub const DUE_AHEAD_MS_MAX: i64 = 7_200_000;

impl Tx {
    /// `SKIP LOCKED` lets two workers take different channels at the same moment instead of waiting for the same ones.
    /// SQLite has one writer, so nobody is met.
    pub(in crate::ledger) fn claim(
        &mut self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, Fault> {
        for (statement, ahead_max) in [(DUE_TOO_FAR, DUE_AHEAD_MS_MAX), (LEASED_TOO_LONG, LEASE_MS_MAX)] {
            self.send(statement, args![account, now, now.saturating_add(ahead_max)])?;
        }
        let rows =
            self.all(&claim_sql(self.dialect()), args![account, now, i64::from(limit), worker, lease_until])?;
        self.commit();
        rows.iter()
            .map(|row| {
                let text: String = row.get("channel")?;
                let channel =
                    ChannelId::parse(&text).ok_or_else(|| corrupt(format!("the channel id {text:?}")))?;
                Ok(Claim { account: account.to_owned(), channel, epoch: row.get("epoch")? })
            })
            .collect()
    }

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
            Some(_) if channel.quiet_until <= now => Some(rows::transfer(&row)?),
            _ => None,
        };
        Ok(Turn {
            channel,
            transfer: transfer.filter(|transfer| is_due(transfer, claim, now)),
            restored_at: row.get("restored_at")?,
            moved: server.is_some() && self.moved_by(&row)?.is_some(),
            hold: match row.get::<Option<String>>("news")? {
                Some(_) => Some(account::hold_of(&row)?),
                None => None,
            },
            paused: row.get::<i64>("paused")? != 0,
            lately: Lately {
                account_hour: row.get("account_hour")?,
                account_days: row.get("account_days")?,
                account_transfers: row.get("account_transfers")?,
                account_channels: 0,
                channel_hour: row.get("channel_hour")?,
            },
        })
    }

    /// One transaction of a turn: the transfer's step, what it makes of its payment, and the channel. On PostgreSQL the
    /// channel's row is locked before all else. A broken one-open rule is an error of ours and is refused here.
    pub(in crate::ledger) fn advance(
        &mut self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        gives_back: bool,
        now: Ms,
    ) -> Result<Option<Advanced>, Fault> {
        lock_channel(self, claim)?;
        let stepped = if from == &step.state {
            // A reading that changed nothing needs no step of its own.
            let stands = self.optional(
                "SELECT key FROM transfers WHERE key = $1 AND state = $2 AND attempt = $3 AND epoch = $4 \
                 AND account = $5 AND channel = $6",
                args![
                    key,
                    from.word(),
                    i64::from(from.attempt()),
                    rows::epoch_of(from),
                    claim.account,
                    claim.channel.as_str()
                ],
            )?;
            stands.is_some()
        } else {
            rows::step(self, claim, key, from, &step.state, now)?
                || slow_step(self, claim, key, from, step, now)?
        };
        if !stepped {
            return Ok(None);
        }
        if let State::Held { cause: cause @ (Cause::Balance(_) | Cause::Unauthorized), .. } = &step.state {
            account::must_hold(self, &claim.account, key, cause.word(), now)?;
        }
        if let Some(movement) = &step.movement {
            self.send(
                "INSERT INTO movements (account, channel, at, low, high) VALUES ($1, $2, $3, $4, $5)",
                args![&*claim.account, claim.channel.as_str(), now, movement.from, movement.to],
            )?;
        }
        let settled = matches!(step.state, State::Settled { .. }) && !matches!(from, State::Settled { .. });
        let written = write_channel(self, claim, &step.channel, settled.then_some(key), gives_back)?;
        let Some(row) = written else { return Ok(None) };
        let due = match gives_back {
            true => give_back(self, claim, &step.channel, &row, 0)?,
            false => None,
        };
        self.commit();
        Ok(Some(Advanced { held: row.get::<i64>("holds")? != 0, accepted_at: row.get("accepted_at")?, due }))
    }

    pub(in crate::ledger) fn save_channel(
        &mut self,
        claim: &Claim,
        channel: &Channel,
    ) -> Result<bool, Fault> {
        let ours = write_channel(self, claim, channel, None, false)?.is_some();
        if ours {
            self.commit();
        }
        Ok(ours)
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

/// The step of a transfer whose money is not all there, or that does not stand where the turn believed.
fn slow_step(
    tx: &mut Tx,
    claim: &Claim,
    key: &str,
    from: &State,
    step: &Step,
    now: Ms,
) -> Result<bool, Fault> {
    let claimed = tx.optional(
        "SELECT key FROM transfers WHERE key = $1 AND account = $2 AND channel = $3",
        args![key, &*claim.account, claim.channel.as_str()],
    )?;
    if claimed.is_none() {
        return Ok(false);
    }
    if step.state.open() && !from.open() && another_open(tx, claim, key)? {
        tracing::error!(
            transfer = key,
            channel = claim.channel.as_str(),
            "another transfer of the channel has an open outcome; nothing was changed"
        );
        return Ok(false);
    }
    rows::swap(tx, key, from, &step.state, None, now)
}

/// The one with an open outcome; else the oldest planned, but what waits for the account keeps back no other of the
/// channel; else one that is still watched.
const NEXT: &str = "COALESCE((SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND open = 1), \
     (SELECT t.key FROM transfers t LEFT JOIN accounts h ON h.account = t.account \
     WHERE t.account = $1 AND t.channel = $2 AND (t.due_at <= $3 OR t.due_at > $4) AND t.state = 'planned' \
     ORDER BY CASE WHEN t.key = h.probe THEN 0 WHEN t.days >= h.ceiling THEN 2 ELSE 1 END, t.created_at, t.key LIMIT 1), \
     (SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND (due_at <= $3 OR due_at > $4) \
     AND state = 'settled' ORDER BY due_at, key LIMIT 1))";

/// All that a turn begins with. The sums are at least those of [`LATELY`](super::pause): they may say that nothing is near
/// its limit, and else it is asked.
pub(in crate::ledger) fn turn_sql(server: Option<&str>) -> String {
    let (columns, from) = match server {
        Some(question) => (SERVER_COLUMNS, format!(" CROSS JOIN origin o CROSS JOIN ({question}) s")),
        None => ("", String::new()),
    };
    format!(
        "SELECT c.detail AS known, t.key, t.payment, t.days, t.comment, t.detail, t.traceparent, \
         a.news, a.since, a.probe_at, a.probe, a.ceiling, a.refused_first, \
         (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL) AS restored_at, \
         CASE WHEN EXISTS (SELECT 1 FROM pauses WHERE ended_at IS NULL AND scope IN ('all', $8, $9)) \
         THEN 1 ELSE 0 END AS paused, b.account_hour, b.account_days, b.account_transfers, \
         (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) FROM transfers WHERE account = $1 AND channel = $2 \
         AND settled_at > $7) AS channel_hour{columns} \
         FROM channels c LEFT JOIN accounts a ON a.account = c.account LEFT JOIN transfers t ON t.key = {NEXT} \
         CROSS JOIN (SELECT CAST(COALESCE(SUM(days), 0) AS BIGINT) AS account_days, \
         CAST(COALESCE(SUM(transfers), 0) AS BIGINT) AS account_transfers, \
         CAST(COALESCE(SUM(CASE WHEN slot >= $5 THEN days ELSE 0 END), 0) AS BIGINT) AS account_hour \
         FROM spent WHERE account = $1 AND slot > $6) b{from} WHERE c.account = $1 AND c.channel = $2"
    )
}

/// Two looks into indices that find nothing where the clocks are right.
pub(in crate::ledger) const DUE_TOO_FAR: &str =
    "UPDATE channels SET due_at = $2 WHERE account = $1 AND due_at > $3";

/// See [`DUE_TOO_FAR`].
pub(in crate::ledger) const LEASED_TOO_LONG: &str = "UPDATE channels SET lease_until = $2 \
     WHERE account = $1 AND lease_until > 0 AND lease_until > $3";

pub(in crate::ledger) fn claim_select(dialect: Dialect) -> String {
    let suffix = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    format!(
        "SELECT channel FROM channels WHERE account = $1 AND due_at IS NOT NULL AND due_at <= $2 \
         AND lease_until <= $2 ORDER BY due_at LIMIT $3{suffix}"
    )
}

fn claim_sql(dialect: Dialect) -> String {
    format!(
        "UPDATE channels SET epoch = epoch + 1, lease_owner = $4, lease_until = $5 \
         WHERE account = $1 AND channel IN ({}) RETURNING channel, epoch",
        claim_select(dialect)
    )
}

/// A record or a decision that touches the channel comes before this transaction or after it. Where the claim is lost,
/// the channel's row is not written, and nothing is committed.
pub(in crate::ledger) fn lock_channel(tx: &mut Tx, claim: &Claim) -> Result<(), Fault> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(()),
        Dialect::Postgres => tx.send(
            "SELECT epoch FROM channels WHERE account = $1 AND channel = $2 FOR UPDATE",
            args![claim.account, claim.channel.as_str()],
        ),
    }
}

/// Writes the channel under the claim; `None`: the claim is lost. `settled`: a transfer that is, from now on.
fn write_channel(
    tx: &mut Tx,
    claim: &Claim,
    channel: &Channel,
    settled: Option<&str>,
    gives_back: bool,
) -> Result<Option<Row>, Fault> {
    let free = if gives_back { FREE } else { "" };
    let statement = format!(
        "UPDATE channels SET detail = $1, active_till = $5, mode = $6, not_live_since = $7{free} \
         WHERE account = $2 AND channel = $3 AND epoch = $4 RETURNING due_at, \
         (SELECT COUNT(*) FROM accounts WHERE account = $2) AS holds, \
         (SELECT MIN(e.received_at + 0) FROM transfers t JOIN events e ON e.payment = t.payment WHERE t.key = $8) \
         AS accepted_at"
    );
    tx.optional(
        &statement,
        args![
            storable::json(channel)?,
            &*claim.account,
            claim.channel.as_str(),
            claim.epoch,
            rows::expiry(channel),
            channel.mode.as_deref(),
            channel.not_live_since,
            settled
        ],
    )
}

/// Looked for under the channel's lock, for a clear answer; the unique index `transfers_open` is what holds.
fn another_open(tx: &mut Tx, claim: &Claim, key: &str) -> Result<bool, Fault> {
    let row = tx.optional(
        "SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND open = 1 AND key <> $3",
        args![&*claim.account, claim.channel.as_str(), key],
    )?;
    Ok(row.is_some())
}
