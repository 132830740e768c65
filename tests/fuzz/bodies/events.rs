//! Any body, with any answer of the provider's API, is read or refused in words by every preset; what it comes to is a
//! grant only within the rules.

use std::sync::OnceLock;

use bytes::Bytes;
use daybridge::{
    config::{Source, load, preset::PRESETS},
    domain::payment::{
        Corrections, Decision, Rules, decide,
        identity::{Home, home},
        memory::Memory,
    },
    envelope::{Envelope, Trigger, WORD_BYTES_MAX},
    provider::event::{
        items::ITEMS_MAX,
        read::{Beside, read as of_source},
        split::split,
        words::words,
    },
};

const DAYS_MAX: u32 = 3650;

/// Each preset, for each family that may grant.
fn sources() -> &'static [(Source, Rules)] {
    static SOURCES: OnceLock<Vec<(Source, Rules)>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let mut all = Vec::new();
        for (provider, _) in PRESETS {
            for family in Source::of_preset(provider).unwrap().events.families() {
                let text = format!(
                    "[sources.s]\nprovider = \"{provider}\"\nsecrets = [\"x\"]\nmoney_in = \"{family}\"\n\
                     days_max = {DAYS_MAX}\nprices = [{{ price = \"price_1AbC\", days = 30 }}]\n\
                     per_day = {{ currency = \"usd\", amount = 30 }}\n"
                );
                let source = load::parse(&text, []).unwrap().sources.remove("s").unwrap();
                let rules = source.rules(None);
                all.push((source, rules));
            }
        }
        all
    })
}

/// An event; behind a zero byte an answer, else the event is the answer too.
pub fn read(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let event = parts.next().unwrap_or_default();
    let answer = serde_json::from_slice(parts.next().unwrap_or(event)).unwrap_or_default();
    for (source, rules) in sources() {
        for one in split(&source.events, &envelope(source, event)) {
            for answer in [None, Some(&answer)] {
                let beside = Beside { event_type: &one.event_type, received_at: 0 };
                match of_source(source, &one.body, beside, answer) {
                    Ok(facts) => judge(facts, rules),
                    Err(why) => assert!(!why.0.is_empty()),
                }
            }
        }
    }
}

fn envelope(source: &Source, body: &[u8]) -> Envelope {
    let body = Bytes::copy_from_slice(body);
    let words = words(&source.events, &|_| Some("charge.succeeded".into()), &body);
    for word in [&words.event_id, &words.event_type] {
        assert!(!word.is_empty() && word.len() <= WORD_BYTES_MAX, "{} bytes", word.len());
    }
    let envelope = Envelope {
        body,
        content_type: String::new(),
        source: source.provider.clone(),
        event_id: words.event_id,
        event_type: words.event_type,
        received_at_ms: 0,
        delivery: "d".into(),
        trigger: Trigger::Webhook,
        traceparent: String::new(),
    };
    assert!(split(&source.events, &envelope).len() <= ITEMS_MAX);
    envelope
}

fn judge(facts: daybridge::domain::facts::Facts, rules: &Rules) {
    if let Home::Payment { name, granted, absorbed } = home(&facts.ids, &[]) {
        assert!(facts.ids.contains(&name) && granted.is_none() && absorbed.is_empty());
    }
    let twice = [facts.clone(), facts];
    let [once, again] = [
        decide(&twice[..1], rules, &Corrections::default(), &Memory::default()),
        decide(&twice, rules, &Corrections::default(), &Memory::default()),
    ];
    assert_eq!(once, again, "told twice, it comes to something else");
    if let Decision::Grant { days, .. } = once {
        assert!((1..=DAYS_MAX).contains(&days));
        let some = twice[0].money.as_ref().is_some_and(|money| money.amount > 0);
        assert!(some || twice[0].amount_unread.is_some(), "days without money");
        let memory = Memory { restored_at: Some(i64::MAX), ..Memory::default() };
        let restored = decide(&twice, rules, &Corrections::default(), &memory);
        assert!(matches!(restored, Decision::Hold(_)), "granted in a ledger that forgot");
    }
}
