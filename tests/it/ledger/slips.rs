//! What an attack on the operator's desk found; each of these went wrong once.

use super::{desk::settle, kit::*};
use daybridge::{
    domain::{
        allocation::brake::Brake,
        facts::Meaning,
        id::ChannelId,
        settle::{Cause, Order, Outcome as Open, State},
    },
    ledger::{
        Act, Claim, Correction, Entry,
        query::{ChannelQuery, HeldQuery, Page},
    },
};
const ACT: Act<'_> = Act { who: "ada", reason: "x" };
const DAY: i64 = 86_400_000;
fn correction(channel: Option<&str>, days: Option<u32>) -> Correction<'static> {
    Correction {
        remember: false,
        force: false,
        account: "main",
        channel: channel.and_then(ChannelId::parse),
        days,
        cause: None,
        act: ACT,
        comment: comment(),
    }
}

/// a person corrects the channel of a payment held for the restoration, then says not applied
pub(super) async fn a_correction_of_what_was_forgotten_counts(kit: Kit) {
    kit.note_rules("stripe", "charges", NOW - DAY).await.unwrap();
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    kit.record("evt_1", &to(charge(&["pi_1"]), "CHAN-OLD", 30)).await;
    kit.correct("stripe/pi_1", &correction(Some("CHAN-NEW"), Some(7)), NOW).await.unwrap();
    kit.decide("stripe/pi_1", &decided(Order::NotApplied), NOW + 1).await.unwrap();
    let t = kit.payment("stripe/pi_1").await.unwrap().unwrap().transfers.remove(0);
    assert_eq!((&*t.channel, t.days), ("CHAN-NEW", 7));
}

