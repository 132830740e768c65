//! Channels that nobody pays for: which are planned to be deleted, what keeps one, and what becomes of each.

use daybridge::{
    domain::{
        DAY_MS,
        allocation::slices::Allocation,
        facts::{Facts, Meaning},
        id::ChannelId,
        payment::{agreement::AgreementState, entitlement::OnReversal},
        reply::{ListedChannel, Reading},
        settle::{How, State},
    },
    ledger::{
        Act, Claim, OfPlan, RetireChannel, RetirePlan, RetireSelection, RetireState, RetireTurn, Retired,
        Scope, Shorter,
        query::{ChannelQuery, Page},
        view::{Action, MarkKind},
    },
};

use super::{
    kit::*,
    reversal::{policy, refund},
};

const ACT: Act<'static> = Act { who: "ada", reason: "end of the year" };
const LONG_AGO: i64 = NOW - 40 * DAY_MS;
const EXPIRED: RetireSelection = RetireSelection { expired_for_ms: Some(30 * DAY_MS), ended: false };
const ENDED: RetireSelection = RetireSelection { expired_for_ms: None, ended: true };

fn id(channel: &str) -> ChannelId {
    ChannelId::parse(channel).unwrap()
}

async fn list(kit: &Kit, all: &[(&str, i64, &str)]) {
    let channels = all.iter().map(|(channel, till, mode)| ListedChannel {
        channel: id(channel),
        name: Some("shop".into()),
        phone: None,
        mode: Some((*mode).to_owned()),
        active_till: Some(*till),
    });
    kit.keep_listed(ACCOUNT, channels.collect(), NOW).await.unwrap();
    kit.end_listing(ACCOUNT, (NOW, NOW + 9), Shorter::Doubted, None).await.unwrap();
}

/// A payment whose days moved long ago.
async fn paid(kit: &Kit, name: &str, channel: &str, agreement: &str, customer: &str) {
    let mut facts = to(charge(&[&format!("pi_{name}")]), channel, 30);
    facts.agreement = (!agreement.is_empty()).then(|| agreement.to_owned());
    facts.customer = (!customer.is_empty()).then(|| customer.to_owned());
    kit.record(&format!("evt_{name}"), &facts).await;
    let claim = kit.claim_one(NOW).await;
    let (key, from) = (format!("stripe/pi_{name}#1"), State::planned(NOW));
    assert!(kit.put(&claim, &key, &from, intended(claim.epoch), NOW).await);
    assert!(kit.put(&claim, &key, &intended(claim.epoch), settled(), NOW).await);
    kit.release(&claim, 0).await.unwrap();
}

async fn agreement(kit: &Kit, id: &str, state: AgreementState) {
    let facts = Facts {
        occurred_at: NOW,
        agreement: Some(id.to_owned()),
        agreement_state: Some(state),
        ..facts(Meaning::Ignored("told".into()), &[])
    };
    kit.record(&format!("evt_{id}"), &facts).await;
}

async fn plan(kit: &Kit, selection: RetireSelection) -> Option<RetirePlan> {
    kit.retire_plan(ACCOUNT, selection, "ada", NOW).await.unwrap()
}

fn told(plan: &RetirePlan) -> Vec<String> {
    plan.channels.iter().map(|one| format!("{} {}", one.channel, one.days)).collect()
}

