//! What was typed, as what it means: a word of a closed set, a number of rows, a name that there is.

use daybridge::{config::Config, ledger::Ledger, ops::known};

use crate::cli::Failure;

/// A word of a closed set: whatever else is typed is refused with all of them and the nearest, and shells complete them.
macro_rules! one_of {
    ($set:ty) => {{
        use clap::builder::TypedValueParser as _;
        clap::builder::PossibleValuesParser::new(<$set>::WORDS)
            .try_map(|word| <$set>::parse(&word).ok_or("no such word"))
    }};
}
pub(crate) use one_of;

/// A number of rows; none would be an empty list whatever there is.
macro_rules! rows {
    () => {
        clap::value_parser!(u32).range(1..)
    };
}
pub(crate) use rows;

fn refused(unknown: known::Unknown) -> Failure {
    match unknown {
        known::Unknown::Name(why) => Failure::Usage(why),
        known::Unknown::Ledger(error) => Failure::Failed(error.to_string()),
    }
}

/// Refuses a source that there is not.
pub async fn source(config: &Config, ledger: &Ledger, typed: Option<&String>) -> Result<(), Failure> {
    match typed {
        Some(typed) => {
            let configured = config.sources.keys().map(String::as_str);
            known::source(ledger, configured, typed).await.map_err(refused)
        }
        None => Ok(()),
    }
}

/// Refuses a mode of channels that there is not.
pub async fn mode(ledger: &Ledger, typed: Option<&String>) -> Result<(), Failure> {
    match typed {
        Some(typed) => known::mode(ledger, typed).await.map_err(refused),
        None => Ok(()),
    }
}

/// Refuses a channel that there is not.
pub async fn channel(ledger: &Ledger, typed: Option<&String>) -> Result<(), Failure> {
    match typed {
        Some(typed) => known::channel(ledger, typed).await.map_err(refused),
        None => Ok(()),
    }
}
