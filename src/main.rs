//! Roles from arguments: `run`, `serve`, `work`, and what an operator asks.

#![warn(clippy::too_many_lines)]

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

/// Gives memory back to the system when it is freed (.cargo/config.toml). glibc's keeps what thousands of connections took
/// for as long as the process lives, wherever one of them left something small behind.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    daybridge::logging::start(cli.command.log_level());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string(), 1),
    };
    let ended = runtime.block_on(cli::run(cli));
    // Never dropped: the broker's library has threads of its own on it, which would panic where it ends before them. The
    // process ends now, and everything that must be finished was.
    std::mem::forget(runtime);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(cli::Failure::Said) => ExitCode::from(1),
        Err(cli::Failure::Failed(text)) => failed(&text, 1),
        Err(cli::Failure::Usage(text)) => failed(&text, 2),
    }
}

fn failed(text: &str, code: u8) -> ExitCode {
    eprintln!("daybridge: {}", daybridge::terminal::escaped_lines(text));
    ExitCode::from(code)
}
