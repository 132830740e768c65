//! The order of effects. *Intake* turns deliveries into ledger rows and acks only after commit; *settle* is
//! the only code that calls extend, and only after a committed intent. The two meet in the ledger; a
//! [`tokio::sync::Notify`] only saves the wait.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    sync::{Mutex, Notify},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    clock::{Clock, millis},
    config::{self, Config},
    domain::settle,
    ledger::Ledger,
    partner::Partner,
    provider::readers::Readers,
    queue::Queue,
};
pub use interpreter::Interpreter;
pub use outages::Outages;

/// What a delivery comes to by the settings of today.
pub mod interpreter;

/// From a delivery to ledger rows.
pub mod intake;

/// The channels that a worker has in hand.
pub mod hands;

/// A message in hand.
mod message;

/// What is held is read again.
mod reread;

/// The switch to live.
mod live;

/// Which channels are worked on, and when.
pub mod settling;

/// One channel's turn: step, commit, effect.
pub mod turn;

/// A worker's heartbeat.
pub mod heartbeat;

/// Stops new calls after several unclear outcomes in a row.
pub mod breaker;

/// Says when calls begin to rest, and when they go on.
pub mod outages;

/// Says when the balance runs out soon.
pub mod balance;

/// What a worker counts and times.
pub mod meters;

/// How long doubts were watched.
pub mod watched;

/// The partner's list of channels, read whole and kept.
pub mod listing;

/// Channels that nobody pays for, deleted.
pub mod retire;

/// Between tries while the broker or the ledger is away: 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5 … s.
const AWAY: Backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(5) };

/// The doors a worker stands between.
#[derive(Clone)]
pub struct Doors {
    /// Where deliveries come from.
    pub queue: Arc<dyn Queue>,
    /// Where everything is recorded.
    pub ledger: Arc<Ledger>,
    /// Where days are moved.
    pub partner: Arc<dyn Partner>,
    /// What bodies mean.
    pub readers: Arc<Readers>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Runs intake and settle until `stop`, then finishes what is in hand within `worker.stop_timeout`.
pub async fn run(config: Config, doors: Doors, stop: CancellationToken) -> anyhow::Result<()> {
    let stop = stop.child_token();
    let interpreter =
        Interpreter::noting(&config, doors.ledger.as_ref(), doors.readers, doors.clock.as_ref(), &stop)
            .await?;
    let wake = Arc::new(Notify::new());
    let (hands, taken) =
        hands::Hands::new(config.worker.channels_max, settling::lease_ms(config.partner.call_timeout));
    let intake = Arc::new(intake::Intake {
        queue: doors.queue,
        ledger: doors.ledger.clone(),
        clock: doors.clock.clone(),
        interpreter,
        prefetch: config.queue.prefetch,
        intake_max: config.worker.intake_max,
        fetch_again: config.worker.fetch_again,
        recording: Mutex::default(),
        hands: hands.clone(),
        wake: wake.clone(),
        ledger_away: AtomicBool::new(false),
    });
    let mut tasks = JoinSet::new();
    let reading = intake.run(stop.clone());
    tasks.spawn(async move { reading.await.map_err(anyhow::Error::from) });
    let settling = settling::run(
        config,
        doors.ledger.clone(),
        (doors.partner, doors.clock),
        (hands, taken),
        wake,
        stop.clone(),
    );
    let settling = heartbeat::during(doors.ledger, stop.clone(), settling);
    tasks.spawn(async move {
        settling.await;
        Ok(())
    });
    let mut whole = Ok(());
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended? {
            // The other finishes what it has in hand.
            stop.cancel();
            whole = Err(error);
        }
    }
    whole
}

/// What the rules of settling need of the settings.
pub fn settle_policy(partner: &config::PartnerSettings) -> settle::Policy {
    settle::Policy {
        settle_window_ms: millis(partner.settle_window),
        retry_unmoved: partner.on_unmoved == config::OnUnmoved::Retry,
        skew_ms: millis(partner.skew),
        ensure_live: partner.ensure_live,
    }
}

/// Waits before the next try to reach something that is away; ends early on `stop`.
async fn away(tries: &mut u32, stop: &CancellationToken) {
    let wait = AWAY.span(*tries);
    *tries = tries.saturating_add(1);
    let _ = tokio::time::timeout(wait, stop.cancelled()).await;
}
