//! The alert rules, as Prometheus judges them, where Debian's package `prometheus` is installed.

use std::process::Command;

fn promtool(what: &str, file: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus").join(file);
    let Ok(answer) = Command::new("promtool").args([what, "rules"]).arg(path).output() else { return };
    let said = String::from_utf8_lossy(&[answer.stdout, answer.stderr].concat()).into_owned();
    assert!(answer.status.success(), "promtool {what}: {said}");
}

#[test]
fn the_rules_fire_when_they_are_to() {
    promtool("check", "daybridge.rules.yml");
    promtool("test", "daybridge.test.yml");
}
