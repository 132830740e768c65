//! How a statement runs and how many pages it reads, asked before it runs for itself.

use std::sync::PoisonError;

use super::{
    tx::{Dialect, Tx},
    value::{Arg, Row},
};

impl Tx {
    /// PostgreSQL runs it for that, as it will run, and takes it back. What fails, fails again when it runs for itself.
    pub(super) fn explain(&mut self, sql: &str, args: &[Arg<'_>]) {
        let (head, column) = match self.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
            Dialect::Postgres => ("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)", "QUERY PLAN"),
        };
        let saves = self.dialect() == Dialect::Postgres;
        if saves && self.asked("SAVEPOINT explained", &[], 0).is_err() {
            return;
        }
        let rows = self.asked(&format!("{head} {sql}"), args, usize::MAX).unwrap_or_default();
        if saves {
            let _ = self.asked("ROLLBACK TO explained", &[], 0); // Err: the connection is lost, and the next statement tells
        }
        let lines: Vec<String> = rows.iter().filter_map(|row: &Row| row.get(column).ok()).collect();
        if let Some(log) = self.place().log.get() {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            let (plan, read) = log.entry(sql.to_owned()).or_default();
            *plan = lines.join("\n");
            *read = read.saturating_add(pages(&lines));
        }
    }
}

/// Of the plan's top, which counts those below it; what the planner read comes later, if any.
fn pages(plan: &[String]) -> u64 {
    let of_the_plan = plan.iter().take_while(|line| !line.starts_with("Planning:"));
    let buffers = of_the_plan.filter_map(|line| line.trim_start().strip_prefix("Buffers: shared ")).next();
    let counts = buffers.into_iter().flat_map(str::split_whitespace);
    let counts = counts.filter_map(|count| count.strip_prefix("hit=").or(count.strip_prefix("read=")));
    counts.filter_map(|count| count.parse::<u64>().ok()).sum()
}
