//! The tables.

use std::fs;

use crate::{
    THREADS,
    duel::{Duel, LOADS, NAMES},
    hostile::{self, Hostile},
    load::{Load, Sample},
    siege::{HONEST_PER_S, SLOW, Siege},
    whole::Whole,
};

const BARE: usize = 1;
const DAYBRIDGE: usize = 2;

type Value = fn(&Sample) -> f64;

/// What is reported of a sample, with its decimals.
const VALUES: [(&str, Value, usize); 4] = [
    ("requests/s", |sample| sample.per_second, 0),
    ("p50 ms", |sample| sample.p50_ms, 2),
    ("p99 ms", |sample| sample.p99_ms, 2),
    ("CPU ms/request", |sample| sample.cpu_ms, 3),
];

/// What it ran on.
pub(crate) fn machine() {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "Machine: {cores} cores ({}), Linux {}.",
        cpu.trim_start_matches([':', '\t', ' ']),
        read("/proc/sys/kernel/osrelease").trim()
    );
    println!("Broker, load and servers share it; {THREADS} HTTP threads each; bodies of about 2.5 KiB.\n");
}

/// The three side by side.
pub(crate) fn duel(duel: &Duel) {
    let rounds = duel.peak_mib[0].len();
    println!("Median (lowest–highest) of {rounds} rounds of {:?} each.\n", duel.measured);
    println!("| load | | {} | daybridge / bare |\n|---|---|---|---|---|---|", NAMES.join(" | "));
    for (at, load) in LOADS.iter().enumerate() {
        for (name, value, decimals) in VALUES {
            let cells: Vec<String> =
                (0..NAMES.len()).map(|who| cell(&duel.values(at, who, value), decimals)).collect();
            let ratio = duel.ratio(at, value);
            println!("| {} | {name} | {} | {ratio:.2} |", words(load), cells.join(" | "));
        }
    }
    let cells: Vec<String> = duel.peak_mib.iter().map(|values| cell(values, 1)).collect();
    let ratio = median(&duel.peak_mib[DAYBRIDGE]) / median(&duel.peak_mib[BARE]);
    println!("| all of these | peak RSS MiB | {} | {ratio:.2} |\n", cells.join(" | "));
}

/// `run` as a whole.
pub(crate) fn whole(whole: &Whole) {
    let (accepted_p50, accepted_p99) = Whole::percentiles(&whole.accepted_to_call);
    let (sent_p50, sent_p99) = Whole::percentiles(&whole.sent_to_call);
    println!("| `daybridge run` | |\n|---|---|");
    println!("| RSS after 5 s idle, embedded queue + SQLite | {:.1} MiB |", whole.idle_embedded_mib);
    println!("| RSS after 5 s idle, RabbitMQ + SQLite | {:.1} MiB |", whole.idle_rabbit_mib);
    println!(
        "| RSS after {} events, RabbitMQ + SQLite | {:.1} MiB |",
        whole.sent_to_call.len(),
        whole.busy_mib
    );
    println!(
        "| 100 events/s: client has its 200 → partner's call (0: before it) | p50 {accepted_p50} ms, p99 {accepted_p99} ms |"
    );
    println!("| 100 events/s: request sent → partner's call | p50 {sent_p50} ms, p99 {sent_p99} ms |");
    println!("| CPU per event, from request to settled | {:.2} ms |\n", whole.cpu_ms);
}

/// What honest requests notice of slow connections.
pub(crate) fn siege(siege: &Siege) {
    println!(
        "| {HONEST_PER_S} requests/s to `serve` | alone | beside {SLOW} slow connections |\n|---|---|---|"
    );
    let row = |name: &str, value: fn(&Sample) -> f64| {
        println!("| {name} | {:.2} | {:.2} |", value(&siege.calm), value(&siege.besieged));
    };
    row("p50 ms", |sample| sample.p50_ms);
    row("p99 ms", |sample| sample.p99_ms);
    row("CPU ms/request", |sample| sample.cpu_ms);
    println!();
}

