//! Transactions of one commit, on a real file.

use std::sync::{Arc, OnceLock, atomic::Ordering};

use tokio::sync::oneshot::error::TryRecvError;

use super::{
    super::{
        place::Place,
        sqlite::{Sqlite, Use},
        thread::{Failures, Thread},
        tx::Connection,
        value::args,
    },
    *,
};

/// A file of twenty pages at most, with an empty table, and the thread that writes it.
struct Stage {
    folder: tempfile::TempDir,
    place: Arc<Place>,
    thread: Thread,
    waiting: VecDeque<Box<dyn Job>>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("group.db");
        let known = OnceLock::new();
        let open = move || {
            let mut sqlite = Sqlite::open(&path, Use::Write, &known)?;
            sqlite.batch("PRAGMA max_page_count = 20")?;
            Ok(Connection::Sqlite(sqlite))
        };
        let place = Arc::new(Place::default());
        let mut thread = Thread::new(Arc::new(open), Failures::default(), place.clone());
        let schema = "CREATE TABLE rows (id BIGINT PRIMARY KEY, body BLOB); CREATE TABLE later \
             (id BIGINT REFERENCES rows DEFERRABLE INITIALLY DEFERRED)";
        let made = thread.tries(Begin::Alone, &mut |tx| {
            tx.make(schema)?;
            tx.commit();
            Ok(())
        });
        made.unwrap();
        place.counts.commits.store(0, Ordering::Relaxed);
        Self { folder, place, thread, waiting: VecDeque::new() }
    }

    fn add<T: Send + 'static>(
        &mut self,
        work: impl FnMut(&mut Tx) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<T> {
        let (job, answer) = job(Begin::AmongOthers, work);
        self.waiting.push_back(job);
        answer
    }

    fn insert(&mut self, id: i64) -> Answer<i64> {
        self.add(move |tx| {
            tx.execute("INSERT INTO rows (id) VALUES ($1)", args![id])?;
            tx.commit();
            Ok(id)
        })
    }

    fn run(&mut self) {
        while !self.waiting.is_empty() {
            run(&mut self.waiting, &mut self.thread, Duration::from_secs(60));
        }
    }

    fn ids(&mut self) -> Vec<i64> {
        let found = self.thread.tries(Begin::Reading, &mut |tx| {
            tx.all("SELECT id FROM rows ORDER BY id", args![])?.iter().map(|row| row.get("id")).collect()
        });
        found.unwrap()
    }

    fn commits(&self) -> u64 {
        self.place.counts.commits.load(Ordering::Relaxed)
    }
}

fn told<T>(answer: &mut Answer<T>) -> Result<T, LedgerError> {
    answer.told.try_recv().unwrap()
}

#[test]
fn one_commit_serves_all_that_waited() {
    let mut stage = Stage::new();
    let answers: Vec<_> = (0..20).map(|id| stage.insert(id)).collect();
    stage.run();
    assert_eq!(stage.commits(), 1);
    let told: Vec<i64> = answers.into_iter().map(|mut answer| told(&mut answer).unwrap()).collect();
    assert_eq!(told, (0..20).collect::<Vec<_>>());
    assert_eq!(stage.ids(), told);
}

#[test]
fn none_is_told_before_the_commit() {
    let mut stage = Stage::new();
    let mut first = stage.insert(1);
    let mut last = stage.add(move |_| Ok(matches!(first.told.try_recv(), Err(TryRecvError::Empty))));
    stage.run();
    assert!(told(&mut last).unwrap(), "the first was told, and nothing was committed");
    assert_eq!(stage.ids(), [1]);
}

#[test]
fn one_that_does_not_fit_takes_nobody_along() {
    let mut stage = Stage::new();
    let (mut first, mut same, mut other) = (stage.insert(1), stage.insert(1), stage.insert(2));
    stage.run();
    assert_eq!(told(&mut first).unwrap(), 1);
    assert!(matches!(told(&mut same), Err(LedgerError::Unstorable(_))));
    assert_eq!(told(&mut other).unwrap(), 2);
    assert_eq!(stage.ids(), [1, 2]);
}

/// What was written before the failure is not there for those after it.
#[test]
fn what_failed_halfway_is_taken_back() {
    let mut stage = Stage::new();
    let mut first = stage.insert(1);
    let mut half = stage.add(|tx| {
        tx.execute("INSERT INTO rows (id) VALUES (2)", args![])?;
        tx.execute("INSERT INTO rows (id) VALUES (1)", args![])?;
        tx.commit();
        Ok(())
    });
    let mut rehearsed = stage.add(|tx| tx.execute("INSERT INTO rows (id) VALUES (3)", args![]));
    stage.run();
    assert_eq!(told(&mut first).unwrap(), 1);
    assert!(told(&mut half).is_err());
    assert_eq!(told(&mut rehearsed).unwrap(), 1, "it was not said to commit");
    assert_eq!(stage.ids(), [1]);
}

