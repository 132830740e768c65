//! The list of channels: those that days were planned for and those that the partner lists, with what is owed and who pays.

use std::collections::{BTreeMap, BTreeSet};

use daybridge::{
    domain::{
        DAY_MS,
        allocation::slices::Allocation,
        channel::Channel,
        closed::HeldCause,
        facts::{Facts, Meaning},
        id::ChannelId,
        payment::agreement::AgreementState,
        reply::ListedChannel,
        settle::{Cause, Outcome as Open, State},
    },
    ledger::{
        Act, Shorter,
        query::{ChannelQuery, Page},
        view,
    },
};

use super::{
    cost::{cost, steps},
    cost_fill::{Shape, fill},
    desk::settle,
    kit::*,
};

const NEVER: i64 = i64::MAX;
const ACT: Act<'static> = Act { who: "ada", reason: "asked by phone" };

fn listed(channel: &str, till: i64) -> ListedChannel {
    ListedChannel {
        channel: ChannelId::parse(channel).unwrap(),
        name: Some(format!("shop of {channel}")),
        phone: Some("4917".into()),
        mode: Some("live".into()),
        active_till: Some(till).filter(|till| *till < NEVER),
    }
}

async fn list(kit: &Kit, all: &[(&str, i64)]) {
    let channels = all.iter().map(|(channel, till)| listed(channel, *till)).collect();
    kit.keep_listed(ACCOUNT, channels, NOW).await.unwrap();
    kit.end_listing(ACCOUNT, (NOW, NOW + 9), Shorter::Doubted, None).await.unwrap();
}

/// What the ledger has read of a channel that a payment planned days for.
async fn read(kit: &Kit, channel: &str, till: i64) {
    let sql = format!("UPDATE channels SET active_till = {till}, mode = 'trial' WHERE channel = '{channel}'");
    kit.sql().await.execute(&sql).await;
}

fn at(row: &view::ChannelRow) -> String {
    format!("{}/{}", row.account, row.channel)
}

/// Names and expiries of all that fit, page by page.
async fn paged(kit: &Kit, wanted: &ChannelQuery, limit: u32) -> Vec<(String, Option<i64>)> {
    let (mut found, mut page) = (Vec::new(), Page::first(limit));
    loop {
        let rows = kit.channels(wanted, &page).await.unwrap();
        assert!(rows.len() <= limit as usize);
        found.extend(rows.iter().map(|row| (row.channel.clone(), row.active_till)));
        match rows.last() {
            Some(last) if rows.len() == limit as usize => page.after = Some(at(last)),
            Some(_) | None => return found,
        }
    }
}

async fn names(kit: &Kit, wanted: &ChannelQuery) -> Vec<String> {
    paged(kit, wanted, 100).await.into_iter().map(|(channel, _)| channel).collect()
}

pub(super) async fn every_channel_stands_once_where_its_later_reading_is(kit: Kit) {
    let mut raw = kit.sql().await;
    let known = serde_json::to_string(&Channel::default()).unwrap();
    let (mut expected, mut partners) = (BTreeMap::new(), Vec::new());
    // Any of both, of some and of none, with many that are equal and some that were never read.
    for n in 0..230_i64 {
        let channel = format!("CHAN-{n:03}");
        let till = |seed: i64| if seed % 11 == 0 { NEVER } else { NOW + seed % 17 };
        let (own, theirs) = (till(n * 7 + 3), till(n * 5 + 1));
        let (has_own, has_theirs) = (n % 3 != 0, n % 4 != 0 || n < 40);
        if has_own {
            let insert = format!(
                "INSERT INTO channels (account, channel, epoch, lease_owner, lease_until, deferred, detail, active_till) \
                 VALUES ('main', '{channel}', 1, '', 0, 0, '{known}', {own})"
            );
            raw.execute(&insert).await;
        }
        if has_theirs {
            partners.push(listed(&channel, theirs));
        }
        let tills = [has_own.then_some(own), has_theirs.then_some(theirs)];
        let tills: Vec<i64> = tills.into_iter().flatten().collect();
        let read = tills.iter().copied().filter(|till| *till < NEVER).max();
        if !tills.is_empty() {
            expected.insert((read.unwrap_or(NEVER), channel), ());
        }
    }
    kit.keep_listed(ACCOUNT, partners, NOW).await.unwrap();
    let expected: Vec<(String, Option<i64>)> = expected
        .into_keys()
        .map(|(till, channel)| (channel, Some(till).filter(|till| *till < NEVER)))
        .collect();
    for limit in [1, 7, 50, 51, 500] {
        assert_eq!(paged(&kit, &ChannelQuery::default(), limit).await, expected, "{limit} at a time");
    }
    let until = ChannelQuery { until: Some(NOW + 5), ..ChannelQuery::default() };
    let soon: Vec<_> =
        expected.iter().filter(|(_, till)| till.is_some_and(|till| till <= NOW + 5)).cloned().collect();
    assert!(soon.len() > 20 && soon.len() < expected.len());
    assert_eq!(paged(&kit, &until, 7).await, soon);
    let nowhere = Page { after: Some("main/NONE".into()), limit: 9 };
    let why = kit.channels(&ChannelQuery::default(), &nowhere).await.unwrap_err();
    assert!(why.to_string().contains("no channel main/NONE to go on after"), "{why}");
}

