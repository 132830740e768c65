//! Contradictions between settings, all in one go. Reaching anything is the business of `daybridge check`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Config, Source,
    preset::{
        events::{Kind, Means, On},
        signature::Part,
    },
    source::Proof,
};
use crate::{
    domain::id::{CommentTemplate, realm_bytes},
    envelope::WORD_BYTES_MAX,
    ledger::PROBE_AHEAD_MS_MAX,
    outbound,
    partner::CALL_TIMEOUT_MAX,
};

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
    let partner = &config.partner;
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
    refuse(config.server.max_body_bytes == 0, "server.max_body_bytes must be at least 1".into());
    refuse(config.server.threads == 0, "server.threads must be at least 1".into());
    for proxy in &config.server.trusted_proxies {
        refuse(
            proxy.parse::<std::net::IpAddr>().is_err() && proxy.parse::<ipnet::IpNet>().is_err(),
            format!(
                "server.trusted_proxies: {proxy:?} is neither an address nor a network such as 10.0.0.0/8"
            ),
        );
    }
    refuse(
        config.console.listen == config.server.listen,
        format!(
            "console.listen and server.listen are both {}; the console is never public",
            config.server.listen
        ),
    );
    refuse(config.queue.prefetch == 0, "queue.prefetch must be at least 1".into());
    refuse(config.queue.in_flight_max == 0, "queue.in_flight_max must be at least 1".into());
    refuse(
        config.worker.account_probe.as_millis() > u128::from(PROBE_AHEAD_MS_MAX.unsigned_abs()),
        "worker.account_probe must be at most 1day".into(),
    );
    refuse(
        config.queue.management_url.as_ref().is_some_and(|url| url.begins_otherwise("http")),
        "queue.management_url must begin with http:// or https://".into(),
    );
    refuse(config.worker.channels_max == 0, "worker.channels_max must be at least 1".into());
    refuse(config.worker.intake_max == 0, "worker.intake_max must be at least 1".into());
    refuse(config.worker.poll < Duration::from_millis(10), "worker.poll must be at least 10ms".into());
    refuse(
        config.worker.fetch_again < Duration::from_millis(100),
        "worker.fetch_again must be at least 100ms".into(),
    );

    config.console.contradictions(&config.server.trusted_proxies, &mut wrong);
    let realms: Vec<&str> = config.sources.iter().map(|(name, source)| source.realm(name)).collect();
    let realm_bytes = realms.iter().map(|realm| realm_bytes(realm)).max().unwrap_or(0);
    let days_max = config.sources.values().map(|s| s.days_max).max().unwrap_or(0);
    if let Err(why) = CommentTemplate::parse(&partner.comment, realm_bytes, days_max) {
        wrong.push(format!("partner.comment {why}"));
    }
    for (name, source) in &config.sources {
        one_source(name, source, &mut wrong);
    }
    shared_realms(config, &mut wrong);
    wrong
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
    for pointer in source.channel.iter().chain(&source.days) {
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
    let asks = source.fetch.is_some() || source.api_key.is_some();
    if asks && let Err(why) = outbound::address::base_url(&source.api_base, ".api_base") {
        refuse(true, &why.to_string());
    }
    for why in source.signature.contradictions().iter().chain(&source.events.contradictions()) {
        refuse(true, why);
    }
    let families: Vec<&str> = source.events.families().collect();
    refuse(
        !families.contains(&source.money_in.as_str()),
        &format!(
            ".money_in = {:?} is none of this provider's: {}",
            source.money_in.as_str(),
            families.join(", ")
        ),
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
    believed(source, &mut refuse);

    refuse(!BACKFILL_EVERY.contains(&source.backfill_every), ".backfill_every must be between 1s and 1day");
    refuse(!BACKFILL_SWEEP.contains(&source.backfill_sweep), ".backfill_sweep must be between 1m and 30days");
    for (index, price) in source.prices.iter().enumerate() {
        refuse(price.days == 0, &format!(".prices: {} has 0 days", price.price));
        refuse(
            source.prices.iter().take(index).any(|p| p.price == price.price),
            &format!(".prices: {} stands there twice", price.price),
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
            let custom = source.channel.iter().chain(&source.days);
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
mod tests {
    use super::*;

    #[test]
    fn all_contradictions_in_one_go() {
        let text = r#"
            [server]
            listen = "127.0.0.1:8081"
            [partner]
            call_timeout = "30s"
            settle_window = "10s"
            comment = "no key"
            [sources.live]
            provider = "stripe"
            realm = "acme"
            secrets = ["s"]
            [sources.test]
            provider = "stripe"
            realm = "acme"
            livemode = false
        "#;
        let config = crate::config::load::parse(text, Vec::new()).unwrap();
        let wrong = contradictions(&config);
        for part in ["settle_window", "console.listen", "{key}", "test.secrets is empty", "share the realm"] {
            assert!(wrong.iter().any(|w| w.contains(part)), "{part} not in {wrong:?}");
        }
        assert_eq!(wrong.len(), 5, "{wrong:?}");
    }

    /// A realm was measured as it is written, and a comment could grow too long by its percent signs.
    #[test]
    fn a_realm_counts_as_long_as_it_is_in_a_key() {
        let wrong = |realm: &str| {
            let text = format!("[sources.s]\nprovider = \"stripe\"\nsecrets = [\"s\"]\nrealm = \"{realm}\"");
            contradictions(&crate::config::load::parse(&text, Vec::new()).unwrap())
        };
        assert_eq!(wrong("sixteen-letters."), Vec::<String>::new());
        assert!(wrong("üüüü")[0].contains("can grow to 10"), "{:?}", wrong("üüüü"));
    }

    #[test]
    fn a_key_goes_to_the_provider_only_and_one_source_asks() {
        let text = |more: &str| {
            let one = |name: &str| {
                format!(
                    "[sources.{name}]\nprovider = \"stripe\"\nrealm = \"acme\"\nsecrets = [\"s\"]\napi_key = \"k\"\n{more}\n"
                )
            };
            one("a") + one("b").as_str()
        };
        let wrong =
            |more: &str| contradictions(&crate::config::load::parse(&text(more), Vec::new()).unwrap());
        let key = "provider = \"mollie-classic\"\nrealm = \"m\"\nsecrets = [\"s\"]\napi_key = \"k\"\n";
        let two = format!("[sources.a]\n{key}[sources.b]\n{key}");
        let two = contradictions(&crate::config::load::parse(&two, Vec::new()).unwrap());
        assert_eq!(two, Vec::<String>::new(), "two endpoints of an account that fetch");
        let shared = wrong("api_base = \"http://127.0.0.1:1\"");
        assert!(shared.len() == 1 && shared[0].contains("both have an api_key"), "{shared:?}");
        for (bad, want) in [
            ("api_base = \"http://api.example.org\"", "sources.a.api_base must be https"),
            ("api_base = \"x\"", "sources.a.api_base is not a URL"),
            ("backfill_every = \"10ms\"", "sources.a.backfill_every"),
            ("backfill_every = \"2days\"", "sources.a.backfill_every"),
            ("backfill_sweep = \"31days\"", "sources.a.backfill_sweep"),
        ] {
            assert!(wrong(bad).iter().any(|w| w.contains(want)), "{bad}: {:?}", wrong(bad));
        }
    }

    /// The second held what no command could grant, for its family never was the one that counts.
    #[test]
    fn sources_of_a_realm_count_one_family() {
        let text = |sources: &[(&str, &str, &str)]| {
            let one = |(name, realm, money_in): &(&str, &str, &str)| {
                format!(
                    "[sources.{name}]\nprovider = \"stripe\"\nrealm = \"{realm}\"\nsecrets = [\"s-{name}\"]\nmoney_in = \"{money_in}\"\n"
                )
            };
            sources.iter().map(one).collect::<String>()
        };
        let wrong = |sources: &[(&str, &str, &str)]| {
            contradictions(&crate::config::load::parse(&text(sources), Vec::new()).unwrap())
        };
        let (a, b, c) = (("a", "x", "charges"), ("b", "x", "invoices"), ("c", "x", "checkout"));
        let told = wrong(&[a, b, c]);
        assert_eq!(told.len(), 2, "all in one go: {told:?}");
        assert!(told[0].contains("sources a and b") && told[1].contains("sources a and c"), "{told:?}");
        assert!(
            told[0].contains("\"charges\" and \"invoices\"") && told[0].contains("realm \"x\""),
            "{told:?}"
        );
        assert_eq!(wrong(&[a, ("b", "x", "charges")]), Vec::<String>::new());
        assert_eq!(wrong(&[a, ("b", "y", "invoices")]), Vec::<String>::new(), "two accounts");
    }

    #[test]
    fn one_secret_is_of_one_realm() {
        let wrong = |text: &str| contradictions(&crate::config::load::parse(text, Vec::new()).unwrap());
        let source = |name: &str, provider: &str, secret: &str| {
            format!("[sources.{name}]\nprovider = \"{provider}\"\nsecrets = [{secret}]\n")
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "whsec_one\n").unwrap();
        let file = format!("{{ file = {path:?} }}");
        for (one, two, refused) in [
            (source("a", "stripe", "\"whsec_one\""), source("b", "stripe", "\"whsec_one\""), true),
            (source("a", "stripe", "\"new\", \"whsec_one\""), source("b", "stripe", &file), true),
            (source("a", "dodo", "\"whsec_MfKQ\""), source("b", "standard-webhooks", "\"whsec_MfKQ\""), true),
            (source("a", "stripe", "\"whsec_one\""), source("b", "paystack", "\"whsec_one\""), false),
            (source("a", "stripe", "\"whsec_one\""), source("b", "stripe", "\"whsec_two\""), false),
            (
                source("a", "stripe", "\"whsec_one\"") + "realm = \"shop\"\n",
                source("b", "stripe", "\"whsec_one\"") + "realm = \"shop\"\n",
                false,
            ),
            // Who does not receive has none of them.
            (
                source("a", "stripe", "{ env = \"DAYBRIDGE_NOT_SET\" }"),
                source("b", "stripe", "{ env = \"DAYBRIDGE_NOT_SET\" }"),
                false,
            ),
        ] {
            let wrong = wrong(&format!("{one}{two}"));
            let said = wrong.iter().any(|why| why.contains("sources a and b have a secret in common"));
            assert_eq!((said, wrong.is_empty()), (refused, !refused), "{one}{two}: {wrong:?}");
            assert!(!wrong.concat().contains("whsec"), "{wrong:?}");
        }
    }

    #[test]
    fn the_defaults_fit_together() {
        assert_eq!(contradictions(&Config::default()), Vec::<String>::new());
    }

    /// A declaration that fits together but would believe what nobody signed.
    #[test]
    fn what_decides_is_proved() {
        let wrong = |text: &str| {
            let text = format!("[sources.x]\nsecrets = [\"00ff\"]\n{text}");
            contradictions(&crate::config::load::parse(&text, Vec::new()).unwrap())
        };
        for (text, want) in [
            ("provider = \"adyen\"", None),
            (
                "provider = \"adyen\"\nchannel = [\"/additionalData/metadata.channel_id\"]",
                Some("\"/additionalData/metadata.channel_id\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.objects.payment.amount = [\"/additionalData/amount\"]",
                Some("\"/additionalData/amount\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.objects.payment.lines = { list = \"/lines\", price = [\"/price\"] }",
                Some("\"/lines\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.objects.payment.metadata = [\"/additionalData\"]",
                Some("\"/additionalData\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.objects.payment.ids = [{ each = \"/list/*\", at = \"/pspReference\", rank = 0 }]",
                Some("\"/list/*/pspReference\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.account = \"/additionalData/store\"",
                Some("\"/additionalData/store\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nevents.livemode = { at = \"/live\", live = [\"true\"], test = [\"false\"] }",
                Some("\"/live\" is not under the signature"),
            ),
            (
                "provider = \"adyen\"\nsignature.signed = \"{/pspReference}{/amount/value}\"",
                Some("nothing between them"),
            ),
            (
                "provider = \"paystack\"\nsignature.signed = \"{/event}:{/data/reference}\"",
                Some("in .signature.field"),
            ),
            (
                "provider = \"mercadopago\"\napi_key = \"k\"\nevents.account = \"/user_id\"",
                Some("events.account is not under the signature"),
            ),
            ("provider = \"mollie-classic\"", Some("api_key is missing")),
            ("provider = \"mollie-classic\"\napi_key = \"k\"", None),
            ("provider = \"yookassa\"", Some("api_key is missing")),
            ("provider = \"gocardless\"", Some("api_key is missing")),
            ("provider = \"mollie\"", None),
            (
                "provider = \"yookassa\"\napi_key = \"k\"\nfetch.from = [{ types = [\"payment.succeeded\"], url = \"/x/{/object/id}\" }]",
                Some("what refund.succeeded says must be asked for"),
            ),
            (
                "provider = \"mollie-classic\"\napi_key = \"k\"\nfetch.from = [{ when = [{ at = \"/id\", starts = [\"tr_\"] }], url = \"/x/{/id}\" }]",
                Some("what payment says must be asked for"),
            ),
            ("provider = \"paystack\"\nsignature.check = \"token\"", Some("does not cover the body")),
            (
                "provider = \"paystack\"\nsignature.signed = \"{header:x-id}\"",
                Some("does not cover the body"),
            ),
            ("provider = \"lemonsqueezy\"\nevents.type = \"header:x-event-name\"", Some("not signed")),
            ("provider = \"square\"", Some("public_url is missing")),
            (
                "provider = \"xendit\"\napi_key = \"k\"\nevents.objects.invoice.occurred_at = []\nevents.objects.invoice.paid_at = []",
                Some("nothing tells when the money came in"),
            ),
            ("provider = \"paystack\"\nmoney_in = \"invoices\"", Some("none of this provider's: payments")),
        ] {
            let wrong = wrong(text);
            match want {
                None => assert_eq!(wrong, Vec::<String>::new(), "{text}"),
                Some(want) => assert!(wrong.iter().any(|w| w.contains(want)), "{text}: {wrong:?}"),
            }
        }
    }

    /// Most presets that ask an API could not start: a `from` for each type was not taken for a `from` for every event.
    #[test]
    fn every_preset_can_be_served() {
        for (name, _) in crate::config::preset::PRESETS {
            let fetches = Source::of_preset(name).unwrap().fetch.is_some();
            let key = if fetches { "api_key = \"k\"" } else { "" };
            let text = format!(
                "[sources.x]\nprovider = \"{name}\"\nsecrets = [\"00ff\"]\n{key}\npublic_url = \"https://pay.example.com/x\"\n"
            );
            let config = crate::config::load::parse(&text, Vec::new()).unwrap();
            assert_eq!(contradictions(&config), Vec::<String>::new(), "{name}");
        }
    }
}
