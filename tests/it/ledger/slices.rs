//! Days that move in slices: the channel's queue, through the whole ledger, with the rules' own steps between.

use daybridge::{
    domain::{
        DAY_MS,
        allocation::{brake::Brake, slices::Allocation},
        closed::{HeldCause, PaymentState},
        facts::{Facts, Meaning, Reversal, ReversalAmount, ReversalKind, ReversalState},
        id::ChannelId,
        payment::entitlement::OnReversal,
        reply::{ReadError, Reading, Reply},
        settle::{AccountSignal, Effect, Input, Moment, Order, Policy, step},
    },
    ledger::{
        Act, Correction, Grant, LedgerError, Moved, Scope, SourceRules,
        view::{EventOutcome, MarkKind},
    },
};

use super::{
    kit::{ACCOUNT, Kit, NOW, charge, comment, decided, delivery, facts, rules, to},
    pauses::claim,
};

pub(crate) const HOUR: i64 = 3_600_000;
pub(crate) const ACT: Act<'static> = Act { who: "ada", reason: "asked by phone" };

fn policy() -> Policy {
    Policy { settle_window_ms: 900_000, retry_unmoved: true, skew_ms: 60_000, ensure_live: false }
}

pub(crate) fn slices_of(kit: &Kit, slice: u32) {
    kit.ledger.allocate(Allocation { slice, ..Allocation::default() });
}

/// A partner with one channel.
pub(crate) struct Partner {
    pub(crate) till: i64,
    /// What was sent: its key, its days, when.
    pub(crate) sent: Vec<(String, u32, i64)>,
    pub(crate) answers: bool,
    pub(crate) has_balance: bool,
}

impl Partner {
    pub(crate) fn at(till: i64) -> Self {
        Self { till, sent: Vec::new(), answers: true, has_balance: true }
    }

    fn extend(&mut self, key: &str, days: u32, now: i64) -> Reply {
        self.till = self.till.max(now) + i64::from(days) * DAY_MS;
        self.sent.push((key.to_owned(), days, now));
        Reply::Accepted { active_till: Some(self.till) }
    }

    fn keys(&self) -> Vec<(&str, u32)> {
        self.sent.iter().map(|(key, days, _)| (key.split_once('/').unwrap().1, *days)).collect()
    }
}

/// Works on all that is due.
pub(crate) async fn work(kit: &Kit, partner: &mut Partner, now: i64) {
    for _ in 0..20 {
        let claims = kit.claim(ACCOUNT, "w", now, now + 60_000, 4).await.unwrap();
        if claims.is_empty() {
            return;
        }
        for claim in claims {
            let turn = kit.turn(&claim, now).await.unwrap();
            if let Some(transfer) = turn.transfer {
                let (mut state, mut channel, mut input) = (transfer.state, turn.channel, Input::Due);
                loop {
                    let at = Moment { now, watched_ms: 0 };
                    let step = step(transfer.days, &state, &channel, claim.epoch, input, at, &policy());
                    if step.state != state || step.channel != channel {
                        let kept =
                            kit.advance(&claim, &transfer.key, &state, &step, false, now).await.unwrap();
                        assert!(kept.is_some(), "{}: {state:?} to {:?}", transfer.key, step.state);
                    }
                    (state, channel) = (step.state, step.channel);
                    input = match step.effect {
                        Effect::Rest => break,
                        Effect::Read if !partner.answers => {
                            Input::Read(Err(ReadError::Failed("away".into())))
                        }
                        Effect::Read => {
                            Input::Read(Ok(Reading { active_till: partner.till, mode: Some("live".into()) }))
                        }
                        Effect::Call if !partner.has_balance => Input::Reply(Reply::Refused {
                            status: 402,
                            message: "not enough days".into(),
                            balance: true,
                        }),
                        Effect::Call => Input::Reply(partner.extend(&transfer.key, transfer.days, now)),
                    };
                }
            }
            kit.release(&claim, 0).await.unwrap();
        }
    }
    panic!("it never rests");
}

/// Works every hour for so many days.
pub(crate) async fn days(kit: &Kit, partner: &mut Partner, from: i64, many: i64) -> i64 {
    let until = from + many * DAY_MS;
    let mut now = from;
    while now < until {
        work(kit, partner, now).await;
        now += HOUR;
    }
    until
}

