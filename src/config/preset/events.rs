//! `[sources.NAME.events]`: what a provider's events mean and where their objects keep what we need. Only the fields
//! named here are read from a body, so a provider's new field or new value never breaks an old event.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::signature::Unit;

/// A JSON pointer; the empty one is the whole. Where it says so, a part `*` stands for every element of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(String);

impl Pointer {
    /// Whether a text is one.
    pub fn fits(text: &str) -> bool {
        text.is_empty() || text.starts_with('/')
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Self::fits(&text) {
            true => Ok(Self(text)),
            false => Err(format!("{text:?} is not a JSON pointer; it begins with /")),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::ops::Deref for Pointer {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// How one provider's events are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventMap {
    /// How a body is written.
    #[serde(default)]
    pub format: Format,
    /// The list of events where one request brings several.
    pub items: Option<Pointer>,
    /// The event inside an element of that list.
    #[serde(default)]
    pub item: Pointer,
    /// The event's id; not set: the digest of the body is.
    pub id: Option<Name>,
    /// An event may lack its id; then the digest of the body is.
    #[serde(default)]
    pub id_optional: bool,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What an event must be.
    #[serde(default)]
    pub is: Vec<Test>,
    /// Bodies that are signed alike but are something else, with the sentence for the operator.
    #[serde(default)]
    pub is_not: Vec<Refusal>,
    /// When it happened: a count, or RFC 3339; not set, or not there: when it was received.
    pub occurred_at: Option<Pointer>,
    /// What a count counts.
    #[serde(default)]
    pub occurred_unit: Unit,
    /// Live or test mode; not set: the source's own.
    pub livemode: Option<Mode>,
    /// Connected account.
    pub account: Option<Pointer>,
    /// What the event is about; the places of an [`Object`] and the operator's pointers start here.
    #[serde(default)]
    pub object: Pointer,
    /// Objects by name.
    #[serde(default)]
    pub objects: BTreeMap<String, Object>,
    /// What events mean; the first entry that fits. Others are ignored.
    pub on: Vec<On>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// Keys and values of a web form; read as an object of texts.
    Form,
}

/// Where a word about the request stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Name {
    /// In the event.
    Field(Pointer),
    /// In a header.
    Header(String),
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix("header:") {
            Some(header) => Ok(Self::Header(header.to_owned())),
            None => Pointer::try_from(text).map(Self::Field),
        }
    }
}

/// Where the type stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Words")]
pub enum Kind {
    /// In the event; those of several that are there are joined by a dot. Where none is: the word that is left, if one
    /// is.
    Fields(Vec<Pointer>, Option<String>),
    /// In a header.
    Header(String),
    /// Every event has this one.
    Always(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Words> for Kind {
    type Error = String;

    fn try_from(words: Words) -> Result<Self, String> {
        match words {
            Words::One(text) => match (text.strip_prefix('='), Name::try_from(text.clone())) {
                (Some(word), _) => Ok(Self::Always(word.trim().to_owned())),
                (None, Ok(Name::Header(header))) => Ok(Self::Header(header)),
                (None, Ok(Name::Field(pointer))) => Ok(Self::Fields(vec![pointer], None)),
                (None, Err(why)) => Err(why),
            },
            Words::Several(texts) => {
                let (words, places): (Vec<_>, Vec<_>) =
                    texts.into_iter().partition(|text| text.starts_with('='));
                let word = words.first().map(|word| word.trim_start_matches('=').trim().to_owned());
                let places = places.into_iter().map(Pointer::try_from).collect::<Result<_, _>>()?;
                Ok(Self::Fields(places, word))
            }
        }
    }
}

/// A field and what must hold of it. Values are compared by their JSON text, a string's without quotes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Where.
    pub at: Pointer,
    /// Any of these; an absent field does not.
    pub is: Option<Vec<String>>,
    /// None of these; an absent field does.
    pub not: Option<Vec<String>>,
    /// A text that begins with any of these.
    pub starts: Option<Vec<String>>,
    /// A number above this one.
    pub above: Option<i64>,
    /// A text that sorts before this one, as an older date does.
    pub before: Option<String>,
    /// It is there, and not null; or it is not.
    pub given: Option<bool>,
}

/// A body that is no event of ours.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Where.
    pub at: Pointer,
    /// Any of these.
    pub is: Option<Vec<String>>,
    /// A text that begins with any of these.
    pub starts: Option<Vec<String>>,
    /// It is there, and not null; or it is not.
    pub given: Option<bool>,
    /// The sentence for the operator.
    pub why: String,
    /// It is nothing that a person should look at.
    #[serde(default)]
    pub ignored: bool,
}

impl Refusal {
    /// What such a body is known by.
    pub fn test(&self) -> Test {
        let (is, starts) = (self.is.clone(), self.starts.clone());
        Test { at: self.at.clone(), is, not: None, starts, above: None, before: None, given: self.given }
    }
}

/// Where the mode stands, and its words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// Where.
    pub at: Pointer,
    /// What live mode says.
    pub live: Vec<String>,
    /// What test mode says.
    pub test: Vec<String>,
}

