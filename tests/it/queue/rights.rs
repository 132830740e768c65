//! Users of a broker who may not do everything, as on one that is shared or managed.

use daybridge::{
    config::{self, QueueUrl, Topology},
    queue::{self, Lane, QueueState},
};

use super::{envelope, id, next};
use crate::support::{
    rabbitmq::Broker,
    wait::{soon, until},
};

/// No right to configure; write and read as the page says.
const NO_CONFIGURE: [&str; 3] = ["^$", r"^daybridge(\..*)?$", r"^daybridge(\..*)?$"];

fn settings(url: &str, topology: Topology) -> config::QueueSettings {
    config::QueueSettings {
        url: QueueUrl::Amqp(vec![url.to_owned().into()]),
        topology,
        ..config::QueueSettings::default()
    }
}

/// Exchanges and queues of ours on a vhost.
fn ours(broker: &Broker, vhost: &str) -> Vec<String> {
    let mut found = Vec::new();
    for what in ["list_exchanges", "list_queues"] {
        let listed = broker.ctl(&["--quiet", what, "--no-table-headers", "-p", vhost, "name"]);
        found.extend(listed.lines().filter(|line| line.starts_with("daybridge")).map(str::to_owned));
    }
    found.sort();
    found
}

async fn health(settings: &config::QueueSettings) -> String {
    let queue = queue::open(settings).await.unwrap();
    let why = soon("an answer", queue.health()).await.unwrap_err().to_string();
    queue.close().await;
    why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_configure_uses_what_the_administrator_made() {
    let broker = Broker::start();
    broker.ctl(&["add_vhost", "daybridge"]);
    broker.ctl(&["set_permissions", "-p", "daybridge", "guest", ".*", ".*", ".*"]);
    let url = broker.new_user("plain", "daybridge", NO_CONFIGURE);
    let (declare, verify) = (settings(&url, Topology::Declare), settings(&url, Topology::Verify));

    // Nothing is there: what is missing is named, with the way to it, and nothing is made.
    let said = health(&declare).await;
    let grant = "rabbitmqctl set_permissions -p daybridge plain '^daybridge";
    assert!(said.contains(grant) && said.contains("topology = \"verify\""), "{said}");
    let looked = queue::look(&declare).await.unwrap_err().to_string();
    assert!(looked.contains(grant), "{looked}");
    let said = health(&verify).await;
    for name in ["exchange daybridge,", "queue daybridge.events", "queue daybridge.dead", "topology.json"] {
        assert!(said.contains(name), "{name} in {said}");
    }
    assert_eq!(ours(&broker, "daybridge"), Vec::<String>::new());

    // The administrator makes it from the committed file, which is what daybridge itself declares.
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/rabbitmq/topology.json");
    broker.ctl(&["import_definitions", committed]);
    let admin = settings(&broker.amqp_url("daybridge"), Topology::Declare);
    assert_eq!(queue::look(&admin).await.unwrap(), QueueState::Whole, "the same arguments");
    let before = ours(&broker, "daybridge");
    assert_eq!(before.len(), 7, "{before:?}");
    let bindings = |vhost: &str| {
        let columns = ["source_name", "destination_name", "routing_key"];
        let all = ["--quiet", "list_bindings", "--no-table-headers", "-p", vhost];
        let listed = broker.ctl(&[&all[..], &columns[..]].concat());
        let mut listed: Vec<String> = listed.lines().map(str::to_owned).collect();
        listed.sort();
        listed
    };
    let bound = bindings("daybridge");

    // Publish, consume, dead-letter, measure: all without the right to configure.
    assert_eq!(queue::look(&verify).await.unwrap(), QueueState::Whole);
    let queue = queue::open(&verify).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    queue.publish(envelope("a")).await.unwrap();
    assert_eq!(queue.depth(Lane::Events).await, Some(1));
    let mut events = queue.consume(Lane::Events, 1).await.unwrap();
    let got = next(&mut events).await;
    assert_eq!(id(&got), "a");
    got.dead().await.unwrap();
    let mut dead = queue.consume(Lane::Dead, 1).await.unwrap();
    let got = next(&mut dead).await;
    assert_eq!(id(&got), "a");
    got.ack().await.unwrap();
    // One that is deleted is missed, and not made again by us.
    broker.ctl(&["delete_queue", "-p", "daybridge", "daybridge.unroutable"]);
    let why = until("it is missed", || async { queue.health().await.err() }).await.to_string();
    assert!(why.contains("lacks queue daybridge.unroutable"), "{why}");
    assert_eq!(ours(&broker, "daybridge").len(), 6, "the exchange of the same name is left");
    queue.close().await;

    // Made by daybridge itself, it is the same.
    broker.ctl(&["add_vhost", "other"]);
    broker.ctl(&["set_permissions", "-p", "other", "guest", ".*", ".*", ".*"]);
    let own = settings(&broker.amqp_url("other"), Topology::Declare);
    assert!(
        matches!(queue::look(&own).await.unwrap(), QueueState::Missing(what) if what.contains("daybridge.events"))
    );
    assert_eq!(ours(&broker, "other"), Vec::<String>::new(), "looking makes nothing");
    let queue = queue::open(&own).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    queue.close().await;
    assert_eq!((ours(&broker, "other"), bindings("other")), (before, bound));
}

/// The rights that `deploy/docs/managed.md` names suffice for a user of everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_of_the_page_suffice_and_others_are_named() {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    let all = r"^daybridge(\..*)?$";
    let url = broker.new_user("own", &vhost, [all, all, all]);
    let queue = queue::open(&settings(&url, Topology::Declare)).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    queue.publish(envelope("a")).await.unwrap();
    queue.close().await;

    // A vhost that is not there, and one that is another's.
    let said = health(&settings(&url.replace(&vhost, "nowhere"), Topology::Declare)).await;
    assert!(
        said.contains("rabbitmqctl add_vhost nowhere") && said.contains("set_permissions -p nowhere own"),
        "{said}"
    );
    broker.ctl(&["clear_permissions", "-p", &vhost, "own"]);
    let said = health(&settings(&url, Topology::Declare)).await;
    assert!(said.contains(&format!("rabbitmqctl set_permissions -p {vhost} own")), "{said}");
}

