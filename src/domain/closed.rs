//! Closed sets of words: what an operator may ask for, what a column holds. Each is a type, so that a word that is not
//! in the set is refused where it is typed, and never answered with an empty list.

use serde::{Deserialize, Deserializer, de::Error as _};

closed! {
    /// Where a payment stands.
    PaymentState {
        /// No money yet.
        Linked = "linked",
        /// Its transfer is to be called, or being called.
        Planned = "planned",
        /// Nobody knows yet whether its days moved.
        Doubtful = "doubtful",
        /// It waits for a person.
        Held = "held",
        /// Some of its days moved, and more are owed.
        Running = "running",
        /// Its days moved.
        Credited = "credited",
        /// Closed without days.
        Cancelled = "cancelled",
        /// There are no days to grant.
        Nothing = "nothing",
    }
}

closed! {
    /// Where a transfer stands.
    TransferState {
        /// To be called.
        Planned = "planned",
        /// About to be called, or being called.
        Intended = "intended",
        /// Nobody knows yet whether its days moved.
        Doubtful = "doubtful",
        /// Its days moved.
        Settled = "settled",
        /// It waits for a person, or for its account.
        Held = "held",
        /// It will never be called.
        Cancelled = "cancelled",
    }
}

closed! {
    /// Why something waits for a person, in one word.
    HeldCause {
        /// The account's balance of days is too low.
        Balance = "balance",
        /// The partner token was refused.
        Unauthorized = "unauthorized",
        /// The ledger is on another database server than it was.
        Failover = "failover",
        /// The partner does not know the channel.
        ChannelUnknown = "channel_unknown",
        /// The partner refused the call.
        Refused = "refused",
        /// The channel has fewer days than it had.
        ActivetillBelow = "activetill_below",
        /// The channel could not be read for too long.
        TooOld = "too_old",
        /// The channel did not move through the window.
        Unmoved = "unmoved",
        /// The partner said yes, and the channel did not move.
        AcceptedUnmoved = "accepted_unmoved",
        /// The readings fit neither.
        EvidenceConflicts = "evidence_conflicts",
        /// There were too few readings.
        Unobserved = "unobserved",
        /// Money was given back before the days moved.
        Refunded = "refunded",
        /// The payer's bank took the money before the days moved.
        Disputed = "disputed",
        /// A person stopped its payment.
        Stopped = "stopped",
        /// Its agreement ended, and the rest of its days stays.
        Ended = "ended",
        /// Its days moved and are not covered by its money any more.
        DaysSpent = "days_spent",
        /// Its days are covered and did not move.
        DaysOwed = "days_owed",
        /// A restored ledger cannot know whether its days moved.
        Restored = "restored",
        /// The same, and its money went back.
        RestoredRefunded = "restored_refunded",
        /// Paid before the ledger was made.
        BeforeLedger = "before_ledger",
        /// The same, and its money went back.
        BeforeLedgerRefunded = "before_ledger_refunded",
        /// Probably told twice.
        SuspectedDuplicate = "twin",
        /// Paid before `money_in` was changed.
        RuleChanged = "rule_changed",
        /// Another family than `money_in` told of its money.
        OtherFamily = "other_family",
        /// No event says that its money came in.
        Unpaid = "unpaid",
        /// Money went out, and no event told of the payment.
        PaymentUnknown = "payment_unknown",
        /// No event names a channel.
        ChannelMissing = "channel_missing",
        /// No event names a channel, and whoever paid has several.
        ChannelAmbiguous = "channel_ambiguous",
        /// What stands for the channel is an alias that the directory does not know.
        AliasUnknown = "alias_unknown",
        /// The channel is not a channel id.
        ChannelMalformed = "channel_malformed",
        /// The events name different channels.
        ChannelContradictory = "channel_contradictory",
        /// No event, price or amount says how many days.
        DaysMissing = "days_missing",
        /// The days are no whole number in the range.
        DaysMalformed = "days_malformed",
        /// The events name different days.
        DaysContradictory = "days_contradictory",
        /// The days told are not those that the money buys.
        DaysAndMoney = "days_and_money",
        /// The price is not in the table.
        PriceUnknown = "price_unknown",
        /// The price lines come to no days, or too many.
        PriceLines = "price_lines",
        /// It bills a part of a period.
        PartOfPeriod = "part_of_period",
        /// It bills something else than a period.
        NotAPeriod = "not_a_period",
        /// A quantity is no whole number.
        Quantity = "quantity",
        /// Another currency than `per_day` knows.
        Currency = "currency",
        /// The amount is no whole number of days.
        Amount = "amount",
        /// Only a person can say what it buys.
        Unclear = "unclear",
        /// The event cannot be read.
        Unreadable = "unreadable",
        /// The provider's API could not be asked.
        Unfetched = "unfetched",
        /// It made the worker fail again and again.
        Dead = "dead",
        /// A person closed it, and it says something else by now.
        Closed = "closed",
        /// The channel could not be switched to live.
        NotLive = "not_live",
        /// It joins payments that are not one.
        Contradiction = "contradiction",
        /// It names no payment.
        NoPayment = "no_payment",
        /// Its key names a payment of another mode or connected account.
        KeyTaken = "key_taken",
    }
}

closed! {
    /// What was decided about a payment, by the rules or by a person.
    PaymentDecision {
        /// No money yet.
        Linked = "linked",
        /// There are no days to grant.
        Nothing = "nothing",
        /// It waits for a person.
        Held = "held",
        /// Its days were granted; its transfer tells how far they are.
        Granted = "granted",
        /// Closed without days.
        Cancelled = "cancelled",
        /// It became a part of another payment.
        Merged = "merged",
    }
}

closed! {
    /// Why no new call is made somewhere.
    PauseCause {
        /// A person said so.
        Operator = "operator",
        /// More days moved than is normal.
        Brake = "brake",
        /// Money was given back.
        Refund = "refund",
        /// The payer's bank took money.
        Dispute = "dispute",
        /// The ledger is on another database server than it was; no resume ends that.
        Failover = "failover",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_stands_once() {
        for (one, word) in HeldCause::ALL.iter().zip(HeldCause::WORDS) {
            assert_eq!((one.as_str(), HeldCause::parse(word)), (*word, Some(*one)));
        }
        assert_eq!(HeldCause::parse("balanc"), None);
        assert_eq!(PaymentState::parse("creditd"), None);
        let words: std::collections::BTreeSet<_> = HeldCause::WORDS.iter().collect();
        assert_eq!(words.len(), HeldCause::WORDS.len());
    }
}

closed! {
    /// Where an agreement stands, the worst last.
    AgreementState {
        /// It is paid, or on trial.
        Active = "active",
        /// Its money did not come when it was due, or is not asked for at present.
        Behind = "behind",
        /// It is over: no money is asked for any more.
        Ended = "ended",
    }
}

impl<'de> Deserialize<'de> for AgreementState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| D::Error::unknown_variant(&word, Self::WORDS))
    }
}
