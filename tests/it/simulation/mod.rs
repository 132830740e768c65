//! The whole program in a seed: real reading, intake, ledger, settling and decisions, in a world whose network, queue,
//! clocks and database faults are drawn from one number.

/// The judge.
mod judge;
/// The partner, and its books.
mod partner;
/// Who decides.
mod person;
/// A worker between doors.
mod process;
/// Payments and what tells of them.
mod provider;
/// At least once.
mod queue;
/// The fewest steps.
mod shrink;
/// From a seed to a story.
mod swarm;
/// What stories vary.
mod settings;
/// What happens, as a text.
mod story;
/// All of it, in a time of its own.
mod world;

use std::time::Instant;

use story::Story;

/// Payments of a seed, at most.
const PAYMENTS_MAX: usize = 30;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// `SIMULATION_FROM` is the first seed, `SIMULATION_SEEDS` how many.
#[test]
fn seeds() {
    let begun = Instant::now();
    let from = number("SIMULATION_FROM", 0);
    let many = number("SIMULATION_SEEDS", 200);
    let mut failed = Vec::new();
    for seed in from..from + many {
        let ended = world::play(&swarm::story(seed, PAYMENTS_MAX));
        if !ended.wrong.is_empty() {
            println!("seed {seed}: {}", ended.wrong.join("; "));
            failed.push(seed);
        }
    }
    println!("{many} seeds in {:?}, {} failed", begun.elapsed(), failed.len());
    if let Some(seed) = failed.first() {
        let story = shrink::shrunk(&swarm::story(*seed, PAYMENTS_MAX));
        let ended = world::play(&story);
        panic!("{story}\n{}\n{}", ended.history.join("\n"), ended.wrong.join("\n"));
    }
}

#[test]
fn a_seed_has_one_history() {
    for seed in 0..20 {
        let story = swarm::story(seed, PAYMENTS_MAX);
        assert_eq!(Story::parse(&story.to_string()).as_ref(), Ok(&story), "seed {seed}");
        assert_eq!(world::play(&story), world::play(&story), "seed {seed}");
    }
}
