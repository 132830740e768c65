//! A ledger restored from a backup that was taken under load: nothing is credited again, and what the backup does
//! not know waits for a person with Billing History.

use std::{fs, time::Duration};

use daybridge::{clock::now_ms, domain::payment::memory::CLOCKS_APART_MS};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::support::{
    daybridge::{House, now_s},
    postgres::{Dump, Postgres},
    rabbitmq::Broker,
    sql::Sql,
    wait::until,
};

const CHANNELS: [&str; 4] = ["DEMOCH-AAAA1", "DEMOCH-AAAA2", "DEMOCH-AAAA3", "DEMOCH-AAAA4"];

/// Payments of the load: the backup is taken while they come in.
const PAYMENTS: usize = 60;
/// The backup begins after so many.
const BACKUP_AFTER: usize = 25;

enum Backup {
    Sqlite(std::path::PathBuf),
    Postgres(Dump),
}

impl Backup {
    async fn take(house: &House, ledger: Option<&str>) -> Self {
        if let Some(url) = ledger {
            let url = url.to_owned();
            return Self::Postgres(tokio::task::spawn_blocking(move || Dump::of(&url)).await.unwrap());
        }
        let backup = house.path("backup.db");
        let mut raw = Sql::open(&format!("sqlite:{}", house.path("ledger.db").display())).await;
        raw.execute(&format!("VACUUM INTO '{}'", backup.display())).await;
        Self::Sqlite(backup)
    }

    async fn restore(self, house: &House, ledger: Option<&str>) {
        match self {
            Self::Sqlite(backup) => {
                for rest in ["ledger.db-wal", "ledger.db-shm"] {
                    let _ = fs::remove_file(house.path(rest));
                }
                fs::rename(backup, house.path("ledger.db")).unwrap();
            }
            Self::Postgres(dump) => {
                let url = tokio::task::spawn_blocking(move || dump.restore()).await.unwrap();
                house.set(ledger.unwrap(), &url);
            }
        }
    }
}

fn charge(name: &str, channel: &str) -> Vec<u8> {
    House::event("charge.succeeded", &format!("evt_{name}"), &format!("pi_{name}"), channel, "30")
}

/// Paid after the ledger was declared restored, by any clock.
fn later(body: &[u8]) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(body).unwrap();
    let at = json!(now_s() + CLOCKS_APART_MS / 1_000 + 1);
    event["created"] = at.clone();
    event["data"]["object"]["created"] = at;
    event.to_string().into_bytes()
}

fn state(house: &House, payment: &str) -> Value {
    house.json(&["payments", "show", payment, "--json"])["state"].clone()
}

