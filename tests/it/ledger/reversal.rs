//! Refunds and disputes of payments that are not granted, granted, called, and settled.

use daybridge::{
    domain::{
        closed::HeldCause,
        facts::{Facts, Meaning, Reversal, ReversalAmount, ReversalKind, ReversalState},
        id::ChannelId,
        payment::entitlement::OnReversal,
        settle::{Cause, Order, Outcome as Open, State},
    },
    ledger::{
        Act, Claim, Correction, Decided, DeliveryOutcome, LedgerError, Recorded, Scope, SourceRules,
        query::{HeldQuery, Page},
        view::{self, EventOutcome, HeldKind},
    },
};

use super::{
    kit::*,
    ops::{state_of, take_to},
};

pub(super) const DAY: i64 = 86_400_000;
const ACT: Act<'_> = Act { who: "ada", reason: "looked" };

/// A refund or dispute of part of a payment of 900.
pub(super) fn out(
    payment: &str,
    id: &str,
    kind: ReversalKind,
    state: ReversalState,
    units: i64,
    at: i64,
) -> Facts {
    let amount = ReversalAmount::Part(units);
    let told = Reversal { kind, state, id: Some(id.to_owned()), amount, currency: None };
    Facts { occurred_at: NOW + at, out: vec![told], ..facts(Meaning::MoneyOut, &[payment]) }
}

pub(crate) fn refund(payment: &str, units: i64) -> Facts {
    out(payment, "re_1", ReversalKind::Refund, ReversalState::Done, units, 1)
}

fn failed(payment: &str, units: i64) -> Facts {
    out(payment, "re_1", ReversalKind::Refund, ReversalState::Undone, units, 2)
}

pub(crate) fn policy(on_money_out: OnReversal) -> SourceRules {
    let mut source = rules();
    source.rules.on_refund = on_money_out;
    source.rules.on_dispute = on_money_out;
    source
}

pub(super) fn paid(name: &str) -> Facts {
    to(charge(&[name]), &format!("CHAN-{name}"), 30)
}

struct Told<'a> {
    kit: &'a Kit,
    source: SourceRules,
}

impl Told<'_> {
    fn of(kit: &Kit, on_money_out: OnReversal) -> Told<'_> {
        Told { kit, source: policy(on_money_out) }
    }

    async fn event(&self, event: &str, facts: &Facts) -> Recorded {
        self.kit.record_as(&delivery(event), Ok(facts), &self.source, false).await
    }
}

async fn whole(kit: &Kit, name: &str) -> view::PaymentWhole {
    kit.payment(name).await.unwrap().unwrap()
}

/// `state cause days`, then `due reduced spent owed`.
async fn stands(kit: &Kit, name: &str) -> String {
    let whole = whole(kit, name).await;
    let wanted = HeldQuery { key: whole.transfers.first().map(|t| t.key.clone()), cause: None };
    let held = kit.ledger.held(&wanted, 1, NOW).await.unwrap();
    let cause =
        held.first().filter(|h| h.kind == HeldKind::Transfer).map_or("-".to_owned(), |h| h.cause.to_string());
    let days = whole.transfers.first().map_or(0, |t| t.days);
    let out = whole.money_out.expect("money out is known");
    let due = out.days_due.map_or(-1, i64::from);
    format!(
        "{} {cause} {days}, {due} {} {} {}",
        whole.payment.state, out.days_reduced, out.days_spent, out.days_owed
    )
}

async fn gaps(kit: &Kit) -> Vec<(String, String, Option<u32>)> {
    let held = kit.held(99, NOW).await.unwrap();
    held.into_iter().filter(view::Held::is_gap).map(|h| (h.key, h.cause.to_string(), h.days)).collect()
}

fn days(days: u32) -> Correction<'static> {
    Correction {
        channel: None,
        days: Some(days),
        remember: false,
        force: false,
        account: ACCOUNT,
        cause: None,
        act: ACT,
        comment: comment(),
    }
}

fn refused(answer: Result<(), LedgerError>) -> String {
    answer.unwrap_err().to_string()
}

