//! What a page says after a form.

/// What a page says after a form. A word in the address chooses the sentence, so that no link can put a text of its own
/// on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Retried,
    Settled,
    Cancelled,
    Set,
    Remembered,
    Paused,
    AlreadyPaused,
    Resumed,
    NotPaused,
    ViewSaved,
    ViewDeleted,
    Planned,
    Planning,
    NothingFits,
    Applying,
    ReplayPaused,
    Aborted,
    PaymentStopped,
    PaymentGoes,
    SliceSent,
    RestMoved,
    Granted,
    GrantedBefore,
    BalanceKept,
}

impl Notice {
    const ALL: [(Notice, &'static str, &'static str); 24] = [
        (Notice::Retried, "retried", "tried again"),
        (Notice::Settled, "settled", "settled by your word"),
        (Notice::Cancelled, "cancelled", "cancelled: no days will move"),
        (Notice::Set, "set", "corrected, and weighed anew"),
        (
            Notice::Remembered,
            "remembered",
            "more held payments of this customer are weighed anew, and the next ones go there by themselves",
        ),
        (Notice::Paused, "paused", "Paused: no new extension is called there."),
        (Notice::AlreadyPaused, "already-paused", "It was paused already; nothing was changed."),
        (Notice::Resumed, "resumed", "Resumed: the worker goes on."),
        (Notice::NotPaused, "not-paused", "It was not paused; nothing was changed."),
        (Notice::ViewSaved, "view-saved", "The view is saved."),
        (Notice::ViewDeleted, "view-deleted", "The view is deleted."),
        (Notice::Planned, "planned", "The plan is frozen. Nothing is published until it is applied."),
        (
            Notice::Planning,
            "planning",
            "The plan is large and still being made; it appears here when it is ready.",
        ),
        (Notice::NothingFits, "nothing-fits", "No stored event fits; nothing was planned."),
        (Notice::Applying, "applying", "The plan is being applied; its progress is below."),
        (Notice::ReplayPaused, "replay-paused", "The plan is paused; apply it to go on."),
        (Notice::Aborted, "aborted", "The plan is given up for ever."),
        (Notice::PaymentStopped, "stopped", "Stopped: no more of its days move until it is let go on."),
        (Notice::PaymentGoes, "goes", "It goes on."),
        (Notice::SliceSent, "slice", "The slice is due now: the worker reads the channel, then sends it."),
        (Notice::RestMoved, "moved", "What is left of it is for the other channel from now on."),
        (Notice::Granted, "granted", "The days are granted."),
        (
            Notice::GrantedBefore,
            "granted-before",
            "They were granted under this key before; nothing was changed.",
        ),
        (Notice::BalanceKept, "balance", "The balance is kept; what moves from now on is taken off it."),
    ];

    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(notice, ..)| *notice == self).map_or("", |(_, word, _)| word)
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(notice, ..)| *notice)
    }

    pub(super) fn sentence(self, many: usize) -> String {
        let text = Self::ALL.iter().find(|(notice, ..)| *notice == self).map_or("", |(.., text)| text);
        match self {
            Notice::Retried | Notice::Settled | Notice::Cancelled | Notice::Set => format!("{many} {text}."),
            Notice::Remembered => format!("Remembered: {many} {text}."),
            _ => text.into(),
        }
    }
}