async fn restored_under_load(queue: &str, ledger: Option<String>, roles: &[&str]) {
    let ledger = ledger.as_deref();
    let mut house = House::build(queue, ledger, "").await;
    for channel in CHANNELS {
        house.sim("channels", json!({"id": channel, "days": 3, "mode": "live"})).await;
    }
    for channel in ["DEMOCH-SLOW1", "DEMOCH-DOUBT"] {
        house.sim("channels", json!({"id": channel, "days": 3, "mode": "live"})).await;
    }
    for role in roles {
        house.start(role).await;
    }

    // Before the backup: planned and not called, called and in doubt, held for want of a channel.
    let throttle =
        json!({"method": "extend", "channel": "DEMOCH-SLOW1", "kind": {"throttle": {"retry_after": 8}}});
    house.sim("faults", throttle).await;
    let hang = json!({"method": "extend", "channel": "DEMOCH-DOUBT", "kind": {"hang": {"ms": 3000}}});
    house.sim("faults", hang).await;
    let mut sent = vec![charge("slow", "DEMOCH-SLOW1"), charge("doubt", "DEMOCH-DOUBT")];
    let nameless = String::from_utf8(charge("nameless", "")).unwrap().replace("\"channel_id\"", "\"kanal\"");
    sent.push(nameless.into_bytes());
    for body in &sent {
        assert_eq!(house.post(body).await, 200);
    }
    house.payment_is("stripe/pi_doubt", "doubtful").await;
    house.payment_is("stripe/pi_nameless", "held").await;
    until("the slow one was called", || async {
        let whole = house.json(&["payments", "show", "stripe/pi_slow", "--json"]);
        whole["transfers"][0]["reason"].as_str()?.contains("throttles").then_some(())
    })
    .await;

    let load: Vec<_> =
        (0..PAYMENTS).map(|n| charge(&format!("load{n}"), CHANNELS[n % CHANNELS.len()])).collect();
    let since = now_ms();
    let backup = {
        let mut beat = interval(Duration::from_millis(15));
        let mut post = async |bodies: &[Vec<u8>]| {
            for body in bodies {
                beat.tick().await;
                assert_eq!(house.post(body).await, 200);
            }
        };
        post(&load[..BACKUP_AFTER]).await;
        tokio::join!(post(&load[BACKUP_AFTER..]), Backup::take(&house, ledger)).1
    };
    // In the gap: a linked event brings the channel, and everything is credited.
    let session =
        House::event("checkout.session.completed", "evt_session", "pi_nameless", "DEMOCH-AAAA1", "30");
    assert_eq!(house.post(&session).await, 200);
    sent.extend(load);
    sent.push(session);
    let mut payments: Vec<String> = (0..PAYMENTS).map(|n| format!("stripe/pi_load{n}")).collect();
    payments.extend(["slow", "doubt", "nameless"].map(|name| format!("stripe/pi_{name}")));
    for payment in &payments {
        house.payment_is(payment, "credited").await;
    }

    let never_told = charge("never", "DEMOCH-AAAA2");
    for role in roles {
        house.kill(role);
    }
    backup.restore(&house, ledger).await;
    let unknown = payments.iter().filter(|p| state_or_none(&house, p) != "credited").count();
    assert!(unknown > 3, "the backup knows everything: there is no gap");
    let since = jiff::Timestamp::from_millisecond(since).unwrap().to_string();
    until("no worker of the backup holds a channel", || async {
        let output = house.restored(&since);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || error.to_lowercase().contains("stop every worker"), "{error}");
        output.status.success().then_some(())
    })
    .await;

    for role in roles {
        house.start(role).await;
    }
    let plan = house.json(&["replay", "plan", "--since", "1h", "--json"]);
    house.json(&["replay", "apply", plan["hash"].as_str().unwrap(), "--json"]);
    sent.push(never_told);
    payments.push("stripe/pi_never".into());
    for body in &sent {
        assert_eq!(house.post(body).await, 200);
    }
    assert_eq!(house.post(&later(&charge("after", "DEMOCH-AAAA3"))).await, 200);
    house.payment_is("stripe/pi_after", "credited").await;
    for payment in &payments {
        until("everything is told again", || async {
            let now = state_or_none(&house, payment);
            ["credited", "held"].contains(&&*now).then_some(())
        })
        .await;
    }
    assert_eq!(state(&house, "stripe/pi_never"), "held");

    let history = house.billing_history().await;
    let held = house.json(&["held", "list", "--limit", "1000", "--json"]);
    let held = held.as_array().unwrap();
    assert!(held.len() > unknown, "{} held, {unknown} were forgotten", held.len());
    for row in held {
        assert_eq!(row["cause"], "restored", "{row:#}");
        let key = row["key"].as_str().unwrap();
        let payment = row["payment"].as_str().unwrap();
        let names = row["history"].as_array().unwrap();
        let found = names.iter().any(|name| history.contains(&format!(" {} ", name.as_str().unwrap())));
        assert_eq!(found, payment != "stripe/pi_never", "{payment}");
        let outcome = if found { "--applied" } else { "--not-applied" };
        until("what was called may not be applied any more", || async {
            let output = house.command(&["held", "resolve", key, outcome, "--reason", "Billing History"]);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || error.contains("may still be applied"), "{error}");
            output.status.success().then_some(())
        })
        .await;
    }
    payments.push("stripe/pi_after".into());
    for payment in &payments {
        house.payment_is(payment, "credited").await;
        assert_eq!(house.applied(payment).await, 1, "{payment}");
    }
    assert!(house.json(&["held", "list", "--json"]).as_array().unwrap().is_empty());
}

