//! The file: schema, statements, and errors in words for the operator.
//!
//! One table for all lanes. A message is *free* (`lease_until_ms` in the past, or further ahead than a lease can be) or
//! leased by a session; it is deleted when acked. Times are wall clock: a clock that jumps ends a lease early or late, and
//! the message comes again.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sqlx::{
    Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};

use crate::{
    envelope::{Envelope, Trigger},
    private_file,
    queue::{Content, Lane, QueueError},
};

/// How long a message stays leased without a sign of life; renewed at a third of it.
pub(super) const LEASE_MS: i64 = 15_000;

/// A lease that ends later was taken by a clock that was ahead, and counts as over; twice the longest, because a clock
/// that is set back by less must not end those in use.
const LEASE_BELIEVED_MS: i64 = 2 * LEASE_MS;

/// Longest wait for the other process's transaction.
const BUSY_MS_MAX: Duration = Duration::from_secs(5);

/// Rows of one INSERT; SQLite binds at most 32,766 values.
const INSERT_ROWS_MAX: usize = 64;

/// Connections for health and metrics.
const READERS_MAX: u32 = 2;

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

/// A connection that may write.
pub(super) async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    private_file::prepare(path);
    SqliteConnection::connect_with(&options(path)).await
}

/// Connections that read.
pub(super) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(options(path))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // Readers do not wait for the writer, and a commit is one append and one sync.
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose the last commits when the power goes.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_MS_MAX)
}

/// Creates the schema; refuses a file of a later daybridge.
pub(super) async fn prepare(path: &Path, connection: &mut SqliteConnection) -> Result<(), QueueError> {
    let failed = |error: sqlx::Error| explain(path, &error);
    // IMMEDIATE: two processes that start together take turns, and a file that cannot be written says so.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found: i64 =
        sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await.map_err(failed)?;
    match found {
        0 => {
            sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await.map_err(failed)?;
        }
        SCHEMA_VERSION => {
            // A file that is only readable lets a transaction begin; this write finds out.
            let touch = "UPDATE messages SET lane = lane WHERE id = (SELECT min(id) FROM messages)";
            sqlx::query(touch).execute(&mut *transaction).await.map_err(failed)?;
        }
        _ => {
            return Err(QueueError(format!(
                "queue file {} has schema {found}, this daybridge knows {SCHEMA_VERSION}: it was written by a \
                 later daybridge; run that one",
                path.display()
            )));
        }
    }
    transaction.commit().await.map_err(failed)
}

/// Says what went wrong with the file, and what to do.
pub(super) fn explain(path: &Path, error: &sqlx::Error) -> QueueError {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<u32>().ok());
    // Extended result codes keep the kind in the low byte.
    let what_to_do = match code.map(|code| code & 0xff) {
        Some(8) => "it is read-only: make the file and its folder writable for the user daybridge runs as",
        Some(14) => {
            "it cannot be opened: the folder must exist and be writable for the user daybridge runs as"
        }
        Some(13) => "the disk is full: free some space",
        Some(11 | 26) => "it is damaged or no SQLite file: move it away and restore it from a backup",
        Some(5) => "another process holds it for too long",
        _ => "see the reason",
    };
    QueueError(format!("queue file {}: {what_to_do} ({error})", path.display()))
}

/// Whether another process held the file for too long.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Writes a message and takes it back.
pub(super) async fn try_a_write(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "INSERT INTO messages (lane, content_type, source, event_id, event_type, received_at_ms, delivery, \
         trigger_word, traceparent, body) VALUES (0, '', '', '', '', 0, '', '', '', x'')",
    )
    .execute(&mut *transaction)
    .await?;
    transaction.rollback().await
}

