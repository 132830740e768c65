//! Sockets that misbehave. Each server tells how many connections it saw and what the first one asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use daybridge::{
    domain::reply::{ReadError, Reply},
    partner::{Partner as _, client::ANSWER_BYTES_MAX},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

#[derive(Clone)]
enum Then {
    /// Reads the request and says nothing.
    Silence,
    /// Resets before reading a byte.
    ResetAtOnce,
    /// Reads the request, then resets.
    ResetAfterReading,
    /// Reads the request, then closes in order.
    Close,
    /// Reads the request and answers these bytes, then closes.
    Answer(Vec<u8>),
    /// A byte at a time, without end.
    Drip,
    /// A body without end.
    Flood,
}

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    asked: tokio::sync::mpsc::UnboundedReceiver<String>,
}

async fn server(then: Then) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(misbehave(stream, then.clone(), tell.clone()));
        }
    });
    Server { url, connections, asked }
}

async fn misbehave(mut stream: TcpStream, then: Then, tell: tokio::sync::mpsc::UnboundedSender<String>) {
    if matches!(then, Then::ResetAtOnce) {
        stream.set_zero_linger().unwrap();
        return;
    }
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !whole(&request) {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => break,
            Ok(n) => request.extend_from_slice(&part[..n]),
        }
    }
    let _ = tell.send(String::from_utf8_lossy(&request).into_owned());
    match then {
        Then::Silence => std::future::pending().await,
        Then::ResetAtOnce | Then::Close => {}
        Then::ResetAfterReading => stream.set_zero_linger().unwrap(),
        Then::Answer(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
        Then::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Then::Flood => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"success\":true}").await;
            while stream.write_all(&[b' '; 65536]).await.is_ok() {}
        }
    }
}

/// The head and as much body as it promises; or a TLS handshake's first byte.
fn whole(request: &[u8]) -> bool {
    if request.first() == Some(&0x16) {
        return true;
    }
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let promised = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    body.len() >= promised.unwrap_or(0)
}

fn http(head: &str, body: &str) -> Then {
    Then::Answer(format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

async fn unclear(then: Then, says: &str) -> Server {
    let server = server(then).await;
    let client = client_of(&server.url, TOKEN, CALL_TIMEOUT);
    let begun = Instant::now();
    let reply = extend(&client).await;
    let Reply::Unclear(text) = &reply else { panic!("{says}: {reply:?}") };
    assert!(text.contains(says), "{says}: {text}");
    assert!(!text.contains("127.0.0.1"), "no address: {text}");
    assert!(begun.elapsed() < CALL_TIMEOUT + Duration::from_secs(5), "{says}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "{says}: one attempt");
    let told = clean(client.read(&id()).await);
    assert!(matches!(told, Err(ReadError::Failed(_))), "{told:?}");
    // A read whose connection breaks is asked once more, for it may have been a kept one.
    let reads = if says == "the connection broke" { 2 } else { 1 };
    assert_eq!(server.connections.load(Ordering::SeqCst), 1 + reads, "{says}");
    let told = clean(client.list(0, 9).await);
    assert!(matches!(told, Err(ReadError::Failed(_))), "{told:?}");
    server
}

#[tokio::test]
async fn whatever_breaks_after_the_connection_is_unclear_and_tried_once() {
    unclear(Then::Silence, "no whole answer within 1s 500ms").await;
    unclear(Then::ResetAtOnce, "the connection broke").await;
    unclear(Then::ResetAfterReading, "the connection broke").await;
    unclear(Then::Close, "the connection broke").await;
    unclear(Then::Answer(b"SSH-2.0-OpenSSH_9\r\n".to_vec()), "the connection broke").await;
    unclear(Then::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"succ".to_vec()), "HTTP 200, then")
        .await;
    unclear(
        Then::Answer(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 99\r\n\r\n{\"error\":\"x\"}".to_vec()),
        "HTTP 403, then",
    )
    .await;
    unclear(Then::Drip, "HTTP 200, then no whole answer").await;
    unclear(Then::Flood, "longer than").await;
    unclear(http("200 OK", &" ".repeat(ANSWER_BYTES_MAX + 1)), "longer than").await;
    unclear(http("200 OK", ""), "HTTP 200 with an empty body").await;
    unclear(http("408 Request Timeout", ""), "HTTP 408").await;
    unclear(http("421 Misdirected Request", ""), "HTTP 421").await;
    unclear(http("425 Too Early", ""), "HTTP 425").await;
    unclear(http("503 Service Unavailable\r\nretry-after: 0", "{\"error\":\"x\"}"), "HTTP 503").await;
    unclear(http("403 Forbidden\r\ncontent-type: text/html", "<html>blocked</html>"), "HTTP 403").await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = server(http("200 OK", r#"{"success":true}"#)).await;
        let head = format!("{code} Moved\r\nlocation: {}/stolen", elsewhere.url);
        unclear(http(&head, ""), &format!("HTTP {code}")).await;
        assert_eq!(elsewhere.connections.load(Ordering::SeqCst), 0, "{code}");
    }
}

#[tokio::test]
async fn refused_connections_are_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = client_of(&url, TOKEN, CALL_TIMEOUT);
    let reply = extend(&client).await;
    let Reply::NotSent(text) = &reply else { panic!("{reply:?}") };
    assert!(text.contains("no connection") && !text.contains("127.0.0.1"), "{text}");
    assert!(matches!(client.read(&id()).await, Err(ReadError::Failed(_))));
}

/// A full accept queue: Linux drops further SYNs, so a connect hangs.
#[tokio::test]
async fn a_connect_that_hangs_is_not_sent() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fill = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(stream) => fill.push(stream.unwrap()),
            Err(_) => break,
        }
        assert!(fill.len() < 100, "the queue never fills");
    }
    let client = client_of(&format!("http://{address}"), TOKEN, CALL_TIMEOUT);
    let reply = extend(&client).await;
    assert!(matches!(&reply, Reply::NotSent(text) if text.contains("too long")), "{reply:?}");
}