/// SQLite takes the whole transaction back by itself there.
#[test]
fn a_full_disk_fails_only_who_needs_it() {
    let mut stage = Stage::new();
    let mut first = stage.insert(1);
    let mut large = stage.add(|tx| {
        tx.execute("INSERT INTO rows (id, body) VALUES (2, zeroblob(1000000))", args![])?;
        tx.commit();
        Ok(())
    });
    let mut last = stage.insert(3);
    stage.run();
    assert_eq!(told(&mut first).unwrap(), 1);
    assert!(matches!(told(&mut large), Err(LedgerError::Unavailable(_))));
    assert_eq!(told(&mut last).unwrap(), 3);
    assert_eq!(stage.ids(), [1, 3]);
}

#[test]
fn a_commit_that_fails_is_tried_by_each_alone() {
    let mut stage = Stage::new();
    let mut first = stage.insert(1);
    let mut orphan = stage.add(|tx| {
        tx.execute("INSERT INTO later (id) VALUES (77)", args![])?;
        tx.commit();
        Ok(())
    });
    stage.run();
    assert_eq!(told(&mut first).unwrap(), 1);
    assert!(told(&mut orphan).is_err());
    assert_eq!(stage.ids(), [1]);
}

#[test]
fn a_panic_ends_one_transaction() {
    let mut stage = Stage::new();
    let mut first = stage.insert(1);
    let mut panics = stage.add(|_| -> Result<(), Fault> { panic!("of a test") });
    let mut last = stage.insert(2);
    stage.run();
    assert_eq!((told(&mut first).unwrap(), told(&mut last).unwrap()), (1, 2));
    assert!(matches!(told(&mut panics), Err(LedgerError::Unavailable(_))));
    assert_eq!(stage.ids(), [1, 2]);
}

#[test]
fn what_was_given_up_does_not_run() {
    let mut stage = Stage::new();
    let (given_up, gone, mut other) = (stage.insert(1), stage.insert(2), stage.insert(3));
    assert!(given_up.give_up());
    drop(gone);
    stage.run();
    assert_eq!(told(&mut other).unwrap(), 3);
    assert!(!other.give_up(), "it ran");
    assert_eq!(stage.ids(), [3]);
}

/// What another process put in its place is another ledger.
#[test]
fn nothing_is_committed_into_a_file_that_is_gone() {
    let mut stage = Stage::new();
    let path = stage.folder.path().join("group.db");
    let mut first = stage.insert(1);
    let mut last = stage.add(move |tx| {
        let _ = std::fs::remove_file(&path);
        tx.execute("INSERT INTO rows (id) VALUES (2)", args![])?;
        tx.commit();
        Ok(())
    });
    stage.run();
    assert!(matches!(told(&mut first), Err(LedgerError::Unavailable(_))), "it would be kept nowhere");
    assert!(matches!(told(&mut last), Err(LedgerError::Unavailable(_))));
}

/// One that takes long keeps no other waiting for what it has done already.
#[test]
fn what_takes_long_takes_no_more_in() {
    let mut stage = Stage::new();
    let mut long = stage.add(|tx| {
        tx.commit();
        std::thread::sleep(Duration::from_millis(2));
        Ok(())
    });
    let mut last = stage.insert(1);
    run(&mut stage.waiting, &mut stage.thread, Duration::from_millis(1));
    told(&mut long).unwrap();
    assert_eq!(stage.waiting.len(), 1);
    stage.run();
    assert_eq!(told(&mut last).unwrap(), 1);
}

/// A command writes beside a worker that has work without end.
#[test]
fn another_process_finds_its_turn() {
    let mut stage = Stage::new();
    told(&mut {
        let answer = stage.insert(1);
        stage.run();
        answer
    })
    .unwrap();
    let path = stage.folder.path().join("group.db");
    let ended = Arc::new(AtomicBool::new(false));
    let over = ended.clone();
    let busy = std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            let mut answers = Vec::new();
            while stage.waiting.len() < TOGETHER_MAX {
                answers.push(stage.add(|tx| {
                    std::thread::sleep(Duration::from_micros(400));
                    tx.execute("UPDATE rows SET body = x'01' WHERE id = 1", args![])?;
                    tx.commit();
                    Ok(())
                }));
            }
            run(&mut stage.waiting, &mut stage.thread, JOINING_MAX);
            stage.waiting.clear();
        }
    });
    let other = rusqlite::Connection::open(path).unwrap();
    other.busy_timeout(Duration::from_secs(5)).unwrap();
    for _ in 0..20 {
        other.execute("UPDATE rows SET body = x'02' WHERE id = 1", []).unwrap();
    }
    ended.store(true, Ordering::Relaxed);
    busy.join().unwrap();
}
