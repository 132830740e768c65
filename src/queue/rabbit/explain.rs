//! What lapin and the broker say, in words that an operator can act on.

use lapin::{ErrorKind, protocol::AMQPError};

use super::names;
use crate::{outbound::certificates, queue::QueueError};

/// Reply codes of the broker.
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// The rights that suffice, as `rabbitmqctl set_permissions` takes them.
const RIGHTS: &str = r"'^daybridge(\..*)?$' '^daybridge(\..*)?$' '^daybridge(\..*)?$'";

/// How a private CA and a certificate of our own are named here.
const CA: &str = "set [queue] ca to its CA's PEM file";
const OWN: &str = "set [queue] client_cert and client_key";

/// The reason in words an operator can act on.
pub(super) fn explain(error: &lapin::Error) -> String {
    explain_login(error, "VHOST", "USER")
}

/// The same for a login: the broker does not name vhost and user in all its refusals.
pub(super) fn explain_login(error: &lapin::Error, vhost: &str, user: &str) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(amqp) => refused(amqp, vhost, user),
        ErrorKind::IOError(io) => {
            let said = io.to_string();
            match certificates::advice(&said, CA, OWN) {
                Some(advice) => format!("{said}; {advice}"),
                None => said,
            }
        }
        ErrorKind::ParsingError(_) => "what answers there speaks no AMQP".into(),
        _ => error.to_string(),
    }
}

/// Whether a text is about certificates.
pub(super) fn of_certificates(said: &str) -> bool {
    certificates::advice(said, CA, OWN).is_some()
}

/// A connection that the broker ended behind the TLS greeting: the alert that says why may be lost on the way.
pub(super) fn ended_after_tls(said: &str) -> String {
    format!(
        "{said} after the TLS greeting; where the broker asks for a client certificate of a CA that it trusts, {OWN}"
    )
}

fn refused(amqp: &AMQPError, vhost: &str, user: &str) -> String {
    let said = amqp.get_message().as_str();
    match amqp.get_id() {
        ACCESS_REFUSED if said.contains(" access to ") || said.contains("- access") => {
            format!("access refused ({said}): as an administrator {}", grant(said, vhost, user))
        }
        ACCESS_REFUSED => format!("access refused; check user, password and permissions ({said})"),
        NOT_ALLOWED => format!(
            "the vhost is not there, or not for this user ({said}): correct queue.url, or as an administrator \
             `rabbitmqctl add_vhost {vhost}`, then {}",
            grant(said, vhost, user)
        ),
        _ => said.to_owned(),
    }
}

/// The command that gives the rights that suffice.
fn grant(said: &str, vhost: &str, user: &str) -> String {
    let vhost = named(said, "vhost ").unwrap_or(vhost);
    let user = named(said, "user ").unwrap_or(user);
    format!("`rabbitmqctl set_permissions -p {vhost} {user} {RIGHTS}`")
}

/// A name that the broker quotes behind this word.
fn named<'a>(said: &'a str, word: &str) -> Option<&'a str> {
    said.split_once(&format!("{word}'"))?.1.split('\'').next()
}

/// What to do about an exchange, a queue or a binding that the broker refused.
pub(super) fn not_declared(what: &str, name: &str, error: &lapin::Error) -> QueueError {
    let ErrorKind::ProtocolError(amqp) = error.kind() else {
        return QueueError(format!("{what} {name} cannot be declared: {}", explain(error)));
    };
    let said = amqp.get_message().as_str();
    if amqp.get_id() == ACCESS_REFUSED {
        return QueueError(format!(
            "this user may not make {what} {name} ({said}): as an administrator {}, or let the administrator make what is \
             needed (deploy/docs/managed.md) and set [queue] topology = \"verify\"",
            grant(said, "VHOST", "USER")
        ));
    }
    if amqp.get_id() != PRECONDITION_FAILED {
        return QueueError(format!("{what} {name} cannot be declared: {}", explain(error)));
    }
    let vhost = named(said, "vhost ").unwrap_or("VHOST");
    let mend = match there(said, "x-delivery-limit") {
        // That of the dead queue is not the settings'.
        Some(limit) if name != names::DEAD => format!("set [queue] delivery_limit = {limit}"),
        _ if what == "queue" => format!(
            "let `daybridge work` empty it (`rabbitmqctl list_queues -p {vhost} name messages`), then `rabbitmqctl \
             delete_queue -p {vhost} {name}`; daybridge makes it again at once"
        ),
        _ => format!(
            "delete it (in RabbitMQ's management pages: Exchanges, {name}, Delete); daybridge makes it again at once, \
             and answers 503 meanwhile"
        ),
    };
    QueueError(format!(
        "{what} {name} is on the broker with other settings than daybridge needs ({said}): {mend}"
    ))
}

/// The number that an argument has on the broker, by the broker's own words.
fn there<'a>(said: &'a str, argument: &str) -> Option<&'a str> {
    let rest = said.split_once(&format!("'{argument}'"))?.1.split_once("current is '")?.1;
    rest.split('\'').next().filter(|value| value.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_names_is_read() {
        let said = "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'daybridge.events' in vhost 't0': \
                    received '3' but current is '2'";
        assert_eq!(there(said, "x-delivery-limit"), Some("2"));
        assert_eq!(there(said, "x-queue-type"), None);
        assert_eq!(there(&said.replace("is '2'", "is none"), "x-delivery-limit"), None);
        assert_eq!((named(said, "vhost "), named(said, "user ")), (Some("t0"), None));
    }
}
