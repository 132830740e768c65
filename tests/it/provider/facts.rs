use daybridge::{
    domain::facts::{Facts, Meaning},
    provider::event::read::{Beside, read as of_source},
};
use serde_json::{Value, json};

use super::bench::{config, fixture};

/// Reads a fixture with some fields changed; `null` stands for JSON's null.
fn read(settings: &str, name: &str, edits: &[(&str, Value)]) -> Result<Facts, String> {
    let mut event: Value = serde_json::from_slice(&fixture(name)).unwrap();
    for (pointer, value) in edits {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    raw(settings, &serde_json::to_vec(&event).unwrap())
}

fn raw(settings: &str, body: &[u8]) -> Result<Facts, String> {
    let beside = Beside { event_type: "", received_at: 0 };
    of_source(&config(settings).sources["stripe"], body, beside, None).map_err(|unreadable| unreadable.0)
}

fn check(settings: &str, name: &str, edits: &[(&str, Value)], want: &str) {
    let got = match read(settings, name, edits) {
        Ok(facts) => show(&facts),
        Err(reason) => format!("unreadable: {reason}"),
    };
    assert_eq!(got, want, "{name} {edits:?}");
}

fn show(facts: &Facts) -> String {
    let mut text = match &facts.meaning {
        Meaning::MoneyIn(family) => format!("in {}", family.as_str()),
        Meaning::Link => "link".into(),
        Meaning::MoneyOut => "out".into(),
        Meaning::Ignored(reason) => format!("ignored: {reason};"),
    };
    for id in &facts.ids {
        text += &format!(" {}={}", id.rank, id.id);
    }
    for (name, found) in [("channel", &facts.channel), ("days", &facts.days)] {
        for found in found {
            text += &format!(" {name}{}:{}", found.pointer, found.value);
        }
    }
    if let Some(money) = &facts.money {
        text += &format!(" {}{}", money.amount, money.currency);
    }
    for out in &facts.out {
        let id = out.id.as_deref().unwrap_or("-");
        text += &format!(" {:?} {:?} {id} {:?}", out.kind, out.state, out.amount);
    }
    for line in facts.lines.iter().flatten() {
        text += &format!(" {}x{}", line.price, line.quantity);
    }
    text
}

const BOUGHT: &str = "channel0:DEMOCH-AB12C days0:30 900usd";

#[test]
fn the_four_families_in_both_shapes() {
    for (name, want) in [
        ("charge.succeeded.acacia", format!("in charges 0=pi_3Made 1=ch_3Made 2=in_1Made {BOUGHT}")),
        ("charge.succeeded.basil", format!("in charges 0=pi_3Made 1=ch_3Made {BOUGHT}")),
        (
            "payment_intent.succeeded.acacia",
            format!("in payment_intents 0=pi_3Made 1=ch_3Made 2=in_1Made {BOUGHT}"),
        ),
        ("payment_intent.succeeded.basil", format!("in payment_intents 0=pi_3Made 1=ch_3Made {BOUGHT}")),
        (
            "checkout.session.completed",
            "in checkout 0=pi_3Made 3=cs_live_Made channel1:DEMOCH-AB12C days0:30 900usd".into(),
        ),
        (
            "invoice.paid.acacia",
            format!("in invoices 0=pi_3Made 1=ch_3Made 2=in_1Made {BOUGHT} price_1Monthx2"),
        ),
        ("invoice.paid.basil", format!("in invoices 2=in_1Made {BOUGHT} price_1Monthx2")),
        ("invoice_payment.paid", "link 0=pi_3Made 2=in_1Made".into()),
        ("charge.refunded", "out 0=pi_3Made 1=ch_3Made Refund Done - Total(900)".into()),
        ("refund.created", "out 0=pi_3Made 1=ch_3Made Refund Done re_3Made Part(900)".into()),
        ("charge.dispute.created", "out 0=pi_3Made 1=ch_3Made Dispute Open dp_1Made Part(900)".into()),
        ("customer.created", "ignored: event type customer.created is not needed;".into()),
    ] {
        check("", name, &[], &want);
    }
    let facts = read("", "charge.succeeded.basil", &[]).unwrap();
    assert_eq!((facts.occurred_at, facts.livemode, facts.account), (1_760_000_000_000, true, None));
    assert_eq!(read("", "connected.charge.succeeded", &[]).unwrap().account.as_deref(), Some("acct_1Other"));
}

#[test]
fn what_looks_like_money_and_is_none() {
    let kind = |kind: &str| ("/type", json!(kind));
    let field = |at, value| (at, value);
    for (name, edits, want) in [
        (
            "charge.succeeded.basil",
            vec![field("/data/object/captured", json!(false))],
            "link 0=pi_3Made 1=ch_3Made channel0:DEMOCH-AB12C days0:30",
        ),
        (
            "charge.succeeded.basil",
            vec![kind("charge.captured"), field("/data/object/amount_captured", json!(500))],
            "in charges 0=pi_3Made 1=ch_3Made channel0:DEMOCH-AB12C days0:30 500usd",
        ),
        (
            "charge.succeeded.basil",
            vec![
                field("/data/object/amount_captured", Value::Null),
                field("/data/object/payment_intent", Value::Null),
            ],
            "in charges 1=ch_3Made channel0:DEMOCH-AB12C days0:30 900usd",
        ),
        (
            "checkout.session.completed",
            vec![field("/data/object/payment_status", json!("unpaid"))],
            "link 0=pi_3Made 3=cs_live_Made channel1:DEMOCH-AB12C days0:30",
        ),
        (
            "checkout.session.completed",
            vec![
                kind("checkout.session.async_payment_succeeded"),
                field("/data/object/payment_status", json!("unpaid")),
            ],
            "in checkout 0=pi_3Made 3=cs_live_Made channel1:DEMOCH-AB12C days0:30 900usd",
        ),
        (
            "checkout.session.completed",
            vec![field("/data/object/payment_status", json!("no_payment_required"))],
            "link 0=pi_3Made 3=cs_live_Made channel1:DEMOCH-AB12C days0:30",
        ),
        (
            "checkout.session.completed",
            vec![field("/data/object/amount_total", json!(0))],
            "in checkout 0=pi_3Made 3=cs_live_Made channel1:DEMOCH-AB12C days0:30 0usd",
        ),
        (
            "invoice.paid.acacia",
            vec![field("/data/object/paid_out_of_band", json!(true))],
            "ignored: paid out of band: no money moved at the provider; 0=pi_3Made 1=ch_3Made 2=in_1Made",
        ),
        (
            "refund.created",
            vec![kind("refund.failed"), field("/data/object/status", json!("failed"))],
            "out 0=pi_3Made 1=ch_3Made Refund Undone re_3Made Part(900)",
        ),
        (
            "refund.created",
            vec![field("/data/object/charge", Value::Null)],
            "out 0=pi_3Made Refund Done re_3Made Part(900)",
        ),
        (
            "charge.dispute.created",
            vec![field("/data/object/status", json!("warning_needs_response"))],
            "out 0=pi_3Made 1=ch_3Made Dispute Inquiry dp_1Made Part(900)",
        ),
        (
            "charge.dispute.created",
            vec![kind("charge.dispute.closed"), field("/data/object/status", json!("won"))],
            "out 0=pi_3Made 1=ch_3Made Dispute Undone dp_1Made Part(900)",
        ),
        (
            "charge.dispute.created",
            vec![kind("charge.dispute.closed"), field("/data/object/status", json!("lost"))],
            "out 0=pi_3Made 1=ch_3Made Dispute Done dp_1Made Part(900)",
        ),
        ("charge.succeeded.basil", vec![kind("a b")], "ignored: this event type is not needed;"),
    ] {
        check("", name, &edits, want);
    }
}

#[test]
fn mode_and_accounts_of_the_source() {
    let test = "ignored: test-mode event; this source takes live mode;";
    check("", "charge.succeeded.basil", &[("/livemode", json!(false))], test);
    let live = "ignored: live event; this source takes test mode;";
    check("livemode = false", "charge.succeeded.basil", &[], live);
    let bought = format!("in charges 0=pi_3Made 1=ch_3Made {BOUGHT}");
    check("accounts = [\"acct_1Other\"]", "connected.charge.succeeded", &[], &bought);
    for (name, settings) in [
        ("connected.charge.succeeded", "accounts = [\"acct_2\"]"),
        ("charge.succeeded.basil", "accounts = [\"acct_2\"]"),
    ] {
        assert!(matches!(read(settings, name, &[]).unwrap().meaning, Meaning::Ignored(_)), "{name}");
    }
}

#[test]
fn pointers_and_where_metadata_may_also_be() {
    let plain = ("/data/object/metadata", json!({"channel_id": "PLAIN"}));
    check(
        "",
        "invoice.paid.basil",
        &[plain],
        "in invoices 2=in_1Made channel0:PLAIN days0:30 900usd price_1Monthx2",
    );
    let lines = [
        ("/data/object/parent", Value::Null),
        (
            "/data/object/lines/data",
            json!([
                {"metadata": {"channel_id": "A"}, "price": "price_1"},
                {"metadata": {"channel_id": "B", "days": 7}, "plan": {"id": "plan_1"}, "quantity": 3},
                {"metadata": {"channel_id": "B", "days": 7}, "amount": 5},
            ]),
        ),
    ];
    check(
        "",
        "invoice.paid.basil",
        &lines,
        "in invoices 2=in_1Made channel0:A channel0:B days0:7 900usd price_1x1 plan_1x3 x1",
    );
    check(
        "channel = [\"/nowhere\", \"/metadata/channel_id\"]\ndays = [\"/amount\", \"/captured\", \"/invoice\"]",
        "charge.succeeded.basil",
        &[],
        "in charges 0=pi_3Made 1=ch_3Made channel1:DEMOCH-AB12C days0:900 days1:true 900usd",
    );
    let empty = [("/data/object/metadata", json!({"channel_id": "", "days": null}))];
    check("", "charge.succeeded.basil", &empty, "in charges 0=pi_3Made 1=ch_3Made channel0: 900usd");
}

#[test]
fn an_invoices_payments_count_when_they_went_through() {
    let payments = json!({"data": [
        {"status": "canceled", "payment": {"payment_intent": "pi_tried", "type": "payment_intent"}},
        {"status": "paid", "payment": {"payment_intent": {"id": "pi_3Made"}, "type": "payment_intent"}},
    ]});
    check(
        "",
        "invoice.paid.basil",
        &[("/data/object/payments", payments)],
        &format!("in invoices 0=pi_3Made 2=in_1Made {BOUGHT} price_1Monthx2"),
    );
}

#[test]
fn unreadable_bodies_say_why_and_quote_nothing() {
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, want) in [
        (&b""[..], "the body is empty"),
        (b"\xff", "the body is not JSON (line 1, column 1)"),
        (b"sesame", "the body is not JSON (line 1, column 1)"),
        (deep.as_bytes(), "the body is no event of this provider"),
        (b"[]", "the body is no event of this provider"),
        (b"{}", "the body is no event of this provider"),
        (br#"{"object":"event","type":"t"}"#, "the event has no type, or no id"),
        (br#"{"object":"event","id":"e"}"#, "the event has no type, or no id"),
        (
            br#"{"object":"event","id":"e","type":"charge.captured","livemode":true}"#,
            "the event carries no object",
        ),
        (br#"{"object":"event","id":"e","type":"t"}"#, "the event does not say whether it is live"),
    ] {
        assert_eq!(raw("", body).unwrap_err(), want);
    }
    let charge = |pointer, value| read("", "charge.succeeded.basil", &[(pointer, value)]).unwrap_err();
    for (pointer, value, want) in [
        ("/data/object/id", json!("x".repeat(256)), "an id of the payment is longer than 255 bytes"),
        ("/created", json!(-5), "the event does not say when it happened"),
        ("/created", json!(i64::MAX), "the event does not say when it happened"),
        ("/livemode", json!("yes"), "the event does not say whether it is live"),
    ] {
        assert_eq!(charge(pointer, value), want, "{pointer}");
    }
    let refund = [("/data/object/charge", Value::Null), ("/data/object/payment_intent", Value::Null)];
    assert_eq!(read("", "refund.created", &refund).unwrap_err(), "the event names no payment");
    let priced = "[[sources.stripe.prices]]\nprice = \"price_1\"\ndays = 30";
    let many = [("/data/object/lines/data", json!(vec![json!({"price": "price_1"}); 101]))];
    let unclear = |settings, edits| read(settings, "invoice.paid.basil", edits).unwrap().unclear;
    assert_eq!(unclear(priced, &many).as_deref(), Some("more than 100 lines"));
    assert_eq!(read("", "invoice.paid.basil", &many).unwrap().lines, None);
    let more = [("/data/object/lines/has_more", json!(true))];
    let reason = "the event carries only the first of its lines";
    assert_eq!((unclear(priced, &more).as_deref(), unclear("", &more)), (Some(reason), None));
}

/// Whether some money came in is known, or not; the ids and the channel are in any case.
#[test]
fn an_amount_that_cannot_be_read_loses_nothing_else() {
    for (at, value, is_some, why) in [
        ("amount_captured", json!(9.5), true, "the amount is no whole number from 0"),
        ("amount_captured", json!(u64::MAX), true, "the amount is no whole number from 0"),
        ("currency", json!("dollars"), true, "money came in, but the event names no currency"),
        ("currency", Value::Null, true, "money came in, but the event names no currency"),
        ("amount_captured", json!(-1), false, "the amount is no whole number from 0"),
        ("amount_captured", json!("0.0"), false, "the amount is no whole number from 0"),
        ("amount_captured", json!({}), false, "the amount is no whole number from 0"),
    ] {
        let edit = [(&*format!("/data/object/{at}"), value.clone())];
        let facts = read("", "charge.succeeded.basil", &edit).unwrap();
        let told = if is_some { &facts.amount_unread } else { &facts.unclear };
        assert_eq!((told.as_deref(), &facts.money), (Some(why), &None), "{at} {value}");
        assert_eq!((facts.ids.len(), &*facts.channel[0].value), (2, "DEMOCH-AB12C"), "{at} {value}");
    }
    // Of a reversal whose amount cannot be read, nobody knows how much is left.
    let refund = read("", "refund.created", &[("/data/object/amount", json!(9.5))]).unwrap();
    assert_eq!(refund.out[0].amount, daybridge::domain::facts::ReversalAmount::All);
}

proptest::proptest! {
    /// Whatever stands in whatever field, reading ends in facts or a reason.
    #[test]
    fn odd_values_never_panic(
        name in proptest::sample::select(vec![
            "charge.succeeded.acacia", "invoice.paid.basil", "invoice.paid.acacia", "refund.created",
        ]),
        at in 0usize..200,
        odd in proptest::sample::select(vec![
            Value::Null, json!(true), json!(-1), json!(1e300), json!(""), json!([]), json!([[1], null]), json!({"id": 5}),
        ]),
    ) {
        let mut event: Value = serde_json::from_slice(&fixture(name)).unwrap();
        let mut places = Vec::new();
        places_of(&event, "", &mut places);
        *event.pointer_mut(&places[at % places.len()]).unwrap() = odd;
        let _ = raw("", &serde_json::to_vec(&event).unwrap());
    }
}

fn places_of(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    let below: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        places_of(value, &format!("{at}/{key}"), places);
    }
}
