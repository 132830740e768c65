//! daybridge beside a bare pipeline that does the same with nothing around it, and beside the HTTP floor.
//! Started by `tests/bench/run`; prints Markdown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a program for people at a terminal: whatever fails ends it, and says where"
)]

mod bare;
mod duel;
mod events;
mod floor;
mod hostile;
mod ledger;
mod load;
mod payment;
mod process;
mod report;
mod siege;
mod whole;
mod wire;

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../it/support/rabbitmq.rs"]
mod rabbitmq;

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../it/support/postgres.rs"]
mod postgres;

/// As daybridge's, so that the others are not compared with another allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads that serve HTTP, the same for all; daybridge's default.
pub(crate) const THREADS: usize = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    match argument(0) {
        Some("floor") => floor::run(argument(1).unwrap().parse().unwrap()),
        Some("bare") => bare::run(argument(1).unwrap().parse().unwrap(), argument(2).unwrap().to_owned()),
        Some("hostile") => hostile::strangers(argument(1).unwrap().parse().unwrap()),
        Some("payment") => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(payment::run(&rabbitmq::Broker::start(), argument(1)));
        }
        Some("ledger") => {
            let millions: f64 = argument(1).unwrap().parse().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(ledger::run((millions * 1e6) as i64));
        }
        // Cargo adds `--bench` when it is asked to benchmark; `cargo test --all-targets` does not.
        _ if arguments.iter().any(|argument| argument == "--bench") => {
            let given = |name: &str| arguments.iter().any(|argument| argument == name);
            measure(given("--quick"), given("--siege"));
        }
        _ => println!("the benchmark is started by tests/bench/run"),
    }
}

fn measure(quick: bool, only_siege: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    eprintln!("starting a private RabbitMQ node");
    let broker = rabbitmq::Broker::start();
    report::machine();
    if only_siege {
        report::siege(&runtime.block_on(siege::run(&broker, quick)));
        report::hostile(&runtime.block_on(hostile::run(&broker, quick)));
        return;
    }
    let duel = runtime.block_on(duel::run(&broker, quick));
    report::duel(&duel);
    let whole = runtime.block_on(whole::run(&broker, quick));
    report::whole(&whole);
    let siege = runtime.block_on(siege::run(&broker, quick));
    report::siege(&siege);
    let hostile = runtime.block_on(hostile::run(&broker, quick));
    report::hostile(&hostile);
    report::aims(&duel, &whole, &siege);
}
