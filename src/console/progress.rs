//! How far the days of a payment in slices have moved: a bar, and beside it what a person wants to know, in a few words.

use crate::{
    domain::{
        Ms,
        allocation::slices::QUEUED,
        closed::{HeldCause, PaymentState},
    },
    ledger::view,
};

/// A bar and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) moved: u32,
    pub(super) bought: u32,
    /// What comes next, or why nothing does.
    pub(super) then: String,
    /// When, where the words end with a time.
    pub(super) at: Option<Ms>,
    /// It goes on by itself, or is over.
    pub(super) runs: bool,
}

/// A payment in a list, with its bar where its days move in slices.
pub(super) struct Row {
    pub(super) payment: view::Payment,
    pub(super) progress: Option<Progress>,
}

impl Row {
    pub(super) fn of(payment: view::Payment, now: Ms) -> Self {
        Self { progress: Progress::of(&payment, now), payment }
    }
}

/// Where a payment's days stand.
struct Standing {
    state: PaymentState,
    cause: Option<HeldCause>,
    next_at: Option<Ms>,
}

impl Progress {
    /// Of a payment; `None`: its days move all at once, or are not known.
    pub(super) fn of(payment: &view::Payment, now: Ms) -> Option<Self> {
        let bought = payment.days.filter(|_| payment.sliced)?;
        let view::Payment { state, cause, next_at, .. } = *payment;
        Some(Self::standing(bought, (payment.moved, payment.owed), Standing { state, cause, next_at }, now))
    }

    /// Of a payment in its channel's queue; `next`: the slice of the channel.
    pub(super) fn queued(payment: &view::OwedPayment, next: Option<&view::TransferRow>, now: Ms) -> Self {
        let own = next.filter(|next| next.payment == payment.key);
        let cause = payment.stopped.or_else(|| own.and_then(|next| next.cause));
        let next_at = own.and_then(|next| next.next_at);
        let standing = Standing { state: payment.state, cause, next_at };
        let queued = Self::standing(payment.days, (payment.moved, payment.owed), standing, now);
        match payment.state {
            PaymentState::Planned if !payment.sliced => Self { then: "all at once".to_owned(), ..queued },
            _ => queued,
        }
    }

    fn standing(bought: u32, (moved, owed): (u32, u32), standing: Standing, now: Ms) -> Self {
        let (then, at) = standing.then(moved, owed, bought.saturating_sub(moved), now);
        let runs = !matches!(standing.state, PaymentState::Held | PaymentState::Doubtful);
        Self { moved, bought, then, at, runs }
    }

    /// The same, where its next slice is kept back.
    pub(super) fn kept_back(self, why: Option<String>) -> Self {
        match why {
            Some(then) => Self { then, at: None, runs: false, ..self },
            None => self,
        }
    }
}

impl Standing {
    /// What comes next, and when.
    fn then(&self, moved: u32, owed: u32, rest: u32, now: Ms) -> (String, Option<Ms>) {
        let at = self.next_at.filter(|at| *at != QUEUED);
        let words = match (self.state, at) {
            (PaymentState::Held, _) => self.held().to_owned(),
            (PaymentState::Doubtful, _) => "whether the last of them moved is being looked at".to_owned(),
            _ if owed == 0 && rest == 0 => "all moved".to_owned(),
            _ if owed == 0 && moved == 0 => "none will move".to_owned(),
            _ if owed == 0 => format!("the other {rest} were taken off"),
            (_, None) => "after older payments of its channel".to_owned(),
            (_, Some(at)) if at <= now => "next now".to_owned(),
            (_, Some(at)) => return (if moved == 0 { "first on" } else { "next on" }.to_owned(), Some(at)),
        };
        (words, None)
    }

    fn held(&self) -> &'static str {
        match self.cause {
            Some(HeldCause::Stopped) => "stopped",
            Some(HeldCause::Ended) => "stopped: its subscription ended",
            Some(HeldCause::Refunded) => "held: money was given back",
            Some(HeldCause::Disputed) => "held: the payer's bank took money",
            Some(HeldCause::Balance) => "waits for the balance",
            Some(HeldCause::Unauthorized) => "waits for a valid partner token",
            Some(HeldCause::ChannelUnknown) => "held: the partner does not know the channel",
            _ => "held: a person decides",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Ms = 1_000;

    fn told(
        bought: u32,
        days: (u32, u32),
        state: PaymentState,
        cause: Option<HeldCause>,
        next_at: Option<Ms>,
    ) -> (String, Option<Ms>, bool) {
        let progress = Progress::standing(bought, days, Standing { state, cause, next_at }, NOW);
        (progress.then, progress.at, progress.runs)
    }

    #[test]
    fn each_standing_has_its_words() {
        use PaymentState::{Cancelled, Credited, Doubtful, Held, Planned, Running};
        for (days, state, cause, next_at, want, at, runs) in [
            ((0, 30), Planned, None, Some(5_000), "first on", Some(5_000), true),
            ((10, 20), Running, None, Some(5_000), "next on", Some(5_000), true),
            ((10, 20), Running, None, Some(NOW), "next now", None, true),
            ((0, 30), Planned, None, None, "after older payments of its channel", None, true),
            ((0, 30), Planned, None, Some(QUEUED), "after older payments of its channel", None, true),
            ((10, 20), Held, Some(HeldCause::Stopped), None, "stopped", None, false),
            ((10, 20), Held, Some(HeldCause::Ended), None, "stopped: its subscription ended", None, false),
            ((10, 20), Held, Some(HeldCause::Balance), None, "waits for the balance", None, false),
            ((10, 20), Held, Some(HeldCause::Unmoved), None, "held: a person decides", None, false),
            // A restored ledger asks about the last slice, and what it has counts as moved.
            ((30, 0), Held, Some(HeldCause::Restored), None, "held: a person decides", None, false),
            (
                (15, 15),
                Doubtful,
                None,
                Some(5_000),
                "whether the last of them moved is being looked at",
                None,
                false,
            ),
            ((30, 0), Credited, None, None, "all moved", None, true),
            ((10, 0), Credited, None, None, "the other 20 were taken off", None, true),
            ((0, 0), Cancelled, None, None, "none will move", None, true),
        ] {
            let got = told(30, days, state, cause, next_at);
            assert_eq!(got, (want.to_owned(), at, runs), "{days:?} {state} {cause:?}");
        }
    }

    #[test]
    fn what_is_kept_back_says_so_and_tells_no_time() {
        let standing = Standing { state: PaymentState::Running, cause: None, next_at: Some(5_000) };
        let progress = Progress::standing(30, (10, 20), standing, NOW);
        assert_eq!(progress.clone().kept_back(None), progress);
        let waits = progress.kept_back(Some("waits for the balance".into()));
        assert_eq!((&*waits.then, waits.at, waits.runs), ("waits for the balance", None, false));
    }
}
