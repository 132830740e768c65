//! The words of others, made safe to keep and show: no control characters, no tokens, not long.
//!
//! An error text may echo what we sent (our token) or what it knows (a channel's token). The first is
//! known and struck wherever it stands; the second is not, so every run of characters that is long enough and
//! mixed enough to be a key is struck too. That also strikes some harmless ids: the safe way round.

/// Longest text kept, in characters.
pub const MESSAGE_CHARS_MAX: usize = 200;

/// From this length, in bytes, a run of letters and digits is taken for a token.
const TOKEN_LIKE_BYTES_MIN: usize = 20;

/// From this length, in bytes, a run that is part of our token is struck.
const TOKEN_PART_BYTES_MIN: usize = 8;

/// What stands for a struck token.
const STRUCK: &str = "[redacted]";

/// Strips control and invisible characters first (a token cut by one must not be put together again by
/// stripping), then strikes tokens, then caps.
pub fn redact(text: &str, token: &str) -> String {
    let visible: String = text.chars().filter_map(visible).collect();
    let struck = if token.is_empty() { visible } else { visible.replace(token, STRUCK) };
    let mut out = String::with_capacity(struck.len().min(MESSAGE_CHARS_MAX));
    let mut run = String::new();
    for c in struck.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '=' | '~') {
            run.push(c);
        } else {
            out.push_str(if looks_like_token(&run, token) { STRUCK } else { &run });
            run.clear();
            out.push(c);
        }
    }
    out.trim().chars().take(MESSAGE_CHARS_MAX).collect()
}

fn visible(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{ad}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

fn looks_like_token(run: &str, token: &str) -> bool {
    let mixed = run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic());
    run.starts_with("eyJ")
        || (mixed && run.len() >= TOKEN_LIKE_BYTES_MIN)
        || (run.len() >= TOKEN_PART_BYTES_MIN && token.contains(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_invisible_characters_do_not_get_through() {
        let token = "eyJhbGciOi.partner.secret";
        for (text, want) in [
            ("Not enough days", "Not enough days"),
            ("bad token eyJhbGciOi.partner.secret given", "bad token [redacted] given"),
            ("bad token eyJhbG\u{0}ciOi.partner.secret", "bad token [redacted]"),
            ("bad token eyJhbG\u{200b}ciOi.partner.secret.", "bad token [redacted]."),
            ("part artner.secret echoed", "part [redacted] echoed"),
            ("channel token Zx81kQmP02LsVn47TgHy", "channel token [redacted]"),
            ("other eyJ0.e30.x", "other [redacted]"),
            ("line\r\nforged \u{202e}log", "line  forged log"),
            ("channel DEMOCH-AB12C is gone", "channel DEMOCH-AB12C is gone"),
        ] {
            assert_eq!(redact(text, token), want, "{text:?}");
        }
        assert_eq!(redact(&"ü ".repeat(500), token).chars().count(), MESSAGE_CHARS_MAX);
        assert!(
            !redact(&format!("{} {token}", "x ".repeat(97)), token).contains("eyJ"),
            "cut after striking"
        );
    }
}