pub(crate) async fn pay(kit: &Kit, name: &str, days: u32, now: i64) {
    let mut facts = to(charge(&[&format!("pi_{name}")]), "CHAN-1", days);
    (facts.occurred_at, facts.paid_at) = (now, Some(now));
    kit.record_at(&delivery(&format!("evt_{name}")), Ok(&facts), &rules(), false, now).await;
}

fn moved(channel: &ChannelId, returned: u32) -> Moved {
    Moved { channel: channel.clone(), returned, force: false }
}

async fn sums(kit: &Kit, name: &str) -> (PaymentState, u32, u32) {
    let payment = kit.payment(&format!("stripe/pi_{name}")).await.unwrap().unwrap().payment;
    (payment.state, payment.moved, payment.owed)
}

pub(crate) fn refund(name: &str, amount: i64, at: i64) -> Facts {
    let mut facts = facts(Meaning::MoneyOut, &[&format!("pi_{name}")]);
    facts.occurred_at = at;
    let (kind, state, amount) = (ReversalKind::Refund, ReversalState::Done, ReversalAmount::Total(amount));
    facts.out = vec![Reversal { kind, state, id: None, amount, currency: Some("usd".into()) }];
    facts
}

fn cancelling() -> SourceRules {
    let mut source = rules();
    source.rules.on_refund = OnReversal::CancelUnspent;
    source
}

pub(crate) async fn days_move_as_they_are_used(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW - DAY_MS);
    pay(&kit, "1", 13, NOW).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Planned, 0, 13));
    work(&kit, &mut partner, NOW).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5)], "the channel had run out");
    assert_eq!(sums(&kit, "1").await, (PaymentState::Running, 5, 8));
    let event = kit.events(9).await.unwrap().remove(0);
    assert_eq!(event.outcome, EventOutcome::Credited, "its days are moving");
    let now = days(&kit, &mut partner, NOW, 3).await;
    assert_eq!(partner.sent.len(), 1, "more than lead is left");
    days(&kit, &mut partner, now, 20).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 5), ("pi_1#3", 3)]);
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 13, 0));
    let at: Vec<i64> = partner.sent.iter().map(|(.., at)| (at - NOW) / DAY_MS).collect();
    assert_eq!(at, [0, 3, 8], "each when less than two days are left");
    assert_eq!(partner.till, NOW + 13 * DAY_MS);
}

pub(crate) async fn the_oldest_payment_of_a_channel_goes_first(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 10, NOW).await;
    pay(&kit, "2", 7, NOW + HOUR).await;
    assert_eq!(kit.transfers(9).await.unwrap().len(), 1, "only the next slice of a channel is a transfer");
    let waits = kit.payment("stripe/pi_2").await.unwrap().unwrap();
    assert_eq!((waits.payment.owed, waits.transfers.len()), (7, 0));
    assert!(waits.payment.next.unwrap().contains("older payments"));
    days(&kit, &mut partner, NOW + 2 * HOUR, 30).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 5), ("pi_2#1", 5), ("pi_2#2", 2)]);
}

pub(crate) async fn a_refund_shortens_what_is_left(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    let now = days(&kit, &mut partner, NOW, 5).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Running, 10, 20));
    // 6 of 9 dollars: 10 of 30 days are due, and have moved.
    let two_thirds = refund("1", 600, now);
    kit.record_at(&delivery("evt_r"), Ok(&two_thirds), &cancelling(), false, now).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 10, 0));
    let now = days(&kit, &mut partner, now, 20).await;
    assert_eq!(partner.sent.len(), 2, "nothing moves any more");
    // The refund fails after all: it goes on.
    let mut back = refund("1", 0, now);
    back.out = vec![Reversal {
        state: ReversalState::Undone,
        amount: ReversalAmount::All,
        ..two_thirds.out[0].clone()
    }];
    back.out[0].amount = ReversalAmount::Part(600);
    kit.record_at(&delivery("evt_b"), Ok(&back), &cancelling(), false, now).await;
    days(&kit, &mut partner, now, 40).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 30, 0));
    let numbers: Vec<String> = partner.keys().iter().map(|(key, _)| (*key).to_owned()).collect();
    let wanted: Vec<String> = (1..=numbers.len()).map(|n| format!("pi_1#{n}")).collect();
    assert_eq!(numbers, wanted, "numbers go on without a gap");
}

