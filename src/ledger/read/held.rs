//! Everything that waits for a person, each with its reason and its next step.

use super::{list::transfer_sql, payers, rows, words};
use crate::{
    domain::{
        Ms,
        closed::HeldCause,
        hold::may_have_moved,
        payment::entitlement::Entitlement,
        settle::{AccountSignal, State},
    },
    ledger::{
        AccountHold, Ledger, LedgerError,
        db::{
            Fault, Row, Tx, args,
            fault::corrupt,
            filter::{Filter, Value},
        },
        query::HeldQuery,
        row::{self, narrow},
        settle::account,
        view::{self, CallOutcome, Held, HeldKind},
    },
};

/// How long a payment may wait for its family's event before a person is told, in ms.
pub(in crate::ledger) const OTHER_FAMILY_MS: i64 = 3_600_000;

impl Ledger {
    /// Everything that waits for a person: the account, transfers, payments, events; up to `limit` of each,
    /// oldest first.
    pub async fn held(
        &self,
        wanted: &HeldQuery,
        limit: u32,
        now: Ms,
    ) -> Result<Vec<view::Held>, LedgerError> {
        let wanted = wanted.clone();
        self.db.read(move |tx| tx.held(&wanted, limit, now)).await
    }
}

impl Tx {
    /// The ledger and the account first, since they keep others back; then transfers, payments, events and channels, oldest
    /// first, each
    /// kind up to the limit: many of one never hide the others.
    pub(in crate::ledger) fn held(
        &mut self,
        wanted: &HeldQuery,
        limit: u32,
        now: Ms,
    ) -> Result<Vec<Held>, Fault> {
        let mut held = self.held_ledger(now)?;
        held.extend(self.held_accounts(limit)?);
        held.retain(|whole| fits(wanted, whole));
        held.extend(self.held_transfers(wanted, limit)?);
        held.extend(self.held_payments(wanted, limit, now)?);
        held.extend(self.held_waiting(wanted, limit, now)?);
        held.extend(self.held_gaps(wanted, limit)?);
        held.extend(self.held_events(wanted, limit)?);
        held.extend(self.held_channels(wanted, limit)?);
        payers::add(self, &mut held)?;
        Ok(held)
    }

    fn held_accounts(&mut self, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows =
            self.all("SELECT account FROM accounts ORDER BY account LIMIT $1", args![i64::from(limit)])?;
        let mut held = Vec::with_capacity(rows.len());
        for row in rows {
            let account: String = row.get("account")?;
            if let Some(hold) = account::hold(self, &account)? {
                held.extend(self.held_account(account, &hold)?);
            }
        }
        Ok(held)
    }

    /// `None`: too little balance, and nothing waits for it.
    fn held_account(&mut self, account: String, hold: &AccountHold) -> Result<Option<Held>, Fault> {
        let waiting = self.one(&format!(
            "SELECT COUNT(*) AS many, CAST(COALESCE(SUM(t.days), 0) AS BIGINT) AS days, MIN(t.key) AS key \
             FROM transfers t WHERE {}",
            account::WAITING
        ), args![&*account, i64::from(account::least(hold))])?;
        let days = narrow(waiting.get("days")?);
        let waiting = words::Waiting {
            many: waiting.get("many")?,
            days,
            least: account::least(hold),
            key: waiting.get("key")?,
        };
        let (cause, (reason, next)) = match hold.news {
            AccountSignal::NoToken => (HeldCause::Unauthorized, words::no_token(&waiting)),
            _ if waiting.many == 0 => return Ok(None),
            _ => (HeldCause::Balance, words::no_balance(&waiting)),
        };
        Ok(Some(Held {
            kind: HeldKind::Account,
            key: account,
            payment: None,
            cause,
            reason,
            outcome: None,
            next,
            since: hold.since,
            channel: None,
            days: Some(days),
            history: Vec::new(),
            payer: view::Payer::default(),
        }))
    }

    fn held_transfers(&mut self, wanted: &HeldQuery, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = Filter::default()
            .fixed("state = 'held'")
            .word("cause =", wanted.cause)
            .text("key =", wanted.key.as_deref())
            .rows(self, transfer_sql!("", ""), "ORDER BY created_at, key", limit)?;
        let mut held = Vec::with_capacity(rows.len());
        for row in &rows {
            let view::TransferRow { key, payment, channel, days, outcome, reason, next, .. } =
                rows::transfer(row)?;
            let (cause, since) = match row::state(row)? {
                State::Held { cause, at, .. } => (cause.word(), at),
                _ => return Err(corrupt(format!("the transfer {key} is held, and its state is not"))),
            };
            let history = if outcome == Some(CallOutcome::Open) { vec![key.clone()] } else { Vec::new() };
            held.push(Held {
                kind: HeldKind::Transfer,
                key,
                payment: Some(payment),
                cause,
                reason: reason.unwrap_or_default(),
                outcome,
                next: next.unwrap_or_default(),
                since,
                channel: Some(channel),
                days: Some(days),
                history,
                payer: view::Payer::default(),
            });
        }
        Ok(held)
    }

