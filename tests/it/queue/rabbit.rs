//! What only RabbitMQ, or lapin, can do wrong. Each test is named for the way messages were lost or a lie
//! was told.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use daybridge::{
    config::{self, QueueUrl},
    queue::{self, Lane, NotConfirmed, Policies, Queue},
};
use futures_util::future::join_all;
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueBindOptions, QueueDeleteOptions},
    types::FieldTable,
};

use super::{Place, drain, envelope, id, next};
use crate::support::{
    rabbitmq::{Broker, free_ports},
    wait::{soon, until},
};

/// Rounds of a thousand publishes into a full queue. With tasks that share a channel (`tests/mutations`), one of some
/// thousand confirms is somebody else's.
const ROUNDS: usize = 40;

async fn connect(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.unwrap()
}

/// A message without our words.
pub(super) async fn plant_garbage(url: &str) {
    let connection = connect(url).await;
    let channel = connection.create_channel().await.unwrap();
    let options = BasicPublishOptions::default();
    let sent = channel
        .basic_publish("daybridge".into(), "events".into(), options, b"garbage", BasicProperties::default())
        .await
        .unwrap();
    sent.await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

fn vhost() -> (String, Place) {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    let url = broker.amqp_url(&vhost);
    (vhost, Place::Vhost(url))
}

/// A publish that succeeds, tried again as a provider would.
async fn publish_at_last(queue: &Arc<dyn Queue>, name: &str) {
    until("a confirm", || async { queue.publish(envelope(name)).await.ok() }).await;
}

/// Many tasks publish; gives the ids of what was confirmed, and how many were refused.
async fn publish_many(queue: &Arc<dyn Queue>, prefix: &str, count: usize) -> (BTreeSet<String>, usize) {
    let results = join_all((0..count).map(|number| {
        let queue = queue.clone();
        let name = format!("{prefix}-{number}");
        tokio::spawn(async move { (queue.publish(envelope(&name)).await, name) })
    }));
    let (mut confirmed, mut refused) = (BTreeSet::new(), 0);
    for result in soon("all answers", results).await {
        match result.unwrap() {
            (Ok(()), name) => drop(confirmed.insert(name)),
            (Err(NotConfirmed::Refused), _) => refused += 1,
            (Err(other), _) => panic!("{other}"),
        }
    }
    (confirmed, refused)
}

/// lapin trap 1: tasks that share a channel get each other's confirms, and a nack reads as stored. By name,
/// not by count: a swap of two confirms leaves the counts right.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn what_a_full_queue_refused_is_never_reported_as_stored() {
    let (vhost, place) = vhost();
    let queue = place.open().await;
    let policy = r#"{"max-length":10,"overflow":"reject-publish"}"#;
    let arguments = ["set_policy", "-p", &vhost, "--apply-to", "queues", "full", "daybridge.events", policy];
    Broker::shared().ctl(&arguments);
    // A consumer makes room all the time, so acks and nacks come mixed.
    let (mut confirmed, mut refused) = (BTreeSet::new(), 0);
    let mut consumer = queue.consume(Lane::Events, 100).await.unwrap();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let drained = tokio::spawn(async move {
        let mut stored = BTreeSet::new();
        loop {
            tokio::select! {
                got = consumer.next() => {
                    let got = got.unwrap();
                    stored.insert(id(&got));
                    got.ack().await.unwrap();
                }
                _ = &mut stopped => return (stored, consumer),
            }
        }
    });
    for round in 0..ROUNDS {
        let (ok, no) = publish_many(&queue, &round.to_string(), 1000).await;
        confirmed.extend(ok);
        refused += no;
    }
    assert!(confirmed.len() > 50 && refused > 50, "{} confirmed, {refused} refused", confirmed.len());
    // All that was confirmed was stored, and nothing that was refused.
    stop.send(()).unwrap();
    let (mut stored, mut consumer) = drained.await.unwrap();
    while stored.len() < confirmed.len() {
        let got = next(&mut consumer).await;
        stored.insert(id(&got));
        got.ack().await.unwrap();
    }
    let lies = confirmed.difference(&stored).count();
    assert_eq!(lies, 0, "of {} confirmed were not stored", confirmed.len());
    assert!(tokio::time::timeout(Duration::from_millis(500), consumer.next()).await.is_err());
    assert_eq!(queue.depth(Lane::Events).await, Some(0));
}

