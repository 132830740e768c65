use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use daybridge::{
    config::{Config, Server, Source, load},
    envelope::Envelope,
    queue::{Consumer, Lane, NotConfirmed, Queue, QueueError},
    webhook::{Address, Running, Sources, serve, signature::sign},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

use crate::support::http::message;

pub(crate) const SECRET: &str = "whsec_made_for_tests_0001";
pub(crate) const OLD_SECRET: &str = "whsec_made_for_tests_0000";

/// Long enough for a busy machine; nothing that passes waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the queue does with a publish.
#[derive(Clone)]
pub(crate) enum Manner {
    Confirm,
    Refuse(NotConfirmed),
    /// Confirms once the test hands out a permit.
    ByHand,
}

pub(crate) struct HandQueue {
    manner: Mutex<Manner>,
    pub(crate) published: Mutex<Vec<Envelope>>,
    /// One permit per publish that arrived.
    pub(crate) arrived: Semaphore,
    /// Permits to confirm.
    pub(crate) confirms: Semaphore,
}

impl HandQueue {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            manner: Mutex::new(Manner::Confirm),
            published: Mutex::default(),
            arrived: Semaphore::new(0),
            confirms: Semaphore::new(0),
        })
    }

    pub(crate) fn set(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(crate) fn count(&self) -> usize {
        self.published.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> Envelope {
        self.published.lock().unwrap().last().unwrap().clone()
    }
}

#[async_trait]
impl Queue for HandQueue {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        self.published.lock().unwrap().push(envelope);
        self.arrived.add_permits(1);
        let manner = self.manner.lock().unwrap().clone();
        match manner {
            Manner::Confirm => Ok(()),
            Manner::Refuse(why) => Err(why),
            Manner::ByHand => {
                self.confirms.acquire().await.unwrap().forget();
                Ok(())
            }
        }
    }
    async fn consume(&self, _: Lane, _: u16) -> Result<Box<dyn Consumer>, QueueError> {
        Err(QueueError("not here".into()))
    }
    async fn health(&self) -> Result<(), QueueError> {
        Ok(())
    }
    async fn depth(&self, _: Lane) -> Option<u64> {
        None
    }
    async fn close(&self) {}
}

pub(crate) struct Bench {
    pub(crate) queue: Arc<HandQueue>,
    pub(crate) running: Running,
}

pub(crate) fn config(more: &str) -> Config {
    let text =
        format!("[sources.stripe]\nprovider = \"stripe\"\nsecrets = [{SECRET:?}, {OLD_SECRET:?}]\n{more}");
    load::parse(&text, Vec::new()).unwrap()
}

/// Limits long enough to never matter; a test of a limit shortens its own.
pub(crate) fn settings() -> Server {
    Server {
        listen: "127.0.0.1:0".into(),
        threads: 1,
        head_timeout: PATIENCE * 2,
        body_timeout: PATIENCE * 2,
        confirm_timeout: PATIENCE * 2,
        ..Server::default()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: Server) -> Self {
        Self::serving(settings, Sources::with_secrets(&config("")).unwrap()).await
    }

    pub(crate) async fn serving(settings: Server, sources: Sources) -> Self {
        let queue = HandQueue::new();
        let running = serve(&settings, sources, queue.clone()).await.unwrap();
        Self { queue, running }
    }

    pub(crate) fn port(&self) -> u16 {
        match &self.running.address {
            Address::Tcp(address) => address.port(),
            Address::Unix(path) => panic!("{}", path.display()),
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port())).await.unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: &[u8]) -> Reply {
        exchange(&mut self.connect().await, request).await
    }
}

pub(crate) fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub(crate) fn signature(secret: &str, body: &[u8], at_s: i64) -> String {
    let source = Source::of_preset("stripe").unwrap();
    sign(&source, &secret.to_owned().into(), body, "", at_s * 1000).unwrap().headers.remove(0).1
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/stripe/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A POST to the source, with these header lines.
pub(crate) fn post(headers: &[&str], body: &[u8]) -> Vec<u8> {
    request("POST /webhooks/stripe", headers, body)
}

/// A POST signed now.
pub(crate) fn signed(body: &[u8]) -> Vec<u8> {
    post(&[&format!("Stripe-Signature: {}", signature(SECRET, body, now_s()))], body)
}

pub(crate) fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    message(format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", body.len()), headers, body)
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// Status and problem type, or the whole body where it is none.
    pub(crate) fn short(&self) -> String {
        let value: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        match value["type"].as_str() {
            Some(kind) => {
                assert_eq!(value["status"], self.status);
                assert!(self.head.contains("application/problem+json"), "{}", self.head);
                format!("{} {}", self.status, kind.trim_start_matches("urn:daybridge:problem:"))
            }
            None => format!("{} {}", self.status, self.body),
        }
    }
}

pub(crate) async fn exchange<T: AsyncRead + AsyncWrite + Unpin>(io: &mut T, request: &[u8]) -> Reply {
    // A refusal may come, and the connection end, before everything is sent.
    let _ = io.write_all(request).await;
    reply(io).await.expect("an answer")
}

/// Reads one answer; `None` when the connection ends first.
pub(crate) async fn reply<T: AsyncRead + Unpin>(io: &mut T) -> Option<Reply> {
    tokio::time::timeout(PATIENCE, async {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
            }
            match io.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        while bytes.len() < length.unwrap_or(0) {
            if io.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Reply { status, head, body: String::from_utf8(bytes).ok()? })
    })
    .await
    .expect("neither an answer nor an end of the connection")
}
