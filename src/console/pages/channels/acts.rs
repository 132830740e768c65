//! What an operator does about a payment's days: stop, go, move the rest, send one slice; and days granted without a
//! payment.
//!
//! Stopping and going on undo each other and are done at once. What moves days is asked about first: a page says what will
//! happen, and its form does that and nothing else. It carries what the answer rests on, so that a form sent twice moves
//! nothing twice: the transfer of the slice, and the key of the grant.

use askama::Template;

use crate::{
    console::{
        asked::{Answer, Asked, Wrong},
        shell::{Notice, Shell, page},
        text,
    },
    domain::{closed::TransferState, id::ChannelId},
    ledger::{Grant, Moved, view},
};

/// What will happen, asked before it does.
#[derive(Template)]
#[template(path = "sure.html", config = "src/console/askama.toml")]
struct Sure {
    shell: Shell,
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
        asked: &Asked,
        question: String,
        (action, button): (&'static str, &'static str),
        fields: Vec<(&'static str, String)>,
        notes: Vec<String>,
    ) -> Result<actix_web::HttpResponse, Wrong> {
        page(&Self {
            shell: Shell::new(asked, "Are you sure?", "/channels"),
            reason: asked.act()?.reason.to_owned(),
            back: asked.page_in("back", "/channels").to_owned(),
            question,
            notes,
            action,
            button,
            fields,
        })
    }
}

pub(in crate::console) fn stop(asked: Asked) -> Answer {
    Box::pin(async move {
        let key = asked.field("key")?;
        asked.ledger().stop(key, &asked.act()?, asked.now).await?;
        Ok(asked.back(&text::payment(key), Notice::PaymentStopped, 1))
    })
}

pub(in crate::console) fn go(asked: Asked) -> Answer {
    Box::pin(async move {
        let key = asked.field("key")?;
        asked.ledger().go(key, &asked.act()?, asked.now).await?;
        Ok(asked.back(&text::payment(key), Notice::PaymentGoes, 1))
    })
}

/// The payment that a form names.
async fn payment(asked: &Asked) -> Result<view::PaymentWhole, Wrong> {
    let key = asked.field("key")?;
    let whole = asked.ledger().payment(key).await?;
    whole.ok_or_else(|| Wrong::Missing(format!("no payment is known by {key}")))
}

pub(in crate::console) fn ask_slice(asked: Asked) -> Answer {
    Box::pin(async move {
        let whole = payment(&asked).await?;
        let (key, days) = (&whole.payment.key, asked.days()?);
        let next = whole.transfers.last().filter(|next| next.state == TransferState::Planned);
        let next = next.ok_or_else(|| Wrong::Refused(format!("no slice of {key} is planned now")))?;
        let days = days.unwrap_or(next.days);
        if days > whole.payment.owed {
            return Err(Wrong::Asked(format!("{key} has {} days left to move", whole.payment.owed)));
        }
        let question = format!("Move {days} days of {key} to {} now", next.channel);
        let fields = vec![("key", next.key.clone()), ("days", days.to_string())];
        let notes =
            vec!["They cannot be taken back. The next slice comes when the channel has used them.".into()];
        Sure::ask(&asked, question, ("/payments/slice/apply", "Move them now"), fields, notes)
    })
}

pub(in crate::console) fn slice(asked: Asked) -> Answer {
    Box::pin(async move {
        let key = asked.field("key")?;
        asked.ledger().slice_now(key, asked.days()?, &asked.act()?, asked.now).await?;
        Ok(asked.back(&text::payment(key), Notice::SliceSent, 1))
    })
}

/// The channel, the days that came back, and whether it may be one that the partner does not list.
fn moved(asked: &Asked) -> Result<Moved, Wrong> {
    let channel = Asked::channel(&asked.form, "channel")?;
    let channel = channel.ok_or_else(|| Wrong::Asked("name the channel that gets the rest".into()))?;
    let returned = match asked.form.get("returned") {
        Some(typed) => typed.parse().map_err(|_| Wrong::Asked(format!("{typed:?} is no number of days")))?,
        None => 0,
    };
    Ok(Moved { channel, returned, force: asked.form.get("force").is_some() })
}

pub(in crate::console) fn ask_move(asked: Asked) -> Answer {
    Box::pin(async move {
        let (whole, moved) = (payment(&asked).await?, moved(&asked)?);
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
        Sure::ask(&asked, question, ("/payments/move/apply", "Give them to it"), fields, notes)
    })
}

pub(in crate::console) fn move_rest(asked: Asked) -> Answer {
    Box::pin(async move {
        let key = asked.field("key")?;
        asked.ledger().move_rest(key, &moved(&asked)?, &asked.act()?, asked.now).await?;
        Ok(asked.back(&text::payment(key), Notice::RestMoved, 1))
    })
}

/// What a form grants. Its key is the one that was typed, or a new one; the page that asks says which.
fn grant_of(asked: &Asked) -> Result<Grant, Wrong> {
    let missing = |what: &str| Wrong::Asked(format!("{what} is missing"));
    let channel: ChannelId = Asked::channel(&asked.form, "channel")?.ok_or_else(|| missing("channel"))?;
    let typed = asked.form.owned("key");
    Ok(Grant {
        new: typed.is_none() || asked.form.get("new").is_some(),
        key: typed.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()),
        days: asked.days()?.ok_or_else(|| missing("days"))?,
        channel,
        account: asked.site.interpreter.account().to_owned(),
        force: asked.form.get("force").is_some(),
    })
}

pub(in crate::console) fn ask_grant(asked: Asked) -> Answer {
    Box::pin(async move {
        let Grant { key, channel, days, force, new, .. } = grant_of(&asked)?;
        let question = format!("Grant {days} days to {channel}");
        let notes = vec![format!(
            "They come from the account's balance, after what is owed on the channel already. It is known as grant/{key}; \
             one key is granted once."
        )];
        let mut fields = vec![("channel", channel.to_string()), ("days", days.to_string()), ("key", key)];
        fields.extend(force.then(|| ("force", "yes".to_owned())));
        fields.extend(new.then(|| ("new", "yes".to_owned())));
        Sure::ask(&asked, question, ("/grant/apply", "Grant them"), fields, notes)
    })
}

pub(in crate::console) fn grant(asked: Asked) -> Answer {
    Box::pin(async move {
        let grant = grant_of(&asked)?;
        let (key, before) = asked.ledger().grant(&grant, &asked.act()?, asked.now).await?;
        let notice = if before { Notice::GrantedBefore } else { Notice::Granted };
        Ok(asked.back(&text::payment(&key), notice, 1))
    })
}
