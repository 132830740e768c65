//! The file: schema, statements, and errors in words for the operator.
//!
//! One table for all lanes. A message is *free* (`lease_until_ms` in the past, or further ahead than a lease can be) or
//! leased by a session; it is deleted when acked. Times are wall clock: a clock that jumps ends a lease early or late, and
//! the message comes again.
//!
//! Everything here waits for the disk: call it on the writer's thread, or by [`apart`].

use std::{
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};

use crate::{
    envelope::{Envelope, Trigger},
    machine::private_file,
    queue::{Content, Lane, QueueError},
};

/// How long a message stays leased without a sign of life; renewed at a third of it.
pub(super) const LEASE_MS: i64 = 15_000;

/// A lease that ends later was taken by a clock that was ahead, and counts as over; twice the longest, because a clock
/// that is set back by less must not end those in use.
const LEASE_BELIEVED_MS: i64 = 2 * LEASE_MS;

/// Longest wait for the other process's transaction.
pub(super) const BUSY_MS_MAX: Duration = Duration::from_secs(5);

/// Wait before a file that was busy is opened again.
const AGAIN_MS: Duration = Duration::from_millis(10);

/// Version of the schema in `PRAGMA user_version`.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- order of publishing; never used twice
    lane           INTEGER NOT NULL,
    deliveries     INTEGER NOT NULL DEFAULT 0,        -- times it was handed out
    lease_until_ms INTEGER NOT NULL DEFAULT 0,
    lease_by       INTEGER,                           -- session of the consumer
    content_type   TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    event_id       TEXT    NOT NULL,
    event_type     TEXT    NOT NULL,
    received_at_ms INTEGER NOT NULL,
    delivery       TEXT    NOT NULL,
    trigger_word   TEXT    NOT NULL,
    traceparent    TEXT    NOT NULL,
    body           BLOB    NOT NULL
);
CREATE INDEX messages_by_lane ON messages (lane, id, lease_until_ms);
CREATE INDEX messages_by_lease ON messages (lease_by) WHERE lease_by IS NOT NULL;
PRAGMA user_version = 1;
";

/// Milliseconds since epoch.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn number(lane: Lane) -> i64 {
    match lane {
        Lane::Events => 0,
        Lane::Dead => 1,
        Lane::Unroutable => 2,
    }
}

/// Runs what waits for the disk on a thread where nothing else waits for it.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, QueueError> {
    let done = tokio::task::spawn_blocking(work).await;
    // Cancelled only while the process stops.
    done.map_err(|error| QueueError(format!("the queue file could not be asked: {error}")))
}

/// A connection that may write; the file is made where it is missing.
pub(super) fn make(path: &Path) -> Result<Connection, rusqlite::Error> {
    private_file::prepare(path);
    open(path)
}

/// The same, to a file that is there.
pub(super) fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let begun = Instant::now();
    loop {
        match connect(path) {
            // Of two processes that turn a new file into WAL at once, SQLite lets one fail without a wait.
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY_MS_MAX => thread::sleep(AGAIN_MS),
            opened => return opened,
        }
    }
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MS_MAX)?;
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if pages == 0 {
        // Only here, before WAL writes the first page; a file that has pages needs a VACUUM for it (`space`).
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    }
    // WAL: readers do not wait for the writer, and a commit is one append and one sync. synchronous=NORMAL would lose
    // the last commits when the power goes.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
    Ok(connection)
}

/// Creates the schema; refuses a file of a later daybridge.
pub(super) fn prepare(path: &Path, db: &mut Connection) -> Result<(), QueueError> {
    let failed = |error: rusqlite::Error| explain(path, &error);
    // IMMEDIATE: two processes that start together take turns, and a file that cannot be written says so.
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    match found {
        0 => transaction.execute_batch(SCHEMA).map_err(failed)?,
        SCHEMA_VERSION => {
            // A file that is only readable lets a transaction begin; this write finds out.
            let touch = "UPDATE messages SET lane = lane WHERE id = (SELECT min(id) FROM messages)";
            transaction.execute(touch, []).map_err(failed)?;
        }
        _ => {
            return Err(QueueError(format!(
                "queue file {} has schema {found}, this daybridge knows {SCHEMA_VERSION}: it was written by a \
                 later daybridge; run that one",
                path.display()
            )));
        }
    }
    transaction.commit().map_err(failed)
}

/// What kind of failure SQLite reports; extended result codes keep it in the low byte.
fn kind(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code & 0xff)
}

/// Says what went wrong with the file, and what to do.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> QueueError {
    let what_to_do = match kind(error) {
        Some(8) => "it is read-only: make the file and its folder writable for the user daybridge runs as",
        Some(14) => {
            "it cannot be opened: it must be where it was, and its folder must exist and be writable for the user daybridge runs as"
        }
        Some(13) => "the disk is full: free some space",
        Some(11 | 26) => "it is damaged or no SQLite file: move it away and restore it from a backup",
        Some(5) => "another process holds it for too long",
        _ => "see the reason",
    };
    QueueError(format!("queue file {}: {what_to_do} ({error})", path.display()))
}

/// Whether another process held the file for too long.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(kind(error), Some(5 | 6))
}

const INSERT: &str = "INSERT INTO messages (lane, content_type, source, event_id, event_type, received_at_ms, \
     delivery, trigger_word, traceparent, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Writes a message and takes it back.
pub(super) fn try_a_write(db: &mut Connection) -> Result<(), rusqlite::Error> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let nothing: &[u8] = &[];
    transaction.prepare_cached(INSERT)?.execute(params![
        number(Lane::Events),
        "",
        "",
        "",
        "",
        0,
        "",
        "",
        "",
        nothing
    ])?;
    transaction.rollback()
}