/// Where an object keeps what we need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Ids of the payment; each may be text, a number, null, or an expanded object.
    pub ids: Vec<Id>,
    /// When it happened, where the object tells it better than the event; the first that is there.
    #[serde(default)]
    pub occurred_at: Vec<Pointer>,
    /// When its money came in, whatever event tells of it, or an earlier time such as when the payment was begun; the
    /// first that is there. A time of the event is none: an old payment is told of again. None is there: not known.
    #[serde(default)]
    pub paid_at: Vec<Pointer>,
    /// Amount that came in; the first that is there.
    #[serde(default)]
    pub amount: Vec<Pointer>,
    /// How amounts are written.
    #[serde(default)]
    pub amount_as: AmountAs,
    /// Currency of the amount.
    pub currency: Option<Pointer>,
    /// The provider's id of the customer.
    pub customer: Option<Pointer>,
    /// Texts that hold JSON, and are read as such before any pointer is followed.
    #[serde(default)]
    pub unpack: Vec<Pointer>,
    /// Further places of what an operator's `/metadata/…` pointer names; the first with a hit counts. `*` counts.
    #[serde(default)]
    pub metadata: Vec<Pointer>,
    /// Price lines.
    pub lines: Option<Lines>,
    /// The id of what came in, where it is one of several parts that add up.
    pub part: Option<Pointer>,
    /// What was reserved and never captured, where the provider counts it as refunded.
    pub never_in: Option<NeverIn>,
    /// Where it tells for what it bills; not set: for what its own custom data say.
    pub period: Option<Period>,
}

/// An amount that never came in: the difference of two.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeverIn {
    /// What was reserved.
    pub of: Pointer,
    /// What was captured of it.
    pub less: Pointer,
    /// Must hold of the event, not of the object.
    #[serde(default)]
    pub when: Vec<Test>,
}

/// Which reasons of billing a subscription are known to be a new period. Reasons are added over time, so those that are
/// not known buy no days.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Where the reason stands.
    pub at: Pointer,
    /// Those that are a period, or a sale.
    pub is: Vec<String>,
    /// It is of a subscription where any of these is there; `*` counts. Empty: it always is.
    #[serde(default)]
    pub of: Vec<Pointer>,
    /// Days under the operator's own pointers are those of this very object, whatever it bills; else they are copied
    /// from the subscription.
    #[serde(default)]
    pub own: bool,
}

/// How an amount is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmountAs {
    /// In the currency's smallest unit, a number or digits.
    #[default]
    Minor,
    /// In the currency's main unit, a decimal number or its text.
    Major,
}

/// An id of the payment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Id {
    /// Where, in the object or in each fitting element of `each`.
    pub at: Pointer,
    /// Strength, 0 strongest; see [`PaymentId`](crate::domain::facts::PaymentId).
    pub rank: u8,
    /// Put before it, where ids of several kinds could be equal.
    #[serde(default)]
    pub prefix: String,
    /// A list whose fitting elements hold the id; `*` counts.
    pub each: Option<Pointer>,
    /// What must hold of the object, or of an element.
    #[serde(default)]
    pub when: Vec<Test>,
}

