//! Whatever the order in which a payment's events come, and whatever a worker does in between.

use std::{collections::BTreeMap, sync::OnceLock};

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        facts::{Facts, Family, Meaning, PaymentId, Reversal, ReversalAmount, ReversalKind, ReversalState},
        payment::{Corrections, Decision, covers, decide, entitlement::OnReversal, memory::Memory},
        settle::{Cause, Order, Outcome as Open, State},
    },
    ledger::{Claim, SourceRules, query::HeldQuery},
};
use proptest::prelude::*;

use super::kit::*;

const BOUGHT: u32 = 30;

/// A ledger for all cases; each has a realm of its own.
struct Stand {
    runtime: tokio::runtime::Runtime,
    kit: Kit,
}

fn stand() -> &'static Stand {
    static STAND: OnceLock<Stand> = OnceLock::new();
    STAND.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let kit = runtime.block_on(sqlite());
        Stand { runtime, kit }
    })
}

/// A name that no other case has.
fn fresh() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    format!("r{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

fn any_policy() -> impl Strategy<Value = OnReversal> {
    use OnReversal::{CancelUnspent, HoldChannelTransfers, Report};
    prop_oneof![Just(Report), Just(CancelUnspent), Just(HoldChannelTransfers)]
}

/// What is told of one payment: of its money, its channel, its refunds and disputes.
fn any_events() -> impl Strategy<Value = Vec<Facts>> {
    let refund = (1..10_i64, 1..6_i64, prop::option::of(1..4_i64), any::<bool>());
    let dispute =
        (1..10_i64, 1..6_i64, prop::sample::select(vec!["asks", "open", "lost", "won", "won, lost"]));
    let totals = prop::collection::vec((0..10_i64, 1..9_i64), 0..2);
    (prop::collection::vec(refund, 0..4), prop::collection::vec(dispute, 0..3), totals, any::<bool>())
        .prop_map(|(refunds, disputes, totals, by_link)| {
            let money = charge(&["pi_1"]);
            let link = facts(Meaning::Link, &["pi_1", "cs_1"]);
            let mut events = if by_link {
                vec![money, to(link, "CHAN-1", BOUGHT)]
            } else {
                vec![to(money, "CHAN-1", BOUGHT), link]
            };
            let told = |kind, state, id: String, hundreds: i64, at: i64| Facts {
                occurred_at: NOW + at,
                out: vec![Reversal {
                    kind,
                    state,
                    id: Some(id),
                    amount: ReversalAmount::Part(hundreds * 100),
                    currency: None,
                }],
                ..facts(Meaning::MoneyOut, &["pi_1"])
            };
            for (n, (hundreds, at, failed_after, late)) in refunds.into_iter().enumerate() {
                let re = |state, at| told(ReversalKind::Refund, state, format!("re_{n}"), hundreds, at);
                events.push(re(ReversalState::Done, at));
                if let Some(after) = failed_after {
                    events.push(re(ReversalState::Undone, at + after));
                    if late {
                        events.push(re(ReversalState::Done, at + after + 1));
                    }
                }
            }
            for (n, (hundreds, at, words)) in disputes.into_iter().enumerate() {
                let du = |state, at| told(ReversalKind::Dispute, state, format!("du_{n}"), hundreds, at);
                events.push(du(ReversalState::Inquiry, at));
                for (after, word) in (1..).zip(words.split(", ").filter(|word| *word != "asks")) {
                    events.push(du(ReversalState::Open, at));
                    match word {
                        "lost" => events.push(du(ReversalState::Done, at + after)),
                        "won" => events.push(du(ReversalState::Undone, at + after)),
                        _ => {}
                    }
                }
            }
            for (hundreds, at) in totals {
                let amount = ReversalAmount::Total(hundreds * 100);
                let out = vec![Reversal {
                    kind: ReversalKind::Refund,
                    state: ReversalState::Done,
                    id: None,
                    amount,
                    currency: None,
                }];
                let invoices = Meaning::MoneyIn(Family::new("invoices"));
                let money = if at % 2 == 0 { charge(&["pi_1"]) } else { facts(invoices, &["pi_1"]) };
                events.push(Facts { occurred_at: NOW + at, out, ..money });
            }
            events
        })
}

/// The order of one telling, with repetitions.
fn shuffled(events: &[Facts], seed: u64) -> Vec<usize> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut order: Vec<usize> = (0..events.len()).collect();
    for _ in 0..random.usize(0..5) {
        order.push(random.usize(0..events.len()));
    }
    random.shuffle(&mut order);
    order
}

