//! Amounts, however a provider writes them, in the currency's smallest unit. Never through a binary fraction: what a
//! JSON number looks like is read as a decimal text.

use serde_json::Value;

use super::unreadable::Unreadable;
use crate::{
    config::preset::object::AmountAs,
    domain::money::{self, Exponents},
};

/// Whether some money is certainly there, in whatever unit: a plain decimal number above 0.
pub(super) fn is_some(told: &Value) -> bool {
    let text = text(told);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && digits(fraction) && text.contains(|digit| ('1'..='9').contains(&digit))
}

/// An amount from 0. `currency`: lower-case ISO code; what is written in main units cannot be read without it.
pub(super) fn minor(written: AmountAs, told: &Value, currency: Option<&str>) -> Result<i64, Unreadable> {
    let text = text(told);
    match written {
        AmountAs::Minor => {
            digits(&text).ok_or_else(|| Unreadable("the amount is no whole number from 0".into()))
        }
        AmountAs::Major => {
            let Some(decimals) = currency.and_then(|code| Exponents::Iso.of(code)) else {
                return Err(Unreadable("the amount is of a currency whose decimals are not known".into()));
            };
            let read = money::parse(&text, decimals).filter(|_| !text.starts_with('-'));
            read.ok_or_else(|| Unreadable("the amount is no decimal number from 0 of its currency".into()))
        }
    }
}

fn text(told: &Value) -> String {
    match told {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_their_judgement() {
        let check = |written, told: Value, currency: Option<&str>, want: Option<i64>| {
            assert_eq!(minor(written, &told, currency).ok(), want, "{told} {currency:?}");
        };
        for (told, want) in [
            (900.into(), Some(900)),
            ("900".into(), Some(900)),
            (0.into(), Some(0)),
            ((-1).into(), None),
            (9.5.into(), None),
            ("9.00".into(), None),
            ("".into(), None),
            ("+9".into(), None),
            ("99999999999999999999".into(), None),
            (Value::Null, None),
        ] {
            check(AmountAs::Minor, told, None, want);
        }
        for (told, currency, want) in [
            (Value::from("9.00"), Some("usd"), Some(900)),
            ("9".into(), Some("usd"), Some(900)),
            (9.5.into(), Some("usd"), Some(950)),
            (0.1.into(), Some("usd"), Some(10)),
            ("1000.000".into(), Some("jpy"), Some(1000)),
            ("1.005".into(), Some("usd"), None),
            ("1.005".into(), Some("kwd"), Some(1005)),
            (".5".into(), Some("usd"), None),
            ("-1".into(), Some("usd"), None),
            ("1e3".into(), Some("usd"), None),
            ("9.00".into(), Some("zzz"), None),
            ("9.00".into(), None, None),
        ] {
            check(AmountAs::Major, told, currency, want);
        }
    }
}
