//! Several transfers of one channel, each with what it can know of its own call: the partner is a number here.

use daybridge::domain::{
    DAY_MS, Ms,
    channel::Channel,
    reply::{Reading, Reply},
    settle::{Call, Effect, Input, Moment, Order, Policy, State, order, planned_again, step},
};

const NOW: Ms = 1_800_000_000_000;
const TILL: Ms = NOW + 50 * DAY_MS;
/// From one turn to the next.
const TURN_MS: i64 = 3_600_000;
const POLICY: Policy =
    Policy { settle_window_ms: 900_000, retry_unmoved: true, skew_ms: 60_000, ensure_live: false };

/// What the partner does with a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Applied,
    /// Refused, truly.
    Refused,
    /// Refused after the debit.
    Hidden,
    /// Throttled after the debit.
    Throttled,
    /// Never sent.
    NotSent,
}

struct Bench {
    till: Ms,
    channel: Channel,
    now: Ms,
    states: Vec<State>,
    days: Vec<u32>,
    /// How often the partner applied each.
    applied: Vec<u32>,
}

impl Bench {
    fn of(days: &[u32]) -> Self {
        Self {
            till: TILL,
            channel: Channel { floor: Some(TILL), known: Some(TILL), ..Channel::default() },
            now: NOW,
            states: days.iter().map(|_| State::planned(NOW)).collect(),
            days: days.to_vec(),
            applied: vec![0; days.len()],
        }
    }

    fn step(&mut self, n: usize, input: Input) -> Effect {
        let next = step(
            self.days[n],
            &self.states[n],
            &self.channel,
            1,
            input,
            Moment { now: self.now, watched_ms: TURN_MS },
            &POLICY,
        );
        (self.states[n], self.channel) = (next.state, next.channel);
        next.effect
    }

    /// A turn: it is read, and called where the rules say so. Whether it was.
    fn turn(&mut self, n: usize, fate: Fate) -> bool {
        self.now += TURN_MS;
        let reading = Reading { active_till: self.till, mode: None };
        if self.step(n, Input::Read(Ok(reading))) != Effect::Call {
            return false;
        }
        if !matches!(fate, Fate::Refused | Fate::NotSent) {
            self.applied[n] += 1;
            self.till += i64::from(self.days[n]) * DAY_MS;
        }
        let reply = match fate {
            Fate::Applied => Reply::Accepted { active_till: Some(self.till) },
            Fate::Throttled => Reply::Throttled { retry_after_ms: None },
            Fate::NotSent => Reply::NotSent("no route".into()),
            Fate::Refused | Fate::Hidden => {
                Reply::Refused { status: 422, message: String::new(), balance: false }
            }
        };
        self.step(n, Input::Reply(reply));
        true
    }

    /// `held retry`, and its turn.
    fn retry(&mut self, n: usize, fate: Fate) -> bool {
        self.states[n] = planned_again(&self.states[n], self.now).unwrap();
        self.turn(n, fate)
    }

    fn by_hand(&mut self, days: i64) {
        self.till += days * DAY_MS;
    }

    fn applied_says_a_person(&mut self, n: usize) {
        let decided = order(
            self.days[n],
            &self.states[n],
            &self.channel,
            Order::Applied,
            "",
            POLICY.settle_window_ms,
            self.now,
        );
        (self.states[n], self.channel) = decided.unwrap();
    }

    fn words(&self) -> Vec<String> {
        let word = |state: &State| match state {
            State::Held { cause, .. } => cause.word().to_string(),
            State::Settled { how, .. } => format!("{how:?}").to_lowercase(),
            other => other.word().to_string(),
        };
        self.states.iter().map(word).collect()
    }
}

/// The books had 30, 10 and 30.
#[test]
fn a_throttle_that_hid_a_success_is_found_after_another_was_settled() {
    for days in [[30, 10], [30, 30]] {
        let mut bench = Bench::of(&days);
        bench.turn(0, Fate::Throttled);
        bench.turn(1, Fate::Applied);
        assert!(!bench.turn(0, Fate::Applied), "called again");
        assert_eq!(
            (bench.words(), &*bench.applied),
            (vec!["observed".into(), "answered".into()], &[1, 1][..])
        );
    }
}

