//! The provider's record, as a CSV file exported from its dashboard. Read as a stream; columns are found by
//! name, in whatever order and case, with the usual names of Stripe's exports of payments and of charges.
//!
//! Only money that came in is taken: failed, open and cancelled attempts are left out by their status. A status
//! that is not known is an error, because a guess would lose a payment either way.

use std::io::Read;

use async_trait::async_trait;

use super::{Pages, Paid};
use crate::domain::Ms;
use crate::domain::money::{self, Exponents};

/// Payments of one page.
const PAGE_ROWS: usize = 500;

/// Longest id taken, in bytes.
const ID_BYTES_MAX: usize = 255;

/// Names of a column, the usual one first.
type Names = &'static [&'static str];

const INTENT: Names = &["PaymentIntent ID", "Payment Intent ID", "payment_intent"];
const ID: Names = &["id", "Charge ID"];
const WEAKER: [Names; 2] = [&["Invoice ID"], &["Checkout Session ID"]];
const AMOUNT: Names = &["Amount"];
const REFUNDED: Names = &["Amount Refunded"];
const CURRENCY: Names = &["Currency"];
const CREATED: Names = &["Created date (UTC)", "Created (UTC)"];
const STATUS: Names = &["Status"];

/// Statuses of money that came in, some of it perhaps refunded.
const CAME_IN: [&str; 8] = [
    "paid",
    "succeeded",
    "complete",
    "completed",
    "refunded",
    "partially refunded",
    "partial refund",
    "disputed",
];

/// Statuses of money that did not, or not yet.
const DID_NOT: [&str; 14] = [
    "failed",
    "blocked",
    "canceled",
    "cancelled",
    "expired",
    "incomplete",
    "open",
    "pending",
    "processing",
    "uncaptured",
    "unpaid",
    "requires payment method",
    "requires confirmation",
    "requires action",
];

/// What the settings say of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reads {
    /// The mode its payments are of: an export is made of one.
    pub livemode: bool,
    /// JSON pointers for the channel; those to metadata name columns.
    pub channel: Vec<String>,
    /// Likewise for the days.
    pub days: Vec<String>,
}

/// Positions of the columns that are read.
struct Columns {
    ids: Vec<usize>,
    amount: usize,
    refunded: usize,
    currency: usize,
    created: usize,
    status: usize,
    channel: Vec<usize>,
    days: Vec<usize>,
}

/// A CSV file being read.
pub struct Export<R> {
    records: csv::Reader<R>,
    columns: Columns,
    livemode: bool,
}

impl<R: Read> Export<R> {
    /// Reads the head; the error names the column that is missing.
    pub fn open(from: R, reads: &Reads) -> Result<Self, String> {
        let mut records = csv::ReaderBuilder::new().flexible(true).from_reader(from);
        let heads = records.headers().map_err(|error| format!("not a CSV file: {error}"))?.clone();
        let columns = Columns::find(&heads, reads)?;
        Ok(Self { records, columns, livemode: reads.livemode })
    }

    fn page(&mut self) -> Result<Vec<Paid>, String> {
        let mut page = Vec::new();
        let mut record = csv::StringRecord::new();
        while page.len() < PAGE_ROWS {
            if !self.records.read_record(&mut record).map_err(|error| error.to_string())? {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let paid = self.columns.paid(&record, self.livemode);
            page.extend(paid.map_err(|why| format!("line {line} of the CSV file: {why}"))?);
        }
        Ok(page)
    }
}

#[async_trait]
impl<R: Read + Send> Pages for Export<R> {
    async fn next(&mut self) -> Result<Vec<Paid>, String> {
        self.page()
    }
}

impl Columns {
    fn find(heads: &csv::StringRecord, reads: &Reads) -> Result<Self, String> {
        let at = |name: &str| {
            heads
                .iter()
                .position(|head| head.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name))
        };
        let any = |names: Names| names.iter().find_map(|name| at(name));
        let need = |names: Names| {
            any(names).ok_or_else(|| {
                let usual = names.first().copied().unwrap_or_default();
                format!("the CSV file has no column {usual:?}; export it again with that column")
            })
        };
        let pointed = |pointers: &[String]| -> Vec<usize> {
            let names = pointers.iter().filter_map(|pointer| pointer.strip_prefix("/metadata/"));
            names.filter_map(|name| at(&format!("{name} (metadata)"))).collect()
        };
        let strong: Vec<usize> = [any(INTENT), any(ID)].into_iter().flatten().collect();
        if strong.is_empty() {
            need(ID)?;
        }
        Ok(Self {
            ids: strong.into_iter().chain(WEAKER.into_iter().filter_map(any)).collect(),
            amount: need(AMOUNT)?,
            refunded: need(REFUNDED)?,
            currency: need(CURRENCY)?,
            created: need(CREATED)?,
            status: need(STATUS)?,
            channel: pointed(&reads.channel),
            days: pointed(&reads.days),
        })
    }

