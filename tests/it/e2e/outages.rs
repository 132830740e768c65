//! Outages shout: one ERROR line, a metric, readiness that names what is away; and what does not need the part that is
//! away goes on.

use serde_json::{Value, json};

use crate::support::{
    daybridge::House,
    metrics::Metrics,
    postgres::{Own, Postgres},
    rabbitmq::{Broker, free_ports},
    sql::Sql,
    wait::{soon, until},
};

const CHANNELS: [&str; 4] = ["DEMOCH-AB12A", "DEMOCH-AB12B", "DEMOCH-AB12C", "DEMOCH-AB12D"];

async fn house(extra: &str) -> House {
    let mut house = House::build("embedded", None, extra).await;
    channels(&house).await;
    house.start("run").await;
    house
}

async fn channels(house: &House) {
    for channel in CHANNELS {
        house.sim("channels", json!({"id": channel, "days": 10, "mode": "live"})).await;
    }
}

async fn pay(house: &House, n: usize) -> String {
    let event = House::event(
        "charge.succeeded",
        &format!("evt_{n}"),
        &format!("pi_{n}"),
        CHANNELS[n % CHANNELS.len()],
        "30",
    );
    assert_eq!(house.post(&event).await, 200);
    format!("stripe/pi_{n}")
}

/// The ERROR lines that say that no call is made, of one cause.
fn alarms(house: &House, process: &str, cause: &str) -> Vec<Value> {
    let mut lines = house.lines(process, "ERROR");
    lines.retain(|line| line["cause"] == cause && said(line).starts_with("no call is made"));
    lines
}

/// The INFO lines that say that calls go on.
fn ends(house: &House, process: &str, cause: &str) -> usize {
    let lines = house.lines(process, "INFO");
    lines.iter().filter(|line| line["cause"] == cause && said(line).contains("calls go on")).count()
}

fn said(line: &Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}

async fn metrics(house: &House, role: &str) -> Metrics {
    let (status, text) = house.look(role, "/metrics").await.unwrap();
    assert_eq!(status, 200);
    Metrics::read(&text)
}