pub(crate) async fn a_refund_is_asked_about_by_default(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    pay(&kit, "2", 10, NOW).await;
    let now = days(&kit, &mut partner, NOW, 5).await;
    kit.record_at(&delivery("evt_r"), Ok(&refund("1", 300, now)), &rules(), false, now).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Held, 10, 20));
    let held = kit.held(9, now).await.unwrap();
    assert_eq!((held.len(), held[0].cause, &*held[0].key), (1, HeldCause::Refunded, "stripe/pi_1#3"));
    let now = days(&kit, &mut partner, now, 5).await;
    assert_eq!(partner.keys().last(), Some(&("pi_2#1", 5)), "the next payment goes on");
    kit.decide("stripe/pi_1#3", &super::kit::decided_for(Order::Retry, HeldCause::Refunded), now)
        .await
        .unwrap();
    days(&kit, &mut partner, now, 60).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 30, 0), "moved all the same");
    assert_eq!(sums(&kit, "2").await, (PaymentState::Credited, 10, 0));
}

pub(crate) async fn who_accepts_what_was_spent_lets_no_more_move(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    let now = days(&kit, &mut partner, NOW, 10).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Running, 15, 15));
    let out = refund("1", 600, now);
    kit.record_at(&delivery("evt_r"), Ok(&out), &rules(), false, now).await;
    let mut causes: Vec<HeldCause> =
        kit.held(9, now).await.unwrap().into_iter().map(|held| held.cause).collect();
    causes.sort_by_key(|cause| cause.as_str());
    assert_eq!(causes, [HeldCause::DaysSpent, HeldCause::Refunded], "10 of 30 are due, and 15 have moved");
    kit.decide("stripe/pi_1", &decided(Order::Cancel), now).await.unwrap();
    kit.record_at(&delivery("evt_r2"), Ok(&out), &rules(), false, now).await;
    let now = days(&kit, &mut partner, now, 30).await;
    assert_eq!(partner.sent.len(), 3, "that they were spent is accepted, and no more is");
    assert_eq!(kit.held(9, now).await.unwrap(), []);
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 15, 0));
}

pub(crate) async fn a_person_stops_a_payment_and_lets_it_go_on(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 15, NOW).await;
    pay(&kit, "2", 5, NOW).await;
    work(&kit, &mut partner, NOW).await;
    kit.stop("stripe/pi_1", &ACT, NOW).await.unwrap();
    let again = kit.stop("stripe/pi_1", &ACT, NOW).await.unwrap_err();
    assert!(matches!(again, LedgerError::Refused(text) if text.contains("stopped already")));
    let now = days(&kit, &mut partner, NOW, 20).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_2#1", 5)], "later payments of the channel go on");
    assert_eq!(sums(&kit, "1").await, (PaymentState::Held, 5, 10));
    assert_eq!(kit.held(9, now).await.unwrap()[0].cause, HeldCause::Stopped);
    let retried = kit.decide("stripe/pi_1#2", &decided(Order::Retry), now).await.unwrap_err();
    assert!(matches!(retried, LedgerError::Refused(text) if text.contains("payments go")));
    kit.go("stripe/pi_1", &ACT, now).await.unwrap();
    days(&kit, &mut partner, now, 20).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 15, 0));
}

pub(crate) async fn a_stop_outlives_a_refusal(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner { has_balance: false, ..Partner::at(NOW) };
    pay(&kit, "1", 15, NOW).await;
    work(&kit, &mut partner, NOW).await;
    assert_eq!(kit.held(9, NOW).await.unwrap()[0].cause, HeldCause::Balance);
    kit.stop("stripe/pi_1", &ACT, NOW).await.unwrap();
    partner.has_balance = true;
    let now = NOW + HOUR;
    kit.account_news(ACCOUNT, AccountSignal::Extends, "stripe/pi_1#1", now, now).await.unwrap();
    work(&kit, &mut partner, now).await;
    assert_eq!(partner.sent.len(), 0, "topped up, and stopped all the same");
    assert_eq!(kit.held(9, now).await.unwrap()[0].cause, HeldCause::Stopped);
    kit.go("stripe/pi_1", &ACT, now).await.unwrap();
    work(&kit, &mut partner, now).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5)]);
}

