//! Ten thousand payments. How long it takes is printed, never asserted.

use std::time::Instant;

use super::{Line, export, filled::fill, open};
use crate::support::daybridge::{House, now_s};

const PAYMENTS: i64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_payments() {
    let house = House::build("embedded", None, "").await;
    let at = now_s() * 1000 - 7_200_000;
    fill(&house, PAYMENTS, at).await;
    // One of the record was never seen, one of the ledger was never paid, one was extended twice.
    let names: Vec<String> = (0..PAYMENTS).map(|n| format!("pi_{n}")).collect();
    let channels: Vec<String> = (0..names.len()).map(|n| format!("CHAN-{}", n % 2500)).collect();
    let lines: Vec<Line<'_>> =
        names.iter().zip(&channels).map(|(name, channel)| Line::new(name, at, channel)).collect();
    std::fs::write(house.path("record.csv"), export(&lines)).unwrap();
    let history: String = (1..=PAYMENTS)
        .map(|n| format!("{at} 30 daybridge stripe/pi_{n}#1 30d\n"))
        .chain(["30 stripe/pi_7#1".into()])
        .collect();
    std::fs::write(house.path("history.txt"), history).unwrap();
    let arguments = [
        "reconcile",
        "--source",
        "stripe",
        "--since",
        "1day",
        "--file",
        "record.csv",
        "--history",
        "history.txt",
        "--json",
    ];
    let begun = Instant::now();
    let output = house.command(&arguments);
    println!("{PAYMENTS} payments reconciled in {:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    let want = [("pi_0", "paid_not_extended"), ("pi_7", "extended_twice")];
    let mut want: Vec<_> = want.map(|(about, answer)| (about.to_owned(), answer.to_owned(), 30)).into();
    want.push((format!("pi_{PAYMENTS}"), "extended_not_paid".into(), 30));
    want.sort();
    assert_eq!(open(&report), want);
    assert_eq!(report["sums"]["answers"]["matched"]["rows"], PAYMENTS - 2);
}
