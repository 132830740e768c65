//! `reconcile` as an operator runs it: every kind of error planted among good payments through real processes, each
//! found, none invented; and a great many payments.

mod filled;
mod planted;
mod scale;
mod slices;
mod usage;

use daybridge::domain::Ms;
use serde_json::Value;

/// One line of an export of payments, as Stripe writes it.
pub(super) struct Line<'a> {
    pub(super) payment: &'a str,
    pub(super) at_ms: Ms,
    pub(super) refunded: bool,
    pub(super) channel: &'a str,
    pub(super) days: &'a str,
}

impl<'a> Line<'a> {
    pub(super) fn new(payment: &'a str, at_ms: Ms, channel: &'a str) -> Self {
        Self { payment, at_ms, refunded: false, channel, days: "30" }
    }
}

/// The export; every payment is one of 9.00 USD.
pub(super) fn export(lines: &[Line<'_>]) -> String {
    let mut text = String::from(
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Description,Status,PaymentIntent ID,channel_id (metadata),days (metadata)\n",
    );
    for line in lines {
        let Line { payment, at_ms, channel, days, .. } = line;
        let created = jiff::Timestamp::from_millisecond(*at_ms).unwrap().strftime("%Y-%m-%d %H:%M:%S");
        let (back, status) = if line.refunded { ("9.00", "Refunded") } else { ("0.00", "Paid") };
        let charge = payment.replacen("pi_", "ch_", 1);
        text += &format!(
            "{charge},{created},9.00,{back},usd,true,\"Days, for a channel\",{status},{payment},{channel},{days}\n"
        );
    }
    text
}

/// Rows that wait for somebody: what they are about (payment or channel), answer, and days.
pub(super) fn open(report: &Value) -> Vec<(String, String, u64)> {
    let rows = report["rows"].as_array().unwrap();
    let open = rows.iter().filter(|row| row["answer"] != "matched" || !row["next"].is_null());
    let mut open: Vec<_> = open
        .map(|row| {
            let about = row["payment"].as_str().or(row["channel"].as_str()).unwrap();
            let answer = row["answer"].as_str().unwrap().to_owned();
            (about.trim_start_matches("stripe/").to_owned(), answer, row["days"].as_u64().unwrap_or(0))
        })
        .collect();
    open.sort();
    open
}
