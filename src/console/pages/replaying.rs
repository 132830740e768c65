//! Plans made, applied, paused and given up.

use std::time::Duration;

use crate::{
    console::{
        error::PageError,
        jobs::Order,
        notice::Notice,
        request::{Answer, Request, see},
        text,
    },
    domain::closed::PaymentState,
    envelope::Trigger,
    ledger::{Plan, Selection, plan::PlanState},
    ops::replay::{PER_SECOND, PER_SECOND_MAX},
};

/// How long an answer waits for a plan to be made before it says that it is still being made.
const PLAN_WAIT: Duration = Duration::from_secs(10);

/// How long an answer waits for a replay to end: a short one is done by then, a stale one refused.
const APPLY_WAIT: Duration = Duration::from_secs(2);

pub(in crate::console) fn plan(request: Request) -> Answer {
    Box::pin(async move {
        let form = &request.form;
        let selection = Selection {
            event: form.owned("event"),
            payment: form.owned("payment"),
            channel: form.owned("channel"),
            state: Request::word(form, "state", PaymentState::parse, PaymentState::WORDS)?,
            source: form.owned("source"),
            event_type: form.owned("type"),
            trigger: Request::word(form, "trigger", Trigger::parse, Trigger::WORDS)?,
            since: request.time(form, "since")?,
            until: request.time(form, "until")?,
            dead: form.get("dead").is_some(),
        };
        if selection == Selection::default() {
            return Err(PageError::Unfit("say which events: at least one field".into()));
        }
        let mut making = request.app.jobs.plan(request.app.doors(), selection, request.who().to_owned())?;
        match tokio::time::timeout(PLAN_WAIT, &mut making).await {
            Err(_) => Ok(request.back("/replay", Notice::Planning, 1)),
            Ok(Ok(made)) => Ok(match made? {
                Some(plan) => request.back(&text::plan(&plan.hash), Notice::Planned, 1),
                None => request.back("/replay", Notice::NothingFits, 1),
            }),
            Ok(Err(_)) => Err(PageError::Away("the plan was not made; the log says why".into())),
        }
    })
}

async fn named(request: &Request) -> Result<Plan, PageError> {
    let hash = request.field("hash")?;
    request.ledger().plan(hash).await?.ok_or_else(|| PageError::Missing(format!("no plan {hash}")))
}

pub(in crate::console) fn apply(request: Request) -> Answer {
    Box::pin(async move {
        let plan = named(&request).await?;
        let per_second = match request.form.get("per_second").map(str::parse::<u32>) {
            None => PER_SECOND,
            Some(Ok(pace)) if (1..=PER_SECOND_MAX).contains(&pace) => pace,
            Some(_) => {
                return Err(PageError::Unfit(format!("a pace is 1 to {PER_SECOND_MAX} events a second")));
            }
        };
        let act = request.act()?;
        let (who, reason) = (act.who.to_owned(), act.reason.to_owned());
        let order = Order { hash: plan.hash.clone(), who, reason, per_second };
        let mut applying = request.app.jobs.apply(request.app.doors(), order)?;
        let page = text::plan(&plan.hash);
        match tokio::time::timeout(APPLY_WAIT, &mut applying).await {
            Err(_) => Ok(request.back(&page, Notice::Applying, 1)),
            Ok(_) => Ok(see(&page)),
        }
    })
}

pub(in crate::console) fn pause(request: Request) -> Answer {
    Box::pin(
        async move { halt(&request, &[PlanState::Running], PlanState::Paused, Notice::ReplayPaused).await },
    )
}

pub(in crate::console) fn abort(request: Request) -> Answer {
    Box::pin(async move {
        let from = [PlanState::Ready, PlanState::Running, PlanState::Paused];
        halt(&request, &from, PlanState::Aborted, Notice::Aborted).await
    })
}

async fn halt(
    request: &Request,
    from: &[PlanState],
    to: PlanState,
    notice: Notice,
) -> Result<actix_web::HttpResponse, PageError> {
    let plan = named(request).await?;
    if !request.ledger().plan_move(&plan, from, to, &request.act()?, request.now).await? {
        return Err(PageError::Refused(format!("the plan is {}; nothing was changed", plan.state.as_str())));
    }
    Ok(request.back(&text::plan(&plan.hash), notice, 1))
}