/// Appends messages to the events lane.
pub(super) async fn insert(db: &mut SqliteConnection, envelopes: &[Envelope]) -> Result<(), sqlx::Error> {
    for rows in envelopes.chunks(INSERT_ROWS_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO messages (lane, content_type, source, event_id, event_type, received_at_ms, delivery, \
             trigger_word, traceparent, body) ",
        );
        query.push_values(rows, |mut row, envelope| {
            row.push_bind(number(Lane::Events))
                .push_bind(envelope.content_type.as_str())
                .push_bind(envelope.source.as_str())
                .push_bind(envelope.event_id.as_str())
                .push_bind(envelope.event_type.as_str())
                .push_bind(envelope.received_at_ms)
                .push_bind(envelope.delivery.as_str())
                .push_bind(envelope.trigger.as_str())
                .push_bind(envelope.traceparent.as_str())
                .push_bind(&envelope.body[..]);
        });
        query.build().execute(&mut *db).await?;
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
pub(super) async fn claim(
    db: &mut SqliteConnection,
    lane: Lane,
    session: i64,
    messages_max: i64,
) -> Result<Vec<Leased>, sqlx::Error> {
    let now = now_ms();
    let rows = sqlx::query(
        "UPDATE messages SET lease_by = ?1, lease_until_ms = ?2, deliveries = deliveries + 1 \
         WHERE id IN (SELECT id FROM messages WHERE lane = ?3 AND (lease_until_ms <= ?4 OR lease_until_ms > ?6) \
         ORDER BY id LIMIT ?5) RETURNING *",
    )
    .bind(session)
    .bind(now + LEASE_MS)
    .bind(number(lane))
    .bind(now)
    .bind(messages_max)
    .bind(now + LEASE_BELIEVED_MS)
    .fetch_all(db)
    .await?;
    let mut leased = Vec::with_capacity(rows.len());
    for row in rows {
        leased.push(Leased {
            id: row.try_get("id")?,
            deliveries: row.try_get("deliveries")?,
            content: content(&row)?,
        });
    }
    // RETURNING promises no order.
    leased.sort_by_key(|message| message.id);
    Ok(leased)
}

fn content(row: &SqliteRow) -> Result<Content, sqlx::Error> {
    let body = bytes::Bytes::from(row.try_get::<Vec<u8>, _>("body")?);
    let word: String = row.try_get("trigger_word")?;
    let Some(trigger) = Trigger::parse(&word) else {
        return Ok(Content::Undecodable { body, reason: "trigger_word is not a known word".into() });
    };
    Ok(Content::Envelope(Envelope {
        body,
        content_type: row.try_get("content_type")?,
        source: row.try_get("source")?,
        event_id: row.try_get("event_id")?,
        event_type: row.try_get("event_type")?,
        received_at_ms: row.try_get("received_at_ms")?,
        delivery: row.try_get("delivery")?,
        trigger,
        traceparent: row.try_get("traceparent")?,
    }))
}

/// Forgets a message; `false`: its lease is over.
pub(super) async fn ack(db: &mut SqliteConnection, id: i64, session: i64) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query("DELETE FROM messages WHERE id = ?1 AND lease_by = ?2")
        .bind(id)
        .bind(session)
        .execute(db)
        .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Moves a message to the dead lane; `false`: its lease is over.
pub(super) async fn bury(db: &mut SqliteConnection, id: i64, session: i64) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query(
        "UPDATE messages SET lane = ?3, deliveries = 0, lease_until_ms = 0, lease_by = NULL \
         WHERE id = ?1 AND lease_by = ?2",
    )
    .bind(id)
    .bind(session)
    .bind(number(Lane::Dead))
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Ends the lease of one message. `untouched`: nobody saw it, the delivery does not count.
pub(super) async fn give_back(
    db: &mut SqliteConnection,
    id: i64,
    session: i64,
    untouched: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE messages SET lease_until_ms = 0, lease_by = NULL, deliveries = deliveries - ?3 \
         WHERE id = ?1 AND lease_by = ?2",
    )
    .bind(id)
    .bind(session)
    .bind(i64::from(untouched))
    .execute(db)
    .await
    .map(drop)
}

/// Ends every lease of a session.
pub(super) async fn give_all_back(db: &mut SqliteConnection, session: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE messages SET lease_until_ms = 0, lease_by = NULL WHERE lease_by = ?1")
        .bind(session)
        .execute(db)
        .await
        .map(drop)
}

/// Prolongs every lease of a session.
pub(super) async fn renew(db: &mut SqliteConnection, session: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE messages SET lease_until_ms = ?2 WHERE lease_by = ?1")
        .bind(session)
        .bind(now_ms() + LEASE_MS)
        .execute(db)
        .await
        .map(drop)
}

/// Whether a lane has a free message.
pub(super) async fn any(db: &mut SqliteConnection, lane: Lane) -> Result<bool, sqlx::Error> {
    let now = now_ms();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE lane = ?1 AND (lease_until_ms <= ?2 OR lease_until_ms > ?3))",
    )
    .bind(number(lane))
    .bind(now)
    .bind(now + LEASE_BELIEVED_MS)
    .fetch_one(db)
    .await
}

/// A number that changes when another connection, of this process or the other, commits.
pub(super) async fn data_version(db: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(db).await
}

/// Free messages of a lane.
pub(super) async fn depth(db: &SqlitePool, lane: Lane) -> Result<u64, sqlx::Error> {
    let now = now_ms();
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM messages WHERE lane = ?1 AND (lease_until_ms <= ?2 OR lease_until_ms > ?3)",
    )
    .bind(number(lane))
    .bind(now)
    .bind(now + LEASE_BELIEVED_MS)
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
