//! `deploy/docs/managed.md`: its commands are run as they stand, on private servers; only names of hosts and passwords change.

use daybridge::{
    config::{self, Config, Topology, check, load},
    ledger,
    queue::{self, Policies, Queue, QueueState},
};

use super::committed;
use crate::support::{
    authority::{Authority, shown},
    daybridge::House,
    pgbouncer::{Mode, Pgbouncer},
    postgres::{Pair, Postgres, sql},
    rabbitmq::{Broker, free_ports},
    wait::until,
};

/// The fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let page = committed("docs/managed.md");
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match (&mut block, line.trim_start().strip_prefix("```")) {
            (None, Some(word)) if word == language => block = Some(String::new()),
            (None, _) => {}
            (Some(_), Some(_)) => found.extend(block.take()),
            (Some(text), None) => {
                text.push_str(line.trim_start());
                text.push('\n');
            }
        }
    }
    found
}

/// Of a language, the one block with this text.
fn block(language: &str, text: &str) -> String {
    let mut with: Vec<String> = blocks(language).into_iter().filter(|block| block.contains(text)).collect();
    assert_eq!(with.len(), 1, "{language} with {text}");
    with.remove(0)
}

/// The settings of a block, with what an operator fills in.
fn settings(block: &str, edits: &[(&str, String)]) -> Config {
    let text = edits.iter().fold(block.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} in {text}");
        text.replace(from, to)
    });
    let config = load::parse(&text, Vec::new()).unwrap();
    assert_eq!(check::contradictions(&config), Vec::<String>::new());
    config
}

