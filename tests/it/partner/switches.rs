use std::time::Duration;

use daybridge::{
    domain::{
        DAY_MS,
        id::ChannelId,
        reply::{ReadError, Reply},
    },
    partner::Partner as _,
    simulator::{
        fault::Method,
        record::{By, SimRefusal, blank},
        state::{Book, CREATIONS_MAX, CREATIONS_WINDOW_MS},
        switches::{ExpiredBase, Shape, Switches, TooLittleBalance},
    },
};

use super::*;

const CALM: Duration = Duration::from_secs(20);
const NOW: Ms = 1_800_000_000_000;

#[tokio::test]
async fn extend_moves_days_each_time_and_leaves_the_mode_alone() {
    for shape in [Shape::Full, Shape::Success, Shape::Empty] {
        let (sim, client, before) = pair(100, CALM).await;
        sim.control.switch(|s| s.extend_answer = shape);
        for n in 1..=2 {
            let reply = extend(&client).await;
            let till = before + n * 10 * DAY_MS;
            match shape {
                Shape::Full => assert_eq!(reply, Reply::Accepted { active_till: Some(till) }),
                Shape::Success => assert_eq!(reply, Reply::Accepted { active_till: None }),
                Shape::Empty => assert!(matches!(reply, Reply::Unclear(_)), "{reply:?}"),
            }
            let reading = clean(client.read(&id()).await).unwrap();
            assert_eq!((reading.active_till, reading.mode.as_deref()), (till, Some("trial")));
        }
        assert_eq!(applied(&sim, before), 2);
        assert_eq!(sim.control.world().book.balance(), 80);
        let comments: Vec<_> = sim.control.extends().into_iter().map(|line| line.comment.unwrap()).collect();
        assert_eq!(comments, ["daybridge stripe/pi_1#1 10d"; 2]);
        sim.stop().await;
    }
}

#[tokio::test]
async fn make_live_under_every_answer() {
    for shape in [Shape::Full, Shape::Success, Shape::Empty] {
        let (sim, client, _) = pair(100, CALM).await;
        sim.control.switch(|s| s.mode_answer = shape);
        assert_eq!(clean(client.make_live(&id()).await), Ok(()));
        assert_eq!(client.read(&id()).await.unwrap().mode.as_deref(), Some("live"));
        let stranger = ChannelId::parse("OTHER-1").unwrap();
        assert_eq!(client.make_live(&stranger).await, Err(ReadError::UnknownChannel));
    }
}

#[tokio::test]
async fn too_little_balance_under_every_status() {
    for (switch, refused) in [
        (TooLittleBalance::PaymentRequired, Some(402)),
        (TooLittleBalance::Forbidden, Some(403)),
        (TooLittleBalance::BadRequest, Some(400)),
        (TooLittleBalance::Conflict, None),
        (TooLittleBalance::Allowed, None),
    ] {
        let (sim, client, before) = pair(9, CALM).await;
        sim.control.switch(|s| s.too_little_balance = switch);
        let reply = extend(&client).await;
        if let Some(want) = refused {
            let Reply::Refused { status, balance: true, .. } = reply else { panic!("{reply:?}") };
            assert_eq!(status, want);
        } else if switch == TooLittleBalance::Conflict {
            assert!(matches!(reply, Reply::Unclear(_)), "409 is doubtful: {reply:?}");
        } else {
            assert_eq!(reply, Reply::Accepted { active_till: Some(before + 10 * DAY_MS) });
            assert_eq!(sim.control.world().book.balance(), -1);
        }
        assert_eq!(applied(&sim, before), i64::from(switch == TooLittleBalance::Allowed));
    }
}

#[tokio::test]
async fn strangers_and_wrong_tokens_are_refused_in_the_partners_form() {
    let (sim, client, before) = pair(100, CALM).await;
    let stranger = ChannelId::parse("OTHER-1").unwrap();
    assert_eq!(client.read(&stranger).await, Err(ReadError::UnknownChannel));
    let reply = client.extend(&stranger, 10, "c", "t").await;
    assert!(matches!(reply, Reply::Refused { status: 404, balance: false, .. }), "{reply:?}");
    assert_eq!(client.health().await, Ok(()));
    sim.control.switch(|s| s.list_bare = true);
    assert_eq!(client.health().await, Ok(()));

    let forged = client_of(&sim.base_url(), "another-token", CALM);
    assert_eq!(forged.read(&id()).await, Err(ReadError::Unauthorized));
    assert_eq!(forged.health().await, Err(ReadError::Unauthorized));
    assert_eq!(forged.make_live(&id()).await, Err(ReadError::Unauthorized));
    assert!(matches!(extend(&forged).await, Reply::Refused { status: 401, .. }));
    assert_eq!(applied(&sim, before), 0);
}

