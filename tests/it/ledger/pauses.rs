//! Where no new call is made, and who goes first afterwards.

use daybridge::{
    domain::{allocation::brake::Brake, channel::Channel, id::ChannelId},
    ledger::{Act, Claim, Scope, query::Page},
};

use super::{
    desk::settle,
    kit::{ACCOUNT, Kit, NOW},
};

const ACT: Act<'_> = Act { who: "ada", reason: "to look" };
const HOUR: i64 = 3_600_000;

pub(super) fn no_brake() -> Brake {
    Brake { multiple: 0, account_days_min: 0, account_days_per_channel: 0, channel_days_min: 0 }
}

fn scope(channel: &str) -> Scope {
    Scope::Channel(ACCOUNT.into(), ChannelId::parse(channel).unwrap())
}

pub(super) fn claim(channel: &str) -> Claim {
    Claim { account: ACCOUNT.into(), channel: ChannelId::parse(channel).unwrap(), epoch: 1 }
}

async fn stopped(kit: &Kit, channel: &str) -> Option<Scope> {
    let pause = kit.may_call(&claim(channel), 30, &no_brake(), NOW + 1).await.unwrap();
    pause.map(|pause| pause.scope)
}

pub(super) async fn a_pause_stops_calls_in_its_scope(kit: Kit) {
    assert_eq!(stopped(&kit, "CHAN-1").await, None);
    for (scope, one, two) in [
        (Scope::All, true, true),
        (Scope::Account(ACCOUNT.into()), true, true),
        (Scope::Account("other".into()), false, false),
        (scope("CHAN-1"), true, false),
    ] {
        assert!(kit.pause(&scope, &ACT, NOW).await.unwrap());
        assert!(!kit.pause(&scope, &ACT, NOW).await.unwrap(), "paused already");
        let word = scope.word();
        assert_eq!(stopped(&kit, "CHAN-1").await.is_some(), one, "{word}");
        assert_eq!(stopped(&kit, "CHAN-2").await.is_some(), two, "{word}");
        assert_eq!(kit.pauses().await.unwrap()[0].scope, scope);
        assert_eq!(Scope::parse(&word), Some(scope.clone()));
        assert!(kit.resume(&scope, &ACT, NOW).await.unwrap());
        assert!(!kit.resume(&scope, &ACT, NOW).await.unwrap(), "not paused");
        assert_eq!(stopped(&kit, "CHAN-1").await, None);
    }
    let audit = kit.audit(Some("all"), &Page::first(9)).await.unwrap();
    let acts: Vec<&str> = audit.iter().map(|a| a.action.as_str()).collect();
    assert_eq!(acts, ["settle resume", "settle pause"]);
}

pub(super) async fn the_brake_stops_and_a_resume_counts_anew(kit: Kit) {
    let brake =
        Brake { multiple: 2, account_days_min: 80, account_days_per_channel: 0, channel_days_min: 1_000 };
    for name in ["1", "2"] {
        settle(&kit, name, &format!("CHAN-{name}"), NOW).await;
    }
    let may = |now| {
        let kit = &kit;
        async move { kit.may_call(&claim("CHAN-3"), 30, &brake, now).await.unwrap() }
    };
    let pause = may(NOW + 1).await.expect("90 days in an hour are more than 80");
    assert_eq!((&*pause.scope.word(), pause.cause.as_str(), pause.since), ("account:main", "brake", NOW + 1));
    assert!(pause.reason.contains("90"), "{}", pause.reason);
    assert_eq!(may(NOW + 2).await.unwrap().since, NOW + 1, "it holds until a person resumes");
    assert!(may(NOW + 2 * HOUR).await.is_some(), "and does not end by itself");
    let account = Scope::Account(ACCOUNT.into());
    assert!(kit.resume(&account, &ACT, NOW + 3).await.unwrap());
    assert_eq!(may(NOW + 4).await, None, "a person has looked at what was before");

    let brake =
        Brake { multiple: 1, account_days_min: 1_000, account_days_per_channel: 0, channel_days_min: 59 };
    let pause = kit.may_call(&claim("CHAN-1"), 30, &brake, NOW + 5).await.unwrap().unwrap();
    assert_eq!(pause.scope, scope("CHAN-1"));
    assert_eq!(kit.may_call(&claim("CHAN-3"), 30, &brake, NOW + 5).await.unwrap(), None);
    assert_eq!(
        kit.may_call(&claim("CHAN-2"), 30, &brake, NOW + HOUR + 1).await.unwrap(),
        None,
        "an hour later"
    );
}

/// They were put off together; the channel that runs out first is worked on first.
pub(super) async fn the_soonest_to_expire_go_first(kit: Kit) {
    let expiries = [
        ("CHAN-A", Some(NOW + 9 * HOUR)),
        ("CHAN-B", Some(NOW - HOUR)),
        ("CHAN-C", None),
        ("CHAN-D", Some(NOW + HOUR)),
    ];
    for (channel, _) in expiries {
        kit.grant(channel, channel).await;
    }
    let claims = kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    for (claim, known) in
        claims.iter().map(|c| (c, expiries.iter().find(|e| e.0 == c.channel.as_str()).unwrap().1))
    {
        let channel = Channel { known, floor: known, ..Channel::default() };
        assert!(kit.save_channel(claim, &channel).await.unwrap());
        kit.release(claim, NOW + HOUR).await.unwrap();
    }
    assert!(kit.claim(ACCOUNT, "w", NOW + 1, NOW + 60_000, 9).await.unwrap().is_empty(), "all are put off");
    assert!(kit.pause(&Scope::All, &ACT, NOW + 2).await.unwrap());
    assert!(kit.resume(&Scope::All, &ACT, NOW + 3).await.unwrap());
    let mut order = Vec::new();
    while let Some(claim) = kit.claim(ACCOUNT, "w", NOW + 4, NOW + 60_000, 1).await.unwrap().pop() {
        order.push(claim.channel.as_str().to_owned());
    }
    assert_eq!(order, ["CHAN-B", "CHAN-D", "CHAN-A", "CHAN-C"]);
}
