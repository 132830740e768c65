//! Money between a currency's usual unit, as people and CSV exports write it, and its smallest, as APIs count
//! it. Whole numbers only: a float cannot hold 0.10.
//!
//! The exponents are Stripe's, which differ from ISO 4217 where Stripe says so: UGX and ISK count hundredths.

/// Currencies without a smaller unit.
const WHOLE: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

/// Currencies counted in thousandths.
const THOUSANDTHS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// Digits after the decimal point; `currency` in lower case.
fn exponent(currency: &str) -> usize {
    match currency {
        _ if WHOLE.contains(&currency) => 0,
        _ if THOUSANDTHS.contains(&currency) => 3,
        _ => 2,
    }
}

/// `12.5` of a currency in its smallest unit; `None` where the text is no plain decimal number, or finer than
/// the currency is.
pub fn parse(text: &str, currency: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let places = exponent(currency);
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places {
        return None;
    }
    let amount: i64 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    Some(if negative { amount.checked_neg()? } else { amount })
}

/// An amount in the smallest unit as people write it: `12.50 USD`.
pub fn show(amount: i64, currency: &str) -> String {
    let places = exponent(currency);
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = places.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    let sign = if amount < 0 { "-" } else { "" };
    let point = if places == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction} {}", currency.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_and_smallest_units() {
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
            let amount = parse(text, currency);
            assert_eq!(amount, want, "{text} {currency}");
            assert_eq!(show(amount.unwrap(), currency), shown);
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
            assert_eq!(parse(text, currency), None, "{text} {currency}");
        }
    }
}