pub(crate) async fn a_payment_behind_a_held_slice_says_so(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner { has_balance: false, ..Partner::at(NOW) };
    pay(&kit, "1", 15, NOW).await;
    pay(&kit, "2", 15, NOW).await;
    let next = async || kit.payment("stripe/pi_2").await.unwrap().unwrap().payment.next.unwrap();
    assert_eq!(next().await, "it waits for older payments of its channel");
    work(&kit, &mut partner, NOW).await;
    let told = next().await;
    assert!(told.contains("stripe/pi_1#1 is held (balance)") && told.contains("held show"), "{told}");
}

/// Also where all days move at once.
pub(crate) async fn a_stop_outlives_a_correction(kit: Kit) {
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 15, NOW).await;
    kit.stop("stripe/pi_1", &ACT, NOW).await.unwrap();
    let correction = Correction {
        channel: None,
        days: Some(10),
        remember: false,
        force: false,
        account: ACCOUNT,
        cause: None,
        act: ACT,
        comment: comment(),
    };
    kit.correct("stripe/pi_1#1", &correction, NOW).await.unwrap();
    work(&kit, &mut partner, NOW).await;
    assert_eq!(partner.sent.len(), 0, "corrected, and stopped all the same");
    assert_eq!(kit.held(9, NOW).await.unwrap()[0].cause, HeldCause::Stopped);
    kit.go("stripe/pi_1", &ACT, NOW).await.unwrap();
    work(&kit, &mut partner, NOW).await;
    assert_eq!(partner.keys(), [("pi_1#1", 10)]);
}

pub(crate) async fn a_restored_ledger_asks_about_money_that_is_told_again(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    let now = days(&kit, &mut partner, NOW, 5).await;
    let out = refund("1", 600, now);
    kit.record_at(&delivery("evt_r"), Ok(&out), &cancelling(), false, now).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 10, 0));
    // In the time that is forgotten the refund failed, and the third slice was sent.
    partner.extend("stripe/pi_1#3", 5, now);
    kit.restored(now, "ada", now + DAY_MS).await.unwrap();
    let (sent, now) = (partner.sent.len(), now + 2 * DAY_MS);
    let mut back = out.clone();
    back.occurred_at = now;
    back.out[0].state = ReversalState::Undone;
    back.out[0].amount = ReversalAmount::Part(600);
    kit.record_at(&delivery("evt_b"), Ok(&back), &cancelling(), false, now).await;
    let now = days(&kit, &mut partner, now, 20).await;
    assert_eq!(partner.sent.len(), sent, "nothing is sent that may have been");
    let held = kit.held(9, now).await.unwrap();
    assert!(
        held.iter().any(|held| held.key == "stripe/pi_1#3" && held.cause == HeldCause::Restored),
        "{held:?}"
    );
}

pub(crate) async fn a_slice_that_waits_is_not_waited_for(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    work(&kit, &mut partner, NOW).await;
    let counts = kit.counts().await.unwrap();
    assert_eq!((counts.planned, counts.oldest_open_at), (0, None), "it is neither to be called nor late");
    let due = NOW + 3 * DAY_MS;
    let claim = kit.claim_one(due + HOUR).await;
    let counts = kit.counts().await.unwrap();
    assert_eq!((counts.planned, counts.oldest_open_at), (1, Some(due)), "late since its time");
    kit.release(&claim, 0).await.unwrap();
}

pub(crate) async fn what_is_left_goes_to_another_channel(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 15, NOW).await;
    work(&kit, &mut partner, NOW).await;
    let other = ChannelId::parse("CHAN-2").unwrap();
    let same = ChannelId::parse("CHAN-1").unwrap();
    assert!(kit.move_rest("stripe/pi_1", &moved(&same, 0), &ACT, NOW).await.is_err());
    kit.move_rest("stripe/pi_1", &moved(&other, 2), &ACT, NOW).await.unwrap();
    let mut second = Partner::at(NOW - DAY_MS);
    days(&kit, &mut second, NOW, 30).await;
    assert_eq!(second.keys(), [("pi_1#2", 5), ("pi_1#3", 5), ("pi_1#4", 2)]);
    let whole = kit.payment("stripe/pi_1").await.unwrap().unwrap();
    let channels: Vec<&str> = whole.transfers.iter().map(|transfer| &*transfer.channel).collect();
    assert_eq!(channels, ["CHAN-1", "CHAN-2", "CHAN-2", "CHAN-2"], "what moved stays where it is");
}

