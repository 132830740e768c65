//! From a story that fails to the fewest steps that still fail in the same way.

use super::{
    story::{Step, Story},
    telling::play,
};

/// Most plays that one story is shrunk by.
const PLAYS_MAX: usize = 3_000;

/// The kind of a failure: its first word.
pub fn kind(wrong: &[String]) -> String {
    wrong.first().and_then(|first| first.split(':').next()).unwrap_or_default().to_owned()
}

/// See the module. Nothing to fail: the same story.
pub fn shrunk(story: &Story) -> Story {
    let wanted = kind(&play(story).wrong);
    let mut best = story.clone();
    let mut plays = 0;
    let mut fails = |steps: &[Step]| {
        plays += 1;
        let tried = Story { title: story.title.clone(), steps: steps.to_vec() };
        plays <= PLAYS_MAX && kind(&play(&tried).wrong) == wanted
    };
    // All about one payment at once, then ever smaller runs of steps.
    for number in 0..64 {
        let name = format!("p{number}");
        let without: Vec<Step> = best.steps.iter().filter(|step| !is_about(step, &name)).cloned().collect();
        if without.len() < best.steps.len() && fails(&without) {
            best.steps = without;
        }
    }
    best.steps = joined(best.steps);
    let mut run = (best.steps.len() / 2).max(1);
    loop {
        let (mut at, before) = (0, best.steps.len());
        while at < best.steps.len() {
            let mut without = best.steps.clone();
            without.drain(at..(at + run).min(without.len()));
            if fails(&without) {
                best.steps = joined(without);
            } else {
                at += run;
            }
        }
        match run {
            1 if best.steps.len() == before => break,
            1 => {}
            _ => run /= 2,
        }
    }
    best
}

/// With one wait where several follow each other.
fn joined(steps: Vec<Step>) -> Vec<Step> {
    let mut joined: Vec<Step> = Vec::new();
    for step in steps {
        match (joined.last_mut(), step) {
            (Some(Step::Wait(before)), Step::Wait(more)) => *before += more,
            (_, step) => joined.push(step),
        }
    }
    joined
}

fn is_about(step: &Step, name: &str) -> bool {
    match step {
        Step::Pay { payment, .. }
        | Step::Aside { payment }
        | Step::Tried { payment }
        | Step::Ends { payment }
        | Step::Behind { payment }
        | Step::Refund { payment, .. }
        | Step::RefundFails { payment, .. }
        | Step::Dispute { payment }
        | Step::DisputeEnds { payment, .. }
        | Step::Tell { payment, .. }
        | Step::Call { payment, .. }
        | Step::StopPayment(payment)
        | Step::Go(payment)
        | Step::Move { payment, .. }
        | Step::SliceNow { payment, .. }
        | Step::Errs(payment)
        | Step::Replay(payment) => payment == name,
        _ => false,
    }
}
