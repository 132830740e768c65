//! The order of effects. *Intake* turns deliveries into ledger rows and acks only after commit; *settle* is
//! the only code that calls extend, and only after a committed intent. The two meet in the ledger; a
//! [`tokio::sync::Notify`] only saves the wait.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{self, Config},
    domain::{
        facts::Facts,
        id::{CommentTemplate, realm_bytes},
        settle,
    },
    ledger::{Ledger, LedgerError, SourceRules},
    partner::Partner,
    queue::Queue,
};

/// Wall time and boot time.
pub mod clock;

/// From a delivery to ledger rows.
pub mod intake;

/// Which channels are worked on, and when.
pub mod settling;

/// One channel's turn: step, commit, effect.
pub mod turn;

/// Stops new calls after several unclear outcomes in a row.
pub mod breaker;

/// Reads a body of a source into facts; `provider/` stands behind it.
pub type Reader = Arc<dyn Fn(&str, &[u8]) -> Result<Facts, String> + Send + Sync>;

/// Waits between tries while the broker or the ledger is away: 0.2 s doubling to this.
const AWAY_MAX: Duration = Duration::from_secs(5);

/// The doors a worker stands between.
#[derive(Clone)]
pub struct Doors {
    /// Where deliveries come from.
    pub queue: Arc<dyn Queue>,
    /// Where everything is recorded.
    pub ledger: Arc<dyn Ledger>,
    /// Where days are moved.
    pub partner: Arc<dyn Partner>,
    /// What bodies mean.
    pub reader: Reader,
}

/// Runs intake and settle until `stop`, then finishes what is in hand within `worker.stop_timeout`.
pub async fn run(config: Config, doors: Doors, stop: CancellationToken) -> anyhow::Result<()> {
    let sources = Arc::new(note_rules(&config, doors.ledger.as_ref(), &stop).await?);
    let comment = comment_template(&config)?;
    let wake = Arc::new(Notify::new());
    let intake = Arc::new(intake::Intake {
        queue: doors.queue,
        ledger: doors.ledger.clone(),
        reader: doors.reader,
        sources,
        account: config.partner.account.clone(),
        comment,
        prefetch: config.queue.prefetch,
        intake_max: config.worker.intake_max,
        wake: wake.clone(),
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(intake.clone().run(stop.clone()));
    tasks.spawn(settling::run(config, doors.ledger, doors.partner, wake, stop));
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

/// The comment template of the settings, for keys of their longest realm.
pub fn comment_template(config: &Config) -> anyhow::Result<CommentTemplate> {
    let realm_bytes = config.sources.iter().map(|(name, s)| realm_bytes(s.realm(name))).max().unwrap_or(0);
    let days_max = config.sources.values().map(|s| s.days_max).max().unwrap_or(0);
    CommentTemplate::parse(&config.partner.comment, realm_bytes, days_max).map_err(anyhow::Error::msg)
}

/// What the rules of settling need of the settings.
pub fn settle_policy(partner: &config::Partner) -> settle::Policy {
    settle::Policy {
        settle_window_ms: millis(partner.settle_window),
        retry_unmoved: partner.on_unmoved == config::OnUnmoved::Retry,
        skew_ms: millis(partner.skew),
        ensure_live: partner.ensure_live,
    }
}

/// A duration in ms, as the ledger counts.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Notes each source's rules in the ledger and learns since when they hold; waits for the ledger.
async fn note_rules(
    config: &Config,
    ledger: &dyn Ledger,
    stop: &CancellationToken,
) -> Result<BTreeMap<String, SourceRules>, LedgerError> {
    let mut sources = BTreeMap::new();
    for (name, source) in &config.sources {
        let realm = source.realm(name);
        let mut tries = 0;
        let since = loop {
            match ledger.note_rules(realm, source.money_in.as_str(), clock::now_ms()).await {
                Err(LedgerError::Unavailable(why)) if !stop.is_cancelled() => {
                    tracing::warn!(%why, "the ledger is away; waiting");
                    away(&mut tries, stop).await;
                }
                answer => break answer?,
            }
        };
        let rules = source.rules(since);
        sources.insert(name.clone(), SourceRules { realm: realm.to_owned(), rules });
    }
    Ok(sources)
}

/// Waits before the next try to reach something that is away; ends early on `stop`.
async fn away(tries: &mut u32, stop: &CancellationToken) {
    let wait = Duration::from_millis(200).saturating_mul(1 << (*tries).min(6)).min(AWAY_MAX);
    *tries = tries.saturating_add(1);
    let _ = tokio::time::timeout(wait, stop.cancelled()).await;
}