fn ok(house: &House, arguments: &[&str]) {
    let output = house.command(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_days_is_said_once_with_what_waits() {
    const HOLD: &str = "daybridge_account_hold{account=\"main\",cause=\"balance\"}";
    const WAITING: &str = "daybridge_waiting_transfers{cause=\"balance\"}";
    let mut house = house("").await;
    let before = metrics(&house, "run").await;
    assert_eq!((before.get(HOLD), before.get(WAITING)), (Some(0.0), Some(0.0)));

    house.sim("balance", json!({"days": 20})).await;
    let first = pay(&house, 0).await;
    house.payment_is(&first, "held").await;
    let line = until("it is said", || async { alarms(&house, "run", "balance").pop() }).await;
    assert_eq!((&line["transfers"], &line["days"]), (&json!(1), &json!(30)), "{line}");
    assert!(line["reason"].as_str().unwrap().contains("below 30 days"), "{line}");
    let steps = house.lines("run", "WARN");
    let step = steps.iter().find(|line| line["message"] == "transfer").expect("the held transfer warns");
    assert_eq!((&step["state"], &step["cause"]), (&json!("held"), &json!("balance")), "{step}");
    assert!(step["reason"].as_str().unwrap().contains("too little balance"), "{step}");

    for n in 1..4 {
        house.payment_is(&pay(&house, n).await, "planned").await;
    }
    let now = metrics(&house, "run").await;
    assert_eq!((now.get(HOLD), now.get(WAITING)), (Some(1.0), Some(4.0)), "{}", now.text);
    assert_eq!(now.get("daybridge_waiting_channeldays{cause=\"balance\"}"), Some(120.0));
    assert_eq!(now.get("daybridge_waiting_transfers{cause=\"due\"}"), Some(0.0));
    assert_eq!(now.get("daybridge_held{kind=\"transfer\",cause=\"balance\"}"), Some(1.0));
    assert_eq!(now.get("daybridge_held_channeldays{kind=\"transfer\",cause=\"balance\"}"), Some(30.0));
    assert!(now.get("daybridge_oldest_open_age_seconds").unwrap() > 0.0);

    // A worker that starts while the hold stands says so once, with all that waits by now.
    house.stop("run").await;
    house.start("run").await;
    let line = until("it is said again", || async {
        let lines = alarms(&house, "run", "balance");
        (lines.len() == 2).then(|| lines[1].clone())
    })
    .await;
    assert_eq!((&line["transfers"], &line["days"]), (&json!(4), &json!(120)), "{line}");

    house.sim("balance", json!({"days": 1000})).await;
    ok(&house, &["held", "retry", "stripe/pi_0#1", "--reason", "topped up"]);
    for n in 0..4 {
        house.payment_is(&format!("stripe/pi_{n}"), "credited").await;
    }
    until("its end is said", || async { (ends(&house, "run", "balance") == 1).then_some(()) }).await;
    assert_eq!(alarms(&house, "run", "balance").len(), 2, "{}", house.log("run"));
    let after = metrics(&house, "run").await;
    assert_eq!((after.get(HOLD), after.get(WAITING)), (Some(0.0), Some(0.0)));
    assert_eq!(after.get("daybridge_moved_channeldays_total{account=\"main\"}"), Some(120.0));
    assert_eq!(after.get("daybridge_accepted_to_credited_seconds_count"), Some(4.0));
    assert_eq!(
        after.get("daybridge_partner_call_seconds_count{call=\"extend\",end=\"accepted\"}"),
        Some(4.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_said_once() {
    let broker = Broker::shared();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), None, "").await;
    channels(&house).await;
    house.start("serve").await;
    house.start_as("work", "work", &[("DAYBRIDGE_PARTNER__TOKEN", "an-expired-token".into())]).await;
    house.ready("work").await;
    let first = pay(&house, 0).await;
    let line = until("it is said", || async { alarms(&house, "work", "unauthorized").pop() }).await;
    assert_eq!((&line["transfers"], &line["days"]), (&json!(1), &json!(30)), "{line}");
    let hold = "daybridge_account_hold{account=\"main\",cause=\"unauthorized\"}";
    assert_eq!(metrics(&house, "work").await.get(hold), Some(1.0));
    assert_eq!(house.stop("work").await, Some(0));
    assert_eq!(alarms(&house, "work", "unauthorized").len(), 1);
    house.start("work").await;
    house.payment_is(&first, "credited").await;
    until("the end is seen", || async {
        (metrics(&house, "work").await.get(hold) == Some(0.0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_and_the_brake_are_said_once() {
    let house = house("[brake]\nmultiple = 2\naccount_days_min = 1000\nchannel_days_min = 60").await;
    ok(&house, &["pause", "--reason", "the bank called"]);
    let line = until("the pause is said", || async { alarms(&house, "run", "operator").pop() }).await;
    assert_eq!((&line["scope"], &line["reason"]), (&json!("all"), &json!("the bank called")), "{line}");
    assert_eq!(line["transfers"], 0, "{line}");
    pay(&house, 0).await;
    until("what it keeps back is counted", || async {
        let now = metrics(&house, "run").await;
        assert_eq!(now.get("daybridge_pauses{cause=\"operator\"}"), Some(1.0));
        (now.get("daybridge_waiting_transfers{cause=\"operator\"}") == Some(1.0)).then_some(())
    })
    .await;
    ok(&house, &["resume", "--reason", "it was nothing"]);
    until("its end is said", || async { (ends(&house, "run", "operator") == 1).then_some(()) }).await;
    house.payment_is("stripe/pi_0", "credited").await;

    // The same channel again and again.
    for n in [4, 8] {
        pay(&house, n).await;
    }
    let line = until("the brake is said", || async { alarms(&house, "run", "brake").pop() }).await;
    assert_eq!(line["scope"], format!("channel:main/{}", CHANNELS[0]), "{line}");
    assert_eq!((&line["transfers"], &line["days"]), (&json!(1), &json!(30)), "{line}");
    let now = metrics(&house, "run").await;
    assert_eq!(now.get("daybridge_pauses{cause=\"brake\"}"), Some(1.0));
    assert_eq!(now.get("daybridge_waiting_transfers{cause=\"brake\"}"), Some(1.0));
    ok(&house, &["resume", "--channel", CHANNELS[0], "--reason", "a real customer"]);
    house.payment_is("stripe/pi_8", "credited").await;
    until("its end is said", || async { (ends(&house, "run", "brake") == 1).then_some(()) }).await;
    assert_eq!((alarms(&house, "run", "operator").len(), alarms(&house, "run", "brake").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_circuit_breaker_is_said_once() {
    let house = house("[worker]\nbreaker_unclear_max = 2\nbreaker_pause = \"1s\"").await;
    for channel in &CHANNELS[..2] {
        house.sim("faults", json!({"method": "extend", "channel": channel, "kind": "reset"})).await;
    }
    for n in 0..2 {
        pay(&house, n).await;
    }
    let line = until("it is said", || async { alarms(&house, "run", "breaker").pop() }).await;
    assert_eq!(line["account"], "main", "{line}");
    let doubtful = house.lines("run", "INFO");
    let doubtful = doubtful.iter().find(|line| line["state"] == "doubtful").expect("a doubtful step");
    assert!(doubtful["cause"] == "outcome_unknown" && doubtful["reason"].is_string(), "{doubtful}");
    until("its end is said", || async { (ends(&house, "run", "breaker") == 1).then_some(()) }).await;
    assert_eq!(metrics(&house, "run").await.get("daybridge_breaker_open"), Some(0.0));
    assert_eq!(alarms(&house, "run", "breaker").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_taken_before_the_ledger_is_there() {
    let own = tokio::task::spawn_blocking(Own::stopped).await.unwrap();
    let hash = daybridge::console::password::hash("correct horse battery").unwrap();
    let user = format!("[console.users.ada]\npassword = \"{hash}\"\nrole = \"operator\"\n");
    let mut house = House::new("embedded", Some(&own.url()), &user).await;
    channels(&house).await;
    house.start_as("run", "run", &[]).await;
    until("the process lives", || async { (house.look("run", "/healthz").await?.0 == 204).then_some(()) })
        .await;
    let away = until("readiness answers", || async { house.look("run", "/readyz").await }).await;
    assert_eq!(away.0, 503);
    let told: Value = serde_json::from_str(&away.1).unwrap();
    assert_eq!(told, json!({"ready": false, "away": "ledger", "parts": {"queue": true, "ledger": false}}));
    for path in ["/", "/payments", "/login", "/no-such-page"] {
        let (status, page) = house.look("run", path).await.unwrap();
        assert_eq!(status, 503, "{path}");
        assert!(page.contains("the ledger is away"), "{path}: {page}");
    }
    let first = pay(&house, 0).await;
    let now = metrics(&house, "run").await;
    assert_eq!(now.get("daybridge_up{part=\"ledger\"}"), Some(0.0));
    assert_eq!(now.get("daybridge_up{part=\"queue\"}"), Some(1.0));
    assert_eq!(now.get("daybridge_queue_depth{queue=\"events\"}"), Some(1.0));
    assert_eq!(now.get("daybridge_oldest_open_age_seconds"), None);
    let shouts = || house.lines("run", "ERROR").iter().filter(|l| said(l).contains("ledger is away")).count();
    assert_eq!(shouts(), 1, "{}", house.log("run"));

    let own = started(own).await;
    house.ready("run").await;
    house.payment_is(&first, "credited").await;
    assert_eq!(house.look("run", "/login").await.unwrap().0, 200);
    let now = metrics(&house, "run").await;
    assert_eq!(now.get("daybridge_up{part=\"ledger\"}"), Some(1.0));
    assert_eq!(now.get("daybridge_moved_channeldays_total{account=\"main\"}"), Some(30.0));

    // Away again: its gauges go, and the rest stays.
    let own = tokio::task::spawn_blocking(move || {
        own.stop();
        own
    })
    .await
    .unwrap();
    let now = metrics(&house, "run").await;
    assert_eq!(now.get("daybridge_up{part=\"ledger\"}"), Some(0.0));
    let gone: Vec<&str> =
        now.text.lines().filter(|line| line.contains("_held") || line.contains("_moved_")).collect();
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(house.look("run", "/healthz").await.unwrap().0, 204);
    assert_eq!(house.look("run", "/readyz").await.unwrap().0, 503);
    let second = pay(&house, 1).await;
    let _own = started(own).await;
    house.payment_is(&second, "credited").await;
    assert_eq!(house.applied(&first).await, 1);
}

async fn started(own: Own) -> Own {
    let start = tokio::task::spawn_blocking(move || {
        own.start();
        own
    });
    start.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_answers_for_what_it_needs() {
    let own = tokio::task::spawn_blocking(Own::stopped).await.unwrap();
    let broker = Broker::shared();
    let mut house = House::new(&broker.amqp_url(&broker.new_vhost()), Some(&own.url()), "").await;
    house.start("serve").await;
    assert_eq!(metrics(&house, "serve").await.get("daybridge_up{part=\"ledger\"}"), None);
    house.start_as("work", "work", &[]).await;
    until("the worker lives", || async { (house.look("work", "/healthz").await?.0 == 204).then_some(()) })
        .await;
    until("the queue is there, the ledger is not", || async {
        let (status, text) = house.look("work", "/readyz").await?;
        assert_eq!(status, 503);
        (serde_json::from_str::<Value>(&text).ok()?["away"] == "ledger").then_some(())
    })
    .await;
    // Stopped while it waits is no failure.
    assert_eq!(house.stop("work").await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_no_wait_mends_ends_the_process() {
    let newer = Postgres::url_of_new_database();
    let foreign = Postgres::url_of_new_database();
    let mut house = House::build("embedded", Some(&newer), "").await;
    for (url, statement) in [
        (&newer, "UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1"),
        (&foreign, "CREATE TABLE events (theirs BIGINT)"),
    ] {
        Sql::open(url).await.execute(statement).await;
    }
    for (name, url, words) in [
        ("newer", newer, "written by a newer daybridge"),
        ("foreign", foreign, "cannot be made"),
        ("mistyped", "postgres://daybridge@127.0.0.1:port/x".to_owned(), "URL cannot be used"),
    ] {
        house.start_as(name, "run", &[("DAYBRIDGE_LEDGER__URL", url)]).await;
        assert_eq!(soon(&format!("{name} ends"), house.ended(name)).await, Some(1));
        assert!(house.log(name).contains(words), "{}", house.log(name));
    }
}

/// Whoever alerts on a metric must be able to read what it is, and must not wait for one that does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_documented_and_there_from_the_start() {
    let house = house("").await;
    let all = metrics(&house, "run").await;
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/docs/metrics.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.map(|row| row.split(['{', '`']).next().unwrap());
    let documented: std::collections::BTreeSet<String> = names
        .filter(|name| name.starts_with("daybridge_") || name.starts_with("process_"))
        .map(str::to_owned)
        .collect();
    // Without a management API nobody sees policies, and a source without an API key has no list.
    let not_here = [
        "daybridge_queue_policies_that_lose",
        "daybridge_backfill_cursor_age_seconds",
        "daybridge_backfill_failed_total",
        // Nobody has said what is on the balance.
        "daybridge_balance_channeldays",
        "daybridge_balance_runway_seconds",
    ];
    let mut here = all.families();
    here.extend(not_here.map(str::to_owned));
    assert_eq!(here, documented);
    for series in [
        "daybridge_refused_total{source=\"stripe\",reason=\"signature_no_match\"}",
        "daybridge_recorded_total{outcome=\"held\"}",
        "daybridge_partner_call_seconds_count{call=\"extend\",end=\"unclear\"}",
        "daybridge_held{kind=\"payment\",cause=\"channel_missing\"}",
        "daybridge_accepted_to_credited_seconds_bucket{le=\"+Inf\"}",
    ] {
        assert_eq!(all.get(series), Some(0.0), "{series}");
    }
    assert_eq!(all.get("daybridge_last_delivery_age_seconds{source=\"stripe\"}"), Some(f64::INFINITY));
    let rules = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/prometheus/daybridge.rules.yml"
    ))
    .unwrap();
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let used =
        rules.split(word).filter(|word| word.starts_with("daybridge_") || word.starts_with("process_"));
    for name in used {
        let family = ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| name.trim_end_matches(end));
        assert!(documented.contains(family), "{name} is no metric");
    }
}

/// Each try to connect had a WARN line, and no ERROR told of the outage.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_said_once() {
    const SEVERAL_TRIES: std::time::Duration = std::time::Duration::from_secs(3);
    let [nobody] = free_ports();
    let mut house = House::new(&format!("amqp://guest:guest@127.0.0.1:{nobody}/%2f"), None, "").await;
    house.start_as("serve", "serve", &[]).await;
    let down = || {
        let mut lines = house.lines("serve", "ERROR");
        lines.retain(|line| said(line) == "publishing connection is down");
        lines
    };
    until("it is said", || async { (!down().is_empty()).then_some(()) }).await;
    assert!(down()[0]["next"].as_str().unwrap().contains("daybridge check"));
    let event = House::event("charge.succeeded", "evt_1", "pi_1", CHANNELS[0], "30");
    assert_eq!(house.post(&event).await, 503);
    // Each HTTP thread has a publisher, which says it for itself.
    tokio::time::sleep(SEVERAL_TRIES).await;
    let all = down().len();
    tokio::time::sleep(SEVERAL_TRIES).await;
    assert_eq!(down().len(), all);
}
