//! Workers that run, and declarations that are taken back.

use daybridge::{
    domain::{
        channel::Channel,
        settle::{Cause, Order, Outcome as Open},
    },
    ledger::LedgerError,
};

use super::{
    kit::*,
    ops::{state_of, take_to},
};

const DAY: i64 = 86_400_000;

async fn change(kit: &Kit, statement: &str) {
    kit.sql().await.execute(statement).await;
}

/// A lease ends after 15 seconds, and a worker that has nothing to do holds none.
pub(super) async fn no_declaration_while_a_worker_runs(kit: Kit) {
    kit.grant("1", "CHAN-1").await;
    kit.beat("w1").await.unwrap();
    let refused = kit.restored(NOW - DAY, "ada", NOW).await.unwrap_err();
    assert!(
        matches!(&refused, LedgerError::Refused(text) if text.contains("a worker runs: process")),
        "{refused}"
    );
    assert_eq!(kit.workers().await.unwrap().len(), 1);
    assert_eq!(state_of(&kit, "stripe/pi_1#1").await, "planned", "nothing was held");

    // It was frozen, or is on another machine that was cut off: long enough ago, its word counts no more.
    change(&kit, "UPDATE workers SET beat_at = beat_at - 15000, process = ''").await;
    assert_eq!(kit.workers().await.unwrap().len(), 1);
    change(&kit, "UPDATE workers SET beat_at = beat_at - 16000").await;
    assert!(kit.workers().await.unwrap().is_empty());
    kit.beat("w1").await.unwrap();
    assert_eq!(kit.workers().await.unwrap().len(), 1, "it says so again");
    kit.rest("w1").await.unwrap();
    assert!(kit.workers().await.unwrap().is_empty());
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
}

/// The wrong ledger, or the wrong time: all stands where it stood.
pub(super) async fn a_declaration_is_taken_back(kit: Kit) {
    let held_before = take_to(&kit, "1", held(Cause::Refused(422, "no".into()), Open::None)).await;
    let planned = kit.grant("2", "CHAN-2").await;
    let before = kit.transfers(9).await.unwrap();
    let would = kit.restored_would().await.unwrap();
    assert_eq!((would.count, would.days), (2, 60));
    assert!(would.oldest_at.is_some());

    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    let recorded = kit.record("evt_3", &to(charge(&["pi_3"]), "CHAN-3", 30)).await;
    assert_eq!(recorded.planned, None, "paid before the declaration");
    assert!(kit.turn(&claim(&kit, "CHAN-2").await, NOW + 1).await.unwrap().restored_at.is_some());

    kit.beat("w1").await.unwrap();
    assert!(kit.restored_undo(&ACT, NOW + 2).await.is_err(), "a worker runs");
    kit.rest("w1").await.unwrap();
    change(&kit, "UPDATE channels SET lease_until = 0").await;
    let undone = kit.restored_undo(&ACT, NOW + 2).await.unwrap();
    assert_eq!((undone.released, undone.payments_held, undone.declared_at), (2, 1, NOW));
    assert_eq!(state_of(&kit, &held_before).await, "held");
    assert_eq!(state_of(&kit, &planned).await, "planned");
    let after = kit.transfers(9).await.unwrap();
    let told = |rows: &[daybridge::ledger::view::TransferRow]| -> Vec<_> {
        rows.iter().map(|t| (t.key.clone(), t.state, t.cause, t.reason.clone())).collect()
    };
    assert_eq!(told(&after), told(&before));
    let channel = claim(&kit, "CHAN-2").await;
    assert_eq!(kit.turn(&channel, NOW + 3).await.unwrap().restored_at, None);
    assert_eq!(kit.turn(&channel, NOW + 3).await.unwrap().transfer.unwrap().key, planned);

    // What was held meanwhile is granted when it is read again.
    let again = kit.record("evt_3", &to(charge(&["pi_3"]), "CHAN-3", 30)).await;
    assert!(again.planned.is_some(), "{again:?}");
    let none = kit.restored_undo(&ACT, NOW + 4).await.unwrap_err();
    assert!(none.to_string().contains("nothing to undo"), "{none}");
    let acts: Vec<String> = kit
        .audit(Some("ledger"), &daybridge::ledger::query::Page::first(9))
        .await
        .unwrap()
        .into_iter()
        .map(|a| a.action.to_string())
        .collect();
    assert_eq!(acts, ["ledger restored --undo", "ledger restored"]);
}