pub(crate) async fn a_hand_made_extension_makes_the_next_slice_later(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 10, NOW).await;
    work(&kit, &mut partner, NOW).await;
    partner.till += 30 * DAY_MS;
    let now = days(&kit, &mut partner, NOW, 30).await;
    assert_eq!(partner.sent.len(), 1, "put off");
    assert_eq!(kit.movements(9).await.unwrap().len(), 1, "and told");
    days(&kit, &mut partner, now, 5).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 5)]);
}

pub(crate) async fn an_outage_costs_one_call(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 40, NOW).await;
    let now = days(&kit, &mut partner, NOW, 2).await;
    partner.answers = false;
    // It was due after three days; ten days nobody works.
    let now = now + 11 * DAY_MS;
    partner.answers = true;
    work(&kit, &mut partner, now).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 7)], "five days, and the two of lead");
    assert_eq!(partner.till, now + 7 * DAY_MS);
    days(&kit, &mut partner, now, 60).await;
    assert_eq!(sums(&kit, "1").await, (PaymentState::Credited, 40, 0));
}

pub(crate) async fn a_slice_that_waits_is_no_transfer_that_is_late(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 10, NOW).await;
    work(&kit, &mut partner, NOW).await;
    for _ in 0..3 {
        assert!(kit.claim(ACCOUNT, "w", NOW + HOUR, NOW + 2 * HOUR, 9).await.unwrap().is_empty());
    }
    let planned = kit.transfers(9).await.unwrap().remove(0);
    assert_eq!((planned.next_at, planned.days), (Some(NOW + 3 * DAY_MS), 5));
}

pub(crate) async fn a_slice_that_is_put_off_is_not_claimed_before(kit: Kit) {
    slices_of(&kit, 5);
    pay(&kit, "1", 10, NOW).await;
    let paused = Scope::Account(ACCOUNT.into());
    kit.pause(&paused, &ACT, NOW).await.unwrap();
    let claim = kit.claim_one(NOW).await;
    let turn = kit.turn(&claim, NOW).await.unwrap();
    assert!(turn.paused && turn.transfer.is_some());
    assert_eq!(kit.release(&claim, NOW + 60_000).await.unwrap(), Some(NOW + 60_000));
    assert!(kit.claim(ACCOUNT, "w", NOW + 59_000, NOW + 90_000, 9).await.unwrap().is_empty());
    kit.resume(&paused, &ACT, NOW + 59_000).await.unwrap();
    let mut partner = Partner::at(NOW);
    work(&kit, &mut partner, NOW + 59_000).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5)], "a resume ends the wait");
}

pub(crate) async fn days_are_granted_by_hand_once_a_key(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW - DAY_MS);
    let grant = |days: u32| Grant {
        key: "trial-7".into(),
        channel: ChannelId::parse("CHAN-1").unwrap(),
        days,
        account: ACCOUNT.into(),
        new: false,
        force: false,
    };
    assert_eq!(kit.ledger.grant(&grant(7), &ACT, NOW).await.unwrap(), ("grant/trial-7".into(), false));
    assert_eq!(kit.ledger.grant(&grant(7), &ACT, NOW).await.unwrap(), ("grant/trial-7".into(), true));
    let other = kit.ledger.grant(&grant(8), &ACT, NOW).await.unwrap_err();
    assert!(matches!(other, LedgerError::Refused(text) if text.contains("7 days for CHAN-1")));
    assert!(kit.ledger.grant(&grant(0), &ACT, NOW).await.is_err());
    days(&kit, &mut partner, NOW, 20).await;
    assert_eq!(partner.keys(), [("trial-7#1", 5), ("trial-7#2", 2)]);
    assert_eq!(kit.ledger.grants(NOW - DAY_MS, NOW).await.unwrap(), []);
    let row = kit.ledger.grants(NOW, NOW + 1).await.unwrap().remove(0);
    assert_eq!((&*row.reason, row.grants, row.days), (ACT.reason, 1, 7));
}

