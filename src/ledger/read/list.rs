//! Lists, newest first, and what their rows tell.

use super::rows::movement;
use crate::ledger::{
    Ledger, LedgerError,
    db::{Fault, Tx, args},
    query::{EventQuery, Page, PaymentQuery, TransferQuery},
    view,
};

/// What [`payment`] needs; the caller adds what it looks for, and `{by}` where it walks an index.
macro_rules! payment_sql {
    ($by:literal, $rest:literal) => {
        concat!(
            "SELECT p.key, p.source, p.realm, p.account AS owner, p.livemode, p.decision, p.cause, p.reason, p.next, \
             p.channel, p.days, p.amount, p.currency, p.customer, p.agreement, p.first_seen_at, p.state, p.sliced, \
             p.days_moved, p.days_left, t.key AS transfer, t.days AS transfer_days, t.detail \
             FROM payments p",
            $by,
            " LEFT JOIN transfers t ON t.payment = p.key AND t.n = p.last_n ",
            $rest
        )
    };
}
/// What [`event`] needs, of deliveries `d` and their events `e`.
macro_rules! event_sql {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT d.number, d.delivery, d.cause, d.received_at, d.recorded_at, d.outcome, d.reason, \
             e.number AS event_number, e.event_id, e.source, e.event_type, e.payment, e.digest, e.held_cause, \
             p.cause AS payment_cause, p.state AS payment_state, p.sliced, t.detail FROM ",
            $from,
            " LEFT JOIN payments p ON p.key = e.payment \
             LEFT JOIN transfers t ON t.payment = e.payment AND t.n = p.last_n ",
            $rest
        )
    };
}
/// What [`transfer`] needs.
macro_rules! transfer_sql {
    ($by:literal, $rest:literal) => {
        concat!(
            "SELECT key, payment, account, channel, days, comment, detail, created_at FROM transfers",
            $by,
            " ",
            $rest
        )
    };
}
pub(in crate::ledger) use {event_sql, payment_sql, transfer_sql};

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
    ) -> Result<Vec<view::TransferRow>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.transfers(&wanted, &page)).await
    }

    /// Events (one row per delivery), newest first; a page goes on after a delivery's id.
    pub async fn events(&self, wanted: &EventQuery, page: &Page) -> Result<Vec<view::Event>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.events(&wanted, &page)).await
    }

    /// Unexplained movements of one channel, newest first.
    pub async fn movements_of(
        &self,
        account: &str,
        channel: &str,
        limit: u32,
    ) -> Result<Vec<view::MovementRow>, LedgerError> {
        let (account, channel) = (account.to_owned(), channel.to_owned());
        self.db.read(move |tx| tx.movements_of(&account, &channel, limit)).await
    }

    /// Unexplained movements, newest first.
    pub async fn movements(&self, limit: u32) -> Result<Vec<view::MovementRow>, LedgerError> {
        self.db.read(move |tx| tx.movements(limit)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn movements(&mut self, limit: u32) -> Result<Vec<view::MovementRow>, Fault> {
        let rows = self.all(
            "SELECT account, channel, at, low, high FROM movements ORDER BY number DESC LIMIT $1",
            args![i64::from(limit)],
        )?;
        rows.iter().map(movement).collect()
    }

    pub(in crate::ledger) fn movements_of(
        &mut self,
        account: &str,
        channel: &str,
        limit: u32,
    ) -> Result<Vec<view::MovementRow>, Fault> {
        let rows = self.all(
            "SELECT account, channel, at, low, high FROM movements WHERE account = $1 AND channel = $2 \
             ORDER BY number DESC LIMIT $3",
            args![account, channel, i64::from(limit)],
        )?;
        rows.iter().map(movement).collect()
    }
}
