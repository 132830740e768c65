//! Whether a person means it: the larger, the more insistent. Nothing is asked where there is no terminal; the count is
//! an argument there.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use daybridge::{ledger::view::Several, terminal::escaped};

use super::text::{say, time};
use crate::cli::Failure;

/// More than this many are confirmed by typing their number.
const COUNT_TYPED_FROM: usize = 11;

/// More than this many are confirmed by typing the whole sentence.
const SENTENCE_TYPED_FROM: usize = 101;

#[derive(Debug, Args)]
pub struct Sure {
    /// How many it must be, where there is no terminal to ask on; any other number changes nothing
    #[arg(long, value_name = "COUNT")]
    yes: Option<usize>,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

/// When a confirmation is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Several; one thing that was named may be tried again, or settled by its name.
    Several,
    /// Whatever it is, even one or none: it cannot be taken back.
    Always,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    /// A person means it.
    On,
    /// It was told what would be done.
    Dry,
}

/// Asks before `what` is done to `count` things. Nothing is changed where it is not meant.
pub fn ask(sure: &Sure, confirm: Confirm, count: usize, what: &str) -> Result<Go, Failure> {
    if sure.dry_run {
        say(format!(
            "would {what}; nothing was changed. Without --dry-run, and with --yes {count}, it is done"
        ));
        return Ok(Go::Dry);
    }
    match sure.yes {
        Some(yes) if yes == count => return Ok(Go::On),
        Some(yes) => {
            return Err(Failure::Failed(format!("it is {count}, not {yes}; nothing was changed ({what})")));
        }
        None if count == 1 && confirm == Confirm::Several => return Ok(Go::On),
        None => {}
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{what}: say so with --yes {count}; nothing was changed")));
    }
    let wanted = wanted(count, what);
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "{}?\ntype {wanted:?} to go on: ", escaped(what));
    let _ = error.flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == wanted { Ok(Go::On) } else { Err(Failure::Failed("nothing was changed".into())) }
}

/// Count, days and the oldest, for the question.
pub fn in_words(several: &Several) -> String {
    let oldest = several.oldest_at.map_or(String::new(), |at| format!(", the oldest of {}", time(at)));
    format!("{} days in all{oldest}", several.days)
}

fn wanted(count: usize, what: &str) -> String {
    match count {
        SENTENCE_TYPED_FROM.. => what.to_owned(),
        COUNT_TYPED_FROM.. => count.to_string(),
        _ => "y".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_the_more_insistent() {
        let what = "cancel some";
        assert_eq!(wanted(2, what), "y");
        assert_eq!(wanted(10, what), "y");
        assert_eq!(wanted(11, what), "11");
        assert_eq!(wanted(100, what), "100");
        assert_eq!(wanted(101, what), what);
    }

    #[test]
    fn a_count_that_does_not_fit_changes_nothing() {
        let yes = |yes| Sure { yes, dry_run: false };
        assert!(matches!(ask(&yes(Some(3)), Confirm::Several, 3, "cancel 3"), Ok(Go::On)));
        assert!(matches!(ask(&yes(Some(3)), Confirm::Several, 4, "cancel 4"), Err(Failure::Failed(_))));
        assert!(matches!(ask(&yes(None), Confirm::Several, 1, "retry 1"), Ok(Go::On)));
        assert!(matches!(ask(&yes(Some(0)), Confirm::Always, 0, "declare"), Ok(Go::On)));
        let dry = Sure { yes: None, dry_run: true };
        assert!(matches!(ask(&dry, Confirm::Always, 4, "cancel 4"), Ok(Go::Dry)));
    }
}
