//! A provider's API in a test's hands: answers each request as told, and keeps what was asked.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET` or `POST`
    pub(crate) method: String,
    /// Path and query, percent signs of brackets undone.
    pub(crate) target: String,
    /// The `Authorization` header.
    pub(crate) authorization: String,
    /// The whole head.
    pub(crate) head: String,
}

impl Asked {
    /// A header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The values of a parameter.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let url = reqwest::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Header lines.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
    /// Promises one byte more than it sends.
    pub(crate) cut: bool,
}

impl Answer {
    pub(crate) fn of(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: String::new(), body: body.into(), cut: false }
    }
}

type Answering = dyn Fn(Asked) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

/// A running API; ends with the test.
pub(crate) struct Api {
    pub(crate) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Api {
    pub(crate) async fn start<F>(answering: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::start_at(0, answering).await
    }

    /// At a port of its own, where nobody listened so far.
    pub(crate) async fn start_at<F>(port: u16, answering: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let answering: Arc<Answering> = Arc::new(move |asked| Box::pin(answering(asked)));
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, answering.clone(), kept.clone()));
            }
        });
        Self { base, asked }
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, answering: Arc<Answering>, kept: Arc<Mutex<Vec<Asked>>>) {
    let mut head = Vec::new();
    let mut part = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(n) => head.extend_from_slice(&part[..n]),
        }
    }
    let end = head.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let mut body = head.split_off(end).len();
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap());
    while body < length {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(n) => body += n,
        }
    }
    let method = head.split(' ').next().unwrap().to_owned();
    let target = head.split(' ').nth(1).unwrap().replace("%5B", "[").replace("%5D", "]");
    let authorization =
        head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    let asked = Asked { method, target, authorization: authorization.into(), head: head.clone() };
    kept.lock().unwrap().push(asked.clone());
    let Answer { status, headers, body, cut } = answering(asked).await;
    let length = body.len() + usize::from(cut);
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}