/// It may have been granted in the time that is forgotten.
pub(crate) async fn a_restored_ledger_grants_no_key_on_faith(kit: Kit) {
    slices_of(&kit, 5);
    let grant = |key: &str, new: bool| Grant {
        key: key.into(),
        channel: ChannelId::parse("CHAN-1").unwrap(),
        days: 7,
        account: ACCOUNT.into(),
        new,
        force: false,
    };
    kit.ledger.grant(&grant("trial-1", false), &ACT, NOW).await.unwrap();
    kit.restored(NOW + 1, "ada", NOW + 2).await.unwrap();
    let known = kit.ledger.grant(&grant("trial-1", false), &ACT, NOW + 3).await.unwrap();
    assert_eq!(known, ("grant/trial-1".into(), true));
    let unknown = kit.ledger.grant(&grant("trial-2", false), &ACT, NOW + 3).await.unwrap_err();
    assert!(
        matches!(unknown, LedgerError::Refused(text) if text.contains("look for grant/trial-2 in Billing"))
    );
    assert_eq!(kit.payment("grant/trial-2").await.unwrap(), None);
    let new = kit.ledger.grant(&grant("trial-2", true), &ACT, NOW + 3).await.unwrap();
    assert_eq!(new, ("grant/trial-2".into(), false));
}

/// A day each, while there is not enough for all.
pub(crate) async fn slices_shrink_while_the_balance_is_short(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW + 10 * DAY_MS);
    pay(&kit, "1", 30, NOW).await;
    kit.ledger.mark_balance(ACCOUNT, MarkKind::Set, 8, &ACT, NOW - 1).await.unwrap();
    let short = |now: i64| {
        let kit = &kit;
        async move { kit.ledger.balance(ACCOUNT, None, now).await.unwrap().short }
    };
    let now = days(&kit, &mut partner, NOW, 12).await;
    assert!(!short(now).await, "nothing is needed within a day");
    assert!(short(now + HOUR).await, "five days are, and three are left");
    kit.ledger.shrink_slices(true);
    let now = days(&kit, &mut partner, now, 3).await;
    kit.ledger.shrink_slices(false);
    days(&kit, &mut partner, now, 2).await;
    let sizes: Vec<u32> = partner.sent.iter().map(|(_, days, _)| *days).collect();
    assert_eq!(sizes, [5, 1, 1, 5], "the first one, when the channel was read for the first time");
    assert_eq!(sums(&kit, "1").await, (PaymentState::Running, 12, 18));
}

pub(crate) async fn a_restored_ledger_sends_no_slice_twice(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 15, NOW).await;
    pay(&kit, "2", 5, NOW).await;
    work(&kit, &mut partner, NOW).await;
    // In the time that is forgotten the second slice was sent.
    let now = NOW + 4 * DAY_MS;
    kit.restored(NOW, "ada", NOW + DAY_MS).await.unwrap();
    partner.extend("stripe/pi_1#2", 5, NOW + 3 * DAY_MS);
    let sent = partner.sent.len();
    work(&kit, &mut partner, now).await;
    assert_eq!(partner.sent.len(), sent, "its channel shows more than the backup knew");
    let mut held: Vec<String> = kit.held(9, now).await.unwrap().into_iter().map(|held| held.key).collect();
    held.sort();
    assert_eq!(held, ["stripe/pi_1#2", "stripe/pi_2#1"], "nor does what waited behind it move");
    kit.decide("stripe/pi_1#2", &decided(Order::Applied), now).await.unwrap();
    let held = kit.held(9, now).await.unwrap();
    assert!(held.iter().any(|held| held.key == "stripe/pi_1#3"), "the next may have been sent, too");
    kit.decide("stripe/pi_1#3", &decided(Order::NotApplied), now).await.unwrap();
    kit.decide("stripe/pi_2#1", &decided(Order::NotApplied), now).await.unwrap();
    days(&kit, &mut partner, now, 30).await;
    assert_eq!(partner.keys()[sent..], [("pi_1#3", 5), ("pi_2#1", 5)]);
}

pub(crate) async fn a_restored_ledger_goes_on_with_what_was_not_due(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 10, NOW).await;
    work(&kit, &mut partner, NOW).await;
    let done = kit.restored(NOW, "ada", NOW + DAY_MS).await.unwrap();
    assert_eq!(done.held, 0);
    days(&kit, &mut partner, NOW + DAY_MS, 20).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 5)]);
}

pub(crate) async fn one_slice_is_sent_now(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 15, NOW).await;
    work(&kit, &mut partner, NOW).await;
    assert!(kit.slice_now("stripe/pi_1", Some(11), &ACT, NOW).await.is_err(), "more than are owed");
    assert!(kit.slice_now("stripe/pi_1", Some(0), &ACT, NOW).await.is_err());
    let first = kit.slice_now("stripe/pi_1#1", Some(2), &ACT, NOW).await.unwrap_err();
    assert!(matches!(first, LedgerError::Refused(text) if text.contains("not the next slice")));
    kit.slice_now("stripe/pi_1#2", Some(2), &ACT, NOW).await.unwrap();
    work(&kit, &mut partner, NOW).await;
    assert!(kit.slice_now("stripe/pi_1#2", None, &ACT, NOW).await.is_err(), "it was sent");
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 2)]);
    assert_eq!(sums(&kit, "1").await, (PaymentState::Running, 7, 8));
}

