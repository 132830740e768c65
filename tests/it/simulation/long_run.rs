//! A long run: seeds in parcels, and a file that says up to where, so that it may be stopped at any time and goes on
//! there. A line each: `until SEED`, `seconds N` that it took so far, `failed SEED WHAT`, `slow SEED MS`.
//!
//! ```text
//! SIMULATION_STATE=/var/tmp/seeds SIMULATION_SEEDS=1000000 \
//!     cargo test --profile sim --test it simulation::long_run -- --ignored --nocapture
//! ```
//!
//! Not for: telling what a seed that failed came to. That is what `SIMULATION_FROM=SEED SIMULATION_SEEDS=1` does.

use std::{fmt::Write as _, path::Path, time::Instant};

use super::{Played, number, play_all};

/// Seeds of one parcel: so many are played again where it was stopped.
const PARCEL: u64 = 200;

/// Slow seeds that are named.
const SLOW_MAX: usize = 100;

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    until: u64,
    seconds: f64,
    failed: Vec<(u64, String)>,
    slow: Vec<(u64, u128)>,
}

impl State {
    fn parse(text: &str) -> Self {
        let mut state = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            match words.as_slice() {
                ["until", seed] => state.until = seed.parse().unwrap(),
                ["seconds", seconds] => state.seconds = seconds.parse().unwrap(),
                ["failed", seed, what] => state.failed.push((seed.parse().unwrap(), (*what).to_owned())),
                ["slow", seed, ms] => state.slow.push((seed.parse().unwrap(), ms.parse().unwrap())),
                _ => panic!("no line of a long run: {line}"),
            }
        }
        state
    }

    fn text(&self) -> String {
        let mut text = format!("until {}\nseconds {:.1}\n", self.until, self.seconds);
        self.failed.iter().for_each(|(seed, what)| writeln!(text, "failed {seed} {what}").unwrap());
        self.slow.iter().for_each(|(seed, ms)| writeln!(text, "slow {seed} {ms}").unwrap());
        text
    }

    fn read(path: &Path) -> Self {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(why) => panic!("{}: {why}", path.display()),
        }
    }

    /// Whole or not at all, whenever it is stopped.
    fn write(&self, path: &Path) {
        let beside = path.with_extension("new");
        std::fs::write(&beside, self.text()).unwrap();
        std::fs::rename(&beside, path).unwrap();
    }

    fn add(&mut self, until: u64, seconds: f64, played: Vec<Played>) {
        self.until = until;
        self.seconds += seconds;
        for one in played {
            self.slow.push((one.seed, one.ms));
            if !one.wrong.is_empty() {
                self.failed.push((one.seed, one.wrong.join("; ").replace('\n', " ")));
            }
        }
        self.slow.sort_by_key(|(_, ms)| std::cmp::Reverse(*ms));
        self.slow.truncate(SLOW_MAX);
    }
}

/// `SIMULATION_STATE` is the file, `SIMULATION_SEEDS` the seed at which it ends, `SIMULATION_CORES` how many threads play.
#[test]
#[ignore = "takes as long as it is let: see deploy/docs/proof.md"]
fn from_where_it_stood_to_the_last_seed() {
    let path = std::env::var("SIMULATION_STATE").expect("SIMULATION_STATE names a file");
    let (path, last) = (Path::new(&path), number("SIMULATION_SEEDS", 1_000_000));
    let mut state = State::read(path);
    let from = state.until;
    let begun = Instant::now();
    while state.until < last {
        let (parcel, until) = (Instant::now(), last.min(state.until + PARCEL));
        let played = play_all(state.until, until);
        state.add(until, parcel.elapsed().as_secs_f64(), played);
        state.write(path);
        let rate = (state.until - from) as f64 / begun.elapsed().as_secs_f64();
        println!("{} of {last}, {rate:.1} a second; {} failed", state.until, state.failed.len());
    }
    println!("slowest: {:?}", state.slow);
    assert_eq!(state.failed, []);
}

#[test]
fn a_long_run_goes_on_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seeds");
    let mut state = State::read(&path);
    assert_eq!(state, State::default());
    let played = |seed: u64, wrong: &[&str]| Played {
        seed,
        ms: u128::from(seed),
        wrong: wrong.iter().map(|one| (*one).to_owned()).collect(),
    };
    state.add(2, 1.5, vec![played(0, &[]), played(1, &["lost: p1", "no end: p2\nthere"])]);
    state.write(&path);
    assert_eq!(State::read(&path), state);
    assert_eq!(state.failed, [(1, "lost: p1; no end: p2 there".to_owned())]);
    state.add(302, 0.5, (2..302).map(|seed| played(seed, &[])).collect());
    assert_eq!((state.until, state.seconds, state.slow.len()), (302, 2.0, SLOW_MAX));
    assert_eq!(state.slow[0], (301, 301), "the slowest are kept");
}
