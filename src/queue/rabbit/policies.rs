//! What an administrator's policies make of our queues. A policy on `.*` lies over the arguments a queue was declared with:
//! a `message-ttl` or a `max-length` that drops the oldest lose messages that were confirmed. AMQP does not tell;
//! the management API does.

use std::time::Duration;

use reqwest::{Certificate, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{names, topology};
use crate::{
    config::Secret,
    outbound,
    queue::{Lane, Policies, QueueError},
};

/// Longest time for one answer of the management API.
const ANSWER_MS_MAX: Duration = Duration::from_secs(3);

/// Longest answer about one queue, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// What the API tells of a queue; some versions write no definition as `[]`.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    effective_policy_definition: Value,
    #[serde(default)]
    arguments: Value,
}

/// A policy that takes our queues from any other of the users; nothing helps against an operator policy.
fn shield(vhost: &str) -> String {
    format!(
        "rabbitmqctl set_policy -p {vhost} daybridge '^daybridge' '{{\"overflow\":\"reject-publish\"}}' \
         --priority 1000 --apply-to queues"
    )
}

/// Looks at the policies in force on each of our queues, where the API's address is known.
pub(super) async fn look(
    management: Option<&Secret>,
    ca: Option<&str>,
    vhost: &str,
) -> Result<Policies, QueueError> {
    let shield = shield(vhost);
    let Some(management) = management else { return Ok(Policies::Unseen { shield }) };
    let failed = |why: String| QueueError(format!("[queue] management_url: {why}"));
    let base = management.resolve().map_err(failed)?;
    // Not repeated: it holds a password.
    let base = Url::parse(base.expose_secret()).map_err(|_| failed("is not a URL".into()))?;
    let mut losses = Vec::new();
    for lane in [Lane::Events, Lane::Dead, Lane::Unroutable] {
        let queue = topology::queue(lane);
        let told = told(&base, ca, vhost, queue).await.map_err(failed)?;
        let (policy, arguments) = (object(told.effective_policy_definition), object(told.arguments));
        losses.extend(of_queue(queue, &policy, &arguments));
        losses.extend(as_made(queue, &told.kind, &policy, &arguments));
    }
    Ok(Policies::Seen { losses, shield })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

async fn told(base: &Url, ca: Option<&str>, vhost: &str, queue: &str) -> Result<Told, String> {
    let mut url = base.clone();
    let unusable = |()| "cannot be a base; it is http://user:password@host:15672".to_owned();
    url.set_username("").map_err(unusable)?;
    url.set_password(None).map_err(unusable)?;
    url.path_segments_mut().map_err(unusable)?.pop_if_empty().extend(["api", "queues", vhost, queue]);
    let mut client = outbound::builder(&url, ANSWER_MS_MAX);
    if let Some(ca) = ca {
        let ca = Certificate::from_pem_bundle(ca.as_bytes()).map_err(|_| "[queue] ca cannot be used")?;
        client = client.tls_certs_merge(ca);
    }
    let client = outbound::finish(client, None).map_err(|error| error.to_string())?;
    let password = base.password().map(decoded);
    let request = client.get(url).basic_auth(decoded(base.username()), password.as_deref());
    let told = |error| outbound::tell(error, ANSWER_MS_MAX, password.as_deref().unwrap_or_default());
    let mut answer = request.send().await.map_err(told)?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err("user or password refused: the user needs the tag `monitoring`".into());
        }
        StatusCode::NOT_FOUND => return Err(format!("it knows no queue {queue} in the vhost {vhost}")),
        other => return Err(format!("it answers {other}")),
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(told)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err("its answer is too long; is this RabbitMQ's management API?".into());
        }
    }
    serde_json::from_slice(&body).map_err(|_| "its answer is not RabbitMQ's management API's".into())
}

/// A user or password as it was before it stood in a URL.
fn decoded(part: &str) -> String {
    let pair = format!("v={}", part.replace('+', "%2B"));
    let value = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    value.unwrap_or_default()
}

/// How the policies in force lose messages of a queue, a sentence each.
fn of_queue(queue: &str, policy: &Map<String, Value>, arguments: &Map<String, Value>) -> Vec<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let overflow = text(policy.get("overflow")).or(text(arguments.get("x-overflow")));
    let drops = overflow.as_deref() != Some("reject-publish");
    let mut losses = Vec::new();
    for (key, what) in [
        ("message-ttl", "accepted messages expire after that many ms"),
        ("expires", "the queue is deleted, with its messages, after that many ms without a worker"),
        ("max-length", "the oldest are dropped beyond that many"),
        ("max-length-bytes", "the oldest are dropped beyond that many bytes"),
    ] {
        if let Some(value) = policy.get(key)
            && (drops || !key.starts_with("max-length"))
        {
            losses.push(format!("{queue}: {key} = {value} by policy: {what}"));
        }
    }
    if policy.get("overflow").is_some() && drops {
        losses.push(format!(
            "{queue}: overflow by policy: dead letters are moved at most once, and may be lost"
        ));
    }
    losses
}

/// How a queue that somebody else made loses messages, where its arguments and policies are not ours.
fn as_made(
    queue: &str,
    kind: &str,
    policy: &Map<String, Value>,
    arguments: &Map<String, Value>,
) -> Vec<String> {
    let mut losses = Vec::new();
    if kind != "quorum" {
        losses.push(format!(
            "{queue}: it is no quorum queue: a confirm does not mean that the message is on the disk"
        ));
    }
    if queue == names::DEAD {
        return losses;
    }
    for (key, want) in [("dead-letter-exchange", names::DEAD), ("dead-letter-strategy", "at-least-once")] {
        let found = policy.get(key).or_else(|| arguments.get(&format!("x-{key}")));
        if found.and_then(Value::as_str) != Some(want) {
            losses.push(format!("{queue}: {key} is not {want}: what cannot be worked on may be lost"));
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loses_is_told() {
        let map = |text: &str| object(serde_json::from_str(text).unwrap());
        let ours = map(r#"{"x-overflow":"reject-publish"}"#);
        for (policy, arguments, want) in [
            ("{}", &ours, 0),
            ("[]", &ours, 0),
            (r#"{"overflow":"reject-publish"}"#, &ours, 0),
            (r#"{"max-length":10}"#, &ours, 0),
            (r#"{"max-length":10}"#, &Map::new(), 1),
            (r#"{"max-length":10,"overflow":"drop-head"}"#, &ours, 2),
            (r#"{"max-length-bytes":10,"overflow":"reject-publish"}"#, &Map::new(), 0),
            (r#"{"message-ttl":100,"overflow":"reject-publish"}"#, &ours, 1),
            (r#"{"expires":100}"#, &ours, 1),
        ] {
            assert_eq!(of_queue("q", &map(policy), arguments).len(), want, "{policy}");
        }
        let made =
            map(r#"{"x-dead-letter-exchange":"daybridge.dead","x-dead-letter-strategy":"at-least-once"}"#);
        for (queue, kind, policy, arguments, want) in [
            ("daybridge.events", "quorum", "{}", &made, 0),
            ("daybridge.events", "classic", "{}", &made, 1),
            ("daybridge.events", "quorum", "{}", &ours, 2),
            ("daybridge.events", "quorum", r#"{"dead-letter-exchange":"theirs"}"#, &made, 1),
            ("daybridge.dead", "quorum", "{}", &ours, 0),
        ] {
            assert_eq!(as_made(queue, kind, &map(policy), arguments).len(), want, "{queue} {policy}");
        }
        assert_eq!(decoded("p%40ss+w%2Bord"), "p@ss+w+ord");
    }
}
