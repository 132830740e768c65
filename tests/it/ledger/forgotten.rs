//! What a stranger tries on a restored ledger: calls, names, refunds and workers of the time that it has forgotten.

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        facts::{Family, Meaning},
        settle::{AccountSignal, Cause, Order, Outcome as Open},
    },
    ledger::{Claim, Decided, DeliveryOutcome, LedgerError},
};

use super::{
    kit::*,
    ops::{state_of, take_to},
};

const DAY: i64 = 86_400_000;
const WINDOW: i64 = 900_000;

fn within(order: Order) -> Decided<'static> {
    Decided { settle_window_ms: WINDOW, ..decided(order) }
}

/// The worker was killed right after it had sent; Billing History has no line of it yet.
pub(super) async fn a_forgotten_call_may_still_be_applied(kit: Kit) {
    let planned = kit.grant("1", "CHAN-1").await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    kit.record("evt_2", &to(charge(&["pi_2"]), "CHAN-2", 30)).await;
    for key in [&*planned, "stripe/pi_2"] {
        let early = kit.decide(key, &within(Order::NotApplied), NOW + WINDOW - 60_000).await.unwrap_err();
        assert!(matches!(&early, LedgerError::Refused(text) if text.contains("in 60 s")), "{key}: {early}");
    }
    // What a second declaration found held already may have been called between the two.
    kit.restored(NOW - DAY, "ada", NOW + WINDOW).await.unwrap();
    for key in [&*planned, "stripe/pi_2"] {
        let early = kit.decide(key, &within(Order::NotApplied), NOW + WINDOW + 1).await.unwrap_err();
        assert!(matches!(&early, LedgerError::Refused(text) if text.contains("may still be applied")));
        kit.decide(key, &within(Order::NotApplied), NOW + 2 * WINDOW).await.unwrap();
        assert_eq!(state_of(&kit, key).await, "planned");
    }
}

