//! A pause of a mistyped name would stop nothing, and say that it had.

use daybridge::{
    domain::id::ChannelId,
    ledger::{Act, Scope},
    ops::pause,
};

use crate::ledger::kit::{ACCOUNT, Kit, NOW, sqlite};

const ACT: Act<'_> = Act { who: "ada", reason: "to look" };

fn channel(account: &str, name: &str) -> Scope {
    Scope::Channel(account.into(), ChannelId::parse(name).unwrap())
}

async fn kit() -> Kit {
    let kit = sqlite().await;
    for name in ["CHAN-AB12C", "CHAN-AB12D", "OTHER-1"] {
        kit.grant(name, name).await;
    }
    kit
}

#[tokio::test]
async fn what_there_is_not_is_refused_with_what_there_is() {
    let kit = kit().await;
    for (scope, named) in [
        (Scope::Account("mian".into()), "there are: main, second"),
        (channel("mian", "CHAN-AB12C"), "there are: main, second"),
        (channel(ACCOUNT, "CHAN-AB21C"), "CHAN-AB12C, CHAN-AB12D, OTHER-1"),
        (channel("second", "CHAN-AB12C"), "none yet"),
    ] {
        let word = scope.word();
        for refused in [
            pause::pause(&kit.ledger, "second", &scope, &ACT, NOW).await,
            pause::resume(&kit.ledger, "second", &scope, &ACT, NOW).await,
        ] {
            let told = refused.expect_err(&word).to_string();
            assert!(told.contains(named), "{word}: {told}");
        }
    }
    assert!(kit.pauses().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_there_is_is_paused_and_resumed() {
    let kit = kit().await;
    let all = [
        Scope::All,
        Scope::Account(ACCOUNT.into()),
        Scope::Account("second".into()),
        channel(ACCOUNT, "CHAN-AB12C"),
    ];
    for scope in &all {
        assert!(!pause::resume(&kit.ledger, "second", scope, &ACT, NOW).await.unwrap(), "not paused");
        assert!(pause::pause(&kit.ledger, "second", scope, &ACT, NOW).await.unwrap());
        assert!(!pause::pause(&kit.ledger, "second", scope, &ACT, NOW).await.unwrap(), "paused already");
        assert!(pause::resume(&kit.ledger, "second", scope, &ACT, NOW).await.unwrap());
    }
}

/// As an older version let it be.
#[tokio::test]
async fn a_pause_of_a_name_that_is_not_known_can_be_ended() {
    let kit = kit().await;
    let typed = Scope::Account("mian".into());
    assert!(kit.ledger.pause(&typed, &ACT, NOW).await.unwrap());
    assert!(pause::resume(&kit.ledger, ACCOUNT, &typed, &ACT, NOW).await.unwrap());
}
