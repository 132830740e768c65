//! What a refusal for the balance keeps back, what goes on, and who tries whether it is over.

use daybridge::{
    domain::{
        allocation::balance::Ceiling,
        channel::Channel,
        id::ChannelId,
        payment::entitlement::OnReversal,
        settle::{AccountSignal, Cause, Order, Outcome as Open, State, Step},
    },
    ledger::{AccountHold, Act, Claim, Scope},
};

use super::{
    kit::{ACCOUNT, Kit, NOW, charge, decided, delivery, held, intended, step, to},
    reversal::{policy, refund},
};

const HOUR: i64 = 3_600_000;

/// When workers look: after every probe of these tests was named.
const LATER: i64 = NOW + 1_000;
const ACT: Act<'_> = Act { who: "ada", reason: "to look" };

fn key(name: &str) -> String {
    format!("stripe/pi_{name}#1")
}

fn scope(name: &str) -> Scope {
    Scope::Channel(ACCOUNT.into(), ChannelId::parse(&format!("CHAN-{name}")).unwrap())
}

/// A payment of so many days for a channel of its own that runs out then.
async fn planned(kit: &Kit, name: &str, days: u32, active_till: i64) -> Claim {
    let facts = to(charge(&[&format!("pi_{name}")]), &format!("CHAN-{name}"), days);
    kit.record(&format!("evt_{name}"), &facts).await.planned.unwrap();
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 99).await.unwrap();
    let claim = claims.iter().find(|claim| claim.channel.as_str() == format!("CHAN-{name}")).unwrap().clone();
    let channel = Channel { known: Some(active_till), floor: Some(active_till), ..Channel::default() };
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    for other in &claims {
        kit.release(other, 0).await.unwrap();
    }
    claim
}

/// The partner refuses it, as a worker learns it: the news first, then the transfer.
async fn refused(kit: &Kit, name: &str, probe_at: i64) {
    let claim = claim(kit, name).await;
    let key = key(name);
    let from = kit.turn(&claim, LATER).await.unwrap().transfer.unwrap();
    assert_eq!(from.key, key);
    assert!(put(kit, &claim, &key, &from.state, intended(claim.epoch)).await);
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key, NOW, probe_at).await.unwrap();
    let no = held(Cause::Balance("no days".into()), Open::None);
    assert!(put(kit, &claim, &key, &intended(claim.epoch), no).await);
    kit.release(&claim, 0).await.unwrap();
}

/// Takes a transfer to a state; what is known of its channel stays.
async fn put(kit: &Kit, claim: &Claim, key: &str, from: &State, to: State) -> bool {
    let channel = kit.turn(claim, NOW).await.unwrap().channel;
    kit.advance(claim, key, from, &Step { channel, ..step(to) }, false, NOW).await.unwrap().is_some()
}

async fn claim(kit: &Kit, name: &str) -> Claim {
    let claims = kit.claim(ACCOUNT, "w", LATER, NOW + 60_000, 99).await.unwrap();
    let channel = format!("CHAN-{name}");
    let claim = claims.iter().find(|claim| claim.channel.as_str() == channel).cloned();
    for other in claims.iter().filter(|claim| claim.channel.as_str() != channel) {
        kit.release(other, 0).await.unwrap();
    }
    claim.unwrap_or_else(|| panic!("{channel} is not due"))
}

async fn hold(kit: &Kit) -> AccountHold {
    kit.account_hold(ACCOUNT).await.unwrap().expect("the account is held")
}

async fn state(kit: &Kit, name: &str) -> String {
    kit.payment(&key(name)).await.unwrap().unwrap().transfers[0].state.to_string()
}

/// Which transfer is the probe once its time has come.
async fn probe(kit: &Kit, now: i64) -> Option<String> {
    kit.take_probe(ACCOUNT, now, now + 300_000).await.unwrap();
    kit.account_hold(ACCOUNT).await.unwrap()?.probe
}

fn known(hold: &AccountHold) -> (u32, Option<u32>) {
    let Ceiling { days, refused_first } = hold.ceiling.unwrap();
    (days, refused_first)
}

pub(super) async fn smaller_transfers_go_on(kit: Kit) {
    for (name, days) in [("big", 365), ("mid", 30), ("small", 5)] {
        planned(&kit, name, days, NOW + HOUR).await;
    }
    refused(&kit, "big", NOW + 500).await;
    let at = hold(&kit).await;
    assert_eq!((known(&at), at.probe_at), ((365, None), NOW + 500));
    assert!(at.keeps_back("new", 365) && !at.keeps_back(&key("mid"), 30));
    refused(&kit, "mid", NOW + 500).await;
    assert_eq!(known(&hold(&kit).await), (30, None), "each refusal lowers it");
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key("small"), NOW, NOW + 600).await.unwrap();
    assert_eq!(known(&hold(&kit).await), (30, None), "what is smaller proves nothing about the others");

    let account = kit.held(10, NOW).await.unwrap().remove(0);
    assert_eq!((account.kind.as_str(), account.days), ("account", Some(395)), "{account:?}");
    for word in ["2 transfers", "below 30 days", "smaller ones go on"] {
        assert!(account.reason.contains(word), "{word}: {}", account.reason);
    }
    assert!(
        account.next.contains("395") && account.next.contains("held retry 'stripe/pi_"),
        "{}",
        account.next
    );
    let next = kit.payment(&key("small")).await.unwrap().unwrap().payment.next.unwrap();
    assert!(!next.contains("top"), "it waits for nothing: {next}");

    kit.account_news(ACCOUNT, AccountSignal::Extends, &key("mid"), NOW + 1, NOW + 700).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None, "a success at it lifts it");
    assert_eq!((state(&kit, "big").await, state(&kit, "mid").await), ("planned".into(), "planned".into()));
}