    fn held_payments(&mut self, wanted: &HeldQuery, limit: u32, now: Ms) -> Result<Vec<Held>, Fault> {
        let rows = Filter::default()
            .fixed("decision = 'held'")
            .word("cause =", wanted.cause)
            .text("key =", wanted.key.as_deref())
            .rows(
                self,
                "SELECT key, cause, reason, next, since, channel, days FROM payments",
                "ORDER BY since, key",
                limit,
            )?;
        let other = if wanted.cause.is_none_or(|cause| cause == HeldCause::OtherFamily) {
            self.paid_in_another_family(wanted.key.as_deref(), limit, now)?
        } else {
            Vec::new()
        };
        let mut forgotten = Vec::new();
        for row in &rows {
            if may_have_moved(row.get("cause")?) {
                forgotten.push(Value::Text(row.get("key")?));
            }
        }
        let mut names = self.forgotten_names(forgotten)?;
        rows.iter()
            .map(|row| {
                let key: String = row.get("key")?;
                let history = names.remove(&key).unwrap_or_default();
                let next: Option<String> = row.get("next")?;
                Ok(Held {
                    kind: HeldKind::Payment,
                    payment: Some(key.clone()),
                    key,
                    cause: row.get("cause")?,
                    reason: row.get::<Option<String>>("reason")?.unwrap_or_default(),
                    outcome: None,
                    next: words::forgotten_next(next.unwrap_or_default(), &history),
                    since: row.get("since")?,
                    channel: row.get("channel")?,
                    days: row.get::<Option<i64>>("days")?.map(row::narrow),
                    history,
                    payer: view::Payer::default(),
                })
            })
            .chain(other)
            .collect()
    }

    /// Payments whose days moved and are not covered by their money any more, or are covered again and did not move.
    fn held_gaps(&mut self, wanted: &HeldQuery, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = Filter::default()
            .fixed("gap IS NOT NULL")
            .word("gap =", wanted.cause)
            .text("key =", wanted.key.as_deref())
            .rows(
                self,
                "SELECT key, state, gap, gap_since, channel, days_spent, days_owed, days_more, covered FROM payments",
                "ORDER BY gap_since, key",
                limit,
            )?;
        rows.iter()
            .map(|row| {
                let key: String = row.get("key")?;
                let cause: HeldCause = row.get("gap")?;
                let column = if cause == HeldCause::DaysSpent { "days_spent" } else { "days_owed" };
                let days = narrow(row.get(column)?);
                let covered: Entitlement = serde_json::from_str(&row.get::<String>("covered")?)?;
                let more = row.get::<i64>("days_more")? > 0 && cause != HeldCause::DaysSpent;
                let (reason, next) = if more {
                    words::paid_later(&key, days, &covered.words)
                } else {
                    words::gap(cause, &key, days, &covered.words)
                };
                Ok(Held {
                    kind: HeldKind::Payment,
                    payment: Some(key.clone()),
                    key,
                    cause,
                    reason,
                    outcome: None,
                    next,
                    since: row.get("gap_since")?,
                    channel: row.get("channel")?,
                    days: Some(days),
                    history: Vec::new(),
                    payer: view::Payer::default(),
                })
            })
            .collect()
    }

    /// Payments whose money was told by another family than the one that grants, and by no other for a while:
    /// the endpoint does not send the events that `money_in` waits for.
    fn paid_in_another_family(
        &mut self,
        key: Option<&str>,
        limit: u32,
        now: Ms,
    ) -> Result<Vec<Result<Held, Fault>>, Fault> {
        let rows = Filter::default()
            .fixed("p.state <> 'credited' AND p.state = 'linked' AND e.family IS NOT NULL")
            .number("p.since <", Some(now.saturating_sub(OTHER_FAMILY_MS)))
            .text("p.key =", key)
            .rows(
                self,
                "SELECT p.key, p.since, MIN(e.family) AS family FROM payments p JOIN events e ON e.payment = p.key",
                "GROUP BY p.key, p.since ORDER BY p.since, p.key",
                limit,
            )?;
        let one = |row: &Row| {
            let (key, family): (String, String) = (row.get("key")?, row.get("family")?);
            Ok(Held {
                kind: HeldKind::Payment,
                payment: Some(key.clone()),
                key,
                cause: HeldCause::OtherFamily,
                reason: format!("money came in as {family}, but no event of the family that money_in names"),
                outcome: None,
                next: format!(
                    "{}; `daybridge held cancel KEY --reason …` closes it",
                    words::OTHER_FAMILY_NEXT
                ),
                since: row.get("since")?,
                channel: None,
                days: None,
                history: Vec::new(),
                payer: view::Payer::default(),
            })
        };
        Ok(rows.iter().map(one).collect())
    }

    fn held_events(&mut self, wanted: &HeldQuery, limit: u32) -> Result<Vec<Held>, Fault> {
        let rows = Filter::default()
            .fixed("held_cause IS NOT NULL")
            .word("held_cause =", wanted.cause)
            .within("", wanted.key.as_deref(), " IN (event_id, source || '/' || event_id)")
            .rows(
                self,
                "SELECT event_id, payment, held_cause, held_reason, recorded_at FROM events",
                "ORDER BY number",
                limit,
            )?;
        rows.iter()
            .map(|row| {
                let key: String = row.get("event_id")?;
                let cause: HeldCause = row.get("held_cause")?;
                Ok(Held {
                    kind: HeldKind::Event,
                    payment: row.get("payment")?,
                    reason: row.get::<Option<String>>("held_reason")?.unwrap_or_default(),
                    outcome: None,
                    next: words::event_next(cause, &key),
                    cause,
                    key,
                    since: row.get("recorded_at")?,
                    channel: None,
                    days: None,
                    history: Vec::new(),
                    payer: view::Payer::default(),
                })
            })
            .collect()
    }
}

fn fits(wanted: &HeldQuery, held: &Held) -> bool {
    wanted.cause.is_none_or(|cause| cause == held.cause)
        && wanted.key.as_ref().is_none_or(|key| *key == held.key)
}
