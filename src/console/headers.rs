//! What every answer says to the browser: nothing from elsewhere, nothing inline, no frames, nothing kept.

/// On every answer that does not say otherwise. The referrer stays on this site (keys stand in addresses) but is not
/// dropped altogether: without one, browsers send `Origin: null` with a form, and it could not be told from a
/// stranger's.
pub(super) const ALWAYS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("cache-control", "no-store"),
];