/// On one channel too: what waits is behind what goes on, though it is older.
pub(super) async fn an_older_larger_one_of_the_channel_waits_alone(kit: Kit) {
    planned(&kit, "other", 365, NOW).await;
    refused(&kit, "other", NOW + 500).await;
    for (name, days) in [("old", 365), ("new", 5)] {
        let facts = to(charge(&[&format!("pi_{name}")]), "CHAN-1", days);
        let at = if name == "old" { NOW - 9 } else { NOW };
        let recorded = kit
            .record_at(&delivery(&format!("evt_{name}")), Ok(&facts), &super::kit::rules(), false, at)
            .await;
        assert!(recorded.planned.is_some());
    }
    let claim = claim(&kit, "1").await;
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key, key("new"));
    let waits = kit.payment(&key("old")).await.unwrap().unwrap().payment.next.unwrap();
    assert!(waits.contains("balance is below 365 days") && waits.contains("held retry"), "{waits}");
    kit.decide(&key("old"), &decided(Order::Retry), NOW).await.unwrap();
    assert!(!hold(&kit).await.keeps_back(&key("old"), 365));
    assert_eq!(
        kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key,
        key("old"),
        "the probe goes first"
    );
}

/// The first to expire, then the smallest; then nothing until the next round.
pub(super) async fn a_round_of_probes_is_two_calls(kit: Kit) {
    for (name, days, expires) in [("soon", 365, 1), ("late", 5, 9), ("mid", 30, 5)] {
        planned(&kit, name, days, NOW + expires * HOUR).await;
        refused(&kit, name, NOW).await;
    }
    assert_eq!(known(&hold(&kit).await), (5, None));
    assert_eq!(probe(&kit, NOW).await, Some(key("soon")));
    refused(&kit, "soon", NOW + 500).await;
    let at = hold(&kit).await;
    assert_eq!((known(&at), at.probe_at, at.probe), ((5, Some(365)), NOW, None), "the second is due at once");
    assert_eq!(probe(&kit, NOW).await, Some(key("late")));
    refused(&kit, "late", NOW + 500).await;
    let at = hold(&kit).await;
    assert_eq!((known(&at), at.probe_at), ((5, None), NOW + 500), "the round is over");
    // Topped up by ten: the second of the next round passes, and 365 were refused a moment before.
    assert_eq!(probe(&kit, NOW + 500).await, Some(key("soon")));
    refused(&kit, "soon", NOW + 500).await;
    assert_eq!(probe(&kit, NOW + 500).await, Some(key("late")));
    let claim = claim(&kit, "late").await;
    let from = kit.turn(&claim, LATER).await.unwrap().transfer.unwrap().state;
    assert!(kit.put(&claim, &key("late"), &from, intended(claim.epoch), NOW).await);
    assert!(kit.put(&claim, &key("late"), &intended(claim.epoch), super::kit::settled(), NOW).await);
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key("late"), NOW + 501, NOW + 900).await.unwrap();
    assert_eq!(known(&hold(&kit).await), (365, None));
    assert_eq!((state(&kit, "mid").await, state(&kit, "soon").await), ("planned".into(), "held".into()));
}

/// A paused channel, one behind an open outcome, one whose channel can't be read: none of them stands for the others.
pub(super) async fn a_probe_is_one_that_can_be_called(kit: Kit) {
    for (name, expires) in [("paused", 1), ("open", 2), ("unread", 3), ("fine", 4)] {
        planned(&kit, name, 30, NOW + expires * HOUR).await;
        refused(&kit, name, NOW).await;
    }
    assert!(kit.pause(&scope("paused"), &ACT, NOW).await.unwrap());
    let facts = to(charge(&["pi_doubt"]), "CHAN-open", 5);
    kit.record("evt_doubt", &facts).await.planned.unwrap();
    let busy = claim(&kit, "open").await;
    assert!(put(&kit, &busy, &key("doubt"), &State::planned(NOW), intended(busy.epoch)).await);

    assert_eq!(probe(&kit, NOW).await, Some(key("unread")));
    let claim = claim(&kit, "unread").await;
    let transfer = kit.turn(&claim, NOW).await.unwrap().transfer.unwrap();
    let mut back_off = transfer.state.clone();
    if let State::Planned { due, reason, .. } = &mut back_off {
        (*due, *reason) = (NOW + 60_000, Some("read failed".into()));
    }
    assert!(put(&kit, &claim, &key("unread"), &transfer.state, back_off).await);
    kit.pass_probe(ACCOUNT, &key("fine"), NOW).await.unwrap();
    assert_eq!(hold(&kit).await.probe, Some(key("unread")), "only the probe passes it on");
    kit.pass_probe(ACCOUNT, &key("unread"), NOW).await.unwrap();
    assert_eq!(probe(&kit, NOW).await, Some(key("fine")), "another takes over at once");

    assert!(kit.pause(&scope("fine"), &ACT, NOW).await.unwrap());
    kit.pass_probe(ACCOUNT, &key("fine"), NOW).await.unwrap();
    assert_eq!(probe(&kit, NOW).await, None);
    assert_eq!(hold(&kit).await.probe_at, NOW + 60_000, "as soon as the first of them is due again");
    assert!(kit.resume(&scope("fine"), &ACT, NOW + 1).await.unwrap());
    assert_eq!(probe(&kit, NOW + 1).await, Some(key("fine")), "and a resume lets it try at once");
}