/// Where the price lines are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// The list; one line may stand alone.
    pub list: Pointer,
    /// True where the body holds only the first lines.
    pub more: Option<Pointer>,
    /// Price id in a line; the first that is there.
    pub price: Vec<Pointer>,
    /// Whole units; one where absent.
    pub quantity: Option<Pointer>,
    /// The same as a decimal text, which counts where it is there.
    pub quantity_decimal: Option<Pointer>,
    /// Lines that fit any of these buy no days of their own, such as the proration of a change of plan.
    #[serde(default)]
    pub skip: Vec<Test>,
}

/// Some event types and what they mean.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// Event types.
    pub types: Vec<String>,
    /// Name of the object it is about.
    pub object: Option<String>,
    /// Must hold of the object.
    #[serde(default)]
    pub when: Vec<Test>,
    /// Then.
    pub means: Means,
    /// Which money-in family it is of; not set: `payments`. What is neither money in nor a link is so only where its
    /// family grants, and everywhere where it names none.
    pub family: Option<String>,
    /// The sentence of what is ignored or held.
    pub why: Option<String>,
    /// The money that went out; one place or a list of them.
    #[serde(default, deserialize_with = "one_or_more")]
    pub out: Vec<OutAt>,
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OutAt>, D::Error> {
    struct OneOrMore;
    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<OutAt>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a table or a list of tables")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            OutAt::deserialize(MapAccessDeserializer::new(map)).map(|out| vec![out])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(OneOrMore)
}

impl On {
    /// Which money-in family it is of.
    pub fn family(&self) -> &str {
        self.family.as_deref().unwrap_or("payments")
    }
}

/// What an event means; see [`Meaning`](crate::domain::facts::Meaning).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Money came in.
    MoneyIn,
    /// Money came in, and what it buys is not told: a person says how many days.
    MoneyInUnclear,
    /// Joins ids; may carry channel and days.
    Link,
    /// Money goes back to the payer.
    Refund,
    /// It did not after all.
    RefundFailed,
    /// The payment, or a part of it, failed: its money does not come, or not for good. Money in that is told later
    /// undoes that.
    PaymentFailed,
    /// The payer's bank takes the money back until it is decided.
    Dispute,
    /// It came back.
    DisputeWon,
    /// It stays away.
    DisputeLost,
    /// The payer's bank asks; no money moves.
    Inquiry,
    /// Nothing we need.
    Ignored,
    /// Nobody can say by itself.
    Held,
}

/// Where the money that went out stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutAt {
    /// A list whose fitting elements are a refund or a dispute each; `*` counts. Not set: the object is one.
    pub each: Option<Pointer>,
    /// What must hold of it.
    #[serde(default)]
    pub when: Vec<Test>,
    /// The refund's or dispute's own id.
    pub id: Option<Pointer>,
    /// How much; the first that is there.
    #[serde(default)]
    pub amount: Vec<Pointer>,
    /// What the amount counts.
    pub counts: Counts,
    /// What it is; not set: what the event means, and beside money in a refund.
    pub means: Option<Means>,
}

/// What an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// This refund or dispute.
    Part,
    /// All of the payment so far.
    Total,
    /// No amount is told: everything.
    All,
}

