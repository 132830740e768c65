//! What a reading proves.

use daybridge::domain::{
    DAY_MS,
    channel::Channel,
    closed::TransferState,
    reply::Reply,
    settle::{Call, Input, Moment, Policy, State, fits, step},
};

const SENT: i64 = 1_800_000_000_000;
const SKEW: i64 = 60_000;

#[test]
fn a_reading_fits_only_exactly_these_days() {
    let running = SENT + 5 * DAY_MS;
    let expired = SENT - 5 * DAY_MS;
    for (what, before, active_till, want) in [
        ("moved by the days", running, running + 30 * DAY_MS, true),
        ("unmoved", running, running, false),
        ("a day more", running, running + 31 * DAY_MS, false),
        ("a millisecond less", running, running + 30 * DAY_MS - 1, false),
        ("twice", running, running + 60 * DAY_MS, false),
        ("running, but counted from now", running, SENT + 30 * DAY_MS, false),
        ("expired, counted from the old end", expired, expired + 30 * DAY_MS, true),
        ("expired, counted from the call", expired, SENT + 1_000 + 30 * DAY_MS, true),
        ("expired, clocks differ within the skew", expired, SENT - SKEW + 30 * DAY_MS, true),
        ("expired, counted from before the call", expired, SENT - SKEW - 1 + 30 * DAY_MS, false),
        ("expired, counted from after the reading", expired, SENT + 10_001 + SKEW + 30 * DAY_MS, false),
        ("ran out between reading and call", SENT + 500, SENT + 2_000 + 30 * DAY_MS, true),
    ] {
        let call = Call { before, ..CALL };
        assert_eq!(fits(&call, 30, active_till, SENT + 10_000, &POLICY), want, "{what}");
    }
}

/// A day later, days that somebody else gave a channel that had run out may look like ours.
#[test]
fn a_channel_that_ran_out_proves_a_call_only_by_what_was_counted_from_its_time() {
    let call = Call { before: SENT - 5 * DAY_MS, ..CALL };
    let latest = SENT + 2 * POLICY.settle_window_ms + SKEW;
    for (counted_from, want) in [(SENT, true), (latest, true), (latest + 1, false), (SENT + DAY_MS, false)] {
        let active_till = counted_from + 30 * DAY_MS;
        assert_eq!(fits(&call, 30, active_till, SENT + 2 * DAY_MS, &POLICY), want, "{counted_from}");
    }
}

const POLICY: Policy =
    Policy { settle_window_ms: 900_000, retry_unmoved: true, skew_ms: SKEW, ensure_live: false };

const CALL: Call = Call { attempt: 1, before: SENT, at: SENT, settles: 0, number: 0, moved_ms: 0, days: 30 };

fn intended() -> State {
    let call = CALL;
    State::Intended { call, epoch: 1, prior: None, since: SENT, tries: 0, retried: false, ahead: None }
}

fn after(state: &State, input: Input, now: i64) -> State {
    step(30, state, &Channel::default(), 1, input, Moment { now, watched_ms: 0 }, &POLICY).state
}

#[test]
fn what_was_certainly_not_sent_leaves_no_call_behind() {
    let not_sent = Input::Reply(Reply::NotSent("refused".into()));
    for (input, remembered) in [
        (not_sent, false),
        (Input::Unsent, false),
        (Input::Reply(Reply::Throttled { retry_after_ms: None }), true),
    ] {
        match after(&intended(), input.clone(), SENT + 1_000) {
            State::Planned { last, since, .. } => assert_eq!((last.is_some(), since), (remembered, SENT)),
            other => panic!("{input:?}: {other:?}"),
        }
    }
    let late = after(&intended(), Input::Reply(Reply::Throttled { retry_after_ms: None }), SENT + 4 * DAY_MS);
    assert_eq!(late.word(), TransferState::Held, "not for ever");
}

/// A yes is no evidence: only days that show settle a transfer.
#[test]
fn a_yes_settles_only_with_the_days_to_show() {
    let fit = SENT + 30 * DAY_MS;
    for (active_till, want) in [
        (Some(fit), TransferState::Settled),
        (None, TransferState::Doubtful),
        (Some(SENT), TransferState::Doubtful),
        (Some(fit + DAY_MS), TransferState::Doubtful),
        (Some(fit + 30 * DAY_MS), TransferState::Doubtful),
    ] {
        let said = after(&intended(), Input::Reply(Reply::Accepted { active_till }), SENT + 1_000);
        assert_eq!(said.word(), want, "{active_till:?}");
    }
}
