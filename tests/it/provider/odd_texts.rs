//! One character that nobody needs, or cannot be kept, in an event of a payment: only the place it stands in is affected.

use bytes::Bytes;
use daybridge::{
    config::{PerDay, Source},
    domain::{
        closed::HeldCause,
        facts::{Facts, Meaning},
        payment::{Corrections, Decision, decide, memory::Memory},
    },
    envelope::{Envelope, Trigger, UNREADABLE, digest},
    provider::event::{
        read::{Beside, read},
        split::split,
        words::words,
    },
    webhook::signature::{Keys, Rejected, RequestParts, sign, verify},
};
use serde_json::Value;

use super::{bench::fixture, presets::data};

fn stripe() -> Source {
    Source::of_preset("stripe").unwrap()
}

/// A charge whose description is this piece of JSON.
fn charge(description: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(fixture("charge.succeeded.basil")).unwrap();
    let object = "\"object\": \"charge\",";
    assert_eq!(text.matches(object).count(), 1);
    let (before, after) = text.split_once(object).unwrap();
    [before.as_bytes(), object.as_bytes(), b"\"description\": ", description, b",", after.as_bytes()].concat()
}

fn of_stripe(body: &[u8]) -> Result<Facts, String> {
    read(&stripe(), body, Beside { event_type: "", received_at: 0 }, None).map_err(|why| why.0)
}

/// What a strict reader refuses, and JSON's grammar or a careless sender allows.
fn odd() -> Vec<Vec<u8>> {
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(300), "}".repeat(300));
    let long = "9".repeat(400);
    [
        &br#""cut emoji \ud83d""#[..],
        br#""\udc4d first, \ud83d\ud83d twice, \ud83d\u0041""#,
        br#""\\\ud83d and \\ud83d""#,
        br#""\u0000 and \uDBFF\uDFFF""#,
        b"\"\xff\xfe\"",
        b"\"cut \xf0\x9f\x98\"",
        b"\"a tab\tand a line\nbreak\"",
        b"{\"\\ud83d\": 1}",
        b"{\"a\": 1, \"a\": 2}",
        b"1e999",
        b"-1E+9999",
        long.as_bytes(),
        deep.as_bytes(),
        deep_objects.as_bytes(),
    ]
    .map(<[u8]>::to_vec)
    .to_vec()
}

#[test]
fn what_nobody_needs_holds_no_payment() {
    let source = stripe();
    let plain = of_stripe(&charge(b"\"plain\"")).unwrap();
    assert!(matches!(plain.meaning, Meaning::MoneyIn(_)));
    for description in odd() {
        let body = charge(&description);
        let shown = String::from_utf8_lossy(&description[..description.len().min(60)]).into_owned();
        assert_eq!(of_stripe(&body), Ok(plain.clone()), "{shown}");
        let words = words(&source.events, &|_| None, &body.into());
        assert_eq!((&*words.event_id, &*words.event_type), ("evt_1Made", "charge.succeeded"), "{shown}");
    }
    let mark = [b"\xef\xbb\xbf", &charge(b"null")[..]].concat();
    assert_eq!(of_stripe(&mark), Ok(plain));
    assert_eq!(words(&source.events, &|_| None, &mark.into()).event_id, "evt_1Made");
    // What is no JSON stays none.
    for broken in [&b"\"never ends"[..], b"\"\\ud83\"", b"\"\\x\"", b"nul", b"[1,]", b"01"] {
        assert!(of_stripe(&charge(broken)).unwrap_err().starts_with("the body is not JSON"));
    }
}

#[test]
fn in_a_needed_place_it_fits_nothing() {
    let edited = |from: &str, to: &str| {
        let text = String::from_utf8(fixture("charge.succeeded.basil")).unwrap();
        assert!(text.contains(from), "{from}");
        of_stripe(text.replace(from, to).as_bytes())
    };
    let decided = |facts: &Facts| {
        decide(
            std::slice::from_ref(facts),
            &stripe().rules(None),
            &Corrections::default(),
            &Memory::default(),
        )
    };
    for cut in ["\\ud83d", "\\u0000"] {
        let channel = edited("DEMOCH-AB12C", &format!("DEMOCH-AB12C{cut}")).unwrap();
        assert!(
            matches!(decided(&channel), Decision::Hold(hold) if hold.cause() == HeldCause::ChannelMalformed)
        );
        let customer = edited("cus_Made", &format!("cus_{cut}")).unwrap();
        assert!(matches!(decided(&customer), Decision::Grant { .. }));
        assert_eq!(customer.customer.as_deref(), Some("cus_\u{fffd}"), "{cut}");
        // Two that differ only there must not become one payment.
        let id = edited("pi_3Made", &format!("pi_{cut}")).unwrap();
        assert_eq!(id.ids.iter().map(|id| &*id.id).collect::<Vec<_>>(), ["ch_3Made"], "{cut}");
        let kind = edited("\"charge.succeeded\"", &format!("\"charge.{cut}\"")).unwrap_err();
        assert_eq!(kind, "the event has no type, or no id");
    }
    // A word that stands twice is none, wherever it is looked for.
    let twice = edited("\"type\": \"charge.succeeded\"", "\"type\": \"a\", \"type\": \"charge.succeeded\"");
    assert_eq!(twice.unwrap_err(), "the event has no type, or no id");
    let body = br#"{"object":"event","id":"e","id":"f","type":"charge.succeeded","x":"\ud83d"}"#;
    let words = words(&stripe().events, &|_| None, &Bytes::from_static(body));
    assert_eq!((words.event_id, &*words.event_type), (digest(body), UNREADABLE));
}

