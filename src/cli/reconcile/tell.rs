//! Rows as a table, as JSON, or as CSV. JSON and CSV are written row by row; a table keeps what is open.

use std::collections::BTreeMap;

use crate::cli::output::{
    json,
    text::{or_dash, put, say, table},
};
use daybridge::{
    domain::money::{self, Exponents},
    ops::reconcile::row::{Finding, Row, Sum, Sums},
    terminal::escaped,
};

/// Most rows of one answer in the table; JSON and CSV have all.
const ROWS_SHOWN_MAX: usize = 1_000;

/// Tells rows as they come.
pub enum Teller {
    /// Open rows, kept for their table.
    Table(BTreeMap<Finding, Vec<Row>>),
    /// How many rows were written.
    Json(u64),
    /// Head and rows as they come.
    Csv,
}

const HEADS: [&str; 9] =
    ["answer", "payment", "provider_id", "channel", "days", "amount", "currency", "why", "next"];

impl Teller {
    pub fn new(json: bool, csv: bool) -> Self {
        if json {
            put(&format!("{{\"version\": {}, \"rows\": [", json::VERSION));
            Teller::Json(0)
        } else if csv {
            say_cells(HEADS.map(str::to_owned));
            Teller::Csv
        } else {
            Teller::Table(BTreeMap::new())
        }
    }

    pub fn row(&mut self, row: &Row) {
        match self {
            Teller::Table(kept) => {
                let rows = kept.entry(row.answer).or_default();
                if row.open() && rows.len() < ROWS_SHOWN_MAX {
                    rows.push(row.clone());
                }
            }
            Teller::Json(written) => {
                let comma = if *written == 0 { "" } else { ", " };
                *written = written.saturating_add(1);
                put(&format!("{comma}{}", json::row(row)));
            }
            Teller::Csv => say_row(row),
        }
    }

    pub fn end(&self, sums: &Sums) {
        match self {
            Teller::Table(kept) => {
                for (answer, rows) in kept {
                    rows_of(*answer, rows, sums);
                }
                totals(sums);
            }
            Teller::Json(_) => put(&format!("], \"sums\": {}}}", json::row(sums))),
            Teller::Csv => {}
        }
    }
}

fn rows_of(answer: Finding, rows: &[Row], sums: &Sums) {
    if rows.is_empty() {
        return;
    }
    let waits = if answer == Finding::Matched { ", and the ledger is to be told" } else { "" };
    say(format!("{}{waits}", answer.as_str()));
    table(
        &["PAYMENT", "PROVIDER ID", "CHANNEL", "DAYS", "MONEY", "WHY", "NEXT"],
        rows.iter().map(|row| {
            let money = row.amount.zip(row.currency.as_ref());
            [
                or_dash(row.payment.as_ref()),
                or_dash(row.provider_id.as_ref()),
                or_dash(row.channel.as_ref()),
                or_dash(row.days),
                or_dash(money.map(|(amount, currency)| money::shown_by(Exponents::Stripe, amount, currency))),
                row.why.clone(),
                or_dash(row.next.as_ref()),
            ]
        }),
    );
    let all = sums.answers.get(&answer).map_or(0, |sum| sum.rows);
    if rows.len() == ROWS_SHOWN_MAX && all > ROWS_SHOWN_MAX as u64 {
        say(format!("the first {ROWS_SHOWN_MAX} of them; --csv has all"));
    }
    say("");
}

fn totals(sums: &Sums) {
    let none = Sum::default();
    table(
        &["ANSWER", "ROWS", "DAYS", "MONEY"],
        Finding::ALL.map(|answer| {
            let sum = sums.answers.get(&answer).unwrap_or(&none);
            let money: Vec<String> = sum
                .money
                .iter()
                .map(|(currency, amount)| money::shown_by(Exponents::Stripe, *amount, currency))
                .collect();
            let money = if money.is_empty() { "-".to_owned() } else { money.join(", ") };
            [answer.as_str().to_owned(), sum.rows.to_string(), sum.days.to_string(), money]
        }),
    );
    if sums.not_judged > 0 {
        say(format!(
            "{} extended payments are not judged: they were paid in the first hour, or after the provider's list was made; begin it an hour before --since, or make it again",
            sums.not_judged
        ));
    }
}

fn say_row(row: &Row) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    say_cells([
        row.answer.as_str().to_owned(),
        text(&row.payment),
        text(&row.provider_id),
        text(&row.channel),
        number(row.days.map(i64::from)),
        number(row.amount),
        text(&row.currency),
        row.why.clone(),
        text(&row.next),
    ]);
}

/// A cell that a spreadsheet would take for a formula is marked as text: ids come from outside.
fn say_cells(cells: [String; HEADS.len()]) {
    let cells = cells.map(|cell| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t']) && cell.parse::<i64>().is_err();
        let cell = escaped(&cell);
        if formula { format!("'{cell}") } else { cell.into_owned() }
    });
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    let line = writer.write_record(&cells).ok().and_then(|()| writer.into_inner().ok());
    put(String::from_utf8_lossy(&line.unwrap_or_default()).trim_end());
}
