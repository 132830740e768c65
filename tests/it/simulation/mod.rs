//! The whole program in a seed: real reading, intake, ledger, settling and decisions, in a world whose network, queue,
//! clocks and database faults are drawn from one number.

/// Providers' APIs.
mod api;
/// What providers send.
mod delivery;
/// Whose channel is whose.
mod directory;
/// What becomes of calls.
mod fates;
/// What may happen.
mod features;
/// Stripe's list of events.
mod history;
/// The judge.
mod judge;
/// Providers as data.
mod life;
/// As many seeds as there is time for.
mod long_run;
/// The partner, and its books.
mod partner;
/// Payments and what tells of them.
mod payment;
/// Who decides.
mod person;
/// A worker between doors.
mod process;
/// At least once.
mod queue;
/// What reconcile must answer.
mod reconcile;
/// Channels that nobody pays for.
mod retire;
/// What stories vary.
mod settings;
/// The fewest steps.
mod shrink;
/// Days in slices.
mod slices;
/// What happens, step by step.
mod story;
/// Stripe's bodies.
mod stripe;
/// From a seed to a story.
mod swarm;
/// The ledger of a world.
mod tables;
/// A story as it happens.
mod telling;
/// Stories as texts.
mod text;
/// All of it, in a time of its own.
mod world;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use features::Feature;
use story::Story;

/// Payments of a seed, at most.
const PAYMENTS_MAX: usize = 30;

/// Seeds that every run of the tests plays: all pairs of features are in them.
const SEEDS: u64 = 150;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What playing a seed showed.
struct Played {
    seed: u64,
    ms: u128,
    wrong: Vec<String>,
}

/// Plays seeds from one number to another on every core, or on `SIMULATION_CORES`, each seed once.
fn play_all(from: u64, until: u64) -> Vec<Played> {
    let next = AtomicU64::new(from);
    let first = std::env::var_os("SIMULATION_FIRST").is_some();
    let all = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let cores = number("SIMULATION_CORES", all);
    let play = || {
        let mut played = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= until {
                return played;
            }
            let begun = Instant::now();
            let wrong = telling::play(&swarm::story(seed, PAYMENTS_MAX)).wrong;
            if !wrong.is_empty() {
                println!("seed {seed}: {}", wrong.join("; "));
                if first {
                    next.store(until, Ordering::Relaxed);
                }
            }
            played.push(Played { seed, ms: begun.elapsed().as_millis(), wrong });
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(play)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Pairs of features that no seed of these has.
fn pairs_not_met(from: u64, until: u64) -> Vec<(Feature, Feature)> {
    let met: Vec<BTreeSet<Feature>> = (from..until).map(features::features).collect();
    let pairs = Feature::ALL.iter().flat_map(|one| Feature::ALL.iter().map(move |other| (*one, *other)));
    pairs.filter(|(one, other)| !met.iter().any(|met| met.contains(one) && met.contains(other))).collect()
}

/// `SIMULATION_FROM` is the first seed, `SIMULATION_SEEDS` how many. A seed that fails is shrunk and told as a story; with
/// `SIMULATION_FIRST` the first one ends it, as it is.
#[test]
fn whatever_happens_each_payment_comes_to_what_it_should() {
    let begun = Instant::now();
    let from = number("SIMULATION_FROM", 0);
    let until = from + number("SIMULATION_SEEDS", SEEDS);
    let mut played = play_all(from, until);
    let took = begun.elapsed();
    let failed: Vec<u64> = played.iter().filter(|one| !one.wrong.is_empty()).map(|one| one.seed).collect();
    println!(
        "{} seeds in {took:.1?}, {:.0} a minute; {} failed",
        until - from,
        (until - from) as f64 * 60.0 / took.as_secs_f64(),
        failed.len()
    );
    played.sort_by_key(|one| std::cmp::Reverse(one.ms));
    let slowest: Vec<String> =
        played.iter().take(100).map(|one| format!("{} ({} ms)", one.seed, one.ms)).collect();
    println!("slowest: {}", slowest.join(", "));
    let not_met = pairs_not_met(from, until);
    let words = not_met.iter().map(|(one, other)| format!("{} with {}", one.word(), other.word()));
    println!("pairs of features not met: {}", words.collect::<Vec<_>>().join(", "));
    if std::env::var_os("SIMULATION_FIRST").is_some() {
        assert_eq!(failed, Vec::<u64>::new());
    }
    if let Some(seed) = failed.first() {
        let story = shrink::shrunk(&swarm::story(*seed, PAYMENTS_MAX));
        let ended = telling::play(&story);
        panic!("{story}\n{}\n{}", ended.history.join("\n"), ended.wrong.join("\n"));
    }
}

#[test]
fn the_seeds_of_every_run_meet_every_pair_of_features() {
    assert_eq!(pairs_not_met(0, SEEDS), []);
}

#[test]
fn every_life_fits_the_bodies_that_it_is_told_in() {
    for life in life::lives() {
        assert_eq!(life.useless(), Vec::<String>::new(), "tests/data/lives/{}.toml", life.provider);
    }
}

#[test]
fn a_seed_has_one_history() {
    for seed in 0..15 {
        let story = swarm::story(seed, PAYMENTS_MAX);
        assert_eq!(Story::parse(&story.to_string()).as_ref(), Ok(&story), "seed {seed}");
        let (once, again) = (telling::play(&story), telling::play(&story));
        for (one, other) in once.history.iter().zip(&again.history) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(once, again, "seed {seed}");
    }
}

/// Each fault that was ever found here, and what everybody tries first; or those in the folder `SIMULATION_STORIES`, told.
#[test]
fn every_story_ends_well() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/stories").to_owned();
    let folder = std::env::var("SIMULATION_STORIES");
    let mut told = 0;
    for file in std::fs::read_dir(folder.as_ref().unwrap_or(&own)).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let story = Story::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let ended = telling::play(&story);
        let history = ended.history.join("\n");
        if folder.is_ok() {
            println!("{}\n{history}", path.display());
        }
        assert!(ended.wrong.is_empty(), "{}\n{history}\n{:?}", path.display(), ended.wrong);
        told += 1;
    }
    assert!(told > 0, "no story in {own}");
}

/// A worker that dies before or after any effect of a payment's life.
#[test]
fn a_worker_may_die_at_any_effect() {
    for (effect, when) in (1..=24).flat_map(|effect| [(effect, "before"), (effect, "after")]) {
        let text = format!(
            "# dies\nchannel CHAN-0 10d\npay p1 CHAN-0 30d 900\ncrash 1 {effect} {when}\ntell p1 charge\nwait 2m\n"
        );
        let ended = telling::play(&Story::parse(&text).unwrap());
        assert!(ended.wrong.is_empty(), "{text}{}\n{:?}", ended.history.join("\n"), ended.wrong);
    }
}
