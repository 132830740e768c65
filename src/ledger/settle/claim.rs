//! Which channels a worker takes. A claim raises the channel's epoch, which every later write of the turn names: of two
//! workers that both believe in a lease, the older one changes nothing, whatever the clocks say.

use crate::{
    domain::{Ms, id::ChannelId},
    ledger::{
        Claim, DUE_AHEAD_MS_MAX, Ledger, LedgerError,
        db::{Dialect, Fault, Tx, args, fault::corrupt},
    },
};

/// Longest lease of any worker, in ms: two of the longest calls, and time for commits. What ends later was dated by a
/// clock that was ahead, and has ended.
pub(in crate::ledger) const LEASE_MS_MAX: i64 = 900_000;

/// Owner of the lease of a channel that is being deleted.
pub(in crate::ledger) const RETIRE: &str = "retire";

/// Owner of the lease where a deletion may still be applied, for its outcome is not known.
pub(in crate::ledger) const RETIRE_IN_DOUBT: &str = "retire in doubt";

impl Ledger {
    /// Takes up to `limit` due channels of the account; each is ours until `lease_until`.
    pub async fn claim(
        &self,
        account: &str,
        worker: &str,
        now: Ms,
        lease_until: Ms,
        limit: u32,
    ) -> Result<Vec<Claim>, LedgerError> {
        let (account, worker) = (account.to_owned(), worker.to_owned());
        self.db.write(move |tx| tx.claim(&account, &worker, now, lease_until, limit)).await
    }
}

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
        self.slices_due(account, now, limit)?;
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
}

impl Tx {
    /// A slice whose time has come is a transfer that is due like any other, and so is its channel.
    fn slices_due(&mut self, account: &str, now: Ms, limit: u32) -> Result<(), Fault> {
        let channels = self.all(&slices_sql(self.dialect()), args![account, now, i64::from(limit)])?;
        for row in &channels {
            let channel: String = row.get("channel")?;
            self.send(
                "UPDATE transfers SET due_at = wanted_at, wanted_at = NULL \
                 WHERE account = $1 AND channel = $2 AND wanted_at IS NOT NULL AND wanted_at <= $3",
                args![account, channel, now],
            )?;
        }
        Ok(())
    }
}

/// Whoever works on a channel knows it as it was: it is taken from them. A deletion knows nothing of it, and keeps it.
pub(in crate::ledger) fn take_from_worker(tx: &mut Tx, account: &str, channel: &str) -> Result<(), Fault> {
    tx.send(
        "UPDATE channels SET epoch = epoch + 1, lease_until = 0, lease_owner = '' \
         WHERE account = $1 AND channel = $2 AND lease_owner NOT IN ($3, $4)",
        args![account, channel, RETIRE, RETIRE_IN_DOUBT],
    )
}

/// Two looks into indices that find nothing where the clocks are right.
const DUE_TOO_FAR: &str = "UPDATE channels SET due_at = $2 WHERE account = $1 AND due_at > $3";

/// See [`DUE_TOO_FAR`].
const LEASED_TOO_LONG: &str = "UPDATE channels SET lease_until = $2 \
     WHERE account || '' = $1 AND lease_until > 0 AND lease_until > $3";

/// Channels whose slice is to be sent by now. One that has an open outcome says itself when it is due.
fn slices_sql(dialect: Dialect) -> String {
    let suffix = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    format!(
        "UPDATE channels SET slice_at = NULL, due_at = CASE WHEN due_at < slice_at THEN due_at ELSE slice_at END \
         WHERE account = $1 AND channel IN (SELECT channel FROM channels WHERE account = $1 AND slice_at IS NOT NULL \
         AND slice_at <= $2 ORDER BY slice_at LIMIT $3{suffix}) RETURNING channel"
    )
}

/// What is due is looked for once: within the update PostgreSQL might look again for each row, and take more than was asked
/// for.
fn claim_sql(dialect: Dialect) -> String {
    let suffix = match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    format!(
        "WITH due AS MATERIALIZED (SELECT channel FROM channels WHERE account = $1 AND due_at IS NOT NULL \
         AND due_at <= $2 AND lease_until <= $2 ORDER BY due_at LIMIT $3{suffix}) \
         UPDATE channels SET epoch = epoch + 1, lease_owner = $4, lease_until = $5 \
         WHERE account = $1 AND channel IN (SELECT channel FROM due) RETURNING channel, epoch"
    )
}