const KEY: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

fn judged(source: &Source, body: &[u8]) -> Result<(), Rejected> {
    let keys = Keys::new(&source.signature, &[KEY.to_owned().into()]).unwrap();
    let around = RequestParts { headers: &|_| Vec::new(), query: "", client: None };
    verify(source, &keys, &around, Bytes::copy_from_slice(body), 1_760_000_000_000).map(|_| ())
}

/// The payer's name stands inside Adyen's signed item, and is not signed.
#[test]
fn adyens_item_is_verified_by_what_is_signed() {
    let source = Source::of_preset("adyen").unwrap();
    let item = std::fs::read_to_string(data().join("adyen/authorised.json")).unwrap();
    let item = item.replace("\"additionalData\": {", "\"additionalData\": { \"cardHolderName\": \"ADA\",");
    let signed = sign(&source, &KEY.to_owned().into(), item.as_bytes(), "", 0).unwrap().body;
    let signed = String::from_utf8(signed).unwrap();
    assert_eq!(judged(&source, signed.as_bytes()), Ok(()));
    for name in [r"ADA \ud83d", r"\udc4d", r"\u0000"] {
        let odd = signed.replace("\"ADA\"", &format!("\"{name}\""));
        assert_eq!(judged(&source, odd.as_bytes()), Ok(()), "{name}");
        let envelope = envelope(&source, odd.into_bytes());
        let item = split(&source.events, &envelope).remove(0);
        assert_eq!(item.event_type, "AUTHORISATION");
        let beside = Beside { event_type: &item.event_type, received_at: 0 };
        assert_eq!(read(&source, &item.body, beside, None).unwrap().channel[0].value, "DEMOCH-AB12C");
    }
    // What is signed has no other reading than the one that was signed.
    let genuine = item.replace("DEMOCH-AB12C", "DEMOCH-\u{fffd}");
    let genuine = sign(&source, &KEY.to_owned().into(), genuine.as_bytes(), "", 0).unwrap().body;
    let genuine = String::from_utf8(genuine).unwrap();
    assert_eq!(judged(&source, genuine.as_bytes()), Ok(()));
    for cut in [r"\ud83d", r"\udfff"] {
        let replaced = genuine.replace('\u{fffd}', cut);
        assert_eq!(judged(&source, replaced.as_bytes()), Err(Rejected::Malformed), "{cut}");
    }
    let bytes = genuine.replace('\u{fffd}', "~").into_bytes();
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| if byte == b'~' { 0xff } else { byte }).collect();
    assert_eq!(judged(&source, &bytes), Err(Rejected::Malformed));
    let twice = signed.replace("\"pspReference\"", "\"pspReference\":\"OTHER\",\"pspReference\"");
    assert!(judged(&source, twice.as_bytes()).is_err(), "a signed place that stands twice");
}

fn envelope(source: &Source, body: Vec<u8>) -> Envelope {
    let body = Bytes::from(body);
    let words = words(&source.events, &|_| None, &body);
    Envelope {
        body,
        content_type: "application/json".into(),
        source: "shop".into(),
        event_id: words.event_id,
        event_type: words.event_type,
        received_at_ms: 1_777_777_777_777,
        delivery: "d".into(),
        trigger: Trigger::Webhook,
        traceparent: "00-1-1-01".into(),
    }
}

/// Days that metadata names are granted whatever the amount is, as long as there is one.
#[test]
fn days_in_metadata_hang_on_no_amount_that_nobody_needs() {
    let mut source = Source::of_preset("flutterwave").unwrap();
    let file = |name: &str| std::fs::read(data().join("flutterwave").join(name)).unwrap();
    let event = file("successful.json");
    let answer = |amount: Value, currency: &str| {
        let mut answer: Value = serde_json::from_slice(&file("successful.answer.json")).unwrap();
        answer["data"]["amount"] = amount;
        answer["data"]["currency"] = currency.into();
        answer
    };
    let read = |source: &Source, answer: &Value| {
        let beside = Beside { event_type: "", received_at: 0 };
        read(source, &event, beside, Some(answer)).unwrap()
    };
    let decided = |source: &Source, facts: Facts| {
        decide(&[facts], &source.rules(None), &Corrections::default(), &Memory::default())
    };
    for (amount, currency) in [
        (5000.5.into(), "UGX"),
        (9.5.into(), "USDC"),
        (100.123.into(), "NGN"),
        ("7.50".into(), "QQQ"),
        (9.into(), ""),
    ] {
        let answer = answer(amount, currency);
        let facts = read(&source, &answer);
        assert_eq!((facts.ids.len(), &facts.money), (1, &None), "{answer}");
        assert!(matches!(decided(&source, facts), Decision::Grant { days: 30, .. }), "{answer}");
    }
    // Nobody knows whether this is money at all.
    for amount in [Value::Null, (-5).into(), "many".into()] {
        let facts = read(&source, &answer(amount.clone(), "USD"));
        let decision = decided(&source, facts);
        assert!(
            matches!(&decision, Decision::Hold(hold) if hold.cause() == HeldCause::Unclear),
            "{amount} {decision:?}"
        );
    }
    // Where it buys the days, it is needed.
    source.days = vec!["/meta/none".into()].into();
    source.per_day = Some(PerDay { amount: 30, currency: "ugx".into() });
    let facts = read(&source, &answer(5000.5.into(), "UGX"));
    let decision = decided(&source, facts);
    assert!(matches!(&decision, Decision::Hold(hold) if hold.cause() == HeldCause::Unclear), "{decision:?}");
}