pub(super) async fn before_the_grant_a_person_is_asked(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_re", &refund("pi_1", 300)).await;
    let money = told.event("evt_1", &paid("pi_1")).await;
    assert_eq!((money.outcome, money.planned), (DeliveryOutcome::Held, None));
    let held = &kit.held(9, NOW).await.unwrap()[0];
    assert_eq!(
        (held.cause.as_str(), held.days, held.channel.as_deref()),
        ("refunded", Some(30), Some("CHAN-pi_1"))
    );
    assert!(held.reason.contains("3.00 of 9.00 USD") && held.reason.contains("20 of 30 days"), "{held:?}");
    let known = whole(&kit, "pi_1").await.money_out.unwrap();
    assert_eq!((known.refunded, known.days_due, known.days_reduced), (300, Some(20), 0));
    // A person says how many; what was bought stays what it was.
    kit.correct("stripe/pi_1", &days(25), NOW).await.unwrap();
    let again = told.event("evt_1", &paid("pi_1")).await;
    assert_eq!(again.planned.as_deref(), Some("stripe/pi_1#1"));
    assert_eq!(whole(&kit, "pi_1").await.payment.days, Some(30));
    assert_eq!(stands(&kit, "pi_1").await, "planned - 25, 20 5 0 0");
    // Less that is covered is a new question.
    told.event("evt_re2", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Done, 300, 3)).await;
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 25, 10 5 0 0");

    told.event("evt_2", &paid("pi_2")).await;
    told.event("evt_du", &out("pi_3", "du_1", ReversalKind::Dispute, ReversalState::Open, 900, 1)).await;
    assert_eq!(told.event("evt_3", &paid("pi_3")).await.outcome, DeliveryOutcome::Held);
    let held = kit.held(9, NOW).await.unwrap();
    assert_eq!(held.iter().find(|h| h.key == "stripe/pi_3").unwrap().cause, HeldCause::Disputed);
    // Won: it goes on by itself.
    let won = told
        .event("evt_won", &out("pi_3", "du_1", ReversalKind::Dispute, ReversalState::Undone, 900, 2))
        .await;
    assert_eq!((won.outcome, won.planned.as_deref()), (DeliveryOutcome::Refund, Some("stripe/pi_3#1")));
    assert_eq!(stands(&kit, "pi_3").await, "planned - 30, 30 0 0 0");
}

pub(super) async fn before_the_grant_days_are_taken_off(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(told.event("evt_1", &paid("pi_1")).await.outcome, DeliveryOutcome::Granted);
    let shown = whole(&kit, "pi_1").await;
    assert_eq!((shown.payment.days, &*shown.transfers[0].comment), (Some(30), "daybridge stripe/pi_1#1 20d"));
    assert_eq!(stands(&kit, "pi_1").await, "planned - 20, 20 10 0 0");
    // All of it: nothing to grant, until the money is back.
    told.event("evt_re2", &refund("pi_2", 900)).await;
    let nothing = told.event("evt_2", &paid("pi_2")).await;
    assert_eq!(nothing.outcome, DeliveryOutcome::Ignored);
    assert!(nothing.reason.unwrap().contains("9.00 of 9.00 USD"));
    assert_eq!(stands(&kit, "pi_2").await, "nothing - 0, 0 30 0 0");
    let back = told.event("evt_failed", &failed("pi_2", 900)).await;
    assert_eq!(back.planned.as_deref(), Some("stripe/pi_2#1"));
    assert_eq!(stands(&kit, "pi_2").await, "planned - 30, 30 0 0 0");
}

pub(super) async fn what_is_planned_is_held(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    let claim = kit.claim_one(NOW).await;
    let refunded = told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(refunded.outcome, DeliveryOutcome::Refund);
    assert!(refunded.reason.unwrap().contains("its transfer is held"));
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 30, 20 0 0 0");
    // The worker that had it in its hands loses.
    assert!(!kit.put(&claim, "stripe/pi_1#1", &State::planned(NOW), intended(claim.epoch), NOW).await);
    let held = kit.held(9, NOW).await.unwrap();
    assert_eq!((held.len(), held[0].outcome.map(|word| word.as_str())), (1, Some("none")));
    for word in ["held retry", "held set", "held cancel"] {
        assert!(held[0].next.contains(word), "{}", held[0].next);
    }
    // Told again, nothing happens.
    told.event("evt_re", &refund("pi_1", 300)).await;
    let shown = whole(&kit, "pi_1").await;
    assert_eq!((shown.adjustments.len(), shown.transfers[0].steps.len()), (1, 2));
    let adjustment = &shown.adjustments[0];
    assert_eq!((adjustment.kind.as_str(), adjustment.amount, adjustment.days), ("refund", 300, Some(-10)));
    assert_eq!(adjustment.event, "evt_re");
    // It failed: the days go on.
    let back = told.event("evt_failed", &failed("pi_1", 300)).await;
    assert_eq!(back.planned.as_deref(), Some("stripe/pi_1#1"));
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 30 0 0 0");
    assert_eq!(whole(&kit, "pi_1").await.adjustments[1].days, Some(10));
    let claim = kit.claim_one(NOW + 1).await;
    assert_eq!(kit.turn(&claim, NOW + 1).await.unwrap().transfer.unwrap().days, 30);
}

