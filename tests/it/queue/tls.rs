//! A private RabbitMQ behind TLS that asks for client certificates, as a company's or a managed one does.

use std::path::PathBuf;

use daybridge::{
    config::{self, QueueUrl},
    queue::{self, Lane},
};

use super::{envelope, id, next};
use crate::support::{
    authority::{Authority, shown},
    rabbitmq::{Broker, free_ports},
    wait::{soon, until},
};

fn settings(url: String, ca: Option<PathBuf>) -> config::QueueSettings {
    config::QueueSettings { url: QueueUrl::Amqp(vec![url.into()]), ca, ..config::QueueSettings::default() }
}

/// Why the queue cannot be used.
async fn why(settings: &config::QueueSettings) -> String {
    let queue = match queue::open(settings).await {
        Ok(queue) => queue,
        Err(why) => return why.to_string(),
    };
    let why = soon("an answer", queue.health()).await.unwrap_err().to_string();
    queue.close().await;
    assert!(soon("an answer", queue::look(settings)).await.is_err(), "`check` sees it too: {why}");
    why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_ca_and_a_client_certificate() {
    let authority = Authority::new();
    let [port] = free_ports();
    let own = authority.issue("broker", "DNS:localhost,IP:127.0.0.1");
    let broker = Broker::start_tls(port, &authority.ca(), &own.cert, &own.key);
    let client = authority.issue("daybridge-client", "DNS:daybridge-client");
    let url = |host: &str| format!("amqps://guest:guest@{host}:{port}");
    let with = |url: String| config::QueueSettings {
        client_cert: Some(client.cert.clone()),
        client_key: Some(client.key.clone()),
        ..settings(url, Some(authority.ca()))
    };

    // By name and by address: both stand in the broker's certificate.
    for host in ["localhost", "127.0.0.1"] {
        let queue = queue::open(&with(url(host))).await.unwrap();
        until("health", || async { queue.health().await.ok() }).await;
        queue.publish(envelope(host)).await.unwrap();
        let mut events = queue.consume(Lane::Events, 1).await.unwrap();
        let got = next(&mut events).await;
        assert_eq!(id(&got), host);
        got.ack().await.unwrap();
        queue.close().await;
    }

    // The certificate is the login, where the broker takes that.
    broker.ctl(&["add_user", "daybridge-client", "unused"]);
    broker.ctl(&["set_permissions", "daybridge-client", ".*", ".*", ".*"]);
    let external = with(format!("amqps://localhost:{port}?auth_mechanism=external"));
    let queue = queue::open(&external).await.unwrap();
    until("health", || async { queue.health().await.ok() }).await;
    let users = broker.ctl(&["--quiet", "list_connections", "user"]);
    assert!(users.contains("daybridge-client"), "{users}");
    queue.close().await;

    // What is missing is named, with its setting.
    let no_ca = config::QueueSettings { ca: None, ..with(url("localhost")) };
    let said = why(&no_ca).await;
    assert!(said.contains("UnknownIssuer") && said.contains("set [queue] ca"), "{said}");
    let said = why(&settings(url("localhost"), Some(authority.ca()))).await;
    assert!(said.contains("client certificate") && said.contains("[queue] client_cert"), "{said}");
    let said = why(&with(url("127.0.0.2"))).await;
    assert!(said.contains("Connection refused"), "{said}");
    let other = Authority::new();
    let stranger = other.issue("stranger", "DNS:stranger");
    let said = why(&config::QueueSettings {
        client_cert: Some(stranger.cert),
        client_key: Some(stranger.key),
        ..settings(url("localhost"), Some(authority.ca()))
    })
    .await;
    assert!(said.contains("client certificate"), "{said}");

    // The other protocol's port.
    let plain = broker.amqp_url("%2f");
    let said = why(&with(plain.replace("amqp://", "amqps://"))).await;
    assert!(said.contains("plain AMQP") && said.contains("5671"), "{said}");
    let said = why(&settings(url("localhost").replace("amqps://", "amqp://"), None)).await;
    assert!(said.contains("speaks TLS") && said.contains("amqps://"), "{said}");
}

#[tokio::test]
async fn files_that_hold_no_certificate_are_named() {
    let authority = Authority::new();
    let client = authority.issue("client", "DNS:client");
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "s3cret").unwrap();
    let url = || "amqps://localhost:1".to_owned();
    let missing = folder.path().join("missing.pem");
    let own = |cert: &PathBuf, key: &PathBuf| config::QueueSettings {
        client_cert: Some(cert.clone()),
        client_key: Some(key.clone()),
        ..settings(url(), None)
    };
    for (wrong, setting, file) in [
        (settings(url(), Some(missing.clone())), "ca", &missing),
        (settings(url(), Some(empty.clone())), "ca", &empty),
        (settings(url(), Some(client.key.clone())), "ca", &client.key),
        (own(&empty, &client.key), "client_cert", &empty),
        (own(&client.cert, &empty), "client_key", &empty),
        (own(&client.cert, &client.cert), "client_key", &client.cert),
    ] {
        let said = queue::open(&wrong).await.err().unwrap().to_string();
        assert!(said.starts_with(&format!("[queue] {setting}: {}", shown(file))), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

/// A port of something else: what lapin makes of its bytes says nothing to anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_broker_is_told() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A client that has gone is none of its business. What is not read when it closes would be a reset instead.
            let _ = stream.read_exact(&mut [0; 8]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let said = why(&settings(format!("amqp://guest:guest@127.0.0.1:{port}"), None)).await;
    assert!(said.contains("speaks no AMQP") && said.contains("correct host and port"), "{said}");
}
