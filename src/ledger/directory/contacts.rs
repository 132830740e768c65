//! Customers by their e-mail or phone.

use crate::{
    domain::{
        contact::Contact,
        payment::directory::{Name, NameKind},
    },
    ledger::{
        Ledger, LedgerError, Place,
        db::{Fault, Tx, args},
    },
};

/// Most customers of one e-mail or phone that are found.
const CUSTOMERS_MAX: i64 = 100;

impl Ledger {
    /// Customers of whom events told this e-mail or phone. It names nobody: several may share one.
    pub async fn customers_at(&self, contact: &Contact) -> Result<Vec<Place>, LedgerError> {
        let contact = contact.clone();
        self.db.read(move |tx| tx.customers_at(&contact)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn customers_at(&mut self, contact: &Contact) -> Result<Vec<Place>, Fault> {
        let rows = self.all(
            "SELECT realm, account, customer FROM contacts WHERE kind = $1 AND value = $2 \
             ORDER BY realm, account, customer LIMIT $3",
            args![contact.kind, contact.value, CUSTOMERS_MAX],
        )?;
        rows.iter()
            .map(|row| {
                let id: String = row.get("customer")?;
                let name = Name::new(NameKind::Customer, &*id);
                Ok(Place { realm: row.get("realm")?, account: row.get("account")?, name })
            })
            .collect()
    }
}
