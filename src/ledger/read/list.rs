//! Lists, newest first, each along an index and bounded by the caller's limit.

use super::{
    resolve::named,
    rows::{event, movement, payment, transfer},
};
use crate::{
    envelope::Trigger,
    ledger::{
        Ledger, LedgerError, Outcome as Ended,
        db::{
            Fault, Tx, args,
            fault::refused,
            filter::{Filter, Value},
        },
        query::{EventQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};

/// What [`payment`] needs; the caller adds what it looks for.
macro_rules! payment_sql {
    ($rest:literal) => {
        concat!(
            "SELECT p.key, p.source, p.realm, p.account AS owner, p.livemode, p.decision, p.cause, p.reason, p.next, \
             p.channel, p.days, p.amount, p.currency, p.customer, p.first_seen_at, t.key AS transfer, t.detail \
             FROM payments p LEFT JOIN transfers t ON t.payment = p.key AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`event`] needs.
macro_rules! event_sql {
    ($rest:literal) => {
        concat!(
            "SELECT d.number, d.delivery, d.cause, d.received_at, d.recorded_at, d.outcome, d.reason, \
             e.number AS event_number, e.event_id, e.source, e.event_type, e.payment, e.digest, e.held_cause, \
             p.cause AS payment_cause, t.detail FROM deliveries d JOIN events e ON e.number = d.event \
             LEFT JOIN payments p ON p.key = e.payment \
             LEFT JOIN transfers t ON t.payment = e.payment AND t.n = 1 ",
            $rest
        )
    };
}
/// What [`transfer`] needs.
macro_rules! transfer_sql {
    ($rest:literal) => {
        concat!(
            "SELECT key, payment, account, channel, days, comment, detail, created_at FROM transfers ",
            $rest
        )
    };
}
pub(in crate::ledger) use {event_sql, payment_sql, transfer_sql};

/// Newest payments first.
const PAYMENTS_NEWEST: &str = "ORDER BY p.first_seen_at DESC, p.key DESC";

impl Ledger {
    /// Payments, newest first.
    pub async fn payments(
        &self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.payments(&wanted, &page)).await
    }

    /// Transfers, newest first.
    pub async fn transfers(
        &self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.transfers(&wanted, &page)).await
    }

    /// Events (one row per delivery), newest first; a page goes on after a delivery's id.
    pub async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.events(&wanted, &page)).await
    }

    /// Unexplained movements, newest first.
    pub async fn movements(&self, limit: u32) -> Result<Vec<view::Movement>, LedgerError> {
        self.db.read(move |tx| tx.movements(limit)).await
    }
}

impl Tx {
    /// A search that names one payment finds that one; else it is a channel, a customer or an amount.
    pub(in crate::ledger) fn payments(
        &mut self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, Fault> {
        let after = match &page.after {
            Some(key) => after(self, "SELECT first_seen_at AS at FROM payments WHERE key = $1", key)?,
            None => None,
        };
        let plain = || {
            Filter::default()
                .fixed("p.merged_into IS NULL")
                .word("p.state =", wanted.state)
                .text("p.source =", wanted.source.as_deref())
                .text("p.channel =", wanted.channel.as_deref())
                .text("p.customer =", wanted.customer.as_deref())
                .number("p.amount =", wanted.amount)
                .number("p.first_seen_at >=", wanted.since)
                .number("p.first_seen_at <", wanted.until)
                .row("(p.first_seen_at, p.key) <", after.clone())
        };
        let Some(text) = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            let rows = plain().rows(self, payment_sql!(""), PAYMENTS_NEWEST, page.limit)?;
            return rows.iter().map(payment).collect();
        };
        let named = named(self, text)?;
        let mut ways = Vec::new();
        match named.as_slice() {
            [_, ..] => {
                let keys = named.into_iter().map(Value::Text).collect();
                ways.push(plain().row("p.key IN", Some(keys)));
            }
            [] => {
                ways.push(plain().text("p.channel =", Some(text)));
                ways.push(plain().text("p.customer =", Some(text)));
                ways.extend(text.parse().ok().map(|amount| plain().number("p.amount =", Some(amount))));
            }
        }
        for way in ways {
            let rows = way.rows(self, payment_sql!(""), PAYMENTS_NEWEST, page.limit)?;
            if !rows.is_empty() {
                return rows.iter().map(payment).collect();
            }
        }
        Ok(Vec::new())
    }

    pub(in crate::ledger) fn transfers(
        &mut self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::Transfer>, Fault> {
        let after = match &page.after {
            Some(key) => after(self, "SELECT created_at AS at FROM transfers WHERE key = $1", key)?,
            None => None,
        };
        let rows = Filter::default()
            .word("state =", wanted.state)
            .text("channel =", wanted.channel.as_deref())
            .row("(created_at, key) <", after)
            .rows(self, transfer_sql!(""), "ORDER BY created_at DESC, key DESC", page.limit)?;
        rows.iter().map(transfer).collect()
    }

    /// What belongs to the event walks the events, newest first; what belongs to the delivery, the deliveries; where
    /// both are asked for, whichever is rarer.
    pub(in crate::ledger) fn events(
        &mut self,
        wanted: &EventQuery,
        page: &Page,
    ) -> Result<Vec<view::Event>, Fault> {
        let after = match &page.after {
            Some(delivery) => self
                .optional("SELECT number, event FROM deliveries WHERE delivery = $1", args![&**delivery])?
                .map(|row| Ok::<_, Fault>((row.get::<i64>("number")?, row.get::<i64>("event")?)))
                .transpose()?
                .ok_or_else(|| refused(format!("no delivery {delivery} to go on after")))
                .map(Some)?,
            None => None,
        };
        let by_event = (wanted.source.is_some() || wanted.event_type.is_some()) && !rare(wanted);
        let filter = Filter::default()
            .text("e.source =", wanted.source.as_deref())
            .text("e.event_type =", wanted.event_type.as_deref())
            .word("d.outcome =", wanted.outcome)
            .word("d.cause =", wanted.trigger);
        let (filter, order) = if by_event {
            let after = after.map(|(number, event)| vec![Value::Number(event), Value::Number(number)]);
            (filter.row("(e.number, d.number) <", after), "ORDER BY e.number DESC, d.number DESC")
        } else {
            (filter.number("d.number <", after.map(|(number, _)| number)), "ORDER BY d.number DESC")
        };
        let rows = filter.rows(self, event_sql!(""), order, page.limit)?;
        rows.iter().map(event).collect()
    }

    pub(in crate::ledger) fn movements(&mut self, limit: u32) -> Result<Vec<view::Movement>, Fault> {
        let rows = self.all(
            "SELECT account, channel, at, low, high FROM movements ORDER BY number DESC LIMIT $1",
            args![i64::from(limit)],
        )?;
        rows.iter().map(movement).collect()
    }
}

/// Outcomes and triggers that few deliveries have.
fn rare(wanted: &EventQuery) -> bool {
    matches!(wanted.outcome, Some(Ended::Held | Ended::Refund))
        || matches!(wanted.trigger, Some(Trigger::Replay | Trigger::Backfill))
}

/// Where a list goes on.
fn after(connection: &mut Tx, statement: &'static str, key: &str) -> Result<Option<Vec<Value>>, Fault> {
    let row = connection.optional(statement, args![key])?;
    let row = row.ok_or_else(|| refused(format!("no row {key} to go on after")))?;
    Ok(Some(vec![Value::Number(row.get("at")?), Value::Text(key.to_owned())]))
}