/// lapin trap 2: a returned message is pinned to the wrong confirm, and the lost one reads as stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_routed_is_stored_as_unroutable() {
    let (_, place) = vhost();
    let queue = place.open().await;
    let Place::Vhost(url) = &place else { unreachable!() };
    let connection = connect(url).await;
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete("daybridge.events".into(), QueueDeleteOptions::default()).await.unwrap();
    let (confirmed, _) = publish_many(&queue, "lost", 1000).await;
    assert!(!confirmed.is_empty());
    let mut unroutable = queue.consume(Lane::Unroutable, 100).await.unwrap();
    assert_eq!(drain(&mut unroutable, confirmed.len()).await, confirmed);
    // `dead` of the unroutable lane loses nothing either, and consuming brought the deleted queue back.
    channel
        .basic_publish(
            "daybridge".into(),
            "nowhere".into(),
            BasicPublishOptions::default(),
            b"stray",
            BasicProperties::default(),
        )
        .await
        .unwrap();
    next(&mut unroutable).await.dead().await.unwrap();
    let mut dead = queue.consume(Lane::Dead, 1).await.unwrap();
    next(&mut dead).await.ack().await.unwrap();
    queue.publish(envelope("again")).await.unwrap();
    let mut events = queue.consume(Lane::Events, 1).await.unwrap();
    assert_eq!(id(&next(&mut events).await), "again");
}

/// Queues that somebody deleted under a connected door: the broker confirms into nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_queues_come_back_and_nothing_is_confirmed_meanwhile() {
    let (_, place) = vhost();
    let queue = place.open().await;
    let Place::Vhost(url) = &place else { unreachable!() };
    let channel = connect(url).await.create_channel().await.unwrap();
    for lane in ["events", "unroutable", "dead"] {
        let options = QueueDeleteOptions::default();
        channel.queue_delete(format!("daybridge.{lane}").into(), options).await.unwrap();
    }
    assert_eq!(queue.publish(envelope("lost")).await, Err(NotConfirmed::NoQueue));
    // The same door declares again by itself, and stores.
    publish_at_last(&queue, "kept").await;
    let mut events = queue.consume(Lane::Events, 1).await.unwrap();
    assert_eq!(id(&next(&mut events).await), "kept");
}

/// lapin trap 2 once more, with no queue behind the alternate exchange: what is returned is pinned to the wrong confirm.
/// Bindings that come and go let some through and lose nothing that was stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_no_queue_takes_is_never_reported_as_stored() {
    let (_, place) = vhost();
    let queue = place.open().await;
    let Place::Vhost(url) = &place else { unreachable!() };
    let connection = connect(url).await;
    let channel = connection.create_channel().await.unwrap();
    let toggled = connection.create_channel().await.unwrap();
    let toggling = tokio::spawn(async move {
        loop {
            for (queue, exchange, key) in [
                ("daybridge.events", "daybridge", "events"),
                ("daybridge.unroutable", "daybridge.unroutable", ""),
            ] {
                toggled
                    .queue_unbind(queue.into(), exchange.into(), key.into(), FieldTable::default())
                    .await
                    .unwrap();
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..4))).await;
            let options = QueueBindOptions::default();
            let (queue, exchange, key) = ("daybridge.events".into(), "daybridge".into(), "events".into());
            toggled.queue_bind(queue, exchange, key, options, FieldTable::default()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..8))).await;
        }
    });
    // Small rounds: a return ends the connection, and everything in flight counts as returned.
    let (mut confirmed, mut returned) = (BTreeSet::new(), 0);
    let begun = tokio::time::Instant::now();
    for round in 0.. {
        let publishes = (0..50).map(|number| {
            let queue = queue.clone();
            let name = format!("{round}-{number}");
            tokio::spawn(async move { (queue.publish(envelope(&name)).await, name) })
        });
        let before = returned;
        for answer in soon("all answers", join_all(publishes)).await {
            match answer.unwrap() {
                (Ok(()), name) => drop(confirmed.insert(name)),
                (Err(NotConfirmed::NoQueue), _) => returned += 1,
                (Err(_), _) => {}
            }
        }
        if confirmed.len() > 2_000 && returned > 1_000 {
            break;
        }
        assert!(begun.elapsed().as_secs() < 180, "{} confirmed, {returned} returned", confirmed.len());
        if returned > before {
            publish_at_last(&queue, &format!("{round}")).await;
        }
    }
    toggling.abort();
    let mut stored = BTreeSet::new();
    for lane in ["daybridge.events", "daybridge.unroutable"] {
        let options = BasicGetOptions { no_ack: true };
        while let Some(got) = channel.basic_get(lane.into(), options).await.unwrap() {
            stored.insert(got.properties.message_id().as_ref().unwrap().as_str().replace("stripe/", ""));
        }
    }
    let lies = confirmed.difference(&stored).count();
    assert_eq!(lies, 0, "of {} confirmed were not stored", confirmed.len());
}

