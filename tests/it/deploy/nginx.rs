//! Debian's nginx with the committed site, as one process that dies with the test: own folder, own port, own
//! certificate. Edited are only the lines that an operator edits.

use std::{
    fs,
    net::IpAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Method, Response};
use tempfile::TempDir;

use super::{committed, edited};
use crate::support::{
    daybridge::{now_s, sign},
    rabbitmq::{free_ports, spawn},
    wait::until,
};

const BINARY: &str = "/usr/sbin/nginx";

/// The upstream's line in the committed site.
const UPSTREAM: &str = "server 127.0.0.1:8080 max_fails=0;";

/// A running nginx.
pub(super) struct Nginx {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Nginx {
    /// Starts nginx in front of `upstream` (`127.0.0.1:1` or `unix:/path`).
    pub(super) async fn start(upstream: &str) -> Self {
        Self::start_edited(&format!("server {upstream} max_fails=0;"), |locations| locations).await
    }

    /// Starts nginx with other servers in the upstream and changed locations.
    pub(super) async fn start_edited(servers: &str, change: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [port] = free_ports();
        let root = folder.path();
        certificate(root);
        let site = committed("nginx/daybridge.conf");
        let site = edited(&site, UPSTREAM, servers);
        let site = edited(&site, "listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;"));
        let site = edited(&site, "listen [::]:443 ssl;", "");
        let live = "/etc/letsencrypt/live/hooks.example.com";
        let site = edited(&site, &format!("{live}/fullchain.pem"), &format!("{}/cert.pem", root.display()));
        let site = edited(&site, &format!("{live}/privkey.pem"), &format!("{}/key.pem", root.display()));
        fs::write(root.join("site.conf"), site).unwrap();
        fs::create_dir(root.join("snippets")).unwrap();
        let locations = change(committed("nginx/daybridge-locations.conf"));
        fs::write(root.join("snippets/daybridge-locations.conf"), locations).unwrap();
        fs::write(root.join("nginx.conf"), frame(root)).unwrap();
        let mut command = Command::new(BINARY);
        command
            .arg("-e")
            .arg(root.join("error.log"))
            .arg("-p")
            .arg(root)
            .arg("-c")
            .arg(root.join("nginx.conf"));
        let mut nginx = Self { child: spawn(command), folder, port };
        until("nginx listens", || {
            let ended = nginx.child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended: {}", nginx.errors());
            async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok() }
        })
        .await;
        nginx
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_else(|error| {
            format!("{error}; is {BINARY} there? apt-get install nginx-light, or tests/run")
        })
    }

    /// Someone who calls from an address of this machine.
    pub(super) fn caller(&self, from: [u8; 4]) -> Caller {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .local_address(IpAddr::from(from))
            // The test's own certificate.
            .tls_danger_accept_invalid_certs(true)
            .build()
            .unwrap();
        Caller { http, base: format!("https://127.0.0.1:{}", self.port) }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of nginx.
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
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// A signed body to `/webhooks/stripe`.
    pub(super) async fn post(&self, body: &[u8]) -> Response {
        let signature = sign(body, now_s());
        self.request(Method::POST, "/webhooks/stripe", body, &[("stripe-signature", &signature)]).await
    }
}

/// What Debian's `nginx.conf` is around a site. One process and no master: killing it leaves nothing behind.
fn frame(root: &Path) -> String {
    let root = root.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {root}/{name};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {root}/nginx.pid;\nerror_log {root}/error.log info;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n    access_log {root}/access.log;\n    gzip on;\n{temp}    include site.conf;\n}}\n"
    )
}

fn certificate(root: &Path) {
    let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let status = Command::new("openssl")
        .args(key)
        .args(["-days", "2", "-subj", "/CN=hooks.example.com", "-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "openssl {status}");
}