pub(super) async fn only_what_nobody_pays_for_is_planned(kit: Kit) {
    let why = kit.retire_plan(ACCOUNT, EXPIRED, "ada", NOW).await.unwrap_err().to_string();
    assert!(why.contains("channels sync"), "{why}");
    paid(&kit, "once", "ONCE", "", "").await;
    paid(&kit, "active", "ACTIVE", "sub_1", "").await;
    paid(&kit, "behind", "BEHIND", "sub_2", "").await;
    paid(&kit, "ended", "ENDED", "sub_3", "").await;
    paid(&kit, "trial", "TRIAL", "sub_4", "").await;
    paid(&kit, "again", "AGAIN", "sub_5", "").await;
    paid(&kit, "again2", "AGAIN", "sub_6", "").await;
    paid(&kit, "customer", "CUSTOMER", "", "cus_1").await;
    for (id, state) in [
        ("sub_2", AgreementState::Behind),
        ("sub_3", AgreementState::Ended),
        ("sub_4", AgreementState::Ended),
        ("sub_5", AgreementState::Ended),
    ] {
        agreement(&kit, id, state).await;
    }
    // Held for want of a channel: it is this customer's, who paid for one before.
    let mut held = charge(&["pi_held"]);
    held.customer = Some("cus_1".into());
    kit.record("evt_held", &held).await;
    // Planned at once, about to be called, without days, and in slices.
    kit.grant("planned", "PLANNED").await;
    kit.grant("called", "CALLED").await;
    let claims = kit.ledger.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    let called = claims.iter().find(|claim| claim.channel == id("CALLED")).unwrap();
    let from = State::planned(NOW);
    assert!(kit.put(called, "stripe/pi_called#1", &from, intended(called.epoch), NOW).await);
    let mut no_days = to(charge(&["pi_nodays"]), "NODAYS", 30);
    no_days.days.clear();
    kit.record("evt_nodays", &no_days).await;
    kit.allocate(Allocation { slice: 5, ..Allocation::default() });
    kit.grant("sliced", "SLICED").await;
    kit.grant("stopped", "STOPPED").await;
    kit.stop("stripe/pi_stopped", &ACT, NOW).await.unwrap();
    kit.pause(&Scope::Channel(ACCOUNT.into(), id("PAUSED")), &ACT, NOW).await.unwrap();
    let long_ago = [
        "ACTIVE", "AGAIN", "BEHIND", "CALLED", "CUSTOMER", "NEVER", "NODAYS", "ONCE", "PAUSED", "PLANNED",
        "SLICED", "STOPPED",
    ];
    let mut all: Vec<(&str, i64, &str)> =
        long_ago.iter().map(|channel| (*channel, LONG_AGO, "live")).collect();
    all.push(("LATELY", NOW - 29 * DAY_MS, "live"));
    all.push(("ENDED", NOW + 12 * DAY_MS + 9, "live"));
    all.push(("TRIAL", NOW + 4 * DAY_MS, "trial"));
    list(&kit, &all).await;

    let expired = plan(&kit, EXPIRED).await.unwrap();
    assert_eq!(told(&expired), ["NEVER 0", "ONCE 0"]);
    assert_eq!(expired.channels[1].payment.as_deref(), Some("stripe/pi_once"));
    let ended = plan(&kit, ENDED).await.unwrap();
    assert_eq!((told(&ended), ended.days), (vec!["TRIAL 0".to_owned(), "ENDED 12".to_owned()], 12));
    let both = RetireSelection { expired_for_ms: Some(DAY_MS), ended: true };
    assert_eq!(plan(&kit, both).await, None);
    assert_eq!(kit.retire_planned(&ended.hash).await.unwrap().unwrap(), ended, "it is frozen");
    assert_eq!(kit.retire_planned("0123456789abcdef").await.unwrap(), None);
    let again = kit.retire_plan(ACCOUNT, ENDED, "ada", NOW + 1).await.unwrap().unwrap();
    assert_ne!(again.hash, ended.hash);
    // Too old a list says nothing.
    let late = kit.retire_plan(ACCOUNT, ENDED, "ada", NOW + 3 * 3_600_000).await.unwrap_err();
    assert!(late.to_string().contains("within the last 2 hours"), "{late}");
    let other = kit.retire_plan("other", EXPIRED, "ada", NOW).await.unwrap_err();
    assert!(other.to_string().contains("account other"), "{other}");
}

/// A plan of channels that were listed with so many days left.
async fn planned(kit: &Kit, channels: &[(&str, i64)]) -> RetirePlan {
    for (channel, _) in channels {
        paid(kit, channel, channel, &format!("sub_{channel}"), "").await;
        agreement(kit, &format!("sub_{channel}"), AgreementState::Ended).await;
    }
    let listed: Vec<_> =
        channels.iter().map(|(channel, days)| (*channel, NOW + days * DAY_MS, "live")).collect();
    list(kit, &listed).await;
    plan(kit, ENDED).await.unwrap()
}