/// The books had them twice: what a person gave, and ours on top.
#[test]
fn what_was_given_by_hand_is_seen_after_another_was_settled() {
    let mut bench = Bench::of(&[30, 10]);
    bench.turn(0, Fate::Refused);
    bench.by_hand(31);
    bench.turn(1, Fate::Applied);
    assert!(!bench.retry(0, Fate::Applied), "called again");
    assert_eq!(bench.words(), ["evidence_conflicts", "answered"]);
}

/// Credited as observed, and the books had no line of it.
#[test]
fn the_days_of_another_transfer_settle_nothing() {
    let mut bench = Bench::of(&[30, 30]);
    bench.turn(0, Fate::Refused);
    bench.turn(1, Fate::Applied);
    assert!(bench.retry(0, Fate::Applied), "nothing else moved, so it is called");
    assert_eq!((bench.words(), &*bench.applied), (vec!["answered".into(), "answered".into()], &[1, 1][..]));
}

/// Two refusals, and the second one was none: its days are not those of the first.
#[test]
fn the_hidden_days_of_another_transfer_settle_nothing() {
    let mut bench = Bench::of(&[30, 30]);
    bench.turn(0, Fate::Refused);
    bench.turn(1, Fate::Hidden);
    assert!(!bench.retry(0, Fate::Applied));
    assert_eq!(bench.words(), ["evidence_conflicts", "refused"]);
}

/// Both were applied. The first is settled late, by a person; its days were on the channel when the second was called.
#[test]
fn what_is_settled_late_counts_for_no_call_that_had_read_it() {
    let mut bench = Bench::of(&[30, 30]);
    bench.turn(0, Fate::Hidden);
    bench.turn(1, Fate::Hidden);
    bench.retry(0, Fate::Applied);
    bench.applied_says_a_person(0);
    assert!(!bench.retry(1, Fate::Applied), "called again");
    assert_eq!(
        (bench.words(), &*bench.applied),
        (vec!["byoperator".into(), "evidence_conflicts".into()], &[1, 1][..])
    );
}

/// A call that was certainly not sent is no doubt for others.
#[test]
fn what_was_never_sent_leaves_the_evidence_of_others() {
    let mut bench = Bench::of(&[30, 10]);
    bench.turn(0, Fate::Throttled);
    bench.turn(1, Fate::NotSent);
    bench.turn(1, Fate::Applied);
    bench.turn(0, Fate::Applied);
    assert_eq!((bench.words(), &*bench.applied), (vec!["observed".into(), "answered".into()], &[1, 1][..]));
}

/// A refund made the transfer shorter, or a person did, after a call that was applied, or was not.
#[test]
fn a_call_is_known_by_the_days_that_were_sent() {
    let mut moved = Bench::of(&[30]);
    moved.turn(0, Fate::Throttled);
    moved.days[0] = 20;
    assert!(!moved.turn(0, Fate::Applied));
    assert_eq!(moved.words(), ["evidence_conflicts"]);
    moved.applied_says_a_person(0);
    assert_eq!(moved.channel.moved_ms, 30 * DAY_MS, "what the channel shows");

    let mut by_hand = Bench::of(&[30]);
    by_hand.turn(0, Fate::Refused);
    by_hand.days[0] = 20;
    by_hand.by_hand(20);
    assert!(!by_hand.retry(0, Fate::Applied));
    assert_eq!(by_hand.words(), ["evidence_conflicts"], "20 days were never sent");

    let mut unmoved = Bench::of(&[30]);
    unmoved.turn(0, Fate::Refused);
    unmoved.days[0] = 20;
    assert!(unmoved.retry(0, Fate::Applied));
    assert_eq!(unmoved.words(), ["answered"]);
}

