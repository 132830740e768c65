//! What only the file can do wrong.

use std::{path::Path, sync::Arc};

use daybridge::{
    config::QueueUrl,
    queue::{self, Lane, NotConfirmed, Queue},
};
use futures_util::future::join_all;
use rusqlite::Connection;

use super::{Place, drain, envelope, id, next};
use crate::support::{disk::SmallDisk, wait::until};

/// Another process's connection.
fn connect(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn execute(path: &Path, sql: &str) {
    connect(path).execute_batch(sql).unwrap();
}

fn number(path: &Path, pragma: &str) -> i64 {
    connect(path).query_row(pragma, [], |row| row.get(0)).unwrap()
}

/// A row with a word nobody knows.
pub(super) async fn plant_garbage(path: &Path) {
    connect(path)
        .execute(
            "INSERT INTO messages (lane, content_type, source, event_id, event_type, received_at_ms, delivery, \
             trigger_word, traceparent, body) VALUES (0, '', '', '', '', 0, '', 'strange', '', ?1)",
            [&b"garbage"[..]],
        )
        .unwrap();
}

async fn refusal(place: &Place, path: &Path) -> String {
    let mut settings = place.settings();
    settings.url = QueueUrl::Embedded(Some(path.to_owned()));
    match queue::open(&settings).await {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_file_of_a_later_daybridge_is_refused() {
    let place = Place::file();
    place.open().await.close().await;
    execute(&place.path(), "PRAGMA user_version = 99");
    let why = refusal(&place, &place.path()).await;
    assert!(why.contains("later daybridge"), "{why}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_says_what_to_do() {
    let place = Place::file();
    let missing = place.path().join("no/such/folder/queue.db");
    assert!(refusal(&place, &missing).await.contains("folder must exist"));
    std::fs::write(
        place.path(),
        "not a database, only some text that is long enough to have a header".repeat(9),
    )
    .unwrap();
    assert!(refusal(&place, &place.path()).await.contains("no SQLite file"));
}

/// `serve` and `work` are two processes on one file; two doors in one process share as little.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_heard_of() {
    let place = Place::file();
    let (serve, work) = tokio::join!(place.open(), place.open());
    let mut consumer = work.consume(Lane::Events, 4).await.unwrap();
    let waits = tokio::spawn(async move {
        let got = next(&mut consumer).await;
        let name = id(&got);
        got.ack().await.unwrap();
        name
    });
    serve.publish(envelope("a")).await.unwrap();
    assert_eq!(waits.await.unwrap(), "a");
}

/// A process that died cannot give back; its lease ends. Here the lease is moved to the past by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_dead_process_ends() {
    let place = Place::file();
    let dies = place.open().await;
    dies.publish(envelope("a")).await.unwrap();
    let mut first = dies.consume(Lane::Events, 1).await.unwrap();
    let held = next(&mut first).await;
    let lives = place.open().await;
    let mut second = lives.consume(Lane::Events, 1).await.unwrap();
    assert_eq!(lives.depth(Lane::Events).await, Some(0));
    execute(&place.path(), "UPDATE messages SET lease_until_ms = 1");
    assert_eq!(drain(&mut second, 1).await.len(), 1);
    assert!(held.ack().await.is_err(), "its lease was over");
}

/// A lease that a clock far ahead has written does not hold its message back until that time comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_from_the_future_is_not_believed() {
    let place = Place::file();
    let dies = place.open().await;
    dies.publish(envelope("a")).await.unwrap();
    let mut first = dies.consume(Lane::Events, 1).await.unwrap();
    let _held = next(&mut first).await;
    execute(&place.path(), "UPDATE messages SET lease_until_ms = lease_until_ms + 86400000");
    let lives = place.open().await;
    assert_eq!(lives.depth(Lane::Events).await, Some(1));
    let mut second = lives.consume(Lane::Events, 1).await.unwrap();
    assert_eq!(drain(&mut second, 1).await.len(), 1);
}

/// SQLite rolls back by itself on a full disk, which must not keep the one writing connection from beginning again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_full_disk_the_same_process_goes_on() {
    let Some(disk) = SmallDisk::mount() else { return };
    let mut settings = Place::file().settings();
    settings.url = QueueUrl::Embedded(Some(disk.path().join("queue.db")));
    let queue = queue::open(&settings).await.unwrap();
    let mut consumer = queue.consume(Lane::Events, 4).await.unwrap();
    queue.publish(envelope("before")).await.unwrap();
    next(&mut consumer).await.ack().await.unwrap();
    queue.health().await.unwrap();
    disk.fill();
    let why = queue.health().await.unwrap_err().to_string();
    assert!(why.contains("free some space"), "{why}");
    // The log has room for a small one.
    let refused = until("a refusal", || async {
        let mut large = envelope("large");
        large.body = vec![7; 1 << 20].into();
        queue.publish(large).await.err()
    })
    .await;
    assert_eq!(refused, NotConfirmed::Refused);
    disk.empty();
    until("health", || async { queue.health().await.ok() }).await;
    queue.publish(envelope("after")).await.unwrap();
    let mut consumer = queue.consume(Lane::Events, 4).await.unwrap();
    loop {
        let got = next(&mut consumer).await;
        let name = id(&got);
        got.ack().await.unwrap();
        if name == "after" {
            break;
        }
    }
}

