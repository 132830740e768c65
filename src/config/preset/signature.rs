//! `[sources.NAME.signature]`: how a webhook is signed, or what else can be checked of it.

use ipnet::IpNet;
use serde::Deserialize;

use super::pointer::Pointer;

/// How a provider's webhooks are checked by the receiver.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// What stands at its place.
    #[serde(default)]
    pub check: Check,
    /// Name of the header that holds it, lower case.
    pub header: Option<String>,
    /// Instead of a header: name of a value in the URL's query.
    pub query: Option<String>,
    /// Instead of a header: place in each event of the body.
    pub field: Option<Pointer>,
    /// What stands between the elements of the header; not set: it is one value.
    pub list: Option<char>,
    /// What stands between the key and the value of an element; not set: an element is a value.
    pub assign: Option<char>,
    /// Key of the elements that hold a signature; elements under other keys do not count.
    pub element: Option<String>,
    /// Where the time of signing stands; not set: no time is signed.
    pub timestamp: Option<Timestamp>,
    /// The bytes under the MAC.
    #[serde(default)]
    pub signed: Template,
    /// Other bytes that may be under it instead, where a provider signs some of its events otherwise.
    #[serde(default)]
    pub also: Vec<Template>,
    /// Where values of the event are joined: the only one that may hold what stands between them. With two, the same
    /// bytes could be cut into other values.
    pub free: Option<Pointer>,
    /// Its hash.
    #[serde(default)]
    pub mac: Mac,
    /// How a signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// How a secret becomes the MAC's key.
    #[serde(default)]
    pub key: Key,
    /// Taken off a secret that begins with it, before it is decoded.
    #[serde(default)]
    pub key_prefix: String,
    /// Status that a bad signature is answered with.
    #[serde(default = "bad_request")]
    pub status: u16,
    /// The only callers that are heard; empty: all.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
}

fn bad_request() -> u16 {
    400
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// A MAC over what is signed.
    #[default]
    Mac,
    /// The secret itself.
    Token,
}

/// The hash of a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mac {
    /// HMAC-SHA256.
    #[default]
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower-case hex.
    #[default]
    Hex,
    /// Standard base64 with its padding.
    Base64,
}

/// How a secret is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// Its bytes as they stand.
    #[default]
    Text,
    /// Decoded from base64.
    Base64,
    /// Decoded from hex.
    Hex,
}

/// A count from here on is of ms where both units occur: 1973 in ms, the year 5138 in seconds.
pub const MILLIS_FROM: i64 = 100_000_000_000;

/// A count of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Unit {
    /// Seconds since epoch.
    #[default]
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds since epoch.
    #[serde(rename = "ms")]
    Millis,
    /// Either: no time of this program's life has as few ms as it has seconds.
    #[serde(rename = "s or ms")]
    SecondsOrMillis,
}

/// Where the time of signing stands; one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    /// Key of the element of the signature's header.
    pub element: Option<String>,
    /// A header of its own.
    pub header: Option<String>,
    /// What it counts.
    #[serde(default)]
    pub unit: Unit,
}

/// A piece of what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Fixed text.
    Literal(String),
    /// `{timestamp}`: as its text stands in the request.
    Timestamp,
    /// `{body}`: byte for byte.
    Body,
    /// `{url}`: the source's `public_url`.
    Url,
    /// `{header:NAME}`
    Header(String),
    /// `{query:NAME}`
    Query(String),
    /// `{query_lower:NAME}`: its letters as small ones.
    QueryLower(String),
    /// `{/pointer}`: a value of the event.
    Field(Pointer),
}

/// What is signed, as text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(pub Vec<Part>);

