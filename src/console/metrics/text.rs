//! Prometheus' text format, for gauges that are read anew at each scrape: what is not told is not there.

use std::fmt::Write as _;

/// Names and values of labels, and the value.
pub(super) type Series = (Vec<(&'static str, String)>, f64);

/// A page of metrics.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// A value that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, series: Vec<Series>) {
        self.family(name, help, "gauge", series);
    }

    /// A value that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, series: Vec<Series>) {
        self.family(name, help, "counter", series);
    }

    /// The page.
    pub(super) fn into_string(self) -> String {
        self.0
    }

    fn family(&mut self, name: &str, help: &str, kind: &str, series: Vec<Series>) {
        if series.is_empty() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in series {
            self.0.push_str(name);
            for (place, (label, text)) in labels.iter().enumerate() {
                let before = if place == 0 { '{' } else { ',' };
                let _ = write!(self.0, "{before}{label}=\"{}\"", escaped(text));
            }
            let close = if labels.is_empty() { "" } else { "}" };
            let _ = writeln!(self.0, "{close} {}", number(value));
        }
        self.0.push('\n');
    }
}

/// One series without labels.
pub(super) fn one(value: f64) -> Vec<Series> {
    vec![(Vec::new(), value)]
}

/// A count, as far as a float counts.
#[allow(clippy::cast_precision_loss, reason = "beyond 2^53 a graph shows no difference")]
pub(super) fn whole(count: u64) -> f64 {
    count as f64
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    if value == f64::INFINITY { "+Inf".into() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_prometheus_reads_it() {
        let mut text = Text::default();
        let labels = vec![("source", "a\"b\\c\nd".to_owned()), ("kind", "x".to_owned())];
        text.gauge("daybridge_age_seconds", "How old.", vec![(labels, f64::INFINITY), (Vec::new(), 1.5)]);
        text.gauge("daybridge_nothing", "Not told.", Vec::new());
        text.counter("daybridge_many_total", "Many.", one(whole(3)));
        assert_eq!(
            text.into_string(),
            "# HELP daybridge_age_seconds How old.\n# TYPE daybridge_age_seconds gauge\n\
             daybridge_age_seconds{source=\"a\\\"b\\\\c\\nd\",kind=\"x\"} +Inf\ndaybridge_age_seconds 1.5\n\n\
             # HELP daybridge_many_total Many.\n# TYPE daybridge_many_total counter\ndaybridge_many_total 3\n\n"
        );
    }
}
