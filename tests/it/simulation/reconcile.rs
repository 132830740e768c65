//! The real reconcile over the world's three lists: Stripe's payments, the ledger, and Billing History. What it must
//! answer is reckoned from what happened alone.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use daybridge::{
    domain::{Ms, id::CommentTemplate},
    ledger::Ledger,
    ops::reconcile::{
        Range,
        history::BillingHistory,
        listing::PaymentListing,
        moved::known,
        row::{Finding, Row},
        run::{Question, run},
    },
};

use super::{
    history::Stripes,
    judge,
    payment::{Dispute, Payment},
    slices::judge::twice,
    tables::BEGINS_MS,
    world::World,
};

/// The range begins so long before the world.
const BEFORE_MS: Ms = 2 * 3_600_000;

/// What it says that is not so, and what it does not say. While workers work, the ledger may not know yet that money is
/// back, and a channel may have moved by a call that is in doubt.
pub async fn wrong(world: &Arc<World>, ledger: &Ledger, at_rest: bool) -> Vec<String> {
    let config = world.config();
    // The list of other families tells neither what was bought nor what was refunded.
    if !matches!(config.sources["stripe"].money_in.as_str(), "charges" | "payment_intents") {
        return Vec::new();
    }
    let rows = rows(world, ledger).await;
    let mut wrong = Vec::new();
    let mut of: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        match row.payment.as_ref().map(|key| world.payment_of(key)) {
            Some(Some(name)) => of.entry(name).or_default().push(row),
            Some(None) => wrong.push(format!("reconcile: nobody's payment: {}", row.why)),
            None if !at_rest || world.was_extended_by_hand() || was_overtaken(world, row) => {}
            None => wrong.push(format!("reconcile: nobody extended anything by hand: {}", row.why)),
        }
    }
    let payments: Vec<Payment> = {
        let payments = world.payments();
        payments.values().filter(|payment| payment.way.source() == "stripe").cloned().collect()
    };
    for payment in payments {
        if judge::is_excused(world, &payment.name) {
            continue;
        }
        let its = of.remove(&payment.name).unwrap_or_default();
        let answers: Vec<Finding> = its.iter().map(|row| row.answer).collect();
        let mut may = may_be(world, &payment);
        if !world.inner().slices.terms.is_on() {
            may.retain(|answer| *answer != Finding::Later);
        }
        if !at_rest && may.first() == Some(&Finding::PaidNotExtended) && money_came_back(&payment) {
            may.push(Finding::Matched);
        }
        if !matches!(answers.as_slice(), [answer] if may.contains(answer)) {
            let why: Vec<&str> = its.iter().map(|row| &*row.why).collect();
            wrong.push(format!(
                "reconcile: {} is {answers:?}, and should be one of {may:?}: {why:?}",
                payment.name
            ));
        }
    }
    wrong
}

/// Whether these days of a call that was refused were read by a call for more days than they are. Its transfer, once
/// settled, does not tell any more from where its channel moved.
fn was_overtaken(world: &World, row: &Row) -> bool {
    // Days of a call that was refused, on a channel that had run out: from when they count no reading tells.
    if world.partner().lied
        && row.channel.as_deref().is_some_and(|channel| world.partner().had_run_out(channel))
    {
        return true;
    }
    let lines = world.partner().lines.clone();
    let on: Vec<u32> = lines
        .iter()
        .filter(|line| Some(&line.channel) == row.channel.as_ref())
        .map(|line| line.days)
        .collect();
    on.iter().any(|days| Some(*days) == row.days && on.iter().sum::<u32>() - days >= *days)
}

fn money_came_back(payment: &Payment) -> bool {
    payment.dispute.is_some() || payment.refunds.values().any(|refund| !refund.stands)
}

/// What it may be called.
fn may_be(world: &World, payment: &Payment) -> Vec<Finding> {
    use Finding::{ExtendedNotPaid, ExtendedTwice, Later, Matched, PaidNotExtended};
    let moved = judge::days_in_books(world, &payment.name);
    let by_hand = world.partner().owed.contains_key(&payment.name);
    let in_dispute = matches!(payment.dispute, Some(Dispute::Open | Dispute::Lost));
    match (payment.refunded() >= payment.amount, moved) {
        _ if twice(world, &payment.name).is_some() => vec![ExtendedTwice, ExtendedNotPaid],
        (true, 0) => vec![Matched],
        (true, _) => vec![ExtendedNotPaid],
        // A restored ledger does not know to which channel it was given.
        (false, _) if world.inner().restored && is_elsewhere(world, payment) => {
            vec![Matched, PaidNotExtended]
        }
        // Its list does not count what the bank has: only the ledger may know that nothing is owed.
        (false, 0) if in_dispute || payment.due() == 0 => vec![Matched, PaidNotExtended, Later],
        // The rest of a payment in slices is closed by a person's word, and was extended by hand.
        (false, 0) if by_hand && world.inner().slices.terms.is_on() => vec![Matched, PaidNotExtended, Later],
        (false, 0) => vec![PaidNotExtended, Later],
        (false, moved) if moved == payment.days && payment.refunded() == 0 => vec![Matched],
        // A refusal hid them, and the ledger plans fewer by now.
        (false, moved) if moved == payment.days => vec![Matched, ExtendedNotPaid],
        // A part was refunded before the rest moved, or is back again, or a person said so.
        (false, _) => vec![Matched, Later, PaidNotExtended, ExtendedNotPaid],
    }
}

/// Whether days of it moved to another channel than it is for.
fn is_elsewhere(world: &World, payment: &Payment) -> bool {
    let lines = world.partner().lines.clone();
    let its = lines.iter().filter(|line| world.payment_of(&line.comment).as_ref() == Some(&payment.name));
    its.into_iter().any(|line| line.channel != payment.channel)
}

async fn rows(world: &Arc<World>, ledger: &Ledger) -> Vec<Row> {
    let (config, now) = (world.config(), world.now());
    let range = Range { since: BEGINS_MS - BEFORE_MS, until: now + 1_000 };
    let readings: BTreeMap<String, Ms> = {
        let page = world.partner().list(0, u32::MAX);
        page.channels
            .into_iter()
            .filter_map(|listed| Some((String::from(listed.channel), listed.active_till?)))
            .collect()
    };
    let account = &config.partner.account;
    let known = known(ledger, account).await.unwrap();
    let comment = CommentTemplate::parse(&config.partner.comment, 0, 0).unwrap();
    let is_channel = |word: &str| known.contains_key(word) || readings.contains_key(word);
    let mut history = BillingHistory::default();
    history.read(&billing_history(world), "stripe", range, &comment, &is_channel);
    let question = Question {
        realm: "stripe",
        livemode: true,
        account,
        range,
        record_at: now + 1_000,
        history_at: now + 1,
        known: &known,
        readings: &readings,
        now,
    };
    let mut pages = PaymentListing::new(Arc::new(Stripes(world.clone())), range.since, range.until);
    let mut rows = Vec::new();
    let mut tell = |row: &Row| rows.push(row.clone());
    run(ledger, &question, &mut pages, Some(history), &mut tell).await.unwrap();
    rows
}

/// As a person copies it from the panel.
fn billing_history(world: &World) -> String {
    let partner = world.partner();
    let mut text = String::new();
    for (number, line) in partner.lines.iter().chain(&partner.by_hand).enumerate() {
        let at = jiff::Timestamp::from_millisecond(line.at).unwrap();
        writeln!(text, "{number};{at};{};-{} days;{}", line.channel, line.days, line.comment).unwrap();
    }
    text
}
