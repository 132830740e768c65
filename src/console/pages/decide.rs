//! What a person decides about one thing that is held.

use crate::{
    console::{
        asked::{Answer, Asked, Wrong},
        shell::Notice,
    },
    domain::closed::HeldCause,
    ledger::Correction,
    ops::held::{Choice, Decision},
};

/// The decision that a form names.
pub(super) fn decision(word: &str) -> Result<Decision, Wrong> {
    Decision::parse(word).ok_or_else(|| Wrong::Asked(format!("{word:?} is no decision")))
}

/// What is said after it was carried out.
pub(super) fn notice(decision: Decision) -> Notice {
    match decision {
        Decision::Retry => Notice::Retried,
        Decision::Applied | Decision::NotApplied => Notice::Settled,
        Decision::Cancel => Notice::Cancelled,
    }
}

/// What the page said that it is held for.
fn seen(asked: &Asked) -> Result<Option<HeldCause>, Wrong> {
    asked.form.get("cause").map(cause).transpose()
}

pub(super) fn cause(word: &str) -> Result<HeldCause, Wrong> {
    HeldCause::parse(word).ok_or_else(|| Wrong::Asked(format!("{word:?} is no cause")))
}

pub(in crate::console) fn retry(asked: Asked) -> Answer {
    Box::pin(async move { decide(&asked, Decision::Retry).await })
}

pub(in crate::console) fn cancel(asked: Asked) -> Answer {
    Box::pin(async move { decide(&asked, Decision::Cancel).await })
}

pub(in crate::console) fn settle(asked: Asked) -> Answer {
    Box::pin(async move {
        let word = asked.field("outcome")?;
        match Decision::parse(word) {
            Some(outcome @ (Decision::Applied | Decision::NotApplied)) => decide(&asked, outcome).await,
            _ => Err(Wrong::Asked(format!("an outcome is applied or not-applied, not {word:?}"))),
        }
    })
}

async fn decide(asked: &Asked, decision: Decision) -> Result<actix_web::HttpResponse, Wrong> {
    let choice = Choice { decision, cause: seen(asked)?, days: asked.days()? };
    asked.site.desk().decide(asked.field("key")?, choice, asked.act()?, asked.now).await?;
    Ok(asked.back("/held", notice(decision), 1))
}

pub(in crate::console) fn set(asked: Asked) -> Answer {
    Box::pin(async move {
        let (channel, days) = (Asked::channel(&asked.form, "channel")?, asked.days()?);
        if channel.is_none() && days.is_none() {
            return Err(Wrong::Asked("give a channel, days, or both".into()));
        }
        let comment = asked.site.interpreter.comment();
        let remember = asked.form.get("remember").is_some();
        if remember && channel.is_none() {
            return Err(Wrong::Asked("to remember a channel, give it".into()));
        }
        let account = asked.site.interpreter.account();
        let (cause, act) = (seen(&asked)?, asked.act()?);
        let correction = Correction { channel, days, remember, force: false, account, cause, act, comment };
        let others = asked.site.desk().correct(asked.field("key")?, &correction, asked.now).await?;
        Ok(match remember {
            true => asked.back("/held", Notice::Remembered, others),
            false => asked.back("/held", Notice::Set, 1),
        })
    })
}
