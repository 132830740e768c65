//! Reaches every dependency and says what to do about a failure. It makes nothing: no file, no table, no queue.

/// The broker, or its file.
mod queue;

/// The record.
mod ledger;

/// What is configured of sources, and the APIs that are called.
mod calls;

/// Open files, and who else reads or owns the files.
mod machine;

use std::{net::TcpListener, path::Path, time::Duration};

use clap::Args;
use daybridge::{
    config::{self, Config},
    console,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    output::text::{say, say_json, time},
    send::client,
};

/// Longest wait for the refusals that a running process reports.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(2);

/// Version of the JSON.
const VERSION: u32 = 1;

#[derive(Debug, Args)]
pub struct Check {
    /// Print JSON: {"version", "ok", "lines": [{"part", "level", "text", "to_do"}]}
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// As it should be.
    Ok,
    /// It works, and something may go wrong.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Line {
    part: &'static str,
    level: Level,
    text: String,
    to_do: Option<String>,
}

impl Line {
    fn ok(part: &'static str, text: impl Into<String>) -> Self {
        Self { part, level: Level::Ok, text: text.into(), to_do: None }
    }

    fn warn(part: &'static str, text: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { part, level: Level::Warn, text: text.into(), to_do: Some(to_do.into()) }
    }

    fn fail(part: &'static str, text: impl Into<String>) -> Self {
        Self { part, level: Level::Fail, text: text.into(), to_do: None }
    }

    fn failed(part: &'static str, text: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { part, level: Level::Fail, text: text.into(), to_do: Some(to_do.into()) }
    }

    /// Of a result whose error says what to do.
    fn of(part: &'static str, result: Result<String, String>) -> Self {
        match result {
            Ok(text) => Self::ok(part, text),
            Err(text) => Self::fail(part, text),
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    /// No line failed.
    ok: bool,
    lines: &'a [Line],
}

/// `check`: exit 0 with warnings, 1 where something fails, 2 where the settings cannot be used.
pub async fn run(config: Result<Config, Failure>, check: Check) -> Result<(), Failure> {
    let config = match config {
        Ok(config) => config,
        Err(Failure::Usage(why)) if check.json => {
            let wrong: Vec<Line> = why.lines().map(|why| Line::fail("settings", why)).collect();
            say_json(&Report { version: VERSION, ok: false, lines: &wrong });
            return Err(Failure::Usage(why));
        }
        Err(failure) => return Err(failure),
    };
    let lines = look(&config).await;
    let ok = lines.iter().all(|line| line.level != Level::Fail);
    if check.json {
        say_json(&Report { version: VERSION, ok, lines: &lines });
    } else {
        lines.iter().for_each(tell);
    }
    if ok { Ok(()) } else { Err(Failure::Said) }
}

/// Every line, in the order in which data flows; the settings themselves were checked while loading.
async fn look(config: &Config) -> Vec<Line> {
    let mut lines = vec![Line::ok("settings", "no contradictions")];
    lines.push(calls::sources(config));
    let odd = config::warn::secrets(config).into_iter();
    lines.extend(odd.map(|text| Line { part: "secrets", level: Level::Warn, text, to_do: None }));
    lines.extend(calls::warnings(config));
    lines.extend(machine::look(config));
    lines.push(Line::of("receiver", bindable(&config.server.listen)));
    let free = bindable(&config.console.listen);
    let pages = free.and_then(|free| Ok(format!("{free}; {}", console::check(config)?)));
    lines.push(Line::of("console", pages));
    lines.extend(refused(config).await.into_iter().map(|text| Line::ok("refused", text)));
    lines.extend(queue::look(config).await);
    lines.extend(ledger::look(config).await);
    lines.push(calls::partner(config).await);
    lines.extend(calls::histories(config).await);
    lines.extend(calls::fetches(config).await);
    lines
}

fn tell(line: &Line) {
    let level = match line.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let Line { part, text, to_do, .. } = line;
    let to_do = to_do.as_ref().map(|to_do| format!("; {to_do}")).unwrap_or_default();
    say(format!("{level:<5} {part:<9} {text}{to_do}"));
}

/// A line of what the receiver has refused.
#[derive(Deserialize)]
struct Refused {
    source: String,
    words: String,
    count: u64,
    last_at_ms: i64,
}

/// What the process with these settings has refused since it was started; nothing where none runs, or none receives.
async fn refused(config: &Config) -> Vec<String> {
    let told = async {
        let client = client().timeout(REFUSED_TIMEOUT).build().ok()?;
        let url = format!("http://{}/refused", config.console.listen);
        let answer = client.get(url).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice::<Vec<Refused>>(&answer.bytes().await.ok()?).ok()
    };
    let line = |row: Refused| {
        format!("{}: {} refused: {} (last {})", row.source, row.count, row.words, time(row.last_at_ms))
    };
    told.await.unwrap_or_default().into_iter().map(line).collect()
}

fn bindable(listen: &str) -> Result<String, String> {
    if let Some(path) = listen.strip_prefix("unix:") {
        let folder = Path::new(path).parent().filter(|p| p.is_dir());
        return match folder {
            Some(_) => Ok(listen.to_owned()),
            None => Err(format!("the folder of {path} does not exist; create it")),
        };
    }
    match TcpListener::bind(listen) {
        Ok(_) => Ok(format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(format!("{listen} is taken; fine if daybridge runs, else stop what holds it"))
        }
        Err(error) => Err(format!("{listen}: {error}; set an address of this machine")),
    }
}
