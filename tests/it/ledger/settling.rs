//! What settle may rely on.

use std::collections::HashSet;

use daybridge::{
    domain::{
        channel::{Channel, Movement},
        closed::TransferState,
        settle::{AccountSignal, Cause, Outcome as Open, State, Watch},
    },
    ledger::{Take, view::HeldKind},
};

use super::kit::*;

pub(super) async fn a_turn_to_the_end(kit: Kit) {
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), None);
    let key = kit.grant("1", "CHAN-1").await;
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW));
    assert!(kit.claim("other", "w", NOW, NOW + 1, 9).await.unwrap().is_empty());
    let claim = kit.claim_one(NOW).await;
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + 60_000));
    let turn = kit.turn(&claim, NOW).await.unwrap();
    let transfer = turn.transfer.unwrap();
    assert_eq!(
        (&*transfer.key, transfer.days, &*transfer.comment),
        (&*key, 30, "daybridge stripe/pi_1#1 30d")
    );
    assert_eq!((transfer.state.clone(), turn.channel), (State::planned(NOW), Channel::default()));
    assert!(kit.put(&claim, &key, &transfer.state, intended(claim.epoch), NOW).await);
    let watch = Some(Watch { until: NOW + 900, due: NOW + 100, tries: 1 });
    let State::Settled { how, before, after, at, attempt, .. } = settled() else { unreachable!() };
    let mut last = step(State::Settled { how, before, after, at, attempt, watch });
    last.channel.known = Some(9_000);
    last.movement = Some(Movement { from: 1, to: 2 });
    let told = kit.advance(&claim, &key, &intended(claim.epoch), &last, true, NOW + 1).await.unwrap();
    let told = told.expect("the claim holds");
    assert_eq!((told.held, told.accepted_at, told.due), (false, Some(NOW - 1_000), Some(NOW + 100)));
    assert_eq!(
        kit.release(&claim, NOW + 5_000).await.unwrap(),
        Some(NOW + 5_000),
        "it may be given back twice"
    );
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + 100));

    // The watch is a turn too; a channel that is to be quiet or live has its own times.
    let claim = kit.claim_one(NOW + 100).await;
    let turn = kit.turn(&claim, NOW + 100).await.unwrap();
    assert_eq!(turn.transfer.unwrap().state.word(), TransferState::Settled);
    let mut channel = turn.channel;
    assert_eq!(channel.known, Some(9_000));
    channel.live_due = Some(NOW + 50);
    channel.quiet_until = NOW + 400;
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    assert_eq!(kit.turn(&claim, NOW + 399).await.unwrap().transfer, None);
    kit.release(&claim, NOW + 10).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + 400));
    assert_eq!(kit.movements(10).await.unwrap().len(), 1);
    let counts = kit.counts().await.unwrap();
    assert_eq!((counts.credited, counts.planned, counts.held), (1, 0, 0));
}

