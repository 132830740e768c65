//! What both queues must do alike; each test runs on both.

use std::{collections::BTreeSet, time::Duration};

use daybridge::{
    envelope::Trigger,
    queue::{Content, Lane},
};
use futures_util::{FutureExt as _, future::join_all};

use super::{LIMIT, Place, drain, envelope, id, next};
use crate::support::{
    rabbitmq::Broker,
    wait::{soon, until},
};

/// Long enough that a message which should not come would have come.
const QUIET: Duration = Duration::from_millis(300);

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Place::file()).await;
            })*
        }
        mod rabbit {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::vhost()).await;
            })*
        }
    };
}

on_both!(
    a_message_arrives_byte_for_byte,
    unanswered_messages_come_again_after_the_consumer_is_dropped,
    a_dropped_delivery_comes_again_to_the_same_consumer,
    an_acked_message_never_comes_again,
    dead_moves_to_the_dead_lane_and_stays_there,
    prefetch_bounds_what_is_in_hand,
    a_thousand_publishes_at_once_all_arrive,
    an_abandoned_publish_does_no_harm,
    undecodable_content_is_shown_with_its_body,
    the_delivery_limit_leads_to_the_dead_lane,
    reopening_keeps_messages,
    publish_after_close_is_refused,
    depth_counts_what_waits,
);

fn vhost() -> Place {
    let broker = Broker::shared();
    Place::Vhost(broker.amqp_url(&broker.new_vhost()))
}

async fn a_message_arrives_byte_for_byte(place: Place) {
    let queue = place.open().await;
    let mut consumer = queue.consume(Lane::Events, 8).await.unwrap();
    for trigger in [Trigger::Webhook, Trigger::Replay, Trigger::Backfill] {
        let mut sent = envelope("evt/with/slashes");
        sent.trigger = trigger;
        queue.publish(sent.clone()).await.unwrap();
        let got = next(&mut consumer).await;
        assert_eq!(got.content, Content::Envelope(sent));
        got.ack().await.unwrap();
    }
    let mut empty = envelope("empty");
    empty.body = bytes::Bytes::new();
    empty.content_type = String::new();
    queue.publish(empty.clone()).await.unwrap();
    assert_eq!(next(&mut consumer).await.content, Content::Envelope(empty));
}

async fn unanswered_messages_come_again_after_the_consumer_is_dropped(place: Place) {
    let queue = place.open().await;
    for name in ["a", "b", "c"] {
        queue.publish(envelope(name)).await.unwrap();
    }
    let mut first = queue.consume(Lane::Events, 8).await.unwrap();
    let held = next(&mut first).await;
    drop(first);
    let mut second = queue.consume(Lane::Events, 8).await.unwrap();
    let all = drain(&mut second, 3).await;
    assert_eq!(all, ["a", "b", "c"].map(String::from).into());
    assert!(held.ack().await.is_err(), "an answer of a consumer that is over");
}

async fn a_dropped_delivery_comes_again_to_the_same_consumer(place: Place) {
    let queue = place.open().await;
    queue.publish(envelope("a")).await.unwrap();
    let mut consumer = queue.consume(Lane::Events, 1).await.unwrap();
    drop(next(&mut consumer).await);
    next(&mut consumer).await.ack().await.unwrap();
}

async fn an_acked_message_never_comes_again(place: Place) {
    let queue = place.open().await;
    for name in ["a", "b"] {
        queue.publish(envelope(name)).await.unwrap();
    }
    let mut first = queue.consume(Lane::Events, 8).await.unwrap();
    let a = next(&mut first).await;
    assert_eq!(id(&a), "a");
    a.ack().await.unwrap();
    drop(first);
    let mut second = queue.consume(Lane::Events, 8).await.unwrap();
    let b = next(&mut second).await;
    assert_eq!(id(&b), "b");
    b.ack().await.unwrap();
    assert!(tokio::time::timeout(QUIET, second.next()).await.is_err(), "nothing is left");
}

async fn dead_moves_to_the_dead_lane_and_stays_there(place: Place) {
    let queue = place.open().await;
    let sent = envelope("poison");
    queue.publish(sent.clone()).await.unwrap();
    let mut events = queue.consume(Lane::Events, 1).await.unwrap();
    next(&mut events).await.dead().await.unwrap();
    let mut dead = queue.consume(Lane::Dead, 1).await.unwrap();
    let buried = next(&mut dead).await;
    assert_eq!(buried.content, Content::Envelope(sent));
    // Nothing stands behind the dead lane: it comes again.
    buried.dead().await.unwrap();
    next(&mut dead).await.ack().await.unwrap();
    assert!(events.next().now_or_never().is_none());
}

