//! One plan: what it says of each payment, and how far it is published.

use askama::Template;

use super::{ROWS, page_of};
use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        request::{Answer, Request},
        text,
    },
    ledger::{
        Plan,
        plan::{PlanState, PlanVerdict},
        view::Planned,
    },
    ops::replay::{PER_SECOND, PER_SECOND_MAX},
};

#[derive(Template)]
#[template(path = "plan.html", config = "src/console/askama.toml")]
struct Shown {
    layout: Layout,
    plan: Plan,
    /// Verdict, how many, and the address of those.
    chips: Vec<(&'static str, u64, String)>,
    verdict: &'static str,
    rows: Vec<(i64, Planned)>,
    next: Option<String>,
    /// It is being applied by this process.
    running: bool,
    /// Why it was not applied, or not wholly.
    ended: Option<String>,
    back: String,
    per_second: u32,
    per_second_max: u32,
}

impl Shown {
    fn may_apply(&self) -> bool {
        !self.running && matches!(self.plan.state, PlanState::Ready | PlanState::Paused | PlanState::Running)
    }

    fn may_pause(&self) -> bool {
        self.plan.state == PlanState::Running
    }

    fn may_abort(&self) -> bool {
        matches!(self.plan.state, PlanState::Ready | PlanState::Paused | PlanState::Running)
    }
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let hash =
            request.query.get("hash").ok_or_else(|| PageError::Unfit("the address names no plan".into()))?;
        let plan = request.ledger().plan(hash).await?;
        let plan = plan.ok_or_else(|| PageError::Missing(format!("no plan {hash}")))?;
        let verdict = request.query.get("verdict").and_then(PlanVerdict::parse);
        let after = request.query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
        let limit = ROWS.saturating_add(1);
        let (rows, more) = page_of(request.ledger().plan_payments(plan.number, verdict, after, limit).await?);
        let with = |verdict: &str, after: &str| {
            text::address("/replay/show", &[("hash", &*plan.hash), ("verdict", verdict), ("after", after)])
        };
        let totals = &plan.totals;
        let chip = |verdict: &PlanVerdict| {
            let many = match verdict {
                PlanVerdict::Extend => totals.extend,
                PlanVerdict::Conflict => totals.conflict,
                PlanVerdict::Held => totals.held,
                PlanVerdict::Skip => totals.skip,
            };
            (verdict.as_str(), many, with(verdict.as_str(), ""))
        };
        let chips = PlanVerdict::ALL.iter().map(chip).collect();
        let verdict = verdict.map_or("", PlanVerdict::as_str);
        let last = rows.last().filter(|_| more).map(|(position, _)| position.to_string());
        let next = last.map(|last| with(verdict, &last));
        page(&Shown {
            layout: Layout::new(&request, format!("Replay {}", plan.hash), "/replay"),
            running: request.app.jobs.is_running(&plan.hash),
            ended: request.app.jobs.ended(&plan.hash),
            back: text::plan(&plan.hash),
            per_second: PER_SECOND,
            per_second_max: PER_SECOND_MAX,
            plan,
            chips,
            verdict,
            rows,
            next,
        })
    })
}
