//! Contradictions between settings, all in one go. Reaching anything is the business of `daybridge check`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};

use super::{CALL_TIMEOUT_MAX, ledger_url};
use super::{
    Config, PartnerSettings, QueueUrl, Source, Worker, days,
    preset::{
        events::{Kind, Means, On},
        signature::Part,
    },
    source::Proof,
};
use crate::domain::settle::PROBE_AHEAD_MS_MAX;
use crate::{envelope::WORD_BYTES_MAX, outbound};

/// Longest and shortest `backfill_every`: it must stay well below the time for which a provider lists events.
const BACKFILL_EVERY: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

/// Longest and shortest `backfill_sweep`; Stripe lists the events of 30 days.
const BACKFILL_SWEEP: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 86_400);

/// Everything that does not fit together, a sentence each.
pub fn contradictions(config: &Config) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut refuse = |bad: bool, text: String| {
        if bad {
            wrong.push(text);
        }
    };
    partner(&config.partner, &mut refuse);
    receiver(config, &mut refuse);
    broker_and_probe(config, &mut refuse);
    transport(config, &mut refuse);
    worker(&config.worker, &mut refuse);
    config.allocation_wrong(&mut refuse);
    config.balance_wrong(&mut refuse);
    config.console.contradictions(&config.server.trusted_proxies, &mut wrong);
    if let Err(why) = config.comment() {
        wrong.push(format!("partner.comment {why}"));
    }
    for (name, source) in &config.sources {
        one_source(name, source, &mut wrong);
    }
    shared_realms(config, &mut wrong);
    wrong
}

fn partner(partner: &PartnerSettings, refuse: &mut impl FnMut(bool, String)) {
    refuse(
        partner.settle_window <= partner.call_timeout,
        format!(
            "partner.settle_window ({}) must exceed partner.call_timeout ({}): a call in flight must not be taken for unmoved",
            humantime::format_duration(partner.settle_window),
            humantime::format_duration(partner.call_timeout)
        ),
    );
    refuse(
        partner.call_timeout.is_zero() || partner.call_timeout > CALL_TIMEOUT_MAX,
        format!("partner.call_timeout must be between 1ms and {CALL_TIMEOUT_MAX:?}"),
    );
    refuse(partner.calls_per_second_max == 0, "partner.calls_per_second_max must be at least 1".into());
    refuse(partner.account.is_empty(), "partner.account must not be empty".into());
}

/// How much it takes, whom it believes, and that it shares no address with the console.
fn receiver(config: &Config, refuse: &mut impl FnMut(bool, String)) {
    let server = &config.server;
    refuse(server.max_body_bytes == 0, "server.max_body_bytes must be at least 1".into());
    refuse(
        server.bodies_bytes_max < server.max_body_bytes.saturating_mul(2),
        format!(
            "server.bodies_bytes_max ({}) must be at least twice server.max_body_bytes ({})",
            server.bodies_bytes_max, server.max_body_bytes
        ),
    );
    refuse(server.threads == 0, "server.threads must be at least 1".into());
    for proxy in &server.trusted_proxies {
        refuse(
            proxy.parse::<std::net::IpAddr>().is_err() && proxy.parse::<ipnet::IpNet>().is_err(),
            format!(
                "server.trusted_proxies: {proxy:?} is neither an address nor a network such as 10.0.0.0/8"
            ),
        );
    }
    refuse(
        config.console.listen == server.listen,
        format!("console.listen and server.listen are both {}; the console is never public", server.listen),
    );
}

fn broker_and_probe(config: &Config, refuse: &mut impl FnMut(bool, String)) {
    let queue = &config.queue;
    refuse(queue.prefetch == 0, "queue.prefetch must be at least 1".into());
    refuse(queue.in_flight_max == 0, "queue.in_flight_max must be at least 1".into());
    refuse(
        config.worker.account_probe.as_millis() > u128::from(PROBE_AHEAD_MS_MAX.unsigned_abs()),
        "worker.account_probe must be at most 1day".into(),
    );
    refuse(
        queue.management_url.as_ref().is_some_and(|url| url.begins_otherwise("http")),
        "queue.management_url must begin with http:// or https://".into(),
    );
}

fn worker(worker: &Worker, refuse: &mut impl FnMut(bool, String)) {
    refuse(worker.channels_max == 0, "worker.channels_max must be at least 1".into());
    refuse(worker.intake_max == 0, "worker.intake_max must be at least 1".into());
    refuse(worker.poll < Duration::from_millis(10), "worker.poll must be at least 10ms".into());
    refuse(
        worker.fetch_again < Duration::from_millis(100),
        "worker.fetch_again must be at least 100ms".into(),
    );
}

