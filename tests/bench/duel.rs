//! The three side by side: all run all the time, each is measured in turn, load by load and round by round,
//! so that a machine that slows down slows all three.

use std::time::Duration;

use lapin::{Connection, ConnectionProperties, options::QueuePurgeOptions};

use crate::{
    bare, events,
    load::{self, Load, Sample},
    process::{Server, memory_mib},
    rabbitmq::Broker,
};

/// Names, in the order they are measured.
pub(crate) const NAMES: [&str; 3] = ["HTTP floor", "bare pipeline", "daybridge serve"];

/// What is sent.
pub(crate) const LOADS: [Load; 6] = [
    Load::Closed(1),
    Load::Closed(16),
    Load::Closed(64),
    Load::Closed(256),
    Load::Open(1000),
    Load::Open(3000),
];

/// Queues that fill up.
const QUEUES: [&str; 2] = [bare::QUEUE, "daybridge.events"];

/// Different requests, used in turn.
const EVENTS: usize = 20_000;

/// Pause after a measurement, in which the broker forgets what was purged.
const REST: Duration = Duration::from_millis(300);

/// All that was measured.
pub(crate) struct Duel {
    /// By load, by name, by round.
    pub(crate) samples: Vec<[Vec<Sample>; 3]>,
    /// Most memory, by name, by round; each round has fresh processes.
    pub(crate) peak_mib: [Vec<f64>; 3],
    pub(crate) measured: Duration,
}

/// Runs it all.
pub(crate) async fn run(broker: &Broker, quick: bool) -> Duel {
    let (rounds, events, warm, measured) = if quick {
        (1, EVENTS / 10, Duration::from_millis(300), Duration::from_millis(700))
    } else {
        (3, EVENTS, Duration::from_millis(500), Duration::from_secs(2))
    };
    let url = broker.amqp_url("%2f");
    let events = events::make(events, 200);
    let cleaner = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let mut duel = Duel {
        samples: LOADS.iter().map(|_| [vec![], vec![], vec![]]).collect(),
        peak_mib: [vec![], vec![], vec![]],
        measured,
    };
    for round in 1..=rounds {
        let folder = tempfile::tempdir().unwrap();
        let servers = [
            Server::own("floor", &[]).await,
            Server::own("bare", &[&url]).await,
            Server::daybridge("serve", folder.path(), &url, 1, "").await,
        ];
        for (at, load) in LOADS.into_iter().enumerate() {
            eprintln!("round {round} of {rounds}: {load:?}");
            for (who, server) in servers.iter().enumerate() {
                let requests = events::sign(&events);
                let sample = load::run(load, server.port, server.pid(), requests, warm, measured).await;
                eprintln!("  {:<16} {sample:?}", NAMES[who]);
                duel.samples[at][who].push(sample);
                purge(&cleaner).await;
            }
        }
        for (who, server) in servers.iter().enumerate() {
            duel.peak_mib[who].push(memory_mib(server.pid(), "VmHWM"));
        }
    }
    duel
}

async fn purge(connection: &Connection) {
    let channel = connection.create_channel().await.unwrap();
    for queue in QUEUES {
        channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.unwrap();
    }
    channel.close(200, "done".into()).await.unwrap();
    tokio::time::sleep(REST).await;
}
