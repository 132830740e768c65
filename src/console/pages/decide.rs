//! What a person decides about one thing that is held.

use crate::{
    console::{
        error::PageError,
        notice::Notice,
        request::{Answer, Request},
    },
    domain::closed::HeldCause,
    ledger::Correction,
    ops::held::{Choice, HeldDecision},
};

/// The decision that a form names.
pub(super) fn decision(word: &str) -> Result<HeldDecision, PageError> {
    HeldDecision::parse(word).ok_or_else(|| PageError::Unfit(format!("{word:?} is no decision")))
}

/// What is said after it was carried out.
pub(super) fn notice(decision: HeldDecision) -> Notice {
    match decision {
        HeldDecision::Retry => Notice::Retried,
        HeldDecision::Applied | HeldDecision::NotApplied => Notice::Settled,
        HeldDecision::Cancel => Notice::Cancelled,
    }
}

/// What the page said that it is held for.
fn seen(request: &Request) -> Result<Option<HeldCause>, PageError> {
    request.form.get("cause").map(cause).transpose()
}

pub(super) fn cause(word: &str) -> Result<HeldCause, PageError> {
    HeldCause::parse(word).ok_or_else(|| PageError::Unfit(format!("{word:?} is no cause")))
}

pub(in crate::console) fn retry(request: Request) -> Answer {
    Box::pin(async move { decide(&request, HeldDecision::Retry).await })
}

pub(in crate::console) fn cancel(request: Request) -> Answer {
    Box::pin(async move { decide(&request, HeldDecision::Cancel).await })
}

pub(in crate::console) fn settle(request: Request) -> Answer {
    Box::pin(async move {
        let word = request.field("outcome")?;
        match HeldDecision::parse(word) {
            Some(outcome @ (HeldDecision::Applied | HeldDecision::NotApplied)) => {
                decide(&request, outcome).await
            }
            _ => Err(PageError::Unfit(format!("an outcome is applied or not-applied, not {word:?}"))),
        }
    })
}

async fn decide(request: &Request, decision: HeldDecision) -> Result<actix_web::HttpResponse, PageError> {
    let choice = Choice { decision, cause: seen(request)?, days: request.days()? };
    request.app.desk().decide(request.field("key")?, choice, request.act()?, request.now).await?;
    Ok(request.back("/held", notice(decision), 1))
}

pub(in crate::console) fn set(request: Request) -> Answer {
    Box::pin(async move {
        let (channel, days) = (Request::channel(&request.form, "channel")?, request.days()?);
        if channel.is_none() && days.is_none() {
            return Err(PageError::Unfit("give a channel, days, or both".into()));
        }
        let comment = request.app.interpreter.comment();
        let remember = request.form.get("remember").is_some();
        if remember && channel.is_none() {
            return Err(PageError::Unfit("to remember a channel, give it".into()));
        }
        let account = request.app.interpreter.account();
        let (cause, act) = (seen(&request)?, request.act()?);
        let correction = Correction { channel, days, remember, force: false, account, cause, act, comment };
        let others = request.app.desk().correct(request.field("key")?, &correction, request.now).await?;
        Ok(match remember {
            true => request.back("/held", Notice::Remembered, others),
            false => request.back("/held", Notice::Set, 1),
        })
    })
}
