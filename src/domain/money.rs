//! Amounts as people read them: `9.00 USD`. Records, JSON and settings keep the smallest unit.
//!
//! How many decimals an amount has is ISO 4217's word, and some providers count some currencies otherwise: of those the
//! number is shown as it was told, and so is one of a currency that nobody knows.

use iso_currency::Currency;

/// Counted otherwise by Stripe (ISK, MGA, UGX) or by Adyen (CLP, CVE, IDR, ISK) than ISO 4217 has it.
const COUNTED_DIFFERENTLY: [&str; 6] = ["CLP", "CVE", "IDR", "ISK", "MGA", "UGX"];

/// Decimals of a currency in which every provider counts alike.
fn decimals(code: &str) -> Option<usize> {
    if COUNTED_DIFFERENTLY.contains(&code) {
        return None;
    }
    Some(Currency::from_code(code)?.exponent()?.into())
}

/// The number alone; `None` where it cannot be told apart from its smallest unit.
fn decimal(amount: i64, code: &str) -> Option<String> {
    let places = decimals(code)?;
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = places.saturating_add(1));
    let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(places))?;
    let sign = if amount < 0 { "-" } else { "" };
    let point = if places == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// An amount of the smallest unit of a currency, whatever its case: `9.00 USD`.
pub fn shown(amount: i64, currency: &str) -> String {
    let code = currency.to_ascii_uppercase();
    match decimal(amount, &code) {
        Some(number) => format!("{number} {code}"),
        None => format!("{amount} {code} (smallest unit)"),
    }
}

/// The same without the currency, where that stands beside it.
pub fn number(amount: i64, currency: &str) -> String {
    decimal(amount, &currency.to_ascii_uppercase()).unwrap_or_else(|| amount.to_string())
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
}
