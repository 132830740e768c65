//! Calls paused and resumed: everywhere, on an account, on a channel.

use crate::{
    console::{
        error::PageError,
        notice::Notice,
        request::{Answer, Request},
    },
    ledger::Scope,
    ops::pause,
};

fn scope(request: &Request) -> Result<Scope, PageError> {
    let word = request.field("scope")?;
    Scope::parse(word).ok_or_else(|| {
        PageError::Unfit(format!("{word:?} is no scope: use all, account:NAME or channel:ACCOUNT/CHANNEL"))
    })
}

pub(in crate::console) fn pause(request: Request) -> Answer {
    Box::pin(async move {
        let (ledger, account) = (request.ledger(), request.app.interpreter.account());
        let changed = pause::pause(ledger, account, &scope(&request)?, &request.act()?, request.now).await?;
        Ok(request.back("/channels", if changed { Notice::Paused } else { Notice::AlreadyPaused }, 1))
    })
}

pub(in crate::console) fn resume(request: Request) -> Answer {
    Box::pin(async move {
        let (ledger, account) = (request.ledger(), request.app.interpreter.account());
        let changed = pause::resume(ledger, account, &scope(&request)?, &request.act()?, request.now).await?;
        Ok(request.back("/channels", if changed { Notice::Resumed } else { Notice::NotPaused }, 1))
    })
}
