//! `console password`: the hash that stands in the settings in place of a password.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Subcommand;
use daybridge::console::password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::{Failure, output::text::say};

#[derive(Debug, Subcommand)]
pub enum Console {
    /// Read a password (from the terminal, or a line of standard input) and print its hash for [console.users.NAME]
    Password,
}

/// `console …`
pub fn run(console: Console) -> Result<(), Failure> {
    let Console::Password = console;
    let typed = if std::io::stdin().is_terminal() {
        let typed = ask("password: ")?;
        if *typed != *ask("the same again: ")? {
            return Err(Failure::Failed("the two are not the same".into()));
        }
        typed
    } else {
        line()?
    };
    let hash = password::hash(&typed).map_err(Failure::Failed)?;
    say(format!("password = \"{hash}\""));
    Ok(())
}

fn line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line)
}

/// Reads a line that the terminal does not show.
fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    let _ = write!(std::io::stderr(), "{question}");
    let hidden = Hidden::begin()?;
    let line = line();
    drop(hidden);
    let _ = writeln!(std::io::stderr());
    line
}

/// The terminal shows what is typed again when this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Self, Failure> {
        let before = tcgetattr(std::io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
