//! Gives the disk back what the file does not need any more.
//!
//! SQLite keeps the pages of deleted messages in the file, so a queue that was long once would stay as large for good. A new
//! file can give its free pages back a few at a time. A file of an earlier daybridge cannot: it is written anew once, as
//! soon as many of its pages are free and little is left in it; that makes it one that can.
//!
//! Steps are short and only come while nobody asks for anything, because the one writer makes them. Under steady load
//! there are none: the next messages use the free pages.

use std::time::Duration;

use rusqlite::Connection;

/// Without a command for so long, the writer makes a step.
pub(super) const QUIET_MS: Duration = Duration::from_millis(50);

/// Wait before the next step where another connection still reads the log.
const READ_MS: Duration = Duration::from_secs(1);

/// Wait before the next step where one failed.
pub(super) const FAILED_MS: Duration = Duration::from_secs(60);

/// With fewer free pages (1 MiB) nothing begins: the next messages use them.
const FREE_PAGES_MIN: i64 = 256;

/// Pages (1 MiB) of one step; a publish may have to wait for one.
const STEP_PAGES: i64 = 256;

/// A file with more in it is not written anew: the other process's writes wait for it, and it costs memory and log.
const ANEW_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// `PRAGMA auto_vacuum` of a file that gives pages back when asked.
const INCREMENTAL: i64 = 2;

/// How far it is.
#[derive(Default)]
pub(super) struct Space {
    /// Begun, and goes on until no page is free and the log is empty.
    shrinking: bool,
}

impl Space {
    /// One step. Returns how long to wait for the next one; `None`: there is nothing to give back.
    pub(super) fn step(&mut self, db: &Connection) -> Result<Option<Duration>, rusqlite::Error> {
        let free = number(db, "PRAGMA freelist_count")?;
        if free < FREE_PAGES_MIN && !self.shrinking {
            return Ok(None);
        }
        self.shrinking = true;
        let moved = match free {
            // The files themselves become shorter only now.
            0 => return self.empty_the_log(db),
            _ if number(db, "PRAGMA auto_vacuum")? == INCREMENTAL => vacuum_a_little(db)?,
            _ => write_anew(db)?,
        };
        self.shrinking = moved;
        Ok(moved.then_some(Duration::ZERO))
    }

