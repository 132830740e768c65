//! Every kind of error, planted once among payments whose days move in slices.

use daybridge::domain::Ms;
use serde_json::{Value, json};

use super::{Line, export, open};
use crate::support::{
    daybridge::{House, now_s},
    wait::until,
};

/// Good payments, each for a channel of its own.
const GOOD: usize = 20;

/// A slice has so many days; a channel that had 10 gets seven of them until it has its lead.
const SETTINGS: &str = "[allocation]\nslice = 5\nlead = \"40days\"";

/// Channel by payment, what is paid there, and what has moved when all is at rest.
const BAD: [(&str, &str, u64); 12] = [
    ("pi_absent", "30", 30),
    ("pi_cut", "90", 35),
    ("pi_elsewhere", "30", 30),
    ("pi_few", "25", 25),
    ("pi_forgotten", "90", 35),
    ("pi_hand", "30", 30),
    ("pi_leaked", "30", 30),
    ("pi_many", "30", 30),
    ("pi_refunded", "90", 35),
    ("pi_running", "90", 35),
    ("pi_stopped", "90", 35),
    ("pi_twice", "30", 30),
];

fn channel(payment: &str) -> String {
    format!("{}-1", payment.trim_start_matches("pi_").to_uppercase())
}

async fn pay(house: &House, payment: &str, days: &str) {
    let channel = channel(payment);
    house.sim("channels", json!({"id": channel, "days": 10, "mode": "live"})).await;
    let body = House::event("charge.succeeded", &format!("evt_{payment}"), payment, &channel, days);
    assert_eq!(house.post(&body).await, 200);
}

async fn plant(house: &House) {
    // The first slice is applied after the client, the window and the one retry.
    let late = |name: &str, ms: u64| json!({"method": "extend", "kind": {"late_commit": {"ms": ms}}, "channel": channel(name), "times": 1});
    house.sim("faults", json!([late("pi_twice", 18_000), late("pi_open", 5_000)])).await;
    pay(house, "pi_open", "90").await;
    for (payment, days, _) in BAD {
        pay(house, payment, days).await;
    }
    for n in 0..GOOD {
        pay(house, &format!("pi_good{n}"), "30").await;
    }
    // Days that move by hand while the outcome is open: the readings conflict.
    house.payment_is("stripe/pi_open", "doubtful").await;
    house.sim(&format!("channels/{}/extend", channel("pi_open")), json!({"days": 3})).await;
    for (payment, _, moved) in BAD {
        until(&format!("{payment} has moved"), || async {
            (house.json(&["payments", "show", payment, "--json"])["moved"] == moved).then_some(())
        })
        .await;
    }
    house.payment_is("stripe/pi_open", "held").await;
    house.sim(&format!("channels/{}/extend", channel("pi_hand")), json!({"days": 7})).await;
    for payment in ["pi_stopped", "pi_cut"] {
        house.json(&["payments", "stop", payment, "--reason", "asked", "--json"]);
    }
    let cut = house.command(&["held", "cancel", "stripe/pi_cut#3", "--reason", "asked", "--yes", "1"]);
    assert!(cut.status.success(), "{}", String::from_utf8_lossy(&cut.stderr));
    until("the late one is applied", || async {
        (house.applied("stripe/pi_twice").await == 3).then_some(())
    })
    .await;
}

fn record() -> String {
    let now: Ms = now_s() * 1000;
    let good: Vec<String> = (0..GOOD).map(|n| format!("pi_good{n}")).collect();
    let good = good.iter().map(|name| (&**name, "30"));
    let bad = BAD.iter().map(|(name, days, _)| match *name {
        "pi_few" => (*name, "30"),
        "pi_many" => (*name, "25"),
        _ => (*name, *days),
    });
    let listed: Vec<(&str, &str, String)> = good
        .chain(bad)
        .chain([("pi_open", "90")])
        .filter(|(name, _)| *name != "pi_leaked")
        .map(|(name, days)| (name, days, channel(name)))
        .collect();
    let lines: Vec<Line<'_>> = listed
        .iter()
        .map(|(name, days, channel)| {
            let refunded = *name == "pi_refunded";
            Line { days, refunded, ..Line::new(name, now, channel) }
        })
        .collect();
    export(&lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_error_of_a_slice_is_found_and_none_is_invented() {
    let mut house = House::build("embedded", None, SETTINGS).await;
    house.start("run").await;
    plant(&house).await;
    std::fs::write(house.path("record.csv"), record()).unwrap();
    let history = house.billing_history().await;
    // One line is missing, one says other days, and one is of a slice that the ledger has yet to send.
    let more = "5 \"daybridge stripe/pi_forgotten#3 5d\"";
    let history: String = history
        .lines()
        .filter(|line| !line.contains("pi_absent#2"))
        .map(|line| {
            line.replace(
                "25 \"daybridge stripe/pi_elsewhere#2 25d",
                "20 \"daybridge stripe/pi_elsewhere#2 20d",
            )
        })
        .chain([more.to_owned()])
        .map(|line| format!("{line}\n"))
        .collect();

    std::fs::write(house.path("history.txt"), history).unwrap();
    check(
        &house,
        &[],
        &[
            ("HAND-1", "extended_not_paid", 7),
            ("OPEN-1", "extended_not_paid", 8),
            ("pi_forgotten", "later", 55),
            ("pi_open", "paid_not_extended", 90),
        ],
    );
    let told = [
        ("HAND-1", "extended_not_paid", 7),
        ("OPEN-1", "extended_not_paid", 3),
        ("pi_absent", "paid_not_extended", 25),
        ("pi_elsewhere", "paid_not_extended", 5),
        ("pi_forgotten", "extended_not_paid", 5),
        ("pi_open", "paid_not_extended", 85),
    ];
    let report = check(&house, &["--history", "history.txt"], &told);
    for (payment, next) in [
        ("pi_cut", "daybridge grant CHANNEL --days N"),
        ("pi_forgotten", "daybridge payments stop 'stripe/pi_forgotten'"),
        ("pi_open", "daybridge held resolve 'stripe/pi_open#1' --applied"),
        ("pi_refunded", "daybridge payments stop 'stripe/pi_refunded'"),
        ("pi_stopped", "daybridge payments go"),
    ] {
        let rows = report["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["payment"] == format!("stripe/{payment}")).unwrap();
        assert!(row["next"].as_str().unwrap().contains(next), "{payment}: {row}");
    }
}

/// What is wrong whatever is given.
const ALWAYS: [(&str, &str, u64); 8] = [
    ("pi_cut", "paid_not_extended", 55),
    ("pi_few", "paid_not_extended", 5),
    ("pi_leaked", "extended_not_paid", 30),
    ("pi_many", "extended_not_paid", 5),
    ("pi_refunded", "extended_not_paid", 35),
    ("pi_running", "later", 55),
    ("pi_stopped", "paid_not_extended", 55),
    ("pi_twice", "extended_twice", 5),
];

fn check(house: &House, more: &[&str], told: &[(&str, &str, u64)]) -> Value {
    let arguments =
        [&["reconcile", "--source", "stripe", "--since", "2days", "--file", "record.csv", "--json"], more]
            .concat();
    let report: Value = serde_json::from_slice(&house.command(&arguments).stdout).unwrap();
    let all = ALWAYS.iter().chain(told);
    let mut want: Vec<_> =
        all.map(|(about, answer, days)| ((*about).into(), (*answer).into(), *days)).collect();
    want.sort();
    assert_eq!(open(&report), want, "{:#}", report["sums"]);
    report
}