/// Names of a realm, so that cases share a ledger and nothing else.
fn of_realm(mut facts: Facts, realm: &str, payment: &str) -> Facts {
    for PaymentId { id, .. } in &mut facts.ids {
        *id = format!("{id}_{payment}");
    }
    for found in &mut facts.channel {
        found.value = format!("{}-{realm}-{payment}", found.value);
    }
    facts
}

fn source(realm: &str, on_refund: OnReversal, on_dispute: OnReversal) -> SourceRules {
    let mut source = rules();
    source.realm = realm.to_owned();
    source.rules.on_refund = on_refund;
    source.rules.on_dispute = on_dispute;
    source
}

/// State, channel, days that will move, refunded, disputed, days due, taken off, spent, owed.
type Totals = (String, Option<String>, u32, i64, i64, u32, i64, u32, u32);

async fn totals(kit: &Kit, realm: &str, payment: &str) -> Totals {
    let whole = kit.payment(&format!("{realm}/pi_1_{payment}")).await.unwrap().unwrap();
    // What is never planned and what is not planned any more differ in their history, not in what they come to.
    let word =
        if whole.payment.state == PaymentState::Nothing { "cancelled" } else { whole.payment.state.as_str() };
    let moves = if word == "planned" { whole.transfers[0].days } else { 0 };
    let out = whole.money_out;
    let number = |of: fn(&daybridge::ledger::view::ReversalReport) -> i64| out.as_ref().map_or(0, of);
    (
        word.to_owned(),
        whole.payment.channel.map(|channel| channel.replace(realm, "")),
        moves,
        number(|out| out.refunded),
        number(|out| out.disputed),
        out.as_ref().and_then(|out| out.days_due).unwrap_or(BOUGHT),
        number(|out| out.days_reduced),
        out.as_ref().map_or(0, |out| out.days_spent),
        out.as_ref().map_or(0, |out| out.days_owed),
    )
}

