//! `check` before anything was made, beside what refuses or hides itself, and as JSON.

use std::{fs, process::Output};

use daybridge::{config, queue};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};

use crate::support::{
    daybridge::House,
    postgres::{Postgres, sql},
    rabbitmq::{Broker, free_ports},
};

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines of a part, by `--json`.
fn lines(report: &Value, part: &str) -> Vec<(String, String)> {
    let all = report["lines"].as_array().unwrap();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let of_part = all.iter().filter(|line| line["part"] == part);
    of_part
        .map(|line| (text(line, "level"), format!("{}; {}", text(line, "text"), text(line, "to_do"))))
        .collect()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_makes_nothing_and_says_who_will() {
    let house = House::new("embedded", None, "").await;
    let files = || {
        let mut names: Vec<_> =
            fs::read_dir(house.path("")).unwrap().map(|f| f.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    let checked = house.command(&["check"]);
    let text = out(&checked);
    assert_eq!(checked.status.code(), Some(0), "{text}");
    for line in ["ok    queue     not there yet", "ok    ledger    not there yet", "ledger.db", "`run`"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(files(), before);

    // What is there is looked at as ever.
    assert!(house.command(&["ledger", "adopt", "--since", "1970-01-02"]).status.success());
    assert!(out(&house.command(&["check"])).contains("ok    ledger    reached: 0 credited"));
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_are_a_level_of_their_own_in_one_documented_object() {
    let extra = "[sources.a]\nprovider = \"lemonsqueezy\"\nsecrets = [\"0123456789abcdef\"]\n";
    let mut house = House::build("embedded", None, extra).await;
    let checked = house.command(&["check", "--json"]);
    let told = report(&checked);
    assert_eq!(
        (checked.status.code(), &told["version"], &told["ok"]),
        (Some(0), &1.into(), &true.into()),
        "{told:#}"
    );
    let keys = |value: &Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&told), ["lines", "ok", "version"]);
    for line in told["lines"].as_array().unwrap() {
        assert_eq!(keys(line), ["level", "part", "text", "to_do"]);
        assert!(["ok", "warn", "fail"].contains(&line["level"].as_str().unwrap()), "{line}");
    }
    let sources = lines(&told, "sources");
    assert!(
        sources.iter().any(|(level, text)| level == "warn" && text.contains("choose the days")),
        "{told:#}"
    );
    assert!(out(&house.command(&["check"])).contains("warn  sources   sources.a"), "the same for people");

    house.kill("sim");
    let checked = house.command(&["check", "--json"]);
    let told = report(&checked);
    assert_eq!((checked.status.code(), &told["ok"]), (Some(1), &false.into()), "{told:#}");
    assert!(
        lines(&told, "partner")[0].0 == "fail" && lines(&told, "partner")[0].1.contains("base_url"),
        "{told:#}"
    );

    // Settings that cannot be used are told in the same object, too.
    house.set("settle_window", "settle_windw");
    let checked = house.command(&["check", "--json"]);
    let told = report(&checked);
    assert_eq!((checked.status.code(), &told["ok"]), (Some(2), &false.into()), "{told:#}");
    assert!(lines(&told, "settings")[0].1.contains("did you mean `settle_window`"), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_refuses_is_told_with_the_mend() {
    let url = Postgres::url_of_new_database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let role = format!("role_{name}");
    sql(&url, &format!("CREATE ROLE {role} LOGIN"));
    let own = url.replace("daybridge@", &format!("{role}@"));
    let house = House::new("embedded", Some(&own), "").await;
    let ledger = |wanted: i32| {
        let checked = house.command(&["check", "--json"]);
        let told = report(&checked);
        assert_eq!(checked.status.code(), Some(wanted), "{told:#}");
        lines(&told, "ledger").remove(0)
    };
    let tables = || sql(&url, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'");

    // PostgreSQL 15 and later.
    sql(&url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let (level, text) = ledger(1);
    let grant = format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}");
    assert!(level == "fail" && text.contains(&grant), "{text}");
    // The mend that it names is one, and nothing is made before `run`.
    sql(&url, &grant);
    let (level, text) = ledger(0);
    assert!(level == "ok" && text.contains("not there yet") && text.contains(&name), "{text}");
    assert_eq!(tables(), "0");
    assert!(house.command(&["ledger", "adopt", "--since", "1970-01-02"]).status.success());
    assert!(ledger(0).1.contains("reached: 0 credited"));

    sql(&url, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let (level, text) = ledger(1);
    assert!(level == "fail" && text.contains("RESET default_transaction_read_only"), "{text}");
    let elsewhere = url.replace(&name, "postgres");
    sql(&elsewhere, &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    assert_eq!(ledger(0).0, "ok");

    // An older schema is not touched; `run` does that.
    let last = "FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";
    sql(&url, &format!("CREATE TABLE kept AS SELECT * {last}; DELETE {last}"));
    assert!(ledger(0).1.contains("brought to"), "{:?}", ledger(0));

    // Rights that somebody took away.
    sql(&url, "INSERT INTO _sqlx_migrations SELECT * FROM kept");
    sql(&url, &format!("ALTER TABLE backfill OWNER TO daybridge; REVOKE ALL ON backfill FROM {role}"));
    let checked = out(&house.command(&["check"]));
    assert!(checked.contains("deploy/docs/managed.md") && checked.contains("permission denied"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_nothing_in_a_url_and_missing_certificates_are_told() {
    let house = House::new("embedded", None, "").await;
    for (variable, value, want) in [
        ("DAYBRIDGE_LEDGER__URL", "postgres://u:s3cret@h/d?sslmod=verify-full", "did you mean `sslmode`"),
        ("DAYBRIDGE_LEDGER__URL", "sqlite:a.db?mode=ro", "ledger.url"),
        ("DAYBRIDGE_QUEUE__URL", "amqp://u:s3cret@h/v?heartbeat=5", "[queue] heartbeat"),
        ("DAYBRIDGE_OUTBOUND__PROXY", "socks5://u:s3cret@h:1", "outbound.proxy must be http://"),
        ("DAYBRIDGE_QUEUE__CA", "/etc/ca.pem", "queue.url is not amqps"),
    ] {
        let refused = house.command_in(&["check"], &[(variable, value.to_owned())]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(want) && !said.contains("s3cret"), "{variable}: {said}");
    }

    let far = [
        ("DAYBRIDGE_PARTNER__BASE_URL", "https://127.0.0.1:1".to_owned()),
        ("SSL_CERT_FILE", "/dev/null".to_owned()),
        ("SSL_CERT_DIR", String::new()),
    ];
    let bare = out(&house.command_in(&["check"], &far));
    assert!(bare.contains("FAIL  partner") && bare.contains("install the package ca-certificates"), "{bare}");
}

/// A broker in front of which the publisher's first connection is cut, as a busy one may do: `check` was a race between
/// its two connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_for_the_publisher() {
    let broker = Broker::shared();
    let vhost = broker.new_vhost();
    let url = broker.amqp_url(&vhost);
    let [port] = free_ports();
    let real: u16 = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let seen = cut.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(between(client, real, seen.clone()));
        }
    });
    let house = House::new(&url, None, "").await;
    house.set(&format!(":{real}/{vhost}"), &format!(":{port}/{vhost}"));
    // The queues are there: with none, nothing is published.
    let settings =
        config::QueueSettings { url: config::QueueUrl::Amqp(vec![url.into()]), ..Default::default() };
    let queue = queue::open(&settings).await.unwrap();
    crate::support::wait::until("health", || async { queue.health().await.ok() }).await;
    queue.close().await;

    let checked = tokio::task::spawn_blocking(move || house.command(&["check", "--json"])).await.unwrap();
    let told = report(&checked);
    assert!(cut.load(std::sync::atomic::Ordering::SeqCst), "nothing was cut: {told:#}");
    assert_eq!(lines(&told, "queue")[0], ("ok".into(), "reached, 0 messages waiting; ".into()), "{told:#}");
}

/// Passes bytes both ways; the first client that calls itself the publisher is cut.
async fn between(client: TcpStream, real: u16, cut: std::sync::Arc<std::sync::atomic::AtomicBool>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", real)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let mut from_server: OwnedReadHalf = from_server;
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read) = from_client.read(&mut bytes).await {
        let Some(part) = bytes.get(..read).filter(|part| !part.is_empty()) else { break };
        let publisher = part.windows(17).any(|words| words == b"daybridge publish");
        if publisher && !cut.swap(true, std::sync::atomic::Ordering::SeqCst) {
            break;
        }
        if to_server.write_all(part).await.is_err() {
            break;
        }
    }
    back.abort();
}

/// A start that fails while the broker's library connects: its threads were left without the runtime and panicked.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_says_no_librarys_panic() {
    let [port] = free_ports();
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let house = House::new(&format!("amqp://localhost:{port}"), None, "").await;
    let taken = std::net::TcpListener::bind(house.site().trim_start_matches("http://")).unwrap();
    for _ in 0..10 {
        let failed = house.command(&["serve"]);
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        assert!(said.contains("console.listen") && !said.contains("panicked"), "{said}");
    }
    drop((silent, taken));
}
