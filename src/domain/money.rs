//! Amounts as people read and write them: `9.00 USD`. Records, JSON and settings keep the smallest unit, in whole numbers:
//! a float cannot hold 0.10.
//!
//! How many decimals an amount has is ISO 4217's word, and some providers count some currencies otherwise. Where it is not
//! known who counted, the number of such a currency is shown as it was told, and so is one of a currency that nobody knows.

use iso_currency::Currency;

/// Counted otherwise by Stripe (ISK, MGA, UGX) or by Adyen (CLP, CVE, IDR, ISK) than ISO 4217 has it.
const COUNTED_DIFFERENTLY: [&str; 6] = ["CLP", "CVE", "IDR", "ISK", "MGA", "UGX"];

/// Without a smaller unit at Stripe.
const STRIPE_WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// In thousandths at Stripe.
const STRIPE_THOUSANDTHS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// Who says how many decimals a currency has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exponents {
    /// ISO 4217.
    Iso,
    /// ISO 4217, for currencies in which every provider counts alike.
    Agreed,
    /// Stripe, which counts hundredths where it says nothing else.
    Stripe,
}

impl Exponents {
    /// Decimals of a currency, whatever its case; `None`: not known.
    pub fn of(self, currency: &str) -> Option<usize> {
        let code = currency.to_ascii_uppercase();
        let iso = || Some(Currency::from_code(&code)?.exponent()?.into());
        match self {
            Exponents::Iso => iso(),
            Exponents::Agreed if COUNTED_DIFFERENTLY.contains(&&*code) => None,
            Exponents::Agreed => iso(),
            Exponents::Stripe if STRIPE_WHOLE.contains(&&*code) => Some(0),
            Exponents::Stripe if STRIPE_THOUSANDTHS.contains(&&*code) => Some(3),
            Exponents::Stripe => Some(2),
        }
    }
}

/// `12.5` with two decimals is 1250. More decimals than there are must be zeros; `None` where the text is no plain decimal
/// number.
pub fn parse(text: &str, decimals: usize) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction_needed = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction_needed.len() > decimals {
        return None;
    }
    let amount: i64 = format!("{whole}{fraction_needed:0<decimals$}").parse().ok()?;
    if negative { amount.checked_neg() } else { Some(amount) }
}

/// The number alone, with so many decimals.
fn decimal(amount: i64, decimals: usize) -> String {
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    let sign = if amount < 0 { "-" } else { "" };
    let point = if decimals == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// An amount of the smallest unit of a currency, whatever its case: `9.00 USD`.
pub fn shown(amount: i64, currency: &str) -> String {
    shown_by(Exponents::Agreed, amount, currency)
}

/// The same by one who is known to have counted it.
pub fn shown_by(exponents: Exponents, amount: i64, currency: &str) -> String {
    let code = currency.to_ascii_uppercase();
    match exponents.of(currency) {
        Some(decimals) => format!("{} {code}", decimal(amount, decimals)),
        None => format!("{amount} {code} (smallest unit)"),
    }
}

/// The same without the currency, where that stands beside it.
pub fn number(amount: i64, currency: &str) -> String {
    Exponents::Agreed.of(currency).map_or_else(|| amount.to_string(), |decimals| decimal(amount, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_shown_as_people_read_it() {
        for (amount, currency, want) in [
            (900, "usd", "9.00 USD"),
            (7, "eur", "0.07 EUR"),
            (-350, "usd", "-3.50 USD"),
            (90_000, "jpy", "90000 JPY"),
            (1_234, "kwd", "1.234 KWD"),
            (i64::MIN, "usd", "-92233720368547758.08 USD"),
            (5_000, "ugx", "5000 UGX (smallest unit)"),
            (5_000, "idr", "5000 IDR (smallest unit)"),
            (5, "zzz", "5 ZZZ (smallest unit)"),
            (5, "", "5  (smallest unit)"),
        ] {
            assert_eq!(shown(amount, currency), want);
        }
        assert_eq!((number(300, "usd"), number(300, "ugx")), ("3.00".to_owned(), "300".to_owned()));
    }

    #[test]
    fn what_stripe_counts_is_read_and_shown() {
        for (text, currency, want, shown) in [
            ("9.00", "usd", Some(900), "9.00 USD"),
            ("0.1", "usd", Some(10), "0.10 USD"),
            ("0.07", "eur", Some(7), "0.07 EUR"),
            ("12", "usd", Some(1200), "12.00 USD"),
            ("-3.50", "usd", Some(-350), "-3.50 USD"),
            ("900", "jpy", Some(900), "900 JPY"),
            ("900.00", "jpy", Some(900), "900 JPY"),
            ("1.234", "kwd", Some(1234), "1.234 KWD"),
            ("5000", "ugx", Some(500_000), "5000.00 UGX"),
            ("92233720368547758.07", "usd", Some(i64::MAX), "92233720368547758.07 USD"),
        ] {
            let amount = parse(text, Exponents::Stripe.of(currency).unwrap());
            assert_eq!(amount, want, "{text} {currency}");
            assert_eq!(shown_by(Exponents::Stripe, amount.unwrap(), currency), shown);
        }
        for (text, currency) in [
            ("", "usd"),
            (".5", "usd"),
            ("1,000.00", "usd"),
            ("1.005", "usd"),
            ("1.5", "jpy"),
            ("1e3", "usd"),
            ("$9", "usd"),
            ("+9", "usd"),
            ("92233720368547758.08", "usd"),
        ] {
            assert_eq!(parse(text, Exponents::Stripe.of(currency).unwrap()), None, "{text} {currency}");
        }
    }
}
