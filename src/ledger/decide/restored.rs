//! A ledger that was restored from a backup does not know what happened since. It cannot find out either: the
//! comment of an extension is read by no API. So all that may have moved days meanwhile waits for a person with
//! Billing History.
//!
//! Transfers that the backup has unsettled are held here, once. Payments are held where they are weighed: what was
//! paid before the declaration and is not granted is never granted by itself, however late it is told of, because a
//! provider may have told of it, even long after it was paid, in the time that is forgotten.
//!
//! A call of the forgotten time may still be applied when the ledger is back. So for one settle window after the
//! declaration no worker calls ([`crate::ledger::Turn`]) and nothing is taken for not applied; what is read then is
//! ours to explain.

use super::{
    audit::{self, Entry},
    undo,
};
use crate::{
    domain::{
        Ms,
        id::{payment_key, transfer_key},
        settle::State,
    },
    ledger::{
        Act, Ledger, LedgerError,
        db::{
            Fault, Tx, args,
            fault::refused,
            filter::{Filter, Value},
        },
        row,
        settle::{heartbeat::SILENT_MS_MAX, server, slices, transition},
        view::{self, Action},
    },
};
use std::collections::BTreeMap;

/// Payments whose names are asked for by one statement.
const KEYS_AT_ONCE: usize = 500;

/// When the ledger was last declared restored.
pub(in crate::ledger) fn declared_at(tx: &mut Tx) -> Result<Option<Ms>, Fault> {
    let row = tx.one("SELECT MAX(declared_at) AS at FROM restorations WHERE undone_at IS NULL", args![])?;
    row.get("at")
}

impl Ledger {
    /// Declares that the ledger was restored from a backup made at `since` or later: whatever was not settled
    /// then, and whatever was paid until now and is not granted, may have been credited since, and waits for a
    /// person. No worker may run.
    pub async fn restored(&self, since: Ms, who: &str, now: Ms) -> Result<view::Restored, LedgerError> {
        let who = who.to_owned();
        self.db.alone(move |tx| tx.restored(since, &who, now)).await
    }

    /// What such a declaration would hold now.
    pub async fn restored_would(&self) -> Result<view::Several, LedgerError> {
        self.db.read(move |tx| tx.restored_would()).await
    }
}

impl Tx {
    /// Alone: a transfer that goes on meanwhile must not be missed.
    pub(in crate::ledger) fn restored(
        &mut self,
        since: Ms,
        who: &str,
        now: Ms,
    ) -> Result<view::Restored, Fault> {
        if since > now {
            return Err(refused("--since lies in the future: name the time of the backup"));
        }
        self.nobody_works(now)?;
        let number: i64 = self.one("INSERT INTO restorations (since, declared_at, who, server) VALUES ($1, $2, $3, (SELECT server FROM origin)) \
             RETURNING number", args![since, now, who])?
        .get("number")?;
        // A worker that was stopped in the forgotten time may hold an epoch that the backup does not know, and must
        // not meet it again, not even where the same backup is restored twice. So epochs go on from the time, which
        // is ahead of any count of claims; a channel that is made anew begins there (`schedule::schedule_channel`).
        self.execute(
            "UPDATE channels SET epoch = CASE WHEN epoch < $1 THEN $1 ELSE epoch + 1 END",
            args![now],
        )?;
        let found = self.all(
            "SELECT key, detail FROM transfers WHERE state <> 'settled' AND state IN ('planned', 'intended', 'doubtful', 'held')",
            args![],
        )?;
        let mut held = 0_u64;
        for row in &found {
            let from = row::state(row)?;
            let key: String = row.get("key")?;
            let known = slices::known(self, &key)?;
            let Some(to) = from.restored(known, now) else { continue };
            transition::compare_and_set(self, &key, &from, &to, Some((who, "the ledger was restored")), now)?;
            undo::keep(self, number, &key, row.get("detail")?)?;
            if matches!(to, State::Held { .. }) {
                held = held.saturating_add(1);
            }
        }
        undo::keep_made(self, number, now)?;
        // The declaration says what became of the commits that another server may not have.
        server::accept(self)?;
        let entry = Entry {
            action: Action::Restored,
            key: "ledger",
            act: Act { who, reason: "the ledger was restored from a backup" },
            before: Some(format!("known until {since}")),
            after: Some(format!("{held} transfers held")),
        };
        audit::add(self, entry, now)?;
        undo::mark(self, number)?;
        self.commit();
        Ok(view::Restored { since, declared_at: now, held })
    }

    /// What a declaration would hold: all that is not settled or cancelled.
    pub(in crate::ledger) fn restored_would(&mut self) -> Result<view::Several, Fault> {
        let row = self.one("SELECT COUNT(*) AS many, CAST(COALESCE(SUM(days), 0) AS BIGINT) AS days, MIN(created_at) AS oldest \
             FROM transfers WHERE state <> 'settled' AND state IN ('planned', 'intended', 'doubtful', 'held')", args![])?;
        let number = |column: &str| Ok::<_, Fault>(u64::try_from(row.get::<i64>(column)?).unwrap_or(0));
        Ok(view::Several { count: number("many")?, days: number("days")?, oldest_at: row.get("oldest")? })
    }

    /// Refuses while a worker runs, or may: it would call what is about to be held. The lease tells of workers that are
    /// older than the heartbeat.
    pub(in crate::ledger) fn nobody_works(&mut self, now: Ms) -> Result<(), Fault> {
        if let [seen, ..] = self.alive()?.as_slice() {
            let wait = SILENT_MS_MAX.saturating_sub(seen.silent_ms).saturating_add(999) / 1000;
            return Err(refused(format!(
                "a worker runs: {}, heard {} s ago. Stop every worker, then declare it again; one that was killed on another machine counts as ended in {wait} s",
                seen.worker,
                seen.silent_ms / 1000
            )));
        }
        let leased: Option<Ms> = self
            .one("SELECT MAX(lease_until) AS at FROM channels WHERE lease_until > $1", args![now])?
            .get("at")?;
        match leased {
            None => Ok(()),
            Some(until) => Err(refused(format!(
                "a worker holds channels for another {} s: stop every worker, wait so long, declare it again",
                until.saturating_sub(now).saturating_add(999) / 1000
            ))),
        }
    }

    /// The keys by which Billing History may name each payment that is held for the restoration, strongest first.
    /// The comment has the key of when the days were granted: its strongest name then, which depends on the order
    /// in which its events came, and they come in another order now.
    pub(in crate::ledger) fn forgotten_names(
        &mut self,
        keys: Vec<Value>,
    ) -> Result<BTreeMap<String, Vec<String>>, Fault> {
        let mut rows = Vec::new();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let found = Filter::default().row("payment IN", Some(some.to_vec())).rows(
                self,
                "SELECT payment, realm, account, id FROM aliases",
                "ORDER BY payment, strength, id",
                u32::MAX,
            )?;
            rows.extend(found);
        }
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in &rows {
            let (realm, account): (String, String) = (row.get("realm")?, row.get("account")?);
            let account = Some(&*account).filter(|account| !account.is_empty());
            let id: String = row.get("id")?;
            let key = transfer_key(&payment_key(&realm, account, &id), 1);
            names.entry(row.get("payment")?).or_default().push(key);
        }
        Ok(names)
    }
}