/// A damaged file says: move it away and restore it from a backup. The process that runs takes the restored one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_replaced_under_the_process() {
    let place = Place::file();
    let path = place.path();
    let queue = place.open().await;
    queue.publish(envelope("kept")).await.unwrap();
    let backup = path.with_extension("backup");
    execute(&path, &format!("VACUUM INTO '{}'", backup.display()));
    execute(
        &path,
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'damaged' WHERE name = 'messages'; \
         PRAGMA schema_version = 1000",
    );
    assert_eq!(queue.publish(envelope("refused")).await, Err(NotConfirmed::Refused));
    let why = queue.health().await.unwrap_err().to_string();
    assert!(why.contains("it is damaged") && why.contains("restore it"), "{why}");
    assert_eq!(queue.depth(Lane::Events).await, None);
    for beside in ["db", "db-wal", "db-shm"] {
        let file = path.with_extension(beside);
        std::fs::rename(&file, file.with_extension(format!("{beside}-away"))).unwrap();
    }
    std::fs::rename(backup, &path).unwrap();
    until("a publish", || async { queue.publish(envelope("after")).await.ok() }).await;
    assert_eq!(queue.depth(Lane::Events).await, Some(2));
    let mut consumer = queue.consume(Lane::Events, 4).await.unwrap();
    assert_eq!(drain(&mut consumer, 2).await, ["after", "kept"].map(String::from).into());
}

/// SQLite says that all is well, and would confirm what nobody ever reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_removed_file_would_take_is_not_confirmed() {
    let place = Place::file();
    let path = place.path();
    let queue = place.open().await;
    let mut idle = queue.consume(Lane::Events, 4).await.unwrap();
    queue.publish(envelope("kept")).await.unwrap();
    let away = path.with_extension("db-away");
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(queue.publish(envelope("refused")).await, Err(NotConfirmed::Refused));
    let why = queue.health().await.unwrap_err().to_string();
    assert!(why.contains("it must be where it was"), "{why}");
    assert_eq!(queue.depth(Lane::Events).await, None);
    assert!(queue.consume(Lane::Events, 4).await.is_err());
    assert!(!path.exists(), "and no empty one is made in its place");
    std::fs::rename(&away, &path).unwrap();
    until("a publish", || async { queue.publish(envelope("after")).await.ok() }).await;
    assert_eq!(drain(&mut idle, 2).await, ["after", "kept"].map(String::from).into());
}

/// As many pages as stay free: an MB, and what one message needs.
const FREE_PAGES_MAX: u64 = 300;

/// Messages that fill more than 10 MB.
const MANY: usize = 640;

async fn publish_many(queue: &Arc<dyn Queue>) {
    let publishes = (0..MANY).map(|number| {
        let mut large = envelope(&number.to_string());
        large.body = vec![7; 16 << 10].into();
        queue.publish(large)
    });
    for result in join_all(publishes).await {
        result.unwrap();
    }
}

async fn until_small(path: &Path) {
    until("a small file", || async {
        (path.metadata().unwrap().len() < FREE_PAGES_MAX * 4096).then_some(())
    })
    .await;
}

