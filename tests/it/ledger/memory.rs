//! What a ledger does not know of the time before it: restored, made anew, or known in another realm.

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        facts::Facts,
        payment::memory::GRACE_MS,
        settle::Order,
    },
    ledger::{Act, DeliveryOutcome, LedgerError, Recorded, SourceRules, query::Page},
};

use super::kit::*;

const DAY: i64 = 86_400_000;
const ACT: Act<'_> = Act { who: "ada", reason: "we migrate" };

fn bought(name: &str, channel: &str) -> Facts {
    to(charge(&[name]), channel, 30)
}

/// The event's time is not the money's: Square's `payment.updated` for a fee, weeks later, granted an old payment again.
pub(super) async fn an_old_payment_that_is_told_again_is_held(kit: Kit) {
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    for (name, told, paid, outcome) in [
        ("1", NOW + DAY, Some(NOW - DAY), DeliveryOutcome::Held),
        ("2", NOW + DAY, None, DeliveryOutcome::Held),
        ("3", NOW + DAY, Some(NOW + DAY), DeliveryOutcome::Granted),
        ("4", NOW + 2 * DAY, Some(NOW + DAY), DeliveryOutcome::Granted),
    ] {
        let facts = bought(&format!("pi_{name}"), &format!("CHAN-{name}"));
        let facts = Facts { occurred_at: told, paid_at: paid, ..facts };
        let recorded = kit.record(&format!("evt_{name}"), &facts).await;
        assert_eq!(recorded.outcome, outcome, "{name}: {recorded:?}");
    }
    let held = kit.held(9, NOW).await.unwrap();
    assert!(held.iter().all(|held| held.cause == HeldCause::Restored), "{held:?}");
}

/// Facts that an older version stored know no time of the money.
pub(super) async fn facts_of_an_older_version_are_no_proof(kit: Kit) {
    let mut nameless = charge(&["pi_1"]);
    nameless.paid_at = None;
    nameless.occurred_at = NOW + DAY;
    kit.record("evt_1", &nameless).await;
    let stored = kit.sql().await.column("SELECT facts FROM events").await.remove(0).unwrap();
    assert!(!stored.contains("paid_at"), "{stored}");
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    let link = to(facts(daybridge::domain::facts::Meaning::Link, &["pi_1"]), "CHAN-1", 30);
    kit.record("evt_link", &link).await;
    assert_eq!(kit.held(9, NOW).await.unwrap()[0].cause, HeldCause::Restored);
}

async fn cause_of(kit: &Kit, key: &str) -> Option<HeldCause> {
    let held = kit.held(99, NOW).await.unwrap();
    held.into_iter().find(|held| held.key == key).map(|held| held.cause)
}

/// A disk that is not mounted, or the first installation beside an old script.
pub(super) async fn a_new_ledger_grants_nothing_of_before_it(kit: Kit) {
    let made = kit.origin().await.unwrap().made_at.unwrap();
    let since = made - GRACE_MS;
    for (name, told, paid, outcome) in [
        ("1", made, Some(since - 1), DeliveryOutcome::Held),
        ("2", made, Some(since), DeliveryOutcome::Granted),
        ("3", made, Some(made + DAY), DeliveryOutcome::Granted),
        // A provider that tells no time of its money: granted, unless the event itself is old.
        ("4", made, None, DeliveryOutcome::Granted),
        ("5", since - 1, None, DeliveryOutcome::Held),
    ] {
        let facts = bought(&format!("pi_{name}"), &format!("CHAN-{name}"));
        let facts = Facts { occurred_at: told, paid_at: paid, ..facts };
        let recorded = kit.record(&format!("evt_{name}"), &facts).await;
        assert_eq!(recorded.outcome, outcome, "{name}: {recorded:?}");
    }
    // It lay on the queue while the ledger was lost.
    let mut waited = delivery("evt_6");
    waited.received_at_ms = since - 1;
    let facts = Facts { paid_at: None, ..bought("pi_6", "CHAN-6") };
    let recorded = kit.record_as(&waited, Ok(&facts), &rules(), false).await;
    assert_eq!(recorded.outcome, DeliveryOutcome::Held, "{recorded:?}");

    for name in ["1", "5", "6"] {
        let key = format!("stripe/pi_{name}");
        assert_eq!(cause_of(&kit, &key).await.map(HeldCause::as_str), Some("before_ledger"), "{key}");
    }
    let held = kit.held(9, NOW).await.unwrap();
    assert!(held.iter().all(|held| held.days == Some(30) && held.history.len() == 1), "{held:?}");
    assert!(held.iter().all(|held| held.next.contains("ledger adopt")), "{held:?}");
    kit.decide("stripe/pi_1", &decided(Order::Applied), NOW).await.unwrap();
    kit.decide("stripe/pi_5", &decided(Order::NotApplied), NOW).await.unwrap();
    kit.decide("stripe/pi_6", &decided(Order::Cancel), NOW).await.unwrap();
    for (key, state) in [("pi_1", "credited"), ("pi_5", "planned"), ("pi_6", "cancelled")] {
        assert_eq!(kit.payment(key).await.unwrap().unwrap().payment.state.as_str(), state, "{key}");
    }
}