async fn works(settings: &config::QueueSettings) -> std::sync::Arc<dyn Queue> {
    let queue = queue::open(settings).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    queue
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_broker_as_the_page_says() {
    let [port] = free_ports();
    let broker = Broker::start_managed(port);
    broker.shell(&block("sh", "add_vhost"), &[]);
    let user = |name: &str, password: &str| {
        broker
            .amqp_url("daybridge")
            .replace("guest:guest", &format!("{name}:{}", password.replace(' ', "%20")))
    };
    let own = user("daybridge", "a long password");
    let as_user = |url: &str| config::QueueSettings {
        url: config::QueueUrl::Amqp(vec![url.to_owned().into()]),
        ..config::QueueSettings::default()
    };
    // Alone, with the rights of the page: looks, makes, works.
    assert!(matches!(queue::look(&as_user(&own)).await.unwrap(), QueueState::Missing(_)));
    works(&as_user(&own)).await.close().await;
    broker.shell(&block("sh", "daybridge-serve"), &[]);
    let serve = works(&as_user(&user("daybridge-serve", "another long password"))).await;
    assert!(serve.consume(queue::Lane::Events, 1).await.is_err(), "it may not read what was accepted");
    serve.close().await;

    // The one who may not read cannot make its queue: the worker goes first.
    broker.ctl(&["delete_queue", "-p", "daybridge", "daybridge.events"]);
    let serve = queue::open(&as_user(&user("daybridge-serve", "another long password"))).await.unwrap();
    let why = until("it may not", || async { serve.health().await.err() }).await.to_string();
    assert!(why.contains("may not make queue daybridge.events"), "{why}");
    serve.close().await;

    // Made by the administrator instead, over either way.
    broker.ctl(&["delete_vhost", "daybridge"]);
    let api = format!("http://127.0.0.1:{port}");
    let admin = [("ADMIN", "guest:guest"), ("MANAGEMENT", api.as_str())];
    broker.shell(&block("sh", "api/definitions"), &admin);
    broker.ctl(&["set_permissions", "-p", "daybridge", "guest", ".*", ".*", ".*"]);
    broker.shell(&block("sh", "import_definitions"), &[]);
    let place = own.trim_start_matches("amqp://").to_owned();
    let page = "amqps://daybridge:PASSWORD@rabbit.example.com:5671/daybridge";
    let verify = settings(&block("toml", "topology"), &[(page, format!("amqp://{place}"))]);
    assert_eq!(verify.queue.topology, Topology::Verify);
    let looked =
        queue::look(&config::QueueSettings { topology: Topology::Declare, ..verify.queue.clone() }).await;
    let why = looked.unwrap_err().to_string();
    assert!(why.contains("set_permissions -p daybridge daybridge"), "{why}");
    assert_eq!(queue::look(&verify.queue).await.unwrap(), QueueState::Whole);
    works(&verify.queue).await.close().await;

    // Policies are seen by daybridge's own user.
    broker.shell(&block("sh", "set_user_tags"), &[]);
    let base = "https://daybridge:PASSWORD@rabbit.example.com:15671";
    let mine = format!("http://daybridge:a%20long%20password@127.0.0.1:{port}");
    let management = settings(&block("toml", "management_url"), &[(base, mine)]).queue.management_url;
    let queue = works(&config::QueueSettings { management_url: management, ..verify.queue.clone() }).await;
    until("no policy loses", || async {
        let seen = queue.policies().await.ok()?;
        matches!(&seen, Policies::Seen { losses, .. } if losses.is_empty()).then_some(())
    })
    .await;
    // A queue that the administrator made in another way is told, too.
    broker.ctl(&["delete_queue", "-p", "daybridge", "daybridge.unroutable"]);
    let declare = "rabbit_amqqueue:declare(rabbit_misc:r(<<\"daybridge\">>, queue, <<\"daybridge.unroutable\">>), true, \
                   false, [], none, <<\"test\">>).";
    broker.ctl(&["eval", declare]);
    until("the classic queue is told", || async {
        let seen = queue.policies().await.ok()?;
        let told = |losses: &[String]| losses.iter().any(|loss| loss.contains("no quorum queue"));
        matches!(&seen, Policies::Seen { losses, .. } if told(losses)).then_some(())
    })
    .await;
    queue.close().await;
}

/// A role of its own, in a database of its own and in one that others own.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_ones_own_and_a_shared_one_as_the_page_says() {
    let shared = Postgres::url_of_new_database();
    let name = shared.rsplit('/').next().unwrap().to_owned();
    let role = format!("managed_{name}");
    let fill = |block: &str| {
        block.replace("daybridge", &role).replace("IN DATABASE shared", &format!("IN DATABASE {name}"))
    };
    let place =
        shared.rsplit_once('/').unwrap().0.replace("daybridge@", &format!("{role}:a%20long%20password@"));
    let url = |database: &str| format!("{place}/{database}");
    let open = async |url: String| {
        let settings =
            config::LedgerSettings { url: config::Secret::plain(&url), ..config::LedgerSettings::default() };
        assert!(matches!(ledger::look(&settings).await.unwrap(), ledger::LedgerState::Missing(_)));
        let ledger = ledger::open(&settings).await.unwrap();
        ledger.health().await.unwrap();
        assert_eq!(ledger::look(&settings).await.unwrap(), ledger::LedgerState::Whole);
        assert!(!ledger.origin().await.unwrap().failover_unnoticed, "an ordinary role sees the timeline");
    };
    for statement in block("sql", "CREATE DATABASE").lines() {
        sql(&shared, &fill(statement));
    }
    open(url(&role)).await;
    sql(&shared, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    for statement in block("sql", "search_path").lines() {
        sql(&shared, &fill(statement));
    }
    open(url(&name)).await;
    assert_eq!(sql(&shared, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

/// A standby that has every commit, and a server whose certificate is checked.
#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_and_a_private_ca_as_the_page_says() {
    let authority = Authority::new();
    let pair = tokio::task::spawn_blocking(Pair::start).await.unwrap();
    let told: Vec<String> = block("sql", "synchronous_standby_names")
        .lines()
        .map(|statement| sql(&pair.url(), statement))
        .collect();
    assert!(told.len() == 3, "{told:?}");
    until("the standby is synchronous", || async {
        let state = sql(&pair.url(), "SELECT sync_state FROM pg_stat_replication");
        matches!(state.as_str(), "quorum" | "sync").then_some(())
    })
    .await;

    let own = authority.issue("database", "DNS:localhost");
    pair.owns(&own.key);
    for (name, value) in
        [("ssl_cert_file", shown(&own.cert)), ("ssl_key_file", shown(&own.key)), ("ssl", "on".into())]
    {
        sql(&pair.url(), &format!("ALTER SYSTEM SET {name} = '{value}'"));
    }
    sql(&pair.url(), "SELECT pg_reload_conf()");
    let page = "postgres://daybridge:PASSWORD@db.example.com/daybridge";
    let here = pair.url().replace("127.0.0.1", "localhost");
    let with = |edits: &[(&str, String)]| {
        let mut all = vec![(page, here.clone())];
        all.extend(edits.iter().map(|(from, to)| (*from, to.clone())));
        let ledger = settings(&block("toml", "client_cert"), &all).ledger;
        // This server asks for none.
        config::LedgerSettings { client_cert: None, client_key: None, ..ledger }
    };
    let ca = |authority: &Authority| ("/etc/daybridge/ca.pem", shown(&authority.ca()));
    until("TLS is on", || async { ledger::look(&with(&[ca(&authority)])).await.ok() }).await;
    let ledger = ledger::open(&with(&[ca(&authority)])).await.unwrap();
    ledger.health().await.unwrap();
    let others = "SELECT COUNT(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND \
                  pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let encrypted = sql(&pair.url(), others);
    assert_eq!(encrypted, "t");

    // Another CA, and another name.
    let other = Authority::new();
    let why = ledger::look(&with(&[ca(&other)])).await.unwrap_err().to_string();
    assert!(why.contains("UnknownIssuer") && why.contains("[ledger] ca"), "{why}");
    let by_address = with(&[ca(&authority), ("localhost", "127.0.0.1".into())]);
    let why = ledger::look(&by_address).await.unwrap_err().to_string();
    assert!(why.contains("another name"), "{why}");
    // In the URL, as the page says.
    let in_url = format!("{here}?sslmode=verify-full&sslrootcert={}", shown(&authority.ca()));
    let in_url =
        config::LedgerSettings { url: config::Secret::plain(&in_url), ..config::LedgerSettings::default() };
    ledger::open(&in_url).await.unwrap().health().await.unwrap();
    // The private CA adds to the system's.
    let house = House::new("embedded", Some(&here), "").await;
    let told = |own: &Authority| {
        let ledger_ca = ("DAYBRIDGE_LEDGER__CA", shown(&own.ca()));
        let checked = house.command_in(&["check"], &[ledger_ca, ("SSL_CERT_FILE", shown(&authority.ca()))]);
        String::from_utf8_lossy(&checked.stdout).into_owned()
    };
    for own in [&authority, &other] {
        assert!(told(own).contains("ok    ledger"), "{}", told(own));
    }
    tokio::task::spawn_blocking(move || drop(pair)).await.unwrap();
}

/// The pool's settings of the page, and two processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_between_as_the_page_says() {
    let lines = blocks("ini").remove(0);
    let start = move || Pgbouncer::start(&Postgres::url_of_new_database(), Mode::Session, 1, &lines);
    let pool = tokio::task::spawn_blocking(start).await.unwrap();
    let settings = config::LedgerSettings {
        url: config::Secret::plain(&pool.url()),
        ..config::LedgerSettings::default()
    };
    let (one, two) = tokio::join!(ledger::open(&settings), ledger::open(&settings));
    for ledger in [one.unwrap(), two.unwrap()] {
        let all = futures_util::future::join_all((0..16).map(|_| ledger.health())).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
    }
}

/// What has no command is at least a setting.
#[test]
fn every_block_of_settings_is_one() {
    let toml = blocks("toml");
    assert_eq!(toml.len(), 4);
    for block in toml {
        settings(&block.replace("  # or { env = … }, { file = … }", ""), &[]);
    }
    let json: serde_json::Value = serde_json::from_str(&blocks("json").remove(0)).unwrap();
    assert_eq!(json["version"], 1);
}
