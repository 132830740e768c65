//! The operator's console, health and metrics on their own address, never public.
//!
//! Cast: [`gate`] says who asks and what they may do; [`routes`] is the one table of pages, each with the least role
//! that may ask for it; [`pages`] has a file per subject, which reads the ledger or decides through [`crate::ops`] and
//! fills a template; [`jobs`] applies replays in the background. Pages work without JavaScript; the one script only
//! fetches them again. Nothing but the probes is answered under a name that is not one of the console's.
//!
//! There are no pages (404) until somebody can come in, or where there is no ledger (`serve`). `/healthz` (the process
//! runs), `/readyz` (queue and ledger are reachable), `/refused` (what the receiver refused, by source and reason) and
//! `/metrics` (Prometheus text) are there in any case; none of them tells anything about customers.

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    body::BoxBody,
    dev::{ServerHandle, ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::{DefaultHeaders, Next, from_fn},
    web,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::task::JoinHandle;

use crate::{config::Config, ledger::Ledger, provider::Refused, queue::Queue, worker::Interpreter};

/// Fields, redirects and errors of one request.
mod asked;

/// Stylesheet and script, part of the program.
mod assets;

/// Who asks, and what they may do.
mod gate;

/// What every answer says to the browser.
mod headers;

/// `/healthz`, `/readyz`, `/refused`, `/metrics`.
mod health;

/// Replays in the background.
mod jobs;

/// A file per subject.
mod pages;

/// Columns as SVG.
mod plot;

/// The one table of pages.
mod routes;

/// What all pages share.
mod shell;

/// What pages are made from.
mod site;

/// Times and values in words.
mod text;

pub use gate::password;
pub use routes::{Least, ROUTES, Route};

/// Open connections; further ones wait. Each is a file, and the receiver's are bounded to leave room for these.
const CONNECTIONS_MAX: usize = 128;

/// How often observed values are summed up.
const SUMMED_EVERY: Duration = Duration::from_secs(5);

/// What the console looks at and acts with; `serve` has neither ledger nor interpreter.
pub struct Parts {
    /// The broker.
    pub queue: Arc<dyn Queue>,
    /// The record.
    pub ledger: Option<Arc<dyn Ledger>>,
    /// What bodies mean today.
    pub interpreter: Option<Interpreter>,
    /// What the receiver of this process refuses; `work` has none.
    pub refused: Option<Arc<Refused>>,
    /// What was measured.
    pub metrics: Option<PrometheusHandle>,
}

/// A running console.
pub struct Console {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    handle: ServerHandle,
    summing: Option<JoinHandle<()>>,
    site: Option<Arc<site::Site>>,
}

impl Console {
    /// Pauses the replays that this process applies; before the queue is closed.
    pub async fn stop_jobs(&self) {
        if let Some(site) = &self.site {
            site.jobs.stop().await;
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
    PrometheusBuilder::new().install_recorder().ok()
}

/// Who can come in, in words; `Err`: what keeps the console from starting.
pub fn check(config: &Config) -> Result<String, String> {
    gate::Gate::new(config).map_err(|error| error.to_string())?;
    let console = &config.console;
    Ok(match (console.users.len(), &console.proxy_user_header) {
        (0, None) => "no pages: there is no [console.users.NAME] and no proxy_user_header".into(),
        (users, None) => format!("{users} users"),
        (users, Some(header)) => format!("{users} users, and those that a trusted proxy names in {header}"),
    })
}

/// Listens on `[console] listen`.
pub fn start(config: &Config, parts: Parts) -> anyhow::Result<Console> {
    let listen = &config.console.listen;
    let listener = TcpListener::bind(listen).map_err(|error| {
        anyhow::anyhow!("console.listen {listen}: {error}; stop what holds it, or set another address")
    })?;
    let address = listener.local_addr()?;
    let Parts { queue, ledger, interpreter, refused, metrics } = parts;
    let looks = health::Looks { queue: queue.clone(), ledger: ledger.clone(), refused: refused.clone() };
    let site = match (ledger, interpreter) {
        (Some(ledger), Some(interpreter)) if config.console.has_pages() => {
            Some(Arc::new(site::Site::new(config, queue, ledger, interpreter, refused)?))
        }
        _ => None,
    };
    // Observed values pile up until they are summed, and nobody may ever ask for them.
    let summing = metrics.clone().map(|metrics| {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SUMMED_EVERY).await;
                metrics.run_upkeep();
            }
        })
    });
    let pages = site.clone();
    let hosts = Arc::new(gate::Hosts::new(&config.console, address));
    let server = HttpServer::new(move || {
        let always = headers::ALWAYS.iter().fold(DefaultHeaders::new(), |all, header| all.add(*header));
        let hosts = hosts.clone();
        App::new()
            .wrap(from_fn(move |request: ServiceRequest, next: Next<BoxBody>| {
                under_a_known_name(hosts.clone(), request, next)
            }))
            .wrap(always)
            .configure(|app| health::routes(app, looks.clone(), metrics.clone()))
            .configure(|app| match &pages {
                Some(site) => routes::routes(app, site),
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
    Ok(Console { address, handle, summing, site })
}

/// 421: nothing of the console under a stranger's name.
async fn under_a_known_name(
    hosts: Arc<gate::Hosts>,
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