pub(super) async fn a_channel_tells_what_both_know_of_it(kit: Kit) {
    settle(&kit, "1", "CHAN-1", NOW).await;
    read(&kit, "CHAN-1", NOW + 5).await;
    list(&kit, &[("CHAN-1", NOW + 5), ("LIST-1", NOW + 1)]).await;
    let rows = kit.channels(&ChannelQuery::default(), &Page::first(9)).await.unwrap();
    assert_eq!(rows.iter().map(at).collect::<Vec<_>>(), ["main/LIST-1", "main/CHAN-1"]);
    let [only_listed, both] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!(
        (only_listed.mode.as_deref(), &only_listed.payment, only_listed.days_bought),
        (Some("live"), &None, 0)
    );
    assert_eq!(both.name.as_deref(), Some("shop of CHAN-1"));
    assert_eq!(
        (both.phone.as_deref(), both.mode.as_deref()),
        (Some("4917"), Some("trial")),
        "of two equal ours"
    );
    assert_eq!((both.payment.as_deref(), both.paid_at.is_some()), (Some("stripe/pi_1"), true));
    assert_eq!((both.days_bought, both.days_moved, both.owed, both.listed_at), (30, 30, 0, Some(NOW)));
    // The list is newer: the channel was extended by hand, and is live by now.
    list(&kit, &[("CHAN-1", NOW + 9), ("LIST-1", NOW + 1)]).await;
    let one = ChannelQuery { channel: Some("CHAN-1".into()), ..ChannelQuery::default() };
    let both = kit.channels(&one, &Page::first(9)).await.unwrap();
    assert_eq!((both.len(), both[0].active_till, both[0].mode.as_deref()), (1, Some(NOW + 9), Some("live")));
    let whole = kit.channel_whole(ACCOUNT, "LIST-1").await.unwrap().expect("it is listed");
    assert_eq!((whole.channel.owed, whole.payments.len(), whole.next), (0, 0, None));
    assert_eq!(kit.channel_whole(ACCOUNT, "NONE-1").await.unwrap(), None);
    let live = ChannelQuery { mode: Some("live".into()), ..ChannelQuery::default() };
    assert_eq!(names(&kit, &live).await, ["LIST-1", "CHAN-1"]);
}

fn agreed(name: &str, channel: &str, agreement: &str) -> Facts {
    let charge = to(charge(&[&format!("pi_{name}")]), channel, 30);
    Facts { agreement: Some(agreement.to_owned()), ..charge }
}

async fn agreement(kit: &Kit, id: &str, state: AgreementState) {
    let facts = Facts {
        occurred_at: NOW,
        agreement: Some(id.to_owned()),
        agreement_state: Some(state),
        ..facts(Meaning::Ignored("told".into()), &[])
    };
    kit.record(&format!("evt_{id}_{state}"), &facts).await;
}