/// Its money went back as well: what is left of it is planned, nothing where nothing is.
pub(super) async fn a_refund_of_before_the_ledger_is_told(kit: Kit) {
    let made = kit.origin().await.unwrap().made_at.unwrap();
    for name in ["pi_1", "pi_2"] {
        kit.record(&format!("evt_{name}"), &paid_at(bought(name, "CHAN-1"), made - DAY)).await;
        let back = facts(daybridge::domain::facts::Meaning::MoneyOut, &[name]);
        kit.record(&format!("evt_re_{name}"), &back).await;
        let cause = cause_of(&kit, &format!("stripe/{name}")).await;
        assert_eq!(cause.map(|word| word.as_str()), Some("before_ledger_refunded"));
    }
    let refused = kit.decide("stripe/pi_1", &decided(Order::NotApplied), NOW).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.contains("held cancel")), "{refused}");
    kit.decide("stripe/pi_1", &decided(Order::Applied), NOW).await.unwrap();
    kit.decide("stripe/pi_2", &decided(Order::Cancel), NOW).await.unwrap();
}

pub(super) async fn a_person_says_how_far_back_it_grants(kit: Kit) {
    let made = kit.origin().await.unwrap().made_at.unwrap();
    let old = paid_at(bought("pi_1", "CHAN-1"), made - DAY);
    let older = paid_at(bought("pi_2", "CHAN-2"), made - 3 * DAY);
    for (event, facts) in [("evt_1", &old), ("evt_2", &older)] {
        assert_eq!(kit.record(event, facts).await.outcome, DeliveryOutcome::Held);
    }
    for (since, why) in [(NOW + 1, "future"), (made + 1, "after the ledger was made")] {
        let refused = kit.adopt(since, &ACT, NOW).await.unwrap_err();
        assert!(matches!(&refused, LedgerError::Refused(text) if text.contains(why)), "{refused}");
    }
    let adopted = kit.adopt(made - 2 * DAY, &ACT, NOW).await.unwrap();
    assert_eq!((adopted.since, adopted.made_at), (made - 2 * DAY, made));
    assert_eq!(kit.origin().await.unwrap().grants_since, Some(made - 2 * DAY));
    let audit = kit.audit(None, &Page::first(1)).await.unwrap();
    assert_eq!(
        (audit[0].action.as_str(), &*audit[0].who, &*audit[0].reason),
        ("ledger adopt", "ada", "we migrate")
    );
    // What was held is weighed anew when it is told again.
    assert_eq!(kit.record("evt_1", &old).await.outcome, DeliveryOutcome::Granted);
    assert_eq!(kit.record("evt_2", &older).await.outcome, DeliveryOutcome::Held);
}

