//! `[sources.NAME.events]`: what a provider's events mean and where their objects keep what we need. Only the fields
//! named here are read from a body, so a provider's new field or new value never breaks an old event.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{
        MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::{object::Object, pointer::Pointer, signature::Unit, test::Test};
use crate::domain::payment::agreement::AgreementState;

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
    pub id: Option<NamePart>,
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
pub enum NamePart {
    /// In the event.
    Field(Pointer),
    /// In a header.
    Header(String),
}

impl TryFrom<String> for NamePart {
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
            Words::One(text) => match (text.strip_prefix('='), NamePart::try_from(text.clone())) {
                (Some(word), _) => Ok(Self::Always(word.trim().to_owned())),
                (None, Ok(NamePart::Header(header))) => Ok(Self::Header(header)),
                (None, Ok(NamePart::Field(pointer))) => Ok(Self::Fields(vec![pointer], None)),
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
    /// What it says of the agreement (subscription) that its object names.
    pub agreement: Option<AgreementState>,
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
    /// Tells where an agreement stands, and nothing of a payment.
    Agreement,
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
    /// All of the payment so far, what is under way in it.
    Total,
    /// All of the payment that has gone through so far.
    Done,
    /// No amount is told: everything.
    All,
}
