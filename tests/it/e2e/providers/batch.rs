//! Several events in one request: one delivery on the queue, each event recorded by itself, all of them before it is
//! answered.

use serde_json::{Value, json};

use super::{CHANNEL, Says, Shop, house, moved, source};
use crate::support::{daybridge::House, rabbitmq::free_ports, wait::until};

const SECRET: &str = "it-gocardless-secret-01";
const ADYEN: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

fn sources(port: u16) -> String {
    format!(
        "[sources.gc]\nprovider = \"gocardless\"\nsecrets = [\"{SECRET}\"]\napi_key = \"k\"\n\
         api_base = \"http://127.0.0.1:{port}\"\n\
         [sources.adyen]\nprovider = \"adyen\"\nsecrets = [\"{ADYEN}\"]\n\
         [sources.adyen.per_day]\ncurrency = \"eur\"\namount = 30\n"
    )
}

fn event(number: usize, more: &Value) -> Value {
    let mut event = json!({"id": format!("EV{number}"), "created_at": "2025-10-09T08:53:20.000Z",
        "resource_type": "payments", "action": "confirmed", "links": {"payment": format!("PM{number}")}});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn request(events: &[Value]) -> Vec<u8> {
    json!({"events": events, "meta": {"webhook_id": "WB1"}}).to_string().into_bytes()
}

fn path(number: usize) -> String {
    format!("/payments/PM{number}")
}

fn paid(number: usize) -> Says {
    Says::json(&json!({"payments": {"id": format!("PM{number}"), "status": "confirmed", "amount": 900,
        "currency": "GBP", "metadata": {"channel_id": CHANNEL, "days": number.to_string()}}}))
}

fn shop(payments: usize) -> Shop {
    let shop = Shop::new(Says::status(404));
    (1..=payments).for_each(|number| shop.of(&path(number), paid(number)));
    shop
}

async fn post(house: &House, body: &[u8]) -> u16 {
    super::post(house, "gc", SECRET, body, "").await.0
}

/// Outcomes of the deliveries of an event.
fn outcomes(house: &House, event: &str) -> Vec<String> {
    let output = house.command(&["events", "show", event, "--json"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let all = all.as_array().cloned().unwrap_or_default();
    all.iter().map(|event| event["outcome"].as_str().unwrap().to_owned()).collect()
}

async fn outcomes_are(house: &House, event: &str, want: &[&str]) {
    until(&format!("{event} is {want:?}"), || async { (outcomes(house, event) == want).then_some(()) }).await;
}

fn events(house: &House) -> usize {
    house.json(&["events", "list", "--json", "--limit", "5000"]).as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_events_of_one_request_are_three_payments() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let _api = shop(3).open(port).await;
    house.start("run").await;
    let body = request(&[event(1, &json!({})), event(2, &json!({})), event(3, &json!({}))]);
    assert_eq!(post(&house, &body).await, 200);
    for number in 1..=3 {
        house.payment_is(&format!("gc/PM{number}"), "credited").await;
    }
    assert_eq!((events(&house), moved(&house).await[CHANNEL]), (3, (3, 6)));
    assert_eq!(post(&house, &body).await, 200);
    for number in 1..=3 {
        outcomes_are(&house, &format!("EV{number}"), &["credited", "duplicate"]).await;
    }
    assert_eq!(moved(&house).await[CHANNEL], (3, 6));

    // One of them, later, by itself.
    let plan = house.json(&["replay", "plan", "--event", "EV2", "--json"]);
    assert_eq!(plan["totals"]["skip"], 1, "{plan:#}");
    let applied = house.json(&["replay", "apply", plan["hash"].as_str().unwrap(), "--json"]);
    assert_eq!(applied["state"], "applied", "{applied:#}");
    // A file has one event a line.
    let line = |bytes: &[u8]| std::fs::write(house.path("lost.jsonl"), [bytes, b"\n"].concat()).unwrap();
    let planning = ["replay", "plan", "--source", "gc", "--file", "lost.jsonl", "--json"];
    line(&body);
    let refused = house.command(&planning);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("line 1: it brings several events"), "{said}");
    line(event(2, &json!({})).to_string().as_bytes());
    assert_eq!(house.json(&planning)["totals"]["skip"], 1);
    assert_eq!(moved(&house).await[CHANNEL], (3, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_keeps_nothing_else_from_its_request() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = shop(3);
    shop.of(&path(2), Says::status(404));
    let _api = shop.open(port).await;
    house.start("run").await;
    let broken = json!({"id": "EV9", "resource_type": "payments", "action": "confirmed"});
    let body = request(&[broken, event(1, &json!({})), event(2, &json!({})), event(3, &json!({}))]);
    assert_eq!(post(&house, &body).await, 200);
    for number in [1, 3] {
        house.payment_is(&format!("gc/PM{number}"), "credited").await;
    }
    outcomes_are(&house, "EV9", &["held"]).await;
    outcomes_are(&house, "EV2", &["held"]).await;
    assert_eq!((events(&house), moved(&house).await[CHANNEL]), (4, (2, 4)));

    // The API knows it by now: it is replayed by itself.
    shop.of(&path(2), paid(2));
    let plan = house.json(&["replay", "plan", "--event", "EV2", "--json"]);
    assert_eq!(plan["totals"]["extend"], 1, "{plan:#}");
    house.json(&["replay", "apply", plan["hash"].as_str().unwrap(), "--json"]);
    house.payment_is("gc/PM2", "credited").await;
    assert_eq!(moved(&house).await[CHANNEL], (3, 6));
}

/// In the second of three events, and in what the API tells of the third.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_text_keeps_none_of_its_request_back() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = shop(3);
    let told = json!({"payments": {"id": "PM3", "status": "confirmed", "amount": 900, "currency": "GBP",
        "description": "CUT", "metadata": {"channel_id": CHANNEL, "days": "3"}}});
    let told = told.to_string().replace("CUT", r"cut \udc4d");
    shop.of(&path(3), Says::This(crate::support::api::Answer::of(200, told)));
    let _api = shop.open(port).await;
    house.start("run").await;
    let details = json!({"details": {"description": "CUT"}});
    let body = request(&[event(1, &json!({})), event(2, &details), event(3, &json!({}))]);
    let body = String::from_utf8(body).unwrap().replace("CUT", r"cut \ud83d");
    assert_eq!(post(&house, body.as_bytes()).await, 200);
    for number in 1..=3 {
        house.payment_is(&format!("gc/PM{number}"), "credited").await;
    }
    assert_eq!(moved(&house).await[CHANNEL], (3, 6));
}

/// The worker dies while it asks for the second of three.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_the_middle_records_the_rest_when_it_is_back() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = shop(3);
    shop.of(&path(2), Says::Nothing);
    let api = shop.open(port).await;
    house.start("serve").await;
    house.start("work").await;
    assert_eq!(post(&house, &request(&[1, 2, 3].map(|number| event(number, &json!({}))))).await, 200);
    until("the second is asked for", || async {
        api.asked().iter().any(|asked| asked.target == path(2)).then_some(())
    })
    .await;
    house.kill("work");
    assert_eq!(outcomes(&house, "EV1").len(), 1, "the first was recorded");
    assert_eq!(outcomes(&house, "EV3"), Vec::<String>::new());
    shop.of(&path(2), paid(2));
    house.start("work").await;
    for number in 1..=3 {
        house.payment_is(&format!("gc/PM{number}"), "credited").await;
        assert_eq!(outcomes(&house, &format!("EV{number}")), ["credited"]);
    }
    assert_eq!(moved(&house).await[CHANNEL], (3, 6));
}

/// A request whose source was not in the settings is kept whole, and taken apart when it is there again.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_kept_whole_is_taken_apart_later() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let _api = shop(4).open(port).await;
    house.start("serve").await;
    assert_eq!(post(&house, &request(&[1, 2].map(|number| event(number, &json!({}))))).await, 200);
    assert_eq!(post(&house, &request(&[event(3, &json!({}))])).await, 200);
    house.set("[sources.gc]", "[sources.elsewhere]");
    house.start("work").await;
    let held = until("both requests are held", || async {
        let held = house.json(&["held", "list", "--json"]).as_array().unwrap().clone();
        (held.len() == 2).then_some(held)
    })
    .await;
    assert!(held[0]["reason"].as_str().unwrap().contains("not in the settings"), "{held:#?}");
    assert_eq!(house.stop("work").await, Some(0));
    house.set("[sources.elsewhere]", "[sources.gc]");
    house.start("work").await;
    for number in 1..=3 {
        house.payment_is(&format!("gc/PM{number}"), "credited").await;
    }
    until("nothing is held", || async {
        house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty().then_some(())
    })
    .await;
    for held in held {
        let whole = house.json(&["events", "show", held["key"].as_str().unwrap(), "--json"]);
        assert_eq!(whole[0]["outcome"], "ignored", "{whole:#}");
        assert!(whole[0]["reason"].as_str().unwrap().contains("was taken apart"), "{whole:#}");
    }
    assert_eq!((events(&house), moved(&house).await[CHANNEL]), (5, (3, 6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_a_limit_of_events() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let _api = shop(0).open(port).await;
    house.start("run").await;
    let small = |number: usize| json!({"id": format!("EV{number}"), "resource_type": "mandates", "action": "created", "links": {}});
    assert_eq!(post(&house, &request(&[])).await, 200);
    assert_eq!(post(&house, &request(&(1..=1001).map(small).collect::<Vec<_>>())).await, 200);
    until("both requests are held", || async { (events(&house) == 2).then_some(()) }).await;
    let held = house.json(&["held", "list", "--json"]).to_string();
    assert!(held.contains("brings no event") && held.contains("more than 1000 events"), "{held}");
    let before = house.memory_kib("run");
    for _ in 0..4 {
        assert_eq!(post(&house, &request(&(1..=1000).map(small).collect::<Vec<_>>())).await, 200);
    }
    until("all are recorded", || async { (events(&house) >= 4002).then_some(()) }).await;
    assert_eq!(outcomes(&house, "EV1000"), ["ignored"; 4]);
    let after = house.memory_kib("run");
    assert!(after - before < 32 * 1024, "{before} KiB, then {after} KiB");
}

/// Each of Adyen's items carries a signature of its own.
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_signature_refuses_the_whole_request() {
    let mut house = house(&sources(1)).await;
    house.start("run").await;
    let item = |number: usize| {
        json!({"NotificationRequestItem": {"additionalData": {}, "amount": {"currency": "EUR", "value": 300},
            "eventCode": "AUTHORISATION", "merchantAccountCode": "Shop", "merchantReference": CHANNEL,
            "pspReference": format!("PSP{number}"), "success": "true"}})
    };
    let items = |list: &[Value]| json!({"live": "true", "notificationItems": list}).to_string().into_bytes();
    let body = items(&[1, 2, 3].map(item));
    let adyen = source(&house, "adyen");
    let signed = daybridge::webhook::signature::sign(&adyen, &ADYEN.into(), &body, "", 0).unwrap().body;
    let url = format!("http://127.0.0.1:{}/webhooks/adyen", house.server);
    // The last item is for more than it is signed for.
    let mut bad: Value = serde_json::from_slice(&signed).unwrap();
    bad["notificationItems"][2]["NotificationRequestItem"]["amount"]["value"] = json!(30_000);
    assert_eq!(house.post_to(&url, bad.to_string().as_bytes(), "").await, 400);
    assert_eq!(house.post_to(&url, &items(&[]), "").await, 400);
    assert_eq!(house.post_to(&url, &signed, "").await, 200);
    for number in 1..=3 {
        house.payment_is(&format!("adyen/PSP{number}"), "credited").await;
    }
    assert_eq!((events(&house), moved(&house).await[CHANNEL]), (3, (3, 30)));
}
