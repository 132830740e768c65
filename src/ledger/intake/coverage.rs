//! What is kept of a payment's money that went out, so that every later step of its transfer, by whomever, finds it.

use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        facts::ReversalKind,
        id::with_days,
        payment::{
            entitlement::{Entitlement, OnReversal, entitlement},
            reversal::Reversals,
        },
        settle::{
            Cause, State,
            reversal::{Coverage, Rest, Stage},
        },
    },
    ledger::{
        db::{Fault, Row, Tx, args},
        decide::restored,
        row, storable,
    },
};

/// What is kept of a payment's money, with its transfer's days.
pub(in crate::ledger) struct PaymentCoverage {
    pub(in crate::ledger) payment: String,
    pub(in crate::ledger) covered: Entitlement,
    /// The transfer's.
    pub(in crate::ledger) days: u32,
    comment: String,
    decided: Option<u32>,
    gap: Option<HeldCause>,
    gap_since: Option<Ms>,
    restored_at: Option<Ms>,
    rest: Rest,
}

/// Of the payment `p`; `{}`: which of its transfers `m` are others.
macro_rules! known_sql {
    ($others:literal, $rest:literal) => {
        concat!(
            "SELECT p.key AS payment, p.covered, p.comment, p.due_decided, p.gap, p.gap_since, p.sliced, p.days_despite, \
             (SELECT CAST(COALESCE(SUM(m.days), 0) AS BIGINT) FROM transfers m WHERE m.payment = p.key",
            $others,
            " AND (m.state IN ('intended', 'doubtful', 'settled') \
             OR (m.state = 'held' AND (m.open = 1 OR m.cause = 'restored')))) AS others",
            $rest
        )
    };
}

/// What is known of the money behind a transfer; `None`: all of it came in and stayed, as far as anybody told.
pub(in crate::ledger) fn of_transfer(tx: &mut Tx, transfer: &str) -> Result<Option<PaymentCoverage>, Fault> {
    let row = tx.optional(
        known_sql!(
            " AND m.key <> $1",
            ", t.days, t.slice FROM transfers t JOIN payments p ON p.key = t.payment AND t.n = p.last_n \
             WHERE t.key = $1 AND p.covered IS NOT NULL"
        ),
        args![transfer],
    )?;
    let Some(row) = row else { return Ok(None) };
    let slice = row::narrow(row.get("slice")?);
    known(tx, &row, row::narrow(row.get("days")?), slice).map(Some)
}

/// Notes that other days of a payment moved than were decided on: what was bought is compared with them, and a person is
/// asked about the difference.
pub(in crate::ledger) fn others_moved(tx: &mut Tx, payment: &str, bought: u32) -> Result<(), Fault> {
    let nothing_out =
        entitlement(&Reversals::default(), OnReversal::default(), OnReversal::default(), Some(bought));
    tx.execute(
        "UPDATE payments SET due_decided = NULL, days_due = CASE WHEN covered IS NULL THEN $2 ELSE days_due END, \
         covered = COALESCE(covered, $1) WHERE key = $3",
        args![storable::json(&nothing_out)?, i64::from(bought), payment],
    )?;
    Ok(())
}

fn known(tx: &mut Tx, row: &Row, days: u32, slice: u32) -> Result<PaymentCoverage, Fault> {
    let sliced = row.get::<i64>("sliced")? != 0;
    Ok(PaymentCoverage {
        payment: row.get("payment")?,
        covered: serde_json::from_str(&row.get::<String>("covered")?)?,
        days,
        comment: row.get::<Option<String>>("comment")?.unwrap_or_default(),
        decided: row.get::<Option<i64>>("due_decided")?.map(row::narrow),
        gap: row.get("gap")?,
        gap_since: row.get("gap_since")?,
        restored_at: restored::declared_at(tx)?,
        rest: Rest {
            others: row::narrow(row.get("others")?),
            slice: sliced.then_some(slice),
            despite: row.get::<Option<i64>>("days_despite")?.filter(|_| sliced).map(row::narrow),
        },
    })
}

