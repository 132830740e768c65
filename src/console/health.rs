//! `/healthz`, `/readyz`, `/refused`, `/metrics`: no login, and nothing about customers.
//!
//! Liveness is the process alone: whoever restarts it because a part is away makes the outage longer. Readiness names
//! what is away of what the role needs: the queue, and the ledger unless it is `serve`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{HttpResponse, web};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use super::metrics;
use crate::{ledger::Ledger, queue::Queue, webhook::Refused};

/// Longest a readiness probe waits for queue and ledger.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// What health is read from.
#[derive(Clone)]
pub(super) struct Looks {
    /// `run`, `serve` or `work`.
    pub(super) role: &'static str,
    pub(super) queue: Arc<dyn Queue>,
    /// `serve` has none.
    pub(super) with_ledger: bool,
    /// Once it has come.
    pub(super) ledger: Arc<OnceLock<Arc<Ledger>>>,
    pub(super) refused: Option<Arc<Refused>>,
    /// The partner account.
    pub(super) account: String,
    pub(super) sources: Vec<String>,
    /// Those whose provider's own list is looked through.
    pub(super) backfilled: Vec<String>,
    /// What is owed, as it was last read.
    pub(super) owed: Arc<metrics::balance::Looked>,
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
    let queue =
        async { matches!(tokio::time::timeout(READY_TIMEOUT, looks.queue.health()).await, Ok(Ok(()))) };
    let (queue, ledger) = tokio::join!(queue, ledger(&looks));
    let mut parts = vec![("queue", queue)];
    parts.extend(ledger.map(|ledger| ("ledger", ledger)));
    let away: Vec<&str> = parts.iter().filter(|(_, up)| !up).map(|(part, _)| *part).collect();
    if away.is_empty() {
        return HttpResponse::Ok().json(json!({ "ready": true }));
    }
    let parts: serde_json::Map<_, _> =
        parts.into_iter().map(|(part, up)| (part.to_owned(), up.into())).collect();
    let answer = json!({ "ready": false, "away": away.join(", "), "parts": parts });
    HttpResponse::ServiceUnavailable().json(answer)
}

/// Whether the ledger can be used; `None`: this role has none.
async fn ledger(looks: &Looks) -> Option<bool> {
    if !looks.with_ledger {
        return None;
    }
    let Some(ledger) = looks.ledger.get() else { return Some(false) };
    Some(matches!(tokio::time::timeout(READY_TIMEOUT, ledger.health()).await, Ok(Ok(()))))
}

/// What the receiver of this process refused; nothing where it has none.
async fn refused(looks: web::Data<Looks>) -> HttpResponse {
    match &looks.refused {
        Some(refused) => HttpResponse::Ok().json(refused.rows()),
        None => nothing().await,
    }
}

async fn render(looks: web::Data<Looks>, recorded: web::Data<Option<PrometheusHandle>>) -> HttpResponse {
    let Some(recorded) = recorded.as_ref() else { return nothing().await };
    let page = metrics::page(&looks, recorded).await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(page)
}