/// What unfinished bodies cost in memory, and what honest requests notice of them; with its aims.
pub(crate) fn hostile(hostile: &Hostile) {
    let Hostile { idle_mib, peak_mib, after_mib, honest } = hostile;
    println!(
        "| `serve` and {} unfinished bodies of {} KB | |\n|---|---|",
        hostile::CONNECTIONS,
        hostile::BODY_BYTES / 1000
    );
    println!("| RSS before | {idle_mib:.1} MiB |");
    println!("| peak RSS | {peak_mib:.1} MiB |");
    println!("| RSS {} s after they are gone | {after_mib:.1} MiB |", hostile::AFTER.as_secs());
    println!("| honest: requests/s | {:.0} |", honest.per_second);
    println!("| honest: p50 ms | {:.2} |", honest.p50_ms);
    println!("| honest: p99 ms | {:.2} |\n", honest.p99_ms);
    let word = |met: bool| if met { "met" } else { "**missed**" };
    println!("| aim | measured | |\n|---|---|---|");
    let (peak, p99) = (*peak_mib, honest.p99_ms);
    println!(
        "| {} hostile connections: RSS ≤ 128 MiB | {peak:.1} | {} |",
        hostile::CONNECTIONS,
        word(peak <= 128.0)
    );
    println!("| meanwhile honest p99 ≤ 100 ms | {p99:.2} | {} |\n", word(p99 <= 100.0));
}

/// Each aim, met or missed.
pub(crate) fn aims(duel: &Duel, whole: &Whole, siege: &Siege) {
    println!("| aim | measured | |\n|---|---|---|");
    let line = |aim: &str, measured: f64, met: bool| {
        println!("| {aim} | {measured:.2} | {} |", if met { "met" } else { "**missed**" });
    };
    for (at, load) in LOADS.iter().enumerate() {
        let [_, _, p99, cpu] = VALUES.map(|(_, value, _)| duel.ratio(at, value));
        line(&format!("{}: CPU per request ≤ 1.25 × bare", words(load)), cpu, cpu <= 1.25);
        match load {
            Load::Closed(64..) => {
                let rate = duel.ratio(at, VALUES[0].1);
                line(&format!("{}: requests/s ≥ 0.9 × bare", words(load)), rate, rate >= 0.9);
            }
            Load::Closed(_) => {}
            Load::Open(_) => line(&format!("{}: p99 ≤ 1.5 × bare", words(load)), p99, p99 <= 1.5),
        }
    }
    let idle = whole.idle_embedded_mib.max(whole.idle_rabbit_mib);
    line("`run` idle: RSS ≤ 40 MiB", idle, idle <= 40.0);
    let (p50, _) = Whole::percentiles(&whole.accepted_to_call);
    line("100 events/s: accepted → call, p50 ≤ 5 ms", p50, p50 <= 5.0);
    let p99 = siege.besieged.p99_ms;
    line(&format!("{SLOW} slow connections: honest p99 ≤ 100 ms"), p99, p99 <= 100.0);
}

impl Duel {
    fn values(&self, load: usize, who: usize, value: Value) -> Vec<f64> {
        self.samples[load][who].iter().map(value).collect()
    }

    /// daybridge's median over the bare pipeline's.
    fn ratio(&self, load: usize, value: Value) -> f64 {
        median(&self.values(load, DAYBRIDGE, value)) / median(&self.values(load, BARE, value))
    }
}

fn words(load: &Load) -> String {
    match load {
        Load::Closed(1) => "1 connection".into(),
        Load::Closed(connections) => format!("{connections} connections"),
        Load::Open(per_second) => format!("{per_second} requests/s"),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn cell(values: &[f64], decimals: usize) -> String {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let middle = median(values);
    if values.len() == 1 {
        return format!("{middle:.decimals$}");
    }
    format!("{middle:.decimals$} ({low:.decimals$}–{high:.decimals$})")
}