#[tokio::test]
async fn tls_that_hangs_is_not_sent() {
    let server = server(Then::Silence).await;
    let client = client_of(&server.url.replace("http://127.0.0.1", "https://localhost"), TOKEN, CALL_TIMEOUT);
    let reply = extend(&client).await;
    assert!(matches!(&reply, Reply::NotSent(text) if text.contains("too long")), "{reply:?}");
}

#[tokio::test]
async fn a_host_that_answers_no_tls_is_not_sent() {
    let mut server = server(Then::Close).await;
    let client = client_of(&server.url.replace("http://127.0.0.1", "https://localhost"), TOKEN, CALL_TIMEOUT);
    let reply = extend(&client).await;
    assert!(matches!(&reply, Reply::NotSent(text) if text.contains("no connection")), "{reply:?}");
    let seen = tokio::time::timeout(CALL_TIMEOUT, server.asked.recv()).await;
    assert!(!format!("{seen:?}").contains("partner-of-these-tests"), "no token before TLS stands");
}

/// Whatever becomes of the tunnel, the call has not begun; the proxy heard host and port.
#[tokio::test]
async fn a_tunnel_that_does_not_come_about_is_not_sent() {
    for (then, want) in [
        (http("407 Proxy Authentication Required", ""), "wants a user and a password"),
        (http("403 Forbidden", ""), "let it CONNECT"),
        (http("502 Bad Gateway", "<html>"), "let it CONNECT"),
        (Then::Answer(b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all".to_vec()), "no connection"),
        (Then::Close, "no connection"),
        (Then::ResetAfterReading, "no connection"),
        (Then::Silence, "too long"),
    ] {
        let mut server = server(then).await;
        let proxy = server.url.replace("http://", "http://operator:p%40ss@");
        let client = Client::new(&config::PartnerSettings {
            base_url: "https://localhost:1".into(),
            token: Some(config::Secret::plain(TOKEN)),
            call_timeout: CALL_TIMEOUT,
            proxy: Some(config::Secret::plain(&proxy)),
            ..Default::default()
        })
        .unwrap();
        let reply = extend(&client).await;
        let Reply::NotSent(text) = &reply else { panic!("{want}: {reply:?}") };
        assert!(text.contains(want) && !text.contains("p@ss") && !text.contains("p%40ss"), "{want}: {text}");
        let asked = tokio::time::timeout(CALL_TIMEOUT, server.asked.recv()).await.unwrap().unwrap();
        assert!(asked.starts_with("CONNECT localhost:1 HTTP/1.1"), "{asked}");
        assert!(!asked.contains("partner-of-these-tests"), "{asked}");
    }
}

#[tokio::test]
async fn the_request_is_what_the_partner_documents() {
    let mut server = server(http("200 OK", r#"{"success":true,"token":"simChannelToken"}"#)).await;
    let client = client_of(&format!("{}/base", server.url), TOKEN, CALL_TIMEOUT);
    assert_eq!(extend(&client).await, Reply::Accepted { active_till: None });
    let asked = server.asked.recv().await.unwrap();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /base/channels/democh-ab12c/extend http/1.1\r\n"), "{head}");
    for line in [
        &format!("authorization: bearer {}", TOKEN.to_ascii_lowercase()),
        "accept: application/json",
        "content-type: application/json",
        "connection: close",
    ] {
        assert!(head.lines().any(|seen| seen == line), "{line}: {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({ "days": 10, "comment": "daybridge stripe/pi_1#1 10d" }));
}

#[tokio::test]
async fn an_echoed_token_does_not_get_through() {
    let echo = format!(r#"{{"error":{{"code":400,"message":"bad {TOKEN} for simChannelToken9Of{ID}"}}}}"#);
    let server = server(http("400 Bad Request", &echo)).await;
    let client = client_of(&server.url, TOKEN, CALL_TIMEOUT);
    let reply = extend(&client).await;
    let Reply::Refused { message, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(message, "400 bad [redacted] for [redacted]");
    clean(client.read(&id()).await).unwrap_err();
    clean(client.make_live(&id()).await).unwrap_err();
}