#[tokio::test]
async fn comment_and_days_are_refused_or_accepted() {
    for accept in [false, true] {
        let (sim, client, before) = pair(100, CALM).await;
        sim.control.switch(|s| (s.accept_missing_comment, s.accept_bad_days) = (accept, accept));
        for (days, comment) in [(10, ""), (0, "c")] {
            let reply = client.extend(&id(), days, comment, "t").await;
            let fits = match reply {
                Reply::Accepted { .. } => accept,
                Reply::Refused { status: 400, balance: false, .. } => !accept,
                _ => false,
            };
            assert!(fits, "{accept} {days} {comment:?} {reply:?}");
        }
        let till = sim.control.channel(ID).unwrap().active_till;
        assert_eq!(till, if accept { before + 10 * DAY_MS } else { before });
    }
}

#[tokio::test]
async fn stale_reads_lag_and_catch_up_with_the_clock() {
    let (sim, client, before) = pair(100, CALM).await;
    sim.control.world().clock.freeze(true);
    sim.control.switch(|s| s.stale_reads_ms = 5_000);
    sim.control.world().clock.advance(60_000);
    assert_eq!(extend(&client).await, Reply::Accepted { active_till: Some(before + 10 * DAY_MS) });
    for (advance, want) in [(0, before), (4_999, before), (1, before + 10 * DAY_MS)] {
        sim.control.world().clock.advance(advance);
        assert_eq!(client.read(&id()).await.unwrap().active_till, want, "{advance}");
    }
    assert!(sim.control.world().faults.take(Method::Read, ID).is_none());
}

fn book(till: Ms, mode: Option<&str>) -> Book {
    let mut book = Book::new(100);
    let mut channel = blank(ID, NOW);
    channel.active_till = till;
    channel.mode = mode.map(str::to_owned);
    book.add(NOW, channel).unwrap();
    book
}

#[test]
fn an_expired_channel_is_counted_from_now_or_from_the_old_end() {
    let switches = |expired_base| Switches { expired_base, ..Switches::default() };
    for (till, base, want) in [
        (NOW + 5, ExpiredBase::Now, NOW + 5),
        (NOW + 5, ExpiredBase::Old, NOW + 5),
        (NOW - 5, ExpiredBase::Now, NOW),
        (NOW - 5, ExpiredBase::Old, NOW - 5),
    ] {
        let channel = book(till, None).extend(NOW, ID, 3, Some("c"), &switches(base)).unwrap();
        assert_eq!(channel.active_till, want + 3 * DAY_MS);
    }
}

#[test]
fn the_books_follow_the_facts_sheet() {
    let switches = Switches::default();
    // Deletion: whole remaining days for live, none for a trial.
    for (mode, back) in [(Some("live"), 2), (Some("trial"), 0), (None, 0)] {
        let mut book = book(NOW + 3 * DAY_MS - 1, mode);
        assert_eq!(book.delete(NOW, ID), Ok(back));
        assert_eq!(book.balance(), 100 + back);
        assert_eq!(book.read(NOW, ID, &switches), Err(SimRefusal::UnknownChannel));
    }
    // A channel stops some time after its end, and runs again when extended.
    let mut one = book(NOW, Some("live"));
    for (now, stopped) in [(NOW, false), (NOW + 60_000, false), (NOW + 60_001, true)] {
        assert_eq!(one.read(now, ID, &switches).unwrap().stopped, stopped);
    }
    assert!(!one.extend(NOW + 60_001, ID, 1, Some("c"), &switches).unwrap().stopped);
    // Panel debits, a card renewal does not.
    one.move_days(NOW, ID, 5, By::Panel, &switches).unwrap();
    one.move_days(NOW, ID, 30, By::Renewal, &switches).unwrap();
    assert_eq!(one.balance(), 100 - 1 - 5);
    // Twenty creations in half an hour, with or without a trial.
    for trial_on_create in [true, false] {
        let mut book = Book::new(0);
        let switches = Switches { trial_on_create, ..Switches::default() };
        for _ in 0..CREATIONS_MAX {
            let made = book.create(NOW, "n", "p", Some("10000000000"), &switches).unwrap();
            let days = (made.active_till - made.creation_ts) / DAY_MS;
            assert_eq!(
                (days, made.mode.is_some(), made.trial.is_some()),
                if trial_on_create { (6, true, true) } else { (0, false, false) }
            );
            assert!(ChannelId::parse(&made.id).is_some());
        }
        let refused = book.create(NOW, "n", "p", None, &switches).unwrap_err();
        assert_eq!((refused, refused.status()), (SimRefusal::TooManyCreations, 429));
        assert!(book.create(NOW + CREATIONS_WINDOW_MS, "n", "p", None, &switches).is_ok());
    }
    // The limit is crossed downwards once.
    let mut one = book(NOW, None);
    one.days_limit = Some(95);
    for (days, want) in [(4, None), (1, Some(95)), (1, None)] {
        one.extend(NOW, ID, days, Some("c"), &switches).unwrap();
        assert_eq!(one.take_crossed(), want);
    }
}
