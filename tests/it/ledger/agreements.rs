//! Agreements beside their payments: what was told last counts, and nothing is granted by it.

use daybridge::{
    domain::{
        closed::HeldCause,
        facts::{Facts, Meaning},
        payment::agreement::{AgreementState, OnEnd},
    },
    ledger::{
        Act, DeliveryOutcome, SourceRules,
        query::{AgreementQuery, Page, PaymentQuery},
    },
};

use super::{
    kit::{Kit, NOW, charge, delivery, facts, paid_at, rules, to},
    slices::slices_of,
};

const DAY: i64 = 86_400_000;

/// An event of a subscription alone.
fn told(agreement: &str, state: AgreementState, at: i64) -> Facts {
    let words = format!("its agreement is {state}");
    Facts {
        occurred_at: at,
        agreement: Some(agreement.to_owned()),
        agreement_state: Some(state),
        customer: Some("cus_1".into()),
        ..facts(Meaning::Ignored(words), &[])
    }
}

/// A payment of it.
fn paid(agreement: &str, payment: &str, at: i64) -> Facts {
    let charge = paid_at(to(charge(&[payment]), "CHAN-1", 30), at);
    Facts { agreement: Some(agreement.to_owned()), ..charge }
}

/// `id state since its payment and channel`, the one whose state changed last first.
async fn listed(kit: &Kit, state: Option<AgreementState>) -> Vec<String> {
    let wanted = AgreementQuery { state, ..AgreementQuery::default() };
    let rows = kit.agreements(&wanted, &Page::first(9)).await.unwrap();
    rows.into_iter()
        .map(|a| {
            let or = |text: Option<String>| text.unwrap_or_else(|| "-".into());
            format!("{} {} {} {} {}", a.id, a.state, (a.since - NOW) / DAY, or(a.payment), or(a.channel))
        })
        .collect()
}

pub(super) async fn the_last_word_counts_in_any_order(kit: Kit) {
    use AgreementState::{Active, Behind, Ended};
    let events = [
        told("sub_1", Active, NOW - 9 * DAY),
        told("sub_1", Behind, NOW - 5 * DAY),
        told("sub_1", Ended, NOW - 2 * DAY),
    ];
    // The end first, then what came before it.
    for (index, event) in events.iter().rev().enumerate() {
        let recorded = kit.record(&format!("evt_{index}"), event).await;
        assert_eq!((recorded.outcome, recorded.payment), (DeliveryOutcome::Ignored, None));
    }
    assert_eq!(listed(&kit, None).await, ["sub_1 ended -2 - -"]);
    // The same again changes nothing.
    kit.record("evt_0", &events[1]).await;
    assert_eq!(listed(&kit, Some(Ended)).await, ["sub_1 ended -2 - -"]);
    assert_eq!(listed(&kit, Some(Behind)).await, Vec::<String>::new());
    assert!(kit.payments(9).await.unwrap().is_empty() && kit.transfers(9).await.unwrap().is_empty());
    assert!(kit.held(9, NOW).await.unwrap().is_empty());
}

pub(super) async fn payments_belong_to_their_agreement(kit: Kit) {
    use AgreementState::{Active, Behind};
    kit.record("evt_1", &paid("sub_1", "pi_1", NOW - 9 * DAY)).await;
    kit.record("evt_2", &told("sub_1", Behind, NOW - 5 * DAY)).await;
    kit.record("evt_3", &paid("sub_2", "pi_2", NOW - 8 * DAY)).await;
    assert_eq!(
        listed(&kit, None).await,
        ["sub_1 behind -5 stripe/pi_1 CHAN-1", "sub_2 active -8 stripe/pi_2 CHAN-1"]
    );
    assert_eq!(kit.transfers(9).await.unwrap().len(), 2, "only money grants");
    for query in [
        PaymentQuery { text: Some("sub_1".into()), ..PaymentQuery::default() },
        PaymentQuery { agreement: Some("sub_1".into()), ..PaymentQuery::default() },
    ] {
        let found = kit.ledger.payments(&query, &Page::first(9)).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (&*one.key, one.agreement.as_deref())).collect();
        assert_eq!(found, [("stripe/pi_1", Some("sub_1"))]);
    }
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    assert_eq!((whole.agreement_state, whole.agreement_since), (Some(Behind), Some(NOW - 5 * DAY)));
    let counts = kit.measures(&[], NOW).await.unwrap().agreements;
    let count = |state| counts.iter().find(|(found, _)| *found == state).map(|(_, many)| *many);
    assert_eq!((count(Active), count(Behind)), (Some(1), Some(1)), "{counts:?}");

    // What was behind is made good for by money that comes later, and not by money of before.
    kit.record("evt_4", &paid("sub_1", "pi_3", NOW - 6 * DAY)).await;
    assert_eq!(listed(&kit, Some(Behind)).await.len(), 1);
    kit.record("evt_5", &paid("sub_1", "pi_4", NOW - DAY)).await;
    assert_eq!(listed(&kit, Some(Active)).await.len(), 2);
    let page = Page { after: Some("stripe/sub_1".into()), limit: 9 };
    let rest = kit.agreements(&AgreementQuery::default(), &page).await.unwrap();
    assert_eq!(rest.iter().map(|a| &*a.key).collect::<Vec<_>>(), ["stripe/sub_2"]);
}

