//! What an older worker wrote while the schema was brought up to date beneath it: it knows neither the payment's state
//! nor the sums. Looked for along indices that are empty but for that, at every start.

use crate::ledger::{
    db::{Fault, Tx, args},
    settle::steps::SLOT_MS,
};

/// Whether there is any.
pub(in crate::ledger) fn behind(tx: &mut Tx) -> Result<bool, Fault> {
    let behind: i64 = tx
        .one(
            "SELECT (SELECT COUNT(*) FROM transfers WHERE state = 'settled' AND settled_at IS NULL) \
         + (SELECT COUNT(*) FROM payments WHERE state <> 'credited' AND state = '') AS behind",
            args![],
        )?
        .get("behind")?;
    if behind > 0 {
        tracing::warn!(
            behind,
            "an older worker wrote after the schema was brought up to date; it is caught up"
        );
    }
    Ok(behind > 0)
}

/// `settled_at` in the words of the database.
pub(in crate::ledger) fn catch_up(tx: &mut Tx, settled_at: &str) -> Result<(), Fault> {
    let word = "COALESCE((SELECT CASE t.state WHEN 'settled' THEN 'credited' WHEN 'intended' THEN 'planned' \
         ELSE t.state END FROM transfers t WHERE t.payment = payments.key AND t.n = 1), decision)";
    for statement in [
        format!(
            "UPDATE payments SET state = {word} WHERE state = '' OR key IN (SELECT payment FROM transfers \
             WHERE (state = 'settled' AND settled_at IS NULL) OR (state <> 'settled' AND state IN ('doubtful', 'held')))"
        ),
        format!(
            "INSERT INTO spent (account, slot, days, transfers) SELECT account, {settled_at} / {SLOT_MS}, \
             CAST(SUM(days) AS BIGINT), COUNT(*) FROM transfers WHERE state = 'settled' AND settled_at IS NULL \
             GROUP BY 1, 2 ON CONFLICT (account, slot) DO UPDATE SET days = spent.days + excluded.days, \
             transfers = spent.transfers + excluded.transfers"
        ),
        format!(
            "UPDATE transfers SET settled_at = {settled_at} WHERE state = 'settled' AND settled_at IS NULL"
        ),
    ] {
        tx.execute(&statement, args![])?;
    }
    tx.commit();
    Ok(())
}