impl Default for Template {
    fn default() -> Self {
        Self(vec![Part::Body])
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            let (name, after) = after.split_once('}').ok_or("a { has no }")?;
            parts.push(placeholder(name)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

fn placeholder(name: &str) -> Result<Part, String> {
    Ok(match (name, name.split_once(':')) {
        ("timestamp", _) => Part::Timestamp,
        ("body", _) => Part::Body,
        ("url", _) => Part::Url,
        (_, Some(("header", header))) => Part::Header(header.to_owned()),
        (_, Some(("query", key))) => Part::Query(key.to_owned()),
        (_, Some(("query_lower", key))) => Part::QueryLower(key.to_owned()),
        _ if name.starts_with('/') => Part::Field(Pointer::try_from(name.to_owned())?),
        _ => {
            return Err(format!(
                "\"{{{name}}}\" is no placeholder; there are {{body}}, {{timestamp}}, {{url}}, {{header:NAME}}, {{query:NAME}}, {{query_lower:NAME}} and {{/pointer}}"
            ));
        }
    })
}

impl Signature {
    /// Whether the whole body is under the MAC; else nothing in it is believed before the provider's API was asked.
    pub fn binds_body(&self) -> bool {
        self.check == Check::Mac && self.signed.0.contains(&Part::Body)
    }

    /// The places of each event that are under the MAC, where it is carried in the body.
    pub fn fields(&self) -> impl Iterator<Item = &Pointer> {
        self.signed.0.iter().filter_map(|part| match part {
            Part::Field(pointer) if self.check == Check::Mac => Some(pointer),
            _ => None,
        })
    }

    /// What does not fit together, a sentence each.
    pub fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut refuse = |bad: bool, text: &str| {
            if bad {
                wrong.push(text.to_owned());
            }
        };
        self.place_wrong(&mut refuse);
        self.elements_wrong(&mut refuse);
        self.timestamp_wrong(&mut refuse);
        self.signed_wrong(&mut refuse);
        refuse(!(400..500).contains(&self.status), ".signature.status must be from 400 to 499");
        wrong
    }

    /// Where it stands.
    fn place_wrong(&self, refuse: &mut impl FnMut(bool, &str)) {
        let places = [self.header.is_some(), self.query.is_some(), self.field.is_some()];
        refuse(
            places.iter().filter(|set| **set).count() != 1,
            ".signature needs one of header, query and field: where the signature stands",
        );
        refuse(
            self.header.is_none()
                && (self.list.is_some() || self.assign.is_some() || self.timestamp.is_some()),
            ".signature.list, .assign and .timestamp go with .signature.header only",
        );
    }

    /// How its header is cut into elements.
    fn elements_wrong(&self, refuse: &mut impl FnMut(bool, &str)) {
        refuse(
            self.list.iter().chain(&self.assign).any(|c| !c.is_ascii())
                || self.list.is_some() && self.list == self.assign,
            ".signature.list and .signature.assign must be ASCII, and not the same",
        );
        refuse(
            self.assign.is_some() != self.element.is_some(),
            ".signature.assign and .signature.element go together: a key, and what stands behind it",
        );
        refuse(
            self.header.as_ref().is_some_and(|name| name.chars().any(|c| c.is_ascii_uppercase())),
            ".signature.header must be lower case",
        );
    }

    /// Where the time of signing stands, and that it is signed.
    fn timestamp_wrong(&self, refuse: &mut impl FnMut(bool, &str)) {
        if let Some(Timestamp { element, header, .. }) = &self.timestamp {
            refuse(
                element.is_some() == header.is_some(),
                ".signature.timestamp needs one of element and header",
            );
            refuse(
                element.is_some()
                    && (self.assign.is_none() || self.list.is_none() || *element == self.element),
                ".signature.timestamp.element needs .signature.list and .assign, and is not .element: time and signature stand in one header",
            );
        }
        let timed = self.check == Check::Mac && self.signed.0.contains(&Part::Timestamp);
        refuse(
            timed != self.timestamp.is_some(),
            ".signature.timestamp and {timestamp} in .signature.signed go together: a time that is not signed proves nothing",
        );
    }

    /// The bytes under the MAC.
    fn signed_wrong(&self, refuse: &mut impl FnMut(bool, &str)) {
        refuse(self.check == Check::Mac && self.signed.0.is_empty(), ".signature.signed is empty");
        refuse(
            self.field.is_none() && self.fields().next().is_some(),
            ".signature.signed names values of the event, and they are looked up only where the signature stands in it too: in .signature.field",
        );
        let open = |part: &Part| !matches!(part, Part::Literal(_) | Part::Url);
        let value = |part: &Part| matches!(part, Part::Field(_));
        let touch = |parts: &[Part]| parts.iter().all(open) && parts.iter().any(value);
        refuse(
            self.check == Check::Mac && self.signed.0.windows(2).any(touch),
            ".signature.signed has two values with nothing between them: the same bytes could be cut into others",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_never_be_looked_at_is_refused() {
        for (table, want) in [
            ("header = 'x'", None),
            ("query = 'x'", None),
            ("query = 'x'\nlist = ','", Some("go with .signature.header only")),
            (
                "query = 'x'\nsigned = '{timestamp}{body}'\ntimestamp = { header = 't' }",
                Some("go with .signature.header only"),
            ),
            (
                "header = 'x'\nassign = '='\nelement = 'v1'\nsigned = '{timestamp}'\ntimestamp = { element = 't' }",
                Some("needs .signature.list"),
            ),
            ("header = 'x'\ncheck = 'token'\ntimestamp = { header = 't' }", Some("proves nothing")),
            ("header = 'x'\nlist = '→'", Some("must be ASCII")),
            ("header = 'x'\nlist = '='\nassign = '='\nelement = 'v1'", Some("not the same")),
        ] {
            let wrong = toml::from_str::<Signature>(table).unwrap().contradictions();
            match want {
                None => assert_eq!(wrong, Vec::<String>::new(), "{table}"),
                Some(want) => assert!(wrong.len() == 1 && wrong[0].contains(want), "{table}: {wrong:?}"),
            }
        }
    }
}
