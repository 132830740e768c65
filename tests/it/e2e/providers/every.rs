//! Each preset: a source of it in one settings file, events made and signed by `daybridge send`, days on the channel.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use daybridge::{
    config::{
        Source,
        preset::{
            PRESETS,
            events::Means,
            fetch::{Auth, Fetch},
            signature::Key,
        },
    },
    provider::sample::{Sample, kinds},
};
use serde_json::json;

use super::{moved, post};
use crate::{
    provider::presets,
    support::{
        api::{Answer, Api, Asked},
        daybridge::{House, now_s},
        wait::until,
    },
};

const DAYS: &str = "30";
const BOUGHT: &str = "bought-token-7";

fn preset(provider: &str) -> Source {
    Source::of_preset(provider).unwrap()
}

/// A secret of the form that the provider gives out.
fn secret(provider: &str, word: &str) -> String {
    let plain = format!("{word}-of-{provider}-0123456789");
    match preset(provider).signature.key {
        Key::Text => plain,
        Key::Base64 => format!("whsec_{}", STANDARD.encode(plain)),
        Key::Hex => hex::encode_upper(plain),
    }
}

fn api_key(provider: &str) -> String {
    match preset(provider).fetch.map(|fetch| fetch.auth) {
        Some(Auth::Basic | Auth::OAuth2) => format!("user-{provider}:password-{provider}"),
        _ => format!("key-{provider}"),
    }
}

fn payment(provider: &str) -> String {
    format!("pay_3{provider}")
}

fn channel(provider: &str) -> String {
    let position = PRESETS.iter().position(|(known, _)| *known == provider).unwrap();
    format!("DEMOCH-N{position:02}")
}

/// The key that the payment has in the ledger: its strongest id, with the preset's prefix.
fn key(provider: &str) -> String {
    let source = preset(provider);
    let grants = |on: &&daybridge::config::preset::events::On| {
        on.means == Means::MoneyIn && on.family() == source.money_in.as_str()
    };
    let object = source.events.on.iter().find(grants).and_then(|on| on.object.as_ref()).unwrap();
    let strongest = source.events.objects[object].ids.iter().min_by_key(|id| id.rank).unwrap();
    format!("{provider}/{}{}", strongest.prefix, payment(provider))
}

/// 900 minor units are 30 days, where the sample tells none.
fn settings(api: &str) -> String {
    let mut text = String::new();
    for (provider, _) in PRESETS {
        let source = preset(provider);
        writeln!(text, "[sources.{provider}]\nprovider = \"{provider}\"").unwrap();
        writeln!(text, "secrets = [\"{}\"]", secret(provider, "good")).unwrap();
        if *provider == "square" {
            writeln!(text, "public_url = \"https://pay.example.com/webhooks/square\"").unwrap();
        }
        if source.fetch.is_some() && *provider != "stripe" {
            writeln!(text, "api_key = \"{}\"\napi_base = \"{api}/{provider}\"", api_key(provider)).unwrap();
        }
        if source.days.is_empty() || *provider == "paypal" {
            writeln!(text, "[sources.{provider}.per_day]\ncurrency = \"usd\"\namount = 30").unwrap();
        }
    }
    text
}

fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(if key.contains(':') { key.to_owned() } else { format!("{key}:") }))
}

/// The provider of a request's path, and the rest of it.
fn called(asked: &Asked) -> (&'static str, String) {
    let path = asked.target.trim_start_matches('/');
    let (name, rest) = path.split_once('/').unwrap();
    let (name, _) = PRESETS.iter().find(|(known, _)| *known == name).unwrap();
    (name, format!("/{rest}"))
}

fn shown(fetch: &Fetch, asked: &Asked, key: &str) -> bool {
    let headers = fetch.headers.iter().all(|(name, value)| asked.header(&name.to_lowercase()) == Some(value));
    headers
        && match &fetch.auth {
            Auth::Bearer => asked.authorization == format!("Bearer {key}"),
            Auth::Basic => asked.authorization == basic(key),
            Auth::OAuth2 => asked.authorization == format!("Bearer {BOUGHT}"),
            Auth::Header(name) => asked.header(name) == Some(key),
        }
}

/// The APIs of all providers: each knows its one payment, and tells of it whoever shows its key in its way.
fn api(asked: &Asked) -> Answer {
    let (provider, path) = called(asked);
    let source = preset(provider);
    let fetch = source.fetch.clone().unwrap();
    let key = api_key(provider);
    if fetch.token_url.as_ref() == Some(&path) {
        let good = asked.method == "POST" && asked.authorization == basic(&key);
        let bought = json!({"access_token": BOUGHT, "token_type": "Bearer", "expires_in": 300});
        return if good { Answer::of(200, bought.to_string()) } else { Answer::of(401, "{}") };
    }
    if asked.method != "GET" || !shown(&fetch, asked, &key) {
        return Answer::of(401, "{}");
    }
    let kind = kinds(provider).next().unwrap();
    let from = fetch.from.iter().find(|from| from.types.is_empty() || from.types.iter().any(|t| t == kind));
    let template = &from.unwrap().url;
    let (before, after) = (template.find('{').unwrap(), template.find('}').unwrap() + 1);
    let wanted = format!("{}{}{}", &template[..before], payment(provider), &template[after..]);
    if path != wanted {
        return Answer::of(404, "{}");
    }
    let answer = presets::answer(&source, &sample(provider), kind).unwrap();
    Answer::of(200, answer.to_string())
}