/// What a person settled on it would stand on nothing.
pub(super) async fn what_was_decided_on_is_not_taken_back(kit: Kit) {
    let one = kit.grant("1", "CHAN-1").await;
    let other = kit.grant("2", "CHAN-2").await;
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    kit.decide(&one, &decided(Order::Applied), NOW + 1).await.unwrap();
    let refused = kit.restored_undo(&ACT, NOW + 2).await.unwrap_err();
    assert!(matches!(&refused, LedgerError::Refused(text) if text.starts_with("1 decisions")), "{refused}");
    assert_eq!((state_of(&kit, &one).await, state_of(&kit, &other).await), ("settled".into(), "held".into()));
}

const ACT: daybridge::ledger::Act<'_> = daybridge::ledger::Act { who: "ada", reason: "the wrong ledger" };

async fn claim(kit: &Kit, channel: &str) -> daybridge::ledger::Claim {
    change(kit, "UPDATE channels SET lease_until = 0, due_at = 0").await;
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    claims.into_iter().find(|claim| claim.channel.as_str() == channel).unwrap()
}

/// 40 channels lost 5,995 days in a minute: the floor was 30,000 for whoever it was.
pub(super) async fn the_brake_scales_with_the_account(kit: Kit) {
    let config = daybridge::config::BrakeSettings::default();
    assert!(config.account_days_min < 5_995, "whatever the channels are");
    let config = daybridge::config::BrakeSettings { account_days_min: 800, ..config };
    let brake = config.rules();
    for n in 0..40 {
        kit.grant(&n.to_string(), &format!("CHAN-{n}")).await;
    }
    // A made-up name is no channel: the partner has never shown it.
    kit.grant("made up", "MADE-UP").await;
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 99).await.unwrap();
    for claim in claims.iter().filter(|claim| claim.channel.as_str() != "MADE-UP") {
        let channel = Channel { known: Some(NOW + DAY), ..Channel::default() };
        assert!(kit.save_channel(claim, &channel).await.unwrap());
    }
    let slot = NOW.div_euclid(600_000);
    let spend = |days: i64| {
        format!("INSERT INTO spent (account, slot, days, transfers) VALUES ('{ACCOUNT}', {slot}, {days}, 40)")
    };
    change(&kit, &spend(1_210)).await;
    let may = async |days| kit.may_call(&claims[0], days, &brake, NOW).await.unwrap();
    assert_eq!(may(30).await, None, "each of them bought a month");
    let pause = may(31).await.expect("1,241 days are more than 40 x 31");
    assert_eq!((&*pause.scope.word(), pause.cause.as_str()), ("account:main", "brake"));
    assert!(pause.reason.contains("1240"), "{}", pause.reason);
    let lately = kit.lately(ACCOUNT, NOW).await.unwrap();
    assert_eq!((lately.account_channels, lately.account_hour), (40, 1_210));
    let limits = daybridge::domain::allocation::brake::limits(&brake, &lately).unwrap();
    assert_eq!((limits.account, limits.channel), (1_240, 800));
}

/// What cannot be taken back is counted before.
pub(super) async fn what_would_be_dropped_is_counted(kit: Kit) {
    super::desk::settle(&kit, "1", "CHAN-1", NOW).await;
    let all = kit.prunable(NOW + 1).await.unwrap();
    assert_eq!((all.count, all.oldest_at), (1, Some(kit.events(1).await.unwrap()[0].received_at)));
    assert_eq!(kit.prune_bodies(NOW + 1, 10).await.unwrap(), 1);
    assert_eq!(kit.prunable(NOW + 1).await.unwrap().count, 0);
}