/// A charge names no subscription; its invoice does, and comes when the days were granted.
/// The same id in another connected account is another customer.
pub(super) async fn a_customer_has_its_own(kit: Kit) {
    use AgreementState::Active;
    let of = |agreement: &str, customer: &str, account: Option<&str>| Facts {
        customer: Some(customer.into()),
        account: account.map(str::to_owned),
        ..told(agreement, Active, NOW)
    };
    for (index, facts) in
        [of("sub_1", "cus_1", None), of("sub_2", "cus_2", None), of("sub_3", "cus_1", Some("acct_1"))]
            .iter()
            .enumerate()
    {
        kit.record(&format!("evt_{index}"), facts).await;
    }
    let buys = |payment: &str, account: Option<&str>| Facts {
        customer: Some("cus_1".into()),
        account: account.map(str::to_owned),
        ..charge(&[payment])
    };
    kit.record("evt_7", &buys("pi_7", None)).await;
    kit.record("evt_8", &buys("pi_8", Some("acct_1"))).await;
    for (realm, account, agreements, payments) in [
        ("stripe", "", vec!["sub_1"], vec!["stripe/pi_7"]),
        ("stripe", "acct_1", vec!["sub_3"], vec!["stripe/acct_1:pi_8"]),
        ("paddle", "", vec![], vec![]),
    ] {
        let (customer, realm) = (Some("cus_1".to_owned()), Some(realm.to_owned()));
        let wanted = AgreementQuery {
            customer: customer.clone(),
            realm: realm.clone(),
            account: Some(account.into()),
            ..AgreementQuery::default()
        };
        let found = kit.agreements(&wanted, &Page::first(9)).await.unwrap();
        assert_eq!(found.iter().map(|one| &*one.id).collect::<Vec<_>>(), agreements, "{realm:?} {account}");
        let wanted = PaymentQuery {
            customer,
            realm: realm.clone(),
            account: Some(account.into()),
            ..PaymentQuery::default()
        };
        let found = kit.ledger.payments(&wanted, &Page::first(9)).await.unwrap();
        assert_eq!(found.iter().map(|one| &*one.key).collect::<Vec<_>>(), payments, "{realm:?} {account}");
    }
}

pub(super) async fn a_granted_payment_learns_its_agreement(kit: Kit) {
    kit.record("evt_1", &paid_at(to(charge(&["pi_1"]), "CHAN-1", 30), NOW - DAY)).await;
    let link = Facts { agreement: Some("sub_1".into()), ..facts(Meaning::Link, &["pi_1", "in_1"]) };
    kit.record("evt_2", &link).await;
    let whole = kit.payment("pi_1").await.unwrap().unwrap();
    assert_eq!((whole.payment.agreement.as_deref(), whole.agreement_state), (Some("sub_1"), None));
    assert_eq!(kit.transfers(9).await.unwrap().len(), 1);
    // Two payments of one agreement stay two.
    kit.record("evt_3", &paid("sub_1", "pi_2", NOW)).await;
    assert_eq!(kit.payments(9).await.unwrap().len(), 2);
}

/// As long as all days move at once an end stops nothing, whatever the settings say.
pub(super) async fn an_end_takes_nothing_that_was_granted(kit: Kit) {
    let mut source: SourceRules = rules();
    source.rules.on_end = OnEnd::Stop;
    let record = |event: &'static str, facts: Facts| {
        let (kit, source) = (&kit, &source);
        async move { kit.record_as(&delivery(event), Ok(&facts), source, false).await }
    };
    record("evt_1", paid("sub_1", "pi_1", NOW - 9 * DAY)).await;
    record("evt_2", told("sub_1", AgreementState::Ended, NOW - 2 * DAY)).await;
    record("evt_3", paid("sub_1", "pi_2", NOW - DAY)).await;
    assert_eq!(listed(&kit, None).await, ["sub_1 ended -2 stripe/pi_2 CHAN-1"]);
    assert_eq!(kit.transfers(9).await.unwrap().len(), 2);
}

/// What a person lets go on after an end goes on, whatever is told of it again, until its agreement goes on and ends anew.
pub(super) async fn a_person_lets_go_on_what_an_end_stopped(kit: Kit) {
    slices_of(&kit, 5);
    let mut source: SourceRules = rules();
    source.rules.on_end = OnEnd::Stop;
    let record = |event: &'static str, facts: Facts| {
        let (kit, source) = (&kit, &source);
        async move { kit.record_as(&delivery(event), Ok(&facts), source, false).await }
    };
    let stopped = async || kit.payment("stripe/pi_1").await.unwrap().unwrap().payment.cause;
    let act = Act { who: "ada", reason: "he asked for it" };
    record("evt_1", paid("sub_1", "pi_1", NOW - 9 * DAY)).await;
    record("evt_2", told("sub_1", AgreementState::Ended, NOW - 2 * DAY)).await;
    assert_eq!(stopped().await, Some(HeldCause::Ended));
    kit.go("stripe/pi_1", &act, NOW).await.unwrap();
    record("evt_3", facts(Meaning::Link, &["pi_1", "ch_1"])).await;
    record("evt_4", told("sub_1", AgreementState::Ended, NOW - 2 * DAY)).await;
    assert_eq!(stopped().await, None, "it was let go on");
    record("evt_5", paid("sub_1", "pi_2", NOW - DAY)).await;
    record("evt_6", told("sub_1", AgreementState::Ended, NOW)).await;
    assert_eq!(stopped().await, Some(HeldCause::Ended), "that is another end");
}
