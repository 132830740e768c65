//! The claim protocol, explored exhaustively: two workers, one channel, two payments or two slices of one. A seeded
//! simulation finds what is likely; this finds what is possible, within bounds.
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
//! - a slice that is put off because the channel has enough stays put off: the channel's days go by in no window;
//! - readings succeed and do not lag; the channel has not run out of days; nobody else extends it. Those are the
//!   simulation's.

mod time;
mod world;

use stateright::{Checker as _, Model as _};
use world::{Moves, Protocol, Removed};

/// More states than this would mean that the bounds do not bound.
const STATES_MAX: usize = 3_000_000;

fn explore(
    moves: Moves,
    removed: Option<Removed>,
    only: Option<&'static str>,
) -> impl stateright::Checker<Protocol> {
    Protocol { moves, removed, only }.checker().target_state_count(STATES_MAX).spawn_bfs().join()
}

fn all_holds(moves: Moves, removed: Option<Removed>) {
    let checker = explore(moves, removed, None);
    println!("{} states, {} unique", checker.state_count(), checker.unique_state_count());
    assert!(checker.is_done() && checker.state_count() < STATES_MAX, "the search was cut");
    checker.assert_properties();
}

#[test]
fn two_workers_never_apply_twice_and_never_forget() {
    all_holds(Moves::Payments, None);
}

#[test]
fn slices_move_once_and_in_their_order() {
    all_holds(Moves::Slices, None);
}

#[test]
fn no_slice_moves_before_it_is_needed() {
    all_holds(Moves::OneSlice, None);
}

/// Nothing correct rests on the lease: with leases that end at once every promise holds.
#[test]
fn a_lease_of_nothing_harms_nothing() {
    for moves in [Moves::Payments, Moves::Slices, Moves::OneSlice] {
        all_holds(moves, Some(Removed::Lease));
    }
}

macro_rules! counterexamples {
    ($($name:ident $moves:ident $removed:ident $property:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            let checker = explore(Moves::$moves, Some(Removed::$removed), Some($property));
            let path = checker.discovery($property).expect("no counterexample was found");
            let steps = path.into_actions();
            println!("{:?}: {} states, {} steps: {steps:?}", Removed::$removed, checker.state_count(), steps.len());
        }
    )*};
}

counterexamples! {
    without_intent_days_move_twice Payments Intent "days move at most once",
    without_epoch_the_ledger_errs Payments Epoch "the ledger is right",
    without_deadline_days_move_twice Payments Deadline "days move at most once",
    a_doubt_repeated_at_once_moves_days_twice Payments Doubt "days move at most once",
    a_doubt_that_does_not_block_makes_two_open Payments OneOpen "one open outcome",
    an_answer_believed_is_not_a_credit Payments Evidence "the ledger is right",
    a_reading_taken_for_evidence_moves_days_twice Payments OwnBefore "days move at most once",
    a_reading_taken_for_evidence_is_not_a_credit Payments OwnBefore "the ledger is right",
    the_days_of_another_refusal_are_not_a_credit Payments OthersRefused "the ledger is right",
    a_short_lease_without_epoch_makes_the_ledger_err Payments LeaseAndEpoch "the ledger is right",
    slices_beside_each_other_are_out_of_order Slices Order "slices move in their order",
    a_slice_that_asks_for_no_level_comes_too_soon OneSlice Level "no slice moves before it is needed",
    slices_without_intent_move_twice Slices Intent "days move at most once",
    slices_without_deadline_move_twice Slices Deadline "days move at most once",
}
