//! Frozen replays in the ledger.

use daybridge::{
    domain::{closed::PaymentState, facts::Meaning},
    envelope::Trigger,
    ledger::{
        Act, Entry, Selection,
        plan::{Candidate, PlanState, PlanVerdict, Progress},
        query::Page,
        view::Planned,
    },
};

use super::{
    desk::settle,
    kit::{ACCOUNT, Kit, NOW, charge, comment, delivery, facts, rules, to},
};

const ACT: Act<'_> = Act { who: "ada", reason: "the broker was down" };

pub(super) async fn a_rehearsal_keeps_nothing(kit: Kit) {
    kit.record("evt_1", &charge(&["pi_1"])).await;
    settle(&kit, "2", "CHAN-2", NOW).await;
    let before =
        (kit.payments(10).await.unwrap(), kit.events(10).await.unwrap(), kit.counts().await.unwrap());
    let source = rules();
    let all = [
        (delivery("evt_1"), to(charge(&["pi_1"]), "CHAN-2", 30)),
        (delivery("evt_2"), to(charge(&["pi_2"]), "CHAN-2", 30)),
        (delivery("evt_3"), to(charge(&["pi_3"]), "CHAN-3", 7)),
        (delivery("evt_4"), charge(&["pi_4"])),
        (delivery("evt_5"), facts(Meaning::Link, &["pi_5"])),
    ];
    let entries: Vec<Entry<'_>> = all
        .iter()
        .map(|(envelope, facts)| Entry {
            envelope,
            dead: false,
            facts: Ok(facts),
            source: Some(&source),
            account: ACCOUNT,
            comment: comment(),
            take: None,
            asked: None,
        })
        .collect();
    let planned = kit.rehearse(&entries, NOW).await.unwrap();
    let said: Vec<_> =
        planned.iter().map(|p| (&*p.payment, p.verdict.as_str(), p.channel.as_deref(), p.days)).collect();
    assert_eq!(
        said,
        [
            ("stripe/pi_1", "extend", Some("CHAN-2"), Some(30)),
            ("stripe/pi_2", "skip", Some("CHAN-2"), Some(30)),
            ("stripe/pi_3", "extend", Some("CHAN-3"), Some(7)),
            ("stripe/pi_4", "held", None, None),
            ("stripe/pi_5", "skip", None, None),
        ]
    );
    let after = (kit.payments(10).await.unwrap(), kit.events(10).await.unwrap(), kit.counts().await.unwrap());
    assert_eq!(after, before);
    let mut differ = to(charge(&["pi_1"]), "CHAN-2", 30);
    differ.channel.push(daybridge::domain::facts::Found { pointer: 0, value: "CHAN-9".into() });
    let (envelope, entry) = (delivery("evt_6"), &entries[0]);
    let planned =
        kit.rehearse(&[Entry { envelope: &envelope, facts: Ok(&differ), ..*entry }], NOW).await.unwrap();
    assert_eq!(planned[0].verdict, PlanVerdict::Conflict, "{planned:?}");
}

pub(super) async fn a_plan_tells_what_will_happen(kit: Kit) {
    let done = settle(&kit, "1", "CHAN-1", NOW).await;
    kit.record("evt_2", &charge(&["pi_2"])).await;
    kit.record_as(&delivery("evt_3"), Err("broken"), &rules(), true).await;
    let found = kit.select(&Selection::default(), None, 10).await.unwrap();
    let next = kit.select(&Selection::default(), Some(&found[0]), 1).await.unwrap();
    assert_eq!(next, [found[1].clone()]);
    let all: Vec<i64> = found.iter().map(|event| event.number).collect();
    assert_eq!(all.len(), 3);
    for (selection, want) in [
        (
            Selection {
                payment: Some(done),
                since: Some(NOW - 1_000),
                until: Some(NOW),
                ..Selection::default()
            },
            0,
        ),
        (Selection { dead: true, source: Some("stripe".into()), ..Selection::default() }, 2),
        (
            Selection {
                state: Some(PaymentState::Held),
                trigger: Some(Trigger::Webhook),
                ..Selection::default()
            },
            1,
        ),
        (Selection { channel: Some("CHAN-1".into()), ..Selection::default() }, 0),
        (Selection { event: Some("evt_2".into()), ..Selection::default() }, 1),
    ] {
        let found = kit.select(&selection, None, 10).await.unwrap();
        let numbers: Vec<i64> = found.iter().map(|event| event.number).collect();
        assert_eq!(numbers, [all[want]], "{selection:?}");
        assert!(kit.select(&selection, found.last(), 10).await.unwrap().is_empty(), "{selection:?}");
    }
    let none = Selection { trigger: Some(Trigger::Replay), ..Selection::default() };
    assert!(kit.select(&none, None, 10).await.unwrap().is_empty());

    let standings = kit.standings(&all).await.unwrap();
    let skips: Vec<_> = standings.iter().map(|s| s.skip.as_ref().map(|p| &*p.reason)).collect();
    assert_eq!(skips, [Some("already credited"), None, None]);
    kit.prune_bodies(NOW, 10).await.unwrap();
    let pruned = kit.standings(&all[..1]).await.unwrap().remove(0);
    assert_eq!(pruned.candidate.number, None, "what has no body cannot be published");
    assert!(pruned.skip.unwrap().reason.contains("body"));
    let envelopes = kit.envelopes(&all[1..2]).await.unwrap();
    assert_eq!(envelopes[0].body, "{\"id\":\"evt_2\"}");
}