/// What stands between us and broker, ledger and the world. A secret that cannot be read is skipped: only the role that
/// needs it says so.
fn transport(config: &Config, refuse: &mut impl FnMut(bool, String)) {
    let queue = &config.queue;
    let tls = match &queue.url {
        QueueUrl::Amqp(urls) => urls.iter().any(|url| url.expose_secret().starts_with("amqps://")),
        QueueUrl::Embedded(_) => false,
    };
    let management = queue.management_url.as_ref().is_some_and(|url| !url.begins_otherwise("https"));
    refuse(
        queue.client_cert.is_some() != queue.client_key.is_some(),
        "queue.client_cert and queue.client_key belong together: set both".into(),
    );
    refuse(
        queue.client_cert.is_some() && !tls || queue.ca.is_some() && !tls && !management,
        "queue.ca, queue.client_cert and queue.client_key are for TLS, and queue.url is not amqps://: nothing would be \
         encrypted"
            .into(),
    );
    if let Some(proxy) = &config.outbound.proxy
        && proxy.resolve().is_ok()
        && let Err(why) = outbound::proxy::address(proxy)
    {
        refuse(true, why);
    }
    if let Ok(url) = config.ledger.url.resolve()
        && let Err(why) = ledger_url::check(url.expose_secret(), &config.ledger)
    {
        refuse(true, format!("ledger.url {why}"));
    }
}

/// What sources of one provider account must have in common: a payment of it is weighed by the rules of whichever source
/// brought the event.
fn shared_realms(config: &Config, wrong: &mut Vec<String>) {
    let mut first: BTreeMap<&str, (&str, &Source)> = BTreeMap::new();
    let mut asking: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, source) in &config.sources {
        let realm = source.realm(name);
        let (other, like) = *first.entry(realm).or_insert((name, source));
        if like.livemode != source.livemode {
            wrong.push(format!(
                "sources {other} and {name} share the realm {realm:?} but take different modes; give the test source a realm of its own"
            ));
        }
        if like.money_in != source.money_in {
            wrong.push(format!(
                "sources {other} and {name} share the realm {realm:?} but have different money_in ({:?} and {:?}): one account's money is counted by one family, or its payments are held and nothing can grant them; give both the same, or, if they are two accounts, each a realm of its own",
                like.money_in.as_str(),
                source.money_in.as_str()
            ));
        }
        if source.lists_events()
            && let Some(other) = asking.insert(realm, name)
        {
            wrong.push(format!(
                "sources {other} and {name} share the realm {realm:?} and both have an api_key: one asks for all events of the account; leave the other out"
            ));
        }
    }
    shared_secrets(config, wrong);
}

/// One secret in two realms: whoever captures a request sends it to both, and its payment counts in each. What cannot be
/// read is skipped: only who receives needs the secrets, and says so when it starts.
fn shared_secrets(config: &Config, wrong: &mut Vec<String>) {
    let resolved = |source: &Source| -> Vec<SecretString> {
        source.secrets.iter().filter_map(|secret| secret.resolve().ok()).collect()
    };
    let read: Vec<_> = config.sources.iter().map(|(name, source)| (name, source, resolved(source))).collect();
    for (index, (name, source, secrets)) in read.iter().enumerate() {
        for (other, another, theirs) in read.iter().take(index) {
            let alike = source.provider == another.provider
                || (source.signature.header.is_some() && source.signature.header == another.signature.header);
            let apart = source.realm(name) != another.realm(other);
            let same =
                |one: &SecretString| theirs.iter().any(|two| one.expose_secret() == two.expose_secret());
            if alike && apart && secrets.iter().any(same) {
                wrong.push(format!(
                    "sources {other} and {name} have a secret in common, but different realms: what is sent to one is valid at the other, and its days would move twice; if both are of one account, give them one realm, else each its own secret"
                ));
            }
        }
    }
}

fn one_source(name: &str, source: &Source, wrong: &mut Vec<String>) {
    let mut refuse = |bad: bool, text: &str| {
        if bad {
            wrong.push(format!("sources.{name}{text}"));
        }
    };
    can_start(name, source, &mut refuse);
    channel_and_price(source, &mut refuse);
    provider(source, &mut refuse);
    believed(source, &mut refuse);
    days::bought(source, &mut refuse);
    refuse(!BACKFILL_EVERY.contains(&source.backfill_every), ".backfill_every must be between 1s and 1day");
    refuse(!BACKFILL_SWEEP.contains(&source.backfill_sweep), ".backfill_sweep must be between 1m and 30days");
}