/// Seen after a partition: the queue counted the whole prefetch as delivered, and no channel had it. What the broker keeps
/// for a channel comes back when that is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_lane_opens_its_channel_anew_unless_something_is_in_hand() {
    let (vhost, place) = vhost();
    let queue = place.open().await;
    let channel = async || {
        let of = ["--quiet", "list_consumers", "--no-table-headers", "-p", &vhost, "channel_pid"];
        until("one consumer", || async {
            let listed = Broker::shared().ctl(&of);
            let mut lines = listed.lines();
            lines
                .next()
                .filter(|line| line.starts_with('<') && listed.lines().count() == 1)
                .map(str::to_owned)
        })
        .await
    };
    let mut idle = queue.consume(Lane::Events, 8).await.unwrap();
    let first = channel().await;
    let nothing = Duration::from_secs(67);
    assert!(tokio::time::timeout(nothing, idle.next()).await.is_err(), "nothing was published");
    let second = channel().await;
    assert_ne!(first, second, "it was idle for more than a minute");
    queue.publish(envelope("a")).await.unwrap();
    let in_hand = next(&mut idle).await;
    assert!(tokio::time::timeout(nothing, idle.next()).await.is_err(), "the one message is in hand");
    assert_eq!(channel().await, second, "its answer would be lost with the channel");
    in_hand.ack().await.unwrap();
    until("it is forgotten", || async { (queue.depth(Lane::Events).await == Some(0)).then_some(()) }).await;
}

/// A cluster that lost its majority takes connections and declares; only a confirm tells. Stopping the members of the
/// queues is that on one node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_rests_on_a_confirm() {
    let (vhost, place) = vhost();
    let queue = place.open().await;
    let member = |action: &str, name: &str| {
        let id = format!("{{'{vhost}_daybridge.{name}', node()}}");
        let done = Broker::shared().ctl(&["eval", &format!("ra:{action}_server(quorum_queues, {id}).")]);
        assert!(done.contains("ok"), "{done}");
    };
    for name in ["events", "probe"] {
        member("stop", name);
    }
    until("no confirm", || async { queue.health().await.err() }).await;
    for name in ["events", "probe"] {
        member("restart", name);
    }
    until("confirms again", || async { queue.health().await.ok() }).await;
}

/// Probes do no harm where nobody reads, and are no events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_health_leaves_nothing_behind() {
    let (vhost, place) = vhost();
    let queue = place.open().await;
    let Place::Vhost(url) = &place else { unreachable!() };
    let channel = connect(url).await.create_channel().await.unwrap();
    // Where the probes' queue is missing, the alternate exchange stores them.
    channel.queue_delete("daybridge.probe".into(), QueueDeleteOptions::default()).await.unwrap();
    let stray =
        lapin::BasicProperties::default().with_app_id("daybridge".into()).with_type("daybridge.probe".into());
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("daybridge".into(), "probe".into(), options, b"", stray)
        .await
        .unwrap()
        .await
        .unwrap();
    queue.publish(envelope("a")).await.unwrap();
    // Each time, the last confirm is too old to prove anything.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        queue.health().await.unwrap();
    }
    assert_eq!(queue.depth(Lane::Events).await, Some(1));
    until("probes expire", || async {
        let listed = Broker::shared().ctl(&[
            "--quiet",
            "list_queues",
            "--no-table-headers",
            "-p",
            &vhost,
            "name",
            "messages",
        ]);
        listed.contains("daybridge.probe\t0").then_some(())
    })
    .await;
    let mut unroutable = queue.consume(Lane::Unroutable, 1).await.unwrap();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), unroutable.next()).await.is_err(),
        "a probe is an event"
    );
}