impl PaymentCoverage {
    /// For the rules.
    pub(in crate::ledger) fn ask(&self) -> Coverage<'_> {
        let Self { covered, decided, restored_at, rest, .. } = self;
        Coverage { covered, decided: *decided, restored_at: *restored_at, rest: *rest }
    }

    /// What its payment is held for before more of its days move; `None`: they move, or none are left.
    pub(in crate::ledger) fn asks(&self) -> Option<Cause> {
        let Entitlement { ask, words, .. } = &self.covered;
        let asks = !self.covered.is_whole() && !self.covered.is_decided(self.decided);
        ask.filter(|_| asks).map(|kind| match kind {
            ReversalKind::Refund => Cause::Refunded(words.clone()),
            ReversalKind::Dispute => Cause::Disputed(words.clone()),
        })
    }

    /// Keeps with the transfer and its payment what a new state makes of its days; returns what its step says.
    #[expect(clippy::too_many_arguments, reason = "one write of a transfer, from one place")]
    pub(in crate::ledger) fn apply(
        &self,
        tx: &mut Tx,
        transfer: &str,
        from: &State,
        to: &State,
        days: u32,
        note: String,
        now: Ms,
    ) -> Result<String, Fault> {
        let mut note = note;
        if days != self.days {
            let comment = match self.rest.slice {
                Some(_) => tx.place().allocation().comment.render(transfer, days),
                None => with_days(&self.comment, days),
            };
            tx.execute(
                "UPDATE transfers SET days = $1, comment = $2 WHERE key = $3",
                args![i64::from(days), comment, transfer],
            )?;
            note = format!("{note}; {days} days instead of {}: {}", self.days, self.covered.words);
        } else if matches!(to, State::Planned { .. })
            && matches!(from, State::Held { .. } | State::Cancelled { .. })
        {
            note = format!("{note}; {}", self.covered.words);
        }
        self.refresh(tx, Stage::Granted(to, days), now)?;
        Ok(note)
    }

    /// Writes the sums of the payment, and whether they wait for a person.
    pub(in crate::ledger) fn refresh(&self, tx: &mut Tx, stage: Stage<'_>, now: Ms) -> Result<(), Fault> {
        let gap = self.ask().gap(stage);
        let bought = i64::from(self.covered.bought.unwrap_or(0));
        let reduced = match stage {
            // Its sums are kept with its queue.
            _ if self.rest.slice.is_some() => None,
            Stage::Granted(State::Cancelled { money_out: Some(_), .. }, _) => Some(bought),
            Stage::Granted(_, days) => Some(bought.saturating_sub(i64::from(days))),
            Stage::Weighed | Stage::Closed => None,
        };
        let cause = match (gap.open, gap.spent, gap.owed) {
            (false, ..) | (_, 0, 0) => None,
            (true, 0, _) => Some(HeldCause::DaysOwed),
            (true, ..) => Some(HeldCause::DaysSpent),
        };
        // What a person said grows with what is covered since, and stays when that counts as decided.
        let more = gap.decided.filter(|now| self.decided.is_some_and(|then| *now > then));
        let despite = self.rest.despite.zip(more).map(|(said, due)| i64::from(said.max(due)));
        let since = if cause == self.gap { self.gap_since } else { cause.map(|_| now) };
        tx.execute(
            "UPDATE payments SET days_reduced = COALESCE($1, days_reduced), days_spent = $2, days_owed = $3, \
             due_decided = $4, gap = $5, gap_since = $6, days_despite = COALESCE($8, days_despite) WHERE key = $7",
            args![
                reduced,
                i64::from(gap.spent),
                i64::from(gap.owed),
                gap.decided.map(i64::from),
                cause,
                since,
                &*self.payment,
                despite
            ],
        )?;
        Ok(())
    }
}

/// What is kept of a payment as a whole; `None`: all of its money came in and stayed, as far as anybody told.
pub(in crate::ledger) fn of_payment(tx: &mut Tx, payment: &str) -> Result<Option<PaymentCoverage>, Fault> {
    let row = tx.optional(
        known_sql!("", " FROM payments p WHERE p.key = $1 AND p.covered IS NOT NULL"),
        args![payment],
    )?;
    row.map(|row| known(tx, &row, 0, 0)).transpose()
}
