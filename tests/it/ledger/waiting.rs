//! Payments that wait for an event which may never come.

use daybridge::{
    domain::{
        facts::{Family, Meaning},
        settle::Order,
    },
    ledger::DeliveryOutcome,
};

use super::{
    kit::{Kit, NOW, charge, decided, facts, to},
    reversal::refund,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn causes(kit: &Kit, now: i64) -> Vec<(String, String)> {
    let held = kit.held(10, now).await.unwrap();
    let groups = kit.held_groups(now).await.unwrap();
    assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), held.len() as u64, "{groups:?}");
    held.into_iter().map(|one| (one.key, one.cause.to_string())).collect()
}

fn announced(id: &str) -> daybridge::domain::facts::Facts {
    let money = charge(&[]).money;
    daybridge::domain::facts::Facts { money, ..to(facts(Meaning::Link, &[id]), "CHAN-1", 30) }
}

/// A session that is completed and captured by hand later: no event of its family tells of the capture.
pub(super) async fn what_was_announced_and_never_paid_is_listed(kit: Kit) {
    kit.record("evt_1", &announced("pi_1")).await;
    kit.record("evt_free", &facts(Meaning::Link, &["pi_free"])).await;
    assert_eq!(causes(&kit, NOW + 3 * DAY).await, []);
    let later = NOW + 3 * DAY + 1;
    assert_eq!(causes(&kit, later).await, [("stripe/pi_1".into(), "unpaid".into())]);
    let held = kit.held(10, later).await.unwrap().remove(0);
    assert!(held.next.contains("daybridge held cancel 'stripe/pi_1'"), "{}", held.next);
    let retry = kit.decide("stripe/pi_1", &decided(Order::Retry), later).await.unwrap_err().to_string();
    assert!(retry.contains("resend") && retry.contains("held cancel"), "{retry}");

    kit.record("evt_2", &announced("pi_2")).await;
    kit.decide("stripe/pi_2", &decided(Order::Cancel), later).await.unwrap();
    assert_eq!(causes(&kit, later).await.len(), 1, "closed");
    let paid = kit.record("evt_paid_2", &to(charge(&["pi_2"]), "CHAN-1", 30)).await;
    assert_eq!((paid.outcome, paid.planned), (DeliveryOutcome::Ignored, None), "and it stays so");

    let paid = kit.record("evt_paid", &to(charge(&["pi_1"]), "CHAN-1", 30)).await;
    assert!(paid.planned.is_some());
    assert_eq!(causes(&kit, later).await, [], "the missing event closes it");
}

/// A refund names the charge, and what was paid is an invoice: only a third event joins the two.
pub(super) async fn a_refund_of_what_is_not_known_is_listed(kit: Kit) {
    let invoice = Family::new("invoices");
    kit.record("evt_paid", &to(charge(&["in_1"]), "CHAN-1", 30)).await.planned.unwrap();
    kit.record("evt_re", &refund("pi_1", 900)).await;
    assert_eq!(causes(&kit, NOW + HOUR).await, []);
    let later = NOW + HOUR + 1;
    assert_eq!(causes(&kit, later).await, [("stripe/pi_1".into(), "payment_unknown".into())]);
    let held = kit.held(10, later).await.unwrap().remove(0);
    assert!(
        held.next.contains("invoice_payment.paid") && held.next.contains("'stripe/pi_1'"),
        "{}",
        held.next
    );
    kit.record("evt_link", &facts(Meaning::Link, &["in_1", "pi_1"])).await;
    let causes_now = causes(&kit, later).await;
    assert!(causes_now.iter().all(|(_, cause)| cause != "payment_unknown"), "{causes_now:?}");

    kit.record("evt_re_2", &refund("pi_2", 900)).await;
    kit.decide("stripe/pi_2", &decided(Order::Cancel), later).await.unwrap();
    assert!(causes(&kit, later + DAY).await.iter().all(|(key, _)| key != "stripe/pi_2"));

    // One that was authorised only, and given back, asks nothing of anybody.
    kit.record("evt_auth", &announced("pi_3")).await;
    kit.record("evt_void", &refund("pi_3", 900)).await;
    // And money that another family told of is listed as that.
    kit.record("evt_other", &to(facts(Meaning::MoneyIn(invoice), &["in_4"]), "CHAN-1", 30)).await;
    let listed = causes(&kit, later + 9 * DAY).await;
    assert!(listed.iter().all(|(key, _)| key != "stripe/pi_3"), "{listed:?}");
    assert!(listed.contains(&("stripe/in_4".into(), "other_family".into())), "{listed:?}");
}
