//! One connection to the first host of the cluster that answers.
//!
//! lapin's own recovery is off: it gives up after some tries, says nothing to consumers, and does not bring
//! back a channel the broker closed. Whoever holds a link opens a new one instead: see
//! [`publisher`](super::publisher) and [`Rabbit::consume`](super::Rabbit).
//!
//! The URLs hold a password: they are kept as secrets and read anew for each connection, and never appear in an
//! error or a log line; hosts are named by their place in `[queue] url`.

use std::time::Duration;

use lapin::{Connection, ConnectionProperties, ErrorKind, uri::AMQPUri};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::topology;
use crate::{config, queue::QueueError};

/// Longest time for one host: TCP, TLS, login, declares.
const CONNECT_MS_MAX: Duration = Duration::from_secs(5);

/// Largest frame; a longer body is sent in several. lapin keeps 64 of them in memory for each connection, and
/// RabbitMQ's own 128 KiB would make that 8 MiB.
const FRAME_BYTES_MAX: u32 = 32_768;

/// How to reach the broker.
#[derive(Clone)]
pub(super) struct Hosts {
    urls: Vec<SecretString>,
    heartbeat: u16,
    delivery_limit: u16,
}

impl Hosts {
    /// Tries to read the URLs. The error never quotes them.
    pub(super) fn parse(urls: &[SecretString], settings: &config::Queue) -> Result<Self, QueueError> {
        for (index, url) in urls.iter().enumerate() {
            let read = url.expose_secret().parse::<AMQPUri>();
            read.map_err(|error| QueueError(format!("[queue] url, host {}: {error}", index + 1)))?;
        }
        if urls.is_empty() {
            return Err(QueueError("[queue] url names no host".into()));
        }
        // TLS needs one process-wide provider; an earlier one, as of the partner's client, stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            urls: urls.to_vec(),
            heartbeat: settings.heartbeat,
            delivery_limit: settings.delivery_limit,
        })
    }

    fn uri(&self, index: usize) -> Option<AMQPUri> {
        let mut uri: AMQPUri = self.urls.get(index)?.expose_secret().parse().ok()?;
        // In the URL it would be one more thing to forget; a silent broker is given up after two.
        uri.query.heartbeat = Some(self.heartbeat);
        uri.query.frame_max = Some(FRAME_BYTES_MAX);
        Some(uri)
    }

    /// Where the queues are.
    pub(super) fn vhost(&self) -> String {
        self.uri(0).map(|uri| uri.vhost).unwrap_or_default()
    }

    /// Connects to one host after the other, from `first` on, and declares the topology. `name` is what the
    /// operator reads in RabbitMQ's list of connections.
    pub(super) async fn connect(&self, name: &str, first: usize) -> Result<Connection, QueueError> {
        let mut last = QueueError("[queue] url names no host".into());
        for index in (0..self.urls.len()).map(|step| (first + step) % self.urls.len()) {
            let Some(uri) = self.uri(index) else { continue };
            match timeout(CONNECT_MS_MAX, self.connect_one(uri, name)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(QueueError(why))) => last = QueueError(format!("host {}: {why}", index + 1)),
                Err(_) => {
                    last = QueueError(format!("host {}: no answer within {CONNECT_MS_MAX:?}", index + 1));
                }
            }
        }
        Err(last)
    }

    async fn connect_one(&self, uri: AMQPUri, name: &str) -> Result<Connection, QueueError> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = Connection::connect_uri(uri, properties)
            .await
            .map_err(|error| QueueError(format!("cannot connect: {}", explain(&error))))?;
        self.declare(&connection).await?;
        Ok(connection)
    }

    /// Declares the topology on a channel of its own: a refusal closes the channel.
    pub(super) async fn declare(&self, connection: &Connection) -> Result<(), QueueError> {
        let channel = connection.create_channel().await.map_err(|error| QueueError(explain(&error)))?;
        topology::declare(&channel, self.delivery_limit).await?;
        // The broker forgets the channel with the connection; a refused close changes nothing.
        let _ = channel.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into()).await;
        Ok(())
    }
}

/// The reason in words an operator can act on.
pub(super) fn explain(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(amqp) if amqp.get_id() == 403 => {
            format!("access refused; check user, password and permissions ({})", amqp.get_message())
        }
        ErrorKind::ProtocolError(amqp) => amqp.get_message().to_string(),
        ErrorKind::IOError(io) => io.to_string(),
        _ => error.to_string(),
    }
}
