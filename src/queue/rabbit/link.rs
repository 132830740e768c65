//! One connection to the first host of the cluster that answers.
//!
//! lapin's own recovery is off: it gives up after some tries, says nothing to consumers, and does not bring
//! back a channel the broker closed. Whoever holds a link opens a new one instead: see
//! [`publisher`](super::publisher) and [`Rabbit::consume`](super::Rabbit).
//!
//! The URLs hold a password: they are kept as secrets and read anew for each connection, and never appear in an
//! error or a log line; hosts are named by their place in `[queue] url`.

use std::{io, time::Duration};

use lapin::{
    Connection, ConnectionProperties, ErrorKind,
    uri::{AMQPScheme, AMQPUri},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::{
    explain::{ended_after_tls, explain, explain_login, of_certificates},
    speaks,
    tls::Tls,
    topology,
};
use crate::{
    config::{self, Topology},
    queue::QueueError,
};

/// Longest time for one host: TCP, TLS, login, declares.
const CONNECT_MS_MAX: Duration = Duration::from_secs(5);

/// What to do where no broker answers.
const NOBODY_THERE: &str = "start RabbitMQ there, or correct host and port of queue.url";

/// Largest frame; a longer body is sent in several. lapin keeps 64 of them in memory for each connection, and
/// RabbitMQ's own 128 KiB would make that 8 MiB.
const FRAME_BYTES_MAX: u32 = 32_768;

/// How to reach the broker.
#[derive(Clone)]
pub(super) struct Hosts {
    urls: Vec<SecretString>,
    heartbeat: u16,
    pub(super) delivery_limit: u16,
    pub(super) topology: Topology,
    tls: Tls,
}

/// What follows on a connection.
#[derive(Clone, Copy)]
enum Then {
    Prepare,
    Nothing,
}

impl Hosts {
    /// Tries to read the URLs, and the certificates they need. The error never quotes them.
    pub(super) fn parse(urls: &[SecretString], settings: &config::QueueSettings) -> Result<Self, QueueError> {
        for (index, url) in urls.iter().enumerate() {
            let read = url.expose_secret().parse::<AMQPUri>();
            read.map_err(|error| QueueError(format!("[queue] url, host {}: {error}", index + 1)))?;
        }
        if urls.is_empty() {
            return Err(QueueError("[queue] url names no host".into()));
        }
        // TLS needs one process-wide provider; an earlier one, as of the partner's client, stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = Tls::of(settings);
        tls.read()?;
        Ok(Self {
            urls: urls.to_vec(),
            heartbeat: settings.heartbeat,
            delivery_limit: settings.delivery_limit,
            topology: settings.topology,
            tls,
        })
    }

    fn uri(&self, index: usize) -> Option<AMQPUri> {
        let url = self.urls.get(index)?.expose_secret();
        let mut uri: AMQPUri = url.parse().ok()?;
        // The parser takes an address in brackets for no host at all, and that for this machine.
        if let Some(address) = bracketed(url) {
            uri.authority.host = address.to_owned();
        }
        // In the URL it would be one more thing to forget; a silent broker is given up after two.
        uri.query.heartbeat = Some(self.heartbeat);
        uri.query.frame_max = Some(FRAME_BYTES_MAX);
        Some(uri)
    }

    /// Where the queues are.
    pub(super) fn vhost(&self) -> String {
        self.uri(0).map(|uri| uri.vhost).unwrap_or_default()
    }

    /// The private CA's certificates, as PEM.
    pub(super) fn ca(&self) -> Result<Option<String>, QueueError> {
        self.tls.ca()
    }

    /// Connects to one host after the other, from `first` on, and prepares the topology. `name` is what the
    /// operator reads in RabbitMQ's list of connections.
    pub(super) async fn connect(&self, name: &str, first: usize) -> Result<Connection, QueueError> {
        self.one_of_all(name, first, Then::Prepare).await
    }

    /// Connects to the first host that takes it, and neither makes nor asks for anything.
    pub(super) async fn look(&self, name: &str) -> Result<Connection, QueueError> {
        self.one_of_all(name, 0, Then::Nothing).await
    }

    async fn one_of_all(&self, name: &str, first: usize, then: Then) -> Result<Connection, QueueError> {
        let mut last = QueueError("[queue] url names no host".into());
        for index in (0..self.urls.len()).map(|step| (first + step) % self.urls.len()) {
            let Some(uri) = self.uri(index) else { continue };
            let why = match timeout(CONNECT_MS_MAX, self.one(uri.clone(), name, then)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(QueueError(why))) => why,
                Err(_) => {
                    let other = other_protocol(&uri).await.map(str::to_owned);
                    other.unwrap_or_else(|| format!("no answer within {CONNECT_MS_MAX:?}; {NOBODY_THERE}"))
                }
            };
            last = QueueError(format!("host {}: {why}", index + 1));
        }
        Err(last)
    }

    async fn one(&self, uri: AMQPUri, name: &str, then: Then) -> Result<Connection, QueueError> {
        let connection = self.open(uri, name).await?;
        match then {
            Then::Prepare => self.prepare(&connection).await?,
            Then::Nothing => {}
        }
        Ok(connection)
    }

    async fn open(&self, uri: AMQPUri, name: &str) -> Result<Connection, QueueError> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| QueueError(error.to_string()))?;
        let tls = self.tls.read()?;
        match Connection::connect_uri_with_config(uri.clone(), properties, tls, runtime).await {
            Ok(connection) => Ok(connection),
            Err(error) => Err(QueueError(reason(&error, &uri).await)),
        }
    }

    /// Makes the topology, or looks whether it is there, on a channel of its own: a refusal closes the channel.
    pub(super) async fn prepare(&self, connection: &Connection) -> Result<(), QueueError> {
        if self.topology == Topology::Verify {
            let missing = topology::missing(connection, self.delivery_limit).await?;
            return match missing.is_empty() {
                true => Ok(()),
                false => Err(topology::lacking(&missing, &self.vhost())),
            };
        }
        let channel = connection.create_channel().await.map_err(|error| QueueError(explain(&error)))?;
        topology::declare(&channel, self.delivery_limit).await?;
        // The broker forgets the channel with the connection; a refused close changes nothing.
        let _ = channel.close(lapin::protocol::constants::REPLY_SUCCESS, "done".into()).await;
        Ok(())
    }
}

