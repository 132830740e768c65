//! From an object of a list to a payment. The object is read by the map that reads webhooks, as if the event that
//! tells of its money had just come: one reading of a charge, not two that may part ways.

use super::head::{head, unreadable};
use crate::{
    config::Source,
    domain::{
        Ms,
        facts::{Facts, Family},
        payment::bought,
    },
    provider::{
        event::{
            json, path,
            read::{Beside, read},
        },
        history::{HistoryError, Paid},
    },
};

/// What is read of a family's objects, beyond what the map reads.
struct Reading {
    /// The event that tells of such an object's money.
    kind: &'static str,
    /// What must hold for money to be in, beyond the map's own rules: an event says by its type what a list does not.
    tests: &'static [(&'static str, &'static str)],
    /// What went back, in the currency's smallest unit; the first that is there.
    refunded: &'static [&'static str],
    /// When it was paid, in seconds since epoch; else when it was made.
    paid_at_s: Option<&'static str>,
}

fn reading(family: &Family) -> &'static Reading {
    match family.as_str() {
        "charges" => &Reading {
            kind: "charge.succeeded",
            tests: &[("/status", "succeeded"), ("/paid", "true")],
            refunded: &["/amount_refunded"],
            paid_at_s: None,
        },
        "payment_intents" => &Reading {
            kind: "payment_intent.succeeded",
            tests: &[("/status", "succeeded")],
            refunded: &["/latest_charge/amount_refunded", "/charges/data/0/amount_refunded"],
            paid_at_s: None,
        },
        "checkout" => &Reading {
            kind: "checkout.session.completed",
            tests: &[],
            refunded: &["/payment_intent/latest_charge/amount_refunded"],
            paid_at_s: None,
        },
        _ => &Reading {
            kind: "invoice.paid",
            tests: &[("/status", "paid")],
            refunded: &[],
            paid_at_s: Some("/status_transitions/paid_at"),
        },
    }
}

/// The payment an object is; `None`: no money is in, or it is not of the source's mode.
pub(super) fn paid(source: &Source, object: &[u8]) -> Result<Option<Paid>, HistoryError> {
    let reading = reading(&source.money_in);
    let head = head(object)?;
    let value = json::tree(object).map_err(|error| unreadable("no object", &error))?.value;
    if !reading.tests.iter().all(|(at, word)| value.pointer(at).and_then(path::text).as_deref() == Some(word))
    {
        return Ok(None);
    }
    let refunded = reading.refunded.iter().find_map(|path| value.pointer(path)?.as_i64()).unwrap_or(0);
    let paid_at = reading.paid_at_s.and_then(|path| value.pointer(path)?.as_i64());
    let at_ms = paid_at.map_or_else(|| head.created_at(), |seconds| seconds.saturating_mul(1000));
    let event = serde_json::json!({
        "id": head.id, "object": "event", "type": reading.kind, "created": head.created,
        "livemode": head.livemode, "data": { "object": value },
    });
    let facts = read(
        source,
        event.to_string().as_bytes(),
        Beside { event_type: reading.kind, received_at: head.created_at() },
        None,
    )
    .map_err(|why| HistoryError::Unreadable(format!("the object {}: {why}", head.id)))?;
    let uncounted = facts.amount_unread.as_ref().or(facts.unclear.as_ref()).filter(|_| facts.money.is_none());
    if let Some(why) = uncounted {
        return Err(HistoryError::Unreadable(format!("the object {}: {why}", head.id)));
    }
    Ok(from_facts(source, facts, refunded, at_ms))
}

