//! Health and metrics on their own address, never public: `/healthz` (the process runs), `/readyz` (queue and
//! ledger are reachable), `/metrics` (Prometheus text). None of them tells anything about customers.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use tokio::task::JoinHandle;

use crate::{
    ledger::Ledger,
    queue::{Lane, Queue},
};

/// Longest a readiness probe waits for queue and ledger.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// How often observed values are summed up.
const SUMMED_EVERY: Duration = Duration::from_secs(5);

/// What the console looks at; `serve` has no ledger.
#[derive(Clone)]
pub struct Looks {
    /// The broker.
    pub queue: Arc<dyn Queue>,
    /// The record.
    pub ledger: Option<Arc<dyn Ledger>>,
}

/// A running console.
pub struct Console {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    handle: ServerHandle,
    summing: Option<JoinHandle<()>>,
}

impl Console {
    /// Stops it.
    pub async fn stop(self) {
        if let Some(summing) = self.summing {
            summing.abort();
        }
        self.handle.stop(false).await;
    }
}

/// Starts collecting metrics for the process; `None` where something else does.
pub fn record_metrics() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}

/// Listens on `[console] listen`.
pub fn start(listen: &str, looks: Looks, metrics: Option<PrometheusHandle>) -> anyhow::Result<Console> {
    let listener = TcpListener::bind(listen).map_err(|error| {
        anyhow::anyhow!("console.listen {listen}: {error}; stop what holds it, or set another address")
    })?;
    let address = listener.local_addr()?;
    // Observed values pile up until they are summed, and nobody may ever ask for them.
    let summing = metrics.clone().map(|metrics| {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SUMMED_EVERY).await;
                metrics.run_upkeep();
            }
        })
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(looks.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .route("/healthz", web::get().to(HttpResponse::NoContent))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(render))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Console { address, handle, summing })
}

async fn readyz(looks: web::Data<Looks>) -> HttpResponse {
    let probe = async {
        looks.queue.health().await.map_err(|_| "queue")?;
        if let Some(ledger) = &looks.ledger {
            ledger.health().await.map_err(|_| "ledger")?;
        }
        Ok::<(), &str>(())
    };
    match tokio::time::timeout(READY_TIMEOUT, probe).await {
        Ok(Ok(())) => HttpResponse::Ok().json(serde_json::json!({ "ready": true })),
        Ok(Err(part)) => {
            HttpResponse::ServiceUnavailable().json(serde_json::json!({ "ready": false, "away": part }))
        }
        Err(_) => {
            HttpResponse::ServiceUnavailable().json(serde_json::json!({ "ready": false, "away": "timeout" }))
        }
    }
}

async fn render(looks: web::Data<Looks>, metrics: web::Data<Option<PrometheusHandle>>) -> HttpResponse {
    let whole = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    for (lane, name) in [(Lane::Events, "events"), (Lane::Dead, "dead"), (Lane::Unroutable, "unroutable")] {
        if let Some(depth) = looks.queue.depth(lane).await {
            metrics::gauge!("daybridge_queue_depth", "queue" => name).set(whole(depth));
        }
    }
    if let Some(ledger) = &looks.ledger
        && let Ok(counts) = ledger.counts().await
    {
        for (state, count) in [
            ("credited", counts.credited),
            ("planned", counts.planned),
            ("doubtful", counts.doubtful),
            ("held", counts.held),
        ] {
            metrics::gauge!("daybridge_payments", "state" => state).set(whole(count));
        }
    }
    match metrics.as_ref() {
        Some(handle) => {
            HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render())
        }
        None => HttpResponse::NotFound().finish(),
    }
}
