//! What an operator does about a payment's days: stop, go, move the rest, send one slice; and days granted without a
//! payment.
//!
//! Stopping and going on undo each other and are done at once. What moves days is asked about first: a page says what will
//! happen, and its form does that and nothing else. It carries what the answer rests on, so that a form sent twice moves
//! nothing twice: the transfer of the slice, and the key of the grant.

use askama::Template;

use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        notice::Notice,
        request::{Answer, Request},
        text,
    },
    domain::{closed::TransferState, id::ChannelId},
    ledger::{Grant, Moved, view},
};

/// What will happen, asked before it does.
#[derive(Template)]
#[template(path = "sure.html", config = "src/console/askama.toml")]
struct Sure {
    layout: Layout,
    question: String,
    /// What else there is to know.
    notes: Vec<String>,
    reason: String,
    /// Where the form goes.
    action: &'static str,
    button: &'static str,
    fields: Vec<(&'static str, String)>,
    back: String,
}

impl Sure {
    fn ask(
        request: &Request,
        question: String,
        (action, button): (&'static str, &'static str),
        fields: Vec<(&'static str, String)>,
        notes: Vec<String>,
    ) -> Result<actix_web::HttpResponse, PageError> {
        page(&Self {
            layout: Layout::new(request, "Are you sure?", "/channels"),
            reason: request.act()?.reason.to_owned(),
            back: request.page_in("back", "/channels").to_owned(),
            question,
            notes,
            action,
            button,
            fields,
        })
    }
}

pub(in crate::console) fn stop(request: Request) -> Answer {
    Box::pin(async move {
        let key = request.field("key")?;
        request.ledger().stop(key, &request.act()?, request.now).await?;
        Ok(request.back(&text::payment(key), Notice::PaymentStopped, 1))
    })
}

pub(in crate::console) fn go(request: Request) -> Answer {
    Box::pin(async move {
        let key = request.field("key")?;
        request.ledger().go(key, &request.act()?, request.now).await?;
        Ok(request.back(&text::payment(key), Notice::PaymentGoes, 1))
    })
}

/// The payment that a form names.
async fn payment(request: &Request) -> Result<view::PaymentWhole, PageError> {
    let key = request.field("key")?;
    let whole = request.ledger().payment(key).await?;
    whole.ok_or_else(|| PageError::Missing(format!("no payment is known by {key}")))
}

pub(in crate::console) fn ask_slice(request: Request) -> Answer {
    Box::pin(async move {
        let whole = payment(&request).await?;
        let (key, days) = (&whole.payment.key, request.days()?);
        let next = whole.transfers.last().filter(|next| next.state == TransferState::Planned);
        let next = next.ok_or_else(|| PageError::Refused(format!("no slice of {key} is planned now")))?;
        let days = days.unwrap_or(next.days);
        if days > whole.payment.owed {
            return Err(PageError::Unfit(format!("{key} has {} days left to move", whole.payment.owed)));
        }
        let question = format!("Move {days} days of {key} to {} now", next.channel);
        let fields = vec![("key", next.key.clone()), ("days", days.to_string())];
        let notes =
            vec!["They cannot be taken back. The next slice comes when the channel has used them.".into()];
        Sure::ask(&request, question, ("/payments/slice/apply", "Move them now"), fields, notes)
    })
}

pub(in crate::console) fn slice(request: Request) -> Answer {
    Box::pin(async move {
        let key = request.field("key")?;
        request.ledger().slice_now(key, request.days()?, &request.act()?, request.now).await?;
        Ok(request.back(&text::payment(key), Notice::SliceSent, 1))
    })
}

/// The channel, the days that came back, and whether it may be one that the partner does not list.
fn moved(request: &Request) -> Result<Moved, PageError> {
    let channel = Request::channel(&request.form, "channel")?;
    let channel = channel.ok_or_else(|| PageError::Unfit("name the channel that gets the rest".into()))?;
    let returned = match request.form.get("returned") {
        Some(typed) => {
            typed.parse().map_err(|_| PageError::Unfit(format!("{typed:?} is no number of days")))?
        }
        None => 0,
    };
    Ok(Moved { channel, returned, force: request.form.get("force").is_some() })
}

pub(in crate::console) fn ask_move(request: Request) -> Answer {
    Box::pin(async move {
        let (whole, moved) = (payment(&request).await?, moved(&request)?);
        let view::Payment { key, channel, moved: moved_days, owed, .. } = &whole.payment;
        let rest = owed.saturating_add(moved.returned);
        let question = format!("Give the {rest} days that are left of {key} to {}", moved.channel);
        let mut notes = vec![format!(
            "The {moved_days} days that have moved stay with {}.",
            channel.as_deref().unwrap_or("the channel before")
        )];
        if moved.returned > 0 {
            notes.push(format!("Of these, {} days came back from it and are owed again.", moved.returned));
        }
        let mut fields = vec![("key", key.clone()), ("channel", moved.channel.to_string())];
        fields.push(("returned", moved.returned.to_string()));
        fields.extend(moved.force.then(|| ("force", "yes".to_owned())));
        Sure::ask(&request, question, ("/payments/move/apply", "Give them to it"), fields, notes)
    })
}

pub(in crate::console) fn move_rest(request: Request) -> Answer {
    Box::pin(async move {
        let key = request.field("key")?;
        request.ledger().move_rest(key, &moved(&request)?, &request.act()?, request.now).await?;
        Ok(request.back(&text::payment(key), Notice::RestMoved, 1))
    })
}

/// What a form grants. Its key is the one that was typed, or a new one; the page that asks says which.
fn grant_of(request: &Request) -> Result<Grant, PageError> {
    let missing = |what: &str| PageError::Unfit(format!("{what} is missing"));
    let channel: ChannelId = Request::channel(&request.form, "channel")?.ok_or_else(|| missing("channel"))?;
    let typed = request.form.owned("key");
    Ok(Grant {
        new: typed.is_none() || request.form.get("new").is_some(),
        key: typed.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        days: request.days()?.ok_or_else(|| missing("days"))?,
        channel,
        account: request.app.interpreter.account().to_owned(),
        force: request.form.get("force").is_some(),
    })
}

pub(in crate::console) fn ask_grant(request: Request) -> Answer {
    Box::pin(async move {
        let Grant { key, channel, days, force, new, .. } = grant_of(&request)?;
        let question = format!("Grant {days} days to {channel}");
        let notes = vec![format!(
            "They come from the account's balance, after what is owed on the channel already. It is known as grant/{key}; \
             one key is granted once."
        )];
        let mut fields = vec![("channel", channel.to_string()), ("days", days.to_string()), ("key", key)];
        fields.extend(force.then(|| ("force", "yes".to_owned())));
        fields.extend(new.then(|| ("new", "yes".to_owned())));
        Sure::ask(&request, question, ("/grant/apply", "Grant them"), fields, notes)
    })
}

pub(in crate::console) fn grant(request: Request) -> Answer {
    Box::pin(async move {
        let grant = grant_of(&request)?;
        let (key, before) = request.ledger().grant(&grant, &request.act()?, request.now).await?;
        let notice = if before { Notice::GrantedBefore } else { Notice::Granted };
        Ok(request.back(&text::payment(&key), notice, 1))
    })
}
