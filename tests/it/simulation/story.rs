//! What happens to a world, step by step, as a text that anyone can read and vary: `tests/data/stories/*.story`, and what
//! a seed that failed comes to. A story holds no chance: the same one has the same end.
//!
//! ```text
//! # The first line that begins with # is its title.
//! set on_refund cancel_unspent      a setting, before the world begins
//! channel C1 10d                    the partner's, with days left (-3d: ran out)
//! balance 500                       the partner account's days
//! pay p1 C1 30d 900                 a payer pays at the provider; its events exist from now on
//! tell p1 charge                    one of them is delivered; once more: the same event again
//! call p1 2 applied 422             how the partner answers the second call for p1
//! crash 1 3 after                   worker 1 dies after its third effect from now
//! wait 30s
//! decide                            a person looks at what is held
//! ```

use std::time::Duration;

use super::{api::Fault, payment::Way, retire::Deletes};

/// A name of a payment, channel or refund.
pub type Name = String;

/// A story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    pub title: String,
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A setting; see [`super::settings`].
    Set {
        key: String,
        value: String,
    },
    /// A channel, with so much left.
    Channel {
        name: Name,
        days: i64,
    },
    /// Days of the account.
    Balance(i64),
    /// How the partner behaves where its documentation is silent; see [`super::partner::Habits`].
    Partner {
        habit: String,
        value: String,
    },
    /// A payer pays so much for so many days on a channel, in one of the ways of [`super::payment::Way`].
    Pay {
        payment: Name,
        channel: Name,
        days: u32,
        amount: i64,
        way: Way,
    },
    /// The payer tried before, and it failed.
    Tried {
        payment: Name,
    },
    /// The seller writes a note on it, or the like: the provider tells of that too.
    Aside {
        payment: Name,
    },
    /// The subscription that it belongs to ends.
    Ends {
        payment: Name,
    },
    /// The subscription's next money does not come.
    Behind {
        payment: Name,
    },
    /// A part of the money goes back.
    Refund {
        payment: Name,
        refund: Name,
        amount: i64,
    },
    /// That fails: the money is here again.
    RefundFails {
        payment: Name,
        refund: Name,
    },
    /// The payer's bank takes the money.
    Dispute {
        payment: Name,
    },
    /// The dispute ends.
    DisputeEnds {
        payment: Name,
        won: bool,
    },
    /// An event is delivered, by that endpoint, under its id or under a new one.
    Tell {
        payment: Name,
        event: String,
        anew: bool,
    },
    /// How the partner takes the n-th call for a payment.
    Call {
        payment: Name,
        number: u32,
        fate: Fate,
    },
    /// Reads fail for a time.
    ReadsFail(Duration),
    /// The providers' APIs, which are asked for what an event is about, fail for a time.
    Api {
        fault: Fault,
        time: Duration,
    },
    /// Somebody extends a channel on the panel.
    Hand {
        channel: Name,
        days: u32,
    },
    /// The partner's operator deletes a channel.
    Delete(Name),
    /// And makes it again, under the same id.
    Remake(Name),
    /// Worker `worker` dies before or after its `effect`-th effect from now on, and starts again.
    Crash {
        worker: usize,
        effect: u32,
        after: bool,
    },
    /// It stands still after its `effect`-th effect from now on; 0: at once.
    Freeze {
        worker: usize,
        effect: u32,
        time: Duration,
    },
    /// Its clock is wrong by so much from now on.
    Clock {
        worker: usize,
        ms: i64,
    },
    /// It is stopped, and started with the settings of now.
    Restart {
        worker: usize,
    },
    /// All workers are stopped, and none starts.
    Stop,
    /// They start.
    Start,
    /// The ledger does not answer.
    LedgerAway(Duration),
    /// It answers, and takes nothing: its disk is full, or its server read-only.
    LedgerFull(Duration),
    /// The answer to a commit of a worker does not come: its `effect`-th from now on.
    Unheard {
        worker: usize,
        effect: u32,
    },
    /// The next transactions meet others so often.
    Meets(u32),
    /// Every consumer is cut off, and what was in hand comes again.
    QueueBreaks,
    /// A node of the queue is lost: what it had in hand comes again, and for a time what is published is kept, kept twice or
    /// not at all, and nobody hears which.
    QueueNode(Duration),
    /// What was acked comes again.
    QueueRepeats,
    /// What waits goes to the dead letters, as by a policy or a consumer that fails.
    DeadLetters,
    /// A copy of the ledger is made.
    Backup,
    /// All workers stop, the copy is put back, the ledger is declared restored or not, and they start.
    Restore {
        declared: bool,
    },
    /// A person looks at what is held, and decides by Billing History.
    Decide,
    /// A person compares the ledger with Billing History and Stripe's list of payments.
    Reconcile,
    /// The person mistakes what Billing History shows of a payment, once.
    Errs(Name),
    /// The person reads all events of a payment again, through the queue.
    Replay(Name),
    /// The person lets no more days of a payment move.
    StopPayment(Name),
    /// And lets it go on.
    Go(Name),
    /// What is left of a payment is another channel's.
    Move {
        payment: Name,
        channel: Name,
    },
    /// The person has one slice of a payment sent now, of so many days.
    SliceNow {
        payment: Name,
        days: u32,
    },
    /// The person grants days under a key: once, however often.
    Grant {
        key: Name,
        channel: Name,
        days: u32,
    },
    /// The person says which channels the customer and the alias of a channel stand for.
    Assign {
        channel: Name,
        channels: Vec<Name>,
    },
    /// The person deletes channels that nobody pays for.
    Retire(Deletes),
    /// The person says what the partner's dashboard shows of the balance.
    Mark,
    Wait(Duration),
}

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    pub debit: Debit,
    pub answer: Answer,
}

/// Whether its days move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debit {
    Applied,
    Not,
    Late(Duration),
}

macro_rules! words {
    ($(#[$of:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

        }
    };
}
pub(super) use words;

/// The one of a set that has this word.
pub fn parsed<T: Copy>(all: &[T], word_of: fn(T) -> &'static str, word: &str) -> Option<T> {
    all.iter().copied().find(|one| word_of(*one) == word)
}

words! {
    /// What the caller sees.
    Answer {
        Whole = "ok",
        NoTill = "ok_no_till",
        Empty = "ok_empty",
        SaysNo = "ok_success_false",
        Cut = "cut",
        Server = "503",
        Html403 = "403_html",
        Conflict = "409",
        NoBalance = "402",
        Invalid = "422",
        NotFound = "404",
        NoToken = "401",
        Throttled = "429",
        NotSent = "unsent",
    }
}
