//! What an older worker wrote while the schema was brought up to date beneath it: it knows neither the payment's state
//! nor the sums. Looked for along indices that are empty but for that, at every start.

use sqlx::{AssertSqlSafe, Row as _};

use super::{SqlLedger, fault::Fault, rows::SLOT_MS};

/// `settled_at` in the words of the database.
pub(super) async fn catch_up(ledger: &SqlLedger, settled_at: &str) -> Result<(), Fault> {
    let behind: i64 = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM transfers WHERE state = 'settled' AND settled_at IS NULL) \
         + (SELECT COUNT(*) FROM payments WHERE state = '') AS behind",
    )
    .fetch_one(&ledger.read)
    .await?
    .try_get("behind")?;
    if behind == 0 {
        return Ok(());
    }
    tracing::warn!(behind, "an older worker wrote after the schema was brought up to date; caught up");
    let mut tx = ledger.serial().await?;
    let word = "COALESCE((SELECT CASE t.state WHEN 'settled' THEN 'credited' WHEN 'intended' THEN 'planned' \
         ELSE t.state END FROM transfers t WHERE t.payment = payments.key AND t.n = 1), decision)";
    for statement in [
        format!(
            "UPDATE payments SET state = {word} WHERE state = '' OR key IN (SELECT payment FROM transfers \
             WHERE (state = 'settled' AND settled_at IS NULL) OR state IN ('doubtful', 'held'))"
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
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}
