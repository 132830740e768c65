//! `/healthz`, `/readyz`, `/refused`, `/metrics`: no login, and nothing about customers.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    ledger::Ledger,
    provider::Refused,
    queue::{Lane, Policies, Queue},
};

/// Longest a readiness probe waits for queue and ledger.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// What health is read from; `serve` has no ledger.
#[derive(Clone)]
pub(super) struct Looks {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) ledger: Option<Arc<dyn Ledger>>,
    pub(super) refused: Option<Arc<Refused>>,
}

pub(super) fn routes(app: &mut web::ServiceConfig, looks: Looks, metrics: Option<PrometheusHandle>) {
    app.app_data(web::Data::new(looks))
        .app_data(web::Data::new(metrics))
        .route("/healthz", web::get().to(HttpResponse::NoContent))
        .route("/readyz", web::get().to(readyz))
        .route("/refused", web::get().to(refused))
        .route("/metrics", web::get().to(render));
}

/// Where there are no pages.
pub(super) async fn nothing() -> HttpResponse {
    HttpResponse::NotFound().finish()
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

/// What the receiver of this process refused; nothing where it has none.
async fn refused(looks: web::Data<Looks>) -> HttpResponse {
    match &looks.refused {
        Some(refused) => HttpResponse::Ok().json(refused.rows()),
        None => nothing().await,
    }
}

async fn render(looks: web::Data<Looks>, metrics: web::Data<Option<PrometheusHandle>>) -> HttpResponse {
    let whole = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    for (lane, name) in [(Lane::Events, "events"), (Lane::Dead, "dead"), (Lane::Unroutable, "unroutable")] {
        if let Some(depth) = looks.queue.depth(lane).await {
            metrics::gauge!("daybridge_queue_depth", "queue" => name).set(whole(depth));
        }
    }
    if let Ok(Policies::Seen { losses, .. }) = looks.queue.policies().await {
        let losing = u64::try_from(losses.len()).unwrap_or(u64::MAX);
        metrics::gauge!("daybridge_queue_policies_that_lose").set(whole(losing));
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