fn from_facts(source: &Source, facts: Facts, refunded: i64, at_ms: Ms) -> Option<Paid> {
    if !facts.meaning.is_money_in(&source.money_in) {
        return None;
    }
    let money = facts.money.clone().filter(|money| money.amount > 0)?;
    let (channel, days) = bought(std::slice::from_ref(&facts), &source.rules(None));
    let mut ids = facts.ids.into_iter();
    Some(Paid {
        id: ids.next()?.id,
        aliases: ids.map(|id| id.id).collect(),
        account: facts.account,
        amount: money.amount,
        refunded,
        currency: money.currency,
        at_ms,
        livemode: facts.livemode,
        channel: channel.map(|channel| channel.as_str().to_owned()),
        days,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::config::load;

    fn source(money_in: &str) -> Source {
        let text = format!("[sources.stripe]\nprovider = \"stripe\"\nmoney_in = \"{money_in}\"");
        load::parse(&text, Vec::new()).unwrap().sources.remove("stripe").unwrap()
    }

    /// Common fields, and those of the case over them.
    fn object(more: Value) -> Vec<u8> {
        let mut object = serde_json::json!({
            "id": "x_1", "created": 1_700_000_000, "livemode": true, "currency": "USD",
            "metadata": { "channel_id": "DEMOCH-AB12C", "days": "30" },
        });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object.to_string().into_bytes()
    }

    #[test]
    fn money_that_is_really_in_is_a_payment() {
        let charge = serde_json::json!({"id": "ch_1", "status": "succeeded", "paid": true, "captured": true,
            "amount": 900, "amount_captured": 900, "amount_refunded": 300, "payment_intent": "pi_1"});
        let intent = serde_json::json!({"id": "pi_1", "status": "succeeded", "amount_received": 900,
            "latest_charge": {"id": "ch_1", "amount_refunded": 300}});
        let session = serde_json::json!({"id": "cs_1", "payment_status": "paid", "amount_total": 900,
            "payment_intent": {"id": "pi_1", "latest_charge": {"id": "ch_1", "amount_refunded": 300}}});
        let invoice = serde_json::json!({"id": "in_1", "status": "paid", "amount_paid": 900,
            "status_transitions": {"paid_at": 1_700_000_060},
            "payments": {"data": [{"status": "paid", "payment": {"payment_intent": "pi_1"}}]}});
        for (family, whole, aliases, refunded, at_s, unpaid) in [
            ("charges", &charge, vec!["ch_1"], 300, 0, serde_json::json!({"captured": false})),
            ("charges", &charge, vec!["ch_1"], 300, 0, serde_json::json!({"paid": false})),
            ("charges", &charge, vec!["ch_1"], 300, 0, serde_json::json!({"status": "failed"})),
            ("payment_intents", &intent, vec!["ch_1"], 300, 0, serde_json::json!({"status": "processing"})),
            ("checkout", &session, vec!["cs_1"], 300, 0, serde_json::json!({"payment_status": "unpaid"})),
            ("checkout", &session, vec!["cs_1"], 300, 0, serde_json::json!({"amount_total": 0})),
            ("invoices", &invoice, vec!["in_1"], 0, 60, serde_json::json!({"status": "open"})),
            ("invoices", &invoice, vec!["in_1"], 0, 60, serde_json::json!({"amount_paid": 0})),
            ("invoices", &invoice, vec!["in_1"], 0, 60, serde_json::json!({"paid_out_of_band": true})),
            ("charges", &charge, vec!["ch_1"], 300, 0, serde_json::json!({"livemode": false})),
        ] {
            let source = source(family);
            let want = Paid {
                id: "pi_1".into(),
                aliases: aliases.into_iter().map(str::to_owned).collect(),
                account: None,
                amount: 900,
                refunded,
                currency: "usd".into(),
                at_ms: (1_700_000_000 + at_s) * 1000,
                livemode: true,
                channel: Some("DEMOCH-AB12C".into()),
                days: Some(30),
            };
            assert_eq!(paid(&source, &object(whole.clone())).unwrap(), Some(want), "{family}");
            let mut less = whole.clone();
            less.as_object_mut().unwrap().extend(unpaid.as_object().unwrap().clone());
            assert_eq!(paid(&source, &object(less)).unwrap(), None, "{family} {unpaid}");
        }
        let mut bare = charge.clone();
        bare["metadata"] = serde_json::json!({"days": "many"});
        let bare = paid(&source("charges"), &object(bare)).unwrap().unwrap();
        assert_eq!((bare.channel, bare.days), (None, None));
        let lost = paid(&source("charges"), b"{\"id\": \"ch_1\"}").unwrap_err();
        assert!(matches!(lost, HistoryError::Unreadable(_)), "{lost}");
    }
}
