//! The directory fills the gap where no event names a channel.

use std::collections::BTreeSet;

use daybridge::{
    domain::{
        closed::{HeldCause, PaymentState},
        contact::Contact,
        facts::{Facts, Found},
        id::ChannelId,
        payment::directory::{Name, NameKind},
        reply::ListedChannel,
    },
    ledger::{
        Act, Assignment, Correction, DeliveryOutcome, DirectoryGo, DirectoryOrder, Place, Shorter, Synced,
        query::{ChannelQuery, DirectoryQuery, Page},
        view::Action,
    },
};

use super::kit::*;

const ACT: Act<'static> = Act { who: "ada", reason: "asked the customer" };

fn place(kind: NameKind, id: &str) -> Place {
    Place { realm: "stripe".into(), account: String::new(), name: Name::new(kind, id) }
}

fn order(rows: &[(NameKind, &str, &[&str])]) -> DirectoryOrder {
    let channels = |all: &[&str]| all.iter().map(|one| ChannelId::parse(one).unwrap()).collect();
    let one = |(kind, id, all): &(NameKind, &str, &[&str])| Assignment {
        place: place(*kind, id),
        channels: channels(all),
    };
    DirectoryOrder {
        wanted: rows.iter().map(one).collect(),
        partner: ACCOUNT.into(),
        force: false,
        go: DirectoryGo::Now,
        action: Action::CustomersSet,
        who: "ada".into(),
        reason: "told".into(),
    }
}

/// Days are told, a channel is not.
fn by(name: &str, customer: &str, agreement: &str) -> Facts {
    let mut facts = to(charge(&[&format!("pi_{name}")]), "-", 30);
    facts.channel.clear();
    facts.customer = Some(customer.into());
    facts.agreement = (!agreement.is_empty()).then(|| agreement.to_owned());
    facts
}

async fn ended(kit: &Kit, name: &str, facts: &Facts) -> (DeliveryOutcome, Option<String>, Option<HeldCause>) {
    let recorded = kit.record(&format!("evt_{name}"), facts).await;
    let payment = kit.ledger.payment(&recorded.payment.unwrap()).await.unwrap().unwrap().payment;
    (recorded.outcome, payment.channel, payment.cause)
}

fn set(channel: &str, remember: bool, force: bool) -> Correction<'static> {
    Correction {
        channel: ChannelId::parse(channel),
        days: None,
        remember,
        force,
        account: ACCOUNT,
        cause: None,
        act: ACT,
        comment: comment(),
    }
}

pub(super) async fn the_more_specific_wins_and_what_an_event_says_wins_over_all(kit: Kit) {
    use NameKind::{Agreement, Customer};
    let granted = |channel: &str| (DeliveryOutcome::Granted, Some(channel.to_owned()), None);
    assert_eq!(ended(&kit, "0", &by("0", "cus_1", "")).await.2, Some(HeldCause::ChannelMissing));
    let rows: [(NameKind, &str, &[&str]); 3] = [
        (Customer, "cus_1", &["CHAN-1"]),
        (Agreement, "sub_2", &["CHAN-2"]),
        (Customer, "cus_2", &["CHAN-1", "CHAN-3"]),
    ];
    let plan = kit.ledger.change_directory(order(&rows), NOW).await.unwrap();
    assert_eq!((plan.changes.len(), plan.synced_at), (3, None));
    let waits = kit.ledger.held_for_names(&BTreeSet::from([place(Customer, "cus_1")])).await.unwrap();
    assert_eq!(waits, ["stripe/pi_0"]);
    assert_eq!(ended(&kit, "0", &by("0", "cus_1", "")).await.1, Some("CHAN-1".into()), "read again it goes");
    assert_eq!(ended(&kit, "1", &by("1", "cus_1", "sub_9")).await, granted("CHAN-1"));
    assert_eq!(
        ended(&kit, "2", &by("2", "cus_1", "sub_2")).await,
        granted("CHAN-2"),
        "the subscription wins"
    );
    let mut telling = by("3", "cus_1", "sub_2");
    telling.channel = vec![Found { pointer: 0, value: "CHAN-7".into() }];
    assert_eq!(ended(&kit, "3", &telling).await, granted("CHAN-7"), "the event wins");
    let several = ended(&kit, "4", &by("4", "cus_2", "")).await;
    assert_eq!(several, (DeliveryOutcome::Held, None, Some(HeldCause::ChannelAmbiguous)));
    let held = kit.held(9, NOW).await.unwrap();
    let held = held.iter().find(|held| held.key == "stripe/pi_4").unwrap();
    assert!(held.reason.contains("CHAN-1, CHAN-3"), "{}", held.reason);
    assert_eq!((held.payer.customer.as_deref(), held.payer.amount), (Some("cus_2"), Some(900)));
    let mut connected = by("5", "cus_1", "");
    connected.account = Some("acct_1".into());
    assert_eq!(
        ended(&kit, "5", &connected).await.2,
        Some(HeldCause::ChannelMissing),
        "another account's customer"
    );
}

