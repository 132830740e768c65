//! Parameters of URLs, as in `postgres://…?sslmode=verify-full`: only those that do something. The libraries ignore what
//! they do not know, and a mistyped one would leave a connection without the check that it asked for.

/// Longest name that an error repeats, in characters.
const NAME_CHARS_MAX: usize = 40;

/// What may stand behind the `?`.
pub struct KnownParameters {
    /// Names that do something.
    pub taken: &'static [&'static str],
    /// Names that other programs know, and what to do here instead.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

impl KnownParameters {
    /// Refuses whatever is not [`taken`](Self::taken). The error says no values, and nothing that may be a password.
    pub fn check(&self, query: &str) -> Result<(), String> {
        // The host stands before the parameters: an @ behind them is what ends a password with a ? in it.
        if query.contains('@') {
            return Err("holds a ? before its host: write one that belongs to the password as %3F".into());
        }
        for (name, _) in form_urlencoded::parse(query.as_bytes()) {
            let whole = name.split('[').next().unwrap_or_default();
            if self.taken.contains(&whole) {
                continue;
            }
            if let Some((_, instead)) = self.elsewhere.iter().find(|(known, _)| *known == whole) {
                return Err(format!("has the parameter `{whole}`, which does nothing here: {instead}"));
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if !whole.chars().all(plain) || whole.chars().count() > NAME_CHARS_MAX {
                return Err("has a parameter whose name is none; a ? in a password is written %3F".into());
            }
            return Err(match nearest(whole, self.taken) {
                Some(nearest) => format!("has an unknown parameter `{whole}`; did you mean `{nearest}`?"),
                None => format!("has a parameter `{whole}`, and takes none"),
            });
        }
        Ok(())
    }
}

/// The most similar of some words.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().min_by_key(|known| strsim::damerau_levenshtein(word, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: KnownParameters = KnownParameters {
        taken: &["sslmode", "sslrootcert", "options"],
        elsewhere: &[("connect_timeout", "it is always 10 s")],
    };

    #[test]
    fn what_does_nothing_is_refused_and_no_password_is_told() {
        for good in ["", "sslmode=require", "sslmode=a&sslrootcert=%2Fx", "options[search_path]=x"] {
            assert_eq!(KNOWN.check(good), Ok(()), "{good}");
        }
        for (bad, want) in [
            ("sslmod=require", "did you mean `sslmode`"),
            ("sslmode=x&ssl_root_cert=/x", "did you mean `sslrootcert`"),
            ("connect_timeout=3", "it is always 10 s"),
            ("s3cret@host/db", "%3F"),
            ("s3cret%20word", "%3F"),
        ] {
            let why = KNOWN.check(bad).unwrap_err();
            assert!(why.contains(want) && !why.contains("s3cret"), "{bad}: {why}");
        }
    }
}
