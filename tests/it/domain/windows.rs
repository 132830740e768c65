//! How long a thing may take: no window ends by one reading, or by a clock that was set.

use daybridge::domain::{
    DAY_MS, Ms,
    channel::Channel,
    closed::TransferState,
    reply::{ReadError, Reading, Reply},
    settle::{Cause, How, Input, Moment, Policy, State, Watch, back_off_ms, step},
};

const NOW: Ms = 1_800_000_000_000;
const TILL: Ms = NOW + 5 * DAY_MS;
const HOUR_MS: i64 = 3_600_000;
const DAYS: u32 = 30;
const POLICY: Policy =
    Policy { settle_window_ms: 900_000, retry_unmoved: true, skew_ms: 60_000, ensure_live: false };

struct Run {
    state: State,
    channel: Channel,
    now: Ms,
    /// For how long a doubt was watched.
    watched_ms: i64,
}

impl Run {
    fn new(state: State) -> Self {
        let channel = Channel { floor: Some(TILL), known: Some(TILL), ..Channel::default() };
        Self { state, channel, now: NOW, watched_ms: 0 }
    }

    fn doubtful() -> Self {
        let mut run = Self::new(State::planned(NOW));
        run.read(TILL);
        run.input(Input::Reply(Reply::Unclear("timeout".into())));
        run
    }

    fn input(&mut self, input: Input) -> &'static str {
        let at = Moment { now: self.now, watched_ms: self.watched_ms };
        let next = step(DAYS, &self.state, &self.channel, 1, input, at, &POLICY);
        (self.state, self.channel) = (next.state, next.channel);
        self.state.word().as_str()
    }

    fn read(&mut self, active_till: Ms) -> &'static str {
        self.input(Input::Read(Ok(Reading { active_till, mode: None })))
    }

    /// To when it is due.
    fn wait(&mut self) -> &mut Self {
        let due = self.state.due().unwrap();
        self.watched_ms += due - self.now;
        self.now = due;
        self
    }

    fn cause(&self) -> &'static str {
        match &self.state {
            State::Held { cause, .. } => cause.word().as_str(),
            other => panic!("{other:?}"),
        }
    }
}

/// Reads the same whenever it is due; after how many readings, and how long, it is held.
fn held_after(run: &mut Run, input: &Input) -> (usize, i64) {
    for n in 1..2_000 {
        if run.wait().input(input.clone()) == "held" {
            return (n, run.now - NOW);
        }
    }
    panic!("never held: {:?}", run.state)
}

#[test]
fn a_reading_below_is_read_again_through_the_whole_window() {
    let below = Input::Read(Ok(Reading { active_till: TILL - DAY_MS, mode: None }));
    let mut stepped = Run::new(State::planned(NOW));
    stepped.input(below.clone());
    stepped.now += 2 * HOUR_MS;
    assert_eq!(
        stepped.input(below.clone()),
        "planned",
        "the second reading, after the clock was set forward"
    );
    assert_eq!(stepped.wait().read(TILL), "intended", "it did lag");

    let mut run = Run::new(State::planned(NOW));
    let (reads, ms) = held_after(&mut run, &below);
    assert!(reads >= 3 && ms >= POLICY.settle_window_ms, "{reads} readings in {ms} ms");
    assert!(ms < 2 * POLICY.settle_window_ms, "{ms} ms");
    assert_eq!(run.cause(), "activetill_below");
}

#[test]
fn a_hold_between_two_lagging_readings_is_no_window() {
    let mut run = Run::new(State::planned(NOW));
    run.read(TILL - DAY_MS);
    run.now += 3 * DAY_MS;
    assert_eq!(run.read(TILL - DAY_MS), "planned");
}

/// Three readings suffice where the window is over, and it is not over because a clock says so.
#[test]
fn a_clock_set_forward_ends_no_lag() {
    let below = Input::Read(Ok(Reading { active_till: TILL - DAY_MS, mode: None }));
    let mut run = Run::new(State::planned(NOW));
    run.input(below.clone());
    run.wait().input(below.clone());
    run.now += DAY_MS;
    for _ in 0..2 {
        assert_eq!(run.input(below.clone()), "planned", "{:?}", run.state);
        run.wait();
    }
}

#[test]
fn a_clock_set_forward_ends_no_doubt() {
    let odd = [
        ("unmoved", Input::Read(Ok(Reading { active_till: TILL, mode: None }))),
        ("lagging", Input::Read(Ok(Reading { active_till: TILL - 1, mode: None }))),
        ("no such channel", Input::Read(Err(ReadError::UnknownChannel))),
        ("unreadable", Input::Read(Err(ReadError::Failed("503".into())))),
    ];
    for (what, input) in odd {
        let mut run = Run::doubtful();
        for _ in 0..4 {
            assert_eq!(run.wait().input(input.clone()), "doubtful", "{what}");
        }
        run.now += 3 * DAY_MS;
        assert_eq!(run.input(input.clone()), "doubtful", "{what}: some readings within seconds");
        assert_eq!(run.wait().input(input), "doubtful", "{what}: and one more");
    }
}

