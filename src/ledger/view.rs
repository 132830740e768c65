//! Rows as operators see them, in lists, in `--json`, and later in the console. Times are ms since epoch.

use serde::Serialize;

use crate::domain::Ms;

/// A payment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// `realm/payment`
    pub key: String,
    /// Source of its first event.
    pub source: String,
    /// `linked` (no money yet), `planned`, `doubtful`, `held`, `credited`, `cancelled`, or `nothing` (no days to grant).
    pub state: String,
    /// The cause in one word, where it is held.
    pub cause: Option<String>,
    /// Why, where it is held or nothing.
    pub reason: Option<String>,
    /// The next step, in words.
    pub next: Option<String>,
    /// When that happens by itself.
    pub next_at: Option<Ms>,
    /// Channel, once decided.
    pub channel: Option<String>,
    /// Days, once decided.
    pub days: Option<u32>,
    /// Smallest unit of the currency.
    pub amount: Option<i64>,
    /// Lower-case ISO code.
    pub currency: Option<String>,
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// First event recorded.
    pub first_seen_at: Ms,
}

/// A payment with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentWhole {
    /// The payment.
    #[serde(flatten)]
    pub payment: Payment,
    /// The provider's account name.
    pub realm: String,
    /// Connected account.
    pub account: Option<String>,
    /// Live or test mode.
    pub livemode: bool,
    /// Every provider id that names it, strongest first.
    pub ids: Vec<String>,
    /// Every delivery of every event that named it, oldest first.
    pub events: Vec<Event>,
    /// Money that went out again; `None`: none did, as far as anybody told.
    pub money_out: Option<MoneyOut>,
    /// Every change of that, oldest first.
    pub adjustments: Vec<Adjustment>,
    /// Its transfers.
    pub transfers: Vec<Transfer>,
    /// Unexplained movements of its channel.
    pub movements: Vec<Movement>,
}

/// One delivery of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The provider's event id.
    pub event: String,
    /// Source.
    pub source: String,
    /// The provider's event type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Id of the delivery.
    pub delivery: String,
    /// `webhook`, `replay` or `backfill`.
    pub trigger: String,
    /// `credited`, `duplicate`, `refund`, `link`, `ignored`, `held`; `pending` until its transfer is settled.
    pub outcome: String,
    /// The cause in one word, where it or its payment is held.
    pub cause: Option<String>,
    /// The sentence with it.
    pub reason: Option<String>,
    /// When the receiver had it.
    pub received_at: Ms,
    /// When it was recorded.
    pub recorded_at: Ms,
    /// Its payment.
    pub payment: Option<String>,
}

/// An event with its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventWhole {
    /// The delivery.
    #[serde(flatten)]
    pub event: Event,
    /// SHA-256 of the body.
    pub digest: String,
    /// Length of the body in bytes.
    pub bytes: usize,
    /// The body, where it is UTF-8.
    pub body: Option<String>,
}

/// A transfer with its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// `realm/payment#n`
    pub key: String,
    /// Its payment.
    pub payment: String,
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// Days.
    pub days: u32,
    /// Comment sent with the extension.
    pub comment: String,
    /// `planned`, `intended`, `doubtful`, `settled`, `held` or `cancelled`.
    pub state: String,
    /// `open` or `none` where it is held.
    pub outcome: Option<String>,
    /// The cause in one word, where it is held.
    pub cause: Option<String>,
    /// Why it stands where it stands.
    pub reason: Option<String>,
    /// `answered`, `observed` or `by_operator` where it is settled.
    pub how: Option<String>,
    /// Calls so far.
    pub attempt: u32,
    /// `activeTill` before the last call.
    pub before: Option<Ms>,
    /// `activeTill` after it.
    pub after: Option<Ms>,
    /// The next step, in words.
    pub next: Option<String>,
    /// When that happens by itself.
    pub next_at: Option<Ms>,
    /// When it was planned.
    pub created_at: Ms,
    /// Every transition, oldest first; empty in lists.
    pub steps: Vec<TransferStep>,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferStep {
    /// When.
    pub at: Ms,
    /// The new state.
    pub state: String,
    /// Number of calls by then.
    pub attempt: u32,
    /// What is known, in words.
    pub note: String,
    /// Who, where a person decided.
    pub who: Option<String>,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// `event`, `payment`, `transfer`, `channel` or `account`.
    pub kind: &'static str,
    /// Event id, payment key, transfer key, `channel:account/channel`, or account name.
    pub key: String,
    /// The payment it concerns.
    pub payment: Option<String>,
    /// The cause in one word.
    pub cause: String,
    /// The sentence.
    pub reason: String,
    /// `open` or `none`, for a transfer.
    pub outcome: Option<String>,
    /// What to do.
    pub next: String,
    /// Since when.
    pub since: Ms,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Days, where known.
    pub days: Option<u32>,
    /// Keys by which Billing History may name it, where its days may have moved.
    pub history: Vec<String>,
}

impl Held {
    /// Days that moved and are not covered by money any more, or are covered again and did not move: a person decides,
    /// and closes it.
    pub fn is_gap(&self) -> bool {
        matches!(&*self.cause, "days_spent" | "days_owed")
    }