fn state_or_none(house: &House, payment: &str) -> String {
    let output = house.command(&["payments", "show", payment, "--json"]);
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    whole["state"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_sqlite_ledger_credits_nothing_again() {
    restored_under_load("embedded", None, &["run"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_postgres_ledger_credits_nothing_again() {
    let url = tokio::task::spawn_blocking(Postgres::url_of_new_database).await.unwrap();
    let broker = Broker::shared();
    let queue = broker.amqp_url(&broker.new_vhost());
    restored_under_load(&queue, Some(url), &["serve", "work"]).await;
}

/// The queue's disk is gone: what was confirmed and not yet recorded is told again by the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_lost_with_its_disk_is_made_good_by_resending() {
    let broker = tokio::task::spawn_blocking(Broker::start).await.unwrap();
    let mut house = House::build(&broker.amqp_url("%2f"), None, "").await;
    for channel in CHANNELS {
        house.sim("channels", json!({"id": channel, "days": 3, "mode": "live"})).await;
    }
    house.start("serve").await;
    house.start("work").await;
    let bodies: Vec<_> = (0..12).map(|n| charge(&format!("{n}"), CHANNELS[n % CHANNELS.len()])).collect();
    for body in &bodies[..6] {
        assert_eq!(house.post(body).await, 200);
    }
    house.payment_is("stripe/pi_5", "credited").await;
    house.stop("work").await;
    for body in &bodies[6..] {
        assert_eq!(house.post(body).await, 200);
    }
    broker.kill();
    broker.lose_disk();
    broker.start_again();
    house.start("work").await;
    for body in &bodies {
        until("the provider's resend is taken", || async { (house.post(body).await == 200).then_some(()) })
            .await;
    }
    for n in 0..bodies.len() {
        let payment = format!("stripe/pi_{n}");
        house.payment_is(&payment, "credited").await;
        assert_eq!(house.applied(&payment).await, 1, "{payment}");
    }
}

/// The worker was killed while the partner still had its call; the ledger was put back at once, and Billing History
/// has no line of it yet. Neither is that call repeated, nor is it taken for another payment's.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_applied_after_the_restoration_is_not_repeated() {
    let channel = CHANNELS[0];
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": channel, "days": 3, "mode": "live"})).await;
    house.start("run").await;
    let backup = Backup::take(&house, None).await;
    let late = json!({"method": "extend", "channel": channel, "kind": {"late_commit": {"ms": 4000}}});
    house.sim("faults", late).await;
    // The next one is not applied; it must not be settled by what the first one moves.
    house
        .sim("faults", json!({"method": "extend", "channel": channel, "kind": {"hang": {"ms": 3000}}}))
        .await;
    assert_eq!(house.post(&charge("late", channel)).await, 200);
    until("the call is on its way", || async {
        let transfers = house.json(&["transfers", "list", "--json"]);
        (transfers[0]["state"] == "intended").then_some(())
    })
    .await;
    house.kill("run");
    backup.restore(&house, None).await;
    let declared = house.restored("1m");
    assert!(declared.status.success(), "{declared:?}");
    let declared_at = now_ms();
    house.start("run").await;
    for body in [charge("late", channel), later(&charge("after", channel))] {
        assert_eq!(house.post(&body).await, 200);
    }
    house.payment_is("stripe/pi_late", "held").await;
    assert!(!house.billing_history().await.contains("stripe/pi_late#1"), "too slow to show anything");
    let settle = |outcome| {
        let settle = ["held", "resolve", "stripe/pi_late", outcome, "--reason", "Billing History"];
        house.command(&settle).status.success()
    };
    let too_early = settle("--not-applied");
    until("the settle window is over", || async { (now_ms() > declared_at + 5_000).then_some(()) }).await;
    assert!(too_early || settle("--applied"));
    for payment in ["stripe/pi_late", "stripe/pi_after"] {
        house.payment_is(payment, "credited").await;
        assert_eq!(house.applied(payment).await, 1, "{payment}");
    }
    assert!(!too_early);
}

/// No backup at all: an empty ledger that was declared restored since the first day.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_credits_nothing_again() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": CHANNELS[0], "days": 3, "mode": "live"})).await;
    house.start("run").await;
    let bodies: Vec<_> = (0..3).map(|n| charge(&format!("{n}"), CHANNELS[0])).collect();
    for body in &bodies {
        assert_eq!(house.post(body).await, 200);
    }
    house.payment_is("stripe/pi_2", "credited").await;
    house.kill("run");
    for rest in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        let _ = fs::remove_file(house.path(rest));
    }
    let output = house.restored("2026-01-01");
    assert!(output.status.success(), "{output:?}");
    house.start("run").await;
    for body in &bodies {
        assert_eq!(house.post(body).await, 200);
    }
    for n in 0..bodies.len() {
        let payment = format!("stripe/pi_{n}");
        house.payment_is(&payment, "held").await;
        let output =
            house.command(&["held", "resolve", &payment, "--applied", "--reason", "Billing History"]);
        assert!(output.status.success(), "{output:?}");
        house.payment_is(&payment, "credited").await;
        assert_eq!(house.applied(&payment).await, 1, "{payment}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_partner_token_holds_the_account_until_it_is_replaced() {
    let broker = Broker::shared();
    let mut house = House::build(&broker.amqp_url(&broker.new_vhost()), None, "").await;
    house.sim("channels", json!({"id": CHANNELS[0], "days": 3, "mode": "live"})).await;
    house.start("serve").await;
    house.start_as("work", "work", &[("DAYBRIDGE_PARTNER__TOKEN", "an-expired-token".into())]).await;
    house.ready("work").await;
    assert_eq!(house.post(&charge("1", CHANNELS[0])).await, 200);
    let held = until("the account is held", || async {
        let held = house.json(&["held", "list", "--json"]);
        held.as_array()?.iter().find(|h| h["kind"] == "account").cloned()
    })
    .await;
    assert_eq!(held["cause"], "unauthorized", "{held:#}");
    assert_eq!(house.applied("stripe/pi_1").await, 0);
    assert_eq!(house.stop("work").await, Some(0));
    house.start("work").await;
    house.payment_is("stripe/pi_1", "credited").await;
    assert_eq!(house.applied("stripe/pi_1").await, 1);
}
