//! Any body is read or refused in words; what it comes to is a grant only within the rules.

use std::sync::OnceLock;

use bytes::Bytes;
use daybridge::{
    config::{Source, load},
    domain::identity::{Home, home},
    domain::payment::{Corrections, Decision, decide},
    domain::{facts::Money, payment::Rules},
    envelope::WORD_BYTES_MAX,
    provider::{
        read::{Beside, read as of_source},
        words::words,
    },
};

const DAYS_MAX: u32 = 3650;
const FAMILIES: [&str; 4] = ["charges", "payment_intents", "checkout", "invoices"];

fn sources() -> &'static [(Source, Rules)] {
    static SOURCES: OnceLock<Vec<(Source, Rules)>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let source = |family| {
            format!("[sources.{family}]\nprovider = \"stripe\"\nsecrets = [\"x\"]\nmoney_in = \"{family}\"\n")
        };
        let config = load::parse(&FAMILIES.map(source).concat(), []).unwrap();
        let with_rules = |source: Source| {
            let rules = Rules {
                money_in: source.money_in.clone(),
                money_in_since: None,
                channel_pointers: source.channel.clone(),
                days_pointers: source.days.clone(),
                prices: [("price_1AbC".to_owned(), 30)].into(),
                per_day: Some(Money { amount: 30, currency: "usd".into() }),
                days_max: DAYS_MAX,
                on_refund: Default::default(),
                on_dispute: Default::default(),
            };
            (source, rules)
        };
        config.sources.into_values().map(with_rules).collect()
    })
}

pub fn read(data: &[u8]) {
    let found = words(&sources()[0].0.events, &|_| None, &Bytes::copy_from_slice(data));
    for word in [&found.event_id, &found.event_type] {
        assert!(!word.is_empty() && word.len() <= WORD_BYTES_MAX, "{} bytes", word.len());
    }
    for (source, rules) in sources() {
        let beside = Beside { event_type: "", received_at: 0 };
        let Ok(facts) = of_source(source, data, beside, None) else { continue };
        if let Home::Payment { name, granted, absorbed } = home(&facts.ids, &[]) {
            assert!(facts.ids.contains(&name) && granted.is_none() && absorbed.is_empty());
        }
        let twice = [facts.clone(), facts];
        let [once, again] = [
            decide(&twice[..1], rules, &Corrections::default(), None),
            decide(&twice, rules, &Corrections::default(), None),
        ];
        assert_eq!(once, again, "told twice, it comes to something else");
        if let Decision::Grant { days, .. } = once {
            assert!((1..=DAYS_MAX).contains(&days));
            assert!(twice[0].money.as_ref().is_some_and(|money| money.amount > 0), "days without money");
            let restored = decide(&twice, rules, &Corrections::default(), Some(i64::MAX));
            assert!(matches!(restored, Decision::Hold(_)), "granted in a ledger that forgot");
        }
    }
}
