//! What happens to a payment at a provider, in the provider's own bodies: `tests/data/lives/*.toml`, one for each, over
//! the bodies of `tests/data/providers`.
//!
//! ```toml
//! [own]                            # these texts and numbers, wherever they stand, become each payment's own:
//! "pay_demo1" = "pay_{p}"          # {p} its name, {r} its refund's, {c} its channel; {#p}, {#r}: the digits of those
//! [set]                            # what stands at these pointers, in every body that has them
//! "/created_at" = "now"
//! [paid]
//! told = ["captured.json"]         # the bodies that tell it; also: refund, refund_fails, dispute, won, lost, tried: what
//!                                  # came before it and failed, and aside: what comes too and changes nothing
//! set = { "/payment/amount" = "amount" }
//! [[asked]]                        # what the provider's API answers, where it is asked for what an event is about
//! path = "/payments/pay_{p}"       # of a refund where it holds {r}
//! is = { paid = "paid.answer.json", refunded = "refund_part.answer.json" }   # in that state; see `api`
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    api::Object,
    payment::{Event, Occasion, PAYER, Payment},
};

/// What a pointer is set to. Written as what stood there: a whole number is minor units, unless `major` says otherwise,
/// `"9.00"` is major ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// What was paid.
    Amount,
    /// What this refund returns.
    Part,
    /// What all refunds together have returned.
    Out,
    /// What the refunds have left.
    Left,
    /// What the payer's bank has.
    Disputed,
    Days,
    /// When it was paid.
    Paid,
    /// When the event was made.
    Now,
    /// The event's own id: another one whenever it is told as a new one.
    Id,
    /// A text of the payer's.
    Payer,
}

/// Bodies that tell one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    told: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, Kind>,
}

/// What its bodies tell nothing of.
const NOTHING: Told = Told { told: Vec::new(), set: BTreeMap::new() };

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    #[serde(skip)]
    pub provider: String,
    /// Lines of its source in the settings, beside provider and secrets.
    #[serde(default)]
    pub settings: String,
    /// With none, one that no other has.
    #[serde(default)]
    pub secret: String,
    #[serde(default = "usd")]
    pub currency: String,
    /// Its id in the ledger's keys, where it is no `xx_{p}`.
    #[serde(default)]
    key: Option<String>,
    /// Whole numbers are major units.
    #[serde(default)]
    major: bool,
    /// A refund's amount cannot be read there, so nobody refunds a part.
    #[serde(default)]
    pub whole_refunds: bool,
    /// What its API is asked for.
    #[serde(default)]
    pub(super) asked: Vec<Object>,
    own: BTreeMap<String, String>,
    #[serde(default)]
    set: BTreeMap<String, Kind>,
    paid: Told,
    #[serde(default)]
    refund: Told,
    #[serde(default)]
    refund_fails: Told,
    #[serde(default)]
    dispute: Told,
    #[serde(default)]
    won: Told,
    #[serde(default)]
    lost: Told,
    /// Of tries that failed, before it was paid.
    #[serde(default)]
    tried: Told,
    /// What changes nothing.
    #[serde(default)]
    aside: Told,
}

fn usd() -> String {
    "usd".to_owned()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Of every provider that has one, by name.
pub fn lives() -> &'static [Life] {
    static LIVES: OnceLock<Vec<Life>> = OnceLock::new();
    LIVES.get_or_init(|| {
        let files = std::fs::read_dir(folder("lives")).unwrap().map(|file| file.unwrap().path());
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            let life: Life = toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            let provider = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let own = format!("secret of {provider}");
            Life { secret: if life.secret.is_empty() { own } else { life.secret.clone() }, provider, ..life }
        };
        let mut lives: Vec<Life> = files.map(read).collect();
        lives.sort_by(|one, other| one.provider.cmp(&other.provider));
        lives
    })
}

