//! Plans made, applied, paused and given up.

use std::time::Duration;

use crate::{
    console::{
        asked::{Answer, Asked, Wrong, see},
        jobs::Order,
        shell::Notice,
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

pub(in crate::console) fn plan(asked: Asked) -> Answer {
    Box::pin(async move {
        let form = &asked.form;
        let selection = Selection {
            event: form.owned("event"),
            payment: form.owned("payment"),
            channel: form.owned("channel"),
            state: Asked::word(form, "state", PaymentState::parse, PaymentState::WORDS)?,
            source: form.owned("source"),
            event_type: form.owned("type"),
            trigger: Asked::word(form, "trigger", Trigger::parse, Trigger::WORDS)?,
            since: asked.time(form, "since")?,
            until: asked.time(form, "until")?,
            dead: form.get("dead").is_some(),
        };
        if selection == Selection::default() {
            return Err(Wrong::Asked("say which events: at least one field".into()));
        }
        let mut making = asked.site.jobs.plan(asked.site.clone(), selection, asked.who().to_owned())?;
        match tokio::time::timeout(PLAN_WAIT, &mut making).await {
            Err(_) => Ok(asked.back("/replay", Notice::Planning, 1)),
            Ok(Ok(made)) => Ok(match made? {
                Some(plan) => asked.back(&text::plan(&plan.hash), Notice::Planned, 1),
                None => asked.back("/replay", Notice::NothingFits, 1),
            }),
            Ok(Err(_)) => Err(Wrong::Away("the plan was not made; the log says why".into())),
        }
    })
}

async fn named(asked: &Asked) -> Result<Plan, Wrong> {
    let hash = asked.field("hash")?;
    asked.ledger().plan(hash).await?.ok_or_else(|| Wrong::Missing(format!("no plan {hash}")))
}

pub(in crate::console) fn apply(asked: Asked) -> Answer {
    Box::pin(async move {
        let plan = named(&asked).await?;
        let per_second = match asked.form.get("per_second").map(str::parse::<u32>) {
            None => PER_SECOND,
            Some(Ok(pace)) if (1..=PER_SECOND_MAX).contains(&pace) => pace,
            Some(_) => return Err(Wrong::Asked(format!("a pace is 1 to {PER_SECOND_MAX} events a second"))),
        };
        let act = asked.act()?;
        let (who, reason) = (act.who.to_owned(), act.reason.to_owned());
        let order = Order { hash: plan.hash.clone(), who, reason, per_second };
        let mut applying = asked.site.jobs.apply(asked.site.clone(), order)?;
        let page = text::plan(&plan.hash);
        match tokio::time::timeout(APPLY_WAIT, &mut applying).await {
            Err(_) => Ok(asked.back(&page, Notice::Applying, 1)),
            Ok(_) => Ok(see(&page)),
        }
    })
}

pub(in crate::console) fn pause(asked: Asked) -> Answer {
    Box::pin(
        async move { halt(&asked, &[PlanState::Running], PlanState::Paused, Notice::ReplayPaused).await },
    )
}

pub(in crate::console) fn abort(asked: Asked) -> Answer {
    Box::pin(async move {
        let from = [PlanState::Ready, PlanState::Running, PlanState::Paused];
        halt(&asked, &from, PlanState::Aborted, Notice::Aborted).await
    })
}

async fn halt(
    asked: &Asked,
    from: &[PlanState],
    to: PlanState,
    notice: Notice,
) -> Result<actix_web::HttpResponse, Wrong> {
    let plan = named(asked).await?;
    if !asked.ledger().plan_move(&plan, from, to, &asked.act()?, asked.now).await? {
        return Err(Wrong::Refused(format!("the plan is {}; nothing was changed", plan.state.as_str())));
    }
    Ok(asked.back(&text::plan(&plan.hash), notice, 1))
}
