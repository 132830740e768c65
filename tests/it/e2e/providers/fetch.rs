//! What an event is about is asked for at the provider's API: while that is away the event is held, and nothing else is;
//! what it says counts, not the body; and it is asked anew whenever the provider calls again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{CHANNEL, Says, Shop, house, moved};
use crate::support::{
    api::{Answer, Api},
    daybridge::{House, SECRET},
    rabbitmq::free_ports,
    sql::Sql,
    wait::until,
};

const TOKEN: &str = "it-url-token-5Kx2";
const KEY: &str = "live_itApiKey7Zx81Qw";

fn sources(port: u16) -> String {
    format!(
        "[sources.mollie]\nprovider = \"mollie-classic\"\nsecrets = [\"{TOKEN}\"]\napi_key = \"{KEY}\"\n\
         api_base = \"http://127.0.0.1:{port}\"\n\
         [sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\n"
    )
}

fn payment(id: &str, status: &str, refunded: &str) -> Value {
    json!({"resource": "payment", "id": id, "status": status, "amount": {"value": "9.00", "currency": "EUR"},
        "amountRefunded": {"value": refunded, "currency": "EUR"},
        "metadata": {"channel_id": CHANNEL, "days": "30"}})
}

fn path(id: &str) -> String {
    format!("/v2/payments/{id}")
}

/// Mollie calls: the same bytes whatever happened.
async fn call(house: &House, id: &str) {
    let (status, said) = super::post(house, "mollie", TOKEN, format!("id={id}").as_bytes(), "").await;
    assert_eq!(status, 200, "{said}");
}

fn held(house: &House) -> Vec<Value> {
    house.json(&["held", "list", "--json"]).as_array().unwrap().clone()
}

async fn held_for(house: &House, cause: &str, says: &str) -> Value {
    until(&format!("an event is held for {says}"), || async {
        let fits = |held: &Value| held["cause"] == cause && held["reason"].as_str().unwrap().contains(says);
        held(house).into_iter().find(fits)
    })
    .await
}

async fn let_go(house: &House) {
    // Days that a refund left uncovered are held too, and stay so.
    let events = |held: &Value| held["kind"] == "event";
    until("no event is held", || async { (!held(house).iter().any(events)).then_some(()) }).await;
}

fn outcomes(whole: &Value) -> Vec<&str> {
    whole["events"].as_array().unwrap().iter().map(|event| event["outcome"].as_str().unwrap()).collect()
}

