//! A customer whose payments name no channel: said once, then known.

use serde_json::{Value, json};

use crate::support::daybridge::House;

const CHANNEL: &str = "DEMOCH-AB12C";

/// A charge of a customer of before there was metadata.
fn bare(event: &str, payment: &str) -> Vec<u8> {
    let body = House::event("charge.succeeded", event, payment, CHANNEL, "30");
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let charge = &mut body["data"]["object"];
    charge["customer"] = json!("cus_Old");
    charge["metadata"] = json!({});
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_of_one_payment_lets_the_next_go_by_itself() {
    let source = format!(
        "[sources.stripe]\nprovider = \"stripe\"\nsecrets = [\"{}\"]\n\
         [sources.stripe.per_day]\namount = 30\ncurrency = \"usd\"\n",
        crate::support::daybridge::SECRET
    );
    let mut house = House::build("embedded", None, &source).await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    assert_eq!(house.post(&bare("evt_1", "pi_1")).await, 200);
    let whole = house.payment_is("stripe/pi_1", "held").await;
    assert_eq!((&whole["cause"], &whole["days"]), (&json!("channel_missing"), &json!(30)), "{whole:#}");

    let synced = house.json(&["channels", "sync", "--json"]);
    assert_eq!((&synced["listed"], &synced["gone"]), (&json!(1), &json!(0)), "{synced:#}");
    let set = |channel: &str| {
        let said =
            ["held", "set", "stripe/pi_1", "--channel", channel, "--remember", "--reason", "told by phone"];
        house.command(&said)
    };
    let wrong = set("NOSUCH-Z");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("lists no channel NOSUCH-Z"), "{wrong:?}");
    assert_eq!(house.json(&["customers", "list", "--json"]), json!([]), "nothing half done");
    let right = set(CHANNEL);
    assert!(right.status.success(), "{right:?}");
    house.payment_is("stripe/pi_1", "credited").await;

    assert_eq!(house.post(&bare("evt_2", "pi_2")).await, 200);
    let whole = house.payment_is("stripe/pi_2", "credited").await;
    assert_eq!(whole["channel"], CHANNEL, "{whole:#}");
    for key in ["stripe/pi_1", "stripe/pi_2"] {
        assert_eq!(house.applied(key).await, 1, "{key}");
    }
    let known = house.json(&["customers", "show", "cus_Old", "--json"]);
    assert_eq!(
        (&known[0]["kind"], &known[0]["channel"], &known[0]["reason"]),
        (&json!("customer"), &json!(CHANNEL), &json!("told by phone")),
        "{known:#}"
    );
    assert_eq!(house.json(&["held", "list", "--json"]), json!([]));
}

/// A charge of a customer who left an e-mail and a phone.
fn reached(event: &str, payment: &str, customer: &str) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&bare(event, payment)).unwrap();
    let charge = &mut body["data"]["object"];
    charge["customer"] = json!(customer);
    charge["billing_details"] = json!({"email": "Anna@Shop.Example", "phone": "+49 170 000001"});
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_found_by_e_mail_or_phone() {
    let mut house = House::build("embedded", None, "").await;
    house.sim("channels", json!({"id": CHANNEL, "days": 10, "mode": "live"})).await;
    house.start("run").await;
    assert_eq!(house.post(&reached("evt_1", "pi_1", "cus_Old")).await, 200);
    house.payment_is("stripe/pi_1", "held").await;
    let ids = |filters: &[&str]| -> Vec<String> {
        let rows = house.json(&[&["customers"], filters, &["--json"]].concat());
        let row = |row: &Value| format!("{} {}", row["id"].as_str().unwrap(), row["channel"]);
        rows.as_array().unwrap().iter().map(row).collect()
    };
    assert_eq!(ids(&["show", "anna@shop.example"]), ["cus_Old null"]);
    assert_eq!(ids(&["show", "0049170000001"]), ["cus_Old null"]);
    assert_eq!(ids(&["show", "bert@shop.example"]), [""; 0]);
    let told = house.command(&["customers", "show", "anna@shop.example"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("customers set 'cus_Old'"), "{told:?}");
    let told = house.command(&["customers", "show", "bert@shop.example"]);
    assert!(
        String::from_utf8_lossy(&told.stderr).contains("no event told of a customer with it"),
        "{told:?}"
    );
    house.json(&["customers", "set", "cus_Old", "--channel", CHANNEL, "--json"]);
    house.json(&["customers", "set", "cus_Other", "--channel", CHANNEL, "--json"]);
    let known = format!("cus_Old \"{CHANNEL}\"");
    for asked in [["show", "ANNA@shop.example"].as_slice(), &["list", "--id", "+49 170 000001"]] {
        assert_eq!(ids(asked), [known.as_str()], "{asked:?}");
    }
    assert_eq!(ids(&["list"]).len(), 2);
    // It grants nothing by itself: another customer with the same e-mail is not this one.
    assert_eq!(house.post(&reached("evt_2", "pi_2", "cus_New")).await, 200);
    house.payment_is("stripe/pi_2", "held").await;
    assert_eq!(ids(&["show", "anna@shop.example"]).len(), 2, "both have it");
    assert!(!house.log("run").to_lowercase().contains("anna@"), "no e-mail in the log");
}
