//! A declaration of a restored ledger taken back: it was the wrong ledger, or the wrong time. Only as long as nothing was
//! decided on it: what a person has settled since stands on the days that Billing History showed.

use sqlx::Row as _;

use super::{
    SqlLedger, Tx,
    audit::{self, Entry},
    fault::{Fault, refused},
    rows,
};
use crate::{
    domain::{
        Ms,
        hold::{RESTORED, RESTORED_REFUNDED},
        settle::State,
    },
    ledger::{Act, view::Undone},
};

/// Keeps where a transfer stood before the declaration, and where it stands now.
pub(super) async fn keep(tx: &mut Tx, number: i64, key: &str, before: String) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO restored_transfers (restoration, transfer, before, after) \
         SELECT $1, key, $2, detail FROM transfers WHERE key = $3",
    )
    .bind(number)
    .bind(before)
    .bind(key)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Keeps which act was the last when it was declared; later ones are decided on it.
pub(super) async fn mark(tx: &mut Tx, number: i64) -> Result<(), Fault> {
    sqlx::query("UPDATE restorations SET audit = (SELECT MAX(number) FROM audit) WHERE number = $1")
        .bind(number)
        .execute(&mut **tx)
        .await?;
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

async fn declared(tx: &mut Tx) -> Result<Declared, Fault> {
    let row = sqlx::query(
        "SELECT number, since, declared_at, server, audit FROM restorations WHERE undone_at IS NULL \
         ORDER BY number DESC LIMIT 1",
    )
    .fetch_optional(&mut **tx)
    .await?;
    let row = row.ok_or_else(|| refused("this ledger is not declared restored: there is nothing to undo"))?;
    let audit: Option<i64> = row.try_get("audit")?;
    let audit = audit.ok_or_else(|| {
        refused("it was declared by an older daybridge, which did not keep what it held: it cannot be undone")
    })?;
    Ok(Declared {
        number: row.try_get("number")?,
        since: row.try_get("since")?,
        declared_at: row.try_get("declared_at")?,
        server: row.try_get("server")?,
        audit,
    })
}

/// Refuses where a person has decided something held since, or where what was held stands elsewhere by now.
async fn undecided(tx: &mut Tx, declared: &Declared) -> Result<(), Fault> {
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM audit WHERE number > $1 AND action LIKE 'held %' AND action <> 'held retry') \
         AS acts, (SELECT COUNT(*) FROM restored_transfers r JOIN transfers t ON t.key = r.transfer \
         WHERE r.restoration = $2 AND t.detail <> r.after) AS moved",
    )
    .bind(declared.audit)
    .bind(declared.number)
    .fetch_one(&mut **tx)
    .await?;
    let (acts, moved): (i64, i64) = (row.try_get("acts")?, row.try_get("moved")?);
    if acts > 0 || moved > 0 {
        return Err(refused(format!(
            "{acts} decisions were made about what is held since it was declared, and {moved} of its transfers stand elsewhere by now: it cannot be undone; decide the rest with `daybridge held list`"
        )));
    }
    Ok(())
}

impl SqlLedger {
    /// Serializable: nothing is decided meanwhile. Epochs that went on stay: no worker of before may come back.
    pub(super) async fn restored_undo_once(&self, act: &Act<'_>, now: Ms) -> Result<Undone, Fault> {
        let mut tx = self.serial().await?;
        let declared = declared(&mut tx).await?;
        self.nobody_works(&mut tx, now).await?;
        undecided(&mut tx, &declared).await?;
        let kept = sqlx::query(
            "SELECT r.before, r.after, t.key, t.account, t.channel FROM restored_transfers r \
             JOIN transfers t ON t.key = r.transfer WHERE r.restoration = $1",
        )
        .bind(declared.number)
        .fetch_all(&mut *tx)
        .await?;
        let mut released = 0_u64;
        for row in &kept {
            let state =
                |column: &str| Ok::<State, Fault>(serde_json::from_str(&row.try_get::<String, _>(column)?)?);
            let key: String = row.try_get("key")?;
            let who = Some((act.who, "the ledger was not restored"));
            if rows::swap(&mut tx, &key, &state("after")?, &state("before")?, who, now).await? {
                released = released.saturating_add(1);
            }
            let (account, channel): (String, String) = (row.try_get("account")?, row.try_get("channel")?);
            rows::make_due(&mut tx, &account, &channel, now).await?;
        }
        sqlx::query("UPDATE restorations SET undone_at = $1 WHERE number = $2")
            .bind(now)
            .bind(declared.number)
            .execute(&mut *tx)
            .await?;
        // The server that the declaration had accepted is another one again.
        sqlx::query("UPDATE origin SET server = $1, servers = servers + 1 WHERE COALESCE(server, '') <> COALESCE($1, '')")
            .bind(declared.server)
            .execute(&mut *tx)
            .await?;
        let payments = sqlx::query(
            "SELECT COUNT(*) AS many FROM payments WHERE decision = 'held' AND cause IN ($1, $2)",
        )
        .bind(RESTORED)
        .bind(RESTORED_REFUNDED)
        .fetch_one(&mut *tx)
        .await?;
        let entry = Entry {
            action: "ledger restored --undo",
            key: "ledger",
            act: *act,
            before: Some(format!("known until {}", declared.since)),
            after: Some(format!("{released} transfers stand where they stood")),
        };
        audit::add(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(Undone {
            since: declared.since,
            declared_at: declared.declared_at,
            released,
            payments_held: u64::try_from(payments.try_get::<i64, _>("many")?).unwrap_or(0),
        })
    }
}