    /// Writes the log into the file and cuts both. A reader of an older state hinders it, and is not waited for: publishes
    /// would wait as well.
    fn empty_the_log(&mut self, db: &Connection) -> Result<Option<Duration>, rusqlite::Error> {
        db.busy_timeout(Duration::ZERO)?;
        let hindered = number(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        db.busy_timeout(super::store::BUSY_MS_MAX)?;
        self.shrinking = hindered? != 0;
        Ok(self.shrinking.then_some(READ_MS))
    }
}

/// Prepared each time: SQLite puts the answer of some pragmas into the statement.
fn number(db: &Connection, pragma: &str) -> Result<i64, rusqlite::Error> {
    db.query_row(pragma, [], |row| row.get(0))
}

/// Moves pages from the end of the file to free ones. `false`: it could not.
fn vacuum_a_little(db: &Connection) -> Result<bool, rusqlite::Error> {
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({STEP_PAGES})"))?;
    let mut rows = statement.query([])?;
    let mut moved = false;
    // A row for each page: it stops where nobody asks for the next one.
    while rows.next()?.is_some() {
        moved = true;
    }
    Ok(moved)
}

/// Writes all that is in the file anew. `false`: it is too much.
fn write_anew(db: &Connection) -> Result<bool, rusqlite::Error> {
    let used = number(db, "PRAGMA page_count")? - number(db, "PRAGMA freelist_count")?;
    if used.saturating_mul(number(db, "PRAGMA page_size")?) > ANEW_BYTES_MAX {
        return Ok(false);
    }
    // The copy is made in memory: bodies of webhooks belong in no folder for temporary files.
    db.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA auto_vacuum = INCREMENTAL; VACUUM")?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::queue::embedded::store;

    const MIB: i64 = 1024 * 1024;

    fn free(db: &Connection) -> i64 {
        number(db, "PRAGMA freelist_count").unwrap()
    }

    /// A file with its schema; of an earlier daybridge where it cannot give pages back.
    fn file(path: &Path, earlier: bool) -> Connection {
        if earlier {
            let db = Connection::open(path).unwrap();
            db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE is_there (x); DROP TABLE is_there")
                .unwrap();
        }
        let mut db = store::make(path).unwrap();
        store::prepare(path, &mut db).unwrap();
        assert_eq!(number(&db, "PRAGMA auto_vacuum").unwrap(), if earlier { 0 } else { INCREMENTAL });
        db
    }

    /// Stores so many messages of 1 MiB.
    fn fill(db: &Connection, count: i64) {
        let insert = "INSERT INTO messages (lane, content_type, source, event_id, event_type, received_at_ms, \
             delivery, trigger_word, traceparent, body) VALUES (0, '', '', '', '', 0, '', 'webhook', '', zeroblob(?1))";
        for _ in 0..count {
            db.execute(insert, [MIB]).unwrap();
        }
    }

    /// Steps until there is nothing more to do.
    fn steps(db: &Connection) -> usize {
        let mut space = Space::default();
        let mut steps = 1;
        while let Some(wait) = space.step(db).unwrap() {
            assert_eq!(wait, Duration::ZERO);
            steps += 1;
        }
        steps
    }

    #[test]
    fn a_new_file_gives_its_pages_back_in_short_steps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let db = file(&path, false);
        fill(&db, 8);
        db.execute("DELETE FROM messages WHERE id > 1", []).unwrap();
        let before = free(&db);
        assert!(before > 7 * 250, "{before}");
        let steps = steps(&db);
        assert!(steps > 7, "{steps}");
        assert_eq!(free(&db), 0);
        assert!(path.metadata().unwrap().len() < 3 * MIB as u64 / 2);
        assert_eq!(folder.path().join("queue.db-wal").metadata().unwrap().len(), 0);
        assert_eq!(store::depth(&db, crate::queue::Lane::Events).unwrap(), 1);
    }

    #[test]
    fn a_file_of_an_earlier_daybridge_is_written_anew_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let db = file(&path, true);
        fill(&db, 8);
        db.execute("DELETE FROM messages WHERE id <> 7", []).unwrap();
        assert_eq!(steps(&db), 2, "the copy and the log");
        assert_eq!(number(&db, "PRAGMA auto_vacuum").unwrap(), INCREMENTAL);
        assert!(path.metadata().unwrap().len() < 3 * MIB as u64 / 2);
        fill(&db, 1);
        let ids: Vec<i64> = db
            .prepare("SELECT id FROM messages ORDER BY id")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(ids, [7, 9], "ids stay, and none is used twice");
        // Another connection of before, and a reopened file, see the same.
        store::prepare(&path, &mut store::open(&path).unwrap()).unwrap();
    }

    #[test]
    fn much_is_not_written_anew_and_little_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = file(&folder.path().join("queue.db"), true);
        fill(&db, 18);
        db.execute("DELETE FROM messages WHERE id > 16", []).unwrap();
        let before = free(&db);
        assert_eq!((steps(&db), free(&db)), (1, before), "more than 16 MiB are in it");
        db.execute("DELETE FROM messages WHERE id > 14", []).unwrap();
        assert!(steps(&db) > 1);
        assert_eq!(free(&db), 0);
        db.execute("UPDATE messages SET body = '' WHERE id = 1", []).unwrap();
        let before = free(&db);
        assert!((1..=FREE_PAGES_MIN).contains(&before), "{before}");
        db.execute("UPDATE messages SET body = zeroblob(262144) WHERE id = 1", []).unwrap();
        let before = free(&db);
        assert_eq!((steps(&db), free(&db)), (1, before));
    }

    #[test]
    fn a_reader_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let db = file(&path, false);
        fill(&db, 2);
        let reader = store::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM messages").unwrap();
        db.execute("DELETE FROM messages", []).unwrap();
        let mut space = Space::default();
        while space.step(&db).unwrap() == Some(Duration::ZERO) {}
        assert_eq!(space.step(&db).unwrap(), Some(READ_MS));
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(space.step(&db).unwrap(), None);
        assert!(path.metadata().unwrap().len() < MIB as u64);
    }
}
