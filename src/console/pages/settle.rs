//! Calls paused and resumed: everywhere, on an account, on a channel.

use crate::{
    console::{
        asked::{Answer, Asked, Wrong},
        shell::Notice,
    },
    ledger::Scope,
    ops::pause,
};

fn scope(asked: &Asked) -> Result<Scope, Wrong> {
    let word = asked.field("scope")?;
    Scope::parse(word).ok_or_else(|| {
        Wrong::Asked(format!("{word:?} is no scope: use all, account:NAME or channel:ACCOUNT/CHANNEL"))
    })
}

pub(in crate::console) fn pause(asked: Asked) -> Answer {
    Box::pin(async move {
        let (ledger, account) = (asked.ledger(), asked.site.interpreter.account());
        let changed = pause::pause(ledger, account, &scope(&asked)?, &asked.act()?, asked.now).await?;
        Ok(asked.back("/channels", if changed { Notice::Paused } else { Notice::AlreadyPaused }, 1))
    })
}

pub(in crate::console) fn resume(asked: Asked) -> Answer {
    Box::pin(async move {
        let (ledger, account) = (asked.ledger(), asked.site.interpreter.account());
        let changed = pause::resume(ledger, account, &scope(&asked)?, &asked.act()?, asked.now).await?;
        Ok(asked.back("/channels", if changed { Notice::Resumed } else { Notice::NotPaused }, 1))
    })
}
