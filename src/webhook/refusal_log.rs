//! Log lines of what was refused, by source and reason: the first at once, with its caller and trace, then how many more
//! each minute, with the last caller. So neither a stranger nor a queue that is away fills the disk.
//!
//! In memory and of a fixed size: callers choose neither the sources nor the reasons, and all sources that are not
//! configured are one.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracing::warn;

use super::{
    answer::{Answer, LABELS},
    refused::UNKNOWN,
};

/// How often what was only counted is told.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// All of a process.
#[derive(Debug)]
pub(super) struct RefusalLog(BTreeMap<String, [Mutex<Cell>; LABELS.len()]>);

/// One source's refusals for one reason.
#[derive(Debug, Default)]
struct Cell {
    /// There was a line since the last round.
    told: bool,
    /// Since that line.
    more: u64,
    client: Option<IpAddr>,
    reason: String,
}

impl RefusalLog {
    pub(super) fn of<'s>(sources: impl Iterator<Item = &'s String>) -> Self {
        let names = sources.cloned().chain([UNKNOWN.to_owned()]);
        Self(names.map(|name| (name, Default::default())).collect())
    }

    /// Tells of a refusal, or counts it where there was one a moment ago. `source` is a configured one's name.
    pub(super) fn tell(&self, source: Option<&str>, answer: &Answer, client: Option<IpAddr>, trace: &str) {
        let source = source.unwrap_or(UNKNOWN);
        let Some(cell) = self.0.get(source).and_then(|cells| cells.get(answer.index())) else { return };
        let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
        if cell.told {
            cell.more = cell.more.saturating_add(1);
            cell.client = client;
            return;
        }
        cell.told = true;
        cell.reason = answer.reason();
        warn!(source, client = shown(client), trace, reason = cell.reason, "request refused");
    }

    /// A round every minute, until it is dropped.
    pub(super) async fn rounds(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TOLD_EVERY).await;
            self.round();
        }
    }

    /// Tells what was only counted; a reason that was quiet for a whole round is told at once again.
    pub(super) fn round(&self) {
        for (source, cells) in &self.0 {
            for cell in cells {
                let mut cell = cell.lock().unwrap_or_else(PoisonError::into_inner);
                if cell.more > 0 {
                    warn!(
                        source,
                        last_client = shown(cell.client),
                        reason = cell.reason,
                        count = cell.more,
                        "more requests refused for this reason since the last line"
                    );
                } else {
                    cell.told = false;
                }
                cell.more = 0;
            }
        }
    }
}

fn shown(client: Option<IpAddr>) -> String {
    client.map_or_else(|| "unknown".into(), |client| client.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn take(&self) -> Vec<String> {
            let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_are_counted() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let log = RefusalLog::of([String::from("shop")].iter());
            for n in 0..1_000_u32 {
                log.tell(
                    Some("shop"),
                    &Answer::TooLong,
                    Some(IpAddr::V4((0xc000_0200 + n % 200).into())),
                    "t",
                );
                log.tell(None, &Answer::Unknown, None, "t");
            }
            let lines = page.take();
            assert_eq!(lines.len(), 2, "{lines:#?}");
            assert!(
                lines[0].contains("192.0.2.0") && lines[0].contains("longer than max_body_bytes"),
                "{lines:#?}"
            );
            log.round();
            let lines = page.take();
            assert_eq!(lines.len(), 2, "{lines:#?}");
            assert!(lines.iter().all(|line| line.contains("count=999")), "{lines:#?}");
            assert!(lines[0].contains("192.0.2.199"), "{lines:#?}");
            // Still going on: counted.
            log.tell(None, &Answer::Unknown, None, "t");
            assert!(page.take().is_empty());
            log.round();
            assert_eq!(page.take().len(), 1);
            // A quiet minute: the next one is told at once.
            log.round();
            log.tell(None, &Answer::Unknown, None, "t");
            assert_eq!(page.take().len(), 1);
        });
    }
}