/// Who records goes on with the channel, unless somebody holds it.
pub(super) async fn a_fresh_payments_channel_is_taken(kit: Kit) {
    let record = async |name: &str, token: &str, now| {
        let facts = to(charge(&[&format!("pi_{name}")]), "CHAN-1", 30);
        let take = Take { token, lease_until: now + 60_000 };
        kit.record_and_take(&format!("evt_{name}"), &facts, take, now).await
    };
    let first = record("1", "w/1", NOW).await;
    let claim = first.claim.expect("nobody held it");
    assert_eq!((&*claim.account, claim.channel.as_str(), claim.epoch), (ACCOUNT, "CHAN-1", 1));
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer.map(|t| t.key), first.planned);
    assert!(kit.claim(ACCOUNT, "other", NOW, NOW + 1, 9).await.unwrap().is_empty(), "it is leased");
    // In the same millisecond, by the same worker.
    let second = record("2", "w/2", NOW).await;
    assert_eq!((second.claim, second.planned.is_some()), (None, true));
    let key = first.planned.unwrap();
    assert!(kit.put(&claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
    let told = kit.advance(&claim, &key, &intended(claim.epoch), &step(settled()), true, NOW).await.unwrap();
    assert_eq!(told.unwrap().due, Some(NOW), "the second waits");
    // Given back, it is taken with the next one; the older transfer is the one that is due.
    let third = record("3", "w/3", NOW + 1).await;
    let claim = third.claim.expect("it was given back");
    assert_eq!(claim.epoch, 2);
    assert_eq!(kit.turn(&claim, NOW + 1).await.unwrap().transfer.map(|t| t.key), second.planned);
    // A lease that has ended is none.
    let fourth = record("4", "w/4", NOW + 60_001).await;
    assert_eq!(fourth.claim.map(|claim| claim.epoch), Some(3));
    assert!(!kit.save_channel(&claim, &Channel::default()).await.unwrap(), "the older claim is lost");
    // What is told again takes nothing.
    let again = record("4", "w/5", NOW + 200_000).await;
    assert_eq!((again.claim, again.planned), (None, None));
}

pub(super) async fn an_older_claim_changes_nothing(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let old = kit.claim_one(NOW).await;
    let planned = State::planned(NOW);
    assert!(kit.put(&old, &key, &planned, intended(old.epoch), NOW).await);
    let new = kit.claim_one(NOW + 60_000).await;
    assert_eq!(new.epoch, old.epoch + 1);
    // The old worker wakes up with an answer.
    assert!(!kit.put(&old, &key, &intended(old.epoch), settled(), NOW).await);
    assert!(!kit.save_channel(&old, &Channel { known: Some(1), ..Channel::default() }).await.unwrap());
    kit.release(&old, 0).await.unwrap();
    let turn = kit.turn(&new, NOW).await.unwrap();
    assert_eq!(turn.channel, Channel::default());
    assert_eq!(turn.transfer.unwrap().state, intended(old.epoch), "due at once: nobody else goes on with it");
    assert!(kit.claim(ACCOUNT, "w", NOW + 60_001, NOW + 70_000, 9).await.unwrap().is_empty(), "still leased");
    // A state that is not the one stored.
    assert!(!kit.put(&new, &key, &planned, settled(), NOW).await);
    assert!(!kit.put(&new, &key, &intended(new.epoch), settled(), NOW).await);
    assert!(kit.put(&new, &key, &intended(old.epoch), settled(), NOW).await);
}

pub(super) async fn one_open_transfer_per_channel(kit: Kit) {
    let first = kit.grant("1", "CHAN-1").await;
    let second = kit.grant("2", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let planned = State::planned(NOW);
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key, first, "the oldest");
    assert!(kit.put(&claim, &first, &planned, intended(claim.epoch), NOW).await);
    assert!(!kit.put(&claim, &second, &planned, intended(claim.epoch), NOW).await);
    assert!(kit.put(&claim, &first, &intended(claim.epoch), held(Cause::Unmoved, Open::Open), NOW).await);
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer, None, "a held open one blocks the channel");
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), None);
    // The key itself refuses, whatever the program looks at before it writes.
    let broken = "UPDATE transfers SET open = 1 WHERE key = 'stripe/pi_2#1'";
    let refused = kit.sql().await.refused(broken).await;
    assert!(refused.to_lowercase().contains("unique constraint"), "{refused}");
}

pub(super) async fn parallel_claims_are_exclusive(kit: Kit) {
    for n in 0..30 {
        kit.grant(&format!("{n}"), &format!("CHAN-{n}")).await;
    }
    let kit = std::sync::Arc::new(kit);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let kit = kit.clone();
        tasks.spawn(async move { kit.claim(ACCOUNT, &format!("w{n}"), NOW, NOW + 60_000, 3).await.unwrap() });
    }
    let claims: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let channels: HashSet<_> = claims.iter().map(|c| c.channel.clone()).collect();
    assert_eq!((claims.len(), channels.len()), (channels.len(), 30));
}

pub(super) async fn a_lease_that_ends_is_taken_over(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    // A payment recorded meanwhile is not lost by the release.
    let other = kit.grant("2", "CHAN-1").await;
    let later = State::Planned {
        due: NOW + 5_000,
        since: NOW,
        tries: 1,
        lag_since: None,
        lag_reads: 0,
        reason: Some("read failed".into()),
        last: None,
        retried: false,
        ahead: None,
    };
    assert!(kit.put(&claim, &key, &State::planned(NOW), later.clone(), NOW).await);
    assert_eq!(kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key, other);
    kit.release(&claim, NOW + 2_000).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + 2_000));
    let view = kit.payment(&key).await.unwrap().unwrap().payment;
    assert_eq!((view.reason.as_deref(), view.next_at), (Some("read failed"), Some(NOW + 5_000)));
}

fn key_of(name: &str) -> String {
    format!("stripe/pi_{name}#1")
}