/// A policy of an administrator lies over what the queues were declared with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_that_lose_are_seen_and_the_shield_keeps_them_away() {
    let [port] = free_ports();
    let broker = Broker::start_managed(port);
    let shield = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/rabbitmq/shield.json");
    // The file makes the vhost; without its policy first.
    broker.ctl(&["add_vhost", "daybridge"]);
    broker.ctl(&["set_permissions", "-p", "daybridge", "guest", ".*", ".*", ".*"]);
    let place = Place::Vhost(broker.amqp_url("daybridge"));
    let mut settings = place.settings();
    settings.management_url = Some(config::Secret::plain(&format!("http://guest:guest@127.0.0.1:{port}/")));
    let queue = place.open_with(settings).await;
    let losses = || async {
        match queue.policies().await {
            Ok(Policies::Seen { losses, shield }) => {
                assert!(shield.contains("set_policy -p daybridge daybridge '^daybridge'"), "{shield}");
                Some(losses)
            }
            Ok(other) => panic!("{other:?}"),
            // The API knows a queue some seconds after it was declared.
            Err(_) => None,
        }
    };
    until("no policy", || async { losses().await.filter(Vec::is_empty) }).await;
    let unseen = place.open().await.policies().await.unwrap();
    assert!(matches!(unseen, Policies::Unseen { .. }), "{unseen:?}");

    broker.ctl(&[
        "set_policy",
        "-p",
        "daybridge",
        "theirs",
        ".*",
        r#"{"message-ttl":200}"#,
        "--apply-to",
        "queues",
    ]);
    let seen = until("the policy", || async { losses().await.filter(|losses| losses.len() == 3) }).await;
    assert!(seen.iter().any(|loss| loss.starts_with("daybridge.dead: message-ttl = 200")), "{seen:?}");
    for number in 0..30 {
        queue.publish(envelope(&format!("lost-{number}"))).await.unwrap();
    }
    until("the loss", || async { (queue.depth(Lane::Events).await == Some(0)).then_some(()) }).await;

    broker.ctl(&["import_definitions", shield]);
    until("the shield", || async { losses().await.filter(Vec::is_empty) }).await;
    for number in 0..30 {
        queue.publish(envelope(&format!("kept-{number}"))).await.unwrap();
    }
    let mut kept = queue.consume(Lane::Events, 30).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(drain(&mut kept, 30).await.len(), 30);
    queue.health().await.unwrap();
}

