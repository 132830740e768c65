//! Contradictions, as tables.

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
    // Slices count up to #9999, which takes three more.
    assert_eq!(wrong("sixteen-letters.\"\nslice = 0 #"), Vec::<String>::new());
    assert!(wrong("sixteen-letters.\"\nslice = 5 #")[0].contains("can grow to 10"));
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
    let wrong = |more: &str| contradictions(&crate::config::load::parse(&text(more), Vec::new()).unwrap());
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
    assert!(told[0].contains("\"charges\" and \"invoices\"") && told[0].contains("realm \"x\""), "{told:?}");
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

/// What is told of a declaration; `None`: it fits together.
fn told<const N: usize>(table: [(&str, Option<&str>); N]) {
    for (keys, want) in table {
        let text = format!("[sources.x]\nsecrets = [\"00ff\"]\n{keys}");
        let wrong = contradictions(&crate::config::load::parse(&text, Vec::new()).unwrap());
        match want {
            None => assert_eq!(wrong, Vec::<String>::new(), "{keys}"),
            Some(want) => assert!(wrong.iter().any(|w| w.contains(want)), "{keys}: {wrong:?}"),
        }
    }
}

/// A declaration that fits together but would believe what nobody signed.
#[test]
fn what_decides_is_among_the_signed_places() {
    told([
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
    ]);
}

/// Where no signature covers the body, the provider's API must be asked.
#[test]
fn what_nobody_signed_is_asked_for() {
    told([
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
        ("provider = \"paystack\"\nsignature.signed = \"{header:x-id}\"", Some("does not cover the body")),
    ]);
}

/// What a provider's way to sign, to tell the time and to name its families needs.
#[test]
fn what_a_declaration_needs_is_there() {
    told([
        (
            "provider = \"paystack\"\nsignature.signed = \"{/event}:{/data/reference}\"",
            Some("in .signature.field"),
        ),
        ("provider = \"lemonsqueezy\"\nevents.type = \"header:x-event-name\"", Some("not signed")),
        ("provider = \"square\"", Some("public_url is missing")),
        (
            "provider = \"xendit\"\napi_key = \"k\"\nevents.objects.invoice.occurred_at = []\nevents.objects.invoice.paid_at = []",
            Some("nothing tells when the money came in"),
        ),
        ("provider = \"paystack\"\nmoney_in = \"invoices\"", Some("none of this provider's: payments")),
    ]);
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

#[test]
fn what_a_payment_buys_is_said_once() {
    let wrong = |keys: &str| {
        let text = format!("[sources.s]\nprovider = \"stripe\"\nsecrets = [\"s\"]\n{keys}");
        contradictions(&crate::config::load::parse(&text, Vec::new()).unwrap())
    };
    let tier = |amount: i64, days: u32| {
        format!("[[sources.s.amounts]]\namount = {amount}\ncurrency = \"usd\"\ndays = {days}\n")
    };
    let per_day = "[sources.s.per_day]\ncurrency = \"usd\"\namount = 30\n";
    let price = "[[sources.s.prices]]\nprice = \"p\"\ndays = 30\n";
    let period = "days = \"period\"\n";
    for (keys, want) in [
        (tier(900, 30) + &tier(2500, 95), None),
        (tier(900, 30) + price, None),
        (period.to_owned(), None),
        ("on_end = \"stop\"".to_owned(), None),
        (tier(900, 30) + &tier(900, 31), Some("sources.s.amounts: 900 \"usd\" stands there twice")),
        (tier(900, 0), Some("900 \"usd\" has 0 days, not 1 to days_max (3650)")),
        (tier(900, 3651), Some("has 3651 days")),
        (tier(0, 30), Some("must be at least 1")),
        (tier(-900, 30), Some("must be at least 1")),
        (tier(900, 30).replace("usd", "USD"), Some("currency must be lower-case")),
        (tier(900, 30) + per_day, Some("leave one out")),
        (period.to_owned() + price, Some("leave one out")),
        (period.to_owned() + per_day, Some("leave one out")),
        (period.to_owned() + &tier(900, 30), Some("leave one out")),
    ] {
        let told = wrong(&keys);
        match want {
            None => assert_eq!(told, Vec::<String>::new(), "{keys}"),
            Some(want) => assert!(told.len() == 1 && told[0].contains(want), "{keys}: {told:?}"),
        }
    }
    let unfit = |keys: &str| {
        let text = format!("[sources.s]\nprovider = \"paystack\"\nsecrets = [\"s\"]\n{keys}");
        crate::config::load::parse(&text, Vec::new()).map(|config| contradictions(&config))
    };
    assert!(unfit(period).unwrap()[0].contains("no event of this provider is known to tell the period"));
    let error = unfit("days = \"periods\"").unwrap_err();
    assert!(error.contains("neither \"period\" nor a list"), "{error}");
    assert!(unfit("on_end = \"halt\"").unwrap_err().contains("sources.s.on_end"));
}