pub(super) async fn a_purchase_told_twice_is_seen_where_the_directory_names_its_channel(kit: Kit) {
    kit.ledger.change_directory(order(&[(NameKind::Customer, "cus_1", &["CHAN-1"])]), NOW).await.unwrap();
    assert_eq!(ended(&kit, "1", &by("1", "cus_1", "")).await.0, DeliveryOutcome::Granted);
    let mut twin = by("x", "cus_1", "");
    twin.ids = charge(&["cs_1"]).ids;
    assert_eq!(ended(&kit, "2", &twin).await.2, Some(HeldCause::SuspectedDuplicate));
}

pub(super) async fn what_is_remembered_goes_by_itself_next_time(kit: Kit) {
    ended(&kit, "1", &by("1", "cus_1", "sub_1")).await;
    ended(&kit, "2", &by("2", "cus_1", "")).await;
    kit.ledger.correct("stripe/pi_1", &set("CHAN-1", true, false), NOW).await.unwrap();
    let names = kit.ledger.names_of_payment("stripe/pi_1").await.unwrap();
    let waits = kit.ledger.held_for_names(&names).await.unwrap();
    assert!(waits.contains(&"stripe/pi_2".to_owned()), "{waits:?}");
    let next = ended(&kit, "3", &by("3", "cus_1", "")).await;
    assert_eq!(next, (DeliveryOutcome::Granted, Some("CHAN-1".into()), None));
    let known = kit.ledger.directory(&DirectoryQuery::default(), &Page::first(9)).await.unwrap();
    let known: Vec<_> = known.iter().map(|row| (row.kind, &*row.id, &*row.channel, &*row.who)).collect();
    let want =
        [(NameKind::Agreement, "sub_1", "CHAN-1", "ada"), (NameKind::Customer, "cus_1", "CHAN-1", "ada")];
    assert_eq!(known, want);
    // A person's word about one payment wins over the directory.
    let mut dear = by("4", "cus_1", "");
    dear.days.clear();
    ended(&kit, "4", &dear).await;
    kit.ledger.correct("stripe/pi_4", &set("CHAN-9", false, false), NOW).await.unwrap();
    dear.days = by("4", "cus_1", "").days;
    assert_eq!(ended(&kit, "4b", &dear).await.1, Some("CHAN-9".into()));
    // The last channel that was paid for is told.
    ended(&kit, "5", &Facts { days: vec![], ..by("5", "cus_1", "") }).await;
    let held = kit.held(9, NOW).await.unwrap();
    let held = held.iter().find(|held| held.key == "stripe/pi_5").unwrap();
    assert!(held.payer.last_channel.is_some());
    let mut nobody = by("6", "", "");
    nobody.customer = None;
    ended(&kit, "6", &nobody).await;
    let why = kit.ledger.correct("stripe/pi_6", &set("CHAN-1", true, false), NOW).await.unwrap_err();
    assert!(why.to_string().contains("nothing to remember"), "{why}");
    let payment = kit.ledger.payment("stripe/pi_6").await.unwrap().unwrap().payment;
    assert_eq!((payment.state, payment.channel), (PaymentState::Held, None), "nothing half done");
}

pub(super) async fn a_text_is_an_alias_where_the_source_says_so(kit: Kit) {
    let mut source = rules();
    source.rules.channel_alias = true;
    let facts = to(charge(&["pi_1"]), "shop-7", 30);
    kit.record_as(&delivery("evt_1"), Ok(&facts), &source, false).await;
    let cause = kit.ledger.payment("stripe/pi_1").await.unwrap().unwrap().payment.cause;
    assert_eq!(cause, Some(HeldCause::AliasUnknown));
    kit.ledger.correct("stripe/pi_1", &set("CHAN-1", true, false), NOW).await.unwrap();
    let facts = to(charge(&["pi_2"]), "shop-7", 30);
    let next = kit.record_as(&delivery("evt_2"), Ok(&facts), &source, false).await;
    assert_eq!(next.outcome, DeliveryOutcome::Granted);
    let payment = kit.ledger.payment("stripe/pi_2").await.unwrap().unwrap().payment;
    assert_eq!(payment.channel.as_deref(), Some("CHAN-1"));
}

