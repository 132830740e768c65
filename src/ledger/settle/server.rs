//! On which database server the ledger is: noticed when it becomes another one.
//!
//! A standby that takes over asynchronously has not got the last commits, and nothing in it says so: it is a restored
//! backup that nobody declared. PostgreSQL begins a new timeline at every promotion, so system and timeline are kept in
//! the ledger itself, and in each process that has seen them; where they are others, no call is made before a person
//! has said whether something was lost.
//!
//! The ledger's own memory notices every promotion. The process's notices the one that takes it back: an old primary
//! that is let in again remembers itself. A person's word counts up, so that a process does not take it for that.
//!
//! Not noticed: what keeps the timeline, such as a snapshot of a disk put back. Where a managed database lets an
//! ordinary role ask for none of this, the ledger relies on the operator (deploy/docs/runbook.md).

use super::pause;
use crate::{
    domain::{
        Ms,
        closed::{HeldCause, PauseCause},
    },
    ledger::{
        Act, Ledger, LedgerError, Scope,
        db::{Fault, Row, Seen, Tx, args, fault::refused},
        decide::audit::{self, Entry},
        view::{self, Action, HeldKind},
    },
};

/// System and timeline, by the first of these that an ordinary role may ask. The current position in the log knows a
/// promotion at once; the control file only after its first checkpoint, which may take minutes.
const SERVER: [&str; 3] = [
    "SELECT system_identifier::text || '/' || ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int::text \
     AS server FROM pg_control_system()",
    "SELECT s.system_identifier::text || '/' || c.timeline_id::text AS server \
     FROM pg_control_system() s CROSS JOIN pg_control_checkpoint() c",
    "SELECT '?/' || timeline_id::text AS server FROM pg_control_checkpoint()",
];

/// What a statement asks for to see whether the server is another one.
pub(in crate::ledger) const SERVER_COLUMNS: &str = ", o.server AS known_server, o.servers, s.server";

/// The server is another one than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger) struct Moved {
    pub(in crate::ledger) was: String,
    pub(in crate::ledger) is: String,
}

impl Moved {
    pub(in crate::ledger) fn reason(&self) -> String {
        format!(
            "the ledger's database server is another one (system/timeline {}, before {}): if it was a standby that took over asynchronously, or a backup, the last commits are lost, and calling what it does not know would pay twice",
            self.is, self.was
        )
    }

    pub(in crate::ledger) fn next() -> &'static str {
        "say which it was: `daybridge ledger failover --nothing-lost` where every commit was on it (a synchronous standby, a planned switch); else stop every worker and `daybridge ledger restored --since TIME`, a time before the failover"
    }

    pub(in crate::ledger) fn pause(&self) -> view::Pause {
        view::Pause {
            scope: Scope::All,
            cause: PauseCause::Failover,
            since: jiff::Timestamp::now().as_millisecond(),
            who: pause::DAYBRIDGE.into(),
            reason: format!("{}; {}", self.reason(), Self::next()),
        }
    }
}

impl Ledger {
    /// A person says that nothing was lost when the ledger came to another database server: calls go on.
    pub async fn failover(&self, act: &Act<'_>, now: Ms) -> Result<view::Failover, LedgerError> {
        let act = act.kept();
        // Outside the transaction: what it remembers of the server must stay, whatever becomes of that one.
        let moved = self.db.read(|tx| tx.moved()).await?;
        self.db.alone(move |tx| tx.failover(moved.as_ref(), &act.lent(), now)).await
    }

    /// Ends a pause, a person's or the brake's. `false`: there was none.
    pub async fn resume(&self, scope: &Scope, act: &Act<'_>, now: Ms) -> Result<bool, LedgerError> {
        let (of, act) = (scope.clone(), act.kept());
        if self.db.alone(move |tx| tx.resume(&of, &act.lent(), now)).await? {
            return Ok(true);
        }
        match self.db.read(|tx| tx.moved()).await? {
            Some(moved) if *scope == Scope::All => Err(LedgerError::Refused(moved.pause().reason)),
            Some(_) | None => Ok(false),
        }
    }
}