/// The same by the rules alone, from the set of all events.
fn by_the_rules(events: &[Facts], source: &SourceRules, payment: &str) -> Totals {
    let covered = covers(events, &source.rules, Some(BOUGHT));
    let (word, moves) = match decide(events, &source.rules, &Corrections::default(), &Memory::default()) {
        Decision::Grant { days, .. } => ("planned", days),
        Decision::Hold(_) => ("held", 0),
        Decision::Nothing(_) => ("cancelled", 0),
        Decision::NoMoneyYet => ("linked", 0),
    };
    let (due, left) = (covered.due.unwrap(), covered.left.unwrap());
    let channel = format!("CHAN-1--{payment}");
    let off = i64::from(BOUGHT - left);
    (word.into(), Some(channel), moves, covered.refunded, covered.disputed, due, off, 0, 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]
    #[test]
    fn the_rules_know_no_order(
        events in any_events(), on_refund in any_policy(), on_dispute in any_policy(), seed in any::<u64>(),
    ) {
        let source = source("r", on_refund, on_dispute);
        let told: Vec<Facts> = shuffled(&events, seed).into_iter().map(|n| events[n].clone()).collect();
        prop_assert_eq!(by_the_rules(&events, &source, ""), by_the_rules(&told, &source, ""));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    /// Two payments, told in two orders, with repetitions and interleaved.
    #[test]
    fn the_ledger_knows_no_order(
        one in any_events(), two in any_events(), on_refund in any_policy(), on_dispute in any_policy(),
        seeds in any::<[u64; 2]>(),
    ) {
        let Stand { runtime, kit } = stand();
        let payments = [("a", one), ("b", two)];
        let all: Vec<(usize, usize)> = (0..2).flat_map(|p| (0..payments[p].1.len()).map(move |n| (p, n))).collect();
        let mut found = Vec::new();
        for seed in seeds {
            let realm = fresh();
            let source = source(&realm, on_refund, on_dispute);
            let facts: Vec<Facts> = all.iter().map(|(p, n)| payments[*p].1[*n].clone()).collect();
            found.push(runtime.block_on(async {
                for place in shuffled(&facts, seed) {
                    let (name, _) = &payments[all[place].0];
                    let told = of_realm(facts[place].clone(), &realm, name);
                    let event = delivery(&format!("evt_{realm}_{place}"));
                    kit.record_as(&event, Ok(&told), &source, false).await;
                }
                [totals(kit, &realm, "a").await, totals(kit, &realm, "b").await]
            }));
        }
        let rules = source("r", on_refund, on_dispute);
        let wanted = payments.map(|(name, events)| by_the_rules(&events, &rules, name));
        prop_assert_eq!(&found[0], &wanted, "{:?}", seeds[0]);
        prop_assert_eq!(&found[1], &wanted, "{:?}", seeds[1]);
    }
}

/// What a worker, or a person who knows nothing of refunds, does next.
#[derive(Debug, Clone, Copy)]
enum Does {
    Intends,
    Settles,
    SendsNothing,
    IsRefused,
    LosesTheAnswer,
    FindsItApplied,
    FindsItNotApplied,
    TriesAgain,
}

fn any_work() -> impl Strategy<Value = Vec<(prop::sample::Index, Does)>> {
    use Does::*;
    let does = prop::sample::select(vec![
        Intends,
        Intends,
        Settles,
        SendsNothing,
        IsRefused,
        LosesTheAnswer,
        FindsItApplied,
        FindsItNotApplied,
        TriesAgain,
    ]);
    prop::collection::vec((any::<prop::sample::Index>(), does), 0..12)
}

/// One payment's transfer in the hands of a worker.
struct Work<'a> {
    kit: &'a Kit,
    source: &'a SourceRules,
    key: String,
    channel: String,
    hand: Option<(Claim, State)>,
    /// Calls that were or may have been applied.
    applied: u32,
}

impl Work<'_> {
    async fn state(&self) -> Option<(State, u32)> {
        let whole = self.kit.payment(&self.key).await.unwrap()?;
        let transfer = whole.transfers.first()?;
        let state = match transfer.state.as_str() {
            "planned" => State::planned(NOW),
            "settled" => settled(),
            _ => return None,
        };
        Some((state, transfer.days))
    }

    async fn intends(&mut self, told: &[Facts]) {
        let claims = self.kit.claim(ACCOUNT, "w", NOW, NOW + 60_000, 99).await.unwrap();
        for claim in claims {
            let turn = self.kit.turn(&claim, NOW).await.unwrap();
            let due = turn.transfer.filter(|t| matches!(t.state, State::Planned { .. }));
            let Some(transfer) = due.filter(|_| claim.channel.as_str() == self.channel) else {
                self.kit.release(&claim, NOW + 1).await.unwrap();
                continue;
            };
            let covered = covers(told, &self.source.rules, Some(BOUGHT));
            assert!(covered.ask.is_none() || covered.left == Some(0), "called unasked: {covered:?}");
            assert_eq!(Some(transfer.days), covered.left, "called for other days than are left: {covered:?}");
            assert!(transfer.comment.ends_with(&format!(" {}d", transfer.days)), "{}", transfer.comment);
            assert_eq!(self.applied, 0, "a second call");
            let to = intended(claim.epoch);
            assert!(self.kit.put(&claim, &transfer.key, &transfer.state, to.clone(), NOW).await);
            self.hand = Some((claim, to));
        }
    }

    async fn comes_to(&mut self, to: State) {
        let Some((claim, from)) = self.hand.take() else { return };
        self.applied += u32::from(matches!(to, State::Settled { .. }));
        let transfer = format!("{}#1", self.key);
        assert!(self.kit.put(&claim, &transfer, &from, to, NOW).await, "an answer was lost");
        self.kit.release(&claim, NOW).await.unwrap();
    }

    async fn decides(&mut self, cause: &str, order: Order) {
        let transfer = format!("{}#1", self.key);
        let wanted = HeldQuery { key: Some(transfer.clone()), cause: HeldCause::parse(cause) };
        if !self.kit.ledger.held(&wanted, 1, NOW).await.unwrap().is_empty() {
            self.kit.decide(&transfer, &decided(order), NOW).await.unwrap();
            self.applied += u32::from(order == Order::Applied);
        }
    }

    async fn does(&mut self, does: Does, told: &[Facts]) {
        match does {
            Does::Intends if self.hand.is_none() => self.intends(told).await,
            Does::Intends => {}
            Does::Settles => self.comes_to(settled()).await,
            Does::SendsNothing => self.comes_to(State::planned(NOW)).await,
            Does::IsRefused => self.comes_to(held(Cause::Refused(422, "no".into()), Open::None)).await,
            Does::LosesTheAnswer => self.comes_to(held(Cause::Unmoved, Open::Open)).await,
            Does::FindsItApplied => self.decides("unmoved", Order::Applied).await,
            Does::FindsItNotApplied => self.decides("unmoved", Order::NotApplied).await,
            Does::TriesAgain => self.decides("refused", Order::Retry).await,
        }
    }
}

