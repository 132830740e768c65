use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use daybridge::{
    config::Server,
    webhook::{Address, StartError},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UnixStream},
    time::Instant,
};

use super::bench::{Bench, Manner, exchange, fixture, post, reply, settings, signed};

const SHORT: Duration = Duration::from_millis(400);

async fn short_heads() -> Bench {
    Bench::with(Server { head_timeout: SHORT, ..settings() }).await
}

/// Ends without an answer, and not before the limit.
async fn cut(mut connection: TcpStream, since: Instant) {
    assert!(reply(&mut connection).await.is_none(), "answered");
    assert!(since.elapsed() >= SHORT, "cut after {:?}", since.elapsed());
}

#[tokio::test]
async fn silent_connections_are_cut() {
    let bench = short_heads().await;
    let since = Instant::now();
    cut(bench.connect().await, since).await;
    let mut kept = bench.connect().await;
    assert_eq!(exchange(&mut kept, &signed(b"{}")).await.status, 200);
    let since = Instant::now() - Duration::from_millis(50);
    cut(kept, since).await;
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn slow_heads_are_cut_the_second_one_too() {
    let bench = short_heads().await;
    for requests_before in [0, 1, 3] {
        let mut connection = bench.connect().await;
        for _ in 0..requests_before {
            assert_eq!(exchange(&mut connection, &signed(b"{}")).await.status, 200);
        }
        connection.write_all(b"POST /webhooks/stripe HTTP/1.1\r\nHo").await.unwrap();
        assert!(reply(&mut connection).await.is_none(), "answered");
    }
    bench.running.stop().await.unwrap();
}

/// Bytes that keep coming do not move the deadline.
#[tokio::test]
async fn a_dripping_head_is_cut() {
    let bench = short_heads().await;
    let (mut read, mut write) = bench.connect().await.into_split();
    let drip = tokio::spawn(async move {
        loop {
            if write.write_all(b"x").await.is_err() {
                break;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let since = Instant::now();
    assert!(reply(&mut read).await.is_none());
    assert!((SHORT..SHORT * 20).contains(&since.elapsed()), "cut after {:?}", since.elapsed());
    drip.abort();
    bench.running.stop().await.unwrap();
}

/// The clock between requests stands still while one is in hand.
#[tokio::test]
async fn a_slow_confirm_is_not_cut_by_the_head_timeout() {
    let bench = short_heads().await;
    bench.queue.set(Manner::ByHand);
    let mut connection = bench.connect().await;
    connection.write_all(&signed(b"{}")).await.unwrap();
    bench.queue.arrived.acquire().await.unwrap().forget();
    tokio::time::sleep(SHORT * 3).await;
    bench.queue.confirms.add_permits(2);
    assert_eq!(reply(&mut connection).await.unwrap().status, 200);
    // And the connection is as good as before.
    assert_eq!(exchange(&mut connection, &signed(b"{}")).await.status, 200);
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_body_is_408_and_the_connection_ends() {
    let bench = Bench::with(Server { body_timeout: SHORT, ..settings() }).await;
    let whole = post(&[], b"0123456789");
    let mut connection = bench.connect().await;
    connection.write_all(&whole[..whole.len() - 1]).await.unwrap();
    assert_eq!(reply(&mut connection).await.unwrap().short(), "408 slow");
    assert!(reply(&mut connection).await.is_none());
    bench.running.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_finishes_what_was_accepted_and_closes_idle_connections() {
    let bench = Bench::new().await;
    bench.queue.set(Manner::ByHand);
    let mut idle = bench.connect().await;
    assert_eq!(exchange(&mut idle, &post(&[], b"")).await.status, 400);
    let mut busy = bench.connect().await;
    busy.write_all(&signed(&fixture("charge.succeeded.basil"))).await.unwrap();
    bench.queue.arrived.acquire().await.unwrap().forget();
    let Address::Tcp(address) = bench.running.address.clone() else { panic!("not TCP") };
    let stopping = tokio::spawn(bench.running.stop());
    assert!(reply(&mut idle).await.is_none());
    bench.queue.confirms.add_permits(1);
    assert_eq!(reply(&mut busy).await.unwrap().status, 200);
    stopping.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "still listening");
}

#[tokio::test]
async fn stopping_does_not_wait_longer_than_its_limit() {
    let bench = Bench::with(Server { stop_timeout: Duration::from_secs(1), ..settings() }).await;
    bench.queue.set(Manner::ByHand);
    let mut busy = bench.connect().await;
    busy.write_all(&signed(b"{}")).await.unwrap();
    bench.queue.arrived.acquire().await.unwrap().forget();
    bench.running.stop().await.unwrap();
    assert!(reply(&mut busy).await.is_none(), "answered without a confirm");
}

#[tokio::test]
async fn a_unix_socket_is_for_owner_and_group_and_replaces_only_a_stale_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let settings = || Server { listen: format!("unix:{}", path.display()), ..settings() };
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let bench = Bench::with(settings()).await;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut connection = UnixStream::connect(&path).await.unwrap();
    assert_eq!(exchange(&mut connection, &signed(b"{}")).await.status, 200);

    let second = || async {
        let sources = daybridge::webhook::Sources::with_secrets(&super::bench::config("")).unwrap();
        match daybridge::webhook::serve(&settings(), sources, bench.queue.clone()).await {
            Err(error @ StartError::Listen { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(second().await.contains("another process serves"));
    bench.running.stop().await.unwrap();
    assert!(!path.exists());
    std::fs::write(&path, "kept").unwrap();
    let error = {
        let sources = daybridge::webhook::Sources::with_secrets(&super::bench::config("")).unwrap();
        daybridge::webhook::serve(&settings(), sources, bench.queue.clone()).await.unwrap_err().to_string()
    };
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept");
}
