//! One payment: what is known of it, and everything that happened, in order of time. Never the body of an event.

use std::collections::BTreeSet;

use askama::Template;

use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        progress::Progress,
        request::{Answer, Request},
        text, waits,
    },
    domain::{
        Ms,
        allocation::slices::QUEUED,
        closed::{HeldCause, TransferState},
        hold,
        id::ChannelId,
    },
    ledger::{
        Ledger, LedgerError,
        query::{HeldQuery, Page},
        view::{self, CallOutcome, HeldKind},
    },
};

/// Acts shown of one key.
const ACTS_MAX: u32 = 100;

/// One thing that happened.
struct Moment {
    at: Ms,
    /// `delivery`, `transfer`, `adjustment`, `movement` or `act`.
    kind: &'static str,
    what: String,
    state: &'static str,
    detail: String,
    who: Option<String>,
}

/// What can be done about days that are left.
struct Spend {
    owed: u32,
    /// It goes on by a person's word.
    stopped: bool,
    /// Its next slice is planned, and not behind older payments.
    is_next: bool,
}

impl Spend {
    fn of(whole: &view::PaymentWhole) -> Option<Self> {
        let view::Payment { owed, sliced, cause, .. } = whole.payment;
        let planned = |last: &view::TransferRow| {
            last.state == TransferState::Planned && last.next_at.is_some_and(|at| at != QUEUED)
        };
        (sliced && owed > 0).then(|| Self {
            owed,
            stopped: matches!(cause, Some(HeldCause::Stopped | HeldCause::Ended)),
            is_next: whole.transfers.last().is_some_and(planned),
        })
    }
}

#[derive(Template)]
#[template(path = "payment.html", config = "src/console/askama.toml")]
struct Payment {
    layout: Layout,
    whole: view::PaymentWhole,
    /// Where its days move in slices.
    progress: Option<Progress>,
    moments: Vec<Moment>,
    /// What an operator can do about its days.
    spend: Option<Spend>,
    /// What of it waits for a person.
    held: Vec<view::Held>,
    /// This page's own address, for forms to come back to.
    back: String,
    /// The partner account.
    home: String,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let key = request
            .query
            .get("key")
            .ok_or_else(|| PageError::Unfit("the address names no payment".into()))?;
        let ledger = request.ledger();
        let whole = ledger.payment(key).await?;
        let whole = whole.ok_or_else(|| PageError::Missing(format!("no payment is known by {key}")))?;
        let keys: Vec<String> = std::iter::once(whole.payment.key.clone())
            .chain(whole.transfers.iter().map(|transfer| transfer.key.clone()))
            .collect();
        let moments = moments(ledger, &whole, &keys).await?;
        let kept_back = match whole.transfers.last() {
            Some(last) => waits::kept_back(ledger, last, request.now).await?,
            None => None,
        };
        let progress = Progress::of(&whole.payment, request.now).map(|moves| moves.kept_back(kept_back));
        let mut held = Vec::new();
        for key in keys {
            let wanted = HeldQuery { key: Some(key), cause: None };
            held.extend(ledger.held(&wanted, 1, request.now).await?);
        }
        page(&Payment {
            layout: Layout::new(&request, whole.payment.key.clone(), "/payments"),
            back: text::payment(&whole.payment.key),
            home: request.app.interpreter.account().to_owned(),
            spend: Spend::of(&whole),
            progress,
            whole,
            moments,
            held,
        })
    })
}

async fn moments(
    ledger: &Ledger,
    whole: &view::PaymentWhole,
    keys: &[String],
) -> Result<Vec<Moment>, LedgerError> {
    let mut moments: Vec<Moment> = whole.events.iter().map(delivery).collect();
    for transfer in &whole.transfers {
        moments.extend(transfer.steps.iter().map(|step| Moment {
            at: step.at,
            kind: "transfer",
            what: transfer.key.clone(),
            state: step.state.as_str(),
            detail: text::readable(&step.note),
            who: step.who.clone(),
        }));
    }
    let money = |amount| text::amount(&Some(amount), &whole.payment.currency);
    moments.extend(whole.adjustments.iter().map(|adjustment| Moment {
        at: adjustment.at,
        kind: "adjustment",
        what: format!("{} {}", adjustment.kind, adjustment.event),
        state: adjustment.kind.as_str(),
        detail: match adjustment.days {
            Some(days) => format!("{} ({days:+} days due). {}", money(adjustment.amount), adjustment.note),
            None => format!("{}. {}", money(adjustment.amount), adjustment.note),
        },
        who: None,
    }));
    moments.extend(whole.movements.iter().map(|movement| Moment {
        at: movement.at,
        kind: "movement",
        what: movement.channel.clone(),
        state: "unexplained",
        detail: format!("activeTill {}, not {}", text::utc(&movement.to), text::utc(&movement.from)),
        who: None,
    }));
    let mut seen = BTreeSet::new();
    for key in keys {
        for act in ledger.audit(Some(key), &Page::first(ACTS_MAX)).await? {
            if seen.insert(act.number) {
                moments.push(Moment {
                    at: act.at,
                    kind: "act",
                    what: act.key,
                    state: act.action.as_str(),
                    detail: act.reason,
                    who: Some(act.who),
                });
            }
        }
    }
    moments.sort_by_key(|moment| moment.at);
    Ok(moments)
}

fn delivery(event: &view::Event) -> Moment {
    let reason = event.reason.as_deref().unwrap_or_default();
    Moment {
        at: event.received_at,
        kind: "delivery",
        what: format!("{} {}", event.event_type, event.event),
        state: event.outcome.as_str(),
        detail: format!("{} from {}. {reason}", event.trigger, event.source),
        who: None,
    }
}
