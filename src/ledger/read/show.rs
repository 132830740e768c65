//! One payment or event with all that is known of it.

use super::{
    list::{event_sql, payment_sql, transfer_sql},
    resolve::resolve,
    rows, words,
};
use crate::{
    domain::{
        closed::{HeldCause, TransferState},
        payment::entitlement::Entitlement,
        settle::AccountSignal,
    },
    ledger::{
        Ledger, LedgerError,
        db::{Fault, Tx, args, compression::unpack},
        row::narrow,
        settle::{account, pause},
        view,
    },
};

/// Most rows of a kind shown with one payment or event.
const ROWS_MAX: i64 = 1_000;

/// Most unexplained movements shown with one.
const MOVEMENTS_MAX: u32 = 1_000;

/// Unpacks a stored body; `None` where it was dropped to save room.
pub(in crate::ledger) fn body(connection: &mut Tx, event: i64) -> Result<Option<Vec<u8>>, Fault> {
    let row = connection.optional("SELECT zlib FROM bodies WHERE event = $1", args![event])?;
    let Some(row) = row else { return Ok(None) };
    let packed: Vec<u8> = row.get("zlib")?;
    unpack(&packed, &format!("event number {event}")).map(Some)
}

impl Ledger {
    /// One payment by its key, a transfer's key, or any provider id that names it.
    pub async fn payment(&self, key: &str) -> Result<Option<view::PaymentWhole>, LedgerError> {
        let key = key.to_owned();
        self.db.read(move |tx| tx.payment(&key)).await
    }

