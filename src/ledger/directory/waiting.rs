//! Payments that are held for want of a channel, of some names: a change of the directory may let them go.

use std::collections::BTreeSet;

use crate::{
    domain::{
        closed::HeldCause,
        payment::directory::{aliases, payer},
    },
    ledger::{
        Ledger, LedgerError, Place,
        db::{Fault, Tx, args},
        intake::stored::facts_of,
        read::resolve::resolve,
    },
};

/// Most held payments that are looked through, the longest held first.
const LOOKED_THROUGH_MAX: i64 = 10_000;

impl Ledger {
    /// Keys of the payments that are held for want of a channel and are of one of these names.
    pub async fn held_for_names(&self, names: &BTreeSet<Place>) -> Result<Vec<String>, LedgerError> {
        let names = names.clone();
        self.db.read(move |tx| tx.held_for_names(&names)).await
    }

    /// The names by which the directory may know the payment that a key names.
    pub async fn names_of_payment(&self, key: &str) -> Result<BTreeSet<Place>, LedgerError> {
        let key = key.to_owned();
        self.db.read(move |tx| tx.names_of_payment(&key)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn held_for_names(
        &mut self,
        names: &BTreeSet<Place>,
    ) -> Result<Vec<String>, Fault> {
        let held = self.all(
            "SELECT key FROM payments WHERE decision = 'held' AND cause IN ($1, $2, $3) ORDER BY since, key LIMIT $4",
            args![
                HeldCause::ChannelMissing,
                HeldCause::ChannelAmbiguous,
                HeldCause::AliasUnknown,
                LOOKED_THROUGH_MAX
            ],
        )?;
        let mut found = Vec::new();
        for row in held {
            let key: String = row.get("key")?;
            if !self.names_of_payment(&key)?.is_disjoint(names) {
                found.push(key);
            }
        }
        Ok(found)
    }

    pub(in crate::ledger) fn names_of_payment(&mut self, key: &str) -> Result<BTreeSet<Place>, Fault> {
        let Some(key) = resolve(self, key)? else { return Ok(BTreeSet::new()) };
        let row = self.one("SELECT realm, account FROM payments WHERE key = $1", args![key])?;
        let (realm, account): (String, String) = (row.get("realm")?, row.get("account")?);
        let events = facts_of(self, &key)?;
        let names = payer(&events).into_iter().chain(aliases(&events));
        Ok(names.map(|name| Place { realm: realm.clone(), account: account.clone(), name }).collect())
    }
}