fn reading(days: i64) -> Reading {
    Reading { active_till: NOW + days * DAY_MS, mode: Some("live".into()) }
}

async fn begin(
    kit: &Kit,
    plan: &RetirePlan,
    channel: &str,
    reading: &Reading,
) -> Result<Claim, RetireChannel> {
    let one = OfPlan { plan: &plan.hash, account: ACCOUNT, channel: &id(channel) };
    match kit.retire_begin(one, reading, NOW + 60_000, NOW).await.unwrap() {
        RetireTurn::Go(claim) => Ok(claim),
        RetireTurn::No(row) => Err(row),
    }
}

async fn end(kit: &Kit, plan: &RetirePlan, claim: &Claim, retired: Retired) -> RetireChannel {
    let one = OfPlan { plan: &plan.hash, account: ACCOUNT, channel: &claim.channel };
    kit.retire_end(one, claim, &retired, &ACT, NOW).await.unwrap()
}

async fn gone(kit: &Kit, plan: &RetirePlan, channel: &str) -> RetireChannel {
    let one = OfPlan { plan: &plan.hash, account: ACCOUNT, channel: &id(channel) };
    kit.retire_gone(one, &ACT, NOW).await.unwrap()
}

async fn state(kit: &Kit, plan: &RetirePlan, channel: &str) -> RetireState {
    let plan = kit.retire_planned(&plan.hash).await.unwrap().unwrap();
    plan.channels.iter().find(|one| one.channel == channel).unwrap().state
}

pub(super) async fn days_that_came_back_are_on_the_balance(kit: Kit) {
    kit.mark_balance(ACCOUNT, MarkKind::Set, 100, &ACT, NOW - 1).await.unwrap();
    let plan = planned(&kit, &[("CHAN-1", 12), ("CHAN-2", 7)]).await;
    let before = kit.balance(ACCOUNT, None, NOW).await.unwrap();
    let claim = begin(&kit, &plan, "CHAN-1", &reading(12)).await.unwrap();
    assert_eq!(state(&kit, &plan, "CHAN-1").await, RetireState::Unknown, "before the call");
    let busy = begin(&kit, &plan, "CHAN-1", &reading(12)).await.unwrap_err();
    assert!(busy.note.unwrap().contains("in hand"), "another process deletes it");
    // What is paid meanwhile is planned, and no worker sends it.
    kit.grant("new", "CHAN-1").await;
    assert!(kit.ledger.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap().is_empty());
    let row = end(&kit, &plan, &claim, Retired::Deleted(Some(12))).await;
    assert_eq!((row.state, row.returned), (RetireState::Deleted, Some(12)));
    let after = kit.balance(ACCOUNT, None, NOW).await.unwrap();
    assert_eq!((after.low, after.high), (before.low.map(|low| low + 12), before.high.map(|high| high + 12)));
    let claims = kit.ledger.claim(ACCOUNT, "w", NOW, NOW + 60_000, 9).await.unwrap();
    assert_eq!(claims.len(), 1, "what was paid meanwhile is looked at, and found to have no channel");
    // A later word on the balance knows of it.
    kit.mark_balance(ACCOUNT, MarkKind::Set, 100, &ACT, NOW).await.unwrap();
    assert_eq!(kit.balance(ACCOUNT, None, NOW).await.unwrap().high, Some(100));
    assert!(begin(&kit, &plan, "CHAN-1", &reading(12)).await.is_err(), "never twice");
    let audit = kit.audit(Some("channel:main/CHAN-1"), &Page::first(9)).await.unwrap();
    let acts: Vec<_> = audit.iter().map(|act| (act.action, &*act.reason, act.after.as_deref())).collect();
    assert_eq!(acts, [(Action::RetireApply, "end of the year", Some("deleted, 12 days came back"))]);
    let listed = ChannelQuery { channel: Some("CHAN-1".into()), ..ChannelQuery::default() };
    let row = kit.channels(&listed, &Page::first(1)).await.unwrap();
    assert_eq!(row[0].listed_at, None);
}

