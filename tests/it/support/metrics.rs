//! Prometheus' text as a scraper reads it, and its conventions, which `promtool check metrics` judges too where Debian's
//! package `prometheus` is installed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    process::{Command, Stdio},
};

/// A page of metrics.
pub(crate) struct Metrics {
    pub(crate) text: String,
    values: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads a page, and panics where it is against the conventions.
    pub(crate) fn read(text: &str) -> Self {
        let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
        let mut helped = BTreeSet::new();
        let mut values = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap();
                assert!(!words.trim().is_empty() && helped.insert(name), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(kinds.insert(name, kind).is_none(), "twice: {line}");
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
                assert!(values.insert(series.to_owned(), value).is_none(), "twice: {line}");
                let name = series.split('{').next().unwrap();
                let family = family(name, &kinds);
                assert!(helped.contains(family), "{family} has no HELP");
                named_well(family, kinds.get(family).unwrap_or_else(|| panic!("no TYPE: {line}")));
            }
        }
        promtool(text);
        Self { text: text.to_owned(), values }
    }

    /// One series' value; `None`: it is not there.
    pub(crate) fn get(&self, series: &str) -> Option<f64> {
        self.values.get(series).copied()
    }

    /// Names of the families.
    pub(crate) fn families(&self) -> BTreeSet<String> {
        let types = self.text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

/// The family of a sample: a histogram's has three names.
fn family<'a>(name: &'a str, kinds: &BTreeMap<&str, &str>) -> &'a str {
    for end in ["_bucket", "_sum", "_count"] {
        if let Some(family) = name.strip_suffix(end)
            && kinds.get(family) == Some(&"histogram")
        {
            return family;
        }
    }
    name
}

fn named_well(family: &str, kind: &str) {
    assert!(["gauge", "counter", "histogram"].contains(&kind), "{family} is a {kind}");
    assert!(family.starts_with("daybridge_") || family.starts_with("process_"), "{family}");
    assert_eq!(family.ends_with("_total"), kind == "counter", "{family} is a {kind}");
    for word in family.split('_') {
        let unit = ["days", "hours", "minutes", "milliseconds", "ms", "kb", "gauge", "counter", "histogram"];
        assert!(!unit.contains(&word), "{family}: {word} is no base unit");
    }
    assert!(kind != "histogram" || family.ends_with("_seconds"), "{family} has no unit");
}

fn promtool(text: &str) {
    let asked = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut asked) = asked else { return };
    asked.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let answer = asked.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[answer.stdout, answer.stderr].concat()).into_owned();
    assert!(answer.status.success() && said.trim().is_empty(), "promtool: {said}");
}
