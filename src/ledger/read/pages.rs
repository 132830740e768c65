//! Pages of lists, newest first, each along one index and bounded by the caller's limit.

use super::{
    list::{event_sql, payment_sql, transfer_sql},
    resolve::named,
    rows,
};
use crate::{
    domain::{
        Ms,
        closed::{PaymentState, TransferState},
    },
    envelope::Trigger,
    ledger::{
        DeliveryOutcome,
        db::{
            Fault, Tx, args,
            fault::refused,
            filter::{Filter, Value},
            way::{Way, rarest},
        },
        query::{EventQuery, Page, PaymentQuery, TransferQuery},
        view,
    },
};

/// Newest payments first.
const PAYMENTS_NEWEST: &str = "ORDER BY p.first_seen_at DESC, p.key DESC";

/// Where a list goes on: after a row of this time and key.
type After = (Ms, String);

impl Tx {
    /// A search that names one payment finds that one; else it is a channel, a customer, an agreement or an amount.
    pub(in crate::ledger) fn payments(
        &mut self,
        wanted: &PaymentQuery,
        page: &Page,
    ) -> Result<Vec<view::Payment>, Fault> {
        let after = match &page.after {
            Some(key) => Some(after(self, "SELECT first_seen_at AS at FROM payments WHERE key = $1", key)?),
            None => None,
        };
        let Some(text) = wanted.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            return self.payments_like(wanted, None, after, page.limit);
        };
        let named = named(self, text)?;
        let mut likes = Vec::new();
        if named.is_empty() {
            likes.push(Like::Channel(text));
            likes.push(Like::Customer(text));
            likes.push(Like::Agreement(text));
            likes.extend(text.parse().ok().map(Like::Amount));
        } else {
            likes.push(Like::Keys(named));
        }
        for like in likes {
            let found = self.payments_like(wanted, Some(like), after.clone(), page.limit)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn payments_like(
        &mut self,
        wanted: &PaymentQuery,
        like: Option<Like<'_>>,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<view::Payment>, Fault> {
        let text = |column, index, text| Way::text("payments p", column, index, text);
        let channel = |channel| text("p.channel", "payments_by_channel", channel);
        let customer = |customer| text("p.customer", "payments_by_customer", customer);
        let agreement = |agreement| text("p.agreement", "payments_by_agreement", agreement);
        let amount = |amount| Way::of("payments p", "p.amount", "payments_by_amount", Value::Number(amount));
        let (mut keys, mut ways) = (None, Vec::new());
        match like {
            Some(Like::Keys(named)) => keys = Some(named.into_iter().map(Value::Text).collect()),
            Some(Like::Channel(name)) => ways.push(channel(Some(name))),
            Some(Like::Customer(name)) => ways.push(customer(Some(name))),
            Some(Like::Agreement(name)) => ways.push(agreement(Some(name))),
            Some(Like::Amount(sum)) => ways.push(Some(amount(sum))),
            None => {}
        }
        ways.extend([
            customer(wanted.customer.as_deref()),
            channel(wanted.channel.as_deref()),
            agreement(wanted.agreement.as_deref()),
            wanted.amount.map(amount),
            by_state(wanted.state),
            text("p.source", "payments_by_source", wanted.source.as_deref()),
        ]);
        let ways: Vec<Way> = ways.into_iter().flatten().collect();
        let walked = if keys.is_some() { None } else { rarest(self, &ways)? };
        let until = wanted.until.filter(|until| after.as_ref().is_none_or(|(at, _)| at >= until));
        let after = after.filter(|_| until.is_none());
        let filter = Filter::default()
            .fixed("p.merged_into IS NULL")
            .along(self, ways, walked)
            .text("p.realm =", wanted.realm.as_deref())
            .text("p.account =", wanted.account.as_deref())
            .number("p.first_seen_at >=", wanted.since)
            .number("p.first_seen_at <", until)
            .row("(p.first_seen_at, p.key) <", after.map(values));
        let rows = match keys {
            Some(keys) => {
                let order = "ORDER BY p.first_seen_at + 0 DESC, p.key DESC";
                filter.row("p.key IN", Some(keys)).rows(self, payment_sql!("", ""), order, limit)?
            }
            None => {
                let index = walked.map_or("payments_by_time", |walked| walked.index);
                filter.walk(self, payment_sql!("{by}", ""), index, PAYMENTS_NEWEST, limit)?
            }
        };
        rows.iter().map(rows::payment).collect()
    }

    pub(in crate::ledger) fn transfers(
        &mut self,
        wanted: &TransferQuery,
        page: &Page,
    ) -> Result<Vec<view::TransferRow>, Fault> {
        let after = match &page.after {
            Some(key) => Some(after(self, "SELECT created_at AS at FROM transfers WHERE key = $1", key)?),
            None => None,
        };
        let ways = [
            Way::text("transfers", "channel", "transfers_by_channel", wanted.channel.as_deref()),
            Way::text("transfers", "state", "transfers_by_state", wanted.state.map(TransferState::as_str))
                .map(|way| way.but(TransferState::Settled.as_str(), "state <> 'settled'")),
        ];
        let ways: Vec<Way> = ways.into_iter().flatten().collect();
        let walked = rarest(self, &ways)?;
        let index = walked.map_or("transfers_by_time", |walked| walked.index);
        let filter =
            Filter::default().along(self, ways, walked).row("(created_at, key) <", after.map(values));
        let rows = filter.walk(
            self,
            transfer_sql!("{by}", ""),
            index,
            "ORDER BY created_at DESC, key DESC",
            page.limit,
        )?;
        rows.iter().map(rows::transfer).collect()
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
        let outcome = wanted.outcome.map(DeliveryOutcome::as_str);
        let trigger = wanted.trigger.map(Trigger::as_str);
        let ways = [
            Way::text("deliveries d", "d.outcome", "deliveries_by_outcome", outcome)
                .map(|way| way.but(DeliveryOutcome::Granted.as_str(), "d.outcome <> 'granted'")),
            Way::text("deliveries d", "d.cause", "deliveries_by_cause", trigger)
                .map(|way| way.but(Trigger::Webhook.as_str(), "d.cause <> 'webhook'")),
            Way::text("events e", "e.event_type", "events_by_type", wanted.event_type.as_deref()),
            Way::text("events e", "e.source", "events_by_source", wanted.source.as_deref()),
        ];
        let ways: Vec<Way> = ways.into_iter().flatten().collect();
        let walked = rarest(self, &ways)?;
        let filter = Filter::default().along(self, ways, walked);
        let index = walked.map_or("", |walked| walked.index);
        let rows = if walked.is_some_and(|walked| walked.column.starts_with("e.")) {
            // The event's number by itself, too: the pair is no condition of an index.
            filter
                .fixed("d.event = e.number")
                .number("e.number <=", after.map(|(_, event)| event))
                .row("(e.number, d.number) <", after.map(|(number, event)| numbers([event, number])))
                .walk(
                    self,
                    event_sql!("events e{by} CROSS JOIN deliveries d", ""),
                    index,
                    "ORDER BY e.number DESC, d.number DESC",
                    page.limit,
                )?
        } else {
            filter.fixed("e.number = d.event").number("d.number <", after.map(|(number, _)| number)).walk(
                self,
                event_sql!("deliveries d{by} CROSS JOIN events e", ""),
                index,
                "ORDER BY d.number DESC",
                page.limit,
            )?
        };
        rows.iter().map(rows::event).collect()
    }
}

/// Of payments `p`.
pub(in crate::ledger) fn by_state(state: Option<PaymentState>) -> Option<Way> {
    Way::text("payments p", "p.state", "payments_by_state", state.map(PaymentState::as_str))
        .map(|way| way.but(PaymentState::Credited.as_str(), "p.state <> 'credited'"))
}

/// What a searched text means.
enum Like<'a> {
    Keys(Vec<String>),
    Channel(&'a str),
    Customer(&'a str),
    Agreement(&'a str),
    Amount(i64),
}

fn values((at, key): After) -> Vec<Value> {
    vec![Value::Number(at), Value::Text(key)]
}

fn numbers<const N: usize>(numbers: [i64; N]) -> Vec<Value> {
    numbers.map(Value::Number).to_vec()
}

fn after(connection: &mut Tx, statement: &'static str, key: &str) -> Result<After, Fault> {
    let row = connection.optional(statement, args![key])?;
    let row = row.ok_or_else(|| refused(format!("no row {key} to go on after")))?;
    Ok((row.get("at")?, key.to_owned()))
}