    /// One event by the provider's event id, `source/event-id`, or a delivery id; with its raw body.
    pub async fn event(&self, id: &str) -> Result<Vec<view::EventWhole>, LedgerError> {
        let id = id.to_owned();
        self.db.read(move |tx| tx.event(&id)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn payment(&mut self, name: &str) -> Result<Option<view::PaymentWhole>, Fault> {
        let Some(key) = resolve(self, name)? else { return Ok(None) };
        let row = self.one(payment_sql!("", "WHERE p.key = $1"), args![&*key])?;
        let mut payment = rows::payment(&row)?;
        if payment.next.as_deref() == Some(words::QUEUED_NEXT)
            && let Some(next) = behind(self, &key)?
        {
            payment.next = Some(next);
        }
        let owner: String = row.get("owner")?;
        let ids = self.all(
            "SELECT id FROM aliases WHERE payment = $1 ORDER BY strength, id LIMIT $2",
            args![&*key, ROWS_MAX],
        )?;
        let events = self.all(
            event_sql!(
                "events e CROSS JOIN deliveries d",
                "WHERE e.payment = $1 AND d.event = e.number ORDER BY d.number + 0 LIMIT $2"
            ),
            args![&*key, ROWS_MAX],
        )?;
        let found =
            self.all(transfer_sql!("", "WHERE payment = $1 ORDER BY n LIMIT $2"), args![&*key, ROWS_MAX])?;
        let mut transfers = Vec::with_capacity(found.len());
        let mut movements = Vec::new();
        for row in &found {
            let mut transfer = rows::transfer(row)?;
            transfer.steps = steps(self, &transfer.key)?;
            movements = self.movements_of(&transfer.account, &transfer.channel, MOVEMENTS_MAX)?;
            if transfer.state == TransferState::Planned
                && let Some(next) = waits_for(self, &transfer)?
            {
                payment.next = Some(next.clone());
                transfer.next = Some(next);
            }
            transfers.push(transfer);
        }
        let money_out = money_out(self, &key)?;
        let adjustments = adjustments(self, &key)?;
        let (agreement_state, agreement_since) = self.agreement_of(&key)?.unzip();
        Ok(Some(view::PaymentWhole {
            money_out,
            adjustments,
            payment,
            realm: row.get("realm")?,
            account: Some(owner).filter(|owner| !owner.is_empty()),
            livemode: row.get::<i64>("livemode")? != 0,
            agreement_state,
            agreement_since,
            ids: ids.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?,
            events: events.iter().map(rows::event).collect::<Result<_, _>>()?,
            transfers,
            movements,
        }))
    }

    pub(in crate::ledger) fn event(&mut self, id: &str) -> Result<Vec<view::EventWhole>, Fault> {
        let (source, event) = id.split_once('/').unwrap_or(("", id));
        let rows = self.all(
            event_sql!(
                "deliveries d JOIN events e ON e.number = d.event",
                "WHERE d.event IN (SELECT number FROM events WHERE event_id = $1 \
             UNION SELECT number FROM events WHERE event_id = $2 AND source = $3 \
             UNION SELECT event FROM deliveries WHERE delivery = $1) ORDER BY d.number + 0 LIMIT $4"
            ),
            args![id, event, source, ROWS_MAX],
        )?;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let body = body(self, row.get("event_number")?)?;
            events.push(view::EventWhole {
                event: rows::event(row)?,
                digest: row.get("digest")?,
                bytes: body.as_ref().map_or(0, Vec::len),
                body: body.and_then(|bytes| String::from_utf8(bytes).ok()),
            });
        }
        Ok(events)
    }
}

/// The held slice of its channel that a payment waits behind; `None`: what it waits behind goes on by itself.
fn behind(connection: &mut Tx, payment: &str) -> Result<Option<String>, Fault> {
    let row = connection.optional(
        "SELECT t.key, t.cause FROM payments p \
         JOIN transfers t ON t.account = p.partner AND t.channel = p.channel AND t.live = 1 \
         WHERE p.key = $1 AND t.payment <> p.key AND t.state || '' = 'held'",
        args![payment],
    )?;
    let Some(row) = row else { return Ok(None) };
    let (key, cause): (String, Option<HeldCause>) = (row.get("key")?, row.get("cause")?);
    Ok(cause.map(|cause| words::waits_behind(&key, cause)))
}

/// What a planned transfer waits for, but its own time.
fn waits_for(connection: &mut Tx, transfer: &view::TransferRow) -> Result<Option<String>, Fault> {
    if let Some(paused) = pause::waits(connection, &transfer.account, &transfer.channel)? {
        return Ok(Some(paused));
    }
    let hold = account::hold(connection, &transfer.account)?;
    Ok(hold.filter(|hold| hold.keeps_back(&transfer.key, transfer.days)).map(|hold| {
        words::waits_for_account(&transfer.key, transfer.days, hold.news == AccountSignal::NoToken)
    }))
}

fn money_out(connection: &mut Tx, key: &str) -> Result<Option<view::ReversalReport>, Fault> {
    let row = connection.optional("SELECT refunded, disputed, days_due, days_reduced, days_spent, days_owed, gap, covered FROM payments \
         WHERE key = $1 AND covered IS NOT NULL", args![key])?;
    let Some(row) = row else { return Ok(None) };
    let covered: Entitlement = serde_json::from_str(&row.get::<String>("covered")?)?;
    Ok(Some(view::ReversalReport {
        refunded: row.get("refunded")?,
        disputed: row.get("disputed")?,
        days_due: row.get::<Option<i64>>("days_due")?.map(narrow),
        days_reduced: row.get("days_reduced")?,
        days_spent: narrow(row.get("days_spent")?),
        days_owed: narrow(row.get("days_owed")?),
        waits: row.get("gap")?,
        words: covered.words,
    }))
}

/// Of the payment, and of those that became a part of it.
fn adjustments(connection: &mut Tx, key: &str) -> Result<Vec<view::Adjustment>, Fault> {
    let rows = connection.all(
        "SELECT at, kind, amount, days, event, note FROM adjustments WHERE payment = $1 \
         OR payment IN (SELECT key FROM payments WHERE merged_into = $1) ORDER BY number LIMIT $2",
        args![key, ROWS_MAX],
    )?;
    rows.iter()
        .map(|row| {
            Ok(view::Adjustment {
                at: row.get("at")?,
                kind: row.get("kind")?,
                amount: row.get("amount")?,
                days: row.get("days")?,
                event: row.get("event")?,
                note: row.get("note")?,
            })
        })
        .collect()
}

fn steps(connection: &mut Tx, transfer: &str) -> Result<Vec<view::TransferStep>, Fault> {
    let rows = connection.all(
        "SELECT at, state, attempt, note, who FROM steps WHERE transfer = $1 ORDER BY number LIMIT $2",
        args![transfer, ROWS_MAX],
    )?;
    rows.iter()
        .map(|row| {
            Ok(view::TransferStep {
                at: row.get("at")?,
                state: row.get("state")?,
                attempt: narrow(row.get("attempt")?),
                note: row.get("note")?,
                who: row.get("who")?,
            })
        })
        .collect()
}
