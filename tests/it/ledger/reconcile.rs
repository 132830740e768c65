//! What reconcile reads, alike in both databases.

use daybridge::{
    domain::{
        channel::{Channel, Movement},
        settle::{Cause, How, Outcome, State, Step},
    },
    ledger::books::BookWalk,
};

use super::kit::*;

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn walked(kit: &Kit, walk: BookWalk<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut after = None;
    loop {
        let page = kit.booked_page(&walk, after).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { return keys };
        after = Some((last.first_seen_at, last.key.clone()));
        keys.extend(page.into_iter().map(|booked| booked.key));
    }
}

pub(super) async fn payments_by_name_and_by_time(kit: Kit) {
    let first = to(charge(&["pi_a", "ch_a"]), "CHAN-1", 30);
    kit.record("evt_a", &first).await;
    let mut connected = charge(&["pi_a"]);
    connected.account = Some("acct_1".into());
    connected.paid_at = Some(NOW - 9_000);
    kit.record("evt_b", &connected).await;
    kit.record("evt_c", &charge(&["pi_c"])).await;

    let mut names = kit.named("stripe", true, &words(&["pi_a", "ch_a", "pi_x"])).await.unwrap();
    names.sort_by(|a, b| (&a.id, &a.account).cmp(&(&b.id, &b.account)));
    let names: Vec<_> = names.iter().map(|n| (&*n.id, n.account.as_deref(), &*n.payment)).collect();
    assert_eq!(
        names,
        [
            ("ch_a", None, "stripe/pi_a"),
            ("pi_a", None, "stripe/pi_a"),
            ("pi_a", Some("acct_1"), "stripe/acct_1:pi_a")
        ]
    );
    assert!(kit.named("stripe", false, &words(&["pi_a"])).await.unwrap().is_empty());
    assert!(kit.named("other", true, &words(&["pi_a"])).await.unwrap().is_empty());

    let booked = kit.booked(&words(&["stripe/pi_a", "stripe/none"])).await.unwrap();
    assert_eq!(booked.len(), 1);
    assert_eq!(
        (booked[0].days, booked[0].amount, booked[0].decision.as_str()),
        (Some(30), Some(900), "granted")
    );
    assert_eq!((&*booked[0].transfers[0].key, booked[0].transfers[0].days), ("stripe/pi_a#1", 30));
    let paid_at = kit.paid_at(&words(&["stripe/pi_a", "stripe/acct_1:pi_a"])).await.unwrap();
    assert_eq!(paid_at, [("stripe/acct_1:pi_a".into(), NOW - 9_000), ("stripe/pi_a".into(), NOW - 5_000)]);

    let walk = BookWalk { realm: "stripe", livemode: true, since: NOW - 1_000, until: NOW + 1, limit: 2 };
    let mut keys = walked(&kit, walk).await;
    keys.sort();
    assert_eq!(keys, ["stripe/acct_1:pi_a", "stripe/pi_a", "stripe/pi_c"]);
    for other in [
        BookWalk { realm: "other", ..walk },
        BookWalk { livemode: false, ..walk },
        BookWalk { until: NOW, ..walk },
        BookWalk { since: NOW + 1, ..walk },
    ] {
        assert!(walked(&kit, other).await.is_empty(), "{other:?}");
    }
}

pub(super) async fn a_joined_payment_is_found_by_its_old_key(kit: Kit) {
    kit.record("evt_1", &charge(&["ch_1"])).await;
    assert_eq!(
        kit.keys(&words(&["stripe/ch_1"])).await.unwrap(),
        [("stripe/ch_1".into(), "stripe/ch_1".into())]
    );
    kit.record("evt_2", &charge(&["pi_1", "ch_1"])).await;
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    let keys = kit.keys(&words(&["stripe/ch_1", "stripe/none"])).await.unwrap();
    assert_eq!(keys, [("stripe/ch_1".into(), whole.payment.key)]);
}

pub(super) async fn channels_their_movements_and_what_may_explain_them(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    kit.grant("2", "CHAN-2").await;
    let claim = kit.claim_one(NOW).await;
    let (key, name) =
        if claim.channel.as_str() == "CHAN-1" { (key, "CHAN-1") } else { ("stripe/pi_2#1".into(), "CHAN-2") };
    let channel = Channel { known: Some(7_000), ..Channel::default() };
    let movement = Some(Movement { from: 7_000, to: 9_000 });
    let planned = State::planned(NOW);
    let step = Step { channel, movement, ..step(intended(claim.epoch)) };
    assert!(kit.advance(&claim, &key, &planned, &step, false, NOW).await.unwrap().is_some());

    let mut found = kit.channels_page(ACCOUNT, "", 1).await.unwrap();
    found.extend(kit.channels_page(ACCOUNT, "CHAN-1", 9).await.unwrap());
    let known = |channel: &str| (channel == name).then_some(7_000);
    assert_eq!(found, [("CHAN-1".to_owned(), known("CHAN-1")), ("CHAN-2".to_owned(), known("CHAN-2"))]);
    assert!(kit.channels_page(ACCOUNT, "CHAN-2", 9).await.unwrap().is_empty());
    assert!(kit.channels_page("other", "", 9).await.unwrap().is_empty());

    let page = kit.movements_page(ACCOUNT, NOW, NOW + 1, 0, 9).await.unwrap();
    assert_eq!((page.len(), &*page[0].1.channel, page[0].1.from, page[0].1.to), (1, name, 7_000, 9_000));
    assert!(kit.movements_page(ACCOUNT, NOW, NOW + 1, page[0].0, 9).await.unwrap().is_empty());
    assert!(kit.movements_page(ACCOUNT, NOW - 9, NOW, 0, 9).await.unwrap().is_empty());

    let both = words(&["CHAN-1", "CHAN-2"]);
    let loose = kit.loose(ACCOUNT, &both).await.unwrap();
    assert_eq!(loose.iter().map(|t| &*t.key).collect::<Vec<_>>(), [&*key], "a planned one was never called");
    let from = intended(claim.epoch);
    for (to, want) in [
        (held(Cause::Unmoved, Outcome::Open), 1),
        (settled(), 0),
        (
            State::Settled { how: How::ByOperator, before: 0, after: None, at: NOW, attempt: 0, watch: None },
            1,
        ),
        (
            State::Settled {
                how: How::Observed,
                before: 5,
                after: Some(9),
                at: NOW,
                attempt: 2,
                watch: None,
            },
            1,
        ),
    ] {
        let now = kit.booked(&words(&[key.rsplit_once('#').unwrap().0])).await.unwrap();
        let state = &now[0].transfers[0].state;
        assert!(kit.put(&claim, &key, if *state == from { &from } else { state }, to.clone(), NOW).await);
        assert_eq!(kit.loose(ACCOUNT, &both).await.unwrap().len(), want, "{to:?}");
    }
}
