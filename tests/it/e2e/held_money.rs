//! Money that came in and waits for a person: a payment by its key, finished by one of the decisions that can.

use serde_json::Value;

use crate::{
    provider::bench::fixture,
    support::{
        daybridge::{House, SECRET, now_s},
        wait::until,
    },
};

const CHANNEL: &str = "DEMOCH-AB12C";

async fn house() -> House {
    let source = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\nmoney_in = \"invoices\"\n\
         [[sources.stripe.prices]]\nprice = \"price_1Month\"\ndays = 30\n"
    );
    let mut house = House::build("embedded", None, &source).await;
    house.sim("channels", serde_json::json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    house
}

fn refused(house: &House, arguments: &[&str]) -> String {
    let output = house.command(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// An invoice of eleven lines, of which ten are told.
fn eleven_lines(event: &str, invoice: &str) -> Vec<u8> {
    let text = String::from_utf8(fixture("invoice.paid.basil")).unwrap();
    let text = text.replace("\"has_more\": false", "\"has_more\": true").replace("evt_1Made", event);
    let now = now_s().to_string();
    let text = text.replace("1760000000", &now).replace("1759999900", &now);
    text.replace("in_1Made", invoice).replace("\"days\": \"30\"", "\"note\": \"cut \\ud83d\"").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_more_lines_than_are_told_is_finished_by_a_person() {
    let house = house().await;
    for (event, invoice) in [("evt_1", "in_1"), ("evt_2", "in_2")] {
        assert_eq!(house.post(&eleven_lines(event, invoice)).await, 200);
        // Two at once are recorded in any order.
        house.payment_is(&format!("stripe/{invoice}"), "held").await;
    }
    let whole = house.payment_is("stripe/in_1", "held").await;
    assert_eq!((&whole["channel"], &whole["amount"]), (&CHANNEL.into(), &900.into()), "{whole:#}");
    house.payment_is("stripe/in_2", "held").await;
    let held = house.json(&["held", "list", "--json"]);
    let keys: Vec<&Value> = held.as_array().unwrap().iter().map(|held| &held["key"]).collect();
    assert_eq!(keys, ["stripe/in_1", "stripe/in_2"], "{held:#}");

    // Reading it again says the same: that is refused, with what helps.
    let retry = refused(&house, &["held", "retry", "stripe/in_1", "--reason", "x"]);
    assert!(retry.contains("only the first of its lines") && retry.contains("held set"), "{retry}");
    let set = refused(&house, &["held", "set", "evt_1", "--days", "45", "--reason", "x"]);
    assert!(set.contains("daybridge held set 'stripe/in_1'"), "{set}");
    let output = house.command(&["held", "set", "stripe/in_1", "--days", "45", "--reason", "by its lines"]);
    assert!(output.status.success(), "{output:?}");
    house.payment_is("stripe/in_1", "credited").await;
    assert_eq!(house.applied("stripe/in_1").await, 1);
    let output = house.command(&["held", "cancel", "stripe/in_2", "--yes", "1", "--reason", "sent by hand"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(house.post(&eleven_lines("evt_2", "in_2")).await, 200);
    until("the resend is recorded", || async {
        let events = house.json(&["events", "show", "evt_2", "--json"]);
        let outcomes: Vec<&Value> = events.as_array()?.iter().map(|event| &event["outcome"]).collect();
        (outcomes == ["ignored", "ignored"]).then_some(())
    })
    .await;
    assert_eq!(house.json(&["held", "list", "--json"]), serde_json::json!([]));

    // An event that cannot be read stays so.
    assert_eq!(house.post(b"{\"object\":\"event\"}").await, 200);
    let held = until("it is held", || async {
        house.json(&["held", "list", "--json"]).as_array().unwrap().first().cloned()
    })
    .await;
    let id = held["key"].as_str().unwrap();
    let retry = refused(&house, &["held", "retry", id, "--reason", "x"]);
    assert!(retry.contains("the event has no type, or no id") && retry.contains("held cancel"), "{retry}");
    let set = refused(&house, &["held", "set", id, "--days", "3", "--reason", "x"]);
    assert!(set.contains("held cancel"), "{set}");
}
