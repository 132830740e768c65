//! Payments that wait for an event which may never come: each is listed for a person after its time. It leaves the list by
//! itself when the event comes, and by `held cancel`.
//!
//! Not for what another family than `money_in` told of, which is listed beside them as `other_family`.

use crate::{
    domain::{Ms, closed::HeldCause},
    ledger::{
        db::{Fault, Row, Tx, args, filter::Filter},
        query::HeldQuery,
        row::narrow,
        view::{Held, HeldGroup, HeldKind},
    },
};

/// How long money may stay out after the first event that announces it, in ms: 3 days. A card's authorisation is
/// captured by then, or never will be; a bank debit may take longer, and then leaves the list by itself.
const UNPAID_MS: i64 = 3 * 86_400_000;

/// How long money that went out waits for the payment that it came from, in ms: events come out of order.
const UNKNOWN_MS: i64 = 3_600_000;

struct Wait {
    cause: HeldCause,
    after_ms: i64,
    /// Of a payment `p` that is linked and whose events tell of no money that came in.
    condition: &'static str,
    reason: &'static str,
    next: fn(&str) -> String,
}

static WAITS: [Wait; 2] = [
    Wait {
        cause: HeldCause::Unpaid,
        after_ms: UNPAID_MS,
        condition: "p.out_known = 0 AND p.amount > 0",
        reason: "it was announced, and for three days no event has said that its money came in",
        next: |key| {
            format!(
                "look at it at the provider. Where it was paid, send the events of money_in to the endpoint and resend this one; Stripe's `checkout` family tells of no manual capture: use `charges` or `payment_intents` there. A bank debit may take up to 14 days, and goes on by itself. Where nothing was paid, `daybridge held cancel '{key}' --reason …` closes it"
            )
        },
    },
    Wait {
        cause: HeldCause::PaymentUnknown,
        after_ms: UNKNOWN_MS,
        // A payment that only failed never came in, and nothing went out of it.
        condition: "p.out_known = 1 AND NOT EXISTS (SELECT 1 FROM events l JOIN deliveries d ON d.event = l.number \
                    WHERE l.payment = p.key AND d.outcome = 'link') AND EXISTS (SELECT 1 FROM events o \
                    WHERE o.payment = p.key AND o.facts NOT LIKE '%\"state\":\"failed\"%')",
        reason: "money went out of it, and no event has told of the payment itself: its days may have moved under another name",
        next: |key| {
            format!(
                "look at the provider for what it paid. Where that is an invoice or a checkout session here, send the event that joins them (Stripe: invoice_payment.paid) to the endpoint, and resend it: the refund goes to its payment by itself. Otherwise decide about the days at its channel, then `daybridge held cancel '{key}' --reason …` closes it"
            )
        },
    },
];

const NO_MONEY: &str = "p.state <> 'credited' AND p.state = 'linked' AND NOT EXISTS (SELECT 1 FROM events e WHERE e.payment = p.key AND e.family IS NOT NULL)";

impl Tx {
    /// Those of each cause that is wanted, oldest first.
    pub(in crate::ledger) fn held_waiting(
        &mut self,
        wanted: &HeldQuery,
        limit: u32,
        now: Ms,
    ) -> Result<Vec<Held>, Fault> {
        let mut held = Vec::new();
        for wait in &WAITS {
            if wanted.cause.is_some_and(|cause| cause != wait.cause) {
                continue;
            }
            let rows = Filter::default()
                .fixed(NO_MONEY)
                .fixed(wait.condition)
                .number("p.since <", Some(now.saturating_sub(wait.after_ms)))
                .text("p.key =", wanted.key.as_deref())
                .rows(
                    self,
                    "SELECT p.key, p.since, p.channel, p.days FROM payments p",
                    "ORDER BY p.since, p.key",
                    limit,
                )?;
            for row in &rows {
                held.push(wait.held(row)?);
            }
        }
        Ok(held)
    }

    /// Counted by cause.
    pub(in crate::ledger) fn held_waiting_groups(&mut self, now: Ms) -> Result<Vec<HeldGroup>, Fault> {
        let mut groups = Vec::new();
        for wait in &WAITS {
            let rows = Filter::default()
                .fixed(NO_MONEY)
                .fixed(wait.condition)
                .number("p.since <", Some(now.saturating_sub(wait.after_ms)))
                .rows(
                    self,
                    "SELECT COUNT(*) AS many, MIN(p.since) AS oldest FROM payments p",
                    "HAVING COUNT(*) > 0",
                    1,
                )?;
            for row in rows {
                groups.push(HeldGroup {
                    kind: HeldKind::Payment,
                    cause: wait.cause,
                    count: u64::try_from(row.get::<i64>("many")?).unwrap_or(0),
                    days: 0,
                    oldest: row.get("oldest")?,
                });
            }
        }
        Ok(groups)
    }
}

impl Wait {
    fn held(&self, row: &Row) -> Result<Held, Fault> {
        let key: String = row.get("key")?;
        Ok(Held {
            kind: HeldKind::Payment,
            payment: Some(key.clone()),
            cause: self.cause,
            reason: self.reason.into(),
            outcome: None,
            next: (self.next)(&key),
            since: row.get("since")?,
            channel: row.get("channel")?,
            days: row.get::<Option<i64>>("days")?.map(narrow),
            history: Vec::new(),
            payer: crate::ledger::view::Payer::default(),
            key,
        })
    }
}

/// What helps a payment that is listed because it waits for an event; `None`: it is not.
pub(in crate::ledger) fn needs(tx: &mut Tx, key: &str, now: Ms) -> Result<Option<String>, Fault> {
    for wait in &WAITS {
        let row = tx.optional(
            &format!(
                "SELECT p.key FROM payments p WHERE p.key = $1 AND p.since < $2 AND {NO_MONEY} AND {}",
                wait.condition
            ),
            args![key, now.saturating_sub(wait.after_ms)],
        )?;
        if row.is_some() {
            return Ok(Some((wait.next)(key)));
        }
    }
    Ok(None)
}
