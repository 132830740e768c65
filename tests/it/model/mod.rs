//! The claim protocol, explored exhaustively: two workers, one channel, two payments. A seeded simulation finds
//! what is likely; this finds what is possible, within bounds.
//!
//! Real: the step function of a transfer. Modelled: the ledger's claim, epoch and compare-and-set
//! (`ledger/settle/advance.rs`), the order of commit, deadline check and effect (`worker/turn.rs`), and a partner that
//! applies a call at once, never, or late, with or without an answer, or with one that denies it.
//!
//! At every step either worker may go on, wait for as long as it likes (so it also loses its lease), or crash and
//! forget; without limit. Bounds:
//! - time goes from one instant at which anything falls due to the next, and is kept relative to now, older than
//!   [`time::AGE_MS_MAX`] being all the same; so the states are finite in number although time has no end;
//! - the partner decides on a call's outcome when it is sent; a late one is applied within [`world::LATE_MS_MAX`],
//!   which is shorter than the settle window: a later one is not closed, as README says;
//! - the deadline check and the send are one step, for the same reason;
//! - a person has each refused transfer tried again once, at any time;
//! - readings succeed and do not lag; the channel has not run out of days; nobody else extends it. Those are the
//!   simulation's.

mod time;
mod world;

use stateright::{Checker as _, Model as _};
use world::{Protocol, Removed};

/// More states than this would mean that the bounds do not bound.
const STATES_MAX: usize = 3_000_000;

fn explore(removed: Option<Removed>, only: Option<&'static str>) -> impl stateright::Checker<Protocol> {
    Protocol { removed, only }.checker().target_state_count(STATES_MAX).spawn_bfs().join()
}

#[test]
fn two_workers_never_apply_twice_and_never_forget() {
    let checker = explore(None, None);
    println!("{} states, {} unique", checker.state_count(), checker.unique_state_count());
    assert!(checker.is_done() && checker.state_count() < STATES_MAX, "the search was cut");
    checker.assert_properties();
}

/// Nothing correct rests on the lease: with leases that end at once every promise holds.
#[test]
fn a_lease_of_nothing_harms_nothing() {
    let checker = explore(Some(Removed::Lease), None);
    println!("{} states, {} unique", checker.state_count(), checker.unique_state_count());
    assert!(checker.is_done() && checker.state_count() < STATES_MAX, "the search was cut");
    checker.assert_properties();
}

macro_rules! counterexamples {
    ($($name:ident $removed:ident $property:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            let checker = explore(Some(Removed::$removed), Some($property));
            let path = checker.discovery($property).expect("no counterexample was found");
            let steps = path.into_actions();
            println!("{:?}: {} states, {} steps: {steps:?}", Removed::$removed, checker.state_count(), steps.len());
        }
    )*};
}

counterexamples! {
    without_intent_days_move_twice Intent "days move at most once",
    without_epoch_the_ledger_errs Epoch "the ledger is right",
    without_deadline_days_move_twice Deadline "days move at most once",
    a_doubt_repeated_at_once_moves_days_twice Doubt "days move at most once",
    a_doubt_that_does_not_block_makes_two_open OneOpen "one open outcome",
    an_answer_believed_is_not_a_credit Evidence "the ledger is right",
    a_reading_taken_for_evidence_moves_days_twice OwnBefore "days move at most once",
    a_reading_taken_for_evidence_is_not_a_credit OwnBefore "the ledger is right",
    the_days_of_another_refusal_are_not_a_credit OthersRefused "the ledger is right",
    a_short_lease_without_epoch_makes_the_ledger_err LeaseAndEpoch "the ledger is right",
}
