//! The operator's console, health and metrics on their own address, never public.
//!
//! Cast: [`gate`] says who asks and what they may do; [`routes`] is the one table of pages, each with the least role
//! that may ask for it; [`pages`] has a file per subject, which reads the ledger or decides through [`crate::ops`] and
//! fills a template; [`jobs`] applies replays in the background. Pages work without JavaScript; the one script only
//! fetches them again. Nothing but the probes is answered under a name that is not one of the console's.
//!
//! There are no pages (404) until somebody can come in, or where there is no ledger (`serve`). `/healthz` (the process
//! runs), `/readyz` (what the role needs is reachable), `/refused` (what the receiver refused, by source and reason) and
//! `/metrics` (Prometheus text) are there in any case, also before the ledger is; none of them tells anything about
//! customers.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    body::BoxBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::{DefaultHeaders, Next, from_fn},
    web,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;

use crate::{config::Config, queue::Queue, webhook::Refused};

/// What waits for the ledger.
mod arrival;

/// Fields, redirects and errors of one request.
mod request;

/// Stylesheet and script, part of the program.
mod assets;

/// Why a page is not answered.
mod error;

/// Who asks, and what they may do.
mod auth;

/// What every answer says to the browser.
mod headers;

/// `/healthz`, `/readyz`, `/refused`, `/metrics`.
mod health;

/// Replays in the background.
mod jobs;

/// What `/metrics` tells.
mod metrics;

/// What a page says after a form.
mod notice;

/// A file per subject.
mod pages;

/// Columns as SVG.
mod plot;

/// How far a payment's days have moved.
mod progress;

/// The one table of pages.
mod routes;

/// What all pages share.
mod layout;

/// What pages are made from.
mod state;

/// Times and values in words.
mod text;

/// Why a slice is kept back.
mod waits;

pub use arrival::Arrival;
pub use auth::password;
pub use routes::{Least, ROUTES, Route};

/// Open connections; further ones wait. Each is a file, and the receiver's are bounded to leave room for these.
const CONNECTIONS_MAX: usize = 128;

/// How often observed values are summed up.
const SUMMED_EVERY: Duration = Duration::from_secs(5);

/// What the console looks at and acts with.
pub struct Parts {
    /// `run`, `serve` or `work`.
    pub role: &'static str,
    /// The broker.
    pub queue: Arc<dyn Queue>,
    /// Whether the role needs a ledger, which comes by [`Arrival::ledger`]; `serve` has none.
    pub with_ledger: bool,
    /// What the receiver of this process refuses; `work` has none.
    pub refused: Option<Arc<Refused>>,
    /// Sources whose provider's own list is looked through.
    pub backfilled: Vec<String>,
    /// What was measured.
    pub metrics: Option<PrometheusHandle>,
}

/// A running console.
pub struct Console {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    handle: ServerHandle,
    summing: Option<JoinHandle<()>>,
    arrival: Arrival,
}

impl Console {
    /// Where it is told that the ledger has come.
    pub fn arrival(&self) -> Arrival {
        self.arrival.clone()
    }

    /// Pauses the replays that this process applies; before the queue is closed.
    pub async fn stop_jobs(&self) {
        if let Some(app) = self.arrival.pages.get() {
            app.jobs.stop().await;
        }
    }

    /// Stops it.
    pub async fn stop(self) {
        self.stop_jobs().await;
        if let Some(summing) = self.summing {
            summing.abort();
        }
        self.handle.stop(false).await;
    }
}

/// Starts collecting metrics for the process; `None` where something else does.
pub fn record_metrics() -> Option<PrometheusHandle> {
    metrics::record()
}

/// Who can come in, in words; `Err`: what keeps the console from starting.
pub fn check(config: &Config) -> Result<String, String> {
    auth::Auth::new(config).map_err(|error| error.to_string())?;
    let console = &config.console;
    Ok(match (console.users.len(), &console.proxy_user_header) {
        (0, None) => "no pages: there is no [console.users.NAME] and no proxy_user_header".into(),
        (users, None) => format!("{users} users"),
        (users, Some(header)) => format!("{users} users, and those that a trusted proxy names in {header}"),
    })
}

/// Listens on `[console] listen`.
pub fn start(config: &Config, parts: Parts) -> anyhow::Result<Console> {
    let listener = bind(&config.console.listen)?;
    let address = listener.local_addr()?;
    let has_pages = parts.with_ledger && config.console.has_pages();
    if has_pages {
        // What is wrong with the users is said now, not when the ledger comes.
        auth::Auth::new(config)?;
    }
    let arrival = Arrival {
        config: config.clone(),
        queue: parts.queue.clone(),
        refused: parts.refused.clone(),
        ledger: Arc::default(),
        pages: Arc::default(),
    };
    let metrics = parts.metrics.clone();
    let looks = looks(config, parts, &arrival);
    let summing = metrics.clone().map(sum_up);
    let hosts = Arc::new(auth::Hosts::new(&config.console, address));
    let pages = has_pages.then(|| arrival.pages.clone());
    let handle = Site { hosts, looks, metrics, pages }.serve(listener)?;
    Ok(Console { address, handle, summing, arrival })
}

fn bind(listen: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).map_err(|error| {
        anyhow::anyhow!("console.listen {listen}: {error}; stop what holds it, or set another address")
    })
}

/// What health and metrics are read from.
fn looks(config: &Config, parts: Parts, arrival: &Arrival) -> health::Looks {
    health::Looks {
        role: parts.role,
        queue: parts.queue,
        with_ledger: parts.with_ledger,
        ledger: arrival.ledger.clone(),
        refused: parts.refused,
        account: config.partner.account.clone(),
        sources: config.sources.keys().cloned().collect(),
        backfilled: parts.backfilled,
        owed: Arc::default(),
    }
}

/// Observed values pile up until they are summed, and nobody may ever ask for them.
fn sum_up(metrics: PrometheusHandle) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SUMMED_EVERY).await;
            metrics.run_upkeep();
        }
    })
}

/// What is answered here, and under which names.
#[derive(Clone)]
struct Site {
    hosts: Arc<auth::Hosts>,
    looks: health::Looks,
    metrics: Option<PrometheusHandle>,
    /// `None`: there are none.
    pages: Option<arrival::Pages>,
}

impl Site {
    fn serve(self, listener: TcpListener) -> anyhow::Result<ServerHandle> {
        let server = HttpServer::new(move || {
            let always = headers::ALWAYS.iter().fold(DefaultHeaders::new(), |all, header| all.add(*header));
            let hosts = self.hosts.clone();
            App::new()
                .wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
                    under_a_known_name(hosts.clone(), request, next)
                }))
                .wrap(always)
                .configure(|app| health::routes(app, self.looks.clone(), self.metrics.clone()))
                .configure(|app| match &self.pages {
                    Some(pages) => routes::routes(app, pages),
                    None => {
                        app.default_service(web::to(health::nothing));
                    }
                })
        })
        .workers(1)
        .max_connections(CONNECTIONS_MAX)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener)?
        .run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(handle)
    }
}

/// 421: nothing of the console under a stranger's name.
async fn under_a_known_name(
    hosts: Arc<auth::Hosts>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if hosts.allow(request.uri(), request.headers()) {
        return next.call(request).await;
    }
    let told = "the console does not answer under this name; if it is the console's, add it to [console] hosts in the settings\n";
    Ok(request.into_response(
        HttpResponse::build(StatusCode::MISDIRECTED_REQUEST)
            .content_type("text/plain; charset=utf-8")
            .body(told),
    ))
}