pub(super) async fn the_account_rests_and_goes_on(kit: Kit) {
    for n in 0..3 {
        kit.grant(&format!("{n}"), &format!("CHAN-{n}")).await;
    }
    kit.account_news(ACCOUNT, AccountSignal::Extends, &key_of("0"), NOW, 0).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None);
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    for claim in &claims[..2] {
        let key = kit.turn(claim, NOW).await.unwrap().transfer.unwrap().key;
        assert!(kit.put(claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
        let refused = held(Cause::Balance("no days".into()), Open::None);
        assert!(kit.put(claim, &key, &intended(claim.epoch), refused, NOW).await);
        kit.account_news(ACCOUNT, AccountSignal::NoBalance, &key, NOW, NOW + 500).await.unwrap();
        kit.release(claim, 0).await.unwrap();
    }
    let hold = kit.account_hold(ACCOUNT).await.unwrap().unwrap();
    assert_eq!((hold.news, hold.since, hold.probe_at), (AccountSignal::NoBalance, NOW, NOW + 500));
    // The third is put off for the hold.
    kit.release(&claims[2], NOW + 900_000).await.unwrap();
    let waits = kit.held(10, NOW).await.unwrap();
    assert_eq!(
        (waits[0].kind.as_str(), waits[0].cause.as_str(), waits[0].days),
        ("account", "balance", Some(90))
    );
    assert_eq!(waits.iter().filter(|h| h.kind == HeldKind::Transfer).count(), 2);
    kit.account_news(ACCOUNT, AccountSignal::Reads, &key_of("2"), NOW, 0).await.unwrap();
    assert!(kit.account_hold(ACCOUNT).await.unwrap().is_some(), "a read says nothing of the balance");

    kit.account_news(ACCOUNT, AccountSignal::Extends, &key_of("2"), NOW + 10, 0).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None);
    assert!(kit.held(10, NOW).await.unwrap().is_empty());
    assert_eq!(kit.claim(ACCOUNT, "w", NOW + 10, NOW + 60_000, 9).await.unwrap().len(), 3);
}

pub(super) async fn one_caller_takes_the_probe(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    kit.grant("2", "CHAN-2").await;
    for claim in kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap() {
        let key = kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().key;
        assert!(kit.put(&claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
        let refused = held(Cause::Unauthorized, Open::None);
        assert!(kit.put(&claim, &key, &intended(claim.epoch), refused, NOW).await);
        kit.account_news(ACCOUNT, AccountSignal::NoToken, &key, NOW, NOW + 500).await.unwrap();
        kit.release(&claim, 0).await.unwrap();
    }
    assert!(!kit.take_probe(ACCOUNT, NOW + 499, NOW + 900).await.unwrap());
    let kit = std::sync::Arc::new(kit);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let kit = kit.clone();
        tasks.spawn(async move { kit.take_probe(ACCOUNT, NOW + 500, NOW + 900).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.iter().filter(|won| **won).count(), 1);
    let hold = kit.account_hold(ACCOUNT).await.unwrap().unwrap();
    assert_eq!((hold.probe.as_deref(), hold.probe_at), (Some(&*key), NOW + 900));
    assert_eq!(kit.claim(ACCOUNT, "w", NOW + 500, NOW + 60_000, 9).await.unwrap().len(), 1);
    kit.account_news(ACCOUNT, AccountSignal::Reads, &key, NOW + 600, 0).await.unwrap();
    assert_eq!(kit.account_hold(ACCOUNT).await.unwrap(), None);
    assert_eq!(kit.counts().await.unwrap().planned, 2);
}

pub(super) async fn due_channels_are_found_by_index(kit: Kit) {
    let numbers = if kit.is_postgres() {
        "SELECT generate_series AS n FROM generate_series(1, 50000)"
    } else {
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50000) SELECT n FROM c"
    };
    let fill = format!(
        "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, due_at, deferred, detail) \
         SELECT 'main', 'CHAN-' || n, 0, '', 0, {NOW} - n, 0, '{{}}' FROM ({numbers}) AS numbers"
    );
    let mut raw = kit.sql().await;
    raw.execute(&fill).await;
    raw.execute("ANALYZE").await;
    kit.explain_statements();
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 10).await.unwrap();
    let earliest: HashSet<String> = claims.iter().map(|c| c.channel.to_string()).collect();
    assert!(earliest.len() == 10 && earliest.contains("CHAN-50000") && earliest.contains("CHAN-49991"));
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW - 49_990));
    for explained in kit.explained() {
        let (statement, plan) = (explained.statement, explained.plan);
        assert!(
            ["channels_due", "channels_leased", "channels_slices"].iter().any(|index| plan.contains(index)),
            "{statement}: {plan}"
        );
        // The ten that were found are sorted; those that are due are not.
        for bad in ["Seq Scan", "SCAN channels\n"] {
            assert!(!plan.contains(bad), "{statement}: {plan}");
        }
    }
}
