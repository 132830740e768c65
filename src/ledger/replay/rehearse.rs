//! What recording would do: the same code in a transaction that is never committed, so that a plan cannot say anything
//! else than what happens.

use crate::{
    domain::{DAY_MS, Ms, closed::HeldCause},
    ledger::{
        DeliveryOutcome, Entry, Ledger, LedgerError,
        db::{Fault, Tx, args},
        intake::record,
        kept::KeptEntry,
        plan::PlanVerdict,
        row::narrow,
        view::{self, Planned},
    },
};

impl Ledger {
    /// What recording these would do, in this order; nothing is kept.
    pub async fn rehearse(&self, entries: &[Entry<'_>], now: Ms) -> Result<Vec<view::Planned>, LedgerError> {
        let entries: Vec<_> = entries.iter().map(Entry::kept).collect();
        self.db
            .write(move |tx| tx.rehearse(&entries.iter().map(KeptEntry::lent).collect::<Vec<_>>(), now))
            .await
    }
}

impl Tx {
    /// What is never committed cannot break what others commit, and must not make them wait for it.
    pub(in crate::ledger) fn rehearse(
        &mut self,
        entries: &[Entry<'_>],
        now: Ms,
    ) -> Result<Vec<Planned>, Fault> {
        self.rehearses();
        let mut planned = Vec::with_capacity(entries.len());
        for entry in entries {
            let recorded = record(self, entry, now)?;
            let payment = recorded.payment.unwrap_or_else(|| entry.envelope.event_id.clone());
            let reason = recorded.reason.unwrap_or_default();
            let mut one = Planned {
                verdict: PlanVerdict::Skip,
                reason,
                channel: None,
                days: None,
                active_till_before: None,
                active_till_after: None,
                payment,
            };
            let cause = known(self, &mut one)?;
            one.verdict = match recorded.outcome {
                // Money that came back, or a link, may be what sets its days going.
                _ if recorded.planned.is_some() => {
                    reach(self, entry.account, &mut one, now)?;
                    PlanVerdict::Extend
                }
                DeliveryOutcome::Granted => {
                    reach(self, entry.account, &mut one, now)?;
                    PlanVerdict::Extend
                }
                DeliveryOutcome::Held if cause.is_some_and(contradicts) => PlanVerdict::Conflict,
                DeliveryOutcome::Held => PlanVerdict::Held,
                DeliveryOutcome::Duplicate
                | DeliveryOutcome::Refund
                | DeliveryOutcome::Link
                | DeliveryOutcome::Ignored => PlanVerdict::Skip,
            };
            if one.reason.is_empty() {
                one.reason = spoken(recorded.outcome).into();
            }
            planned.push(one);
        }

        Ok(planned)
    }
}

fn spoken(outcome: DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Granted => "not granted yet",
        DeliveryOutcome::Duplicate => "already planned",
        DeliveryOutcome::Refund => "a refund is kept with its payment",
        DeliveryOutcome::Link => "only joins ids; grants nothing by itself",
        DeliveryOutcome::Ignored => "not needed",
        DeliveryOutcome::Held => "waits for a person",
    }
}

fn contradicts(cause: HeldCause) -> bool {
    matches!(cause, HeldCause::ChannelContradictory | HeldCause::DaysContradictory | HeldCause::Contradiction)
}

/// Fills in channel and days of the payment; returns the cause of its hold, or of its event's.
fn known(tx: &mut Tx, one: &mut Planned) -> Result<Option<HeldCause>, Fault> {
    let row = tx.optional(
        "SELECT channel, days - days_reduced AS days, cause FROM payments WHERE key = $1",
        args![&*one.payment],
    )?;
    if let Some(row) = row {
        one.channel = row.get("channel")?;
        one.days = row.get::<Option<i64>>("days")?.map(narrow);
        return row.get("cause");
    }
    let row = tx.optional(
        "SELECT held_cause FROM events WHERE event_id = $1 AND held_cause IS NOT NULL LIMIT 1",
        args![&*one.payment],
    )?;
    row.map(|row| row.get("held_cause")).transpose()
}

/// What the days would make of the channel's `activeTill`, as far as the ledger knows it.
fn reach(tx: &mut Tx, account: &str, one: &mut Planned, now: Ms) -> Result<(), Fault> {
    let row = tx.optional(
        "SELECT active_till FROM channels WHERE account = $1 AND channel = $2",
        args![account, one.channel.as_deref()],
    )?;
    let Some(row) = row else { return Ok(()) };
    let Some(before) = Some(row.get::<i64>("active_till")?).filter(|at| *at < i64::MAX) else {
        return Ok(());
    };
    one.active_till_before = Some(before);
    let days = i64::from(one.days.unwrap_or(0)).saturating_mul(DAY_MS);
    one.active_till_after = Some(before.max(now).saturating_add(days));
    Ok(())
}
