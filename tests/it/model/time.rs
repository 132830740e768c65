//! Time relative to now: after each jump every time in the world is moved back, and what is very old is as old as
//! [`AGE_MS_MAX`], so that worlds that differ only in when they happen are one.

use daybridge::domain::{
    Ms,
    allocation::slices::QUEUED,
    settle::{Call, State},
};

/// Beyond every window of the model.
pub(super) const AGE_MS_MAX: Ms = 4_000;

/// A time, `by` later. What is put off beyond every window stays put off.
pub(super) fn back(at: Ms, by: Ms) -> Ms {
    if at == Ms::MAX { at } else { (at - by).max(-AGE_MS_MAX) }
}

/// A state, `by` later.
pub(super) fn state_back(state: &mut State, by: Ms) {
    match state {
        State::Planned { due, lag_since, ahead, .. } => {
            *due = back(*due, by);
            ahead.iter_mut().for_each(|ahead| ahead.at = back(ahead.at, by));
            lag_since.iter_mut().for_each(|at| *at = back(*at, by));
        }
        State::Doubtful { since, due, .. } => {
            *since = back(*since, by);
            *due = back(*due, by);
        }
        State::Intended { .. } | State::Settled { .. } | State::Held { .. } | State::Cancelled { .. } => {}
    }
}

/// Leaves out of a state what no later step looks at in this model: words, the times of what is over, the times of
/// calls (they count only for a channel that has run out), the watch after a doubt, which only reads, and how long a doubt
/// was watched, which is its age where clocks are right. Every back-off is the first, and a slice that is put off beyond
/// every window does not come back.
pub(super) fn plain(state: &mut State) {
    let plain_call = |call: &mut Call| call.at = 0;
    match state {
        State::Planned { due, since, tries, reason, last, ahead, .. } => {
            (*since, *tries, *reason) = (0, 0, None);
            last.iter_mut().for_each(plain_call);
            if let Some(ahead) = ahead {
                if ahead.at != *due {
                    ahead.at = -AGE_MS_MAX;
                } else if ahead.at > AGE_MS_MAX {
                    (ahead.at, *due) = (QUEUED, QUEUED);
                }
            }
        }
        State::Intended { call, prior, since, tries, ahead, .. } => {
            (*since, *tries) = (0, 0);
            ahead.iter_mut().for_each(|ahead| ahead.at = -AGE_MS_MAX);
            plain_call(call);
            prior.iter_mut().for_each(plain_call);
        }
        State::Doubtful { call, why, watched_ms, .. } => {
            why.clear();
            *watched_ms = 0;
            plain_call(call);
        }
        State::Settled { at, watch, .. } => (*at, *watch) = (0, None),
        State::Held { at, last, .. } => {
            *at = 0;
            last.iter_mut().for_each(plain_call);
        }
        State::Cancelled { at, .. } => *at = 0,
    }
}
