//! What `reconcile` says to wrong usage, and its exit codes.

use super::{Line, export};
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
