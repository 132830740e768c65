//! Whether a person means it: the larger, the more insistent. Nothing is asked where there is no terminal; the count is
//! an argument there.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::Failure;

/// More than this many are confirmed by typing their number.
const COUNT_TYPED_FROM: usize = 11;

/// More than this many are confirmed by typing the whole sentence.
const SENTENCE_TYPED_FROM: usize = 101;

#[derive(Debug, Args)]
pub struct Sure {
    /// How many it must be, where there is no terminal to ask on; any other number changes nothing
    #[arg(long, value_name = "COUNT")]
    yes: Option<usize>,
}

/// Asks before `what` is done to `count` things; one thing that was named is not asked about.
pub fn ask(sure: &Sure, count: usize, what: &str) -> Result<(), Failure> {
    match sure.yes {
        Some(yes) if yes == count => return Ok(()),
        Some(yes) => {
            return Err(Failure::Failed(format!("it is {count}, not {yes}; nothing was changed ({what})")));
        }
        None if count == 1 => return Ok(()),
        None => {}
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{what}: say so with --yes {count}")));
    }
    let wanted = wanted(count, what);
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "{what}?\ntype {wanted:?} to go on: ");
    let _ = error.flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == wanted { Ok(()) } else { Err(Failure::Failed("nothing was changed".into())) }
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
        assert!(ask(&Sure { yes: Some(3) }, 3, "cancel 3").is_ok());
        assert!(matches!(ask(&Sure { yes: Some(3) }, 4, "cancel 4"), Err(Failure::Failed(_))));
        assert!(ask(&Sure { yes: None }, 1, "cancel 1").is_ok());
    }
}