/// Workers that start over and over watch nothing through: a person is asked, and nothing is called again.
#[test]
fn a_doubt_that_nobody_watches_through_ends_at_a_person() {
    for (what, input, want) in [
        ("unmoved", Input::Read(Ok(Reading { active_till: TILL, mode: None })), "unmoved"),
        ("lagging", Input::Read(Ok(Reading { active_till: TILL - 1, mode: None })), "evidence_conflicts"),
        ("no such channel", Input::Read(Err(ReadError::UnknownChannel)), "unobserved"),
        ("unreadable", Input::Read(Err(ReadError::Failed("503".into()))), "unobserved"),
    ] {
        let mut run = Run::doubtful();
        while run.state.word() == TransferState::Doubtful {
            run.wait().watched_ms = 0;
            assert_ne!(run.input(input.clone()), "planned", "{what}");
            assert!(run.now - NOW < 2 * DAY_MS, "{what}: it has no end");
        }
        assert_eq!(run.cause(), want, "{what}");
        assert!(run.now - NOW > DAY_MS, "{what}");
    }
}

/// The last reading of the window lags, after all before showed the channel as it was.
#[test]
fn one_odd_reading_at_the_end_of_the_window_ends_nothing() {
    for odd in [
        Input::Read(Ok(Reading { active_till: TILL - DAY_MS, mode: None })),
        Input::Read(Err(ReadError::UnknownChannel)),
    ] {
        let mut run = Run::doubtful();
        let last = NOW + POLICY.settle_window_ms;
        while run.state.due().unwrap() < last {
            assert_eq!(run.wait().read(TILL), "doubtful");
        }
        assert_eq!(run.wait().input(odd.clone()), "doubtful", "{odd:?}");
        assert_eq!(run.wait().read(TILL), "planned", "unmoved, and tried once more");
    }
}

#[test]
fn odd_readings_in_a_row_through_the_window_are_held() {
    for (odd, want) in [
        (Input::Read(Ok(Reading { active_till: TILL - DAY_MS, mode: None })), "evidence_conflicts"),
        (Input::Read(Err(ReadError::UnknownChannel)), "unobserved"),
    ] {
        let mut run = Run::doubtful();
        let (_, ms) = held_after(&mut run, &odd);
        assert!((POLICY.settle_window_ms..2 * POLICY.settle_window_ms).contains(&ms), "{want}: {ms} ms");
        assert_eq!(run.cause(), want);
    }
    let mut run = Run::doubtful();
    let (_, ms) = held_after(&mut run, &Input::Read(Err(ReadError::Failed("503".into()))));
    assert!((DAY_MS..DAY_MS + 2 * POLICY.settle_window_ms).contains(&ms), "{ms} ms");
}

#[test]
fn a_clock_set_back_makes_no_doubt_longer() {
    let mut run = Run::doubtful();
    run.now -= 30 * DAY_MS;
    let mut read_until = run.now + 2 * POLICY.settle_window_ms;
    run.read(TILL);
    while run.state.word() == TransferState::Doubtful && run.now < read_until {
        run.wait().read(TILL);
    }
    read_until -= run.now;
    assert_eq!((run.state.word(), read_until > 0), (TransferState::Planned, true));
}

#[test]
fn a_watch_goes_on_after_a_clock_was_set_forward() {
    let until = NOW + POLICY.settle_window_ms;
    let watch = Some(Watch { until, due: NOW, tries: 1 });
    let (how, before, after) = (How::Observed, TILL, Some(TILL + DAY_MS));
    let mut run = Run::new(State::Settled { how, before, after, at: NOW, attempt: 1, watch });
    let moved = TILL + DAY_MS;
    run.read(moved);
    run.now += 2 * HOUR_MS;
    run.read(moved);
    let mut reads = 0;
    while run.state.due().is_some() {
        run.wait().read(moved);
        reads += 1;
    }
    assert!((5..100).contains(&reads), "{reads} readings");
}

/// It waits behind an open transfer of its channel, for the account, a pause, or the partner to come back.
#[test]
fn what_nobody_turned_to_is_not_too_old() {
    let throttled = || Input::Reply(Reply::Throttled { retry_after_ms: None });
    let mut fresh = Run::new(State::planned(NOW));
    fresh.now += 4 * DAY_MS;
    fresh.read(TILL);
    assert_eq!(fresh.input(throttled()), "planned", "due for four days, and called once");

    let mut tried = Run::new(State::planned(NOW));
    tried.read(TILL);
    tried.input(throttled());
    for _ in 0..3 {
        tried.now += 4 * DAY_MS;
        tried.read(TILL);
        assert_eq!(tried.input(throttled()), "planned", "tried before it was kept back");
    }
}

#[test]
fn what_is_tried_for_three_days_is_held() {
    let mut run = Run::new(State::planned(NOW));
    let (_, ms) = held_after(&mut run, &Input::Read(Err(ReadError::Failed("503".into()))));
    assert!(ms > 3 * DAY_MS && ms < 3 * DAY_MS + 2 * back_off_ms(99), "{ms} ms");
    assert!(matches!(&run.state, State::Held { cause: Cause::TooOld(_), .. }), "{:?}", run.state);
}
