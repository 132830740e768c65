//! A row, its answer, and the sums.

use std::collections::BTreeMap;

use serde::Serialize;

/// What there is to say of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// What was paid was extended, once; or nothing was owed and nothing moved.
    Matched,
    /// Money came in, and the days that are missing move when the channel needs them.
    Later,
    /// A person granted days without a payment, and they were extended.
    Granted,
    /// Money came in, or a person granted days, and days are missing.
    PaidNotExtended,
    /// Days moved, and no money stands for them.
    ExtendedNotPaid,
    /// Days of one payment moved more than once.
    ExtendedTwice,
}

impl Finding {
    /// All, as they are told.
    pub const ALL: [Finding; 6] = [
        Finding::Matched,
        Finding::Later,
        Finding::Granted,
        Finding::PaidNotExtended,
        Finding::ExtendedNotPaid,
        Finding::ExtendedTwice,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Finding::Matched => "matched",
            Finding::Later => "later",
            Finding::Granted => "granted by hand",
            Finding::PaidNotExtended => "paid but not extended",
            Finding::ExtendedNotPaid => "extended but not paid",
            Finding::ExtendedTwice => "extended twice",
        }
    }
}

/// A payment, or movement of a channel that no payment explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What there is to say of it.
    pub answer: Finding,
    /// Payment key, where it is a payment.
    pub payment: Option<String>,
    /// The provider's id of it, where its record has it.
    pub provider_id: Option<String>,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Matched, granted: days extended. Later: days owed. Else the days that are missing, or too many.
    pub days: Option<u32>,
    /// Smallest unit of the currency. What the provider kept, that is without refunds; for days that moved although
    /// the money went back, what went back.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// A sentence.
    pub why: String,
    /// What to do, in words.
    pub next: Option<String>,
}

impl Row {
    /// Whether somebody has to do something: anything that is not matched, and what is matched only because
    /// Billing History knows more than the ledger.
    pub fn open(&self) -> bool {
        !matches!(self.answer, Finding::Matched | Finding::Later | Finding::Granted) || self.next.is_some()
    }
}

/// The rows of one answer, summed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// Days of those whose days are known.
    pub days: u64,
    /// By currency, in its smallest unit.
    pub money: BTreeMap<String, i64>,
}

/// The sums of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// By answer; an answer without rows is left out.
    pub answers: BTreeMap<Finding, Sum>,
    /// Rows that wait for somebody.
    pub open: u64,
    /// Extended payments that the provider's record may lack for a reason: it may begin too late for them, or was
    /// made before they were paid.
    pub not_judged: u64,
}

impl Sums {
    /// Takes a row in.
    pub fn add(&mut self, row: &Row) {
        let sum = self.answers.entry(row.answer).or_default();
        sum.rows = sum.rows.saturating_add(1);
        sum.days = sum.days.saturating_add(row.days.unwrap_or(0).into());
        if let (Some(amount), Some(currency)) = (row.amount, &row.currency) {
            let money = sum.money.entry(currency.clone()).or_default();
            *money = money.saturating_add(amount);
        }
        self.open = self.open.saturating_add(row.open().into());
    }
}
