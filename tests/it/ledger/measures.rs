//! What metrics tell of the ledger.

use std::collections::BTreeMap;

use daybridge::{
    domain::{
        closed::{HeldCause, PauseCause},
        id::ChannelId,
        settle::{AccountSignal, Cause, Outcome as Open},
    },
    ledger::{
        Act, Scope,
        measures::{HELD, KeptBack, Waiting, WaitsFor},
    },
};

use super::{
    desk::settle,
    kit::{ACCOUNT, Kit, NOW, charge, held, intended, to},
};

const ACT: Act<'_> = Act { who: "ada", reason: "to look" };

async fn waiting(kit: &Kit) -> BTreeMap<String, (u64, u64)> {
    let rows = kit.measures(&[], NOW).await.unwrap().waiting;
    rows.into_iter()
        .map(|Waiting { cause, transfers, days, .. }| (cause.to_string(), (transfers, days)))
        .collect()
}

fn counted(rows: &[(&str, (u64, u64))]) -> BTreeMap<String, (u64, u64)> {
    rows.iter().map(|(cause, row)| ((*cause).to_owned(), *row)).collect()
}

pub(super) async fn what_waits_is_counted_by_what_it_waits_for(kit: Kit) {
    let empty = kit.measures(&["stripe".to_owned()], NOW).await.unwrap();
    assert_eq!((empty.waiting.len(), empty.oldest_open_at, empty.expiry_waiting), (0, None, None));
    assert_eq!(empty.last_deliveries, [("stripe".to_owned(), None)]);

    settle(&kit, "done", "CHAN-done", NOW).await;
    let open = kit.grant("open", "CHAN-open").await;
    let claim = kit.claim_one(NOW).await;
    let planned = kit.turn(&claim, NOW).await.unwrap().transfer.unwrap().state;
    assert!(kit.put(&claim, &open, &planned, intended(claim.epoch), NOW).await);
    kit.grant("behind", "CHAN-open").await;
    kit.grant("paused", "CHAN-paused").await;
    let paused = Scope::Channel(ACCOUNT.into(), ChannelId::parse("CHAN-paused").unwrap());
    kit.pause(&paused, &ACT, NOW).await.unwrap();
    let small = to(charge(&["pi_small"]), "CHAN-small", 3);
    kit.record("evt_small", &small).await;
    let due = [("channel", (1, 30)), ("due", (1, 3)), ("in_flight", (1, 30)), ("operator", (1, 30))];
    assert_eq!(waiting(&kit).await, counted(&due));
    for (scope, days_min, transfers, days) in [
        (Scope::All, 0, 3, 63),
        (Scope::Account(ACCOUNT.into()), 30, 2, 60),
        (Scope::Account("other".into()), 0, 0, 0),
        (paused, 0, 1, 30),
    ] {
        assert_eq!(kit.kept_back(&scope, days_min).await.unwrap(), KeptBack { transfers, days }, "{scope:?}");
    }

    // Refused for 30 days: what is as large waits for the balance, whatever else it waits for.
    kit.account_news(ACCOUNT, AccountSignal::NoBalance, &open, NOW, NOW + 1).await.unwrap();
    let no = held(Cause::Balance("no days".into()), Open::None);
    assert!(kit.put(&claim, &open, &intended(claim.epoch), no, NOW).await);
    assert_eq!(waiting(&kit).await, counted(&[("balance", (3, 90)), ("due", (1, 3))]));
    let all = kit.measures(&["stripe".to_owned()], NOW).await.unwrap();
    assert_eq!(all.holds, [(ACCOUNT.to_owned(), AccountSignal::NoBalance)]);
    assert_eq!(all.pauses, [PauseCause::Operator]);
    assert_eq!((all.moved[0].transfers, all.moved[0].days), (1, 30));
    assert_eq!(all.oldest_open_at, Some(NOW));
    assert_eq!(all.last_deliveries, [("stripe".to_owned(), Some(NOW - 1_000))]);

    kit.account_news(ACCOUNT, AccountSignal::NoToken, &open, NOW, NOW + 1).await.unwrap();
    assert_eq!(waiting(&kit).await["unauthorized"], (3, 63), "the refused token comes first");
}

/// A cause that is missing there would have no series before it strikes.
#[test]
fn every_cause_of_the_rules_is_measured() {
    for cause in HeldCause::ALL {
        // Calls rest for it, and nothing else is held.
        let measured = match cause {
            HeldCause::Failover => WaitsFor::parse(cause.as_str()).is_some(),
            _ => HELD.iter().any(|(_, measured)| *measured == *cause),
        };
        assert!(measured, "{cause:?}");
    }
}

/// A pause is what its transfers wait for, under the same word.
#[test]
fn every_cause_of_a_pause_is_waited_for() {
    for cause in PauseCause::ALL {
        assert!(WaitsFor::parse(cause.as_str()).is_some(), "{cause:?}");
    }
}