/// Days bought are days due, or taken off before they moved, or spent; none moves twice.
async fn adds_up(work: &Work<'_>, told: &[Facts]) {
    let whole = work.kit.payment(&work.key).await.unwrap().unwrap();
    let Some(out) = whole.money_out else { return };
    let covered = covers(told, &work.source.rules, Some(BOUGHT));
    assert_eq!((out.refunded, out.disputed), (covered.refunded, covered.disputed));
    if whole.payment.days.is_none() {
        return;
    }
    assert_eq!(out.days_due, covered.due);
    let Some(transfer) = whole.transfers.first() else { return };
    let (spent, owed, due) = (out.days_spent, out.days_owed, out.days_due.unwrap());
    assert!(transfer.days <= BOUGHT);
    let sums = (out.days_reduced, i64::from(transfer.days), i64::from(BOUGHT));
    match transfer.state.as_str() {
        "cancelled" => assert_eq!((sums.0, spent, owed), (sums.2, 0, 0)),
        state => {
            assert_eq!(sums.0 + sums.1, sums.2, "{state}");
            let moved = state == "settled"
                || transfer.outcome.map(|word| word.as_str()) == Some("open")
                || state == "intended";
            if moved {
                assert_eq!(i64::from(due) + i64::from(spent) - i64::from(owed), sums.1, "{state}");
            } else {
                assert_eq!((spent, owed), (0, 0), "{state}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn days_add_up_whatever_a_worker_does(
        events in any_events(), on_refund in any_policy(), on_dispute in any_policy(), seed in any::<u64>(),
        work in any_work(),
    ) {
        let Stand { runtime, kit } = stand();
        let realm = fresh();
        // A paused channel is not what is tested here, and this worker does not ask.
        let source = source(&realm, on_refund, on_dispute);
        let order = shuffled(&events, seed);
        let mut does: BTreeMap<usize, Vec<Does>> = BTreeMap::new();
        for (index, one) in &work {
            does.entry(index.index(order.len())).or_default().push(*one);
        }
        runtime.block_on(async {
            let (key, channel) = (format!("{realm}/pi_1_a"), format!("CHAN-1-{realm}-a"));
            let mut work = Work { kit, source: &source, key, channel, hand: None, applied: 0 };
            let mut told = Vec::new();
            for (step, place) in order.into_iter().enumerate() {
                let facts = of_realm(events[place].clone(), &realm, "a");
                let event = delivery(&format!("evt_{realm}_{place}"));
                kit.record_as(&event, Ok(&facts), &source, false).await;
                told.push(events[place].clone());
                adds_up(&work, &told).await;
                for one in does.remove(&step).unwrap_or_default() {
                    work.does(one, &told).await;
                    adds_up(&work, &told).await;
                }
            }
            work.comes_to(settled()).await;
            adds_up(&work, &told).await;
            if let Some((State::Settled { .. }, days)) = work.state().await {
                assert!(work.applied == 1 && days <= BOUGHT);
            }
        });
    }
}
