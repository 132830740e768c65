//! What may happen in a world, and which of it does in that of a seed: few at once find what many hide, and many at once
//! what few do not meet.

use std::collections::BTreeSet;

use super::story::words;

words! {
    /// What may happen in a world.
    Feature {
        /// An event comes again.
        Duplicates = "duplicates",
        /// The same comes under another id.
        Anew = "anew",
        /// Events come long after they were made, or only at the end.
        Delays = "delays",
        /// Only a session or an invoice names the channel.
        Joins = "joins",
        /// Only the directory knows a customer's channel.
        Customers = "customers",
        /// Sellers have ids of their own for channels.
        Aliases = "aliases",
        /// A person deletes channels that nobody pays for.
        Retires = "retires",
        /// Slices are small while the balance is short.
        Shrinks = "shrinks",
        /// Other providers' payments.
        OtherProviders = "other_providers",
        /// Payments whose provider's API is asked.
        Fetched = "fetched",
        /// Such an API is away, or tells of another time or another payment.
        ApiFails = "api_fails",
        /// Events that change nothing, long after the payment.
        Asides = "asides",
        /// Payers' texts hold what strict readers refuse.
        OddTexts = "odd_texts",
        /// Payers whose first try failed.
        Tries = "tries",
        Refunds = "refunds",
        RefundFails = "refund_fails",
        Disputes = "disputes",
        /// Calls fail in ways that say so.
        Refusals = "refusals",
        /// Calls fail in ways that may hide a success.
        Unclear = "unclear",
        /// Refusals and throttles come after the debit.
        Lies = "lies",
        /// Calls are applied after their answer.
        Late = "late",
        /// The usual answer tells less.
        Terse = "terse",
        ReadsFail = "reads_fail",
        /// Reads lag.
        Stale = "stale",
        /// Somebody extends channels on the panel.
        Hands = "hands",
        /// The balance runs out.
        Balance = "balance",
        /// Channels that ran out.
        Expired = "expired",
        /// All payments are for one channel.
        OneChannel = "one_channel",
        Deleted = "deleted",
        /// Deleted channels are made again.
        Remade = "remade",
        Crashes = "crashes",
        Freezes = "freezes",
        Clocks = "clocks",
        /// By more than the skew that is allowed for.
        ClockSteps = "clock_steps",
        Restarts = "restarts",
        SeveralWorkers = "several_workers",
        LedgerAway = "ledger_away",
        LedgerFull = "ledger_full",
        Unheard = "unheard",
        Meets = "meets",
        QueueBreaks = "queue_breaks",
        /// A node of the queue is lost.
        QueueNode = "queue_node",
        QueueRepeats = "queue_repeats",
        DeadLetters = "dead_letters",
        Restores = "restores",
        /// Whoever restores says nothing of it.
        Undeclared = "undeclared",
        /// A person decides while workers work.
        Decisions = "decisions",
        /// Who decides errs.
        Errors = "errors",
        Replays = "replays",
        /// The three lists are compared while workers work.
        Reconciles = "reconciles",
        /// Stripe's list of events is asked.
        Backfill = "backfill",
        /// `on_refund`, `on_unmoved` and `money_in` differ from their defaults.
        Settings = "settings",
        /// Settings change while it runs, and workers start with them.
        Changes = "changes",
        /// Days move in slices, and weeks pass.
        Slices = "slices",
        /// A person stops payments, and lets them go on.
        Stops = "stops",
        /// A person gives what is left of a payment to another channel.
        Moves = "moves",
        /// A person has a slice sent at once.
        SlicesNow = "slices_now",
        /// A person grants days.
        Grants = "grants",
        /// Workers, or the partner's readings, are away for days.
        Outages = "outages",
        /// A person says what is on the balance.
        Marks = "marks",
        /// Subscriptions end, or their money does not come.
        Ends = "ends",
    }
}

/// The features of a seed.
pub fn features(seed: u64) -> BTreeSet<Feature> {
    let mut rng = fastrand::Rng::with_seed(seed);
    // Few at once find what many hide, and many at once what few do not meet.
    let of = rng.u32(2..=6);
    Feature::ALL.iter().copied().filter(|_| rng.u32(0..8) < of).collect()
}