fn sample(provider: &str) -> Sample {
    Sample {
        event_id: "evt_other".into(),
        payment: payment(provider),
        channel: channel(provider),
        days: DAYS.into(),
        amount: 900,
        currency: "usd".into(),
        livemode: true,
        created_s: now_s(),
    }
}

fn send(house: &House, provider: &str, event: &str) -> String {
    let (channel, payment) = (channel(provider), payment(provider));
    let output = house.command(&[
        "send",
        "--source",
        provider,
        "--channel",
        &channel,
        "--days",
        DAYS,
        "--payment",
        &payment,
        "--event",
        event,
    ]);
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

fn deliveries(house: &House) -> usize {
    house.json(&["events", "list", "--json", "--limit", "1000"]).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_preset_moves_days_once() {
    let api = Api::start(async |asked| api(&asked)).await;
    let mut house = House::build("embedded", None, &settings(&api.base)).await;
    for (provider, _) in PRESETS {
        house.sim("channels", json!({"id": channel(provider), "days": 10, "mode": "live"})).await;
    }
    house.start_as("run", "run", &[("RUST_LOG", "trace".into())]).await;
    house.ready("run").await;

    for (provider, _) in PRESETS {
        let said = send(&house, provider, "evt_1");
        assert!(said.starts_with("200 "), "{provider}: {said}");
    }
    for (provider, _) in PRESETS {
        let whole = house.payment_is(&key(provider), "credited").await;
        assert_eq!(whole["events"].as_array().unwrap().len(), 1, "{provider}: {whole:#}");
    }
    let once: BTreeMap<_, _> = PRESETS.iter().map(|(name, _)| (channel(name), (1, 30))).collect();
    assert_eq!(moved(&house).await, once);
    let history = house.billing_history().await;
    for (provider, _) in PRESETS {
        let line = format!(" 30 \"daybridge {}#1 30d\"\n", key(provider));
        assert!(history.contains(&line), "{line} not in {history}");
    }

    // The same event, and another of the same payment.
    for event in ["evt_1", "evt_2"] {
        for (provider, _) in PRESETS {
            let said = send(&house, provider, event);
            assert!(said.starts_with("200 "), "{provider}: {said}");
        }
    }
    until("all are recorded", || async { (deliveries(&house) == 3 * PRESETS.len()).then_some(()) }).await;
    for (provider, _) in PRESETS {
        let whole = house.json(&["payments", "show", &key(provider), "--json"]);
        let outcomes: Vec<&str> =
            whole["events"].as_array().unwrap().iter().map(|e| e["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["credited", "duplicate", "duplicate"], "{provider}");
    }
    assert_eq!(moved(&house).await, once);

    // Somebody else's secret.
    for (provider, _) in PRESETS {
        let source = super::source(&house, provider);
        let body = sample(provider).body(&source, kinds(provider).next().unwrap()).unwrap();
        let (status, said) = post(&house, provider, &secret(provider, "forged"), &body, "evt_f").await;
        assert_eq!(status, source.signature.status, "{provider}: {said}");
        assert_eq!(status, if *provider == "gocardless" { 498 } else { 400 }, "{provider}");
    }
    assert!(house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty());
    let asked = api.asked();
    for (provider, _) in PRESETS {
        let mine = asked.iter().filter(|asked| called(asked).0 == *provider && asked.method == "GET").count();
        let fetches = presets::answer(&preset(provider), &sample(provider), kinds(provider).next().unwrap());
        assert_eq!(mine, if fetches.is_some() { 3 } else { 0 }, "{provider}");
    }
    assert_eq!(
        asked.iter().filter(|asked| asked.method == "POST").count(),
        1,
        "PayPal's token is bought once"
    );
    assert_eq!(house.stop("run").await, Some(0));
    // Whatever the libraries below tell.
    let log = house.log("run");
    assert!(log.contains("\"DEBUG\""));
    for (provider, _) in PRESETS {
        let api_key = api_key(provider);
        for kept in [secret(provider, "good"), basic(&api_key), api_key] {
            assert_eq!(log.lines().find(|line| line.contains(&kept)), None, "{provider}: {kept}");
        }
    }
    assert_eq!(log.lines().find(|line| line.contains(BOUGHT)), None);
}