pub(super) async fn channels_are_told_by_what_is_owed_and_who_pays(kit: Kit) {
    // At once and settled; of agreements in each state; and planned at once.
    for (name, channel, id) in [("1", "ACTIVE", "sub_1"), ("2", "BEHIND", "sub_2"), ("3", "ENDED", "sub_3")] {
        kit.record(&format!("evt_{name}"), &agreed(name, channel, id)).await;
        let claim = kit.claim_one(NOW).await;
        let (key, from) = (format!("stripe/pi_{name}#1"), State::planned(NOW));
        assert!(kit.put(&claim, &key, &from, intended(claim.epoch), NOW).await);
        assert!(kit.put(&claim, &key, &intended(claim.epoch), settled(), NOW).await);
        kit.release(&claim, 0).await.unwrap();
    }
    agreement(&kit, "sub_2", AgreementState::Behind).await;
    agreement(&kit, "sub_3", AgreementState::Ended).await;
    kit.grant("4", "PLANNED").await;
    // In slices: one with days left, one whose slice is in doubt, and one that is late.
    kit.allocate(Allocation { slice: 5, ..Allocation::default() });
    kit.grant("5", "SLICED").await;
    for (channel, till) in [
        ("ACTIVE", NOW + DAY_MS),
        ("BEHIND", NOW + 2 * DAY_MS),
        ("ENDED", NOW + 4 * DAY_MS),
        ("PLANNED", NOW - 1),
        ("SLICED", NOW + 3 * DAY_MS),
    ] {
        read(&kit, channel, till).await;
    }
    let known = ["ACTIVE", "BEHIND", "ENDED", "PLANNED", "SLICED"].map(|channel| (channel, NEVER));
    list(&kit, &[&known[..], &[("NOBODY", NOW - 9), ("LONG", NOW + 99 * DAY_MS)]].concat()).await;

    let is = |set: &dyn Fn(&mut ChannelQuery)| {
        let mut wanted = ChannelQuery::default();
        set(&mut wanted);
        wanted
    };
    let soon = Some(NOW + 3 * DAY_MS);
    for (wanted, want) in [
        (is(&|_| {}), "NOBODY PLANNED ACTIVE BEHIND SLICED ENDED LONG"),
        (is(&|q| q.owed = true), "PLANNED SLICED"),
        (is(&|q| q.dark_at = Some(NOW)), "PLANNED"),
        (is(&|q| q.dark_at = Some(NOW + 9 * DAY_MS)), "PLANNED SLICED"),
        (is(&|q| q.until = soon), "NOBODY PLANNED ACTIVE BEHIND SLICED"),
        (is(&|q| (q.until, q.owed) = (soon, true)), "PLANNED SLICED"),
        (is(&|q| q.unpaid = true), "NOBODY BEHIND ENDED LONG"),
        (is(&|q| (q.until, q.unpaid) = (soon, true)), "NOBODY BEHIND"),
        (is(&|q| (q.owed, q.mode) = (true, Some("live".into()))), ""),
        (is(&|q| (q.owed, q.mode) = (true, Some("trial".into()))), "PLANNED SLICED"),
        (is(&|q| (q.owed, q.channel) = (true, Some("SLICED".into()))), "SLICED"),
    ] {
        assert_eq!(names(&kit, &wanted).await.join(" "), want, "{wanted:?}");
    }
    let rows = kit.channels(&ChannelQuery::default(), &Page::first(9)).await.unwrap();
    let told: BTreeMap<&str, (i64, Option<AgreementState>)> =
        rows.iter().map(|row| (&*row.channel, (row.owed, row.agreement))).collect();
    assert_eq!(told["BEHIND"], (0, Some(AgreementState::Behind)));
    assert_eq!(told["ACTIVE"], (0, Some(AgreementState::Active)));
    assert_eq!((told["PLANNED"], told["SLICED"], told["NOBODY"]), ((30, None), (30, None), (0, None)));
    // What was deleted at the partner runs out no more.
    kit.sql().await.execute("DELETE FROM listed_channels WHERE channel = 'BEHIND'").await;
    assert_eq!(names(&kit, &is(&|q| q.unpaid = true)).await.join(" "), "NOBODY ENDED LONG");
    let whole = kit.channel_whole(ACCOUNT, "PLANNED").await.unwrap().unwrap();
    let owed: Vec<_> = whole.payments.iter().map(|p| (&*p.key, p.moved, p.owed)).collect();
    assert_eq!((whole.channel.owed, owed), (30, vec![("stripe/pi_4", 0, 30)]));
}

/// Days in doubt may have moved; what is held without a call, or stopped, is still owed.
pub(super) async fn what_is_in_doubt_is_not_owed(kit: Kit) {
    let owed = async |channel: &str| {
        kit.channel_whole(ACCOUNT, channel).await.unwrap().map_or(-1, |whole| whole.channel.owed)
    };
    let key = kit.grant("1", "CHAN-1").await;
    let claim = kit.claim_one(NOW).await;
    let refused = State::Held {
        cause: Cause::Refused(404, "no such channel".into()),
        outcome: Open::None,
        at: NOW,
        last: Some(call(1)),
        retried: false,
    };
    assert!(kit.put(&claim, &key, &State::planned(NOW), intended(claim.epoch), NOW).await);
    assert_eq!(owed("CHAN-1").await, 0, "it may move now");
    assert!(kit.put(&claim, &key, &intended(claim.epoch), refused.clone(), NOW).await);
    kit.release(&claim, 0).await.unwrap();
    assert_eq!(owed("CHAN-1").await, 30, "held, and certainly not called");
    let why = refused_cause(&kit, "stripe/pi_1").await;
    assert_eq!(why, Some(HeldCause::Refused));
    kit.allocate(Allocation { slice: 5, ..Allocation::default() });
    kit.grant("2", "CHAN-2").await;
    kit.stop("stripe/pi_2", &ACT, NOW).await.unwrap();
    assert_eq!(owed("CHAN-2").await, 30, "stopped by a person");
}

