//! What a person decides finds one thing, can finish it, and stays decided.

use daybridge::{
    config::Source,
    domain::{
        closed::{HeldCause, PaymentState},
        facts::{Facts, Family, Meaning},
        id::ChannelId,
        settle::Order,
    },
    envelope::Envelope,
    ledger::{Act, Correction, DeliveryOutcome, LedgerError, Recorded, Selection, SourceRules},
    provider::event::read::{Beside, read},
};

use super::kit::*;
use crate::provider::presets::data;

const ACT: Act<'_> = Act { who: "ada", reason: "told by phone" };

fn other() -> SourceRules {
    SourceRules { realm: "second".into(), ..rules() }
}

fn of_source(event: &str, source: &str) -> Envelope {
    Envelope { source: source.into(), ..delivery(event) }
}

fn correction(channel: Option<&str>, days: Option<u32>) -> Correction<'static> {
    Correction {
        remember: false,
        force: false,
        account: "main",
        channel: channel.and_then(ChannelId::parse),
        days,
        cause: None,
        act: ACT,
        comment: comment(),
    }
}

fn refused<T: std::fmt::Debug>(done: Result<T, LedgerError>, says: &[&str]) {
    match done {
        Err(LedgerError::Refused(text)) => {
            says.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) async fn a_bare_id_of_two_realms_names_nothing(kit: Kit) {
    for (source, of) in [("stripe", rules()), ("zebra", other())] {
        kit.record_as(&of_source("evt_1", source), Ok(&charge(&["pi_1"])), &of, false).await;
    }
    let both = ["stripe/pi_1", "second/pi_1"];
    for order in [Order::Cancel, Order::Retry, Order::Applied, Order::NotApplied] {
        refused(kit.decide("pi_1", &decided(order), NOW).await, &both);
    }
    refused(kit.correct("pi_1", &correction(None, Some(7)), NOW).await, &both);
    refused(kit.payment("pi_1").await, &both);
    let wanted = Selection { payment: Some("pi_1".into()), ..Selection::default() };
    refused(kit.select(&wanted, None, 10).await, &both);
    for key in both {
        let whole = kit.payment(key).await.unwrap().unwrap();
        assert_eq!((whole.payment.state.as_str(), whole.payment.days), ("held", None), "{key}");
    }
    // A search shows all that fit.
    let query = daybridge::ledger::query::PaymentQuery { text: Some("pi_1".into()), ..Default::default() };
    let found = kit.ledger.payments(&query, &daybridge::ledger::query::Page::first(10)).await.unwrap();
    assert_eq!(found.len(), 2);
    kit.decide("second/pi_1", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(kit.payment("stripe/pi_1").await.unwrap().unwrap().payment.state, PaymentState::Held);
    // Likewise of two connected accounts and two modes.
    let mut connected = charge(&["pi_2"]);
    kit.record("evt_2", &connected).await;
    connected.account = Some("acct_1".into());
    kit.record("evt_3", &connected).await;
    refused(kit.decide("pi_2", &decided(Order::Cancel), NOW).await, &["stripe/pi_2", "stripe/acct_1:pi_2"]);
    // One alone is named by any of its ids.
    kit.record("evt_4", &charge(&["pi_4", "ch_4"])).await;
    kit.decide("ch_4", &decided(Order::Cancel), NOW).await.unwrap();
}

pub(super) async fn a_bare_event_id_of_two_sources_names_nothing(kit: Kit) {
    for source in ["stripe", "zebra"] {
        kit.record_as(&of_source("evt_1", source), Err("broken"), &rules(), false).await;
    }
    refused(kit.decide("evt_1", &decided(Order::Cancel), NOW).await, &["stripe/evt_1", "zebra/evt_1"]);
    let wanted = |event: &str| Selection { event: Some(event.into()), ..Selection::default() };
    refused(kit.select(&wanted("evt_1"), None, 10).await, &["stripe/evt_1", "zebra/evt_1"]);
    assert_eq!(kit.select(&wanted("zebra/evt_1"), None, 10).await.unwrap().len(), 1);
    let narrowed = Selection { source: Some("stripe".into()), ..wanted("evt_1") };
    assert_eq!(kit.select(&narrowed, None, 10).await.unwrap().len(), 1);
    kit.decide("zebra/evt_1", &decided(Order::Cancel), NOW).await.unwrap();
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
}

/// Some providers name an event by the id of its payment.
pub(super) async fn a_name_of_both_means_what_waits(kit: Kit) {
    kit.grant("5", "CHAN-5").await;
    kit.record_as(&delivery("pi_5"), Err("broken"), &rules(), false).await;
    kit.decide("pi_5", &decided(Order::Cancel), NOW).await.unwrap();
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    assert_eq!(kit.payment("pi_5").await.unwrap().unwrap().payment.state, PaymentState::Planned);
    kit.record("evt_6", &charge(&["pi_6"])).await;
    kit.record_as(&delivery("pi_6"), Err("broken"), &rules(), false).await;
    refused(
        kit.decide("pi_6", &decided(Order::Cancel), NOW).await,
        &["the payment stripe/pi_6", "the event stripe/pi_6"],
    );
    for left in [1, 0] {
        kit.decide("stripe/pi_6", &decided(Order::Cancel), NOW).await.unwrap();
        assert_eq!(kit.held(10, NOW).await.unwrap().len(), left);
    }
}

pub(super) async fn a_closed_event_stays_closed(kit: Kit) {
    kit.record_as(&delivery("evt_1"), Err("broken"), &rules(), false).await;
    kit.decide("evt_1", &decided(Order::Cancel), NOW).await.unwrap();
    for dead in [false, true] {
        let again = kit.record_as(&delivery("evt_1"), Err("broken"), &rules(), dead).await;
        assert_eq!(again.outcome, DeliveryOutcome::Ignored, "{again:?}");
        assert!(again.reason.unwrap().contains("ada"));
    }
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    // What it says by now, and did not when it was closed, is for a person: its days may have moved by hand.
    let paid = to(charge(&["pi_1"]), "CHAN-1", 30);
    let read = kit.record("evt_1", &paid).await;
    assert_eq!((read.outcome, &read.planned), (DeliveryOutcome::Held, &None));
    assert!(read.reason.unwrap().contains("ada"));
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!((held.len(), held[0].cause.as_str()), (1, "closed"), "{held:?}");
    kit.decide("evt_1", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(
        kit.record("evt_1", &paid).await.outcome,
        DeliveryOutcome::Ignored,
        "closed for what it says now"
    );
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    // An event that contradicts what is known, likewise.
    for n in ["8", "9"] {
        kit.record(&format!("evt_{n}"), &to(charge(&[&format!("pi_{n}"), &format!("ch_{n}")]), "CHAN-1", 30))
            .await;
    }
    let joins = facts(Meaning::Link, &["ch_8", "ch_9"]);
    assert_eq!(kit.record("evt_10", &joins).await.outcome, DeliveryOutcome::Held);
    kit.decide("evt_10", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(kit.record("evt_10", &joins).await.outcome, DeliveryOutcome::Ignored);
}

pub(super) async fn money_of_another_family_is_closed(kit: Kit) {
    let later = NOW + 2 * 3_600_000;
    let invoice = to(facts(Meaning::MoneyIn(Family::new("invoices")), &["in_1"]), "CHAN-1", 30);
    kit.record("evt_1", &invoice).await;
    assert_eq!(kit.held(10, later).await.unwrap()[0].cause, HeldCause::OtherFamily);
    refused(
        kit.correct("stripe/in_1", &correction(None, Some(7)), later).await,
        &["money_in", "held cancel 'stripe/in_1'"],
    );
    kit.decide("stripe/in_1", &decided(Order::Cancel), later).await.unwrap();
    assert!(kit.held(10, later).await.unwrap().is_empty());
    assert!(kit.held_groups(later).await.unwrap().is_empty());
    assert_eq!(kit.record("evt_1", &invoice).await.planned, None);
    assert!(kit.held(10, later + later).await.unwrap().is_empty());
    // Where no money came in there is nothing to close.
    kit.record("evt_2", &facts(Meaning::Link, &["in_2"])).await;
    refused(kit.decide("stripe/in_2", &decided(Order::Cancel), later).await, &["linked"]);
}

/// Money, ids, channel and amount are told, and what it buys is not.
fn unclear() -> Facts {
    let body = std::fs::read(data().join("paddle/one_time_charge.json")).unwrap();
    let source = Source::of_preset("paddle").unwrap();
    let facts = read(&source, &body, Beside { event_type: "", received_at: 0 }, None).unwrap();
    let unclear = Some("how many days it buys is not told".into());
    Facts { no_period: None, unclear, paid_at: Some(NOW), occurred_at: NOW, ..facts }
}

fn paddle() -> SourceRules {
    let mut rules = rules();
    rules.realm = "paddle".into();
    rules.rules.money_in = Family::new("payments");
    rules
}

const CHANGE: &str = "paddle/txn_01k7demo0000000000000000a1";

async fn told(kit: &Kit, event: &str) -> Recorded {
    kit.record_as(&of_source(event, "paddle"), Ok(&unclear()), &paddle(), false).await
}

pub(super) async fn held_money_is_a_payment_that_a_person_finishes(kit: Kit) {
    let recorded = told(&kit, "evt_1").await;
    assert_eq!((recorded.outcome, recorded.payment.as_deref()), (DeliveryOutcome::Held, Some(CHANGE)));
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!(
        (held.len(), held[0].kind.as_str(), &*held[0].key, held[0].cause.as_str()),
        (1, "payment", CHANGE, "unclear")
    );
    assert_eq!((held[0].channel.as_deref(), held[0].days), (Some("DEMOCH-AB12C"), None));
    assert!(held[0].reason.contains("how many days it buys is not told"), "{held:?}");
    assert!(held[0].next.contains("held set") && held[0].next.contains("held cancel"), "{held:?}");
    let payment = kit.payment(CHANGE).await.unwrap().unwrap().payment;
    assert_eq!((payment.amount, payment.currency.as_deref()), (Some(900), Some("usd")));
    assert_eq!(payment.customer.as_deref(), Some("ctm_01k7demo0000000000000000c1"));
    // By the event's id, whose payment is told.
    refused(kit.correct("evt_1", &correction(None, Some(7)), NOW).await, &["held set", CHANGE]);
    // A channel alone does not say what it buys.
    kit.correct(CHANGE, &correction(Some("CHAN-9"), None), NOW).await.unwrap();
    assert_eq!(told(&kit, "evt_1").await.outcome, DeliveryOutcome::Held);
    kit.correct(CHANGE, &correction(None, Some(7)), NOW).await.unwrap();
    let recorded = told(&kit, "evt_1").await;
    assert_eq!(recorded.planned.as_deref(), Some(&*format!("{CHANGE}#1")));
    let payment = kit.payment(CHANGE).await.unwrap().unwrap().payment;
    assert_eq!(
        (payment.state.as_str(), payment.channel.as_deref(), payment.days),
        ("planned", Some("CHAN-9"), Some(7))
    );
    assert_eq!(told(&kit, "evt_1").await.outcome, DeliveryOutcome::Duplicate);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
}

pub(super) async fn what_buys_for_sure_needs_nobody(kit: Kit) {
    assert_eq!(told(&kit, "evt_1").await.outcome, DeliveryOutcome::Held);
    kit.decide(CHANGE, &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(told(&kit, "evt_1").await.outcome, DeliveryOutcome::Ignored);
    assert_eq!(told(&kit, "evt_2").await.outcome, DeliveryOutcome::Ignored);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    // An event that says it for sure is enough, in either order.
    for (first, second) in [(true, false), (false, true)] {
        let id = format!("txn_{first}");
        let mut unclear = unclear();
        unclear.ids.truncate(1);
        unclear.ids[0].id.clone_from(&id);
        let mut sure = to(facts(Meaning::MoneyIn(Family::new("payments")), &["x"]), "DEMOCH-AB12C", 30);
        sure.ids.clone_from(&unclear.ids);
        for (n, is_sure) in [first, second].into_iter().enumerate() {
            let facts = if is_sure { &sure } else { &unclear };
            let event = of_source(&format!("evt_{id}_{n}"), "paddle");
            kit.record_as(&event, Ok(facts), &paddle(), false).await;
        }
        let whole = kit.payment(&format!("paddle/{id}")).await.unwrap().unwrap();
        assert_eq!((whole.payment.state.as_str(), whole.payment.days), ("planned", Some(30)));
    }
}

pub(super) async fn more_unclear_money_of_a_granted_payment_is_told(kit: Kit) {
    let mut sure = to(facts(Meaning::MoneyIn(Family::new("payments")), &["x"]), "CHAN-1", 30);
    sure.ids = unclear().ids;
    let envelope = of_source("evt_0", "paddle");
    assert!(kit.record_as(&envelope, Ok(&sure), &paddle(), false).await.planned.is_some());
    let late = told(&kit, "evt_1").await;
    assert_eq!((late.outcome, late.payment.as_deref()), (DeliveryOutcome::Held, Some(CHANGE)));
    let held = kit.held(10, NOW).await.unwrap();
    assert_eq!(
        (held.len(), held[0].kind.as_str(), held[0].cause.as_str()),
        (1, "event", "unclear"),
        "{held:?}"
    );
    kit.decide("evt_1", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(told(&kit, "evt_1").await.outcome, DeliveryOutcome::Ignored);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
}
