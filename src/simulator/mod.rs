//! A stand-in for the partner, with every unknown as a switch, every known failure as a fault, and a clock that
//! can be moved. It serves the partner's API on one address and the truth on another: `admin` documents the
//! `/_sim/…` routes. Used by the tests, by `daybridge demo`, and alone as `daybridge sim`.
//!
//! It is HTTP over the pure `state::Book`; a seeded simulation uses the book without the HTTP. It keeps
//! nothing on disk: a stopped simulator forgets. Not for the open network: plain HTTP, one token, and an admin
//! address that must be loopback.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, web};
use anyhow::{Context as _, ensure};
use secrecy::SecretString;

/// The partner's routes.
mod api;

/// The truth, and all that can be changed: `/_sim/…`.
pub mod admin;

/// How an answer is spoilt.
mod spoil;

/// The days webhook.
mod hooks;

/// What both ports share.
pub mod control;

/// Faults to come.
pub mod fault;

/// What the books hold.
pub mod record;

/// The books.
pub mod state;

/// The unknowns.
pub mod switches;

pub use control::Control;

/// Longest request body, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Longest wait for open requests at a stop, in seconds.
const STOP_SECONDS_MAX: u64 = 1;

/// What a simulator starts with.
#[derive(Debug, Clone)]
pub struct SimSettings {
    /// `host:port` of the partner's API; port 0 picks one.
    pub listen: String,
    /// `host:port` of the admin routes, loopback; port 0 picks one.
    pub admin: String,
    /// The partner token that is accepted.
    pub token: SecretString,
    /// Days on the account.
    pub balance_days: i64,
    /// The unknowns, to begin with.
    pub switches: switches::Switches,
}

impl SimSettings {
    /// Free ports on this machine, likeliest answers.
    pub fn local(token: &str, balance_days: i64) -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            admin: "127.0.0.1:0".into(),
            token: SecretString::from(token.to_owned()),
            balance_days,
            switches: switches::Switches::default(),
        }
    }
}

/// What a request handler has.
struct Shared {
    control: Arc<Control>,
    token: SecretString,
    http: reqwest::Client,
}

/// The simulator; see [`Sim::start`].
pub struct Sim;

/// A simulator that runs; dropping it stops it.
pub struct SimRunning {
    /// Where the partner's API is.
    pub api_addr: SocketAddr,
    /// Where `/_sim/…` is.
    pub admin_addr: SocketAddr,
    /// The world, for tests in the same process.
    pub control: Arc<Control>,
    servers: Vec<ServerHandle>,
}

impl Sim {
    /// Binds both addresses and serves them on threads of their own. Needs a tokio runtime around it.
    pub async fn start(settings: SimSettings) -> anyhow::Result<SimRunning> {
        let _ = rustls::crypto::ring::default_provider().install_default(); // Err: somebody did already
        let api = bind(&settings.listen)?;
        let admin = bind(&settings.admin)?;
        let (api_addr, admin_addr) = (api.local_addr()?, admin.local_addr()?);
        ensure!(
            admin_addr.ip().is_loopback(),
            "the simulator's admin address must be loopback, not {admin_addr}"
        );
        let control = Arc::new(Control::new(settings.balance_days, settings.switches));
        let shared = web::Data::new(Shared {
            control: Arc::clone(&control),
            token: settings.token,
            http: hooks::client()?,
        });

        let mut servers = Vec::new();
        for (listener, is_admin) in [(api, false), (admin, true)] {
            let shared = shared.clone();
            let server = HttpServer::new(move || {
                let app =
                    App::new().app_data(shared.clone()).app_data(web::PayloadConfig::new(REQUEST_BYTES_MAX));
                if is_admin {
                    app.default_service(web::to(admin::serve))
                } else {
                    app.default_service(web::to(api::serve))
                }
            })
            .workers(1)
            .on_connect(spoil::keep_hold)
            .shutdown_timeout(STOP_SECONDS_MAX)
            .disable_signals()
            .listen(listener)?
            .run();
            servers.push(server.handle());
            tokio::spawn(server);
        }
        Ok(SimRunning { api_addr, admin_addr, control, servers })
    }
}

impl SimRunning {
    /// What `partner.base_url` is to be.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.api_addr)
    }

    /// Stops both servers; open requests are cut.
    pub async fn stop(self) {
        for server in &self.servers {
            let _ = tokio::time::timeout(Duration::from_secs(STOP_SECONDS_MAX), server.stop(false)).await;
        }
    }
}

impl Drop for SimRunning {
    fn drop(&mut self) {
        for server in &self.servers {
            drop(server.stop(false)); // the command is sent at once; nobody waits for the end
        }
    }
}

fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("the simulator cannot listen on {address}"))
}