/// What the ledger keeps of the one event of the source.
async fn facts(house: &House) -> Value {
    let url = format!("sqlite:{}", house.path("ledger.db").display());
    let mut ledger = Sql::open(&url).await;
    let facts = ledger.column("SELECT facts FROM events WHERE source = 'mollie'").await;
    assert_eq!(facts.len(), 1, "the same bytes are one event");
    serde_json::from_str(facts[0].as_ref().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_is_away_the_event_waits_and_nothing_else() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let check = house.command(&["check"]);
    let text = String::from_utf8_lossy(&check.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("FAIL  fetch")).unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains("sources.mollie") && line.contains("no connection") && !line.contains(KEY),
        "{line}"
    );
    house.start("run").await;

    // Nobody is at the API's address.
    call(&house, "tr_1").await;
    let waiting = held_for(&house, "unfetched", "no connection").await;
    let next = waiting["next"].as_str().unwrap();
    assert!(next.contains("asks the provider's API again by itself"), "{next}");
    assert_eq!(waiting["kind"], "event");
    // Others go on.
    let other = House::event("charge.succeeded", "evt_1", "pi_1", CHANNEL, "7");
    assert_eq!(house.post(&other).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(held(&house).len(), 1);
    // A plan does not promise what nobody knows.
    let key = waiting["key"].as_str().unwrap();
    let plan = house.json(&["replay", "plan", "--event", key, "--json"]);
    assert_eq!((&plan["totals"]["held"], &plan["totals"]["extend"]), (&json!(1), &json!(0)), "{plan:#}");

    // Somebody is, but fails; then the key is refused; then there is a page for people.
    let shop = Shop::new(Says::status(500));
    let api = shop.open(port).await;
    held_for(&house, "unfetched", "HTTP 500").await;
    shop.of_all(Says::status(401));
    held_for(&house, "unfetched", "renew api_key").await;
    shop.of_all(Says::This(Answer::of(200, "<html>back soon</html>")));
    held_for(&house, "unfetched", "no JSON").await;
    assert_eq!(moved(&house).await[CHANNEL], (1, 7));

    shop.of_all(Says::json(&payment("tr_1", "paid", "0.00")));
    let whole = house.payment_is("mollie/tr_1", "credited").await;
    assert_eq!(outcomes(&whole), ["credited"]);
    let_go(&house).await;
    // The plan of before went stale; nothing is published.
    let hash = plan["hash"].as_str().unwrap();
    let apply = house.command(&["replay", "apply", hash]);
    assert_eq!(apply.status.code(), Some(1), "{apply:?}");
    // What is known is not asked for again.
    let asked = api.asked().len();
    call(&house, "tr_2").await;
    until("one more is asked for", || async { (api.asked().len() > asked).then_some(()) }).await;
    house.payment_is("mollie/tr_1", "credited").await;
    assert_eq!(moved(&house).await[CHANNEL], (2, 37), "tr_2's answer names tr_1");
    assert!(house.command(&["check"]).stdout.windows(11).any(|w| w == b"ok    fetch"));
    assert_eq!(house.stop("run").await, Some(0));
    let log = house.log("run");
    assert!(!log.contains(KEY) && !log.contains(TOKEN), "{log}");
}

/// More events than the worker has hands, of an API that keeps the line open.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_never_answers_keeps_nobody_waiting() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = Shop::new(Says::Nothing);
    let _api = shop.open(port).await;
    house.start_as("run", "run", &[("RUST_LOG", "trace".into())]).await;
    house.ready("run").await;
    for number in 0..100 {
        call(&house, &format!("tr_{number}")).await;
    }
    let other = House::event("charge.succeeded", "evt_1", "pi_1", CHANNEL, "7");
    assert_eq!(house.post(&other).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    until("all wait", || async { (held(&house).len() == 100).then_some(()) }).await;
    // They are read again at a start, and keep nobody waiting there.
    assert_eq!(house.stop("run").await, Some(0));
    house.start_as("run", "run", &[("RUST_LOG", "trace".into())]).await;
    house.ready("run").await;
    let other = House::event("charge.succeeded", "evt_2", "pi_2", CHANNEL, "7");
    assert_eq!(house.post(&other).await, 200);
    house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!(held(&house).len(), 100);
    for number in 0..100 {
        let id = format!("tr_{number}");
        let mut paid = payment(&id, "paid", "0.00");
        paid["metadata"]["days"] = json!("1");
        shop.of(&path(&id), Says::json(&paid));
    }
    let_go(&house).await;
    until("all are credited", || async { (moved(&house).await[CHANNEL] == (102, 114)).then_some(()) }).await;
    assert_eq!(house.stop("run").await, Some(0));
    // Whatever the libraries below tell.
    let log = house.log("run");
    assert!(log.contains("/v2/payments/") || log.contains("tr_1"), "{log}");
    assert_eq!(log.lines().find(|line| line.contains(KEY) || line.contains(TOKEN)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_does_not_know_is_held_until_it_is_read_again() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = Shop::new(Says::status(404));
    let api = shop.open(port).await;
    house.start("run").await;
    for id in ["tr_made_up", "tr_late"] {
        call(&house, id).await;
    }
    until("both are held", || async { (held(&house).len() == 2).then_some(()) }).await;
    for held in held(&house) {
        assert!(held["reason"].as_str().unwrap().contains("does not know it"), "{held:#}");
        assert!(held["next"].as_str().unwrap().contains("daybridge held retry"), "{held:#}");
    }
    let asked = api.asked().len();
    shop.of(&path("tr_late"), Says::json(&payment("tr_late", "paid", "0.00")));
    let late = house.json(&["events", "list", "--json"]);
    let late = late.as_array().unwrap().iter().find_map(|event| {
        let id = event["event"].as_str().unwrap();
        let whole = house.json(&["events", "show", id, "--json"]);
        (whole[0]["body"] == "id=tr_late").then(|| id.to_owned())
    });
    let retry = house.command(&["held", "retry", &late.unwrap(), "--reason", "it is there by now"]);
    assert!(retry.status.success(), "{retry:?}");
    house.payment_is("mollie/tr_late", "credited").await;
    // Once to see whether that helps, and once when it comes again.
    assert_eq!(api.asked().len(), asked + 2, "only what was told to is asked for again");
    assert_eq!(held(&house).len(), 1);

    shop.of(&path("tr_made_up"), Says::json(&payment("tr_made_up", "paid", "0.00")));
    assert_eq!(house.stop("run").await, Some(0));
    house.start("run").await;
    house.payment_is("mollie/tr_made_up", "credited").await;
    let_go(&house).await;
    assert_eq!(moved(&house).await[CHANNEL], (2, 60));
}

/// Every POST about one payment has the same bytes, so each is asked for anew, and what is new in it is taken in.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_say_what_the_api_says_by_now() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = Shop::new(Says::json(&payment("tr_1", "open", "0.00")));
    let _api = shop.open(port).await;
    house.start("run").await;
    let event = async |deliveries: usize, last: &str| {
        until(&format!("delivery {deliveries} is {last}"), || async {
            let all = house.json(&["events", "list", "--json"]);
            let all = all.as_array().unwrap();
            let id = all.first()?["event"].as_str().unwrap().to_owned();
            let all = house.json(&["events", "show", &id, "--json"]);
            let all = all.as_array().unwrap();
            (all.len() == deliveries && all[deliveries - 1]["outcome"] == last).then_some(())
        })
        .await;
    };
    call(&house, "tr_1").await;
    event(1, "ignored").await;
    assert_eq!(moved(&house).await.len(), 0);

    // It is paid while the API is away.
    shop.of_all(Says::status(503));
    call(&house, "tr_1").await;
    event(2, "held").await;
    shop.of_all(Says::json(&payment("tr_1", "paid", "0.00")));
    let whole = house.payment_is("mollie/tr_1", "credited").await;
    assert_eq!(outcomes(&whole), ["ignored", "credited"], "{whole:#}");
    assert_eq!(facts(&house).await["out"], Value::Null);

    // It is refunded, in part and then wholly, the second time while the API is away.
    shop.of_all(Says::json(&payment("tr_1", "paid", "3.00")));
    call(&house, "tr_1").await;
    event(3, "duplicate").await;
    assert_eq!(facts(&house).await["out"][0]["amount"], json!({"total": 300}));
    shop.of_all(Says::status(503));
    call(&house, "tr_1").await;
    event(4, "held").await;
    assert_eq!(house.payment_is("mollie/tr_1", "credited").await["transfers"].as_array().unwrap().len(), 1);
    shop.of_all(Says::json(&payment("tr_1", "paid", "9.00")));
    let_go(&house).await;
    event(4, "duplicate").await;
    assert_eq!(facts(&house).await["out"][0]["amount"], json!({"total": 900}));
    assert_eq!(moved(&house).await[CHANNEL], (1, 30));
}

/// The body of a token-checked webhook is anybody's who knows the token; Xendit's has the shape of what its API says.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_lies_moves_what_the_api_says() {
    let [port] = free_ports();
    let source = format!(
        "[sources.shop]\nprovider = \"xendit\"\nsecrets = [\"{TOKEN}\"]\napi_key = \"{KEY}\"\n\
         api_base = \"http://127.0.0.1:{port}\"\n"
    );
    let mut house = house(&source).await;
    let told = |id: &str, status: &str, days: &str| {
        json!({"id": id, "status": status, "amount": 9, "currency": "PHP",
            "metadata": {"channel_id": CHANNEL, "days": days}})
    };
    let shop = Shop::new(Says::status(404));
    shop.of("/v2/invoices/p1", Says::json(&told("p1", "EXPIRED", "30")));
    shop.of("/v2/invoices/p2", Says::json(&told("p2", "PAID", "3")));
    let _api = shop.open(port).await;
    house.start("run").await;
    for id in ["p1", "p2", "p3"] {
        let body = told(id, "PAID", "300").to_string();
        let (status, said) = super::post(&house, "shop", TOKEN, body.as_bytes(), "").await;
        assert_eq!(status, 200, "{said}");
    }
    house.payment_is("shop/p2", "credited").await;
    held_for(&house, "unreadable", "does not know it").await;
    until("p1 is ignored", || async {
        let all = house.json(&["events", "list", "--json"]);
        let ignored = |event: &&Value| event["outcome"] == "ignored" && event["reason"].as_str().is_some();
        all.as_array().unwrap().iter().find(ignored).cloned()
    })
    .await;
    assert_eq!(moved(&house).await[CHANNEL], (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_said_before_anything_starts() {
    let keyless = sources(1).replace(&format!("api_key = \"{KEY}\"\n"), "");
    let house = House::new("embedded", None, &keyless).await;
    for command in ["check", "run", "work", "serve"] {
        let output = house.command(&[command]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("sources.mollie.api_key is missing"), "{command}: {said}");
    }
}

/// A plan said *skip* of what was granted before, without asking; its replay asked, and moved the days.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_asks_the_api_as_its_replay_will() {
    let [port] = free_ports();
    let mut house = house(&sources(port)).await;
    let shop = Shop::new(Says::json(&payment("tr_1", "paid", "0.00")));
    let _api = shop.open(port).await;
    house.start("run").await;
    assert!(house.command(&["pause", "--reason", "to look"]).status.success());
    call(&house, "tr_1").await;
    house.payment_is("mollie/tr_1", "planned").await;
    shop.of_all(Says::json(&payment("tr_1", "paid", "9.00")));
    let plan = || house.json(&["replay", "plan", "--payment", "mollie/tr_1", "--json"]);
    // Granted, and nothing of a refund is recorded; the answer of today has one.
    let asked = plan();
    assert_ne!(asked["payments"][0]["reason"], "already planned", "{asked:#}");
    call(&house, "tr_1").await;
    house.payment_is("mollie/tr_1", "held").await;
    let closed = plan();
    assert_eq!(
        (&closed["totals"]["skip"], &closed["totals"]["extend"]),
        (&json!(1), &json!(0)),
        "{closed:#}"
    );

    // The refund failed, and nobody called.
    shop.of_all(Says::json(&payment("tr_1", "paid", "0.00")));
    let opened = plan();
    assert_eq!(
        (&opened["totals"]["extend"], &opened["totals"]["days"]),
        (&json!(1), &json!(30)),
        "{opened:#}"
    );
    assert!(house.command(&["resume"]).status.success());
    let apply = house.command(&["replay", "apply", opened["hash"].as_str().unwrap()]);
    assert!(apply.status.success(), "{apply:?}");
    house.payment_is("mollie/tr_1", "credited").await;
    assert_eq!(moved(&house).await[CHANNEL], (1, 30));
}

/// Two calls at once: the first question is answered last, by what the payment was before it was refunded.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_answer_that_comes_last_forgets_no_refund() {
    let (asked, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let [port] = free_ports();
    let api = {
        let (asked, answered) = (asked.clone(), answered.clone());
        Api::start_at(port, move |_| {
            let (asked, answered) = (asked.clone(), answered.clone());
            async move {
                let refunded = match asked.fetch_add(1, Ordering::SeqCst) {
                    0 => {
                        answered.notified().await;
                        "0.00"
                    }
                    _ => "9.00",
                };
                Answer::of(200, payment("tr_1", "paid", refunded).to_string())
            }
        })
        .await
    };
    let mut house = house(&sources(port)).await;
    house.start("run").await;
    call(&house, "tr_1").await;
    until("the first question is asked", || async { (!api.asked().is_empty()).then_some(()) }).await;
    call(&house, "tr_1").await;
    held_for(&house, "refunded", "9").await;
    answered.notify_one();
    until("both calls are recorded", || async {
        let whole = house.json(&["payments", "show", "mollie/tr_1", "--json"]);
        (outcomes(&whole).len() == 2).then_some(())
    })
    .await;
    held_for(&house, "refunded", "9").await;
    assert_eq!(facts(&house).await["out"][0]["amount"], json!({"total": 900}));
    assert!(moved(&house).await.get(CHANNEL).is_none_or(|(calls, _)| *calls == 0), "no days move");
    assert_eq!(house.stop("run").await, Some(0));
}