/// A ledger of before the rule, with something in it, begins to hold nothing.
pub(super) async fn an_older_ledger_holds_nothing_for_its_age(kit: Kit) {
    kit.record("evt_0", &bought("pi_0", "CHAN-0")).await;
    let mut raw = kit.sql().await;
    for statement in
        ["DROP TABLE origin", "DROP TABLE realm_sources", "DELETE FROM _sqlx_migrations WHERE version = 9"]
    {
        raw.execute(statement).await;
    }
    let ledger = Kit::of(daybridge::ledger::Ledger::open(&kit.settings).await.unwrap());
    let origin = ledger.origin().await.unwrap();
    assert_eq!((origin.made_at, origin.grants_since, origin.empty), (None, None, false));
    let ancient = ledger.record("evt_1", &paid_at(bought("pi_1", "CHAN-1"), 1_000)).await;
    assert_eq!(ancient.outcome, DeliveryOutcome::Granted, "{ancient:?}");
    let refused = ledger.adopt(0, &ACT, NOW).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.contains("nothing to adopt")), "{refused}");
}

/// A source in a realm of its own.
fn shop(realm: &str, provider: &str) -> (String, SourceRules) {
    (realm.to_owned(), SourceRules { realm: realm.into(), provider: provider.into(), ..rules() })
}

async fn sell(kit: &Kit, shop: &(String, SourceRules), event: &str, facts: &Facts) -> Recorded {
    let (source, rules) = shop;
    kit.note_source(source, rules).await.unwrap();
    let envelope = daybridge::envelope::Envelope { source: source.clone(), ..delivery(event) };
    kit.record_as(&envelope, Ok(facts), rules, false).await
}

/// One secret in two sources, or two endpoints of one account: one captured event moved days twice.
pub(super) async fn one_event_in_two_realms_is_granted_once(kit: Kit) {
    let (one, two) = (shop("a", "stripe"), shop("b", "stripe"));
    let paid = bought("pi_1", "CHAN-1");
    assert_eq!(sell(&kit, &one, "evt_1", &paid).await.outcome, DeliveryOutcome::Granted);
    let again = sell(&kit, &two, "evt_1", &paid).await;
    assert_eq!((again.outcome, again.planned), (DeliveryOutcome::Held, None));
    let held = kit.held(9, NOW).await.unwrap().remove(0);
    assert_eq!((held.cause.as_str(), &*held.key, held.days), ("twin", "b/pi_1", Some(30)));
    assert!(held.reason.contains("a/pi_1") && held.reason.contains("b/pi_1"), "{}", held.reason);
    assert!(held.next.contains("one `realm`") && held.next.contains("held cancel"), "{}", held.next);
    // Another version of the API names it by its charge too, or by another object in the same event.
    let more = sell(&kit, &two, "evt_2", &to(charge(&["ch_2", "in_2"]), "CHAN-2", 30)).await;
    assert_eq!(more.outcome, DeliveryOutcome::Granted);
    let weaker = sell(&kit, &one, "evt_3", &to(charge(&["pi_2", "in_2"]), "CHAN-2", 30)).await;
    assert_eq!(weaker.outcome, DeliveryOutcome::Held, "a weaker name that both have");
    let event = sell(&kit, &one, "evt_2", &to(charge(&["cs_9"]), "CHAN-2", 30)).await;
    assert_eq!(event.outcome, DeliveryOutcome::Held, "one event that both have");
    // They are two.
    kit.decide("b/pi_1", &decided(Order::NotApplied), NOW).await.unwrap();
    assert_eq!(kit.payment("b/pi_1").await.unwrap().unwrap().payment.state, PaymentState::Planned);
}