pub(super) async fn what_a_person_decides_of_the_held(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    for name in ["pi_1", "pi_2", "pi_3"] {
        told.event(&format!("evt_{name}"), &paid(name)).await;
        told.event(&format!("evt_re_{name}"), &refund(name, 300)).await;
    }
    let why = refused(kit.decide("stripe/pi_1#1", &decided(Order::Retry), NOW).await);
    assert!(why.contains("--cause refunded") && why.contains("30 days"), "{why}");
    kit.decide("stripe/pi_1#1", &decided_for(Order::Retry, HeldCause::Refunded), NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 20 0 0 0");
    kit.correct("stripe/pi_2#1", &days(25), NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_2").await, "planned - 25, 20 5 0 0");
    let shown = whole(&kit, "pi_2").await;
    assert_eq!((shown.payment.days, &*shown.transfers[0].comment), (Some(30), "daybridge stripe/pi_2#1 25d"));
    kit.decide("stripe/pi_3#1", &decided(Order::Cancel), NOW).await.unwrap();
    assert_eq!(state_of(&kit, "stripe/pi_3#1").await, "cancelled");
    // Told again, it is no new question.
    for name in ["pi_1", "pi_2", "pi_3"] {
        told.event(&format!("evt_re_{name}"), &refund(name, 300)).await;
    }
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 20 0 0 0");
    assert_eq!(stands(&kit, "pi_2").await, "planned - 25, 20 5 0 0");
    assert!(kit.held(9, NOW).await.unwrap().is_empty());
    // It failed: nobody loses days by a decision that has no ground any more.
    for name in ["pi_1", "pi_2", "pi_3"] {
        told.event(&format!("evt_failed_{name}"), &failed(name, 300)).await;
    }
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 30 0 0 0");
    assert_eq!(stands(&kit, "pi_2").await, "planned - 30, 30 0 0 0");
    assert_eq!(stands(&kit, "pi_3").await, "cancelled - 30, 30 0 0 30");
    assert_eq!(gaps(&kit).await, [("stripe/pi_3".into(), "days_owed".into(), Some(30))]);
    kit.decide("stripe/pi_3", &decided(Order::Cancel), NOW).await.unwrap();
    assert!(gaps(&kit).await.is_empty());
}

pub(super) async fn what_is_planned_is_made_shorter(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_1", &paid("pi_1")).await;
    let claim = kit.claim_one(NOW).await;
    told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(stands(&kit, "pi_1").await, "planned - 20, 20 10 0 0");
    // It is planned as before, but not for as many days: whoever has read it as it was may not call.
    assert!(!kit.put(&claim, "stripe/pi_1#1", &State::planned(NOW), intended(claim.epoch), NOW).await);
    let transfer = whole(&kit, "pi_1").await.transfers.remove(0);
    assert_eq!(transfer.comment, "daybridge stripe/pi_1#1 20d");
    assert!(transfer.steps.last().unwrap().note.contains("20 days instead of 30"), "{transfer:?}");
    // Always in proportion of what was bought.
    told.event("evt_re2", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Done, 300, 3)).await;
    assert_eq!(stands(&kit, "pi_1").await, "planned - 10, 10 20 0 0");
    told.event("evt_re3", &out("pi_1", "re_3", ReversalKind::Refund, ReversalState::Done, 300, 4)).await;
    assert_eq!(stands(&kit, "pi_1").await, "cancelled - 10, 0 30 0 0");
    // Back by and by; the same key, never called.
    told.event("evt_f3", &out("pi_1", "re_3", ReversalKind::Refund, ReversalState::Undone, 300, 5)).await;
    assert_eq!(stands(&kit, "pi_1").await, "planned - 10, 10 20 0 0");
    told.event("evt_f1", &failed("pi_1", 300)).await;
    told.event("evt_f2", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Undone, 300, 6)).await;
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 30 0 0 0");
    let shown = whole(&kit, "pi_1").await;
    assert_eq!((shown.transfers.len(), &*shown.transfers[0].comment), (1, "daybridge stripe/pi_1#1 30d"));
    let sums: Vec<_> = shown.adjustments.iter().map(|a| (a.amount, a.days.unwrap())).collect();
    assert_eq!(sums, [(300, -10), (300, -10), (300, -10), (-300, 10), (-300, 10), (-300, 10)]);
}

