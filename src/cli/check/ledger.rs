//! Whether the record is there and takes what is written.

use daybridge::{
    config::Config,
    domain::closed::PauseCause,
    ledger::{self, LedgerError, LedgerState},
};

use super::Line;
use crate::cli::{brake, roles::opening::FAILOVER_UNNOTICED};

pub(super) async fn look(config: &Config) -> Vec<Line> {
    match ledger::look(&config.ledger).await {
        Err(error) => vec![Line::fail("ledger", error.to_string())],
        Ok(LedgerState::Missing(place)) => {
            let made = format!(
                "not there yet, and made by `run` or `work`; if there was one, put it back first: {place}"
            );
            let mut lines = vec![Line::ok("ledger", made)];
            lines.extend(brake(config).await);
            lines
        }
        Ok(LedgerState::Older { found, known }) => vec![Line::ok(
            "ledger",
            format!(
                "reached: of schema {found}, and brought to {known} by `run` or `work`; back it up before"
            ),
        )],
        Ok(LedgerState::Whole) => {
            read(config).await.unwrap_or_else(|error| vec![Line::fail("ledger", error.to_string())])
        }
    }
}

/// The brake's limits; none where the ledger cannot be read, which has its own line.
async fn brake(config: &Config) -> Option<Line> {
    brake::limits_now(config).await.ok().map(|text| Line::ok("brake", text))
}

async fn read(config: &Config) -> Result<Vec<Line>, LedgerError> {
    let ledger = ledger::open_existing(&config.ledger).await?;
    ledger.health().await?;
    if let Some(moved) = ledger.pauses().await?.into_iter().find(|pause| pause.cause == PauseCause::Failover)
    {
        return Ok(vec![Line::fail("ledger", moved.reason)]);
    }
    let counts = ledger.counts().await?;
    let mut lines = vec![Line::ok(
        "ledger",
        format!(
            "reached: {} credited, {} planned, {} doubtful, {} held",
            counts.credited, counts.planned, counts.doubtful, counts.held
        ),
    )];
    if ledger.origin().await?.failover_unnoticed {
        let (what, to_do) = FAILOVER_UNNOTICED.split_once(": ").unwrap_or((FAILOVER_UNNOTICED, ""));
        lines.push(Line::warn("ledger", what, to_do));
    }
    lines.extend(brake(config).await);
    Ok(lines)
}
