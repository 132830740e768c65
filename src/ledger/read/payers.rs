//! Who paid for what is held, and which channel that customer paid for last: mostly it is this one, too.

use std::collections::BTreeMap;

use crate::ledger::{
    db::{Arg, Bind as _, Fault, Tx},
    view::{Held, Payer},
};

/// Payments that one statement asks for.
const AT_ONCE: usize = 100;

/// Fills in who paid.
pub(super) fn add(tx: &mut Tx, held: &mut [Held]) -> Result<(), Fault> {
    for some in held.chunks_mut(AT_ONCE) {
        let keys: Vec<String> = some.iter().filter_map(|held| held.payment.clone()).collect();
        if keys.is_empty() {
            continue;
        }
        let places: Vec<String> = (1..).take(keys.len()).map(|place| format!("${place}")).collect();
        let values: Vec<Arg<'_>> = keys.iter().map(|key| key.arg()).collect();
        let rows = tx.all(
            &format!(
                "SELECT p.key, p.realm, p.account, p.customer, p.amount, p.currency, (SELECT q.channel FROM payments q \
                 WHERE q.customer = p.customer AND q.realm = p.realm AND q.account = p.account AND q.granted = 1 \
                 AND q.channel IS NOT NULL AND q.key <> p.key AND p.customer IS NOT NULL ORDER BY q.first_seen_at + 0 DESC LIMIT 1) AS last_channel \
                 FROM payments p WHERE p.key IN ({})",
                places.join(", ")
            ),
            &values,
        )?;
        let mut payers = BTreeMap::new();
        for row in rows {
            let account: String = row.get("account")?;
            let payer = Payer {
                realm: row.get("realm")?,
                account: Some(account).filter(|account| !account.is_empty()),
                customer: row.get("customer")?,
                amount: row.get("amount")?,
                currency: row.get("currency")?,
                last_channel: row.get("last_channel")?,
            };
            payers.insert(row.get::<String>("key")?, payer);
        }
        for held in some {
            if let Some(payer) = held.payment.as_ref().and_then(|payment| payers.get(payment)) {
                held.payer = payer.clone();
            }
        }
    }
    Ok(())
}
