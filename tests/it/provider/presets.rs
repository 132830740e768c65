//! Every preset against its provider: vectors that were made or judged by the provider's official SDK
//! (`tests/data/providers/make`), real-shaped events with what they mean, and the samples of `send`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use daybridge::{
    config::{Source, preset::PRESETS},
    domain::facts::{Facts, Meaning, ReversalAmount, ReversalKind, ReversalState},
    envelope::{Envelope, Trigger},
    provider::{
        event::{
            read::{Beside, read},
            split::split,
            unreadable::Unreadable,
            words::words,
        },
        sample::{Sample, kinds},
    },
    webhook::signature::{Keys, Rejected, RequestParts, sign, verify},
};
use secrecy::SecretString;
use serde_json::{Value, json};

pub(crate) fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/providers")
}

fn source(provider: &str) -> Source {
    Source::of_preset(provider).unwrap_or_else(|error| panic!("{provider}: {error}"))
}

fn file(path: PathBuf) -> Option<Value> {
    let text = fs::read(&path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// A request, as a vector tells it.
#[derive(Clone)]
struct Request {
    secrets: Vec<SecretString>,
    headers: Vec<(String, Vec<u8>)>,
    query: String,
    client: Option<std::net::IpAddr>,
    body: Vec<u8>,
}

impl Request {
    fn of(case: &Value) -> Self {
        let texts = |key: &str| case[key].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            secrets: texts("secrets").iter().map(|secret| text(secret).into()).collect(),
            headers: texts("headers")
                .iter()
                .map(|pair| (text(&pair[0]).to_lowercase(), text(&pair[1]).into_bytes()))
                .collect(),
            query: case["query"].as_str().unwrap_or_default().to_owned(),
            client: case["client"].as_str().map(|client| client.parse().unwrap()),
            body: text(&case["body"]).into_bytes(),
        }
    }

    fn judge(&self, source: &Source, now_ms: i64) -> Result<usize, Rejected> {
        // A secret of another form than the provider's fits nothing.
        let Ok(keys) = Keys::new(&source.signature, &self.secrets) else { return Err(Rejected::NoMatch) };
        let headers = |name: &str| {
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, line)| line.as_slice()).collect()
        };
        let around = RequestParts { headers: &headers, query: &self.query, client: self.client };
        verify(source, &keys, &around, Bytes::from(self.body.clone()), now_ms).map(|verified| verified.key())
    }
}

/// The vectors of a provider, with the source that judges them; Stripe's are elsewhere and in another form.
fn vectors(provider: &str) -> Option<(Source, i64, Vec<Value>)> {
    let vectors = file(data().join(format!("{provider}.json")))?;
    let mut source = source(provider);
    source.public_url = vectors["public_url"].as_str().map(str::to_owned);
    source.tolerance = std::time::Duration::from_secs(vectors["tolerance_s"].as_u64().unwrap());
    let now_ms = vectors["now_s"].as_i64().unwrap() * 1000;
    Some((source, now_ms, vectors["cases"].as_array().unwrap().clone()))
}

