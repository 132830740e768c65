//! What `reconcile` says to wrong usage, and its exit codes.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use super::{Line, export, filled::fill};
use crate::support::daybridge::{House, now_s};

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_matched_open_and_wrong_usage() {
    let house = House::build("embedded", None, "").await;
    let now = now_s() * 1000;
    std::fs::write(house.path("empty.csv"), export(&[])).unwrap();
    std::fs::write(house.path("one.csv"), export(&[Line::new("pi_1", now - 60_000, "CHAN-1")])).unwrap();
    std::fs::write(house.path("bad.csv"), "id,Amount\n").unwrap();
    for (arguments, code, want) in [
        (vec!["--since", "1day", "--file", "empty.csv"], 0, "extended twice"),
        (vec!["--since", "1day", "--file", "one.csv"], 1, "no event of it ever arrived"),
        (vec!["--since", "1day", "--file", "one.csv", "--csv"], 1, "stripe/pi_1,pi_1,CHAN-1,30,900,usd,"),
        (vec!["--since", "3days", "--until", "1day", "--file", "one.csv"], 0, "matched"),
        (vec!["--since", "1day"], 2, "needs --file FILE, or sources.stripe.api_key"),
        (vec!["--since", "1day", "--file", "none.csv"], 2, "none.csv"),
        (vec!["--since", "1day", "--file", "bad.csv"], 2, "no column \"Amount Refunded\""),
        (vec!["--since", "soon", "--file", "one.csv"], 2, "is not a time"),
        (vec!["--since", "1day", "--until", "2days", "--file", "one.csv"], 2, "must lie before"),
        (vec!["--since", "1day", "--file", "one.csv", "--history", "none.txt"], 2, "none.txt"),
        (vec!["--since", "1day", "--file", "one.csv", "--json", "--csv"], 2, "cannot be used with"),
    ] {
        let all: Vec<&str> = ["reconcile", "--source", "stripe"].into_iter().chain(arguments).collect();
        let output = house.command(&all);
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{all:?}: {text}");
        assert!(text.contains(want), "{want} is not in {text}");
    }
    let output = house.command(&["reconcile", "--source", "strip", "--since", "1h", "--file", "one.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are: stripe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_away_is_said_and_can_be_left_out() {
    let mut house = House::build("embedded", None, "").await;
    house.kill("sim");
    std::fs::write(house.path("empty.csv"), export(&[])).unwrap();
    let arguments = ["reconcile", "--source", "stripe", "--since", "1day", "--file", "empty.csv"];
    let output = house.command(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-channels goes without"));
    let output = house.command(&[&arguments[..], &["--no-channels"]].concat());
    assert_eq!(output.status.code(), Some(0));
}

/// What was paid or settled after a file was saved cannot stand in it, and is no error.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_asked_for_what_came_after_it() {
    let house = House::build("embedded", None, "").await;
    let at = now_s() * 1000 - 7_200_000;
    fill(&house, 2, at).await;
    std::fs::write(house.path("none.csv"), export(&[])).unwrap();
    std::fs::write(
        house.path("both.csv"),
        export(&[Line::new("pi_1", at, "CHAN-1"), Line::new("pi_2", at, "CHAN-2")]),
    )
    .unwrap();
    std::fs::write(house.path("history.txt"), "30 daybridge stripe/pi_1#1 30d\n").unwrap();
    let reconcile = |arguments: &[&str]| {
        let output =
            house.command(&[&["reconcile", "--source", "stripe", "--since", "1day"], arguments].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let record = ["--file", "none.csv"];
    let history = ["--file", "both.csv", "--history", "history.txt"];
    for (arguments, want) in [(&record[..], "record does not have it"), (&history, "stripe/pi_2#1 is not in")]
    {
        let (code, text) = reconcile(arguments);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(want), "{text}");
    }
    let before = SystemTime::now() - Duration::from_secs(3 * 3_600);
    for name in ["none.csv", "history.txt"] {
        File::options().write(true).open(house.path(name)).unwrap().set_modified(before).unwrap();
    }
    let (code, text) = reconcile(&record);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("2 extended payments are not judged"), "{text}");
    assert_eq!(reconcile(&history).0, Some(0));
    // In the first hour of the range, the list may begin after them.
    File::options()
        .write(true)
        .open(house.path("none.csv"))
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    let output =
        house.command(&["reconcile", "--source", "stripe", "--since", "130min", "--file", "none.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