pub(super) async fn what_changed_since_is_left_out(kit: Kit) {
    let plan =
        planned(&kit, &[("TILL", 1), ("MODE", 2), ("PAID", 3), ("HELD", 4), ("GONE", 5), ("UNLISTED", 6)])
            .await;
    let left = async |channel: &str, reading: Reading, why: &str| {
        let row = begin(&kit, &plan, channel, &reading).await.unwrap_err();
        let note = row.note.clone().unwrap();
        assert!(row.state == RetireState::LeftOut && note.contains(why), "{row:?}");
        let again = begin(&kit, &plan, channel, &reading).await.unwrap_err();
        assert_eq!(again, row, "for good");
    };
    left("TILL", reading(2), "activeTill has changed").await;
    left("MODE", Reading { mode: Some("dev".into()), ..reading(2) }, "mode was live, and is dev").await;
    kit.grant("new", "PAID").await;
    left("PAID", reading(3), "days are owed").await;
    let mut held = to(charge(&["pi_held"]), "HELD", 30);
    held.days.clear();
    kit.record("evt_held", &held).await;
    left("HELD", reading(4), "waits for a person").await;
    let row = gone(&kit, &plan, "GONE").await;
    assert_eq!((row.state, row.returned), (RetireState::LeftOut, None));
    kit.sql().await.execute("DELETE FROM listed_channels WHERE channel = 'UNLISTED'").await;
    left("UNLISTED", reading(6), "does not list it").await;
    let acts = kit.audit(None, &Page::first(99)).await.unwrap();
    assert!(acts.iter().all(|act| act.action != Action::RetireApply), "nothing was deleted");
    let other = id("OTHER");
    let one = OfPlan { plan: &plan.hash, account: ACCOUNT, channel: &other };
    let why = kit.retire_begin(one, &reading(1), NOW + 1, NOW).await.unwrap_err();
    assert!(why.to_string().contains("has no channel OTHER"), "{why}");
}

pub(super) async fn an_unknown_outcome_is_looked_up_before_anything_else(kit: Kit) {
    kit.mark_balance(ACCOUNT, MarkKind::Set, 100, &ACT, NOW - 1).await.unwrap();
    let plan = planned(&kit, &[("CUT", 1), ("THERE", 2), ("AWAY", 3), ("NO", 4)]).await;
    let high = kit.balance(ACCOUNT, None, NOW).await.unwrap().high;
    let ended = async |channel: &str, days: i64, retired: Retired| {
        let claim = begin(&kit, &plan, channel, &reading(days)).await.unwrap();
        end(&kit, &plan, &claim, retired).await.state
    };
    let cut = Retired::Unknown("HTTP 502 with a page".into());
    assert_eq!(ended("CUT", 1, cut.clone()).await, RetireState::Unknown);
    let row = gone(&kit, &plan, "CUT").await;
    assert_eq!((row.state, row.returned), (RetireState::Deleted, None), "it was deleted by that call");
    assert_eq!(ended("THERE", 2, cut).await, RetireState::Unknown);
    // It stands there still: the plan goes on with it.
    assert_eq!(ended("THERE", 2, Retired::Deleted(Some(0))).await, RetireState::Deleted);
    let not_sent = |prior| Retired::NotSent { prior, why: "no connection".into() };
    assert_eq!(ended("AWAY", 3, not_sent(RetireState::Planned)).await, RetireState::Planned);
    assert_eq!(ended("AWAY", 3, not_sent(RetireState::Unknown)).await, RetireState::Unknown);
    assert_eq!(ended("NO", 4, Retired::Refused("403 not yours".into())).await, RetireState::Refused);
    assert_eq!(ended("NO", 4, Retired::Deleted(None)).await, RetireState::Deleted, "tried again");
    assert_eq!(
        kit.balance(ACCOUNT, None, NOW).await.unwrap().high,
        high,
        "no day was told to have come back"
    );
}

