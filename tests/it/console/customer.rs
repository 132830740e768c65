//! A customer's page, and a held payment that is remembered for its customer.

use daybridge::domain::{
    facts::{Facts, Meaning},
    payment::agreement::AgreementState,
};

use super::kit::Stand;
use crate::ledger::kit::{charge, delivery, facts, rules, to};

/// Paid by a customer for a subscription; no event names a channel.
fn paid(name: &str, customer: &str) -> Facts {
    let mut facts = to(charge(&[&format!("pi_{name}")]), "", 30);
    facts.channel.clear();
    Facts { customer: Some(customer.into()), agreement: Some("sub_1".into()), ..facts }
}

#[tokio::test]
async fn a_customer_is_remembered_and_has_a_page() {
    let stand = Stand::with_users().await;
    let (kit, ada) = (&stand.kit, stand.user("ada").await);
    let told = Facts {
        agreement: Some("sub_1".into()),
        agreement_state: Some(AgreementState::Behind),
        customer: Some("cus_1".into()),
        ..facts(Meaning::Ignored("past due".into()), &[])
    };
    kit.record("evt_s", &told).await;
    let first = Facts { channel: to(charge(&[]), "CHAN-1", 1).channel, ..paid("1", "cus_1") };
    kit.record("evt_1", &first).await;
    for name in ["2", "3"] {
        kit.record(&format!("evt_{name}"), &paid(name, "cus_1")).await;
    }
    // The same id in a connected account is another customer.
    let other = Facts { account: Some("acct_9".into()), ..paid("9", "cus_1") };
    kit.record_as(&delivery("evt_9"), Ok(&other), &rules(), false).await;

    let link = "href=\"/customers/show?realm=stripe&#38;id=cus_1\"";
    for path in ["/held?cause=channel_missing", "/payments/show?key=stripe%2Fpi_2"] {
        let page = ada.get(path).await.text;
        for part in [
            link,
            "9.00 USD",
            "paid for <a href=\"/channels/CHAN-1\">CHAN-1</a> last",
            "remember for this customer",
        ] {
            assert!(page.contains(part), "{path}: {part} not in {page}");
        }
    }
    let page = ada.get("/customers/show?realm=stripe&id=cus_1").await.text;
    assert!(page.contains("Nobody said one"), "{page}");
    assert_eq!(page.matches("data-test=\"payment\"").count(), 3, "{page}");

    let set =
        [("key", "stripe/pi_2"), ("channel", "CHAN-7"), ("remember", "yes"), ("reason", "asked by phone")];
    let got = ada.post("/held/set", &set).await;
    assert_eq!((got.status, got.location()), (303, "/held?told=remembered&n=1"), "{}", got.text);
    let page = ada.get(got.location()).await.text;
    assert!(page.contains("Remembered: 1 more held payments of this customer are weighed anew"), "{page}");

    let page = ada.get("/customers/show?realm=stripe&id=cus_1").await.text;
    for part in [
        "data-test=\"customer\">cus_1<",
        "<a href=\"/channels/CHAN-7\">CHAN-7</a> <small>ada, ",
        "for the subscription <code>sub_1</code> <small>ada, ",
        "asked by phone",
        "agreement-behind\">behind<",
        "stripe/pi_3",
    ] {
        assert!(page.contains(part), "{part} not in {page}");
    }
    assert!(!page.contains("pi_9"), "another account's: {page}");
    let page = ada.get("/customers/show?realm=stripe&account=acct_9&id=cus_1").await.text;
    assert!(page.contains("connected account <code>acct_9</code>") && page.contains("pi_9"), "{page}");
    assert!(!page.contains("CHAN-7") && !page.contains("pi_1"), "{page}");
    assert!(ada.get("/channels/CHAN-1").await.status == 200);

    for (path, status) in [
        ("/customers/show?realm=stripe&id=cus_2", 404),
        ("/customers/show?realm=other&id=cus_1", 404),
        ("/customers/show?id=cus_1", 400),
        ("/customers/show", 400),
    ] {
        assert_eq!(ada.get(path).await.status, status, "{path}");
    }
}