/// An IPv6 address between brackets.
fn bracketed(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix('[')?.split_once(']').map(|(address, _)| address)
}

/// Why there is no connection.
async fn reason(error: &lapin::Error, uri: &AMQPUri) -> String {
    if let Some(other) = other_protocol_of(error, uri).await {
        return other.to_owned();
    }
    let said = explain_login(error, &uri.vhost, &uri.authority.userinfo.username);
    match error.kind() {
        ErrorKind::IOError(io) if uri.scheme == AMQPScheme::AMQPS && ENDED.contains(&io.kind()) => {
            format!("cannot connect: {}", ended_after_tls(&said))
        }
        _ if unreached(error) => format!("cannot connect: {said}; {NOBODY_THERE}"),
        _ => format!("cannot connect: {said}"),
    }
}

/// How a connection ends that was there.
const ENDED: [io::ErrorKind; 4] = [
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::UnexpectedEof,
    io::ErrorKind::BrokenPipe,
];

/// Whether neither the broker's words nor a certificate say what is wrong.
fn unreached(error: &lapin::Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(_) => false,
        ErrorKind::IOError(io) => !of_certificates(&io.to_string()),
        _ => true,
    }
}

/// The other protocol, where an error leaves room for it: somebody took the connection.
async fn other_protocol_of(error: &lapin::Error, uri: &AMQPUri) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::IOError(io) if io.kind() == io::ErrorKind::ConnectionRefused => None,
        _ if unreached(error) => other_protocol(uri).await,
        _ => None,
    }
}

/// Whether the host speaks TLS where the URL does not, or the other way round, and what to do then.
async fn other_protocol(uri: &AMQPUri) -> Option<&'static str> {
    let (host, port) = (&uri.authority.host, uri.authority.port);
    match uri.scheme {
        AMQPScheme::AMQP if speaks::tls(host, port).await => {
            Some("this port speaks TLS, and queue.url says amqp: write amqps://")
        }
        AMQPScheme::AMQPS if speaks::plain(host, port).await => Some(
            "this port speaks plain AMQP, and queue.url says amqps: name the TLS port (usually 5671), or write amqp://",
        ),
        AMQPScheme::AMQP | AMQPScheme::AMQPS => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_brackets_is_a_host() {
        let uri = |url: &str| {
            let hosts = Hosts::parse(&[url.to_owned().into()], &config::QueueSettings::default()).unwrap();
            hosts.uri(0).unwrap().authority
        };
        let far = uri("amqps://u:p@[2001:db8::1]:7/x");
        assert_eq!((far.host.as_str(), far.port), ("2001:db8::1", 7));
        assert_eq!(uri("amqp://[::1]").host, "::1");
        assert_eq!(uri("amqp://u:[p]@rabbit/x").host, "rabbit");
    }
}