impl Life {
    /// What tells of it, and of which refund.
    fn told<'a>(&self, of: Occasion<'a>) -> (&Told, Option<&'a str>) {
        match of {
            Occasion::Paid => (&self.paid, None),
            Occasion::Refund(refund) => (&self.refund, Some(refund)),
            Occasion::RefundFails(refund) => (&self.refund_fails, Some(refund)),
            Occasion::Dispute => (&self.dispute, None),
            Occasion::Won => (&self.won, None),
            Occasion::Lost => (&self.lost, None),
            Occasion::Tried => (&self.tried, None),
            Occasion::Aside => (&self.aside, None),
            Occasion::Ended | Occasion::Behind => (const { &NOTHING }, None),
        }
    }

    /// What the events are called that tell of it.
    pub fn words(&self, of: Occasion) -> impl Iterator<Item = String> {
        let (told, refund) = self.told(of);
        let end = refund.map_or(String::new(), |refund| format!(".{refund}"));
        told.told.iter().map(move |file| format!("{}{end}", file.trim_end_matches(".json")))
    }

    /// The events that tell of it, as they are made now.
    pub fn events(&self, of: Occasion, payment: &Payment, now_s: i64) -> Vec<(String, Event)> {
        let (told, refund) = self.told(of);
        let made = told.told.iter().zip(self.words(of)).map(|(file, word)| {
            let about = (payment, refund, now_s);
            let (body, ids) = self.filled(file, &told.set, about, &word);
            (word, Event::new(body, ids))
        });
        made.collect()
    }

    /// A body as it is made now, and where its own ids stand.
    pub(super) fn filled(
        &self,
        file: &str,
        set: &BTreeMap<String, Kind>,
        (payment, refund, now_s): (&Payment, Option<&str>, i64),
        word: &str,
    ) -> (Value, Vec<String>) {
        let mut body = body(&self.provider, file);
        self.make_own(&mut body, payment, refund.unwrap_or_default());
        let mut ids = Vec::new();
        for (pointer, kind) in self.set.iter().chain(set) {
            let Some(place) = body.pointer_mut(pointer) else {
                continue;
            };
            *place = payment.value(*kind, (place, self.major), (refund, now_s), word);
            if *kind == Kind::Id {
                ids.push(pointer.clone());
            }
        }
        (body, ids)
    }

    /// Its id in the ledger's keys, where that does not tell its name.
    pub fn key(&self, payment: &str) -> Option<String> {
        Some(self.key.as_ref()?.replace("{#p}", &digits(payment)))
    }

    /// Whether its API is asked before an event is believed.
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    fn make_own(&self, value: &mut Value, payment: &Payment, refund: &str) {
        match value {
            Value::String(text) => *text = self.owned(text, payment, refund),
            Value::Number(number) => {
                let owned = self.owned(&number.to_string(), payment, refund);
                *value = serde_json::from_str(&owned).unwrap_or_else(|why| panic!("{owned}: {why}"));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.make_own(value, payment, refund)),
            Value::Object(values) => {
                values.values_mut().for_each(|value| self.make_own(value, payment, refund));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn owned(&self, text: &str, payment: &Payment, refund: &str) -> String {
        self.own.iter().fold(text.to_owned(), |text, (theirs, own)| match text.contains(theirs) {
            true => text.replace(theirs, &own_of(own, payment, refund)),
            false => text,
        })
    }

    /// Pointers that no body has.
    pub fn useless(&self) -> Vec<String> {
        let all = [
            &self.paid,
            &self.refund,
            &self.refund_fails,
            &self.dispute,
            &self.won,
            &self.lost,
            &self.tried,
            &self.aside,
        ];
        let bodies =
            |told: &Told| told.told.iter().map(|file| body(&self.provider, file)).collect::<Vec<_>>();
        let has = |bodies: &[Value], pointer: &str| bodies.iter().any(|body| body.pointer(pointer).is_some());
        let answers = self.asked.iter().flat_map(|object| object.files());
        let answers: Vec<Value> = answers.map(|file| body(&self.provider, file)).collect();
        let every: Vec<Value> = all.iter().flat_map(|told| bodies(told)).chain(answers).collect();
        let texts = every.iter().map(Value::to_string).collect::<String>().replace("\\\"", "\"");
        let own = self.own.keys().filter(|own| !texts.contains(&**own));
        let set = self.set.keys().filter(|pointer| !has(&every, pointer));
        let parts = all.iter().flat_map(|told| {
            let bodies = bodies(told);
            told.set.keys().filter(move |pointer| !has(&bodies, pointer))
        });
        let asked = self.asked.iter().flat_map(|object| object.set.keys().filter(|set| !has(&every, set)));
        own.chain(set).chain(parts).chain(asked).cloned().collect()
    }
}

fn digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_digit).collect()
}

/// A template, of a payment and its refund.
pub(super) fn own_of(template: &str, payment: &Payment, refund: &str) -> String {
    template
        .replace("{p}", &payment.name)
        .replace("{r}", refund)
        .replace("{c}", &payment.channel)
        .replace("{d}", &payment.days.to_string())
        .replace("{#p}", &digits(&payment.name))
        .replace("{#r}", &digits(refund))
}

/// A body, which is read once.
fn body(provider: &str, file: &str) -> Value {
    static READ: OnceLock<Mutex<BTreeMap<PathBuf, Value>>> = OnceLock::new();
    let path = folder("providers").join(provider).join(file);
    let mut read = READ.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let body = read.entry(path).or_insert_with_key(|path| {
        let text = std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        match path.extension().is_some_and(|end| end == "form") {
            true => Value::String(text.trim().to_owned()),
            false => serde_json::from_str(&text).unwrap(),
        }
    });
    body.clone()
}

impl Payment {
    fn value(
        &self,
        kind: Kind,
        (stood, major): (&Value, bool),
        (refund, now_s): (Option<&str>, i64),
        word: &str,
    ) -> Value {
        let money = |minor| money(stood, major, minor);
        match kind {
            Kind::Amount => money(self.amount),
            Kind::Part => money(refund.map_or(0, |refund| self.refunds[refund].amount)),
            Kind::Out => money(self.refunded()),
            Kind::Left => money(self.amount - self.refunded()),
            Kind::Disputed => money(self.disputed()),
            Kind::Days if stood.is_number() => json!(self.days),
            Kind::Days => json!(self.days.to_string()),
            Kind::Paid => time(stood, self.paid_s),
            Kind::Now => time(stood, now_s),
            Kind::Id => json!(format!("evt_{}_{word}", self.name)),
            Kind::Payer => json!(PAYER),
        }
    }
}

fn money(stood: &Value, major: bool, minor: i64) -> Value {
    match stood {
        Value::String(text) if text.contains('.') => {
            json!(format!("{}.{:02}", minor / 100, minor % 100))
        }
        Value::String(_) => json!(minor.to_string()),
        Value::Number(number) if major || number.is_f64() => json!(minor as f64 / 100.0),
        _ => json!(minor),
    }
}

fn time(stood: &Value, seconds: i64) -> Value {
    match stood.as_i64() {
        Some(ms) if ms > 100_000_000_000 => json!(seconds * 1000),
        Some(_) => json!(seconds),
        None => json!(jiff::Timestamp::from_second(seconds).unwrap().to_string()),
    }
}