pub(super) async fn a_plan_is_done_as_it_was_shown_or_not_at_all(kit: Kit) {
    use NameKind::Customer;
    let rows: [(NameKind, &str, &[&str]); 2] =
        [(Customer, "cus_1", &["CHAN-1"]), (Customer, "cus_2", &["CHAN-2"])];
    let look = DirectoryOrder { go: DirectoryGo::Look, ..order(&rows) };
    let plan = kit.ledger.change_directory(look, NOW).await.unwrap();
    let known =
        async || kit.ledger.directory(&DirectoryQuery::default(), &Page::first(9)).await.unwrap().len();
    assert_eq!(known().await, 0);
    kit.ledger.change_directory(order(&rows[..1]), NOW).await.unwrap();
    let apply = DirectoryOrder { go: DirectoryGo::AsPlanned(plan.hash), ..order(&rows) };
    let why = kit.ledger.change_directory(apply.clone(), NOW).await.unwrap_err();
    assert!(why.to_string().contains("changed since"), "{why}");
    assert_eq!(known().await, 1);
    kit.ledger.change_directory(order(&[(Customer, "cus_1", &[])]), NOW).await.unwrap();
    assert_eq!(kit.ledger.change_directory(apply, NOW).await.unwrap().changes.len(), 2);
    assert_eq!(known().await, 2);
}

pub(super) async fn a_channel_that_the_partner_does_not_list_is_refused(kit: Kit) {
    let listed = |channel: &str| ListedChannel {
        channel: ChannelId::parse(channel).unwrap(),
        name: None,
        phone: Some("100".into()),
        mode: Some("live".into()),
        active_till: Some(NOW),
    };
    ended(&kit, "1", &by("1", "cus_1", "")).await;
    kit.ledger.keep_listed(ACCOUNT, vec![listed("CHAN-1")], NOW).await.unwrap();
    // The reading did not end: nobody can say yet.
    let row: [(NameKind, &str, &[&str]); 1] = [(NameKind::Customer, "cus_9", &["CHAN-9"])];
    kit.ledger.change_directory(order(&row), NOW).await.unwrap();
    assert_eq!(ended_at(&kit, NOW, Shorter::Doubted).await.listed, 1);
    let why = kit.ledger.correct("stripe/pi_1", &set("CHAN-2", true, false), NOW).await.unwrap_err();
    assert!(why.to_string().contains("lists no channel CHAN-2"), "{why}");
    let row: [(NameKind, &str, &[&str]); 1] = [(NameKind::Customer, "cus_1", &["CHAN-2"])];
    let why = kit.ledger.change_directory(order(&row), NOW).await.unwrap_err();
    assert!(why.to_string().contains("--force"), "{why}");
    let forced = DirectoryOrder { force: true, ..order(&row) };
    kit.ledger.change_directory(forced, NOW).await.unwrap();
    kit.ledger.correct("stripe/pi_1", &set("CHAN-1", false, false), NOW).await.unwrap();
    // A turn is one caller's.
    kit.ledger.take_listing(ACCOUNT, NOW + 20, NOW + 30).await.unwrap();
    assert!(!kit.ledger.listing_due(ACCOUNT, NOW + 29, NOW + 60).await.unwrap());
    assert!(kit.ledger.listing_due(ACCOUNT, NOW + 30, NOW + 60).await.unwrap());
    assert!(!kit.ledger.take_listing(ACCOUNT, NOW + 25, NOW + 60).await.unwrap());
    assert!(kit.ledger.take_listing(ACCOUNT, NOW + 30, NOW + 60).await.unwrap());
    assert!(!kit.ledger.take_listing(ACCOUNT, NOW + 31, NOW + 60).await.unwrap());
}

async fn ended_at(kit: &Kit, at: i64, shorter: Shorter) -> Synced {
    kit.ledger.end_listing(ACCOUNT, (at, at + 9), shorter, None).await.unwrap()
}

