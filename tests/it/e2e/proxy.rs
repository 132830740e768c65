//! A network that lets nothing out but through its HTTP proxy.

use std::{
    fs,
    process::{Child, Command},
    sync::{Arc, Mutex},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{
    authority::{Authority, shown},
    daybridge::{House, TOKEN},
    rabbitmq::{free_ports, spawn},
    wait::until,
};

const CHANNEL: &str = "DEMOCH-AB12C";

/// What the proxy answers a `CONNECT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Tunnels,
    Asks,
    Forbids,
}

/// A proxy that keeps every byte that came to it from a client.
#[derive(Clone)]
struct Proxy {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    does: Arc<Mutex<Does>>,
}

impl Proxy {
    async fn start(port: u16) -> Self {
        let proxy = Self { seen: Arc::default(), does: Arc::new(Mutex::new(Does::Tunnels)) };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let all = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(all.clone().one(client));
            }
        });
        proxy
    }

    /// One connection. `None`: it is over.
    async fn one(self, mut client: TcpStream) -> Option<()> {
        let place = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Vec::new());
            seen.len() - 1
        };
        let keep = |part: &[u8]| self.seen.lock().unwrap()[place].extend_from_slice(part);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.ok()?);
        }
        keep(&head);
        let does = *self.does.lock().unwrap();
        let refused = match does {
            Does::Tunnels => None,
            Does::Asks => Some("407 Proxy Authentication Required"),
            Does::Forbids => Some("403 Forbidden"),
        };
        if let Some(refused) = refused {
            let answer = format!("HTTP/1.1 {refused}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return client.write_all(answer.as_bytes()).await.ok();
        }
        let head = String::from_utf8(head).ok()?;
        let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
        let mut server = TcpStream::connect(target).await.ok()?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let out = async {
            let mut part = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = from_client.read(&mut part).await {
                keep(&part[..read]);
                to_server.write_all(&part[..read]).await?;
            }
            to_server.shutdown().await
        };
        let _ = tokio::join!(out, tokio::io::copy(&mut from_server, &mut to_client));
        Some(())
    }

    /// What each connection brought.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }
}

/// TLS in front of the simulator, under a certificate of the authority.
fn behind_tls(house: &House, authority: &Authority, port: u16, api: &str) -> Child {
    let own = authority.issue("partner", "DNS:localhost");
    let folder = house.path("tls");
    fs::create_dir(&folder).unwrap();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
        .collect();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/log;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {1}; ssl_certificate_key {2};\n\
         location / {{ proxy_pass {api}; }} }} }}\n",
        folder.display(),
        shown(&own.cert),
        shown(&own.key)
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-e").arg(folder.join("log")).arg("-c").arg(file);
    spawn(nginx)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_token_travels_inside_the_tunnel_alone() {
    let authority = Authority::new();
    let [tls, port, other_port] = free_ports();
    let proxy = Proxy::start(port).await;
    let extra =
        format!("account = \"main\"\n[outbound]\nproxy = \"http://operator:p%40ss@127.0.0.1:{port}\"\n");
    let mut house = House::build("embedded", None, &extra).await;
    let text = fs::read_to_string(house.path("daybridge.toml")).unwrap();
    let api = text.lines().find_map(|line| line.strip_prefix("base_url = \"")).unwrap();
    let api = api.trim_end_matches('"').to_owned();
    let mut nginx = behind_tls(&house, &authority, tls, &api);
    let base = format!("https://localhost:{tls}");
    house.set(&format!("base_url = \"{api}\""), &format!("base_url = \"{base}\""));
    until("nginx listens", || async { TcpStream::connect(("127.0.0.1", tls)).await.ok() }).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;

    // The environment has a proxy of its own, which is nobody's business.
    let other = Proxy::start(other_port).await;
    let mut env = vec![("SSL_CERT_FILE", shown(&authority.ca()))];
    env.extend(
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"]
            .map(|name| (name, format!("http://127.0.0.1:{other_port}"))),
    );
    let checked = house.command_in(&["check"], &env);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("accepts the token, through outbound.proxy"), "{said}");

    house.start_as("run", "run", &env).await;
    house.ready("run").await;
    let event = House::event("charge.succeeded", "evt_1", "pi_1", CHANNEL, "7");
    assert_eq!(house.post(&event).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    let seen = proxy.seen();
    assert!(seen.len() >= 3, "check, a read, a call: {}", seen.len());
    for one in &seen {
        assert!(one.starts_with(&format!("CONNECT localhost:{tls} HTTP/1.1\r\n")), "{one}");
        // operator:p@ss
        assert!(one.to_lowercase().contains("proxy-authorization: basic b3blcmf0b3i6cebzcw=="), "{one}");
        for word in [TOKEN, "Bearer", "authorization: bearer", CHANNEL, "/channels", "pi_1"] {
            assert!(!one.contains(word), "{word} in {one}");
        }
    }

    // A proxy that refuses is no doubt: nothing was sent, and it is tried again.
    *proxy.does.lock().unwrap() = Does::Asks;
    let event = House::event("charge.succeeded", "evt_2", "pi_2", CHANNEL, "7");
    assert_eq!(house.post(&event).await, 200);
    let asks = house.command_in(&["check"], &env);
    let said = String::from_utf8_lossy(&asks.stdout).into_owned();
    assert!(said.contains("FAIL  partner") && said.contains("wants a user and a password"), "{said}");
    *proxy.does.lock().unwrap() = Does::Forbids;
    let forbids = house.command_in(&["check"], &env);
    let said = String::from_utf8_lossy(&forbids.stdout).into_owned();
    assert!(said.contains("FAIL  partner") && said.contains("let it CONNECT"), "{said}");
    let waiting = house.payment_is("stripe/pi_2", "planned").await;
    assert_eq!(house.applied("stripe/pi_2").await, 0, "{waiting:#}");
    *proxy.does.lock().unwrap() = Does::Tunnels;
    house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!((house.applied("stripe/pi_1").await, house.applied("stripe/pi_2").await), (1, 1));
    assert_eq!(house.stop("run").await, Some(0));

    // Without the setting the way is direct, whatever the environment says.
    let before = proxy.seen().len();
    house.set(&format!("proxy = \"http://operator:p%40ss@127.0.0.1:{port}\""), "");
    let direct = house.command_in(&["check"], &env);
    let said = String::from_utf8_lossy(&direct.stdout).into_owned();
    assert!(said.contains(&format!("ok    partner   {base} accepts the token")), "{said}");
    assert_eq!((proxy.seen().len(), other.seen().len()), (before, 0));
    nginx.kill().unwrap();
    nginx.wait().unwrap();
}
