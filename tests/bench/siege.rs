//! What honest requests notice of a thousand slow connections: half of them drip a head, half a body, and each comes
//! again when it is cut. The same load is measured before, in the same run.

use std::{sync::Arc, time::Duration};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet, time::interval};

use crate::{
    events,
    load::{self, Load, Sample},
    process::Server,
    rabbitmq::Broker,
};

/// Slow connections at any time.
pub(crate) const SLOW: usize = 1_000;

/// Between two bytes of each.
const DRIP: Duration = Duration::from_millis(500);

/// Honest requests per second.
pub(crate) const HONEST_PER_S: u32 = 500;

const HEAD: &str = "POST /webhooks/stripe HTTP/1.1\r\nX-Slow: ";
const BODY: &str = "POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

/// The load alone, and under siege.
pub(crate) struct Siege {
    pub(crate) calm: Sample,
    pub(crate) besieged: Sample,
}

/// Runs it all.
pub(crate) async fn run(broker: &Broker, quick: bool) -> Siege {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::daybridge("serve", folder.path(), &broker.amqp_url("%2f"), 1, "").await;
    let measured = Duration::from_secs(if quick { 3 } else { 15 });
    let events = events::make(2_000, 200);
    let honest = async || {
        let requests = events::sign(&events);
        let load = Load::Open(HONEST_PER_S);
        load::run(load, server.port, server.pid(), requests, Duration::from_secs(1), measured).await
    };
    eprintln!("siege: {HONEST_PER_S} requests/s alone");
    let calm = honest().await;
    eprintln!("siege: with {SLOW} slow connections");
    let mut slow = JoinSet::new();
    let up = Arc::new(tokio::sync::Semaphore::new(0));
    for number in 0..SLOW {
        slow.spawn(drip(server.port, if number % 2 == 0 { HEAD } else { BODY }, up.clone()));
    }
    drop(up.acquire_many(u32::try_from(SLOW).unwrap()).await.unwrap());
    Siege { calm, besieged: honest().await }
}

async fn drip(port: u16, start: &'static str, up: Arc<tokio::sync::Semaphore>) {
    let mut beat = interval(DRIP);
    loop {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = connection.write_all(start.as_bytes()).await;
        up.add_permits(1);
        while connection.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
    }
}