pub(super) async fn a_channel_is_forgotten_once_two_lists_do_not_show_it(kit: Kit) {
    let listed = |n: usize| ListedChannel {
        channel: ChannelId::parse(&format!("CHAN-{n}")).unwrap(),
        name: None,
        phone: None,
        mode: Some("live".into()),
        active_till: Some(NOW),
    };
    let read = async |at: i64, from: usize, to: usize| {
        kit.ledger.keep_listed(ACCOUNT, (from..to).map(listed).collect(), at).await.unwrap();
    };
    let kept = async || kit.ledger.channels(&ChannelQuery::default(), &Page::first(99)).await.unwrap().len();
    read(NOW, 0, 20).await;
    let first = ended_at(&kit, NOW, Shorter::Doubted).await;
    assert_eq!((first.listed, first.listed_before, first.believed), (20, 20, true));
    read(NOW + 10, 1, 20).await;
    let second = ended_at(&kit, NOW + 10, Shorter::Doubted).await;
    assert_eq!((second.listed, second.gone, second.believed, kept().await), (19, 0, true, 20));
    read(NOW + 20, 1, 20).await;
    assert_eq!((ended_at(&kit, NOW + 20, Shorter::Doubted).await.gone, kept().await), (1, 19));
    // However often it comes empty or cut.
    for at in [30, 40, 50] {
        let empty = ended_at(&kit, NOW + at, Shorter::Doubted).await;
        assert_eq!((empty.listed, empty.listed_before, empty.gone, empty.believed), (0, 19, 0, false));
    }
    for at in [60, 70, 80] {
        read(NOW + at, 1, 9).await;
        let cut = ended_at(&kit, NOW + at, Shorter::Doubted).await;
        assert_eq!((cut.listed, cut.gone, cut.believed, kept().await), (8, 0, false, 19));
    }
    read(NOW + 90, 1, 20).await;
    assert_eq!((ended_at(&kit, NOW + 90, Shorter::Doubted).await.gone, kept().await), (0, 19));
    // A person says that they were deleted, and that is kept.
    read(NOW + 100, 1, 4).await;
    let times = (NOW + 100, NOW + 109);
    let told = kit.ledger.end_listing(ACCOUNT, times, Shorter::Believed, Some(&ACT)).await.unwrap();
    assert_eq!((told.listed, told.gone, told.believed, kept().await), (3, 16, true, 3));
    read(NOW + 110, 1, 4).await;
    assert!(ended_at(&kit, NOW + 110, Shorter::Doubted).await.believed, "it is what is known now");
    let audit = kit.ledger.audit(None, &Page::first(9)).await.unwrap();
    let told: Vec<_> =
        audit.iter().map(|act| (act.action, &*act.key, &*act.who, act.after.as_deref())).collect();
    assert_eq!(told, [(Action::ChannelsSync, "account:main", "ada", Some("3 channels, 16 forgotten"))]);
}

pub(super) async fn an_empty_list_of_an_unknown_account_forbids_no_channel(kit: Kit) {
    assert!(!ended_at(&kit, NOW, Shorter::Doubted).await.believed);
    ended(&kit, "1", &by("1", "cus_1", "")).await;
    kit.ledger.correct("stripe/pi_1", &set("CHAN-2", false, false), NOW).await.unwrap();
}

pub(super) async fn a_customer_is_found_by_an_e_mail_or_a_phone_and_nothing_else_is(kit: Kit) {
    let reached = |name: &str, customer: &str, email: &str, phone: &str| {
        let contacts = [Contact::email(email), Contact::phone(phone)].into_iter().flatten().collect();
        Facts { contacts, ..by(name, customer, "") }
    };
    let anna = reached("1", "cus_1", "Anna@Example.com", "+49 170 000001");
    ended(&kit, "1", &anna).await;
    ended(&kit, "2", &reached("2", "cus_2", "anna@example.com", "")).await;
    let mut other = reached("3", "cus_1", "anna@example.com", "");
    other.account = Some("acct_1".into());
    ended(&kit, "3", &other).await;
    let mut nobody = reached("4", "", "bert@example.com", "");
    nobody.customer = None;
    ended(&kit, "4", &nobody).await;
    let at = async |typed: &str| {
        let found = kit.ledger.customers_at(&Contact::typed(typed).unwrap()).await.unwrap();
        found
            .into_iter()
            .map(|place| format!("{}{} {}", place.realm, place.account, place.name.id))
            .collect::<Vec<_>>()
    };
    assert_eq!(at("ANNA@example.com").await, ["stripe cus_1", "stripe cus_2", "stripeacct_1 cus_1"]);
    assert_eq!(at("0049 170 000001").await, ["stripe cus_1"]);
    assert_eq!(at("bert@example.com").await, [""; 0], "there is no customer that it would find");
    // Nobody is taken for somebody else by it, and an event that is told again says nothing new.
    kit.ledger.change_directory(order(&[(NameKind::Customer, "cus_1", &["CHAN-1"])]), NOW).await.unwrap();
    assert_eq!(
        ended(&kit, "5", &reached("5", "cus_9", "anna@example.com", "+49170000001")).await.2,
        Some(HeldCause::ChannelMissing)
    );
    let again = kit.record("evt_1", &anna).await;
    assert_eq!(again.outcome, DeliveryOutcome::Granted, "the directory names its channel by now");
    let again = kit.record("evt_1", &anna).await;
    assert_eq!(again.outcome, DeliveryOutcome::Duplicate);
    let mut raw = kit.sql().await;
    let kept = raw.column("SELECT event_id FROM events WHERE facts LIKE '%example.com%'").await;
    assert!(kept.is_empty(), "the facts hold none of it");
    // With the bodies that told it, it goes.
    kit.ledger.prune_bodies(NOW, 9).await.unwrap();
    assert_eq!(at("+49170000001").await.len(), 2, "told since");
    kit.ledger.prune_bodies(NOW + 1, 9).await.unwrap();
    assert_eq!(at("anna@example.com").await, [""; 0]);
}