/// The deletion may still be applied: days that are given meanwhile would be lost.
pub(super) async fn a_channel_that_may_still_be_deleted_gets_no_days(kit: Kit) {
    let plan = planned(&kit, &[("CHAN-1", 1)]).await;
    let cut = Retired::Unknown("no answer within 2s".into());
    let claim = begin(&kit, &plan, "CHAN-1", &reading(1)).await.unwrap();
    assert_eq!(end(&kit, &plan, &claim, cut.clone()).await.state, RetireState::Unknown);
    let claim = begin(&kit, &plan, "CHAN-1", &reading(1)).await.expect("a person may ask again at once");
    assert_eq!(end(&kit, &plan, &claim, cut).await.state, RetireState::Unknown);
    let source = policy(OnReversal::CancelUnspent);
    let paid = to(charge(&["pi_new"]), "CHAN-1", 30);
    kit.record_as(&delivery("evt_new"), Ok(&paid), &source, false).await;
    let claimed = async |at| kit.ledger.claim(ACCOUNT, "w", at, at + 1_000, 9).await.unwrap().len();
    assert_eq!(claimed(NOW + 59_999).await, 0);
    // Whoever takes a channel from a worker does not take it from a deletion.
    kit.record_as(&delivery("evt_back"), Ok(&refund("pi_new", 300)), &source, false).await;
    assert_eq!(kit.payment("pi_new").await.unwrap().unwrap().transfers[0].days, 20);
    assert_eq!(claimed(NOW + 59_999).await, 0, "after a refund");
    assert_eq!(claimed(NOW + 60_000).await, 1, "when the time for it is over");
}

/// Later than any call should be applied: the days are lost with the channel, and a person is told.
pub(super) async fn days_that_were_given_to_a_deleted_channel_are_told(kit: Kit) {
    let plan = planned(&kit, &[("CHAN-1", 1), ("CHAN-2", 2)]).await;
    let cut = Retired::Unknown("no answer within 2s".into());
    for (channel, days) in [("CHAN-1", 1), ("CHAN-2", 2)] {
        let claim = begin(&kit, &plan, channel, &reading(days)).await.unwrap();
        end(&kit, &plan, &claim, cut.clone()).await;
    }
    kit.grant("new", "CHAN-1").await;
    let claim = kit.claim_one(NOW + 60_000).await;
    let (key, called) = ("stripe/pi_new#1", intended(claim.epoch));
    assert!(kit.put(&claim, key, &State::planned(NOW), called.clone(), NOW + 60_001).await);
    let how = How::Answered;
    let moved = State::Settled { how, before: 1, after: None, at: NOW + 60_002, attempt: 1, watch: None };
    assert!(kit.put(&claim, key, &called, moved, NOW + 60_002).await);
    let note = gone(&kit, &plan, "CHAN-1").await.note.unwrap();
    assert!(note.contains("30 days moved to it since the plan was made"), "{note}");
    let note = gone(&kit, &plan, "CHAN-2").await.note.unwrap();
    assert!(note.ends_with("how many days came back was not told"), "{note}");
}

/// The row that kept workers away from a channel that was never paid for is gone with it.
pub(super) async fn nothing_is_left_of_a_channel_that_nothing_was_planned_for(kit: Kit) {
    list(&kit, &[("NEVER", LONG_AGO, "live"), ("OTHER", NOW, "live")]).await;
    let plan = plan(&kit, EXPIRED).await.unwrap();
    let reading = Reading { active_till: LONG_AGO, mode: None };
    let claim = begin(&kit, &plan, "NEVER", &reading).await.unwrap();
    end(&kit, &plan, &claim, Retired::Deleted(Some(0))).await;
    let rows = kit.channels(&ChannelQuery::default(), &Page::first(9)).await.unwrap();
    assert_eq!(rows.iter().map(|row| &*row.channel).collect::<Vec<_>>(), ["OTHER"]);
    assert_eq!(kit.accounts().await.unwrap(), [""; 0]);
}