impl Tx {
    /// Finds the question that this server answers.
    pub(in crate::ledger) fn find_question(&mut self) -> Result<(), Fault> {
        let mut found = None;
        for statement in SERVER {
            if self.answers(statement)? {
                found = Some(statement);
                break;
            }
        }
        let _ = self.place().question.set(found); // Err: it was found before
        Ok(())
    }

    /// Whether the ledger is on another server than it was; says so loudly, once for each.
    pub(in crate::ledger) fn moved(&mut self) -> Result<Option<Moved>, Fault> {
        let Some(question) = self.server_columns() else { return Ok(None) };
        let row = self.one(
            &format!("SELECT 1 AS one{SERVER_COLUMNS} FROM origin o CROSS JOIN ({question}) s"),
            args![],
        )?;
        self.moved_by(&row)
    }

    /// The question whose answer, as `s` beside the origin `o`, has [`SERVER_COLUMNS`]; `None`: the database does not tell.
    pub(in crate::ledger) fn server_columns(&self) -> Option<&'static str> {
        self.place().question.get().copied().flatten()
    }

    /// The same of a row that has [`SERVER_COLUMNS`].
    pub(in crate::ledger) fn moved_by(&mut self, row: &Row) -> Result<Option<Moved>, Fault> {
        let (known, servers): (Option<String>, i64) = (row.get("known_server")?, row.get("servers")?);
        let is: String = row.get("server")?;
        let Some(known) = known else {
            self.remember(None, &is)?;
            return Ok(None);
        };
        let now = Seen { server: is.clone(), servers };
        let before = self.place().seen();
        let taken_back = before.as_ref().filter(|seen| seen.server != is && servers <= seen.servers);
        let was = match taken_back {
            _ if known != is => Some(known),
            // It remembers itself: so that all processes and the next start know, it is told what we have seen.
            Some(seen) => {
                self.remember(Some(&known), &seen.server)?;
                Some(seen.server.clone())
            }
            None => None,
        };
        self.sees(now);
        let Some(was) = was else { return Ok(None) };
        let moved = Moved { was, is };
        if before.is_none_or(|seen| seen.server != moved.is) {
            tracing::error!(reason = moved.reason(), next = Moved::next(), "no transfer is called");
        }
        Ok(Some(moved))
    }

    /// The ledger as a whole, where its server is another one than it was.
    pub(in crate::ledger) fn held_ledger(&mut self, now: Ms) -> Result<Vec<view::Held>, Fault> {
        let moved = self.moved()?;
        let held = moved.map(|moved| view::Held {
            kind: HeldKind::Ledger,
            key: "ledger".into(),
            payment: None,
            cause: HeldCause::Failover,
            reason: moved.reason(),
            outcome: None,
            next: Moved::next().into(),
            since: now,
            channel: None,
            days: None,
            history: Vec::new(),
            payer: view::Payer::default(),
        });
        Ok(held.into_iter().collect())
    }

    fn remember(&mut self, instead: Option<&str>, server: &str) -> Result<(), Fault> {
        self.execute(
            "UPDATE origin SET server = $1 WHERE COALESCE(server, '') = $2",
            args![server, instead.unwrap_or_default()],
        )?;
        Ok(())
    }

    /// A person says that nothing was lost: calls go on.
    pub(in crate::ledger) fn failover(
        &mut self,
        moved: Option<&Moved>,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<view::Failover, Fault> {
        let Some(moved) = moved else {
            return Err(refused(match self.server_columns() {
                Some(_) => {
                    "the ledger is on the server that it knows: nothing waits for a word about a failover"
                }
                None => {
                    "this database does not tell its timeline, so no failover is noticed and nothing waits for one"
                }
            }));
        };
        accept(self)?;
        pause::release(self, &Scope::All, now)?;
        let entry = Entry {
            action: Action::Failover,
            key: "ledger",
            act: *act,
            before: Some(moved.was.clone()),
            after: Some(moved.is.clone()),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(view::Failover { was: moved.was.clone(), is: moved.is.clone() })
    }
}

/// The server of now is the right one.
pub(in crate::ledger) fn accept(tx: &mut Tx) -> Result<(), Fault> {
    let Some(statement) = tx.server_columns() else { return Ok(()) };
    let is: String = tx.one(statement, args![])?.get("server")?;
    tx.execute("UPDATE origin SET server = $1, servers = servers + 1", args![is])?;
    Ok(())
}
