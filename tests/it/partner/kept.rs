//! Connections: reads keep theirs, calls never do.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use daybridge::{domain::reply::Reply, partner::Partner as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

/// A server that answers so many requests of a connection, and closes it when the next one has come. Returns its address,
/// and how many connections it saw.
async fn server(answers: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer(stream, answers));
        }
    });
    (url, connections)
}

async fn answer(mut stream: TcpStream, answers: usize) {
    let body = format!(r#"{{"id":"{ID}","activeTill":1767367524333,"success":true}}"#);
    let text = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for left in (0..=answers).rev() {
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(read) => request.extend_from_slice(&part[..read]),
            }
        }
        if left > 0 {
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn reads_keep_their_connection_and_calls_have_one_each() {
    let (url, connections) = server(1000).await;
    let client = client_of(&url, TOKEN, CALL_TIMEOUT);
    for _ in 0..10 {
        client.read(&id()).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    for call in 1..=3 {
        assert!(matches!(extend(&client).await, Reply::Accepted { .. }));
        assert_eq!(connections.load(Ordering::SeqCst), 1 + call, "a call never meets a kept one");
    }
    client.read(&id()).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 4, "a read never takes a call's");
}

/// A server, or a proxy before it, may close a kept connection at any time.
#[tokio::test]
async fn a_kept_connection_that_was_closed_fails_no_read() {
    let (url, connections) = server(1).await;
    let client = client_of(&url, TOKEN, CALL_TIMEOUT);
    for _ in 0..20 {
        client.read(&id()).await.unwrap();
    }
    assert!(connections.load(Ordering::SeqCst) > 10);
    assert!(matches!(extend(&client).await, Reply::Accepted { .. }));
}
