//! Channels whose days moved and which cannot be switched to live.

use daybridge::{
    domain::{
        channel::{Channel, LIVE_RETRY_MS, LIVE_TRIES_QUIET},
        closed::HeldCause,
        reply::Reading,
        settle::Order,
    },
    ledger::{query::HeldQuery, view::Held},
};

use super::kit::*;

const KEY: &str = "channel:acct/CHAN-1";

/// As the worker leaves it after its last quiet try.
async fn given_up(kit: &Kit) -> String {
    let payment = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    assert!(
        kit.put(
            &claim,
            &payment,
            &daybridge::domain::settle::State::planned(NOW),
            intended(claim.epoch),
            NOW
        )
        .await
    );
    assert!(kit.put(&claim, &payment, &intended(claim.epoch), settled(), NOW).await);
    let mut channel = Channel { mode: Some("trial".into()), ..Channel::default() };
    channel.settled(9_000, true, NOW);
    for _ in 0..LIVE_TRIES_QUIET {
        assert_eq!(channel.not_live_since, None);
        channel.not_made_live("HTTP 500".into(), NOW);
    }
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    kit.release(&claim, 0).await.unwrap();
    format!("channel:{ACCOUNT}/CHAN-1")
}

async fn listed(kit: &Kit, key: Option<&str>, cause: Option<&str>) -> Vec<Held> {
    let wanted = HeldQuery { cause: cause.and_then(HeldCause::parse), key: key.map(str::to_owned) };
    kit.ledger.held(&wanted, 9, NOW).await.unwrap()
}

/// It was given up after twelve tries, and stood in no list.
pub(super) async fn a_channel_that_is_not_live_is_listed(kit: Kit) {
    let key = given_up(&kit).await;
    for (by_key, by_cause) in [(None, None), (Some(&*key), None), (None, Some("not_live"))] {
        let held = listed(&kit, by_key, by_cause).await;
        assert_eq!(held.len(), 1, "{by_key:?} {by_cause:?}");
        let Held { kind, key: named, cause, reason, next, channel, since, .. } = held[0].clone();
        assert_eq!((kind.as_str(), &*named, cause.as_str(), since), ("channel", &*key, "not_live", NOW));
        assert_eq!(channel.as_deref(), Some("CHAN-1"));
        assert!(reason.contains("12 times") && reason.contains("HTTP 500"), "{reason}");
        assert!(next.contains(&format!("held retry '{key}'")) && next.contains("every hour"), "{next}");
    }
    for (by_key, by_cause) in [(Some(KEY), None), (Some("stripe/pi_1"), None), (None, Some("refused"))] {
        assert_eq!(listed(&kit, by_key, by_cause).await, [], "{by_key:?} {by_cause:?}");
    }
    assert_eq!(kit.counts().await.unwrap().held, 1);
    let groups = kit.held_groups(NOW).await.unwrap();
    let group: Vec<_> =
        groups.iter().map(|g| (g.kind.as_str(), g.cause.as_str(), g.count, g.oldest)).collect();
    assert_eq!(group, [("channel", "not_live", 1, NOW)]);
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + LIVE_RETRY_MS), "tried on");
}

pub(super) async fn a_person_has_it_switched_at_once_or_leaves_it(kit: Kit) {
    let key = given_up(&kit).await;
    for order in [Order::Applied, Order::NotApplied] {
        let error = kit.decide(&key, &decided(order), NOW + 1).await.unwrap_err().to_string();
        assert!(error.contains(&format!("held retry '{key}'")), "{error}");
    }
    kit.decide(&key, &decided(Order::Retry), NOW + 1).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(NOW + 1));
    let claim = kit.claim_one(NOW + 2).await;
    let mut channel = kit.turn(&claim, NOW + 2).await.unwrap().channel;
    assert_eq!(channel.switch_due(), Some(NOW + 1));
    channel.not_made_live("HTTP 502".into(), NOW + 2);
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    kit.release(&claim, 0).await.unwrap();
    let held = listed(&kit, None, None).await;
    assert_eq!((held.len(), held[0].since), (1, NOW), "since the first");
    kit.decide(&key, &decided(Order::Cancel), NOW + 3).await.unwrap();
    assert_eq!(listed(&kit, None, None).await, []);
    let claim = kit.claim_one(NOW + 4).await;
    assert_eq!(kit.turn(&claim, NOW + 4).await.unwrap().channel.switch_due(), None);
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), None);
    let error = kit.decide(&key, &decided(Order::Retry), NOW + 5).await.unwrap_err().to_string();
    assert!(error.contains("held list"), "{error}");
}

pub(super) async fn it_closes_by_itself_when_it_is_live(kit: Kit) {
    given_up(&kit).await;
    let claim = kit.claim_one(NOW + LIVE_RETRY_MS).await;
    let mut channel = kit.turn(&claim, NOW + LIVE_RETRY_MS).await.unwrap().channel;
    channel.noted(&Reading { active_till: 9_000, mode: Some("live".into()) });
    assert!(kit.save_channel(&claim, &channel).await.unwrap());
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(listed(&kit, None, None).await, []);
    assert_eq!((kit.counts().await.unwrap().held, kit.next_due(ACCOUNT).await.unwrap()), (0, None));
}

/// By a version that gave up after twelve tries and told nobody.
pub(super) async fn what_was_given_up_before_is_tried_again(kit: Kit) {
    given_up(&kit).await;
    let old = r#"{"floor":9000,"known":9000,"settles":1,"mode":"trial","live_due":null,"live_tries":12,"made_live":false,"quiet_until":0}"#;
    let mut raw = kit.sql().await;
    let as_before = [
        "DROP INDEX channels_not_live".to_owned(),
        "ALTER TABLE channels DROP COLUMN not_live_since".to_owned(),
        "DELETE FROM _sqlx_migrations WHERE version = 7".to_owned(),
        format!("UPDATE channels SET detail = '{old}', due_at = NULL"),
    ];
    for statement in as_before {
        raw.execute(&statement).await;
    }
    let ledger = daybridge::ledger::Ledger::open(&kit.settings).await.unwrap();
    let kit = Kit::of(ledger);
    let claim = kit.claim_one(NOW).await;
    let channel = kit.turn(&claim, NOW).await.unwrap().channel;
    assert_eq!(channel.switch_due(), Some(0));
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(kit.next_due(ACCOUNT).await.unwrap(), Some(0), "until it is live, or listed");
}