pub(crate) async fn the_days_ahead_come_to_what_is_committed(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 60, NOW).await;
    work(&kit, &mut partner, NOW).await;
    let forecast = kit.forecast(ACCOUNT, 30, NOW).await.unwrap();
    let owed: Vec<i64> = forecast.needs.iter().map(|need| need.committed).collect();
    let slices: Vec<usize> = (0..30).filter(|day| owed[*day] == 5).collect();
    assert_eq!((owed.len(), slices), (30, vec![3, 8, 13, 18, 23, 28]), "when two days are left");
    let new: i64 = forecast.needs.iter().map(|need| need.new).sum();
    let month = forecast.balance.committed.iter().find(|one| one.within_days == 30).unwrap();
    assert_eq!((owed.iter().sum(), new), (month.committed, month.expected - month.committed));
    assert_eq!(forecast.balance, kit.balance(ACCOUNT, None, NOW).await.unwrap());
}

pub(crate) async fn slices_end_where_the_setting_does(kit: Kit) {
    slices_of(&kit, 5);
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 30, NOW).await;
    work(&kit, &mut partner, NOW).await;
    slices_of(&kit, 0);
    days(&kit, &mut partner, NOW, 10).await;
    assert_eq!(partner.keys(), [("pi_1#1", 5), ("pi_1#2", 5), ("pi_1#3", 20)], "the planned one stays");
}

/// A forged payment of ten years would move five days at a time, and its first slice in weeks.
pub(crate) async fn the_brake_counts_what_is_granted_in_slices(kit: Kit) {
    let brake =
        Brake { multiple: 1, account_days_min: 500, account_days_per_channel: 0, channel_days_min: 400 };
    kit.ledger.allocate(Allocation { slice: 5, brake, ..Allocation::default() });
    let mut partner = Partner::at(NOW);
    pay(&kit, "1", 365, NOW).await;
    work(&kit, &mut partner, NOW).await;
    assert_eq!(
        (partner.keys(), kit.pauses().await.unwrap()),
        (vec![("pi_1#1", 5)], vec![]),
        "a year is normal"
    );
    pay(&kit, "2", 36, NOW + HOUR / 2).await;
    let pauses = kit.pauses().await.unwrap();
    let scope = Scope::Channel(ACCOUNT.into(), ChannelId::parse("CHAN-1").unwrap());
    let reason = "36 more days would make 401 in an hour; more than 400 is not normal here";
    assert_eq!(pauses.len(), 1);
    assert_eq!((&pauses[0].scope, &*pauses[0].reason, &*pauses[0].who), (&scope, reason, "daybridge"));
    let now = NOW + 10 * DAY_MS;
    let claims = kit.claim(ACCOUNT, "w", now, now + 60_000, 4).await.unwrap();
    let turn = kit.turn(&claims[0], now).await.unwrap();
    assert!(turn.paused && turn.transfer.is_some(), "however late");
    kit.release(&claims[0], 0).await.unwrap();

    kit.resume(&scope, &ACT, now).await.unwrap();
    work(&kit, &mut partner, now).await;
    assert_eq!(partner.sent.len(), 2, "a person has looked");
    let lately = kit.lately(ACCOUNT, now).await.unwrap();
    assert_eq!((lately.account_hour, lately.account_days), (0, 0), "what moves of it is not counted again");
    pay(&kit, "3", 390, now + 1).await;
    assert_eq!(kit.pauses().await.unwrap(), []);

    // What moves at once counts with it.
    let may = |days| {
        let kit = &kit;
        async move { kit.may_call(&claim("CHAN-2"), days, &brake, now + 2).await.unwrap() }
    };
    assert_eq!(may(110).await, None);
    let pause = may(111).await.unwrap();
    let reason = "111 more days would make 501 in an hour; more than 500 is not normal here";
    assert_eq!((&*pause.scope.word(), &*pause.reason), ("account:main", reason));
}
