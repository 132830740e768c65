//! Why a slice whose time has come is not sent, in an operator's words.

use crate::{
    domain::{
        Ms,
        closed::{HeldCause, TransferState},
        settle::AccountSignal,
    },
    ledger::{Ledger, LedgerError, Scope, view},
};

/// Why a transfer is kept back that no person has to decide about; `None`: nothing keeps it, or its time has not come.
pub(super) async fn kept_back(
    ledger: &Ledger,
    transfer: &view::TransferRow,
    now: Ms,
) -> Result<Option<String>, LedgerError> {
    let refused = matches!(transfer.cause, Some(HeldCause::Balance | HeldCause::Unauthorized));
    let due = transfer.state == TransferState::Planned && transfer.next_at.is_none_or(|at| at <= now);
    if !refused && !due {
        return Ok(None);
    }
    let pauses = ledger.pauses().await?;
    let covers = |pause: &&view::Pause| covers(&pause.scope, &transfer.account, &transfer.channel);
    if let Some(pause) = pauses.iter().find(covers) {
        return Ok(Some(format!("calls are paused ({}): {}", pause.who, pause.reason)));
    }
    let hold = ledger.account_hold(&transfer.account).await?;
    let keeps_back = hold.filter(|hold| hold.keeps_back(&transfer.key, transfer.days));
    Ok(keeps_back.map(|hold| match hold.news {
        AccountSignal::NoToken => "waits for a valid partner token".to_owned(),
        _ => format!("waits for the balance: it is below {} days", transfer.days),
    }))
}

/// Whether calls on a channel are made within a scope.
pub(super) fn covers(scope: &Scope, account: &str, channel: &str) -> bool {
    match scope {
        Scope::All => true,
        Scope::Account(of) => of == account,
        Scope::Channel(of, one) => of == account && one.as_str() == channel,
    }
}