pub(super) async fn what_has_moved_is_listed(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    let mut called = None;
    for (name, state) in [("1", settled()), ("2", held(Cause::Unmoved, Open::Open)), ("3", intended(1))] {
        let key =
            if name == "3" { kit.grant(name, "CHAN-3").await } else { take_to(&kit, name, state).await };
        if name == "3" {
            let claim = kit.claim_one(NOW).await;
            assert!(kit.put(&claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
            called = Some(claim);
        }
        let before = state_of(&kit, &key).await;
        let recorded = told.event(&format!("evt_re_{name}"), &refund(&format!("pi_{name}"), 300)).await;
        assert_eq!(recorded.reason.unwrap().contains("10 days of the others were spent"), name == "1");
        assert_eq!(state_of(&kit, &key).await, before, "nothing is clawed back");
    }
    let spent = |n| (format!("stripe/pi_{n}"), "days_spent".to_owned(), Some(10));
    assert_eq!(gaps(&kit).await, [spent(1)], "of the others it is not known whether they moved");
    let claim = called.unwrap();
    assert!(kit.put(&claim, "stripe/pi_3#1", &intended(claim.epoch), settled(), NOW).await);
    assert_eq!(gaps(&kit).await, [spent(1), spent(3)]);
    let group =
        kit.held_groups(NOW).await.unwrap().into_iter().find(|g| g.cause == HeldCause::DaysSpent).unwrap();
    assert_eq!((group.kind.as_str(), group.count, group.days), ("payment", 2, 20));
    assert_eq!(kit.counts().await.unwrap().held, 3, "and the transfer whose outcome is open");
    assert_eq!(stands(&kit, "pi_1").await, "credited - 30, 20 0 10 0");

    // A person closes it; told again it stays closed, a further one opens it, and when all failed it is over.
    let why = refused(kit.decide("stripe/pi_1", &decided(Order::Retry), NOW).await);
    assert!(why.contains("held cancel"), "{why}");
    kit.decide("stripe/pi_1", &decided(Order::Cancel), NOW).await.unwrap();
    let act = kit.audit(Some("stripe/pi_1"), &Page::first(1)).await.unwrap().remove(0);
    assert_eq!((&*act.who, act.action.as_str(), act.at), ("ada", "held cancel", NOW));
    told.event("evt_re_1", &refund("pi_1", 300)).await;
    assert_eq!(gaps(&kit).await, [spent(3)]);
    told.event("evt_re_1b", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Done, 90, 3)).await;
    assert_eq!(gaps(&kit).await.first(), Some(&("stripe/pi_1".into(), "days_spent".into(), Some(13))));
    told.event("evt_f_1", &failed("pi_1", 300)).await;
    told.event("evt_f_1b", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Undone, 90, 4)).await;
    assert_eq!(gaps(&kit).await, [spent(3)]);
    assert_eq!(stands(&kit, "pi_1").await, "credited - 30, 30 0 0 0");
    // It turns out not applied: then nothing was spent, and what is planned anew is what is left.
    kit.decide("stripe/pi_2#1", &decided(Order::NotApplied), NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_2").await, "planned - 20, 20 10 0 0");
    assert_eq!(gaps(&kit).await, [spent(3)]);
    assert_eq!(whole(&kit, "pi_2").await.transfers[0].comment, "daybridge stripe/pi_2#1 20d");
}

async fn claim_of(kit: &Kit, channel: &str) -> Claim {
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 99).await.unwrap();
    claims.into_iter().find(|claim| claim.channel.as_str() == channel).unwrap()
}

/// A refund comes while a call is on its way, and the call turns out to have done nothing.
pub(super) async fn what_was_on_its_way_is_weighed_when_it_is_back(kit: Kit) {
    for (n, on_money_out, left, want) in [
        (1, OnReversal::Report, 300, "held refunded 30, 20 0 0 0"),
        (2, OnReversal::CancelUnspent, 300, "planned - 20, 20 10 0 0"),
        (3, OnReversal::CancelUnspent, 900, "cancelled - 30, 0 30 0 0"),
    ] {
        let (name, channel) = (format!("pi_{n}"), format!("CHAN-{n}"));
        let key = kit.grant(&n.to_string(), &channel).await;
        let claim = claim_of(&kit, &channel).await;
        let called = intended(claim.epoch);
        assert!(kit.put(&claim, &key, &State::planned(NOW), called.clone(), NOW).await);
        Told::of(&kit, on_money_out).event(&format!("evt_re_{n}"), &refund(&name, left)).await;
        assert!(gaps(&kit).await.is_empty(), "it is not known whether they moved");
        assert!(kit.put(&claim, &key, &called, State::planned(NOW), NOW).await);
        assert_eq!(stands(&kit, &name).await, want);
        assert!(gaps(&kit).await.is_empty());
    }
    // Refused for want of balance: the top-up must not send what was refunded.
    let key = kit.grant("4", "CHAN-4").await;
    let claim = claim_of(&kit, "CHAN-4").await;
    let called = intended(claim.epoch);
    assert!(kit.put(&claim, &key, &State::planned(NOW), called.clone(), NOW).await);
    Told::of(&kit, OnReversal::Report).event("evt_re_4", &refund("pi_4", 300)).await;
    assert!(kit.put(&claim, &key, &called, held(Cause::Balance("none".into()), Open::None), NOW).await);
    assert_eq!(stands(&kit, "pi_4").await, "held refunded 30, 20 0 0 0");
}

