//! A turn's writes: the transfer's step, what it makes of its payment, and the channel, under the claim's epoch.

use super::{
    account,
    schedule::{FREE, give_back, lock_channel},
    transition,
};
use crate::{
    domain::{
        Ms,
        channel::Channel,
        settle::{Cause, State, Step},
    },
    ledger::{
        Advanced, Claim, Ledger, LedgerError,
        db::{Fault, Row, Tx, args},
        row, storable,
    },
};

impl Ledger {
    /// Commits a step by compare-and-set on (state, attempt, epoch) of the transfer and the claim's epoch, and gives the
    /// channel back if that is said. `None`: somebody else went on with it; drop the turn.
    pub async fn advance(
        &self,
        claim: &Claim,
        key: &str,
        from: &State,
        step: &Step,
        gives_back: bool,
        now: Ms,
    ) -> Result<Option<Advanced>, LedgerError> {
        let (claim, key, from, step) = (claim.clone(), key.to_owned(), from.clone(), step.clone());
        self.db.write(move |tx| tx.advance(&claim, &key, &from, &step, gives_back, now)).await
    }

    /// Commits what is known of a channel, under the claim. `false`: the claim is lost.
    pub async fn save_channel(&self, claim: &Claim, channel: &Channel) -> Result<bool, LedgerError> {
        let (claim, channel) = (claim.clone(), channel.clone());
        self.db.write(move |tx| tx.save_channel(&claim, &channel)).await
    }
}

impl Tx {
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
                "SELECT key FROM transfers WHERE key = $1 AND state || '' = $2 AND attempt = $3 \
                 AND epoch = $4 AND account || '' = $5 AND channel || '' = $6",
                args![
                    key,
                    from.word(),
                    i64::from(from.attempt()),
                    row::epoch_of(from),
                    claim.account,
                    claim.channel.as_str()
                ],
            )?;
            stands.is_some()
        } else {
            transition::step(self, claim, key, from, &step.state, now)?
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
        "SELECT key FROM transfers WHERE key = $1 AND account || '' = $2 AND channel || '' = $3",
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
    transition::set(tx, key, (from, &step.state), Some(&step.channel), None, now)
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
            row::expiry(channel),
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
