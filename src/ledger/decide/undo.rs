//! A declaration of a restored ledger taken back: it was the wrong ledger, or the wrong time. Only as long as nothing was
//! decided on it: what a person has settled since stands on the days that Billing History showed.

use super::audit::{self, Entry};
use crate::{
    domain::{
        Ms,
        allocation::slices::Ahead,
        closed::HeldCause,
        settle::{Kept, State},
    },
    ledger::{
        Act, Ledger, LedgerError,
        db::{Fault, Tx, args, fault::refused},
        settle::{schedule, transition},
        storable,
        view::{self, Action, Undone},
    },
};

/// Keeps where a transfer stood before the declaration, and where it stands now.
pub(in crate::ledger) fn keep(tx: &mut Tx, number: i64, key: &str, before: String) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO restored_transfers (restoration, transfer, before, after) \
         SELECT $1, key, $2, detail FROM transfers WHERE key = $3",
        args![number, before, key],
    )?;
    Ok(())
}

/// Keeps what was made for payments that waited for others of their channels: they wait again, then.
pub(in crate::ledger) fn keep_made(tx: &mut Tx, number: i64, now: Ms) -> Result<(), Fault> {
    let waited = State::sliced(Ahead::QUEUED, now, Kept::default());
    tx.execute(
        "INSERT INTO restored_transfers (restoration, transfer, before, after) \
         SELECT $1, key, $2, detail FROM transfers WHERE cause = 'restored' AND state = 'held' AND sliced = 1 \
         AND created_at = $3 AND key NOT IN (SELECT transfer FROM restored_transfers WHERE restoration = $1)",
        args![number, storable::json(&waited)?, now],
    )?;
    Ok(())
}

/// Keeps which act was the last when it was declared; later ones are decided on it.
pub(in crate::ledger) fn mark(tx: &mut Tx, number: i64) -> Result<(), Fault> {
    tx.execute(
        "UPDATE restorations SET audit = (SELECT MAX(number) FROM audit) WHERE number = $1",
        args![number],
    )?;
    Ok(())
}

/// The declaration that counts.
struct Declared {
    number: i64,
    since: Ms,
    declared_at: Ms,
    server: Option<String>,
    audit: i64,
}

fn declared(tx: &mut Tx) -> Result<Declared, Fault> {
    let row = tx.optional(
        "SELECT number, since, declared_at, server, audit FROM restorations WHERE undone_at IS NULL \
         ORDER BY number DESC LIMIT 1",
        args![],
    )?;
    let row = row.ok_or_else(|| refused("this ledger is not declared restored: there is nothing to undo"))?;
    let audit: Option<i64> = row.get("audit")?;
    let audit = audit.ok_or_else(|| {
        refused("it was declared by an older daybridge, which did not keep what it held: it cannot be undone")
    })?;
    Ok(Declared {
        number: row.get("number")?,
        since: row.get("since")?,
        declared_at: row.get("declared_at")?,
        server: row.get("server")?,
        audit,
    })
}

/// Refuses where a person has decided something held since, or where what was held stands elsewhere by now.
fn undecided(tx: &mut Tx, declared: &Declared) -> Result<(), Fault> {
    let row = tx.one("SELECT (SELECT COUNT(*) FROM audit WHERE number > $1 AND action LIKE 'held %' AND action <> 'held retry') \
         AS acts, (SELECT COUNT(*) FROM restored_transfers r JOIN transfers t ON t.key = r.transfer \
         WHERE r.restoration = $2 AND t.detail <> r.after) AS moved", args![declared.audit, declared.number])?;
    let (acts, moved): (i64, i64) = (row.get("acts")?, row.get("moved")?);
    if acts > 0 || moved > 0 {
        return Err(refused(format!(
            "{acts} decisions were made about what is held since it was declared, and {moved} of its transfers stand elsewhere by now: it cannot be undone; decide the rest with `daybridge held list`"
        )));
    }
    Ok(())
}

impl Ledger {
    /// Takes the last declaration back, as long as nothing was decided on it.
    pub async fn restored_undo(&self, act: &Act<'_>, now: Ms) -> Result<view::Undone, LedgerError> {
        let act = act.kept();
        self.db.alone(move |tx| tx.restored_undo(&act.lent(), now)).await
    }
}

impl Tx {
    /// Alone: nothing is decided meanwhile. Epochs that went on stay: no worker of before may come back.
    pub(in crate::ledger) fn restored_undo(&mut self, act: &Act<'_>, now: Ms) -> Result<Undone, Fault> {
        let declared = declared(self)?;
        self.nobody_works(now)?;
        undecided(self, &declared)?;
        let kept = self.all(
            "SELECT r.before, r.after, t.key, t.account, t.channel FROM restored_transfers r \
             JOIN transfers t ON t.key = r.transfer WHERE r.restoration = $1",
            args![declared.number],
        )?;
        let mut released = 0_u64;
        for row in &kept {
            let state = |column: &str| Ok::<State, Fault>(serde_json::from_str(&row.get::<String>(column)?)?);
            let key: String = row.get("key")?;
            let who = Some((act.who, "the ledger was not restored"));
            if transition::compare_and_set(self, &key, &state("after")?, &state("before")?, who, now)? {
                released = released.saturating_add(1);
            }
            let (account, channel): (String, String) = (row.get("account")?, row.get("channel")?);
            schedule::schedule_channel(self, &account, &channel, now)?;
        }
        self.execute(
            "UPDATE restorations SET undone_at = $1 WHERE number = $2",
            args![now, declared.number],
        )?;
        // The server that the declaration had accepted is another one again.
        self.execute("UPDATE origin SET server = $1, servers = servers + 1 WHERE COALESCE(server, '') <> COALESCE($1, '')", args![declared.server])?;
        let payments = self.one(
            "SELECT COUNT(*) AS many FROM payments WHERE decision = 'held' AND cause IN ($1, $2)",
            args![HeldCause::Restored, HeldCause::RestoredRefunded],
        )?;
        let entry = Entry {
            action: Action::RestoredUndo,
            key: "ledger",
            act: *act,
            before: Some(format!("known until {}", declared.since)),
            after: Some(format!("{released} transfers stand where they stood")),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(Undone {
            since: declared.since,
            declared_at: declared.declared_at,
            released,
            payments_held: u64::try_from(payments.get::<i64>("many")?).unwrap_or(0),
        })
    }
}