    /// `None`: no money came in.
    fn paid(&self, record: &csv::StringRecord, livemode: bool) -> Result<Option<Paid>, String> {
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let first = |columns: &[usize]| columns.iter().map(|at| cell(*at)).find(|text| !text.is_empty());
        let status = cell(self.status).to_ascii_lowercase().replace('_', " ");
        match status.as_str() {
            status if CAME_IN.contains(&status) => {}
            status if DID_NOT.contains(&status) => return Ok(None),
            _ => return Err(format!("the status {:?} is not known", cell(self.status))),
        }
        let mut ids: Vec<String> = Vec::new();
        for id in self.ids.iter().map(|at| cell(*at)).filter(|id| !id.is_empty()) {
            if id.len() > ID_BYTES_MAX || !id.bytes().all(|b| b.is_ascii_graphic()) {
                return Err("an id that is not plain text".into());
            }
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        let mut ids = ids.into_iter();
        let id = ids.next().ok_or("no id")?;
        let currency = cell(self.currency).to_ascii_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_lowercase()) {
            return Err(format!("{currency:?} is no currency"));
        }
        let money = |at: usize, text: &str| {
            let text = if text.is_empty() { "0" } else { text.trim() };
            let decimals = Exponents::Stripe.of(&currency);
            decimals.and_then(|decimals| money::parse(text, decimals)).ok_or_else(|| {
                format!("{text:?} in column {} is no amount of {currency:?}", at.saturating_add(1))
            })
        };
        Ok(Some(Paid {
            id,
            aliases: ids.collect(),
            account: None,
            amount: money(self.amount, cell(self.amount))?,
            refunded: money(self.refunded, cell(self.refunded))?,
            at_ms: time(cell(self.created))
                .ok_or_else(|| format!("{:?} is no time like 2026-11-23 08:00", cell(self.created)))?,
            currency,
            livemode,
            channel: first(&self.channel).map(str::to_owned),
            days: first(&self.days).filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok()),
        }))
    }
}

/// `2026-11-23 08:00`, with or without seconds, `T` and `Z`; always UTC.
fn time(text: &str) -> Option<Ms> {
    let text = text.trim_end_matches('Z').replace('T', " ");
    let full = if text.matches(':').count() == 1 { format!("{text}:00Z") } else { format!("{text}Z") };
    full.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads() -> Reads {
        Reads {
            livemode: true,
            channel: vec!["/metadata/channel_id".into(), "/client_reference_id".into()],
            days: vec!["/metadata/days".into()],
        }
    }

    fn read(text: &str) -> Result<Vec<Paid>, String> {
        Export::open(text.as_bytes(), &reads())?.page()
    }

    const HEAD: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Status,PaymentIntent ID,channel_id (metadata),days (metadata)";

    #[test]
    fn a_payment_as_stripe_exports_it() {
        let row = "ch_1,2026-11-23 08:00,9.00,2.50,usd,Partially refunded,pi_1,DEMOCH-AB12C,30";
        let paid = read(&format!("\u{feff}{HEAD}\n{row}\nch_2,x,x,x,x,Failed,,,\n")).unwrap();
        assert_eq!(
            paid,
            [Paid {
                id: "pi_1".into(),
                aliases: vec!["ch_1".into()],
                account: None,
                amount: 900,
                refunded: 250,
                currency: "usd".into(),
                at_ms: 1_795_420_800_000,
                livemode: true,
                channel: Some("DEMOCH-AB12C".into()),
                days: Some(30),
            }]
        );
    }

    #[test]
    fn order_and_case_of_columns_are_free_and_metadata_may_miss() {
        let text = "STATUS,currency,AMOUNT REFUNDED,amount,Created (UTC),ID\nsucceeded,JPY,,900,2026-11-23T08:00:01Z,ch_1\n";
        let paid = read(text).unwrap();
        assert_eq!((paid[0].amount, paid[0].refunded, paid[0].at_ms), (900, 0, 1_795_420_801_000));
        assert_eq!((&*paid[0].id, &*paid[0].currency, &paid[0].channel), ("ch_1", "jpy", &None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            (HEAD.replace("Amount Refunded", "x"), "no column \"Amount Refunded\""),
            (HEAD.replace("id,", "x,").replace("PaymentIntent ID", "y"), "no column \"id\""),
            (
                format!("{HEAD}\nch_1,2026-11-23 08:00,9.001,0,usd,Paid,pi_1,,\n"),
                "line 2 of the CSV file: \"9.001\"",
            ),
            (format!("{HEAD}\nch_1,23.11.2026,9.00,0,usd,Paid,pi_1,,\n"), "no time"),
            (format!("{HEAD}\nch_1,2026-11-23 08:00,9.00,0,usd,Odd,pi_1,,\n"), "the status \"Odd\""),
            (format!("{HEAD}\nch_1,2026-11-23 08:00,9.00,0,us$,Paid,pi_1,,\n"), "no currency"),
            (format!("{HEAD}\n,2026-11-23 08:00,9.00,0,usd,Paid,,,\n"), "no id"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(want), "{error} for {text}");
        }
    }
}