pub(super) async fn whatever_waits_is_tried_again_by_hand(kit: Kit) {
    planned(&kit, "held", 30, NOW).await;
    planned(&kit, "planned", 40, NOW).await;
    let idle = kit.decide(&key("planned"), &decided(Order::Retry), NOW).await.unwrap_err().to_string();
    assert!(idle.contains("by itself"), "{idle}");
    refused(&kit, "held", NOW + 9_000).await;
    for name in ["held", "planned"] {
        kit.decide(&key(name), &decided(Order::Retry), NOW + 1).await.unwrap();
        let at = hold(&kit).await;
        assert_eq!((at.probe, at.probe_at), (Some(key(name)), NOW + 1));
        assert_eq!(probe(&kit, NOW + 1).await, Some(key(name)));
    }
    assert!(kit.pause(&scope("planned"), &ACT, NOW).await.unwrap());
    let paused = kit.decide(&key("planned"), &decided(Order::Retry), NOW).await.unwrap_err().to_string();
    assert!(paused.contains("resume --account main --channel CHAN-planned"), "{paused}");
}

/// A closed one, a shorter one: what is no longer too large does not wait, and nothing waits for nothing.
pub(super) async fn what_is_closed_or_shorter_holds_nothing(kit: Kit) {
    planned(&kit, "big", 365, NOW).await;
    refused(&kit, "big", NOW + 9_000).await;
    kit.decide(&key("big"), &decided(Order::Cancel), NOW + 1).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None, "nothing waits any more");

    planned(&kit, "part", 30, NOW).await;
    refused(&kit, "part", NOW + 9_000).await;
    let out = refund("pi_part", 300);
    kit.record_as(&delivery("evt_re"), Ok(&out), &policy(OnReversal::CancelUnspent), false).await;
    assert_eq!(state(&kit, "part").await, "planned", "20 days were never refused");
    let claim = claim(&kit, "part").await;
    let transfer = kit.turn(&claim, NOW).await.unwrap().transfer.unwrap();
    assert_eq!(transfer.days, 20);
    assert!(!hold(&kit).await.keeps_back(&transfer.key, transfer.days));
}

/// The token is refused over a hold for the balance, which goes on with what it knew.
pub(super) async fn a_token_hold_keeps_the_ceiling(kit: Kit) {
    for (name, days) in [("big", 365), ("small", 5)] {
        planned(&kit, name, days, NOW).await;
    }
    refused(&kit, "big", NOW + 500).await;
    kit.account_news(ACCOUNT, AccountSignal::NoToken, &key("small"), NOW, NOW + 500).await.unwrap();
    let at = hold(&kit).await;
    assert!(at.keeps_back(&key("small"), 5), "without a token nothing is called");
    kit.account_news(ACCOUNT, AccountSignal::Reads, &key("small"), NOW + 1, NOW + 600).await.unwrap();
    let at = hold(&kit).await;
    assert_eq!((at.news, known(&at)), (AccountSignal::NoBalance, (365, None)));
    kit.account_news(ACCOUNT, AccountSignal::NoToken, &key("small"), NOW + 2, NOW + 500).await.unwrap();
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key("small"), NOW + 3, NOW + 700).await.unwrap();
    assert_eq!(known(&hold(&kit).await), (365, None), "five days prove nothing of 365");
}

/// One worker's success ends the hold between another's refusal and the commit of what it held.
pub(super) async fn a_held_transfer_is_never_without_its_hold(kit: Kit) {
    for name in ["a", "b"] {
        planned(&kit, name, 30, NOW).await;
    }
    let claim = claim(&kit, "a").await;
    let intended = intended(claim.epoch);
    assert!(kit.put(&claim, &key("a"), &State::planned(NOW), intended.clone(), NOW).await);
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key("a"), NOW, NOW + 9_000).await.unwrap();
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key("b"), NOW, NOW + 9_000).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None);
    let no = held(Cause::Balance("no days".into()), Open::None);
    assert!(kit.put(&claim, &key("a"), &intended, no, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(known(&hold(&kit).await), (30, None));
    assert!(probe(&kit, NOW).await.is_some(), "and it is tried again at once");
}
