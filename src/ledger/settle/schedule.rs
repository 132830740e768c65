//! When a channel is due: worked out from its transfers when it is given back, so that whatever happened
//! meanwhile is in it, and a channel can be late but never forgotten.

use crate::{
    domain::{Ms, channel::Channel},
    ledger::{
        Claim, Ledger, LedgerError,
        db::{Dialect, Fault, Row, Tx, args},
        row,
    },
};

/// The first channel that is due and in nobody's hands. The bound is below all times: it leads PostgreSQL to the index.
const NEXT_FREE: &str = "SELECT due_at AS at FROM channels \
     WHERE account = $1 AND due_at IS NOT NULL AND due_at > -9000000000000000000 AND lease_until = 0 ORDER BY due_at LIMIT 1";

/// The first one that comes free by a lease that ends.
const NEXT_LEASED: &str = "SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS at \
     FROM channels WHERE account || '' = $1 AND lease_until > 0 AND due_at IS NOT NULL";

/// For an update of the channel `$3` of the account `$2`: nobody holds it any more, and it is due with its first transfer.
/// One with an open outcome is the only one that counts; where that is held, none is due.
pub(in crate::ledger) const FREE: &str = ", lease_until = 0, lease_owner = '', deferred = 0, due_at = \
     CASE WHEN EXISTS (SELECT 1 FROM transfers WHERE account = $2 AND channel = $3 AND open = 1) \
     THEN (SELECT due_at FROM transfers WHERE account = $2 AND channel = $3 AND open = 1) \
     ELSE (SELECT MIN(due_at) FROM transfers WHERE account = $2 AND channel = $3 AND due_at IS NOT NULL) END, \
     slice_at = (SELECT MIN(wanted_at) FROM transfers WHERE account = $2 AND channel = $3 AND wanted_at IS NOT NULL)";

impl Ledger {
    /// Gives a channel back; it is due again at the earliest of its transfers and its switch to live, and
    /// not before `not_before`. Returns when; `None`: never, or the claim is lost.
    pub async fn release(&self, claim: &Claim, not_before: Ms) -> Result<Option<Ms>, LedgerError> {
        let claim = claim.clone();
        self.db.write(move |tx| tx.release(&claim, not_before)).await
    }

    /// When the next channel of the account is due and free.
    pub async fn next_due(&self, account: &str) -> Result<Option<Ms>, LedgerError> {
        let account = account.to_owned();
        self.db.read(move |tx| tx.next_due(&account)).await
    }
}

impl Tx {
    /// The channel's row is locked first, so a transfer recorded before is seen, and one recorded after makes the channel
    /// due by itself.
    pub(in crate::ledger) fn release(&mut self, claim: &Claim, not_before: Ms) -> Result<Option<Ms>, Fault> {
        lock_channel(self, claim)?;
        let row = self.optional(
            &format!(
                "UPDATE channels SET epoch = epoch{FREE} WHERE account = $2 AND channel = $3 AND epoch = $1 \
                 RETURNING detail, due_at"
            ),
            args![claim.epoch, &*claim.account, claim.channel.as_str()],
        )?;
        let Some(row) = row else { return Ok(None) };
        let due = give_back(self, claim, &row::channel(&row)?, &row, not_before)?;
        self.commit();
        Ok(due)
    }

    /// Two looks into indices; a channel whose lease runs counts from the lease's end.
    pub(in crate::ledger) fn next_due(&mut self, account: &str) -> Result<Option<Ms>, Fault> {
        let row = self.one(&next_sql(), args![account])?;
        let (free, leased): (Option<Ms>, Option<Ms>) = (row.get("free")?, row.get("leased")?);
        Ok([free, leased].into_iter().flatten().min())
    }
}

fn next_sql() -> String {
    format!("SELECT ({NEXT_FREE}) AS free, ({NEXT_LEASED}) AS leased")
}

/// When a channel that was freed is due: not while it rests, nor before what its turn said, but for its switch to live.
/// `freed`: its row, due with its first transfer.
pub(in crate::ledger) fn give_back(
    tx: &mut Tx,
    claim: &Claim,
    channel: &Channel,
    freed: &Row,
    not_before: Ms,
) -> Result<Option<Ms>, Fault> {
    let transfers: Option<Ms> = freed.get("due_at")?;
    let natural = [transfers, channel.switch_due()].into_iter().flatten().min();
    let natural = natural.map(|at| at.max(channel.quiet_until));
    let due = natural.map(|at| at.max(not_before));
    if due != transfers || due > natural {
        tx.send(
            "UPDATE channels SET due_at = $1, deferred = $2 WHERE account = $3 AND channel = $4 AND epoch = $5",
            args![due, i64::from(due > natural), &*claim.account, claim.channel.as_str(), claim.epoch],
        )?;
    }
    Ok(due)
}

/// Makes a channel due no later than `at`, and makes its row where there is none; in a ledger that was restored
/// its epochs begin where no claim of before can be. A worker that holds it goes on; its release looks at the
/// channel's transfers again.
pub(in crate::ledger) fn schedule_channel(
    tx: &mut Tx,
    account: &str,
    channel: &str,
    at: Ms,
) -> Result<(), Fault> {
    tx.send("INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, due_at, deferred, detail) \
         VALUES ($1, $2, COALESCE((SELECT MAX(declared_at) FROM restorations), 0), '', 0, $3, 0, $4) ON CONFLICT (account, channel) DO UPDATE SET due_at = CASE \
         WHEN channels.due_at IS NULL OR channels.due_at > excluded.due_at THEN excluded.due_at \
         ELSE channels.due_at END", args![account, channel, at, serde_json::to_string(&Channel::default())?])
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
