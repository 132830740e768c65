//! Days that move in slices, as the console tells of them, and what an operator does about them.

use daybridge::{clock, ledger::Scope};

use super::kit::{Guest, Stand};
use crate::ledger::slices::{ACT, HOUR, Partner, days, pay, refund, slices_of, work};

/// A console over a ledger whose payments move five days at a time.
pub(super) async fn stand() -> Stand {
    let stand = Stand::with_users().await;
    slices_of(&stand.kit, 5);
    stand
}

/// The bar of a payment, and its words, as the payment's page and the list of payments have them.
async fn bars(guest: &Guest, name: &str) -> [String; 2] {
    let page = guest.get(&format!("/payments/show?key=stripe%2Fpi_{name}")).await.text;
    let list = guest.get(&format!("/payments?q=stripe%2Fpi_{name}")).await.text;
    [page, list].map(|text| bar(&text))
}

/// Value and whole of the first bar of a page, its count and its words.
pub(super) fn bar(page: &str) -> String {
    let part = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from} is not in {text}"));
        rest.split_once(to).unwrap().0.to_owned()
    };
    let progress = part(page, "<progress", ">");
    let waits = if progress.contains("class=\"waits\"") { "!" } else { "" };
    let [max, value] = ["max", "value"].map(|name| part(&progress, &format!("{name}=\""), "\""));
    assert!(progress.contains("aria-label=\"Days moved\""), "{progress}");
    let count = part(page, "data-test=\"progress\">", "<");
    let then = part(page, "data-test=\"then\">", "</span>");
    let day = then.split_once("\">").map_or("", |(_, day)| day.trim_end_matches("</time>"));
    let then = then.split('<').next().unwrap().trim();
    format!("{waits}{value}/{max} {count}: {then} {day}").trim_end().to_owned()
}

#[tokio::test]
async fn a_payment_in_slices_tells_how_far_its_days_have_moved() {
    let stand = stand().await;
    let (kit, bob) = (&stand.kit, stand.user("bob").await);
    let now = clock::now_ms();
    let mut partner = Partner::at(now);
    pay(kit, "1", 15, now).await;
    pay(kit, "2", 5, now).await;
    assert_eq!(bars(&bob, "1").await, ["0/15 0 of 15 days: next now"; 2]);
    // Only its own page looks for what keeps it back.
    kit.pause(&Scope::All, &ACT, now).await.unwrap();
    let paused = "!0/15 0 of 15 days: calls are paused (ada): asked by phone";
    assert_eq!(bars(&bob, "1").await, [paused, "0/15 0 of 15 days: next now"]);
    kit.resume(&Scope::All, &ACT, now).await.unwrap();

    work(kit, &mut partner, now).await;
    let next = kit.payment("stripe/pi_1").await.unwrap().unwrap().payment.next_at.unwrap();
    let day: String = daybridge::times::utc(next).chars().take(10).collect();
    assert_eq!(
        bars(&bob, "1").await,
        [format!("5/15 5 of 15 days: next on {day}"), format!("5/15 5 of 15 days: next on {day}")]
    );
    assert_eq!(bars(&bob, "2").await, ["0/5 0 of 5 days: after older payments of its channel"; 2]);

    kit.stop("stripe/pi_1", &ACT, now).await.unwrap();
    assert_eq!(bars(&bob, "1").await, ["!5/15 5 of 15 days: stopped"; 2]);
    kit.go("stripe/pi_1", &ACT, now).await.unwrap();
    let later = days(kit, &mut partner, now, 30).await;
    assert_eq!(bars(&bob, "1").await, ["15/15 15 of 15 days: all moved"; 2]);

    // Money back holds what is left; who cancels that takes it off.
    pay(kit, "3", 30, later).await;
    let later = days(kit, &mut partner, later, 1).await;
    let out = refund("3", 600, later);
    let source = crate::ledger::kit::rules();
    kit.record_at(&crate::ledger::kit::delivery("evt_r"), Ok(&out), &source, false, later + HOUR).await;
    let held = bars(&bob, "3").await;
    assert_eq!(held, ["!5/30 5 of 30 days: held: money was given back"; 2]);
    let cancel = crate::ledger::kit::decided(daybridge::domain::settle::Order::Cancel);
    kit.decide("stripe/pi_3#2", &cancel, later + HOUR).await.unwrap();
    assert_eq!(bars(&bob, "3").await, ["5/30 5 of 30 days: the other 25 were taken off"; 2]);
}

/// What moves all at once has a number, as ever.
#[tokio::test]
async fn a_payment_that_moves_at_once_has_no_bar() {
    let stand = Stand::with_users().await;
    stand.kit.grant("1", "CHAN-1").await;
    let bob = stand.user("bob").await;
    for path in ["/payments", "/payments/show?key=stripe%2Fpi_1"] {
        let text = bob.get(path).await.text;
        assert!(!text.contains("<progress") && text.contains(">30<"), "{path}: {text}");
    }
}
