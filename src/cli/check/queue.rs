//! Whether the queue takes messages, and keeps them.

use std::time::Duration;

use daybridge::{
    config::{self, Config, QueueUrl, Topology},
    queue::{self, Lane, Policies, Queue, QueueError, QueueState},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::Line;

/// Longest wait for the first confirm, once the broker was reached: the publisher connects by itself, and again where
/// its first try failed.
const CONFIRM_WAIT_MAX: Duration = Duration::from_secs(12);

/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

pub(super) async fn look(config: &Config) -> Vec<Line> {
    let settings = &config.queue;
    match queue::look(settings).await {
        Err(QueueError(why)) => vec![Line::fail("queue", why)],
        Ok(QueueState::Missing(what)) => {
            let by = "not there yet, and made by `run`, `serve` or `work`";
            let reached = match settings.url {
                QueueUrl::Embedded(_) => "",
                QueueUrl::Amqp(_) => "reached; ",
            };
            vec![Line::ok("queue", format!("{reached}{by}: {what}"))]
        }
        Ok(QueueState::Whole) => try_it(settings).await,
    }
}

/// Stores a message that nobody reads, and looks at the policies. Everything was there a moment ago, so nothing is made.
async fn try_it(settings: &config::QueueSettings) -> Vec<Line> {
    let settings = config::QueueSettings { topology: Topology::Verify, ..settings.clone() };
    let queue = match queue::open(&settings).await {
        Ok(queue) => queue,
        Err(QueueError(why)) => return vec![Line::fail("queue", why)],
    };
    let lines = match confirms(queue.as_ref()).await {
        Err(QueueError(why)) => vec![Line::fail("queue", why)],
        Ok(()) => {
            let waiting = queue.depth(Lane::Events).await.map_or("?".into(), |depth| depth.to_string());
            let mut lines = vec![Line::ok("queue", format!("reached, {waiting} messages waiting"))];
            lines.extend(policies(queue.policies().await));
            lines
        }
    };
    queue.close().await;
    lines
}

/// Waits until something was stored.
async fn confirms(queue: &dyn Queue) -> Result<(), QueueError> {
    let until = Instant::now() + CONFIRM_WAIT_MAX;
    let mut last = QueueError(format!("no confirm within {CONFIRM_WAIT_MAX:?}"));
    while let Ok(answer) = timeout_at(until, queue.health()).await {
        match answer {
            Ok(()) => return Ok(()),
            Err(why) => last = why,
        }
        sleep(LOOK_AGAIN).await;
    }
    Err(last)
}

fn policies(found: Result<Policies, QueueError>) -> Option<Line> {
    match found {
        Err(QueueError(why)) => Some(Line::fail("policies", why)),
        Ok(Policies::None) => None,
        Ok(Policies::Unseen { shield }) => Some(Line::warn(
            "policies",
            "cannot be seen: one that expires messages, or drops the oldest, loses what was accepted",
            format!("set [queue] management_url, or keep those of users away: {shield}"),
        )),
        Ok(Policies::Seen { losses, .. }) if losses.is_empty() => {
            Some(Line::ok("policies", "none in force loses messages"))
        }
        Ok(Policies::Seen { losses, shield }) => Some(Line::failed(
            "policies",
            losses.join("; "),
            format!("if it is a user's policy: {shield}; an operator policy must be changed by who set it"),
        )),
    }
}
