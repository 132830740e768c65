//! The client against the simulator under every switch and fault, and against sockets that misbehave.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails says where")]

mod admin;
mod faults;
mod kept;
mod listing;
mod raw;
mod switches;

use std::time::Duration;

use daybridge::{
    config,
    domain::{DAY_MS, Ms, id::ChannelId},
    partner::{Partner as _, client::Client},
    simulator::{Sim, SimRunning, SimSettings},
};

pub(crate) const TOKEN: &str = "eyJhbGciOi.partner-of-these-tests.sig";
pub(crate) const ID: &str = "DEMOCH-AB12C";
/// Long enough for this machine when it is busy, short enough to wait for.
const CALL_TIMEOUT: Duration = Duration::from_millis(1_500);

fn id() -> ChannelId {
    ChannelId::parse(ID).unwrap()
}

fn client_of(base_url: &str, token: &str, call_timeout: Duration) -> Client {
    let token = Some(config::Secret::plain(token));
    let base_url = base_url.to_owned();
    Client::new(&config::PartnerSettings { base_url, token, call_timeout, ..Default::default() }).unwrap()
}

/// A simulator with one channel of ten days and mode `trial`, and a client of it.
async fn pair(balance: i64, call_timeout: Duration) -> (SimRunning, Client, Ms) {
    let sim = Sim::start(SimSettings::local(TOKEN, balance)).await.unwrap();
    let before = sim.control.add_channel(ID, 10, Some("trial")).active_till;
    let client = client_of(&sim.base_url(), TOKEN, call_timeout);
    (sim, client, before)
}

/// How many times ten days were applied, by the books' own truth.
fn applied(sim: &SimRunning, before: Ms) -> i64 {
    let channel = sim.control.channel(ID).unwrap();
    let moved = channel.active_till - before;
    assert_eq!(moved % (10 * DAY_MS), 0);
    assert_eq!(
        moved / (10 * DAY_MS),
        i64::try_from(sim.control.applied(ID)).unwrap(),
        "the log tells the same"
    );
    moved / (10 * DAY_MS)
}

/// No token, ours or the channel's, is in what leaves the door.
fn clean<T: std::fmt::Debug>(told: T) -> T {
    let shown = format!("{told:?}");
    assert!(!shown.contains("simChannelToken") && !shown.contains("partner-of-these-tests"), "{shown}");
    told
}

async fn extend(client: &Client) -> daybridge::domain::reply::Reply {
    clean(client.extend(&id(), 10, "daybridge stripe/pi_1#1 10d", "trace-1").await)
}
