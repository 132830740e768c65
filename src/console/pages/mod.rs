//! A file per subject: what a page reads, what its forms do. Each answer is a template under `../templates`.

pub(super) mod audit;
pub(super) mod bulk;
pub(super) mod channels;
pub(super) mod customer;
pub(super) mod days;
pub(super) mod decide;
pub(super) mod held;
pub(super) mod login;
pub(super) mod overview;
pub(super) mod payment;
pub(super) mod payments;
pub(super) mod plan;
pub(super) mod plans;
pub(super) mod replaying;
pub(super) mod settings;
pub(super) mod settle;
pub(super) mod views;

/// Rows of a page of a list.
const ROWS: u32 = 50;

/// The first [`ROWS`] of up to one more, and whether there was one more.
fn page_of<T>(mut rows: Vec<T>) -> (Vec<T>, bool) {
    let rows_max = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = rows.len() > rows_max;
    rows.truncate(rows_max);
    (rows, more)
}

/// One more than a page, to see whether there is a next one.
fn page_after(after: Option<String>) -> crate::ledger::query::Page {
    crate::ledger::query::Page { after, limit: ROWS.saturating_add(1) }
}