async fn execute(kit: &Kit, statements: &[&'static str]) {
    let mut raw = kit.sql().await;
    for statement in statements {
        raw.execute(statement).await;
    }
}

/// Claims are counted for each channel, and a restored ledger counts anew.
pub(super) async fn no_claim_of_the_forgotten_time_comes_again(kit: Kit) {
    kit.grant("known", "CHAN-1").await;
    let claims_of_a_time = async |name: &str, declared_at: i64| -> Vec<Claim> {
        kit.restored(NOW - DAY, "ada", declared_at).await.unwrap();
        // One channel that the backup knows, and one that it does not.
        for channel in ["CHAN-1", "CHAN-2"] {
            let facts = to(charge(&[&format!("pi_{name}_{channel}")]), channel, 30);
            let facts = paid_at(facts, declared_at + DAY);
            kit.record(&format!("evt_{name}_{channel}"), &facts).await.planned.unwrap();
        }
        let mut claims = kit.claim(ACCOUNT, "w", declared_at + 1, declared_at + 2, 9).await.unwrap();
        claims.sort_by(|a, b| a.channel.cmp(&b.channel));
        assert_eq!(claims.len(), 2);
        claims
    };
    let forgotten = claims_of_a_time("a", NOW).await;
    // The same backup once more: it knows neither the first declaration nor the second channel.
    let backup = [
        "DELETE FROM restorations",
        "DELETE FROM channels WHERE channel = 'CHAN-2'",
        "UPDATE channels SET epoch = 0, lease_until = 0, due_at = NULL",
    ];
    execute(&kit, &backup).await;
    let current = claims_of_a_time("b", NOW + 1_000).await;
    for (old, new) in forgotten.iter().zip(&current) {
        assert_eq!(old.channel, new.channel);
        assert!(old.epoch < new.epoch, "{old:?} meets {new:?}");
        assert!(!kit.save_channel(old, &Default::default()).await.unwrap(), "{old:?}");
    }
}

/// A channel that only the forgotten time knew is made anew.
pub(super) async fn a_channel_of_the_forgotten_time_does_not_count_from_nothing(kit: Kit) {
    kit.grant("1", "CHAN-1").await;
    let old = kit.claim_one(NOW).await;
    execute(&kit, &["DELETE FROM channels", "DELETE FROM transfers"]).await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    let facts = paid_at(to(charge(&["pi_2"]), "CHAN-1", 30), NOW + DAY);
    kit.record("evt_2", &facts).await.planned.unwrap();
    let new = kit.claim_one(NOW).await;
    assert!(old.epoch < new.epoch, "{old:?} meets {new:?}");
    assert!(!kit.save_channel(&old, &Default::default()).await.unwrap());
}

/// The comment has the key that was the strongest name when the days were granted; told again in another order,
/// the payment gets another one.
pub(super) async fn billing_history_may_know_another_name(kit: Kit) {
    let mut source = rules();
    source.rules.money_in = Family::new("invoices");
    let invoice = to(facts(Meaning::MoneyIn(Family::new("invoices")), &["in_1"]), "CHAN-1", 30);
    let link = facts(Meaning::Link, &["pi_1", "in_1"]);
    let planned = kit.grant("2", "CHAN-2").await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    // The first time the invoice came first, so `stripe/in_1#1` is what was sent.
    kit.record_as(&delivery("evt_link"), Ok(&link), &source, false).await;
    kit.record_as(&delivery("evt_invoice"), Ok(&invoice), &source, false).await;
    let held = kit.held(9, NOW).await.unwrap();
    let [transfer, payment] = held.as_slice() else { panic!("{held:?}") };
    assert_eq!((transfer.kind.as_str(), &transfer.history), ("transfer", &vec![planned]));
    assert_eq!(payment.key, "stripe/pi_1");
    assert_eq!(payment.history, ["stripe/pi_1#1", "stripe/in_1#1"]);
    for key in &payment.history {
        assert!(payment.next.contains(key), "{}", payment.next);
    }
}

/// Credited, forgotten, refunded: that its days have not moved is not true.
pub(super) async fn a_refund_does_not_hide_that_days_may_have_moved(kit: Kit) {
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    let refunded = async |name: &str| {
        kit.record(&format!("evt_{name}"), &to(charge(&[name]), "CHAN-1", 30)).await;
        kit.record(&format!("evt_re_{name}"), &facts(Meaning::MoneyOut, &[name])).await;
        format!("stripe/{name}")
    };
    let applied = refunded("pi_1").await;
    let whole = kit.payment(&applied).await.unwrap().unwrap().payment;
    assert!(whole.reason.as_ref().unwrap().contains("may have moved"), "{whole:?}");
    assert_eq!((whole.channel.as_deref(), whole.days), (Some("CHAN-1"), Some(30)));
    let refused = kit.decide(&applied, &decided(Order::NotApplied), NOW + 1).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.contains("held cancel")), "{refused}");
    kit.decide(&applied, &decided(Order::Applied), NOW + 1).await.unwrap();
    assert_eq!(kit.payment(&applied).await.unwrap().unwrap().payment.state, PaymentState::Credited);

    let not_applied = refunded("pi_2").await;
    kit.decide(&not_applied, &decided(Order::Cancel), NOW + 1).await.unwrap();
    assert_eq!(kit.payment(&not_applied).await.unwrap().unwrap().payment.state, PaymentState::Cancelled);
}

/// When a payment was made is the provider's word, when the ledger was declared restored is ours.
pub(super) async fn the_clocks_may_differ(kit: Kit) {
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    for (name, ahead_ms, outcome) in
        [("1", 299_999, DeliveryOutcome::Held), ("2", 300_000, DeliveryOutcome::Granted)]
    {
        let facts = paid_at(to(charge(&[&format!("pi_{name}")]), "CHAN-1", 30), NOW + ahead_ms);
        assert_eq!(kit.record(&format!("evt_{name}"), &facts).await.outcome, outcome, "{ahead_ms} ms ahead");
    }
}

/// That a person closed it is forgotten too; closing it again must not cost the days first.
pub(super) async fn a_forgotten_cancellation_can_be_repeated(kit: Kit) {
    let key = take_to(&kit, "1", held(Cause::Refused(422, "no".into()), Open::None)).await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    kit.decide(&key, &within(Order::Cancel), NOW + 1).await.unwrap();
    assert_eq!(state_of(&kit, &key).await, "cancelled");
    let claim = kit.claim_one(NOW + 2).await;
    assert_eq!(kit.turn(&claim, NOW + 2).await.unwrap().transfer, None);
}