/// What is there with other settings is named, with the one mend that fits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_with_other_settings_is_named_with_its_mend() {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    let url = broker.amqp_url(&vhost);
    let own = settings(&url, Topology::Declare);
    let queue = queue::open(&own).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    queue.close().await;
    let other = config::QueueSettings { delivery_limit: 7, ..own.clone() };
    for said in [health(&other).await, queue::look(&other).await.unwrap_err().to_string()] {
        assert!(said.contains("daybridge.events") && said.contains("[queue] delivery_limit = 20"), "{said}");
    }

    // Somebody made it as a classic queue.
    let vhost = broker.new_vhost();
    let declare = format!(
        "rabbit_amqqueue:declare(rabbit_misc:r(<<\"{vhost}\">>, queue, <<\"daybridge.dead\">>), true, false, [], none, \
         <<\"test\">>)."
    );
    broker.ctl(&["eval", &declare]);
    let said = health(&settings(&broker.amqp_url(&vhost), Topology::Declare)).await;
    assert!(said.contains(&format!("rabbitmqctl delete_queue -p {vhost} daybridge.dead")), "{said}");

    // And an exchange of another kind.
    let vhost = broker.new_vhost();
    let declare = format!(
        "rabbit_exchange:declare(rabbit_misc:r(<<\"{vhost}\">>, exchange, <<\"daybridge\">>), topic, true, false, false, \
         [], <<\"test\">>)."
    );
    broker.ctl(&["eval", &declare]);
    let said = health(&settings(&broker.amqp_url(&vhost), Topology::Declare)).await;
    assert!(said.contains("exchange daybridge ") && said.contains("Exchanges, daybridge, Delete"), "{said}");
}