async fn refused_cause(kit: &Kit, key: &str) -> Option<HeldCause> {
    kit.payment(key).await.unwrap().unwrap().payment.cause
}

pub(super) async fn slices_that_are_late_are_listed_by_their_time(kit: Kit) {
    kit.allocate(Allocation { slice: 5, ..Allocation::default() });
    for (name, channel) in [("1", "CHAN-1"), ("2", "CHAN-2"), ("3", "CHAN-3")] {
        let facts = to(charge(&[&format!("pi_{name}")]), channel, 30);
        let at = NOW + name.parse::<i64>().unwrap();
        kit.record_at(&delivery(&format!("evt_{name}")), Ok(&facts), &rules(), false, at).await;
    }
    // At once is no slice.
    kit.allocate(Allocation::default());
    kit.grant("4", "CHAN-4").await;
    let late = async |before: i64, limit: usize| {
        let rows = kit.late_slices(ACCOUNT, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.transfer.key).collect::<Vec<_>>()
    };
    assert_eq!(late(NOW + 1, 9).await, [""; 0]);
    assert_eq!(late(NOW + 3, 9).await, ["stripe/pi_1#1", "stripe/pi_2#1"]);
    assert_eq!(late(NOW + 9, 2).await, ["stripe/pi_1#1", "stripe/pi_2#1"]);
    kit.stop("stripe/pi_1", &ACT, NOW).await.unwrap();
    assert_eq!(late(NOW + 9, 9).await, ["stripe/pi_2#1", "stripe/pi_3#1"], "what is held is not late");
    assert!(kit.late_slices("other", NOW + 9, 9).await.unwrap().is_empty());
}

/// To look at each channel is all that it takes, however many payments there are.
pub(super) async fn lists_of_what_is_owed_cost_no_more_with_more_payments(kit: Kit) {
    let mut raw = kit.sql().await;
    kit.explain_statements();
    fill(&kit, &mut raw, Shape::MixedPrices, 0, 1_000).await;
    kit.grant("1", "CHAN-1").await;
    kit.allocate(Allocation { slice: 5, ..Allocation::default() });
    kit.grant("2", "CHAN-2").await;
    let asks: [(&str, ChannelQuery); 4] = [
        ("owed", ChannelQuery { owed: true, ..ChannelQuery::default() }),
        ("dark", ChannelQuery { dark_at: Some(NEVER), ..ChannelQuery::default() }),
        ("unpaid", ChannelQuery { unpaid: true, ..ChannelQuery::default() }),
        ("owed, test", ChannelQuery { owed: true, mode: Some("test".into()), ..ChannelQuery::default() }),
    ];
    let measured = async || {
        let mut costs = Vec::new();
        for (name, wanted) in &asks {
            let before = steps(&kit);
            kit.ledger.channels(wanted, &Page::first(50)).await.unwrap();
            costs.push(cost(&kit, name, before));
        }
        costs
    };
    let few = measured().await;
    fill(&kit, &mut raw, Shape::MixedPrices, 1_000, 8_000).await;
    for table in ["channels", "listed_channels"] {
        let more = "active_till > 1800000001000 AND active_till < 9000000000000000000";
        raw.execute(&format!("DELETE FROM {table} WHERE {more}")).await;
    }
    let many = measured().await;
    raw.execute("ANALYZE").await;
    let known = measured().await;
    for (few, later) in few.iter().zip(&many).chain(few.iter().zip(&known)) {
        let most = few.work * 3 / 2 + 1_000;
        assert!(later.work <= most, "{}: {}, then {}\n{}", few.what, few.work, later.work, later.plans);
    }
    let found: BTreeSet<String> = names(&kit, &asks[0].1).await.into_iter().collect();
    assert_eq!(found, BTreeSet::from(["CHAN-1".to_owned(), "CHAN-2".to_owned()]));
}
