//! The fuzz targets' bodies in every test run: over their seeds, over all that a fuzzer has found
//! (`tests/data/fuzz/TARGET/`), and over some thousand mutations of each, always the same ones.
//! `tests/fuzz/run` is the long form.

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;

use std::path::{Path, PathBuf};

use bodies::Target;
use daybridge::config::preset::PRESETS;

/// Mutations of each input.
const MUTATIONS: u64 = 5_000;

/// Mutations of each event of the providers; there are many.
const MUTATIONS_FEW: u64 = 10;

/// Prints the input that a panic came from.
struct Shown<'a>(&'a Target, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}: {:?}", self.0.name, String::from_utf8_lossy(self.1));
            println!("{}: {:02x?}", self.0.name, self.1);
        }
    }
}

fn try_one(target: &Target, input: &[u8]) {
    let _shown = Shown(target, input);
    (target.body)(input);
}

/// Some bytes changed, removed, doubled or taken from elsewhere.
fn mutate(input: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..=bytes.len());
        let end = (at + rng.usize(0..8)).min(bytes.len());
        match rng.u8(..5) {
            0 => bytes.insert(at, rng.u8(..)),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = rng.u8(..)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = b"0\"{}[],:\\\n9-"[rng.usize(..12)])
            }
        }
    }
    bytes
}

/// All files of a folder and of those in it.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(std::fs::read(path).unwrap()),
        }
    }
    found
}

fn run(target: &Target, inputs: &[Vec<u8>], mutations: u64) {
    for (number, input) in inputs.iter().enumerate() {
        try_one(target, input);
        let mut rng = fastrand::Rng::with_seed(number as u64);
        for _ in 0..mutations {
            try_one(target, &mutate(input, &mut rng));
        }
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

#[test]
fn every_body_holds_over_seeds_and_what_was_found() {
    for target in bodies::ALL {
        let mut inputs = files(&data().join("fuzz").join(target.name));
        inputs.insert(0, target.seed.to_vec());
        run(target, &inputs, MUTATIONS);
    }
}

#[test]
fn every_providers_event_is_read_or_refused_by_every_preset() {
    let events: Vec<Vec<u8>> =
        PRESETS.iter().flat_map(|(name, _)| files(&data().join("providers").join(name))).collect();
    assert!(events.len() > 100, "{}", events.len());
    run(&bodies::EVENTS, &events, MUTATIONS_FEW);
}
