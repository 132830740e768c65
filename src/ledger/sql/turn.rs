//! Settle: channels are claimed, looked at, and taken a step further.
//!
//! A claim raises the channel's epoch; every later write of the turn names that epoch in its `WHERE`, and
//! touches the channel's row first. So of two workers that both believe in a lease, the older one changes
//! nothing, whatever the clocks say.

use super::{account, restored, rows, storable};
use crate::{
    domain::{
        Ms,
        channel::Channel,
        id::ChannelId,
        settle::{Cause, State, Step},
    },
    ledger::{
        Claim, Transfer, Turn,
        db::{Dialect, Fault, Tx, args, fault::corrupt},
    },
};

/// Longest lease of any worker, in ms: two of the longest calls, and time for commits. What ends later was dated by a
/// clock that was ahead, and has ended.
const LEASE_MS_MAX: i64 = 900_000;

/// How far ahead a due time is believed, in ms: no wait of a transfer is longer than the longest `Retry-After`, 1 h. What
/// is due later was dated by a clock that was ahead, and is due.
pub const DUE_AHEAD_MS_MAX: i64 = 7_200_000;

impl Tx {
    /// One statement; `SKIP LOCKED` lets two workers take different channels at the same moment instead of
    /// waiting for the same ones. SQLite has one writer, so nobody is met.
    pub(super) fn claim(
        &mut self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, Fault> {
        for (statement, ahead_max) in [(DUE_TOO_FAR, DUE_AHEAD_MS_MAX), (LEASED_TOO_LONG, LEASE_MS_MAX)] {
            self.execute(statement, args![account, now, now.saturating_add(ahead_max)])?;
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
    pub(super) fn turn(&mut self, claim: &Claim, now: Ms) -> Result<Turn, Fault> {
        let row = self.optional(
            "SELECT detail FROM channels WHERE account = $1 AND channel = $2",
            args![&*claim.account, claim.channel.as_str()],
        )?;
        let row = row.ok_or_else(|| corrupt(format!("no row for the claimed channel {}", claim.channel)))?;
        let channel = rows::channel(&row)?;
        let restored_at = restored::declared_at(self)?;
        let moved = self.moved()?.is_some();
        if channel.quiet_until > now {
            return Ok(Turn { channel, transfer: None, restored_at, moved });
        }
        if let Some(open) = self.transfer(claim, now, OPEN)? {
            let due = match &open.state {
                State::Intended { epoch, .. } if *epoch != claim.epoch => true,
                other => {
                    other.due().is_some_and(|due| due <= now || due > now.saturating_add(DUE_AHEAD_MS_MAX))
                }
            };
            return Ok(Turn { channel, transfer: due.then_some(open), restored_at, moved });
        }
        let transfer = match self.transfer(claim, now, PLANNED)? {
            Some(planned) => Some(planned),
            None => self.transfer(claim, now, WATCHED)?,
        };
        Ok(Turn { channel, transfer, restored_at, moved })
    }

    fn transfer(
        &mut self,
        claim: &Claim,
        now: Ms,
        statement: &'static str,
    ) -> Result<Option<Transfer>, Fault> {
        let row = self.optional(
            statement,
            args![&*claim.account, claim.channel.as_str(), now, now.saturating_add(DUE_AHEAD_MS_MAX)],
        )?;
        row.as_ref().map(rows::transfer).transpose()
    }

    /// Read committed is enough: the channel's row is locked by the first statement, and the second is a
    /// compare-and-set on the transfer's. A broken one-open rule is an error of ours and is refused here.
    pub(super) fn advance(
        &mut self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        now: Ms,
    ) -> Result<bool, Fault> {
        if !write_channel(self, claim, &step.channel)? {
            return Ok(false);
        }
        let claimed = self.optional(
            "SELECT key FROM transfers WHERE key = $1 AND account = $2 AND channel = $3",
            args![key, &*claim.account, claim.channel.as_str()],
        )?;
        if claimed.is_none() {
            return Ok(false);
        }
        if step.state.open() && !from.open() && another_open(self, claim, key)? {
            tracing::error!(
                transfer = key,
                channel = claim.channel.as_str(),
                "another transfer of the channel has an open outcome; nothing was changed"
            );
            return Ok(false);
        }
        if from == &step.state {
            // A reading that changed nothing needs no step of its own.
            let stands = self.optional(
                "SELECT key FROM transfers WHERE key = $1 AND state = $2 AND attempt = $3 AND epoch = $4",
                args![key, from.word(), i64::from(from.attempt()), rows::epoch_of(from)],
            )?;
            if stands.is_none() {
                return Ok(false);
            }
        } else if !rows::swap(self, key, from, &step.state, None, now)? {
            return Ok(false);
        }
        if let State::Held { cause: cause @ (Cause::Balance(_) | Cause::Unauthorized), .. } = &step.state {
            account::must_hold(self, &claim.account, key, cause.word(), now)?;
        }
        if let Some(movement) = &step.movement {
            self.execute(
                "INSERT INTO movements (account, channel, at, low, high) VALUES ($1, $2, $3, $4, $5)",
                args![&*claim.account, claim.channel.as_str(), now, movement.from, movement.to],
            )?;
        }
        self.commit();
        Ok(true)
    }

    pub(super) fn save_channel(&mut self, claim: &Claim, channel: &Channel) -> Result<bool, Fault> {
        let ours = write_channel(self, claim, channel)?;
        if ours {
            self.commit();
        }
        Ok(ours)
    }
}

const OPEN: &str = "SELECT key, payment, days, comment, detail, traceparent FROM transfers \
     WHERE account = $1 AND channel = $2 AND open = 1 AND $3 > 0 AND $4 > 0";

/// The oldest, but what waits for the account keeps back no other of the channel.
pub(super) const PLANNED: &str = "SELECT t.key, t.payment, t.days, t.comment, t.detail, t.traceparent FROM transfers t \
     LEFT JOIN accounts a ON a.account = t.account \
     WHERE t.account = $1 AND t.channel = $2 AND (t.due_at <= $3 OR t.due_at > $4) AND t.state = 'planned' \
     ORDER BY CASE WHEN t.key = a.probe THEN 0 WHEN t.days >= a.ceiling THEN 2 ELSE 1 END, \
     t.created_at, t.key LIMIT 1";

const WATCHED: &str = "SELECT key, payment, days, comment, detail, traceparent FROM transfers \
     WHERE account = $1 AND channel = $2 AND (due_at <= $3 OR due_at > $4) AND state = 'settled' \
     ORDER BY due_at, key LIMIT 1";

/// Two looks into indices that find nothing where the clocks are right.
pub(super) const DUE_TOO_FAR: &str = "UPDATE channels SET due_at = $2 WHERE account = $1 AND due_at > $3";

/// See [`DUE_TOO_FAR`].
pub(super) const LEASED_TOO_LONG: &str = "UPDATE channels SET lease_until = $2 \
     WHERE account = $1 AND lease_until > 0 AND lease_until > $3";

pub(super) fn claim_select(dialect: Dialect) -> String {
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

/// Writes the channel under the claim and locks its row; `false`: the claim is lost.
fn write_channel(tx: &mut Tx, claim: &Claim, channel: &Channel) -> Result<bool, Fault> {
    let done = tx.execute(
        "UPDATE channels SET detail = $1, active_till = $5, mode = $6, not_live_since = $7 \
         WHERE account = $2 AND channel = $3 AND epoch = $4",
        args![
            storable::json(channel)?,
            &*claim.account,
            claim.channel.as_str(),
            claim.epoch,
            rows::expiry(channel),
            channel.mode.as_deref(),
            channel.not_live_since
        ],
    )?;
    Ok(done > 0)
}

/// Looked for under the channel's lock, for a clear answer; the unique index `transfers_open` is what holds.
fn another_open(tx: &mut Tx, claim: &Claim, key: &str) -> Result<bool, Fault> {
    let row = tx.optional(
        "SELECT key FROM transfers WHERE account = $1 AND channel = $2 AND open = 1 AND key <> $3",
        args![&*claim.account, claim.channel.as_str(), key],
    )?;
    Ok(row.is_some())
}
