use std::net::IpAddr;

use super::Rejected;

/// What a request brings besides its body.
pub struct RequestParts<'r> {
    /// Every line of a header, by its lower-case name.
    pub headers: &'r dyn Fn(&str) -> Vec<&'r [u8]>,
    /// The URL's query, as received.
    pub query: &'r str,
    /// Who called, as far as the proxies tell.
    pub client: Option<IpAddr>,
}

impl<'r> RequestParts<'r> {
    /// The one line of a header; `Err`: there are several.
    pub(super) fn header(&self, name: &str) -> Result<Option<&'r [u8]>, Rejected> {
        let mut lines = (self.headers)(name).into_iter();
        match (lines.next(), lines.next()) {
            (_, Some(_)) => Err(Rejected::Malformed),
            (line, None) => Ok(line.filter(|line| !line.is_empty())),
        }
    }

    /// The one value of a key of the query; `Err`: there are several.
    pub(super) fn query(&self, key: &str) -> Result<Option<String>, Rejected> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        let mut values = pairs.filter(|(name, _)| name == key).map(|(_, value)| value.into_owned());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Rejected::Malformed),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }
}