/// Neither a channel nor days are known of it any more, but its days may have moved all the same.
pub(super) async fn nobody_says_that_nothing_was_sent(kit: Kit) {
    kit.record("evt_1", &charge(&["pi_1"])).await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    let refused = kit.decide("stripe/pi_1", &decided(Order::Applied), NOW).await.unwrap_err().to_string();
    assert!(!refused.contains("nothing was sent"), "{refused}");
    assert!(refused.contains("held cancel"), "{refused}");
}

/// A hold of the backup's has nothing left that waits for it, and no hold plans what a person must decide.
pub(super) async fn an_account_hold_of_the_backup_ends(kit: Kit) {
    let key = take_to(&kit, "1", held(Cause::Balance("none".into()), Open::None)).await;
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key, NOW, NOW).await.unwrap();
    kit.restored(NOW - DAY, "ada", NOW + 1).await.unwrap();
    assert!(!kit.take_probe(ACCOUNT, NOW + 10, NOW + 20).await.unwrap());
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None);
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key, NOW + 11, NOW + 12).await.unwrap();
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key, NOW + 12, NOW + 13).await.unwrap();
    assert_eq!(state_of(&kit, &key).await, "held");
}

/// Every way in which what was told before can be read again.
pub(super) async fn no_replay_grants_what_was_forgotten(kit: Kit) {
    let paid = to(charge(&["pi_1"]), "CHAN-1", 30);
    let dead = delivery("evt_1");
    kit.record_as(&dead, Ok(&paid), &rules(), true).await;
    kit.record("evt_2", &charge(&["pi_2"])).await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    // From the dead queue; another delivery; by a linked event; with changed settings.
    let mut recorded = vec![kit.record_as(&dead, Ok(&paid), &rules(), false).await];
    recorded.push(kit.record("evt_1", &paid).await);
    recorded.push(kit.record("evt_link", &to(facts(Meaning::Link, &["pi_2"]), "CHAN-1", 30)).await);
    let mut other = rules();
    other.rules.money_in = Family::new("invoices");
    let invoice = to(facts(Meaning::MoneyIn(Family::new("invoices")), &["pi_2", "in_2"]), "CHAN-1", 30);
    recorded.push(kit.record_as(&delivery("evt_in"), Ok(&invoice), &other, false).await);
    assert!(recorded.iter().all(|r| r.planned.is_none()), "{recorded:?}");
    let held = kit.held(9, NOW).await.unwrap();
    let causes: Vec<_> = held.iter().map(|h| (&*h.key, h.cause.as_str())).collect();
    assert_eq!(causes, [("stripe/pi_1", "restored"), ("stripe/pi_2", "restored")]);
}

/// Billing History shows other days than the backup knows: a refund had changed them, and failed since.
pub(super) async fn the_days_that_stand_in_billing_history_count(kit: Kit) {
    let stands = |days| Decided { days: Some(days), ..within(Order::Applied) };
    // Of a call that is known, so are its days.
    let open = take_to(&kit, "3", held(Cause::Unmoved, Open::Open)).await;
    let known = kit.decide(&open, &stands(20), NOW + WINDOW).await.unwrap_err();
    assert!(matches!(&known, LedgerError::Refused(text) if text.contains("30 days, not for 20")), "{known}");
    kit.decide(&open, &within(Order::Applied), NOW + WINDOW).await.unwrap();
    let planned = kit.grant("1", "CHAN-1").await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    kit.record("evt_2", &to(charge(&["pi_2"]), "CHAN-2", 30)).await;
    let mixed = Decided { order: Order::NotApplied, ..stands(20) };
    let mixed = kit.decide(&planned, &mixed, NOW + 2 * WINDOW).await.unwrap_err();
    assert!(matches!(&mixed, LedgerError::Refused(text) if text.contains("nothing was changed")), "{mixed}");
    for (key, payment) in [(&*planned, "stripe/pi_1"), ("stripe/pi_2", "stripe/pi_2")] {
        kit.decide(key, &stands(20), NOW + 1).await.unwrap();
        let whole = kit.ledger.payment(payment).await.unwrap().unwrap();
        assert_eq!((whole.payment.state, whole.transfers[0].days), (PaymentState::Credited, 20), "{key}");
        let out = whole.money_out.unwrap();
        assert_eq!(
            (out.days_due, out.days_owed, out.waits),
            (Some(30), 10, Some(HeldCause::DaysOwed)),
            "{key}"
        );
    }
}