/// Counted from the day it was given, so the second's days and what had run out are both told exactly.
#[test]
fn a_channel_that_had_run_out_between_is_told_exactly_or_is_doubt() {
    for (fate, by_hand, want) in [
        (Fate::Refused, 0, "answered"),
        (Fate::Refused, 3, "evidence_conflicts"),
        (Fate::Hidden, 0, "evidence_conflicts"),
    ] {
        let mut bench = Bench::of(&[30, 10]);
        bench.till = NOW - 5 * DAY_MS;
        bench.channel = Channel::default();
        bench.turn(0, fate);
        // It had run out, so what moves it counts from then.
        bench.till = bench.till.max(bench.now) + i64::from(bench.applied[0]);
        if fate == Fate::Refused {
            bench.till = NOW - 5 * DAY_MS;
        }
        bench.now += 3_600_000;
        let reading = Reading { active_till: bench.till, mode: None };
        assert_eq!(bench.step(1, Input::Read(Ok(reading))), Effect::Call);
        bench.till = bench.till.max(bench.now) + 10 * DAY_MS;
        bench.step(1, Input::Reply(Reply::Accepted { active_till: Some(bench.till) }));
        assert_eq!(bench.words()[1], "answered");
        bench.by_hand(by_hand);
        bench.retry(0, Fate::Applied);
        assert_eq!(bench.words()[0], want, "{by_hand} days by hand");
    }
}

/// A refusal may have hidden a success that the next reading does not show yet.
#[test]
fn the_channel_of_a_refusal_is_left_alone_until_readings_show_it() {
    for (fate, want) in
        [(Fate::Refused, 10_000), (Fate::Throttled, 10_000), (Fate::NotSent, 0), (Fate::Applied, 0)]
    {
        let mut bench = Bench::of(&[30]);
        bench.turn(0, fate);
        assert_eq!(bench.channel.quiet_until.max(bench.now) - bench.now, want);
    }
}

/// Rows of a ledger from before calls had a number: what was settled since cannot be told, so a person is asked.
#[test]
fn a_call_of_before_is_never_called_again_on_faith() {
    let old_call: Call =
        serde_json::from_str(&format!(r#"{{"attempt":1,"before":{TILL},"at":{NOW},"settles":2}}"#)).unwrap();
    for (settles, moved, want) in [
        (2, 0, "intended"),
        (2, 30, "evidence_conflicts"),
        (3, 0, "evidence_conflicts"),
        (3, 30, "evidence_conflicts"),
        (3, 60, "evidence_conflicts"),
    ] {
        let old_channel: Channel = serde_json::from_str(&format!(
            r#"{{"floor":{TILL},"known":{TILL},"settles":{settles},"mode":null,"live_due":null,"live_tries":0,
                "made_live":false,"quiet_until":0}}"#
        ))
        .unwrap();
        let State::Planned { due, since, tries, lag_since, lag_reads, reason, retried, .. } =
            State::planned(NOW)
        else {
            panic!()
        };
        let last = Some(old_call);
        let mut bench = Bench::of(&[30]);
        bench.channel = old_channel;
        bench.states[0] =
            State::Planned { due, since, tries, lag_since, lag_reads, reason, last, retried, ahead: None };
        bench.by_hand(moved);
        let reading = Reading { active_till: bench.till, mode: None };
        bench.step(0, Input::Read(Ok(reading)));
        assert_eq!(bench.words(), [want], "{settles} settled, moved by {moved} days");
    }
}

/// One that was in doubt while the program was renewed is settled by its readings, as ever.
#[test]
fn a_doubt_of_before_goes_on() {
    let old: State = serde_json::from_str(&format!(
        r#"{{"state":"doubtful","call":{{"attempt":1,"before":{TILL},"at":{NOW},"settles":0}},"why":"timeout",
            "accepted":false,"since":{NOW},"reads":0,"tries":0,"due":{NOW},"retried":false}}"#
    ))
    .unwrap();
    let mut bench = Bench::of(&[30]);
    bench.states[0] = old;
    bench.by_hand(30);
    bench.turn(0, Fate::Applied);
    assert_eq!((bench.words(), bench.applied[0]), (vec!["observed".to_owned()], 0));
}
