//! An operator's slips at three in the morning: what is mistyped is refused, what cannot be taken back is asked.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{daybridge::House, wait::until};

const BINARY: &str = env!("CARGO_BIN_EXE_daybridge");
const CHANNEL: &str = "DEMOCH-AB12C";

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must be refused as wrong usage.
fn usage(house: &House, arguments: &[&str]) -> String {
    let output = house.command(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", told(&output));
    told(&output)
}

async fn credited(extra: &str) -> House {
    let mut house = House::build("embedded", None, extra).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", CHANNEL, "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;
    house
}

/// Each of these said that nothing was there, and exit 0.
#[tokio::test(flavor = "multi_thread")]
async fn a_typo_is_refused_with_the_words_and_the_nearest() {
    let house = credited("").await;
    for (arguments, words) in [
        (&["held", "list", "--cause", "balanc"][..], &["balance", "before_ledger", "similar"][..]),
        (&["held", "retry", "--cause", "balanc"], &["balance", "similar"]),
        (&["payments", "list", "--state", "creditd"], &["credited", "doubtful", "similar"]),
        (&["transfers", "list", "--state", "hled"], &["held", "settled", "similar"]),
        (&["events", "list", "--outcome", "duplicat"], &["duplicate", "ignored", "similar"]),
        (&["events", "list", "--trigger", "webhok"], &["webhook", "backfill", "similar"]),
        (&["replay", "plan", "--state", "hled"], &["held", "similar"]),
        (&["replay", "plan", "--trigger", "replays"], &["replay", "similar"]),
        (&["payments", "list", "--source", "strpe"], &["did you mean \"stripe\"?"]),
        (&["events", "list", "--source", "strpe"], &["did you mean \"stripe\"?"]),
        (&["replay", "plan", "--source", "strpe"], &["did you mean \"stripe\"?"]),
        (&["reconcile", "--source", "strpe", "--since", "1day"], &["did you mean \"stripe\"?"]),
        (&["send", "--source", "strpe", "--channel", "C", "--days", "1"], &["did you mean \"stripe\"?"]),
        (&["payments", "list", "--channel", "DEMOCH-AB21C"], &[CHANNEL]),
        (&["transfers", "list", "--channel", "DEMOCH-AB21C"], &[CHANNEL]),
        (&["channels", "list", "--channel", "DEMOCH-AB21C"], &[CHANNEL]),
        (&["replay", "plan", "--channel", "DEMOCH-AB21C"], &[CHANNEL]),
        (&["channels", "list", "--mode", "trail"], &["trial", "did you mean \"trial\"?"]),
        (&["payments", "list", "--limit", "0"], &["1.."]),
        (&["held", "list", "--limit", "0"], &["1.."]),
        (&["audit", "list", "--limit", "0"], &["1.."]),
    ] {
        let text = usage(&house, arguments);
        for word in words {
            assert!(text.contains(word), "{arguments:?}: {word} is not in {text}");
        }
    }
    let rows = house.json(&[
        "payments",
        "list",
        "--state",
        "credited",
        "--source",
        "stripe",
        "--channel",
        CHANNEL,
        "--json",
    ]);
    assert_eq!(rows.as_array().unwrap().len(), 1);
}

/// It made an empty ledger in whatever folder it was typed, and said that nothing waits.
#[tokio::test(flavor = "multi_thread")]
async fn reading_makes_no_ledger_and_paths_count_from_the_settings() {
    let house = House::new("embedded", None, "").await;
    house.set(
        &format!("sqlite:{}/ledger.db", house.path("").display().to_string().trim_end_matches('/')),
        "sqlite:ledger.db",
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let settings = house.path("daybridge.toml").display().to_string();
    let from_elsewhere = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(["--config", &settings]).args(arguments).current_dir(elsewhere.path());
        command.env("RUST_LOG", "off").stdin(Stdio::null()).output().unwrap()
    };
    let place = house.path("ledger.db").display().to_string();
    for arguments in [
        &["held", "list"][..],
        &["payments", "list", "--json"],
        &["payments", "show", "pi_1"],
        &["transfers", "list"],
        &["events", "list"],
        &["channels", "list"],
        &["audit", "list"],
        &["pauses"],
        &["pause"],
        &["replay", "list"],
        &["ledger", "prune", "--before", "180days", "--yes", "0"],
        &["ledger", "failover", "--nothing-lost"],
        &["ledger", "restored", "--undo"],
        &["ledger", "restored", "--since", "1h", "--dry-run"],
        &["held", "cancel", "x", "--reason", "x", "--yes", "1"],
    ] {
        let output = from_elsewhere(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(&format!("no ledger at {place}")), "{arguments:?}: {}", told(&output));
    }
    let check = told(&from_elsewhere(&["check"]));
    assert!(check.contains("ledger    not there yet") && check.contains(&place), "{check}");
    assert!(!house.path("ledger.db").exists());
    let asked = from_elsewhere(&["ledger", "restored", "--since", "1h"]);
    assert_eq!(asked.status.code(), Some(2), "{}", told(&asked));
    assert!(told(&asked).contains(&format!("make a new ledger at {place}")), "{}", told(&asked));
    assert!(!house.path("ledger.db").exists(), "nothing was meant yet");

    let adopted = from_elsewhere(&["ledger", "adopt", "--since", "1day"]);
    assert!(adopted.status.success(), "{}", told(&adopted));
    assert!(told(&adopted).contains(&format!("there was no ledger at {place}: a new one was made")));
    assert!(house.path("ledger.db").exists());
    let nothing = from_elsewhere(&["held", "list"]);
    assert_eq!((nothing.status.code(), &*told(&nothing)), (Some(0), "nothing waits for a person\n"));
    assert!(fs::read_dir(elsewhere.path()).unwrap().next().is_none(), "nothing was made where it was typed");

    // A ledger that an earlier version has made in the working directory is not left behind unsaid.
    fs::rename(house.path("ledger.db"), elsewhere.path().join("ledger.db")).unwrap();
    let left = from_elsewhere(&["payments", "list"]);
    assert_eq!(left.status.code(), Some(2), "{}", told(&left));
    let whole = elsewhere.path().join("ledger.db").display().to_string();
    assert!(told(&left).contains(&whole) && told(&left).contains("ledger.url"), "{}", told(&left));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_is_asked() {
    let mut house = House::build("embedded", None, "").await;
    house.start("run").await;
    for name in ["1", "2"] {
        let body =
            House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), "NOSUCH-Z", "30");
        assert_eq!(house.post(&body).await, 200);
        house.payment_is(&format!("stripe/pi_{name}"), "held").await;
    }
    let (one, both) = ("stripe/pi_1#1", ["stripe/pi_1#1", "stripe/pi_2#1"]);
    let no_reason = usage(&house, &["held", "cancel", one]);
    assert!(no_reason.contains("--reason"), "{no_reason}");
    let asked = usage(&house, &["held", "cancel", one, "--reason", "a test"]);
    for part in ["--yes 1", "30 days in all", "the oldest of 20"] {
        assert!(asked.contains(part), "{part} is not in {asked}");
    }
    let asked = usage(&house, &["held", "cancel", "--cause", "channel_unknown", "--reason", "a test"]);
    assert!(asked.contains("--yes 2") && asked.contains("60 days in all"), "{asked}");
    let dry = house.command(&["held", "cancel", both[0], both[1], "--reason", "a test", "--dry-run"]);
    assert!(dry.status.success() && told(&dry).contains("60 days in all"), "{}", told(&dry));
    let wrong = house.command(&["held", "cancel", one, "--reason", "a test", "--yes", "2"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(house.json(&["held", "list", "--json"]).as_array().unwrap().len(), 2, "nothing was changed");
    let done = house.command(&["held", "cancel", one, "--reason", "a test", "--yes", "1"]);
    assert!(done.status.success(), "{}", told(&done));
    assert_eq!(house.json(&["payments", "show", "pi_1", "--json"])["state"], "cancelled");

    let young = usage(&house, &["ledger", "prune", "--before", "1day", "--yes", "0"]);
    assert!(young.contains("at least 30 days back"), "{young}");
    let asked = usage(&house, &["ledger", "prune", "--before", "31days"]);
    assert!(asked.contains("--yes 0") && asked.contains("never be replayed"), "{asked}");
    let done = house.command(&["ledger", "prune", "--before", "31days", "--yes", "0"]);
    assert!(done.status.success(), "{}", told(&done));

    // It rests between two turns, and holds no lease.
    let declare = ["ledger", "restored", "--since", "1h", "--yes", "1"];
    let runs = house.command(&declare);
    assert_eq!(runs.status.code(), Some(1), "{}", told(&runs));
    assert!(told(&runs).contains("a worker runs: process"), "{}", told(&runs));
    // One that was killed here is known to have ended.
    house.kill("run");
    let asked = usage(&house, &["ledger", "restored", "--since", "1h"]);
    assert!(asked.contains("--yes 1") && asked.contains("30 days in all"), "{asked}");
    let dry = house.json(&["ledger", "restored", "--since", "1h", "--dry-run", "--json"]);
    assert_eq!((&dry["count"], &dry["days"]), (&json!(1), &json!(30)), "{dry:#}");
    let done = house.command(&declare);
    assert!(done.status.success() && told(&done).contains("--undo"), "{}", told(&done));
    let row = house.json(&["payments", "show", "pi_2", "--json"]);
    assert_eq!((&row["state"], &row["cause"]), (&json!("held"), &json!("restored")), "{row:#}");
    let undone = house.json(&["ledger", "restored", "--undo", "--json"]);
    assert_eq!(undone["released"], 1, "{undone:#}");
    let row = house.json(&["payments", "show", "pi_2", "--json"]);
    assert_eq!((&row["state"], &row["cause"]), (&json!("held"), &json!("channel_unknown")), "{row:#}");
    house.start("run").await;
    assert_eq!(house.stop("run").await, Some(0));
    let rested = house.command(&["ledger", "restored", "--since", "1h", "--yes", "1"]);
    assert!(rested.status.success(), "one that was stopped has said so: {}", told(&rested));
}

/// What a terminal acts on.
fn acts(text: &str) -> Option<char> {
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().find(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || turns(*c))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_outside_reaches_a_terminal() {
    const NASTY: &str = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}evil\u{2066}\r";
    let mut house = House::build("embedded", None, "").await;
    house.start("run").await;
    let body = House::event("charge.succeeded", "evt_1", "pi_1", "CHANGED", "30");
    let mut event: Value = serde_json::from_slice(&body).unwrap();
    event["data"]["object"]["metadata"]["channel_id"] = json!(NASTY);
    event["data"]["object"]["customer"] = json!(format!("cus{NASTY}"));
    let body = serde_json::to_vec(&event).unwrap();
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_1", "held").await;
    // A name in the event: its id and type are words of the wire, too.
    event["id"] = json!(format!("evt{NASTY}"));
    event["type"] = json!(format!("charge.succeeded{NASTY}"));
    house.post(&serde_json::to_vec(&event).unwrap()).await;
    for arguments in [
        &["payments", "list"][..],
        &["payments", "list", "--json"],
        &["payments", "show", "pi_1"],
        &["payments", "show", "pi_1", "--json"],
        &["payments", "list", "--customer", &format!("cus{NASTY}")],
        &["payments", "show", &format!("no{NASTY}")],
        &["transfers", "list"],
        &["events", "list"],
        &["events", "list", "--json"],
        &["events", "show", "evt_1"],
        &["events", "show", "evt_1", "--json"],
        &["held", "list"],
        &["held", "show", "stripe/pi_1"],
        &["held", "show", &format!("no{NASTY}")],
        &["held", "cancel", "stripe/pi_1", "--reason", NASTY],
        &["held", "cancel", "stripe/pi_1", "--reason", NASTY, "--yes", "1"],
        &["audit", "list"],
        &["channels", "list"],
        &["replay", "plan", "--payment", "pi_1"],
        &["check"],
    ] {
        let text = told(&house.command(arguments));
        assert_eq!(acts(&text), None, "{arguments:?}: {text:?}");
    }
    let shown = told(&house.command(&["events", "show", "evt_1"]));
    assert!(shown.contains("body"), "{shown}");
    let raw = house.command(&["events", "show", "evt_1", "--raw"]);
    assert_eq!(raw.stdout, body, "byte for byte");
    let rows = house.json(&["payments", "list", "--json"]);
    assert_eq!(rows[0]["customer"], format!("cus{NASTY}"), "JSON means what was received");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_wrong_place_is_told_and_not_shown() {
    const SECRET: &str = "whsec_put0here1by2mistake3";
    let house = House::new("embedded", None, "").await;
    let file = house.path("daybridge.toml");
    let text = fs::read_to_string(&file).unwrap();
    let secrets = text.lines().find(|line| line.starts_with("secrets")).unwrap().to_owned();
    for (written, warned) in [
        (format!("secrets = [{{ env = \"{SECRET}\" }}]"), "is it the secret itself?"),
        (format!("secrets = [{{ file = \"{SECRET}\" }}]"), "begins like a secret"),
        (format!("secrets = [\"${SECRET}\"]"), "no variable is read"),
        ("secrets = [\"sk_live_put0here\"]".to_owned(), "does not begin with whsec_"),
    ] {
        fs::write(&file, text.replace(&secrets, &written)).unwrap();
        let check = told(&house.command(&["check"]));
        assert!(check.contains(warned), "{written}: {check}");
        let serve = Command::new("timeout")
            .args(["2", BINARY, "serve"])
            .current_dir(house.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(told(&serve).contains(warned), "{written}: {}", told(&serve));
        for text in [check, told(&serve)] {
            assert!(!text.contains(SECRET) && !text.contains("put0here"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_alone_are_settings_and_a_typo_in_one_is_its() {
    let folder = tempfile::tempdir().unwrap();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(folder.path()).env("RUST_LOG", "off").stdin(Stdio::null());
        command.envs(variables.iter().copied()).output().unwrap()
    };
    let whole = [
        ("DAYBRIDGE_LEDGER__URL", "sqlite:l.db"),
        ("DAYBRIDGE_PARTNER__BASE_URL", "http://127.0.0.1:9"),
        ("DAYBRIDGE_PARTNER__TOKEN", "x"),
        ("DAYBRIDGE_SOURCES__STRIPE__PROVIDER", "stripe"),
        ("DAYBRIDGE_SOURCES__STRIPE__SECRETS", "[{ env = \"STRIPE_WEBHOOK_SECRET\" }]"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_x"),
    ];
    let adopted = run(&whole, &["ledger", "adopt", "--since", "1day"]);
    assert!(adopted.status.success(), "{}", told(&adopted));
    assert!(folder.path().join("l.db").exists(), "relative paths count from the working directory");
    let check = told(&run(&whole, &["check"]));
    assert!(check.contains("ok    sources") && check.contains("ok    ledger"), "{check}");
    assert!(check.contains("ok    brake     main pauses above 3000 days in an hour"), "{check}");
    for (name, value, want) in [
        ("DAYBRIDGE_QUEUE__ULR", "embedded", "did you mean DAYBRIDGE_QUEUE__URL?"),
        ("DAYBRIDGE_QUEUE_URL", "embedded", "with two underscores"),
        ("DAYBRIDGE_SOURCES__STRIPE__SECRET", "x", "did you mean DAYBRIDGE_SOURCES__STRIPE__SECRETS?"),
        ("DAYBRIDGE_CONFIG", "x.toml", "--config"),
        ("DAYBRIDGE_SERVER__THREADS", "many", "expected"),
    ] {
        let mut more = whole.to_vec();
        more.push((name, value));
        let output = run(&more, &["check"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", told(&output));
        assert!(told(&output).contains(&format!("variable {name}")), "{name}: {}", told(&output));
        assert!(told(&output).contains(want), "{name}: {}", told(&output));
    }
    let nothing = run(&[], &["check"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(
        told(&nothing).contains("--config") && told(&nothing).contains("DAYBRIDGE_"),
        "{}",
        told(&nothing)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn send_tells_the_payment_and_waits_for_what_becomes_of_it() {
    let house = credited("").await;
    let send = |more: &[&str]| {
        let most = ["send", "--source", "stripe", "--channel", CHANNEL, "--days", "5"];
        house.command(&[&most[..], more].concat())
    };
    let sent = send(&["--payment", "pi_sent", "--event", "evt_sent"]);
    assert!(told(&sent).contains("payment pi_sent, event evt_sent"), "{}", told(&sent));
    let sent = send(&["--wait"]);
    assert!(sent.status.success() && told(&sent).contains("credited"), "{}", told(&sent));
    let again = send(&["--payment", "pi_1", "--event", "evt_again", "--wait", "30s"]);
    assert!(
        again.status.success() && told(&again).contains("stripe/pi_1  duplicate: already credited"),
        "{}",
        told(&again)
    );
    let held =
        house.command(&["send", "--source", "stripe", "--channel", "NOSUCH-Z", "--days", "5", "--wait"]);
    assert_eq!(held.status.code(), Some(1), "{}", told(&held));
    assert!(told(&held).contains("held: "), "{}", told(&held));
    let file = house.path("body.json");
    fs::write(&file, House::event("charge.succeeded", "evt_f", "pi_file", CHANNEL, "2")).unwrap();
    let filed = house.command(&["send", "--source", "stripe", "--file", file.to_str().unwrap(), "--wait"]);
    assert!(filed.status.success() && told(&filed).contains("stripe/pi_file  credited"), "{}", told(&filed));

    // Without certificates to trust: this machine needs none, and elsewhere it is said why.
    let without = |more: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(["send", "--source", "stripe", "--channel", CHANNEL, "--days", "5"]).args(more);
        command.env("SSL_CERT_FILE", "/nowhere").env("SSL_CERT_DIR", "/nowhere").env("RUST_LOG", "off");
        command.current_dir(house.path("")).output().unwrap()
    };
    let local = without(&[]);
    assert!(local.status.success(), "{}", told(&local));
    let plain = format!("https://127.0.0.1:{}", house.server);
    let tls = without(&["--url", &plain]);
    assert_eq!(tls.status.code(), Some(1));
    assert!(
        !told(&tls).ends_with("builder error\n") && told(&tls).to_lowercase().contains("certificate"),
        "{}",
        told(&tls)
    );
    let tls =
        house.command(&["send", "--source", "stripe", "--channel", CHANNEL, "--days", "5", "--url", &plain]);
    let text = told(&tls);
    assert!(
        text.contains("InvalidContentType")
            || text.to_lowercase().contains("tls")
            || text.contains("corrupt"),
        "{text}"
    );
}

/// `daybridge man | head` ended with "Broken pipe", and completions with a panic.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in ["man", "completions bash", "completions zsh", "providers list"] {
        let script = format!("set -o pipefail; {BINARY} {arguments} | head -1 >/dev/null");
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments}: {}", told(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_and_times_are_for_people_and_json_for_programs() {
    let house = credited("").await;
    let shown = told(&house.command(&["payments", "show", "pi_1"]));
    assert!(shown.contains("amount    9.00 USD\n"), "{shown}");
    let whole = house.json(&["payments", "show", "pi_1", "--json"]);
    assert_eq!(
        (&whole["amount"], &whole["currency"], &whole["version"]),
        (&json!(900), &json!("usd"), &json!(1))
    );
    let seen: jiff::Timestamp = whole["first_seen_at_utc"].as_str().unwrap().parse().unwrap();
    assert_eq!(seen.as_millisecond(), whole["first_seen_at"].as_i64().unwrap());
    assert!(
        whole["transfers"][0]["after_utc"].is_string() && whole["events"][0]["received_at_utc"].is_string()
    );
    for row in [&whole, &whole["transfers"][0], &whole["events"][0]] {
        assert!(row.get("cause").is_some_and(Value::is_null), "{row:#}");
    }
    house.json(&["replay", "plan", "--payment", "pi_1", "--json"]);
    let plans = house.json(&["replay", "list", "--json"]);
    assert_eq!(plans[0]["selection"], json!({ "payment": "pi_1" }), "no JSON inside a text");
    let body = House::event("charge.succeeded", "evt_2", "pi_2", "NOSUCH-Z", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_2", "held").await;
    let whole = until("its event is held, too", || async {
        let whole = house.json(&["payments", "show", "pi_2", "--json"]);
        (whole["events"][0]["outcome"] == "held").then_some(whole)
    })
    .await;
    for row in [&whole, &whole["transfers"][0], &whole["events"][0]] {
        assert_eq!(row["cause"], "channel_unknown", "{row:#}");
    }
}

/// The page says which fields there are; programs rest on it.
#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_json_is_documented() {
    let house = credited("").await;
    let body = House::event("charge.succeeded", "evt_2", "pi_2", "NOSUCH-Z", "30");
    assert_eq!(house.post(&body).await, 200);
    house.payment_is("stripe/pi_2", "held").await;
    house.json(&["replay", "plan", "--payment", "pi_2", "--json"]);
    assert!(house.command(&["pause", "--reason", "a look"]).status.success());
    let page = include_str!("../../../deploy/docs/json.md");
    let words: std::collections::BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    for arguments in [
        "payments list",
        "payments show pi_1",
        "transfers list",
        "transfers show stripe/pi_1#1",
        "events list",
        "events show evt_1",
        "channels list",
        "channels sync",
        "customers set cus_1 --channel DEMOCH-AB12C",
        "customers list",
        "held list",
        "settle list",
        "audit list",
        "replay list",
        "replay plan --payment pi_1",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').chain(["--json"]).collect();
        let told = house.json(&arguments);
        assert!(told.as_array().is_none_or(|rows| !rows.is_empty()), "{arguments:?}");
        let mut seen = vec![&told];
        while let Some(value) = seen.pop() {
            match value {
                Value::Array(list) => seen.extend(list),
                Value::Object(fields) => {
                    for (name, value) in fields {
                        let plain = name.strip_suffix("_utc").unwrap_or(name);
                        assert!(
                            words.contains(plain) || plain == "version",
                            "{arguments:?}: {name} is not in the page"
                        );
                        if name != "selection" {
                            seen.push(value);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