fn candidate(event: &str, payment: &str) -> Candidate {
    Candidate {
        payment: payment.into(),
        number: None,
        source: "stripe".into(),
        event_id: event.into(),
        event_type: "charge.succeeded".into(),
        body: Some(b"{}".to_vec()),
    }
}

fn planned(payment: &str, verdict: PlanVerdict, days: u32) -> Planned {
    Planned {
        payment: payment.into(),
        verdict,
        reason: "because".into(),
        channel: Some("CHAN-1".into()),
        days: Some(days),
        active_till_before: None,
        active_till_after: None,
    }
}

pub(super) async fn a_plan_moves_by_its_states(kit: Kit) {
    let number = kit.plan_begin("{}", "ada", NOW).await.unwrap();
    let page = [candidate("evt_1", "p1"), candidate("evt_2", "p2")];
    kit.plan_add(number, &page, &[planned("p1", PlanVerdict::Skip, 30), planned("p2", PlanVerdict::Held, 7)])
        .await
        .unwrap();
    let page = [candidate("evt_3", "p2"), candidate("evt_4", "p1")];
    kit.plan_add(
        number,
        &page,
        &[planned("p2", PlanVerdict::Extend, 7), planned("p1", PlanVerdict::Skip, 30)],
    )
    .await
    .unwrap();
    assert!(kit.plans(&Page::first(9)).await.unwrap().is_empty(), "a draft is nobody's business");
    let plan = kit.plan_finish(number, "abcdef0123456789", NOW).await.unwrap();
    assert_eq!(
        (plan.events, plan.totals.payments, plan.totals.skip, plan.totals.extend, plan.totals.days),
        (4, 2, 1, 1, 7)
    );
    assert_eq!(kit.plan("abcdef01").await.unwrap().unwrap(), plan);
    assert!(kit.plan("abcdef02").await.unwrap().is_none());
    assert!(kit.plan("abc").await.is_err());
    let events = kit.plan_events(number, None, 2, 10).await.unwrap();
    assert_eq!(events, [(3, candidate("evt_3", "p2")), (4, candidate("evt_4", "p1"))]);
    assert_eq!(
        kit.plan_payments(number, Some(PlanVerdict::Extend), 0, 9).await.unwrap()[0].1,
        planned("p2", PlanVerdict::Extend, 7)
    );

    let other = kit.plan_begin("{}", "ada", NOW).await.unwrap();
    kit.plan_add(other, &[], &[planned("p1", PlanVerdict::Skip, 30), planned("p2", PlanVerdict::Extend, 8)])
        .await
        .unwrap();
    let changes = kit.plan_changes(number, other, false, 9).await.unwrap();
    assert_eq!((changes.len(), &*changes[0].payment), (1, "p2"));
    assert!(changes[0].planned.contains("7d") && changes[0].now.contains("8d"), "{changes:?}");
    kit.plan_drop(other).await.unwrap();
    kit.plan_drop(number).await.unwrap();
    assert!(kit.plan(&plan.hash).await.unwrap().is_some(), "only a draft is dropped");

    let go = async |from: &[PlanState], to| kit.plan_move(&plan, from, to, &ACT, NOW).await.unwrap();
    assert!(go(&[PlanState::Ready], PlanState::Running).await);
    assert!(!go(&[PlanState::Ready], PlanState::Running).await, "one of two starts it");
    let on =
        async |position, done| kit.plan_published(number, Progress { position, done }, NOW).await.unwrap();
    assert_eq!(on(3, false).await, PlanState::Running);
    assert!(go(&[PlanState::Running], PlanState::Paused).await);
    assert_eq!(on(2, true).await, PlanState::Paused, "what a person stopped is not applied");
    assert_eq!(kit.plan(&plan.hash).await.unwrap().unwrap().published, 3, "it never goes back");
    assert!(go(&[PlanState::Paused], PlanState::Running).await);
    assert_eq!(on(4, true).await, PlanState::Applied);
    assert!(!go(&[PlanState::Ready, PlanState::Running, PlanState::Paused], PlanState::Aborted).await);
    let acts: Vec<String> = kit
        .audit(Some(&plan.hash), &Page::first(9))
        .await
        .unwrap()
        .into_iter()
        .map(|a| a.action.to_string())
        .collect();
    assert_eq!(acts, ["replay apply", "replay pause", "replay apply", "replay plan"]);
}