/// A worker gives a call back, or begins one, in the very moment in which a refund is recorded.
pub(super) async fn a_refund_beside_a_worker_is_never_lost(kit: Kit) {
    let kit = std::sync::Arc::new(kit);
    for n in 0..30 {
        let (name, channel) = (format!("pi_{n}"), format!("CHAN-{n}"));
        let key = kit.grant(&n.to_string(), &channel).await;
        let claim = claim_of(&kit, &channel).await;
        let called = intended(claim.epoch);
        let begins = n % 2 == 0;
        if !begins {
            assert!(kit.put(&claim, &key, &State::planned(NOW), called.clone(), NOW).await);
        }
        let refunds = {
            let (kit, name) = (kit.clone(), name.clone());
            tokio::spawn(async move {
                let source = policy(OnReversal::CancelUnspent);
                let event = delivery(&format!("evt_re_{name}"));
                kit.record_as(&event, Ok(&refund(&name, 300)), &source, false).await
            })
        };
        let works = {
            let (kit, key) = (kit.clone(), key.clone());
            let (from, to) =
                if begins { (State::planned(NOW), called) } else { (called, State::planned(NOW)) };
            tokio::spawn(async move { kit.put(&claim, &key, &from, to, NOW).await })
        };
        let (_, done) = (refunds.await.unwrap(), works.await.unwrap());
        let want = if begins && done { "planned - 30, 20 0 10 0" } else { "planned - 20, 20 10 0 0" };
        assert_eq!(stands(&kit, &name).await, want, "{n}: begins {begins}, done {done}");
        let state = state_of(&kit, &key).await;
        assert_eq!(state == "intended", begins && done);
    }
}

/// A changed setting is taken in at the next start, before and after the grant.
pub(super) async fn changed_settings_weigh_what_is_held(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re_1", &refund("pi_1", 300)).await;
    told.event("evt_re_2", &refund("pi_2", 300)).await;
    told.event("evt_2", &paid("pi_2")).await;
    let facts = [
        ("evt_1", paid("pi_1")),
        ("evt_re_1", refund("pi_1", 300)),
        ("evt_re_2", refund("pi_2", 300)),
        ("evt_2", paid("pi_2")),
    ];
    let source = policy(OnReversal::CancelUnspent);
    let held = kit.held_envelopes(None, 0, 9).await.unwrap();
    assert_eq!(held.len(), 4);
    for (_, envelope, _) in held {
        let (_, facts) = facts.iter().find(|(event, _)| *event == envelope.event_id).unwrap();
        kit.record_as(&envelope, Ok(facts), &source, false).await;
    }
    for name in ["pi_1", "pi_2"] {
        assert_eq!(stands(&kit, name).await, "planned - 20, 20 10 0 0");
    }
    assert!(kit.events(9).await.unwrap().iter().all(|e| e.outcome != EventOutcome::Held));
}

pub(super) async fn days_already_moved_short_are_owed(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_re", &refund("pi_1", 300)).await;
    told.event("evt_1", &paid("pi_1")).await;
    let claim = kit.claim_one(NOW).await;
    assert!(kit.put(&claim, "stripe/pi_1#1", &State::planned(NOW), settled(), NOW).await);
    assert_eq!(stands(&kit, "pi_1").await, "credited - 20, 20 10 0 0");
    assert!(gaps(&kit).await.is_empty());
    let back = told.event("evt_failed", &failed("pi_1", 300)).await;
    assert_eq!(back.planned, None, "never a second call");
    assert_eq!(stands(&kit, "pi_1").await, "credited - 20, 30 10 0 10");
    assert_eq!(gaps(&kit).await, [("stripe/pi_1".into(), "days_owed".into(), Some(10))]);
    assert_eq!(whole(&kit, "pi_1").await.transfers.len(), 1);
    kit.decide("stripe/pi_1", &decided(Order::Cancel), NOW).await.unwrap();
    told.event("evt_failed", &failed("pi_1", 300)).await;
    assert!(gaps(&kit).await.is_empty());
}

