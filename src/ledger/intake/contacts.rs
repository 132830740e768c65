//! How customers are reached, kept for persons who look for them. It is the last thing of a recording: of two that tell of
//! one customer, the one that waits for the other holds nothing that the other needs.

use crate::{
    domain::{DAY_MS, Ms, facts::Facts},
    ledger::db::{Fault, Tx, args},
};

/// What was told within a day is not written again.
pub(super) fn keep(tx: &mut Tx, facts: &Facts, realm: &str, now: Ms) -> Result<(), Fault> {
    let Some(customer) = &facts.customer else { return Ok(()) };
    let account = facts.account.as_deref().unwrap_or_default();
    for contact in &facts.contacts {
        tx.send(
            "INSERT INTO contacts (kind, value, realm, account, customer, told_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (kind, value, realm, account, customer) DO UPDATE SET told_at = excluded.told_at \
             WHERE contacts.told_at < $7",
            args![contact.kind, contact.value, realm, account, customer, now, now.saturating_sub(DAY_MS)],
        )?;
    }
    Ok(())
}
