//! Payments made at localstripe, which calls us with webhooks it signs itself: one-off payments, subscriptions, a change
//! of plan, a refund. Three endpoints of one shop, each granting by another family, each event told to each twice.

use serde_json::{Value, json};

use crate::support::{
    daybridge::{House, now_s, sign},
    localstripe::Localstripe,
    wait::until,
};

/// A source for each family, and what its payments bring to its own channel: three one-off payments of 7, 14 and 30
/// days, two subscriptions of 30 days each by metadata; or, by the prices of invoices, a month and two months. A change
/// of plan waits for a person.
const SOURCES: [(&str, i64, usize); 3] = [
    ("charges", 7 + 14 + 30 + 2 * 30, 5),
    ("payment_intents", 7 + 14 + 30 + 2 * 30, 5),
    ("invoices", 30 + 60, 2),
];

const TYPES: [&str; 6] = [
    "charge.succeeded",
    "charge.refunded",
    "payment_intent.succeeded",
    "invoice.created",
    "invoice.paid",
    "invoice.payment_succeeded",
];

/// Names a channel to each source.
fn metadata(days: &str) -> Value {
    let channels = SOURCES.iter().map(|(name, ..)| ((*name).to_owned(), json!(name)));
    channels.chain([("days".to_owned(), json!(days))]).collect()
}

fn secret(source: &str) -> String {
    format!("whsec_of_{source}")
}

fn settings() -> String {
    let source = |(name, ..): (&str, i64, usize)| {
        let priced = match name {
            "invoices" => {
                "days = []\n[[sources.invoices.prices]]\nprice = \"month\"\ndays = 30\n\
                 [[sources.invoices.prices]]\nprice = \"year\"\ndays = 365\n"
            }
            _ => "",
        };
        format!(
            "[sources.{name}]\nprovider = \"stripe\"\nsecrets = [{:?}]\nlivemode = false\nmoney_in = {name:?}\n\
             channel = [\"/metadata/{name}\"]\n{priced}\n",
            secret(name)
        )
    };
    SOURCES.map(source).concat()
}

/// Days that the simulator has put on each channel.
async fn days(house: &House) -> Vec<(String, i64)> {
    let state = house.sim_state().await.unwrap();
    let extends = state["extends"].as_array().unwrap();
    let of = |channel: &str| {
        let own = extends.iter().filter(|one| one["channel"] == channel && one["applied"] == true);
        own.map(|one| one["days"].as_i64().unwrap()).sum()
    };
    SOURCES.map(|(name, ..)| (name.to_owned(), of(name))).to_vec()
}

fn rows(house: &House, list: &[&str]) -> Vec<Value> {
    house.json(&[list, &["list", "--json", "--limit", "1000"]].concat()).as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bought_at_localstripe_is_on_the_channels() {
    let stripe = Localstripe::start().await;
    let mut house = House::build("embedded", None, &settings()).await;
    for (name, ..) in SOURCES {
        house.sim("channels", json!({"id": name, "days": 10, "mode": "live"})).await;
        let url = format!("http://127.0.0.1:{}/webhooks/{name}", house.server);
        for twin in ["first", "second"] {
            stripe.send_to(&format!("{name}-{twin}"), &url, &secret(name), &TYPES).await;
        }
    }
    house.start("run").await;

    stripe.plan("month", "month", 900).await;
    stripe.plan("year", "year", 9_000).await;
    let mut payments = Vec::new();
    for (days, amount) in [("7", 210), ("14", 420), ("30", 900)] {
        payments.push(stripe.pay_with(metadata(days), amount).await);
    }
    let subscription = stripe.subscribe(metadata("30"), "month", 1).await;
    stripe.subscribe(metadata("30"), "month", 2).await;
    stripe.change_plan(&subscription, "year").await;
    let credited = |name: &str| {
        let rows = rows(&house, &["payments"]);
        rows.iter().filter(|one| one["source"] == name && one["state"] == "credited").count()
    };
    until("all are credited", || async {
        SOURCES.iter().all(|(name, _, count)| credited(name) >= *count).then_some(())
    })
    .await;
    stripe.refund(&payments[0], 100).await;

    // Each event to each source, twice.
    let made = stripe.events(&TYPES).await.len();
    assert_eq!(made, 6 + 1 + 6 + 3 + 3 + 3);
    let told = made * SOURCES.len() * 2;
    until("all is recorded", || async { (rows(&house, &["events"]).len() >= told).then_some(()) }).await;
    let want: Vec<(String, i64)> =
        SOURCES.iter().map(|(name, days, _)| ((*name).to_owned(), *days)).collect();
    assert_eq!(days(&house).await, want);
    for (name, _, count) in SOURCES {
        assert_eq!(credited(name), count, "{name}");
    }
    // 100 of 210 went back after its 7 days had moved: 3 are not covered any more, where its family grants.
    let held = rows(&house, &["held"]);
    let (changed, others): (Vec<_>, Vec<_>) = held.iter().partition(|one| one["cause"] == "not_a_period");
    assert_eq!(changed.len(), SOURCES.len(), "{held:#?}");
    let mut spent: Vec<_> =
        others.iter().map(|one| (text(&one["cause"]), text(&one["key"]), &one["days"])).collect();
    spent.sort_by_key(|(_, key, _)| *key);
    let key = |family: &str| format!("{family}/{}", payments[0]);
    let (charges, intents) = (key("charges"), key("payment_intents"));
    let three = json!(3);
    assert_eq!(spent, [("days_spent", &*charges, &three), ("days_spent", &*intents, &three)]);
    let refunded = house.json(&["payments", "show", &format!("charges/{}", payments[0]), "--json"]);
    let outcomes: Vec<_> = refunded["events"].as_array().unwrap().iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes.iter().filter(|one| **one == "refund").count(), 2, "{outcomes:?}");

    // Forged: a real event with more days, under a signature that was made for it with another secret, for its twin's
    // endpoint, or for the event as it was.
    let url = format!("http://127.0.0.1:{}/webhooks/payment_intents", house.server);
    let body = stripe.event_of(&payments[1]).await;
    let text = String::from_utf8(body.clone()).unwrap();
    let forged =
        text.replace("\"days\":\"14\"", "\"days\":\"3000\"").replace(&payments[1], "pi_forged").into_bytes();
    assert_ne!(forged, body);
    for signature in [
        sign(&forged, now_s()),
        signed_by("charges", &forged),
        signed_by("payment_intents", &body),
        String::new(),
        "t=1,v1=00".into(),
    ] {
        assert_eq!(house.post_to(&url, &forged, &signature).await, 400, "{signature}");
    }
    assert_eq!(house.post_to(&url, &body, &signed_by("payment_intents", &body)).await, 200);
    until("the good one is recorded", || async { (rows(&house, &["events"]).len() > told).then_some(()) })
        .await;
    assert_eq!(rows(&house, &["events"]).len(), told + 1);
    assert_eq!(days(&house).await, want);
    assert_eq!(house.stop("run").await, Some(0));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A good signature of another of these sources.
fn signed_by(source: &str, body: &[u8]) -> String {
    use daybridge::{config::Source, webhook::signature::sign};
    let stripe = Source::of_preset("stripe").unwrap();
    sign(&stripe, &secret(source).into(), body, "", now_s() * 1000).unwrap().headers.remove(0).1
}
