//! A reverse proxy of Debian with its committed settings, as one process that dies with the test: own folder,
//! own ports, own certificate. Edited are only the lines that an operator edits, and one listener without TLS
//! is added, for requests that no client library would send.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::{Method, Response};
use tempfile::TempDir;

use super::{caddy, haproxy, nginx};
use crate::support::{
    daybridge::{now_s, sign},
    rabbitmq::{free_ports, spawn},
    wait::until,
};

/// The name in the committed settings.
pub(super) const NAME: &str = "hooks.example.com";

/// The limit in the committed settings.
pub(super) const BYTES_MAX: usize = 1_048_576;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Haproxy,
    Caddy,
}

pub(super) const KINDS: [Kind; 3] = [Kind::Nginx, Kind::Haproxy, Kind::Caddy];

/// What an operator edits.
pub(super) struct Setup {
    /// As `[server] listen`; the first is the committed one, more stand beside it.
    pub(super) upstreams: Vec<String>,
    pub(super) bytes_max: usize,
    pub(super) folder: PathBuf,
    /// With TLS.
    pub(super) port: u16,
    /// Without.
    pub(super) bare_port: u16,
}

/// A running proxy.
pub(super) struct Proxy {
    pub(super) kind: Kind,
    folder: TempDir,
    port: u16,
    pub(super) bare_port: u16,
    child: Child,
}

impl Proxy {
    /// Starts a proxy in front of `upstream` (`127.0.0.1:1` or `unix:/path`).
    pub(super) async fn start(kind: Kind, upstream: &str) -> Self {
        Self::start_with(kind, &[upstream], BYTES_MAX).await
    }

    /// With several upstreams, or another body limit.
    pub(super) async fn start_with(kind: Kind, upstreams: &[&str], bytes_max: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [port, bare_port] = free_ports();
        certificate(folder.path());
        let setup = Setup {
            upstreams: upstreams.iter().map(|upstream| (*upstream).to_owned()).collect(),
            bytes_max,
            folder: folder.path().to_owned(),
            port,
            bare_port,
        };
        let command = match kind {
            Kind::Nginx => nginx::command(&setup),
            Kind::Haproxy => haproxy::command(&setup),
            Kind::Caddy => caddy::command(&setup),
        };
        let log = folder.path().join("proxy.log");
        let mut logged = Command::new("sh");
        logged.args(["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh"]).arg(log);
        logged.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            logged.env(name, value.unwrap());
        }
        let mut proxy = Self { kind, child: spawn(logged), folder, port, bare_port };
        for port in [port, bare_port] {
            until(&format!("{kind:?} listens"), || {
                let ended = proxy.child.try_wait().unwrap();
                assert!(ended.is_none(), "{kind:?} ended: {}", proxy.log());
                async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok() }
            })
            .await;
        }
        proxy
    }

    fn log(&self) -> String {
        let text = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let said = text("proxy.log") + text("error.log").as_str();
        format!("{said}; is it installed? apt-get install nginx-light haproxy caddy, or tests/run")
    }

    /// Someone who calls from an address of this machine.
    pub(super) fn caller(&self, from: [u8; 4]) -> Caller {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .local_address(IpAddr::from(from))
            .resolve(NAME, ([127, 0, 0, 1], self.port).into())
            // The test's own certificate.
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Caller { http, base: format!("https://{NAME}:{}", self.port) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of a proxy.
pub(super) struct Caller {
    http: reqwest::Client,
    base: String,
}

impl Caller {
    /// One request; `headers` are added.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        body: &[u8],
        headers: &[(&'static str, &str)],
    ) -> Response {
        self.try_request(method, path, body, headers).await.unwrap()
    }

    /// The same where a connection may end without an answer.
    pub(super) async fn try_request(
        &self,
        method: Method,
        path: &str,
        body: &[u8],
        headers: &[(&'static str, &str)],
    ) -> reqwest::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await
    }

    /// A signed body to `/webhooks/stripe`.
    pub(super) async fn post(&self, body: &[u8]) -> Response {
        let signature = sign(body, now_s());
        self.request(Method::POST, "/webhooks/stripe", body, &[("stripe-signature", &signature)]).await
    }
}

fn certificate(root: &Path) {
    let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let (subject, names) = (format!("/CN={NAME}"), format!("subjectAltName=DNS:{NAME}"));
    let status = Command::new("openssl")
        .args(key)
        .args(["-days", "2", "-subj", &subject, "-addext", &names, "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "openssl {status}");
}