/// Of 1,282 pages 1,277 stayed free after the queue was emptied, also after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_file_becomes_small_again() {
    let place = Place::file();
    let path = place.path();
    let queue = place.open().await;
    for round in 0..2 {
        publish_many(&queue).await;
        assert!(number(&path, "PRAGMA page_count") > 2560, "round {round}");
        let mut consumer = queue.consume(Lane::Events, 64).await.unwrap();
        assert_eq!(drain(&mut consumer, MANY).await.len(), MANY);
        until_small(&path).await;
    }
}

/// What the first process left, the next one gives back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_an_earlier_daybridge_becomes_small_at_a_restart() {
    let place = Place::file();
    let path = place.path();
    let queue = place.open().await;
    publish_many(&queue).await;
    queue.close().await;
    drop(queue);
    // An earlier daybridge made files that give nothing back. The same happens where the process ends before it could.
    execute(
        &path,
        "PRAGMA auto_vacuum = NONE; VACUUM; DELETE FROM messages WHERE id <> (SELECT max(id) FROM messages)",
    );
    assert_eq!(number(&path, "PRAGMA auto_vacuum"), 0);
    assert!(number(&path, "PRAGMA freelist_count") > 2500);
    let queue = place.open().await;
    until_small(&path).await;
    assert_eq!(number(&path, "PRAGMA user_version"), 1);
    let mut consumer = queue.consume(Lane::Events, 64).await.unwrap();
    let left = next(&mut consumer).await;
    assert_eq!(id(&left), (MANY - 1).to_string());
    // And from now on it does without.
    publish_many(&queue).await;
    left.ack().await.unwrap();
    drain(&mut consumer, MANY).await;
    until_small(&path).await;
}

/// A file that is made small is still the other process's queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_work_on_while_the_file_becomes_small() {
    let place = Place::file();
    let serve = place.open().await;
    let work = place.open().await;
    publish_many(&serve).await;
    let mut consumer = work.consume(Lane::Events, 64).await.unwrap();
    let held = next(&mut consumer).await;
    drain(&mut consumer, MANY - 1).await;
    for round in 0..20 {
        serve.publish(envelope(&format!("meanwhile {round}"))).await.unwrap();
        let got = next(&mut consumer).await;
        assert_eq!(id(&got), format!("meanwhile {round}"));
        got.ack().await.unwrap();
    }
    until_small(&place.path()).await;
    held.ack().await.unwrap();
}

const CHILD: &str = "DAYBRIDGE_TEST_PUBLISH_INTO";

/// Publishes until it is killed, and prints what was confirmed. Runs only when started by the test below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_publishes() {
    use std::io::Write as _;
    let Some(path) = std::env::var_os(CHILD) else { return };
    let mut settings = Place::file().settings();
    settings.url = QueueUrl::Embedded(Some(path.into()));
    let queue = queue::open(&settings).await.unwrap();
    for number in 0.. {
        let round = (0..8).map(|n| queue.publish(envelope(&format!("{number}-{n}"))));
        for (n, result) in join_all(round).await.into_iter().enumerate() {
            result.unwrap();
            // Straight to the descriptor: a pipe holds what was written when the process is killed.
            let mut out = std::fs::OpenOptions::new().write(true).open("/proc/self/fd/2").unwrap();
            writeln!(out, "confirmed {number}-{n}").unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_that_was_confirmed() {
    use std::io::BufRead as _;
    let place = Place::file();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "queue::embedded::child_that_publishes", "--nocapture"])
        .env(CHILD, place.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    let mut confirmed = std::collections::BTreeSet::new();
    while let Some(Ok(line)) = lines.next() {
        if let Some(name) = line.strip_prefix("confirmed ") {
            confirmed.insert(name.to_owned());
        }
        if confirmed.len() == 200 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(confirmed.len() >= 200);
    let queue = place.open().await;
    let stored = queue.depth(Lane::Events).await.unwrap();
    let mut consumer = queue.consume(Lane::Events, 64).await.unwrap();
    let stored = drain(&mut consumer, stored.try_into().unwrap()).await;
    assert!(confirmed.is_subset(&stored), "{} confirmed, {} stored", confirmed.len(), stored.len());
}