pub(super) async fn the_channel_is_paused_once(kit: Kit) {
    let told = Told::of(&kit, OnReversal::HoldChannelTransfers);
    let scope = Scope::Channel(ACCOUNT.into(), ChannelId::parse("CHAN-pi_1").unwrap());
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 30, 20 0 0 0");
    let pause = kit.pauses().await.unwrap().remove(0);
    assert_eq!((pause.scope, pause.cause.as_str(), &*pause.who), (scope.clone(), "refund", "daybridge"));
    assert!(pause.reason.contains("stripe/pi_1"), "{}", pause.reason);
    assert!(kit.resume(&scope, &ACT, NOW).await.unwrap());
    told.event("evt_re", &refund("pi_1", 300)).await;
    told.event("evt_re_updated", &refund("pi_1", 300)).await;
    assert!(kit.pauses().await.unwrap().is_empty(), "a person's resume was undone");
    told.event("evt_re2", &out("pi_1", "re_2", ReversalKind::Refund, ReversalState::Done, 300, 3)).await;
    assert_eq!(kit.pauses().await.unwrap().len(), 1);
    // Before the money: as soon as the channel is known.
    told.event("evt_du", &out("pi_2", "du_1", ReversalKind::Dispute, ReversalState::Open, 900, 1)).await;
    assert_eq!(kit.pauses().await.unwrap().len(), 1);
    told.event("evt_2", &paid("pi_2")).await;
    let pauses = kit.pauses().await.unwrap();
    assert_eq!((pauses.len(), pauses[1].cause.as_str()), (2, "dispute"));
}

pub(super) async fn an_inquiry_is_told_and_takes_nothing(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_1", &paid("pi_1")).await;
    let asked = told
        .event("evt_du", &out("pi_1", "du_1", ReversalKind::Dispute, ReversalState::Inquiry, 900, 1))
        .await;
    assert_eq!(asked.outcome, DeliveryOutcome::Refund);
    assert!(asked.reason.unwrap().contains("asks"));
    assert_eq!(stands(&kit, "pi_1").await, "planned - 30, 30 0 0 0");
    // An object that says that nothing was given back is no news at all.
    let (kind, state, amount) = (ReversalKind::Refund, ReversalState::Done, ReversalAmount::Total(0));
    let nothing = Reversal { kind, state, id: None, amount, currency: None };
    told.event("evt_2", &Facts { out: vec![nothing], ..paid("pi_2") }).await;
    assert_eq!(whole(&kit, "pi_2").await.money_out, None);
}

pub(super) async fn refunds_come_along_when_payments_are_joined(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("ch_1", 300)).await;
    assert_eq!(whole(&kit, "ch_1").await.payment.key, "stripe/ch_1");
    told.event("evt_link", &facts(Meaning::Link, &["pi_1", "ch_1"])).await;
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 30, 20 0 0 0");
    let kept = whole(&kit, "ch_1").await;
    assert_eq!((kept.adjustments.len(), &*kept.adjustments[0].event), (1, "evt_link"));
}

/// What a rehearsal says is what happens, and nothing of it is kept: no adjustment, no pause, no hold.
pub(super) async fn a_rehearsed_refund_keeps_nothing(kit: Kit) {
    let told = Told::of(&kit, OnReversal::HoldChannelTransfers);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_2", &paid("pi_2")).await;
    told.event("evt_re_2", &refund("pi_2", 300)).await;
    let before = (whole(&kit, "pi_1").await, whole(&kit, "pi_2").await, kit.pauses().await.unwrap());
    let (refunded, failed) = (refund("pi_1", 300), failed("pi_2", 300));
    let envelopes = [delivery("evt_re"), delivery("evt_failed")];
    let entry = |n: usize, facts| daybridge::ledger::Entry {
        envelope: &envelopes[n],
        dead: false,
        facts: Ok(facts),
        source: Some(&told.source),
        account: ACCOUNT,
        comment: comment(),
        take: None,
        asked: None,
    };
    let planned = kit.rehearse(&[entry(0, &refunded), entry(1, &failed)], NOW).await.unwrap();
    let said: Vec<_> = planned.iter().map(|p| (p.verdict.as_str(), p.days)).collect();
    assert_eq!(said, [("skip", Some(30)), ("extend", Some(30))]);
    assert!(planned[0].reason.contains("its transfer is held"), "{planned:?}");
    let after = (whole(&kit, "pi_1").await, whole(&kit, "pi_2").await, kit.pauses().await.unwrap());
    assert_eq!(before, after);
}

