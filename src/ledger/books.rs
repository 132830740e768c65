//! Payments and transfers as reconcile compares them: with the state itself, not with its word.

use async_trait::async_trait;

use super::{LedgerError, view};
use crate::domain::{Ms, settle::State};

/// Most ids, keys or channels asked for at once; more than this is a second question.
pub const ASKED_MAX: usize = 500;

/// A payment with its transfers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// `realm/payment`
    pub key: String,
    /// `linked`, `nothing`, `held`, `granted` or `cancelled`.
    pub decision: String,
    /// Why it is held, closed or nothing.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
    /// Channel, once decided.
    pub channel: Option<String>,
    /// Days, once decided.
    pub days: Option<u32>,
    /// Days that are not owed, because money went out before they moved.
    pub days_off: u32,
    /// Channel that a person said it is for.
    pub set_channel: Option<String>,
    /// Days that a person said it is for.
    pub set_days: Option<u32>,
    /// Smallest unit of the currency.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// First event recorded.
    pub first_seen_at: Ms,
    /// Its transfers, the first one first.
    pub transfers: Vec<BookedTransfer>,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedTransfer {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// Which of its payment's, 1 for the first.
    pub n: u32,
    /// Channel.
    pub channel: String,
    /// Days.
    pub days: u32,
    /// Where it stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
}

/// A provider id that names a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The provider's id.
    pub id: String,
    /// Connected account, where there is one.
    pub account: Option<String>,
    /// The payment's key.
    pub payment: String,
}

/// Which payments of a realm are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk<'a> {
    /// The provider account's name.
    pub realm: &'a str,
    /// Live or test mode.
    pub livemode: bool,
    /// First seen at or after.
    pub since: Ms,
    /// First seen before.
    pub until: Ms,
    /// Most payments of one page.
    pub limit: u32,
}

/// The reads of reconcile, a page or a batch at a time.
#[async_trait]
pub trait Books: Send + Sync {
    /// The payments of a realm that these provider ids name; at most [`ASKED_MAX`] ids.
    async fn named(&self, realm: &str, livemode: bool, ids: &[String]) -> Result<Vec<Name>, LedgerError>;
    /// Which of these payment keys there are, each with the key of the payment that it went into, or its own.
    async fn keys(&self, keys: &[String]) -> Result<Vec<(String, String)>, LedgerError>;
    /// These payments with their transfers; at most [`ASKED_MAX`].
    async fn booked(&self, keys: &[String]) -> Result<Vec<Booked>, LedgerError>;
    /// A page of a realm's payments by when they were first seen, from after (time, key) of the last one.
    async fn booked_page(
        &self,
        walk: &Walk<'_>,
        after: Option<(Ms, String)>,
    ) -> Result<Vec<Booked>, LedgerError>;
    /// When the provider says these payments were paid; those without money in any event are left out.
    async fn paid_at(&self, keys: &[String]) -> Result<Vec<(String, Ms)>, LedgerError>;
    /// A page of the account's channels by name, each with the `activeTill` that the ledger can explain.
    async fn channels_page(
        &self,
        account: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Option<Ms>)>, LedgerError>;
    /// A page of the account's unexplained movements read from `since` to before `until`, by their numbers.
    async fn movements_page(
        &self,
        account: &str,
        since: Ms,
        until: Ms,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, view::Movement)>, LedgerError>;
    /// Transfers of these channels that may explain a movement: called and not settled, called more than once,
    /// or settled by a person.
    async fn loose(&self, account: &str, channels: &[String]) -> Result<Vec<BookedTransfer>, LedgerError>;
}