/// A name for its path, a realm, a secret, and limits that let something through.
fn can_start(name: &str, source: &Source, refuse: &mut impl FnMut(bool, &str)) {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    refuse(
        name.is_empty() || name.len() > WORD_BYTES_MAX || !plain(name),
        ": a source's name stands in its path; use letters, digits, - and _",
    );
    refuse(source.realm(name).is_empty(), ".realm must not be empty");
    refuse(
        source.secrets.is_empty(),
        ".secrets is empty: a source without a secret does not start; set secrets = [{ env = \"…\" }]",
    );
    refuse(source.tolerance.is_zero(), ".tolerance must be more than 0s");
    refuse(source.days_max == 0, ".days_max must be at least 1");
}

/// Where a payment names its channel and its days, and what a day costs.
fn channel_and_price(source: &Source, refuse: &mut impl FnMut(bool, &str)) {
    for pointer in source.channel.iter().chain(source.days.iter()) {
        refuse(!pointer.starts_with('/'), &format!(": {pointer:?} is not a JSON pointer; it begins with /"));
    }
    refuse(
        source.channel.is_empty(),
        ".channel is empty: no payment could name its channel; set JSON pointers to it",
    );
    refuse(source.per_day.as_ref().is_some_and(|p| p.amount <= 0), ".per_day.amount must be at least 1");
    refuse(
        source.per_day.as_ref().is_some_and(|p| p.currency.chars().any(|c| !c.is_ascii_lowercase())),
        ".per_day.currency must be lower-case, such as \"usd\"",
    );
}

/// Where its API is, how it signs, and what its events mean.
fn provider(source: &Source, refuse: &mut impl FnMut(bool, &str)) {
    let asks = source.fetch.is_some() || source.api_key.is_some();
    if asks && let Err(why) = outbound::address::base_url(&source.api_base, ".api_base") {
        refuse(true, &why.to_string());
    }
    for why in source.signature.contradictions().iter().chain(&source.events.contradictions()) {
        refuse(true, why);
    }
    let families: Vec<&str> = source.events.families().collect();
    let money_in = source.money_in.as_str();
    refuse(
        !families.contains(&money_in),
        &format!(".money_in = {money_in:?} is none of this provider's: {}", families.join(", ")),
    );
    refuse(
        source.public_url.is_none() && source.signature.signed.0.contains(&Part::Url),
        ".public_url is missing: the provider signs the address that it calls, as it stands in its settings",
    );
    if let Kind::Header(name) = &source.events.kind {
        refuse(
            !source.signature.signed.0.contains(&Part::Header(name.clone())),
            ".events.type stands in a header that is not signed, so anybody could change it: use a place in the body",
        );
    }
}

/// What is read must be proved: by the MAC over the body, by the MAC over the very places, or by the provider's API.
fn believed(source: &Source, refuse: &mut impl FnMut(bool, &str)) {
    // Whatever an event of this type says, the API is asked.
    let asked = |kind: &String| {
        let from = source.fetch.iter().flat_map(|fetch| &fetch.from);
        from.filter(|from| from.when.is_empty())
            .any(|from| from.types.is_empty() || from.types.contains(kind))
    };
    let counting = || source.events.on.iter().filter(|on| !matches!(on.means, Means::Ignored | Means::Held));
    let unasked: BTreeSet<&String> =
        counting().flat_map(|on| &on.types).filter(|kind| !asked(kind)).collect();
    let keyless = source.api_key.is_none();
    match source.proof() {
        Proof::SignedWithTime | Proof::Signed => {
            let grants = |on: &&On| on.means == Means::MoneyIn && on.family() == source.money_in.as_str();
            refuse(
                keyless && counting().filter(grants).any(|on| on.types.iter().any(asked)),
                ".api_key is missing: the event only names a payment; what was paid is asked for at the provider's API",
            );
        }
        Proof::Fetched => {
            for kind in unasked {
                refuse(
                    true,
                    &format!(
                        ".signature does not cover the body: what {kind} says must be asked for at the provider's API, by a `from` of [fetch] without `when`"
                    ),
                );
            }
            refuse(
                keyless,
                ".api_key is missing: nothing that this provider sends is believed before its API was asked",
            );
            refuse(
                source.events.account.is_some(),
                ".events.account is not under the signature: the same payment would count once for each account that a caller names",
            );
        }
        Proof::SignedInPart => {
            let signed: Vec<&str> = source.signature.fields().map(|field| &**field).collect();
            let custom = source.channel.iter().chain(source.days.iter());
            let custom = custom.map(|pointer| format!("{}{pointer}", &*source.events.object));
            for pointer in source.events.decisive().into_iter().chain(custom) {
                refuse(
                    !unasked.is_empty() && !signed.contains(&&*pointer),
                    &format!(": {pointer:?} is not under the signature; use one of {}", signed.join(", ")),
                );
            }
            refuse(
                keyless && counting().flat_map(|on| &on.types).any(asked),
                ".api_key is missing: some of what is sent is not believed before the provider's API was asked",
            );
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