/// A backup knows of a cancellation, and not that the money came back and the days moved since.
pub(super) async fn a_restored_ledger_does_not_plan_again(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 900)).await;
    assert_eq!(stands(&kit, "pi_1").await, "cancelled - 30, 0 30 0 0");
    told.event("evt_2", &paid("pi_2")).await;
    kit.restored(NOW - DAY, "ada", NOW + 1).await.unwrap();
    // A refund of what is forgotten: nobody knows, so it counts as spent until somebody does.
    told.event("evt_re_2", &refund("pi_2", 300)).await;
    assert_eq!(stands(&kit, "pi_2").await, "held restored 30, 20 0 10 0");
    kit.decide("stripe/pi_2#1", &decided(Order::NotApplied), NOW + 2).await.unwrap();
    assert_eq!(stands(&kit, "pi_2").await, "planned - 20, 20 10 0 0");

    let back = told.event("evt_failed", &failed("pi_1", 900)).await;
    assert_eq!(back.planned, None, "planned a second time");
    let held = kit.payment("pi_1").await.unwrap().unwrap().transfers.remove(0);
    assert_eq!((held.state.as_str(), held.outcome.map(|word| word.as_str())), ("held", Some("open")));
    assert!(held.next.unwrap().contains("Billing History"));
    // First seen in the gap, and refunded in part: a person says that it did not move, and what is left does.
    told.event("evt_3", &paid("pi_3")).await;
    told.event("evt_re_3", &refund("pi_3", 300)).await;
    kit.decide("stripe/pi_3", &decided(Order::NotApplied), NOW + 2).await.unwrap();
    assert_eq!(stands(&kit, "pi_3").await, "planned - 20, 20 10 0 0");
    told.event("evt_4", &paid("pi_4")).await;
    told.event("evt_re_4", &refund("pi_4", 300)).await;
    kit.decide("stripe/pi_4", &decided(Order::Applied), NOW + 2).await.unwrap();
    assert_eq!(stands(&kit, "pi_4").await, "credited - 30, 20 0 10 0");
}

pub(super) async fn adjustments_are_append_only(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 300)).await;
    let mut raw = kit.sql().await;
    for statement in ["UPDATE adjustments SET amount = 0", "DELETE FROM adjustments"] {
        raw.refused(statement).await;
    }
}

/// A captured event whose time or id is not under the signature can be sent again and again as another one.
pub(super) async fn a_flood_of_one_event_hides_no_refund(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 900)).await;
    assert_eq!(stands(&kit, "pi_1").await, "cancelled - 30, 0 30 0 0");
    for n in 0..201 {
        told.event(&format!("evt_again_{n}"), &Facts { occurred_at: NOW + n, ..paid("pi_1") }).await;
    }
    assert_eq!(stands(&kit, "pi_1").await, "cancelled - 30, 0 30 0 0");
}

