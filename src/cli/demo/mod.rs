//! The whole job on this machine, with no server to install: real parts, one process, a simulated partner.

mod stage;
mod story;

use clap::Args;

use super::{Failure, output::text::say};

#[derive(Debug, Args)]
pub struct Demo {
    /// Exit when the story is told: 0 only if every outcome was the right one
    #[arg(long)]
    once: bool,
}

/// `demo`
pub async fn run(demo: Demo) -> Result<(), Failure> {
    let stage = stage::Stage::set().await?;
    let wrong = story::tell(&stage).await?;
    if wrong.is_empty() {
        say("\nEvery outcome was the right one, by the simulator's own books.");
    } else {
        for line in &wrong {
            say(format!("\nWRONG: {line}"));
        }
    }
    if !demo.once {
        stage.tell_urls();
        super::roles::signalled().await;
    }
    stage.strike().await;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Said) }
}