    /// An event that was not sent yet brings it on, and no other: what is stored says nothing new when it is read again.
    pub fn waits_for_event(&self) -> bool {
        matches!(&*self.cause, "unpaid" | "payment_unknown")
    }
}

/// Money that went out of a payment again, and what that makes of its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MoneyOut {
    /// Given back, in the smallest unit of the currency.
    pub refunded: i64,
    /// Taken by the payer's bank, likewise.
    pub disputed: i64,
    /// Days that the money covers.
    pub days_due: Option<u32>,
    /// Days taken off before they moved; fewer than none where a person gave more.
    pub days_reduced: i64,
    /// Days that moved, or may have, and are not covered.
    pub days_spent: u32,
    /// Days that are covered and did not move.
    pub days_owed: u32,
    /// `days_spent` or `days_owed` while that waits for a person.
    pub waits: Option<String>,
    /// All of that in a sentence.
    pub words: String,
}

/// A change of a payment's money out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// When it was recorded.
    pub at: Ms,
    /// `refund` or `dispute`.
    pub kind: String,
    /// In the smallest unit; below 0 where money came back.
    pub amount: i64,
    /// What it made of the days that are due.
    pub days: Option<i64>,
    /// The provider's event id.
    pub event: String,
    /// What became of it.
    pub note: String,
}

/// A reading above what the ledger explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// When it was read.
    pub at: Ms,
    /// What the ledger could explain.
    pub from: Ms,
    /// What was read.
    pub to: Ms,
}

/// What the declaration of a restored ledger did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The backup knows everything until then.
    pub since: Ms,
    /// When it was declared.
    pub declared_at: Ms,
    /// Transfers that were not settled in the backup and are held now.
    pub held: u64,
}

/// What an act would be done to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Several {
    /// How many.
    pub count: u64,
    /// Their days in all.
    pub days: u64,
    /// Since when the oldest is there.
    pub oldest_at: Option<Ms>,
}

/// What became of a declaration that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// It had said that the backup knows everything until then.
    pub since: Ms,
    /// When it was declared.
    pub declared_at: Ms,
    /// Transfers that stand again where they stood.
    pub released: u64,
    /// Payments that were held for it since, and are read again by `held retry`.
    pub payments_held: u64,
}

/// A worker that runs, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerSeen {
    /// Process and host.
    pub worker: String,
    /// How long ago it said so.
    pub silent_ms: i64,
}

/// How far back a new ledger may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// What came in since then is granted.
    pub since: Ms,
    /// When the ledger was made.
    pub made_at: Ms,
}

/// A database server that is accepted instead of another one; system and timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failover {
    /// Before.
    pub was: String,
    /// Now.
    pub is: String,
}

/// Counts by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Payments whose days moved.
    pub credited: u64,
    /// Transfers planned or intended.
    pub planned: u64,
    /// Transfers in doubt.
    pub doubtful: u64,
    /// Events, payments, transfers and channels that wait for a person.
    pub held: u64,
    /// When the oldest planned or doubtful transfer was planned.
    pub oldest_open_at: Option<Ms>,
}

/// Held things of one kind and cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGroup {
    /// `event`, `payment`, `transfer` or `channel`.
    pub kind: &'static str,
    /// The cause in one word.
    pub cause: String,
    /// How many.
    pub count: u64,
    /// Their days, where known.
    pub days: u64,
    /// Since when the oldest waits.
    pub oldest: Ms,
}

/// A channel that days were planned for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Channel {
    /// The partner account.
    pub account: String,
    /// Channel.
    pub channel: String,
    /// `activeTill` as the ledger can explain it; `None`: never read.
    pub active_till: Option<Ms>,
    /// Mode at the last reading that carried one.
    pub mode: Option<String>,
    /// Days of all its transfers that were not cancelled.
    pub days_bought: i64,
    /// Those that are on it.
    pub days_moved: i64,
    /// Unexplained movements.
    pub movements: i64,
}

/// Days settled in ten minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// When the ten minutes began.
    pub at: Ms,
    /// Days.
    pub days: i64,
    /// Transfers.
    pub transfers: i64,
}

/// Deliveries received in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// When the minute began.
    pub at: Ms,
    /// Deliveries.
    pub deliveries: i64,
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// `all`, `account:A` or `channel:A/C`.
    pub scope: String,
    /// `operator`, `brake`, `refund` or `dispute`.
    pub cause: String,
    /// Since when.
    pub since: Ms,
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// One act in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// Counts up.
    pub number: i64,
    /// When.
    pub at: Ms,
    /// Who.
    pub who: String,
    /// What.
    pub action: String,
    /// On what.
    pub key: String,
    /// Why.
    pub reason: String,
    /// What it was.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// What a replay would do with one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Payment key, or the event id where the event names no payment.
    pub payment: String,
    /// `skip`, `extend`, `held` or `conflict`.
    pub verdict: String,
    /// Why.
    pub reason: String,
    /// Channel, where known.
    pub channel: Option<String>,
    /// Days, where known.
    pub days: Option<u32>,
    /// `activeTill` of the channel as the ledger knows it, where days would move.
    pub active_till_before: Option<Ms>,
    /// And after, if it runs; an expired channel counts from now.
    pub active_till_after: Option<Ms>,
}

/// A filter of the console that a user gave a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedView {
    /// Its name.
    pub name: String,
    /// The query of the page's address.
    pub query: String,
}
