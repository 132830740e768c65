//! When the ledger was made, and how far back it may grant.
//!
//! A ledger that is found empty may be the first one, or stand where another one was lost: a disk that is not mounted
//! makes the same empty file. So what was paid before it was made is never granted by itself.

use super::audit::{self, Entry};
use crate::{
    domain::{Ms, payment::memory::GRACE_MS},
    ledger::{
        Act, Ledger, LedgerError, Origin,
        db::{Dialect, Fault, Tx, args, fault::refused},
        view::{self, Action},
    },
};

impl Ledger {
    /// When and where it was made.
    pub async fn origin(&self) -> Result<Origin, LedgerError> {
        self.db.read(move |tx| tx.origin()).await
    }

    /// A person says how far back a ledger that was made new may grant; before it was made only.
    pub async fn adopt(&self, since: Ms, act: &Act<'_>, now: Ms) -> Result<view::Adopted, LedgerError> {
        let act = act.kept();
        self.db.alone(move |tx| tx.adopt(since, &act.lent(), now)).await
    }
}

impl Tx {
    /// Tells a new ledger the time at which it was made. Repeated where the one that made it was killed before.
    pub(in crate::ledger) fn stamp(&mut self, now: Ms) -> Result<(), Fault> {
        let row = self.one("SELECT made_at FROM origin", args![])?;
        if row.get::<Option<Ms>>("made_at")? == Some(0) {
            self.execute("UPDATE origin SET made_at = $1 WHERE made_at = 0", args![now])?;
            self.commit();
        }
        Ok(())
    }

    pub(in crate::ledger) fn origin(&mut self) -> Result<Origin, Fault> {
        let row = self.one("SELECT made_at, adopted_since, CASE WHEN EXISTS (SELECT 1 FROM events) THEN 0 ELSE 1 END AS empty \
             FROM origin", args![])?;
        let (made_at, adopted) = (row.get::<Option<Ms>>("made_at")?, row.get("adopted_since")?);
        Ok(Origin {
            made_at,
            grants_since: grants_since(made_at, adopted),
            empty: row.get::<i64>("empty")? != 0,
            place: self.place().name.clone(),
            failover_unnoticed: self.dialect() == Dialect::Postgres
                && self.place().question.get().copied().flatten().is_none(),
        })
    }

    pub(in crate::ledger) fn adopt(
        &mut self,
        since: Ms,
        act: &Act<'_>,
        now: Ms,
    ) -> Result<view::Adopted, Fault> {
        if since > now {
            return Err(refused(
                "--since lies in the future: name the time from which on this ledger may grant",
            ));
        }
        let row = self.one("SELECT made_at, adopted_since FROM origin", args![])?;
        let adopted: Option<Ms> = row.get("adopted_since")?;
        let Some(made_at) = row.get::<Option<Ms>>("made_at")? else {
            return Err(refused(
                "this ledger is older than the rule: nothing is held for having been paid before it was made, and there is nothing to adopt",
            ));
        };
        if since > made_at {
            return Err(refused(
                "--since lies after the ledger was made: what was paid since then is granted anyway; name an earlier time",
            ));
        }
        self.execute("UPDATE origin SET adopted_since = $1", args![since])?;
        // The first sweep begins there; what is recorded already is not told again.
        self.execute("UPDATE backfill SET seen_until = NULL, next_at = 0", args![])?;
        let entry = Entry {
            action: Action::Adopt,
            key: "ledger",
            act: *act,
            before: grants_since(Some(made_at), adopted).map(|at| format!("grants since {at}")),
            after: Some(format!("grants since {since}")),
        };
        audit::add(self, entry, now)?;
        self.commit();
        Ok(view::Adopted { since, made_at })
    }
}

/// How far back the ledger may grant; `None`: it is older than the rule.
pub(in crate::ledger) fn grants_since(made_at: Option<Ms>, adopted: Option<Ms>) -> Option<Ms> {
    adopted.or_else(|| made_at.map(|at| at.saturating_sub(GRACE_MS)))
}
