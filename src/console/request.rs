//! Fields, redirects and errors of one request.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{HttpResponse, http::header};

use super::{auth::Visitor, error::PageError, notice::Notice, state::AppState};
use crate::{
    domain::{Ms, id::ChannelId},
    ledger::{Act, Ledger},
    times,
};

/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Longest of all other fields, in bytes.
pub(super) const FIELD_BYTES_MAX: usize = 512;

/// What a page answers.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, PageError>>>>;

/// Fields of an address or a form, in their order; a name may come several times.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The first of this name, trimmed; `None` where it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty() && value.len() <= FIELD_BYTES_MAX)
    }

    /// As it was typed, spaces and all: a password.
    pub(super) fn untouched(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// One request of somebody who may make it.
pub(super) struct Request {
    pub(super) app: Arc<AppState>,
    /// `None` where nobody has to be known.
    pub(super) visitor: Option<Visitor>,
    /// Address of the caller, as far as it is known.
    pub(super) caller: Option<std::net::IpAddr>,
    pub(super) cookie: Option<String>,
    /// What the browser brings of an earlier login.
    pub(super) browser: Option<String>,
    /// What stands in the path's places.
    pub(super) path: Fields,
    pub(super) query: Fields,
    pub(super) form: Fields,
    pub(super) now: Ms,
}

impl Request {
    pub(super) fn ledger(&self) -> &Ledger {
        self.app.ledger.as_ref()
    }

    pub(super) fn who(&self) -> &str {
        self.visitor.as_ref().map_or("nobody", |visitor| &visitor.name)
    }

    /// A field of a form that must be there.
    pub(super) fn field(&self, name: &str) -> Result<&str, PageError> {
        self.form
            .get(name)
            .ok_or_else(|| PageError::Unfit(format!("{name} is missing, or longer than it may be")))
    }

    /// Who acts, and the reason that was typed.
    pub(super) fn act(&self) -> Result<Act<'_>, PageError> {
        let typed = self.form.untouched("reason").unwrap_or_default().trim();
        if typed.is_empty() {
            return Err(PageError::Unfit("give a reason; it is kept with your name and the time".into()));
        }
        if typed.chars().count() > REASON_CHARS_MAX {
            return Err(PageError::Unfit(format!("a reason has at most {REASON_CHARS_MAX} characters")));
        }
        Ok(Act { who: self.who(), reason: typed })
    }

    /// A word of a closed set in the address or the form.
    pub(super) fn word<T>(
        fields: &Fields,
        name: &str,
        parse: fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, PageError> {
        let Some(typed) = fields.get(name) else { return Ok(None) };
        let known = || format!("there is no {name} {typed:?}; there are: {}", words.join(", "));
        parse(typed).map(Some).ok_or_else(|| PageError::Unfit(known()))
    }

    /// A channel in the address or the form; an empty field says nothing.
    pub(super) fn channel(fields: &Fields, name: &str) -> Result<Option<ChannelId>, PageError> {
        let parsed = |typed| ChannelId::parse(typed).ok_or_else(|| format!("{typed:?} is no channel id"));
        fields.get(name).map(parsed).transpose().map_err(PageError::Unfit)
    }

    /// Days as they are typed; an empty field says nothing.
    pub(super) fn days(&self) -> Result<Option<u32>, PageError> {
        let typed = self.form.get("days").map(|typed| match typed.parse::<u32>() {
            Ok(days) if days > 0 => Ok(days),
            _ => Err(PageError::Unfit(format!("{typed:?} is no number of days"))),
        });
        typed.transpose()
    }

    /// A time in the address or the form.
    pub(super) fn time(&self, fields: &Fields, name: &str) -> Result<Option<Ms>, PageError> {
        let typed = fields.get(name);
        typed.map(|typed| times::typed(typed, self.now)).transpose().map_err(PageError::Unfit)
    }

    /// The page of this site that a field names, or `otherwise`.
    pub(super) fn page_in<'a>(&'a self, field: &str, otherwise: &'a str) -> &'a str {
        self.form.get(field).filter(|page| is_ours(page)).unwrap_or(otherwise)
    }

    /// After a form: to the page that it stood on, or `otherwise`, with a notice.
    pub(super) fn back(&self, otherwise: &str, notice: Notice, many: usize) -> HttpResponse {
        let page = self.page_in("back", otherwise);
        let join = if page.contains('?') { '&' } else { '?' };
        see(&format!("{page}{join}told={}&n={many}", notice.word()))
    }
}

/// A path of this site: a browser reads `//` and `/\` as another host.
fn is_ours(page: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    page.starts_with('/') && !page.starts_with("//") && page.bytes().all(plain)
}

/// 303: the browser gets that page, and a reload does not send the form again.
pub(super) fn see(page: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, page)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_this_site_alone() {
        assert!(is_ours("/held?cause=a%20b"));
        for other in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "held", "/a\nb", "/a b"]
        {
            assert!(!is_ours(other), "{other:?}");
        }
    }

    #[test]
    fn fields_come_several_times_and_are_bounded() {
        let long = "x".repeat(FIELD_BYTES_MAX + 1);
        let fields = Fields::parse(format!("key=a%2Fb&key=+c+&key=&key={long}&password=+p+").as_bytes());
        assert_eq!(fields.all("key").collect::<Vec<_>>(), ["a/b", "c"]);
        assert_eq!(fields.untouched("password"), Some(" p "));
        assert_eq!(fields.get("none"), None);
    }
}