#[test]
fn vectors_are_judged_as_the_provider_judges_them() {
    let mut wrong = Vec::new();
    for (provider, _) in PRESETS {
        let Some((source, now_ms, cases)) = vectors(provider) else {
            assert_eq!(*provider, "stripe", "no vectors");
            continue;
        };
        assert!(cases.iter().any(|case| case["ours"] == true) && cases.len() >= 8, "{provider}");
        for case in &cases {
            let got = Request::of(case).judge(&source, now_ms);
            if got.is_ok() != case["ours"].as_bool().unwrap() {
                wrong.push(format!("{provider}: {}: {got:?}", case["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each byte of the signature's headers and, where the body is under the MAC, of the body: one bit of it turned.
#[test]
fn no_byte_can_be_changed() {
    for (provider, _) in PRESETS {
        let Some((source, now_ms, cases)) = vectors(provider) else { continue };
        let good = Request::of(cases.iter().find(|case| case["ours"] == true).unwrap());
        assert!(good.judge(&source, now_ms).is_ok(), "{provider}");
        let read: Vec<&str> = [
            source.signature.header.as_deref(),
            source.signature.timestamp.as_ref().and_then(|place| place.header.as_deref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        for line in 0..good.headers.len() {
            if !read.contains(&good.headers[line].0.as_str()) {
                continue;
            }
            for byte in 0..good.headers[line].1.len() {
                let mut bad = good.clone();
                bad.headers[line].1[byte] ^= 1;
                // What is skipped beside a good signature (`v0`, a second one) may change.
                if bad.judge(&source, now_ms).is_ok() {
                    let text = String::from_utf8_lossy(&good.headers[line].1).into_owned();
                    panic!("{provider}: byte {byte} of {text}");
                }
            }
        }
        if !source.signature.binds_body() {
            continue;
        }
        for byte in 0..good.body.len() {
            let mut bad = good.clone();
            bad.body[byte] ^= 1;
            assert_eq!(
                bad.judge(&source, now_ms),
                Err(Rejected::NoMatch),
                "{provider}: byte {byte} of the body"
            );
        }
    }
}

/// What `sign` makes is what the SDK made: the first good vector that has one secret, signed anew.
#[test]
fn samples_are_signed_as_the_provider_signs() {
    for (provider, _) in PRESETS {
        let mut source = source(provider);
        source.public_url = Some(format!("https://pay.example.com/webhooks/{provider}"));
        let secret = match source.signature.key {
            daybridge::config::preset::signature::Key::Text => "made_for_tests_0001",
            daybridge::config::preset::signature::Key::Base64 => "whsec_bWFkZSBmb3IgdGVzdHMgMDAwMSBtYWRl",
            daybridge::config::preset::signature::Key::Hex => "0102030405060708090A0B0C0D0E0F10",
        };
        let secret = SecretString::from(secret);
        for kind in kinds(provider) {
            let body = sample().body(&source, kind).unwrap();
            let signed = sign(&source, &secret, &body, "msg_1", 1_760_000_000_000).unwrap();
            let mut request = Request {
                secrets: vec![secret.clone()],
                headers: signed.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
                query: signed.query,
                client: source.signature.addresses.first().map(|net| net.addr()),
                body: signed.body,
            };
            assert_eq!(request.judge(&source, 1_760_000_000_000), Ok(0), "{provider} {kind}");
            request.secrets = vec![match source.signature.key {
                daybridge::config::preset::signature::Key::Hex => "ff".to_owned().into(),
                _ => "whsec_YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlcg==".to_owned().into(),
            }];
            assert_eq!(
                request.judge(&source, 1_760_000_000_000),
                Err(Rejected::NoMatch),
                "{provider} {kind}"
            );
        }
    }
}

fn sample() -> Sample {
    Sample {
        event_id: "evt_1".into(),
        payment: "pay_3Made".into(),
        channel: "DEMOCH-AB12C".into(),
        days: "30".into(),
        amount: 900,
        currency: "usd".into(),
        livemode: true,
        created_s: 1_760_000_000,
    }
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

fn beside(envelope: &Envelope) -> Beside<'_> {
    Beside { event_type: &envelope.event_type, received_at: envelope.received_at_ms }
}

fn stands(state: ReversalState) -> bool {
    matches!(state, ReversalState::Open | ReversalState::Done | ReversalState::Failed)
}

/// The facts in the words of `expect.json`.
fn told(envelope: &Envelope, facts: &Result<Facts, Unreadable>) -> BTreeMap<&'static str, Value> {
    let mut told = BTreeMap::from([("type", json!(envelope.event_type))]);
    let Ok(facts) = facts else {
        told.insert("means", json!("held"));
        return told;
    };
    let means = match &facts.meaning {
        Meaning::MoneyIn(_) if facts.unclear.is_some() => "held".into(),
        Meaning::MoneyIn(family) => format!("money_in:{}", family.as_str()),
        Meaning::Link => "link".into(),
        Meaning::MoneyOut if facts.out.iter().all(|out| out.state == ReversalState::Inquiry) => {
            "inquiry".into()
        }
        Meaning::MoneyOut => "money_out".into(),
        Meaning::Ignored(_) => "ignored".into(),
    };
    told.insert("means", json!(means));
    told.insert("ids", facts.ids.iter().map(|id| id.id.as_str()).collect());
    if let Some(money) = &facts.money {
        told.insert("amount", json!(money.amount));
        told.insert("currency", json!(money.currency));
    }
    for (name, found) in [("channel", &facts.channel), ("days", &facts.days)] {
        if let Some(found) = found.first() {
            told.insert(name, json!(found.value));
        }
    }
    // The id, and what is said of it.
    let state = facts.agreement_state.map(|state| format!(" {state}")).unwrap_or_default();
    told.insert("agreement", json!(format!("{}{state}", facts.agreement.as_deref().unwrap_or_default())));
    let out = facts.out.iter().filter(|out| out.state != ReversalState::Inquiry).map(|out| {
        let kind = if out.kind == ReversalKind::Refund { "refund" } else { "dispute" };
        let (counts, amount) = match out.amount {
            ReversalAmount::Part(amount) => ("part", json!(amount)),
            ReversalAmount::Total(amount) => ("total", json!(amount)),
            ReversalAmount::Done(amount) => ("done", json!(amount)),
            ReversalAmount::All => ("all", Value::Null),
        };
        json!({"kind": kind, "amount": amount, "counts": counts, "stands": stands(out.state)})
    });
    told.insert("out", out.collect());
    told
}

/// What is expected and not so, in words.
fn differences(want: &Value, got: &BTreeMap<&'static str, Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    for key in ["type", "means", "ids", "amount", "currency", "channel", "days", "agreement", "out"] {
        let (want, got) = (&want[key], got.get(key).unwrap_or(&Value::Null));
        let same = match key {
            // Of what is ignored or held, nothing else matters; nothing out is an empty list or none.
            "ids" => want.is_null() || got.is_null() || as_set(want) == as_set(got),
            "out" => outs(want) == outs(got),
            "type" => want.is_null() || want == got,
            _ => want.is_null() || want == got,
        };
        if !same {
            wrong.push(format!("{key} is {got}, not {want}"));
        }
    }
    wrong
}

fn as_set(list: &Value) -> Vec<String> {
    let mut texts: Vec<String> = list.as_array().into_iter().flatten().map(Value::to_string).collect();
    texts.sort();
    texts
}

fn outs(list: &Value) -> Vec<Value> {
    let of = |out: &Value| {
        let all = out["counts"] == "all";
        json!([
            out["kind"],
            out["counts"],
            if all { Value::Null } else { out["amount"].clone() },
            out["stands"]
        ])
    };
    list.as_array().into_iter().flatten().map(of).collect()
}

#[test]
fn events_mean_what_the_provider_says() {
    let mut wrong = Vec::new();
    for (provider, _) in PRESETS {
        let folder = data().join(provider);
        let Some(expect) = file(folder.join("expect.json")) else {
            assert_eq!(*provider, "stripe", "no events");
            continue;
        };
        let source = source(provider);
        for (name, want) in expect.as_object().unwrap() {
            let whole = envelope(&source, fs::read(folder.join(name)).unwrap());
            let items = split(&source.events, &whole);
            let wanted = match want {
                Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            assert_eq!(items.len(), wanted.len(), "{provider}/{name}");
            for (item, want) in items.iter().zip(&wanted) {
                let answer = want["fetched"].as_str().map(|name| file(folder.join(name)).unwrap());
                let facts = read(&source, &item.body, beside(item), answer.as_ref());
                if let Ok(Facts { meaning: Meaning::MoneyOut, out, .. }) = &facts
                    && out.is_empty()
                {
                    wrong.push(format!(
                        "{provider}/{name}: money out that tells nothing counts as everything"
                    ));
                }
                for difference in differences(want, &told(item, &facts)) {
                    wrong.push(format!("{provider}/{name}: {difference} ({:?})", facts.as_ref().err()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The API's answer that belongs to a sample, where what it is about is fetched.
pub(crate) fn answer(source: &Source, sample: &Sample, kind: &str) -> Option<Value> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/provider/samples").join(&source.provider);
    let template = fs::read_to_string(folder.join(format!("{kind}.answer.json"))).ok()?;
    Some(serde_json::from_slice(&sample.whole(source, &template)).unwrap())
}

#[test]
fn every_first_sample_is_a_payment() {
    for (provider, _) in PRESETS {
        let source = source(provider);
        let kind = kinds(provider).next().unwrap();
        let whole = envelope(&source, sample().body(&source, kind).unwrap());
        let item = split(&source.events, &whole).remove(0);
        let answer = answer(&source, &sample(), kind);
        let facts = read(&source, &item.body, beside(&item), answer.as_ref());
        let facts = facts.unwrap_or_else(|error| panic!("{provider}: {error}"));
        assert!(facts.meaning.is_money_in(&source.money_in), "{provider}: {:?}", facts.meaning);
        assert_eq!(facts.money.as_ref().unwrap().amount, 900, "{provider}");
        assert_eq!(facts.channel.first().map(|found| &*found.value), Some("DEMOCH-AB12C"), "{provider}");
        assert!(facts.ids.iter().any(|id| id.id.contains("3Made")), "{provider}: {:?}", facts.ids);
        // A restored ledger tells by this what it may have forgotten: never the time of receipt.
        assert_ne!(facts.occurred_at, whole.received_at_ms, "{provider}: the event tells no time");
        // Each capture has its own time, and Adyen's is not under the signature.
        let untold = ["adyen", "checkout", "standard-webhooks"].contains(&&**provider);
        let paid_at = (!untold).then_some(sample().created_s * 1000);
        assert_eq!(facts.paid_at, paid_at, "{provider}: when the money came in");
    }
}

/// Where the provider's object tells how its customer is reached.
#[test]
fn customers_are_reached_as_the_objects_tell() {
    for (provider, email, phone) in [
        ("stripe", "anna@example.com", None),
        ("creem", "payer@shop.example", None),
        ("dodo", "buyer@example.com", None),
        ("flutterwave", "payer@shop.example", None),
        ("lemonsqueezy", "buyer@example.com", None),
        ("paystack", "buyer@example.com", None),
        ("polar", "buyer@example.com", None),
        ("razorpay", "buyer@example.com", Some("910000000000")),
    ] {
        let source = source(provider);
        let kind = kinds(provider).next().unwrap();
        let whole = envelope(&source, sample().body(&source, kind).unwrap());
        let item = split(&source.events, &whole).remove(0);
        let answer = answer(&source, &sample(), kind);
        let facts = read(&source, &item.body, beside(&item), answer.as_ref()).unwrap();
        let told: Vec<&str> = facts.contacts.iter().map(|contact| &*contact.value).collect();
        assert_eq!(told, std::iter::once(email).chain(phone).collect::<Vec<_>>(), "{provider}");
        assert!(
            !serde_json::to_string(&facts).unwrap().contains(email),
            "{provider}: not stored with the facts"
        );
    }
}

/// Square tells of a payment again for a fee, a note, a refund, weeks later; others likewise. Its money is not of then.
#[test]
fn an_event_of_today_does_not_make_old_money_new() {
    for (provider, _) in PRESETS {
        let source = source(provider);
        let Some(place) = source.events.occurred_at.clone() else { continue };
        let kind = kinds(provider).next().unwrap();
        let whole = envelope(&source, sample().body(&source, kind).unwrap());
        let item = split(&source.events, &whole).remove(0);
        let answer = answer(&source, &sample(), kind);
        let first = read(&source, &item.body, beside(&item), answer.as_ref()).unwrap();
        let mut event: Value = serde_json::from_slice(&item.body).unwrap();
        let told = event.pointer_mut(&place).unwrap();
        // The same time 50 days later, as it is written here.
        *told = match told.as_i64() {
            Some(count) if count > 1_000_000_000_000 => json!(count + 50 * 86_400_000),
            Some(count) => json!(count + 50 * 86_400),
            None => {
                let at: jiff::Timestamp = told.as_str().unwrap().parse().unwrap();
                json!((at + jiff::SignedDuration::from_hours(50 * 24)).to_string())
            }
        };
        // Paystack's event has no time but the money's.
        if *provider == "paystack" {
            continue;
        }
        let again = read(&source, event.to_string().as_bytes(), beside(&item), answer.as_ref()).unwrap();
        assert_eq!(again.paid_at, first.paid_at, "{provider}");
    }
}
