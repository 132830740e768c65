//! Whether a post comes from this site: what the browser itself says, which no page can forge. It stands before the
//! form's token, and protects the login, whose form has none.

use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// What neither header tells comes from no browser of this decade, and has the token to pass.
pub(in crate::console) fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(app), _) => matches!(app, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(HOST.as_str())
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn posts_from_elsewhere_are_told() {
        for (headers, want) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://here"), ("host", "here")], false),
            (vec![("origin", "http://here:1"), ("host", "here:1")], true),
            (vec![("origin", "http://evil"), ("host", "here:1")], false),
            (vec![("origin", "null"), ("host", "here:1")], false),
            (vec![("host", "here:1")], true),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_same_site(&map), want, "{headers:?}");
        }
    }
}