/// refused, then corrected on the same channel: the last call must stay known
pub(super) async fn a_corrected_transfer_remembers_its_call(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let refused = held(Cause::Refused(422, "no".into()), Open::None);
    assert!(kit.put(&claim, &key, &State::planned(NOW), refused, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    kit.correct(&key, &correction(None, Some(31)), NOW + 1).await.unwrap();
    let claim = kit.claim_one(NOW + 1).await;
    let t = kit.turn(&claim, NOW + 1).await.unwrap().transfer.unwrap();
    let State::Planned { last, .. } = &t.state else { panic!() };
    assert!(last.is_some(), "the call that may have been applied is forgotten");
}

/// a correction is lost by a merge
pub(super) async fn a_correction_goes_along_when_payments_are_joined(kit: Kit) {
    kit.record("evt_1", &charge(&["ch_1"])).await; // held: no channel
    kit.correct("stripe/ch_1", &correction(None, Some(7)), NOW).await.unwrap();
    // a stronger name comes, with channel, and other days
    let r = kit.record("evt_2", &to(facts(Meaning::Link, &["pi_1", "ch_1"]), "CHAN-1", 30)).await;
    let t = kit.payment("stripe/pi_1").await.unwrap().unwrap().transfers.remove(0);
    assert_eq!((&*t.channel, t.days), ("CHAN-1", 7), "{r:?}");
}

/// names of a restored payment that is not the oldest
pub(super) async fn every_forgotten_payment_tells_its_names(kit: Kit) {
    kit.restored(NOW - DAY, "ada", NOW).await.unwrap();
    for n in ["1", "2"] {
        kit.record(&format!("evt_{n}"), &to(charge(&[&format!("pi_{n}"), &format!("in_{n}")]), "CHAN-1", 30))
            .await;
    }
    let wanted = HeldQuery { cause: None, key: Some("stripe/pi_2".into()) };
    let held = kit.ledger.held(&wanted, 1, NOW).await.unwrap();
    assert_eq!(held[0].history.len(), 2, "{held:?}");
}

/// other_family by key
pub(super) async fn one_of_another_family_is_found_by_its_key(kit: Kit) {
    for n in ["1", "2"] {
        kit.record(
            &format!("evt_{n}"),
            &to(
                facts(
                    Meaning::MoneyIn(daybridge::domain::facts::Family::new("invoices")),
                    &[&format!("in_{n}")],
                ),
                "CHAN-1",
                30,
            ),
        )
        .await;
    }
    let later = NOW + 2 * 3_600_000;
    assert_eq!(kit.held(10, later).await.unwrap().len(), 2);
    let wanted = HeldQuery { cause: None, key: Some("stripe/in_2".into()) };
    assert_eq!(kit.ledger.held(&wanted, 1, later).await.unwrap().len(), 1);
}

/// one transfer larger than the brake
pub(super) async fn one_large_transfer_passes_after_a_look(kit: Kit) {
    let brake =
        Brake { multiple: 10, account_days_min: 30_000, account_days_per_channel: 0, channel_days_min: 800 };
    let claim = Claim { account: ACCOUNT.into(), channel: ChannelId::parse("CHAN-1").unwrap(), epoch: 1 };
    let scope = daybridge::ledger::Scope::Channel(ACCOUNT.into(), ChannelId::parse("CHAN-1").unwrap());
    assert!(kit.may_call(&claim, 1095, &brake, NOW).await.unwrap().is_some());
    assert!(kit.resume(&scope, &ACT, NOW).await.unwrap());
    assert!(kit.may_call(&claim, 1095, &brake, NOW + 10).await.unwrap().is_none(), "a person has looked");
}

/// channels page with / in account
pub(super) async fn an_account_may_hold_a_slash(kit: Kit) {
    let source = rules();
    for n in 1..4 {
        let e = delivery(&format!("evt_{n}"));
        let f = to(charge(&[&format!("pi_{n}")]), &format!("CHAN-{n}"), 30);
        kit.ledger
            .record(
                &Entry {
                    envelope: &e,
                    dead: false,
                    facts: Ok(&f),
                    source: Some(&source),
                    account: "a/b",
                    comment: comment(),
                    take: None,
                    asked: None,
                },
                NOW,
            )
            .await
            .unwrap();
    }
    let first = kit.channels(&ChannelQuery::default(), &Page::first(1)).await.unwrap();
    let after = format!("{}/{}", first[0].account, first[0].channel);
    let second =
        kit.channels(&ChannelQuery::default(), &Page { after: Some(after), limit: 9 }).await.unwrap();
    assert_eq!(second.len(), 2);
}

/// pause race: two planned transfers; brake counts spans
pub(super) async fn what_follows_a_look_is_counted_at_once(kit: Kit) {
    // what is settled in the rest of the ten-minute span after a resume is never counted
    let brake =
        Brake { multiple: 2, account_days_min: 80, account_days_per_channel: 0, channel_days_min: 1_000 };
    let acc = daybridge::ledger::Scope::Account(ACCOUNT.into());
    kit.pause(&acc, &ACT, NOW).await.unwrap();
    kit.resume(&acc, &ACT, NOW).await.unwrap();
    let mut braked = None;
    for n in 0..20 {
        let ch = format!("CHAN-{n}");
        let claim = Claim { account: ACCOUNT.into(), channel: ChannelId::parse(&ch).unwrap(), epoch: 1 };
        if kit.may_call(&claim, 30, &brake, NOW + n + 1).await.unwrap().is_some() {
            braked = Some(n);
            break;
        }
        settle(&kit, &n.to_string(), &ch, NOW + n + 1).await;
    }
    assert!(braked.is_some_and(|n| n <= 3), "{braked:?}");
}

/// A refusal may have hidden a success, and another channel cannot tell.
pub(super) async fn a_called_transfer_goes_to_no_other_channel(kit: Kit) {
    let key = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let refused = held(Cause::Refused(422, "no".into()), Open::None);
    assert!(kit.put(&claim, &key, &State::planned(NOW), refused, NOW).await);
    kit.release(&claim, 0).await.unwrap();
    let why = kit.correct(&key, &correction(Some("CHAN-2"), None), NOW + 1).await.unwrap_err().to_string();
    assert!(why.contains("called on CHAN-1"), "{why}");
}