impl EventMap {
    /// The families that events of money in are of, in the order of the table.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.on
            .iter()
            .filter(|on| on.means == Means::MoneyIn)
            .map(On::family)
            .filter(move |family| seen.insert(*family))
    }

    /// Whether every object that brings money of a family may tell when it came in.
    pub fn tells_paid_at(&self, family: &str) -> bool {
        let own = self.on.iter().filter(|on| on.means == Means::MoneyIn && on.family() == family);
        let mut objects = own.filter_map(|on| self.objects.get(on.object.as_deref()?));
        objects.all(|object| !object.paid_at.is_empty())
    }

    /// Every event type that says something about a payment.
    pub fn types(&self) -> BTreeSet<&str> {
        self.on.iter().flat_map(|on| &on.types).map(String::as_str).collect()
    }

    /// Every place that decides on money, from the event's root: type, mode, account, ids, amounts, price lines and
    /// conditions; and when the money came in. When an event of it happened is not among them.
    pub fn decisive(&self) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.is.iter().map(|test| test.at.to_string()).collect();
        if let Kind::Fields(pointers, _) = &self.kind {
            all.extend(pointers.iter().map(ToString::to_string));
        }
        let mode = self.livemode.iter().map(|mode| &mode.at);
        all.extend(mode.chain(&self.account).map(ToString::to_string));
        let mut below: Vec<String> = Vec::new();
        for object in self.objects.values() {
            for id in &object.ids {
                let each = id.each.as_deref().unwrap_or_default();
                let places = std::iter::once(&id.at).chain(id.when.iter().map(|test| &test.at));
                below.extend(places.map(|at| format!("{each}{}", &**at)));
            }
            let lines = object.lines.iter().map(|lines| &lines.list);
            below.extend(object.paid_at.iter().map(ToString::to_string));
            let further = object.amount.iter().chain(&object.currency).chain(&object.metadata).chain(lines);
            let further = further.chain(&object.part).chain(object.period.iter().map(|period| &period.at));
            let never_in = object.never_in.iter().flat_map(|amount| [&amount.of, &amount.less]);
            let further = further.chain(never_in);
            below.extend(further.map(ToString::to_string));
        }
        for on in &self.on {
            below.extend(on.when.iter().map(|test| test.at.to_string()));
            let out = on.out.iter().flat_map(|out| out.id.iter().chain(&out.amount));
            below.extend(out.map(ToString::to_string));
        }
        all.extend(below.into_iter().map(|pointer| format!("{}{pointer}", &*self.object)));
        all
    }

    /// What does not fit together, a sentence each.
    pub fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.items.is_some() && matches!(self.kind, Kind::Header(_)) {
            wrong.push(".events.type must stand in each of .events.items: a header has one for all".into());
        }
        for (position, on) in self.on.iter().enumerate() {
            let place = format!(".events.on[{position}]");
            let speaks = matches!(on.means, Means::Ignored | Means::Held);
            let reasoned = speaks || on.means == Means::MoneyInUnclear;
            if on.types.is_empty() {
                wrong.push(format!("{place}.types is empty"));
            }
            match &on.object {
                None if !speaks => wrong.push(format!("{place} needs object: what it is about")),
                Some(name) if !self.objects.contains_key(name) => {
                    wrong.push(format!("{place}.object = {name:?} is not among .events.objects"));
                }
                _ => {}
            }
            let object = on.object.as_ref().and_then(|name| self.objects.get(name));
            let timed = self.occurred_at.is_some()
                || object.is_some_and(|object| !object.occurred_at.is_empty() || !object.paid_at.is_empty());
            if matches!(on.means, Means::MoneyIn | Means::MoneyInUnclear) && !timed {
                wrong.push(format!(
                    "{place}: nothing tells when the money came in, so a restored ledger could not tell what it forgot; set paid_at of its object, or at least .events.occurred_at"
                ));
            }
            if reasoned && on.why.is_none() {
                wrong.push(format!("{place} needs why: the sentence for the operator"));
            }
            let out = matches!(
                on.means,
                Means::Refund
                    | Means::RefundFailed
                    | Means::PaymentFailed
                    | Means::Dispute
                    | Means::DisputeWon
                    | Means::DisputeLost
            );
            if out && on.out.is_empty() {
                wrong.push(format!("{place} needs out: how much money it is about"));
            }
        }
        for (name, object) in &self.objects {
            if object.ids.is_empty() {
                wrong.push(format!(".events.objects.{name}.ids is empty: no payment could be named"));
            }
        }
        wrong
    }
}
