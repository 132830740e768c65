//! The partner API simulator on its own.

use clap::Args;
use daybridge::simulator::{Sim, SimSettings, switches::Switches};
use secrecy::SecretString;

use super::{Failure, output::text::say};

#[derive(Debug, Args)]
pub struct SimArgs {
    /// Where the partner's API is served
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: String,
    /// Where the ground truth, the switches and the faults are (/_sim/…); loopback only
    #[arg(long, default_value = "127.0.0.1:8091")]
    admin: String,
    /// The partner token it accepts
    #[arg(long, default_value = "sim-token")]
    token: String,
    /// Days on the account's balance
    #[arg(long, default_value_t = 1000)]
    balance: i64,
    /// Channels to begin with, each running for 10 days: ID,ID…
    #[arg(long, value_delimiter = ',')]
    channels: Vec<String>,
}

/// Days that a channel of `--channels` has left.
const CHANNEL_DAYS: i64 = 10;

/// `sim`
pub async fn run(args: SimArgs) -> Result<(), Failure> {
    let sim = Sim::start(SimSettings {
        listen: args.listen,
        admin: args.admin,
        token: SecretString::from(args.token),
        balance_days: args.balance,
        switches: Switches::default(),
    })
    .await?;
    for id in &args.channels {
        sim.control.add_channel(id, CHANNEL_DAYS, Some("live"));
    }
    say(format!("partner API  {}", sim.base_url()));
    say(format!("admin        http://{}/_sim/state", sim.admin_addr));
    super::roles::signalled().await;
    sim.stop().await;
    Ok(())
}
