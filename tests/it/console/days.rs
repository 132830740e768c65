//! The page of days: the balance, what will be needed of it, and which channels are in need.

use daybridge::clock;

use super::slices::stand;
use crate::ledger::slices::{ACT, HOUR, Partner, pay, work};

fn tagged(page: &str, name: &str) -> String {
    let (_, rest) =
        page.split_once(&format!("data-test=\"{name}\">")).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split_once("</").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_balance_is_said_and_told_with_its_age() {
    let stand = stand().await;
    let (kit, ada, bob) = (&stand.kit, stand.user("ada").await, stand.user("bob").await);
    let page = bob.get("/days").await.text;
    assert!(tagged(&page, "balance").contains("Nobody has said how many days are on the balance"));
    assert!(
        !page.contains("/days/mark") && !page.contains("type the number"),
        "one who may only look: {page}"
    );
    let page = ada.get("/days").await.text;
    assert!(page.contains("action=\"/days/mark\"") && !page.contains("value=\"add\""), "{page}");

    let form = |kind, days| [("kind", kind), ("days", days), ("reason", "read in the dashboard")];
    for (kind, days, status) in
        [("set", "", 400), ("set", "many", 400), ("put", "5", 400), ("set", "-1", 409), ("add", "5", 409)]
    {
        assert_eq!(ada.post("/days/mark", &form(kind, days)).await.status, status, "{kind} {days}");
    }
    assert_eq!(ada.post("/days/mark", &[("kind", "set"), ("days", "9")]).await.status, 400, "no reason");
    let got = ada.post("/days/mark", &form("set", "20")).await;
    assert_eq!((got.status, got.location()), (303, "/days?told=balance&n=1"));
    let got = ada.post("/days/mark", &form("add", "5")).await;
    assert_eq!(got.status, 303, "{}", got.text);
    let page = bob.get("/days").await.text;
    assert_eq!((tagged(&page, "balance"), tagged(&page, "lasts")), ("25".into(), "a year or more".into()));
    assert!(page.contains("s ago</time>"), "{page}");
    let acts = ada.get("/audit").await.text;
    assert!(acts.contains("read in the dashboard") && acts.contains("add 5 days"), "{acts}");

    // What moves is taken off; what does not fit what was said makes it stale.
    let mut partner = Partner::at(clock::now_ms());
    pay(kit, "1", 60, clock::now_ms()).await;
    work(kit, &mut partner, clock::now_ms()).await;
    let page = bob.get("/days").await.text;
    assert_eq!((tagged(&page, "balance"), tagged(&page, "owed")), ("20".into(), "55".into()));
    ada.post("/days/mark", &form("set", "3")).await;
    let now = clock::now_ms() + 3 * 24 * HOUR;
    work(kit, &mut partner, now).await;
    let page = ada.get("/days").await.text;
    assert!(tagged(&page, "balance").contains("does not fit what happened since"), "{page}");
    assert!(page.contains("type the number here"), "{page}");
}

#[tokio::test]
async fn thirty_days_are_plotted_and_told_as_a_table() {
    let stand = stand().await;
    let bob = stand.user("bob").await;
    // The plot's days begin when it is asked for, which is after this by nobody knows how much.
    let now = clock::now_ms() + 12 * HOUR;
    let mut partner = Partner::at(now);
    pay(&stand.kit, "1", 60, now).await;
    work(&stand.kit, &mut partner, now).await;
    let page = bob.get("/days").await.text;
    let (_, plot) = page.split_once("id=\"needs-title\"").unwrap();
    let plot = plot.split_once("</section>").unwrap().0;
    assert!(plot.contains("<svg") && plot.contains("role=\"img\""), "{plot}");
    let rows: Vec<&str> = plot.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), 30);
    let numbers = |row: &&str| -> Vec<u32> {
        row.split("class=\"number\">")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().parse().unwrap())
            .collect()
    };
    let numbers: Vec<Vec<u32>> = rows.iter().map(numbers).collect();
    let owed: Vec<u32> = numbers.iter().map(|row| row[0]).collect();
    let at = |days: u32| {
        owed.iter().enumerate().filter(|(_, n)| **n == days).map(|(day, _)| day).collect::<Vec<_>>()
    };
    assert_eq!(at(5), [3, 8, 13, 18, 23, 28], "a slice each five days, when two are left: {owed:?}");
    assert_eq!(owed.iter().sum::<u32>(), 30);
    let new: u32 = numbers.iter().map(|row| row[1]).sum();
    assert_eq!(new, 64, "60 days in 28 are 64 in 30");
    assert!(plot.contains("below 30 for what is owed, above 64 for new payments"), "{plot}");
}

#[tokio::test]
async fn channels_in_need_are_listed() {
    let stand = stand().await;
    let (kit, bob) = (&stand.kit, stand.user("bob").await);
    let page = bob.get("/days").await.text;
    assert_eq!(page.matches("<p class=\"empty\">").count(), 3, "{page}");
    let now = clock::now_ms();
    // It ran out an hour ago, and its second slice was not sent.
    let before = now - 5 * 24 * HOUR - HOUR;
    let mut partner = Partner::at(before);
    kit.adopt(before - HOUR, &ACT, now).await.unwrap();
    pay(kit, "1", 15, before).await;
    work(kit, &mut partner, before).await;
    let page = bob.get("/days").await.text;
    let dark = page.split_once("id=\"dark-title\"").unwrap().1.split_once("</section>").unwrap().0;
    assert!(dark.contains("href=\"/channels/CHAN-1\"") && dark.contains("60 min ago"), "{dark}");
    let late = page.split_once("id=\"late-title\"").unwrap().1.split_once("</section>").unwrap().0;
    assert!(late.contains("stripe/pi_1#2") && late.contains("2 days ago"), "{late}");
    work(kit, &mut partner, now).await;
    let page = bob.get("/days").await.text;
    assert!(!page.contains("data-test=\"dark\"") && !page.contains("data-test=\"late\""), "{page}");
    let first = page.split_once("id=\"first-title\"").unwrap().1;
    assert!(first.contains("href=\"/channels/CHAN-1\"") && first.contains("in 6 days"), "{first}");
}