async fn prefetch_bounds_what_is_in_hand(place: Place) {
    let queue = place.open().await;
    for number in 0..5 {
        queue.publish(envelope(&number.to_string())).await.unwrap();
    }
    let mut consumer = queue.consume(Lane::Events, 2).await.unwrap();
    let first = next(&mut consumer).await;
    let _second = next(&mut consumer).await;
    assert!(tokio::time::timeout(QUIET, consumer.next()).await.is_err(), "two in hand");
    first.ack().await.unwrap();
    let _third = next(&mut consumer).await;
    // What the first leaves is the second's: no consumer starves.
    let mut other = queue.consume(Lane::Events, 2).await.unwrap();
    let _fourth = next(&mut other).await;
    let _fifth = next(&mut other).await;
}

async fn a_thousand_publishes_at_once_all_arrive(place: Place) {
    let queue = place.open().await;
    let results = join_all((0..1000).map(|number| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.publish(envelope(&number.to_string())).await })
    }));
    for result in soon("all confirms", results).await {
        result.unwrap().unwrap();
    }
    let mut consumer = queue.consume(Lane::Events, 100).await.unwrap();
    let all: BTreeSet<String> = (0..1000).map(|number: i32| number.to_string()).collect();
    assert_eq!(drain(&mut consumer, 1000).await, all);
}

async fn an_abandoned_publish_does_no_harm(place: Place) {
    let queue = place.open().await;
    let mut abandoned = 0;
    for number in 0..200 {
        let mut publish = queue.publish(envelope(&format!("abandoned-{number}"))).boxed();
        // Where the machine pauses this thread, the confirm may be there at once.
        abandoned += u32::from(futures_util::poll!(&mut publish).is_pending());
        if number % 2 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(abandoned > 100, "{abandoned}");
    queue.publish(envelope("kept")).await.unwrap();
    let mut consumer = queue.consume(Lane::Events, 50).await.unwrap();
    // "Dropping the future abandons the wait, not the message."
    assert!(drain(&mut consumer, 201).await.contains("kept"));
}

async fn undecodable_content_is_shown_with_its_body(place: Place) {
    let queue = place.open().await;
    place.plant_garbage().await;
    let mut consumer = queue.consume(Lane::Events, 1).await.unwrap();
    let strange = next(&mut consumer).await;
    match &strange.content {
        Content::Undecodable { body, reason } => {
            assert_eq!(&body[..], b"garbage");
            assert!(!reason.is_empty() && !reason.contains("garbage"), "{reason}");
        }
        Content::Envelope(_) => panic!("decoded"),
    }
    strange.dead().await.unwrap();
    let mut dead = queue.consume(Lane::Dead, 1).await.unwrap();
    assert!(matches!(next(&mut dead).await.content, Content::Undecodable { .. }));
}

async fn the_delivery_limit_leads_to_the_dead_lane(place: Place) {
    let queue = place.open().await;
    queue.publish(envelope("worn")).await.unwrap();
    let mut dead = queue.consume(Lane::Dead, 1).await.unwrap();
    let mut tries = 0;
    loop {
        let mut events = queue.consume(Lane::Events, 1).await.unwrap();
        tokio::select! {
            worn = next(&mut dead) => {
                assert_eq!(id(&worn), "worn");
                break;
            }
            unanswered = next(&mut events) => {
                tries += 1;
                // Given back with its consumer; the broker may hand it out once more before that, and count it.
                drop(events);
                drop(unanswered);
            }
        }
    }
    assert!((1..=LIMIT + 1).contains(&tries), "{tries} tries");
}

async fn reopening_keeps_messages(place: Place) {
    let queue = place.open().await;
    queue.publish(envelope("a")).await.unwrap();
    queue.close().await;
    drop(queue);
    let queue = place.open().await;
    let mut consumer = queue.consume(Lane::Events, 1).await.unwrap();
    assert_eq!(id(&next(&mut consumer).await), "a");
}

async fn publish_after_close_is_refused(place: Place) {
    let queue = place.open().await;
    queue.close().await;
    assert!(soon("an answer", queue.publish(envelope("late"))).await.is_err());
    assert!(soon("an answer", queue.consume(Lane::Events, 1)).await.is_err());
}

async fn depth_counts_what_waits(place: Place) {
    let queue = place.open().await;
    for name in ["a", "b", "c"] {
        queue.publish(envelope(name)).await.unwrap();
    }
    until("a depth of three", || async { (queue.depth(Lane::Events).await == Some(3)).then_some(()) }).await;
    assert_eq!(queue.depth(Lane::Dead).await, Some(0));
}