/// The person looked before the refund came, and the decision arrives after it.
pub(super) async fn a_decision_is_for_the_cause_that_was_seen(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    let claim = kit.claim_one(NOW).await;
    let key = "stripe/pi_1#1";
    let asked = intended(claim.epoch);
    assert!(kit.put(&claim, key, &State::planned(NOW), asked.clone(), NOW).await);
    let no = held(Cause::Refused(400, "no".into()), Open::None);
    assert!(kit.put(&claim, key, &asked, no, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    told.event("evt_re", &refund("pi_1", 900)).await;
    for order in [Order::Retry, Order::Cancel] {
        let why = refused(kit.decide(key, &decided_for(order, HeldCause::Refused), NOW).await);
        assert!(why.contains("held for refunded by now, not for refused"), "{why}");
    }
    let seen = Correction { cause: Some(HeldCause::Refused), ..days(30) };
    let why = refused(kit.correct(key, &seen, NOW).await);
    assert!(why.contains("held for refunded by now"), "{why}");
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 30, 0 0 0 0", "and nothing was decided");
    // By any name of it; and what is not held any more is told apart.
    kit.decide(key, &decided_for(Order::Cancel, HeldCause::Refunded), NOW).await.unwrap();
    let why = refused(kit.decide(key, &decided_for(Order::Cancel, HeldCause::Refunded), NOW).await);
    assert!(why.contains("not held for refunded any more"), "{why}");
    kit.record("evt_2", &charge(&["pi_2"])).await;
    kit.decide("pi_2", &decided_for(Order::Cancel, HeldCause::ChannelMissing), NOW).await.unwrap();
}

/// A refusal may hide that the days moved, and nobody would look at what is cancelled by itself.
pub(super) async fn a_refund_of_what_was_refused_is_for_a_person(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    for (name, refused_by) in [("pi_1", "partner"), ("pi_2", "throttle")] {
        let paid = to(charge(&[name]), &format!("CHAN-{name}"), 30);
        told.event(&format!("evt_{name}"), &paid).await;
        let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
        let claim = claims.into_iter().find(|claim| claim.channel.as_str().ends_with(name)).unwrap();
        let key = format!("stripe/{name}#1");
        let called = intended(claim.epoch);
        assert!(kit.put(&claim, &key, &State::planned(NOW), called.clone(), NOW).await);
        let no = match refused_by {
            "partner" => held(Cause::Refused(422, "no".into()), Open::None),
            _ => State::planned_after(NOW + 60_000, Some(call(1)), false),
        };
        assert!(kit.put(&claim, &key, &called, no, NOW).await);
        kit.release(&claim, NOW + 60_000).await.unwrap();
        told.event(&format!("evt_re_{name}"), &refund(name, 900)).await;
        assert_eq!(stands(&kit, name).await, "held refunded 30, 0 0 0 0", "{refused_by}");
        let asked = kit.held(9, NOW).await.unwrap().into_iter().find(|row| row.key == key).unwrap();
        assert!(asked.reason.contains("look for its key in Billing History"), "{}", asked.reason);
        // Its key stands there: the days moved, and no money covers them.
        kit.decide(&key, &decided_for(Order::Applied, HeldCause::Refunded), NOW).await.unwrap();
        assert_eq!(stands(&kit, name).await, "credited - 30, 0 0 30 0", "{refused_by}");
        assert!(gaps(&kit).await.contains(&(format!("stripe/{name}"), "days_spent".into(), Some(30))));
    }
}

/// A copy was put back and nobody said so: the ledger knows of no call, and Billing History shows one.
pub(super) async fn what_no_call_is_known_of_is_settled_with_its_days(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(stands(&kit, "pi_1").await, "held refunded 30, 20 0 0 0");
    let applied = decided_for(Order::Applied, HeldCause::Refunded);
    let why = refused(kit.decide("stripe/pi_1#1", &applied, NOW).await);
    assert!(why.contains("--days N"), "nobody says by mistake, or of many at once, that they moved: {why}");
    let shown = Decided { days: Some(25), ..applied };
    kit.decide("stripe/pi_1#1", &shown, NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_1").await, "credited - 25, 20 5 5 0");
    assert_eq!(gaps(&kit).await, [("stripe/pi_1".into(), "days_spent".into(), Some(5))]);
}

/// What a person said of a refund counts for the days that were planned, and not for others that moved in the time that is
/// forgotten.
pub(super) async fn other_days_than_a_person_said_are_asked_about(kit: Kit) {
    let told = Told::of(&kit, OnReversal::Report);
    told.event("evt_1", &paid("pi_1")).await;
    told.event("evt_re", &refund("pi_1", 300)).await;
    kit.correct("stripe/pi_1#1", &days(20), NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_1").await, "planned - 20, 20 10 0 0");
    kit.restored(NOW - DAY, "ada", NOW + 1).await.unwrap();
    let shown = Decided { days: Some(25), ..decided_for(Order::Applied, HeldCause::Restored) };
    kit.decide("stripe/pi_1#1", &shown, NOW + 2).await.unwrap();
    assert_eq!(gaps(&kit).await, [("stripe/pi_1".into(), "days_spent".into(), Some(5))]);
}

/// A refusal hid that 30 days moved; a refund has made 20 of them since.
pub(super) async fn the_days_of_a_call_are_those_that_were_sent(kit: Kit) {
    let told = Told::of(&kit, OnReversal::CancelUnspent);
    told.event("evt_1", &paid("pi_1")).await;
    let claim = kit.claim_one(NOW).await;
    let (key, called) = ("stripe/pi_1#1", intended(claim.epoch));
    assert!(kit.put(&claim, key, &State::planned(NOW), called.clone(), NOW).await);
    let no = held(Cause::Refused(422, "no".into()), Open::None);
    assert!(kit.put(&claim, key, &called, no, NOW).await);
    kit.release(&claim, NOW + 60_000).await.unwrap();
    told.event("evt_re", &refund("pi_1", 300)).await;
    assert_eq!(stands(&kit, "pi_1").await, "held refused 20, 20 10 0 0");
    kit.decide(key, &decided_for(Order::Applied, HeldCause::Refused), NOW).await.unwrap();
    assert_eq!(stands(&kit, "pi_1").await, "credited - 30, 20 0 10 0");
}
