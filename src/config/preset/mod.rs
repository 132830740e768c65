//! Providers as data. A provider is one TOML file under `src/provider/presets/`; a source's own keys lie over it, and
//! what comes out is read by one schema, so that a user's declaration and ours are held to the same.
//!
//! Tables are laid over each other key by key and lists are replaced, but for `events.on`, where the first entry that
//! fits decides: there the source's entries stand before the preset's. Rejected: a type per provider. Providers differ
//! in words, not in steps, and a table can be read beside the provider's documentation.

/// Conditions.
pub mod test;

/// How a webhook is signed.
pub mod signature;

/// What its events mean.
pub mod events;

/// Where an event's object keeps what we need.
pub mod object;

/// JSON pointers in settings.
pub mod pointer;

/// What a table of events says that cannot be.
mod contradictions;

/// What is asked of the provider's API before anything is believed.
pub mod fetch;

pub use events::EventMap;
pub use fetch::Fetch;
pub use signature::Signature;

/// The word of a source that declares its provider from scratch.
pub const CUSTOM: &str = "custom";

macro_rules! presets {
    ($($name:literal)*) => {
        /// Every provider known: the word of the settings, and its page of data.
        pub const PRESETS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../provider/presets/", $name, ".toml")))),*];
    };
}

presets! {
    "stripe" "standard-webhooks" "polar" "dodo" "paddle" "lemonsqueezy" "paystack" "razorpay"
    "square" "coinbase-commerce" "gocardless" "checkout" "creem" "mollie" "revolut" "adyen"
    "mollie-classic" "mercadopago" "yookassa" "xendit" "flutterwave" "paypal"
}

/// The page of a provider.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What is wrong with the `provider` of a source.
pub fn unknown(name: &str) -> String {
    let names = || PRESETS.iter().map(|(known, _)| *known).chain([CUSTOM]);
    let nearest = names().min_by_key(|known| strsim::damerau_levenshtein(name, known)).unwrap_or(CUSTOM);
    let all = names().collect::<Vec<_>>().join(", ");
    format!("provider = {name:?} is not known; did you mean {nearest:?}? known: {all}")
}

/// A source's table over the page of the provider it names.
pub fn lay_over(source: toml::Table) -> Result<toml::Table, String> {
    let Some(toml::Value::String(name)) = source.get("provider") else { return Ok(source) };
    if name == CUSTOM {
        return Ok(source);
    }
    let text = text(name).ok_or_else(|| unknown(name))?;
    let mut page: toml::Table = text.parse().map_err(|error| format!("the preset {name}: {error}"))?;
    let mut whole = match page.remove("defaults") {
        Some(toml::Value::Table(defaults)) => defaults,
        _ => toml::Table::new(),
    };
    whole.extend(page);
    merge(&mut whole, source, "");
    Ok(whole)
}

fn merge(under: &mut toml::Table, over: toml::Table, path: &str) {
    for (key, value) in over {
        let path = format!("{path}/{key}");
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => merge(under, over, &path),
            (Some(toml::Value::Array(under)), toml::Value::Array(mut over)) if path == "/events/on" => {
                over.append(under);
                *under = over;
            }
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::parse;

    #[test]
    fn every_preset_is_a_whole_declaration() {
        for (name, _) in PRESETS {
            let text = format!("[sources.x]\nprovider = \"{name}\"\n");
            let config = parse(&text, Vec::new()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let source = &config.sources["x"];
            let families: Vec<&str> = source.events.families().collect();
            assert!(families.contains(&source.money_in.as_str()), "{name}: {families:?}");
        }
    }

    #[test]
    fn a_source_lies_over_its_preset() {
        let text = r#"
            [sources.x]
            provider = "stripe"
            days = ["/metadata/months"]
            signature.header = "x-signed-elsewhere"
            events.objects.charge.customer = "/buyer"
            [[sources.x.events.on]]
            types = ["charge.succeeded"]
            means = "ignored"
            why = "only captures count here"
        "#;
        let source = parse(text, Vec::new()).unwrap().sources.remove("x").unwrap();
        assert_eq!(source.days[..], ["/metadata/months"]);
        assert_eq!(source.channel, ["/metadata/channel_id", "/client_reference_id"]);
        assert_eq!(source.events.objects["charge"].customer.as_deref(), Some("/buyer"));
        assert!(source.events.objects["charge"].currency.is_some());
        assert_eq!(source.events.on[0].why.as_deref(), Some("only captures count here"));
        assert!(source.events.on.len() > 10);
    }

    #[test]
    fn mistakes_name_their_key() {
        for (text, want) in [
            ("provider = 'strpe'", "did you mean \"stripe\"?"),
            ("provider = 'custom'", "`sources.x`: missing field `signature`"),
            (
                "provider = 'stripe'\nsignature.heder = 'x'",
                "unknown key `heder` in [sources.x.signature]; did you mean `header`?",
            ),
            (
                "provider = 'stripe'\nsignature.mac = 'md5'",
                "`sources.x.signature.mac`: unknown variant `md5`",
            ),
            (
                "provider = 'stripe'\nsignature.signed = '{tmestamp}.{body}'",
                "`sources.x.signature.signed`: \"{tmestamp}\" is no placeholder",
            ),
            (
                "provider = 'stripe'\nevents.object = 'data'",
                "`sources.x.events.object`: \"data\" is not a JSON pointer; it begins with /",
            ),
        ] {
            let error = parse(&format!("[sources.x]\n{text}"), Vec::new()).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
    }
}
