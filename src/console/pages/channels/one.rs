//! One channel: how long it lasts, what is owed on it and what moves next, and what happened on it.

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
        closed::{HeldCause, TransferState},
        payment::directory::NameKind,
    },
    ledger::{
        Ledger, LedgerError,
        query::{DirectoryQuery, Page, TransferQuery},
        view,
    },
};

/// Last transfers, unexplained movements and names that are shown.
const ROWS_MAX: u32 = 20;

/// A payment in the channel's queue.
struct Queued {
    payment: view::OwedPayment,
    progress: Progress,
    /// Its next slice is planned, so that it can be sent now.
    is_next: bool,
    /// It goes on by a person's word.
    stopped: bool,
}

/// The next slice.
struct Next {
    transfer: view::TransferRow,
    /// When it is sent, or why not.
    why: String,
    /// What a person decides about.
    decides: Option<HeldCause>,
}

#[derive(Template)]
#[template(path = "channel.html", config = "src/console/askama.toml")]
struct Channel {
    layout: Layout,
    channel: view::ChannelRow,
    queue: Vec<Queued>,
    next: Option<Next>,
    pauses: Vec<view::Pause>,
    transfers: Vec<view::TransferRow>,
    movements: Vec<view::MovementRow>,
    /// Who pays for it, as persons said.
    names: Vec<view::DirectoryEntry>,
    /// This page's own address, for forms to come back to.
    back: String,
    now: Ms,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let id = Request::channel(&request.path, "channel")?
            .ok_or_else(|| PageError::Unfit("the address names no channel".into()))?;
        let ledger = request.ledger();
        let account = request.query.get("account").unwrap_or(request.app.interpreter.account());
        let whole = ledger.channel_whole(account, id.as_str()).await?;
        let Some(view::ChannelWhole { channel, payments, next }) = whole else {
            return Err(PageError::Missing(format!(
                "nothing is known of a channel {id}: no payment was for it, and the partner does not list it"
            )));
        };
        let next = match next {
            Some(transfer) => Some(next_of(ledger, transfer, &channel, request.now).await?),
            None => None,
        };
        let queue = payments.into_iter().map(|payment| queued(payment, next.as_ref(), request.now)).collect();
        let pauses = ledger.pauses().await?.into_iter();
        let pauses = pauses.filter(|pause| waits::covers(&pause.scope, &channel.account, id.as_str()));
        let wanted = TransferQuery { state: None, channel: Some(id.to_string()) };
        let transfers = ledger.transfers(&wanted, &Page::first(ROWS_MAX)).await?.into_iter();
        let names = DirectoryQuery { channel: Some(id.to_string()), ..DirectoryQuery::default() };
        page(&Channel {
            layout: Layout::new(&request, id.as_str(), "/channels"),
            pauses: pauses.collect(),
            transfers: transfers.filter(|transfer| transfer.account == channel.account).collect(),
            movements: ledger.movements_of(&channel.account, id.as_str(), ROWS_MAX).await?,
            names: ledger.directory(&names, &Page::first(ROWS_MAX)).await?,
            back: text::channel(&channel.channel, &channel.account, request.app.interpreter.account()),
            queue,
            next,
            channel,
            now: request.now,
        })
    })
}

fn queued(payment: view::OwedPayment, next: Option<&Next>, now: Ms) -> Queued {
    let own = next.filter(|next| next.transfer.payment == payment.key);
    Queued {
        progress: Progress::queued(&payment, next.map(|next| &next.transfer), now),
        is_next: own.is_some_and(|next| next.transfer.state == TransferState::Planned),
        stopped: matches!(payment.stopped, Some(HeldCause::Stopped | HeldCause::Ended)),
        payment,
    }
}

/// When the next slice is sent, or why not.
async fn next_of(
    ledger: &Ledger,
    transfer: view::TransferRow,
    channel: &view::ChannelRow,
    now: Ms,
) -> Result<Next, LedgerError> {
    Ok(match waits::kept_back(ledger, &transfer, now).await? {
        Some(why) => Next { why, decides: None, transfer },
        None => Next { why: why(&transfer, channel, now), decides: transfer.cause, transfer },
    })
}

fn why(next: &view::TransferRow, channel: &view::ChannelRow, now: Ms) -> String {
    match (next.state, next.next_at, channel.active_till) {
        (TransferState::Planned, Some(at), till) if at > now => {
            let has = till.filter(|till| *till > at).map(|till| text::span(till.saturating_sub(at)));
            let has = has.map_or_else(String::new, |has| format!(" when {has} are left on the channel,"));
            format!("sent{has} {}, {}", text::relative(&at, &now), text::utc(&at))
        }
        (TransferState::Planned, ..) => "its time has come: the worker reads the channel and sends it".into(),
        (TransferState::Intended, ..) => "it is being sent".into(),
        (TransferState::Doubtful, ..) => {
            "it was sent, and whether it moved is being looked at; nothing to do".into()
        }
        (TransferState::Held, ..) => {
            format!("it waits for a person: {}", text::readable(next.reason.as_deref().unwrap_or_default()))
        }
        (TransferState::Settled | TransferState::Cancelled, ..) => String::new(),
    }
}