/// Two endpoints of one account tell a new ledger of what was paid before it, and one decision releases all of it. Under
/// which of its two names it stands in Billing History, a person must see.
pub(super) async fn what_a_person_releases_in_two_realms_is_asked_again(kit: Kit) {
    let (one, two) = (shop("a", "stripe"), shop("b", "stripe"));
    let since = kit.origin().await.unwrap().made_at.unwrap() - GRACE_MS;
    for (name, first) in [("1", Order::NotApplied), ("2", Order::Applied)] {
        let paid =
            Facts { paid_at: Some(since - 1), ..bought(&format!("pi_{name}"), &format!("CHAN-{name}")) };
        for shop in [&one, &two] {
            assert_eq!(sell(&kit, shop, &format!("evt_{name}"), &paid).await.outcome, DeliveryOutcome::Held);
        }
        let (a, b) = (format!("a/pi_{name}"), format!("b/pi_{name}"));
        kit.decide(&a, &decided(first), NOW).await.unwrap();
        kit.decide(&b, &decided(Order::NotApplied), NOW).await.unwrap();
        for key in [&a, &b] {
            let payment = kit.payment(key).await.unwrap().unwrap();
            if first == Order::Applied && key == &a {
                assert_eq!(payment.payment.state, PaymentState::Credited);
            } else {
                assert_eq!((payment.payment.state.as_str(), payment.transfers.len()), ("held", 0), "{key}");
                assert_eq!(cause_of(&kit, key).await.map(HeldCause::as_str), Some("twin"), "{key}");
            }
        }
        // Now it is known that they are two.
        kit.decide(&b, &decided(Order::NotApplied), NOW).await.unwrap();
        assert_eq!(kit.payment(&b).await.unwrap().unwrap().payment.state, PaymentState::Planned);
    }
}

/// What was held first and what a person closed stand for the purchase as well; the first of two that are held goes on.
pub(super) async fn what_is_known_in_another_realm_and_not_granted_counts(kit: Kit) {
    let (one, two) = (shop("a", "stripe"), shop("b", "stripe"));
    sell(&kit, &one, "evt_1", &charge(&["pi_1"])).await;
    let second = sell(&kit, &two, "evt_1", &bought("pi_1", "CHAN-1")).await;
    assert_eq!(second.outcome, DeliveryOutcome::Held, "{second:?}");
    let link = to(facts(daybridge::domain::facts::Meaning::Link, &["pi_1"]), "CHAN-1", 30);
    sell(&kit, &one, "evt_link", &link).await;
    assert_eq!(kit.payment("a/pi_1").await.unwrap().unwrap().payment.state, PaymentState::Planned);

    sell(&kit, &one, "evt_2", &charge(&["pi_2"])).await;
    kit.decide("a/pi_2", &decided(Order::Cancel), NOW).await.unwrap();
    let closed = sell(&kit, &two, "evt_2", &bought("pi_2", "CHAN-2")).await;
    assert_eq!(closed.outcome, DeliveryOutcome::Held, "{closed:?}");
}

/// Order numbers of two shops, ids of two providers, connected accounts and modes: no suspicion.
pub(super) async fn equal_ids_of_others_are_no_suspicion(kit: Kit) {
    let (one, two) = (shop("a", "paystack"), shop("b", "paystack"));
    let order = |channel: &str| bought("17", channel);
    assert_eq!(sell(&kit, &one, "evt_1", &order("CHAN-1")).await.outcome, DeliveryOutcome::Granted);
    assert_eq!(sell(&kit, &two, "evt_2", &order("CHAN-2")).await.outcome, DeliveryOutcome::Granted);
    let same = sell(&kit, &two, "evt_1", &to(charge(&["17", "x"]), "CHAN-1", 30)).await;
    assert_eq!(same.outcome, DeliveryOutcome::Duplicate, "{same:?}");
    let captured = sell(&kit, &shop("c", "paystack"), "evt_1", &order("CHAN-1")).await;
    assert_eq!(captured.outcome, DeliveryOutcome::Held, "the same order, channel and money");

    let other = sell(&kit, &shop("d", "stripe"), "evt_1", &order("CHAN-1")).await;
    assert_eq!(other.outcome, DeliveryOutcome::Granted, "another provider");
    let connected = Facts { account: Some("acct_1".into()), ..bought("pi_5", "CHAN-5") };
    let stripe = shop("e", "stripe");
    assert_eq!(sell(&kit, &stripe, "evt_5", &connected).await.outcome, DeliveryOutcome::Granted);
    let own = sell(&kit, &shop("f", "stripe"), "evt_6", &bought("pi_5", "CHAN-5")).await;
    assert_eq!(own.outcome, DeliveryOutcome::Granted, "another connected account");
}
