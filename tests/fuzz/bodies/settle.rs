//! Whatever comes back in whatever order and at whatever time: a call only from an intent, never more than two, and
//! what is over stays over.

use daybridge::domain::{
    DAY_MS, Ms,
    channel::Channel,
    reply::{ReadError, Reading, Reply},
    settle::{Effect, Input, Moment, Outcome, Policy, State, step},
};

const DAYS: u32 = 30;
const POLICY: Policy =
    Policy { settle_window_ms: 5_000, retry_unmoved: true, skew_ms: 1_000, ensure_live: true };

/// What a byte brings: its low bits choose the input, its high bits the value.
fn input(byte: u8, till: Ms) -> Input {
    let value = match byte >> 4 {
        0..=3 => till,
        4..=7 => till + i64::from(DAYS) * DAY_MS,
        8..=9 => till + DAY_MS,
        10 => till - DAY_MS,
        11 => 0,
        12 => Ms::MAX,
        13 => Ms::MIN,
        high => i64::from(high) * DAY_MS,
    };
    let reading = Reading { active_till: value, mode: (byte & 16 != 0).then(|| "trial".to_owned()) };
    match byte & 15 {
        0..=4 => Input::Due,
        5..=8 => Input::Read(Ok(reading)),
        9 => Input::Read(Err(ReadError::Failed(String::new()))),
        10 => Input::Read(Err(ReadError::UnknownChannel)),
        11 => Input::Unsent,
        12 => Input::Reply(Reply::Accepted { active_till: (byte & 16 == 0).then_some(value) }),
        13 => Input::Reply(Reply::Unclear(String::new())),
        14 => Input::Reply(Reply::Refused { status: 402, message: String::new(), balance: byte & 16 == 0 }),
        _ => Input::Reply(Reply::Throttled { retry_after_ms: Some(value) }),
    }
}

/// A byte for the input, a byte for the time until then.
pub fn steps(data: &[u8]) {
    let mut now: Ms = 1_800_000_000_000;
    let till = now + 100 * DAY_MS;
    let (mut state, mut channel) = (State::planned(now), Channel::default());
    let (mut unclear, mut watched_ms) = (0_u32, 0_i64);
    for (epoch, pair) in data.chunks_exact(2).enumerate() {
        let passed_ms = 1 << (pair[1] % 40);
        now = now.saturating_add(passed_ms);
        watched_ms = match state {
            State::Doubtful { .. } => watched_ms.saturating_add(passed_ms),
            _ => 0,
        };
        let epoch = i64::try_from(epoch / 8).unwrap();
        let input = input(pair[0], till);
        let lost = matches!(&input, Input::Reply(Reply::Unclear(_) | Reply::Accepted { .. }));
        let next = step(DAYS, &state, &channel, epoch, input, Moment { now, watched_ms }, &POLICY);
        if next.effect == Effect::Call {
            assert!(matches!(next.state, State::Intended { .. }), "a call from {:?}", next.state);
            assert!(!state.open(), "a call while an outcome is open: {state:?}");
            assert!(unclear < 2, "a third call after two that were never answered");
        }
        match &state {
            State::Settled { .. } => assert!(matches!(next.state, State::Settled { .. }), "{:?}", next.state),
            State::Held { .. } | State::Cancelled { .. } => assert_eq!(next.state, state),
            State::Intended { .. } if lost => unclear += 1,
            State::Planned { .. } | State::Intended { .. } | State::Doubtful { .. } => {}
        }
        let over = matches!(next.state, State::Held { .. } | State::Cancelled { .. } | State::Settled { .. });
        assert!(over || next.state.due().is_some(), "forgotten: {:?}", next.state);
        if let State::Held { outcome, .. } = &next.state {
            assert!(*outcome != Outcome::Forgotten, "only a person says that a ledger was restored");
        }
        (state, channel) = (next.state, next.channel);
    }
}