/// Appends messages to the events lane.
pub(super) fn insert(db: &Connection, envelopes: &[Envelope]) -> Result<(), rusqlite::Error> {
    let mut statement = db.prepare_cached(INSERT)?;
    for envelope in envelopes {
        statement.execute(params![
            number(Lane::Events),
            envelope.content_type,
            envelope.source,
            envelope.event_id,
            envelope.event_type,
            envelope.received_at_ms,
            envelope.delivery,
            envelope.trigger.as_str(),
            envelope.traceparent,
            &envelope.body[..],
        ])?;
    }
    Ok(())
}

/// A message in a consumer's hands.
pub(super) struct Leased {
    pub(super) id: i64,
    pub(super) deliveries: i64,
    pub(super) content: Content,
}

/// Leases the oldest free messages of a lane.
pub(super) fn claim(
    db: &Connection,
    lane: Lane,
    session: i64,
    messages_max: i64,
) -> Result<Vec<Leased>, rusqlite::Error> {
    let now = now_ms();
    let mut statement = db.prepare_cached(
        "UPDATE messages SET lease_by = ?1, lease_until_ms = ?2, deliveries = deliveries + 1 \
         WHERE id IN (SELECT id FROM messages WHERE lane = ?3 AND (lease_until_ms <= ?4 OR lease_until_ms > ?6) \
         ORDER BY id LIMIT ?5) RETURNING *",
    )?;
    let arguments =
        params![session, now + LEASE_MS, number(lane), now, messages_max, now + LEASE_BELIEVED_MS];
    let rows = statement.query_map(arguments, |row| {
        Ok(Leased { id: row.get("id")?, deliveries: row.get("deliveries")?, content: content(row)? })
    })?;
    let mut leased = rows.collect::<Result<Vec<_>, _>>()?;
    // RETURNING promises no order.
    leased.sort_by_key(|message| message.id);
    Ok(leased)
}

fn content(row: &Row<'_>) -> Result<Content, rusqlite::Error> {
    let body = bytes::Bytes::from(row.get::<_, Vec<u8>>("body")?);
    let word: String = row.get("trigger_word")?;
    let Some(trigger) = Trigger::parse(&word) else {
        return Ok(Content::Undecodable { body, reason: "trigger_word is not a known word".into() });
    };
    Ok(Content::Envelope(Envelope {
        body,
        content_type: row.get("content_type")?,
        source: row.get("source")?,
        event_id: row.get("event_id")?,
        event_type: row.get("event_type")?,
        received_at_ms: row.get("received_at_ms")?,
        delivery: row.get("delivery")?,
        trigger,
        traceparent: row.get("traceparent")?,
    }))
}

/// Forgets a message; `false`: its lease is over.
pub(super) fn ack(db: &Connection, id: i64, session: i64) -> Result<bool, rusqlite::Error> {
    let mut statement = db.prepare_cached("DELETE FROM messages WHERE id = ?1 AND lease_by = ?2")?;
    Ok(statement.execute([id, session])? == 1)
}

/// Moves a message to the dead lane; `false`: its lease is over.
pub(super) fn bury(db: &Connection, id: i64, session: i64) -> Result<bool, rusqlite::Error> {
    let mut statement = db.prepare_cached(
        "UPDATE messages SET lane = ?3, deliveries = 0, lease_until_ms = 0, lease_by = NULL \
         WHERE id = ?1 AND lease_by = ?2",
    )?;
    Ok(statement.execute([id, session, number(Lane::Dead)])? == 1)
}

/// Ends the lease of one message. `untouched`: nobody saw it, the delivery does not count.
pub(super) fn give_back(
    db: &Connection,
    id: i64,
    session: i64,
    untouched: bool,
) -> Result<(), rusqlite::Error> {
    let mut statement = db.prepare_cached(
        "UPDATE messages SET lease_until_ms = 0, lease_by = NULL, deliveries = deliveries - ?3 \
         WHERE id = ?1 AND lease_by = ?2",
    )?;
    statement.execute([id, session, i64::from(untouched)]).map(drop)
}

/// Ends every lease of a session.
pub(super) fn give_all_back(db: &Connection, session: i64) -> Result<(), rusqlite::Error> {
    let end = "UPDATE messages SET lease_until_ms = 0, lease_by = NULL WHERE lease_by = ?1";
    db.prepare_cached(end)?.execute([session]).map(drop)
}

/// Prolongs every lease of a session.
pub(super) fn renew(db: &Connection, session: i64) -> Result<(), rusqlite::Error> {
    let prolong = "UPDATE messages SET lease_until_ms = ?2 WHERE lease_by = ?1";
    db.prepare_cached(prolong)?.execute([session, now_ms() + LEASE_MS]).map(drop)
}

/// Whether a lane has a free message.
pub(super) fn any(db: &Connection, lane: Lane) -> Result<bool, rusqlite::Error> {
    let now = now_ms();
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE lane = ?1 AND (lease_until_ms <= ?2 OR lease_until_ms > ?3))",
    )?;
    statement.query_row([number(lane), now, now + LEASE_BELIEVED_MS], |row| row.get(0))
}

/// A number that changes when another connection, of this process or the other, commits.
pub(super) fn data_version(db: &Connection) -> Result<i64, rusqlite::Error> {
    db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Free messages of a lane.
pub(super) fn depth(db: &Connection, lane: Lane) -> Result<u64, rusqlite::Error> {
    let now = now_ms();
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM messages WHERE lane = ?1 AND (lease_until_ms <= ?2 OR lease_until_ms > ?3)",
    )?;
    let count: i64 = statement.query_row([number(lane), now, now + LEASE_BELIEVED_MS], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}
