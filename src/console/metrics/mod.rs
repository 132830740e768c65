//! `/metrics`: what the process has counted and timed since its start, and what queue, ledger and system say at this
//! moment. A part that is away says nothing: its gauges are not there, and `daybridge_up` is 0.
//!
//! Days are not time here but the goods, one day of one channel each; hence *channeldays*, which Prometheus' conventions
//! do not take for a unit of time.

use std::{future::Future, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::health::{Looks, READY_TIMEOUT};
use crate::{
    clock,
    ledger::measures::Measures,
    queue::{Lane, Policies},
};
use text::{Text, one, whole};

/// What is owed, and what is known of the balance.
pub(super) mod balance;

/// What the ledger says.
mod ledger;

/// What the system says of the process.
mod process;

/// Prometheus' text format.
mod text;

/// Bounds in seconds of what takes a moment: a confirm, a call.
const MOMENTS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Bounds in seconds of what may wait for days: 0.05 s to a week.
const WAITS: [f64; 13] =
    [0.05, 0.25, 1.0, 2.5, 10.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0];

/// Longest a scrape waits for what the ledger says; Prometheus itself gives up after 10 s.
const MEASURES_TIMEOUT: Duration = Duration::from_secs(6);

/// Starts collecting for the process; `None` where something else does.
pub(super) fn record() -> Option<PrometheusHandle> {
    let waits = Matcher::Full("daybridge_accepted_to_credited_seconds".into());
    let builder = PrometheusBuilder::new().set_buckets(&MOMENTS).ok()?;
    builder.set_buckets_for_metric(waits, &WAITS).ok()?.install_recorder().ok()
}

/// The whole page.
pub(super) async fn page(looks: &Looks, recorded: &PrometheusHandle) -> String {
    let mut text = Text::default();
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("role", looks.role.to_owned())];
    text.gauge("daybridge_build_info", "Which program this is.", vec![(labels, 1.0)]);
    let ((queue, queued), (ledger, measures), owed) =
        tokio::join!(queue(looks), measures(looks), looks.owed.look(&looks.ledger, &looks.account));
    let mut up = vec![(vec![("part", "queue".to_owned())], queue)];
    up.extend(ledger.map(|ledger| (vec![("part", "ledger".to_owned())], ledger)));
    text.gauge(
        "daybridge_up",
        "Whether the part can be used now; the gauges of one that is away are not there.",
        up,
    );
    queued.write(&mut text);
    if let Some(measures) = measures {
        let now = clock::now_ms();
        let known = ledger::Known { account: &looks.account, backfilled: &looks.backfilled, now };
        ledger::write(&mut text, &measures, &known);
        if let Some(balance) = owed {
            balance::write(&mut text, &balance, now);
        }
    }
    process::write(&mut text);
    text.into_string() + &recorded.render()
}

async fn in_time<T>(limit: Duration, answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, answer).await.ok()
}

/// What the queue says of itself.
#[derive(Default)]
struct Queued {
    depths: Vec<(&'static str, u64)>,
    losing: Option<usize>,
}

async fn queue(looks: &Looks) -> (f64, Queued) {
    if !matches!(in_time(READY_TIMEOUT, looks.queue.health()).await, Some(Ok(()))) {
        return (0.0, Queued::default());
    }
    let told = async {
        let mut queued = Queued::default();
        for (lane, name) in [(Lane::Events, "events"), (Lane::Dead, "dead"), (Lane::Unroutable, "unroutable")]
        {
            queued.depths.extend(looks.queue.depth(lane).await.map(|depth| (name, depth)));
        }
        if let Ok(Policies::Seen { losses, .. }) = looks.queue.policies().await {
            queued.losing = Some(losses.len());
        }
        queued
    };
    (1.0, in_time(READY_TIMEOUT, told).await.unwrap_or_default())
}

impl Queued {
    fn write(self, text: &mut Text) {
        let depths = self.depths.into_iter();
        text.gauge(
            "daybridge_queue_depth",
            "Messages that wait on the broker, by queue.",
            depths.map(|(name, depth)| (vec![("queue", name.to_owned())], whole(depth))).collect(),
        );
        let losing = self.losing.map(|many| one(whole(u64::try_from(many).unwrap_or(u64::MAX))));
        text.gauge(
            "daybridge_queue_policies_that_lose",
            "Ways in which policies in force on the broker lose accepted messages.",
            losing.unwrap_or_default(),
        );
    }
}

/// Whether the ledger can be used (`None`: this role has none), and what it says.
async fn measures(looks: &Looks) -> (Option<f64>, Option<Measures>) {
    if !looks.with_ledger {
        return (None, None);
    }
    let Some(ledger) = looks.ledger.get() else { return (Some(0.0), None) };
    if !matches!(in_time(READY_TIMEOUT, ledger.health()).await, Some(Ok(()))) {
        return (Some(0.0), None);
    }
    match in_time(MEASURES_TIMEOUT, ledger.measures(&looks.sources, clock::now_ms())).await {
        Some(Ok(measures)) => (Some(1.0), Some(measures)),
        Some(Err(error)) => {
            tracing::warn!(%error, "the ledger tells no metrics");
            (Some(1.0), None)
        }
        None => {
            tracing::warn!("the ledger takes too long to tell its metrics");
            (Some(1.0), None)
        }
    }
}