/// What only a power cut, or a dead queue that is away, would show: a confirm means a synced disk for quorum queues
/// alone, and the defaults lose a dead letter that finds no target.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_confirmed_is_persistent_on_a_quorum_queue() {
    let (vhost, place) = vhost();
    let queue = place.open().await;
    queue.publish(envelope("kept")).await.unwrap();
    let columns = ["name", "type", "durable", "arguments"];
    let listed = Broker::shared()
        .ctl(&[&["--quiet", "list_queues", "--no-table-headers", "-p", &vhost], &columns[..]].concat());
    assert_eq!(listed.lines().count(), 4, "{listed}");
    for name in ["events", "unroutable", "dead"] {
        let start = format!("daybridge.{name}\tquorum\ttrue\t");
        let line = listed.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{listed}"));
        let loses_nothing =
            ["\"at-least-once\"", "\"reject-publish\""].iter().all(|word| line.contains(word));
        assert!(loses_nothing || name == "dead", "{line}");
    }
    let Place::Vhost(url) = &place else { unreachable!() };
    let channel = connect(url).await.create_channel().await.unwrap();
    let got = channel.basic_get("daybridge.events".into(), BasicGetOptions { no_ack: true }).await.unwrap();
    assert_eq!(*got.unwrap().properties.delivery_mode(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_queue_ends_its_consumer() {
    let (_, place) = vhost();
    let queue = place.open().await;
    let mut consumer = queue.consume(Lane::Events, 1).await.unwrap();
    let Place::Vhost(url) = &place else { unreachable!() };
    let channel = connect(url).await.create_channel().await.unwrap();
    channel.queue_delete("daybridge.events".into(), QueueDeleteOptions::default()).await.unwrap();
    assert!(soon("the end", consumer.next()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_queue_settings_are_explained() {
    let (_, place) = vhost();
    place.open().await.close().await;
    let mut settings = place.settings();
    settings.delivery_limit += 1;
    let queue = queue::open(&settings).await.unwrap();
    let why = queue.health().await.unwrap_err().to_string();
    assert!(why.contains("daybridge.events") && why.contains("delivery_limit"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_in_no_error() {
    let url = Broker::shared().amqp_url("%2f").replace("guest:guest", "guest:hunter2");
    let mut settings = Place::Vhost(url).settings();
    let queue = queue::open(&settings).await.unwrap();
    let why = soon("an answer", queue.health()).await.unwrap_err().to_string();
    assert!(why.contains("check user, password") && !why.contains("hunter2"), "{why}");
    settings.url = QueueUrl::Amqp(vec!["amqp://guest:hunter2@host:notaport/".into()]);
    let why = queue::open(&settings).await.err().unwrap().to_string();
    assert!(!why.contains("hunter2"), "{why}");
}

/// A listener that speaks no TLS stands for every broken one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amqps_to_a_listener_without_tls_fails_cleanly() {
    let url = Broker::shared().amqp_url("%2f").replace("amqp://", "amqps://");
    let queue = queue::open(&Place::Vhost(url).settings()).await.unwrap();
    let why = soon("an answer", queue.health()).await.unwrap_err().to_string();
    assert!(!why.contains("guest"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_host_of_a_cluster_is_tried() {
    let (_, Place::Vhost(url)) = vhost() else { unreachable!() };
    let [closed] = free_ports();
    let place = Place::Vhost(url.clone());
    let mut settings = place.settings();
    settings.url = QueueUrl::Amqp(vec![format!("amqp://guest:guest@127.0.0.1:{closed}/").into(), url.into()]);
    publish_at_last(&place.open_with(settings).await, "a").await;
}

/// A private node: what happens when it goes, comes back, or was never there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_goes_and_comes_back() {
    let broker = Broker::start();
    broker.kill();
    let place = Place::Vhost(broker.amqp_url("%2f"));
    // Down at the start: opens at once, refuses at once.
    let queue = queue::open(&place.settings()).await.unwrap();
    assert_eq!(soon("an answer", queue.publish(envelope("early"))).await, Err(NotConfirmed::Unreachable));
    assert!(soon("an answer", queue.consume(Lane::Events, 1)).await.is_err());
    broker.start_again();
    publish_at_last(&queue, "first").await;

    // Killed between write and confirm: what was not confirmed is not reported as stored.
    let mut consumer = queue.consume(Lane::Events, 4).await.unwrap();
    let held = next(&mut consumer).await;
    let (mut confirmed, mut failed) = (1_usize, 0);
    let mut publishes = tokio::task::JoinSet::new();
    for number in 0..5000 {
        let queue = queue.clone();
        publishes.spawn(async move { queue.publish(envelope(&format!("storm-{number}"))).await });
        if number % 1000 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut killed = false;
    while let Some(result) = soon("an answer", publishes.join_next()).await {
        match result.unwrap() {
            Ok(()) => confirmed += 1,
            Err(_) => failed += 1,
        }
        if confirmed > 500 && !killed {
            killed = true;
            broker.kill();
        }
    }
    assert!(killed && failed > 0, "{confirmed} confirmed, {failed} failed");
    soon("the end of the consumer", async { while consumer.next().await.is_ok() {} }).await;
    assert!(held.ack().await.is_err());
    broker.start_again();

    // The same door publishes and consumes again, and everything confirmed is there.
    publish_at_last(&queue, "second").await;
    let mut consumer = until("a consumer", || async { queue.consume(Lane::Events, 200).await.ok() }).await;
    let mut seen = BTreeSet::new();
    while !(seen.contains("second") && seen.contains("first")) || seen.len() < confirmed + 1 {
        let got = next(&mut consumer).await;
        seen.insert(id(&got));
        got.ack().await.unwrap();
    }

    // A memory alarm blocks publishers: refused quickly, with the reason, and over when the alarm is.
    broker.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
    let refused = until("a block", || async {
        tokio::time::timeout(Duration::from_secs(5), queue.publish(envelope("blocked"))).await.unwrap().err()
    })
    .await;
    assert!(matches!(&refused, NotConfirmed::Blocked(reason) if reason.contains("memory")), "{refused}");
    let again = soon("an answer", queue.publish(envelope("blocked"))).await;
    assert!(matches!(again, Err(NotConfirmed::Blocked(_))), "{again:?}");
    assert!(queue.health().await.unwrap_err().to_string().contains("memory"));
    broker.ctl(&["set_vm_memory_high_watermark", "0.4"]);
    publish_at_last(&queue, "third").await;
    queue.close().await;
}
