//! What the ledger has of a delivery before it is recorded. One statement asks for all of it, and of nearly every delivery
//! there is nothing: then its rows are written at once, as they stay.

use std::collections::BTreeSet;

use super::{
    evaluate::money,
    names::{Space, ids, named},
};
use crate::{
    domain::{
        Ms,
        facts::{Facts, PaymentId},
        id::{ChannelId, payment_key},
        payment::{bought, memory::Memory},
    },
    envelope,
    ledger::{
        DeliveryOutcome, Entry, SourceRules,
        db::{Bind, Dialect, Fault, Row, Tx, args},
        decide::origin::grants_since,
    },
};

/// Payments of one channel that are looked through, the newest first.
pub(in crate::ledger) const LOOKED_THROUGH_MAX: i64 = 1000;

/// Most looks before the payments of an event stand still: each is one that was joined meanwhile.
const LOOKS_MAX: u32 = 8;

/// An event that was recorded before.
pub(super) struct Event {
    pub(super) number: i64,
    pub(super) dead: bool,
    pub(super) facts: Option<String>,
    pub(super) payment: Option<String>,
    pub(super) held_reason: Option<String>,
    /// By whom it was closed, and why.
    pub(super) closed: Option<String>,
    /// The question whose answer is stored.
    pub(super) asked: Option<i64>,
}

/// A delivery that was recorded before.
pub(super) struct Delivery {
    pub(super) number: i64,
    pub(super) outcome: DeliveryOutcome,
    pub(super) reason: Option<String>,
}

/// See the module.
pub(super) struct Seen {
    pub(super) event: Option<Event>,
    pub(super) delivery: Option<Delivery>,
    /// Where the ledger's memory begins; `received_at` is the event's.
    pub(super) memory: Memory,
    /// A payment is known by one of the event's ids, or has the key that they make.
    pub(super) payment: bool,
    /// The source's provider has another realm.
    pub(super) other_realm: bool,
    /// The channel that the event itself names.
    pub(super) channel: Option<ChannelId>,
    /// A payment that was granted to it may be the same purchase under other ids.
    pub(super) alike: bool,
}

/// What is asked for, beside the event and the delivery.
struct Ask<'a> {
    space: Space<'a>,
    ids: Vec<PaymentId>,
    /// The key of its payment, if it is the first that is told of it.
    key: Option<String>,
    channel: Option<ChannelId>,
    money: Option<(i64, String)>,
    /// The key of its agreement.
    agreement: Option<String>,
}

impl<'a> Ask<'a> {
    fn of(facts: &'a Facts, source: &'a SourceRules) -> Self {
        let space = Space::of(facts, &source.realm);
        let ids = ids(facts);
        let key = ids.iter().min().map(|id| payment_key(space.realm, facts.account.as_deref(), &id.id));
        let one = std::slice::from_ref(facts);
        let (channel, _) = bought(one, &source.rules);
        let channel = channel.filter(|_| facts.meaning.is_money_in(&source.rules.money_in));
        let money = money(one, &source.rules).map(|money| (money.amount, money.currency));
        let agreement = facts.agreement.as_deref().map(|id| space.key(id));
        Self { space, ids, key, channel, money, agreement }
    }

    /// All that another recording may decide on, which this one decides on too.
    fn locks(&self, entry: &Entry<'_>) -> BTreeSet<String> {
        let account = Some(self.space.account).filter(|account| !account.is_empty());
        let ids =
            self.ids.iter().map(|id| format!("payment {}", payment_key(self.space.realm, account, &id.id)));
        let ids = ids.chain(self.agreement.as_ref().map(|key| format!("agreement {key}")));
        ids.chain(self.channel.as_ref().map(|channel| channel_lock(entry.account, channel))).collect()
    }
}

/// Two payments that are alike are granted one after the other.
pub(super) fn channel_lock(account: &str, channel: &ChannelId) -> String {
    format!("channel {account}/{channel}")
}

/// Looks, and on PostgreSQL keeps others away from what it found until the transaction ends.
///
/// First come the names that exist without rows: the event, its ids, and the channel that it may grant days to. Two
/// recordings of one payment under the same id, and two that are alike, meet there. A payment that was known before has
/// other ids too, so its rows are locked next, the channels first as a turn does; while we waited for them it may have
/// been joined to another one, so we look again until nothing new is found.
pub(super) fn look(tx: &mut Tx, entry: &Entry<'_>) -> Result<Seen, Fault> {
    let ask = match (entry.facts, entry.source) {
        (Ok(facts), Some(source)) => Some(Ask::of(facts, source)),
        _ => None,
    };
    let mut locks = ask.as_ref().map(|ask| ask.locks(entry)).unwrap_or_default();
    locks.insert(format!("event {}/{}", entry.envelope.source, entry.envelope.event_id));
    tx.lock(&locks)?;
    let mut locked = BTreeSet::new();
    for _ in 0..LOOKS_MAX {
        let seen = look_once(tx, entry, ask.as_ref())?;
        let current = seen.event.as_ref().and_then(|event| event.payment.clone());
        if tx.dialect() == Dialect::Sqlite || !tx.locks() || (!seen.payment && current.is_none()) {
            return Ok(seen);
        }
        let named = match &ask {
            Some(ask) => named(tx, &ask.space, &ask.ids)?,
            None => BTreeSet::new(),
        };
        let found: BTreeSet<String> = named.into_iter().chain(current).collect();
        if found.is_subset(&locked) {
            return Ok(seen);
        }
        lock_rows(tx, &found)?;
        locked.extend(found);
    }
    Err(Fault::Conflict("the payments of an event were joined meanwhile, again and again".to_owned()))
}

/// From the payments to their channels: a list within the statement, of which PostgreSQL knows that it is short.
fn lock_rows(tx: &mut Tx, payments: &BTreeSet<String>) -> Result<(), Fault> {
    let keys = serde_json::to_string(payments)?;
    for statement in [
        "SELECT c.channel FROM (SELECT DISTINCT account, channel FROM transfers \
         WHERE payment = ANY (ARRAY(SELECT json_array_elements_text($1::json))) OFFSET 0) t \
         JOIN channels c ON c.account = t.account AND c.channel = t.channel \
         ORDER BY c.account || '', c.channel || '' FOR UPDATE OF c",
        "SELECT key FROM payments WHERE key = ANY (ARRAY(SELECT json_array_elements_text($1::json))) \
         ORDER BY key FOR UPDATE",
    ] {
        tx.all(statement, args![keys])?;
    }
    Ok(())
}

fn look_once(tx: &mut Tx, entry: &Entry<'_>, ask: Option<&Ask<'_>>) -> Result<Seen, Fault> {
    let envelope = entry.envelope;
    let digest = envelope::digest(&envelope.body);
    let Some(ask) = ask else {
        let statement = format!("{SEEN}, 0 AS known, 0 AS other_realm, 0 AS alike {FROM}");
        let row = tx.one(&statement, args![envelope.source, envelope.event_id, digest, envelope.delivery])?;
        return seen(&row, None);
    };
    let ids: Vec<&str> = ask.ids.iter().map(|id| &*id.id).collect();
    let channel = ask.channel.as_ref().map(ChannelId::as_str);
    let (amount, currency) = ask.money.as_ref().map(|(amount, currency)| (*amount, &**currency)).unzip();
    let mut values = args![
        envelope.source,
        envelope.event_id,
        digest,
        envelope.delivery,
        ask.space.realm,
        ask.space.account,
        ask.space.livemode,
        ask.key,
        channel,
        amount,
        currency,
    ]
    .to_vec();
    values.extend(ids.iter().map(Bind::arg));
    let kinds: BTreeSet<u8> = ask.ids.iter().map(|id| id.rank).collect();
    let row = tx.in_order(|tx| tx.one(&look_sql(ids.len(), &kinds), &values))?;
    seen(&row, ask.channel.clone())
}

const SEEN: &str = "SELECT e.number, e.dead, e.facts, e.payment, e.held_reason, e.closed, e.asked, e.received_at, \
     d.number AS delivery, d.outcome, d.reason, o.made_at, o.adopted_since, \
     (SELECT MAX(declared_at) FROM restorations WHERE undone_at IS NULL) AS restored_at";

const FROM: &str = "FROM origin o LEFT JOIN events e ON e.source = $1 AND e.event_id = $2 AND e.digest = $3 \
     LEFT JOIN deliveries d ON d.delivery = $4 WHERE o.one = 1";

/// For so many ids, of these kinds. Of what was granted to the channel for the same money, what has a kind of id in common
/// with this payment is another purchase ([`super::duplicate`]).
fn look_sql(ids: usize, kinds: &BTreeSet<u8>) -> String {
    let ids: Vec<String> = (12..).take(ids).map(|place| format!("${place}")).collect();
    let ids = if ids.is_empty() { "NULL".to_owned() } else { ids.join(", ") };
    let kinds: Vec<String> = kinds.iter().map(u8::to_string).collect();
    let kinds = if kinds.is_empty() { "NULL".to_owned() } else { kinds.join(", ") };
    format!(
        "{SEEN}, CASE WHEN EXISTS (SELECT 1 FROM aliases WHERE realm = $5 AND account = $6 AND livemode = $7 \
         AND id IN ({ids})) OR EXISTS (SELECT 1 FROM payments WHERE key = $8) THEN 1 ELSE 0 END AS known, \
         CASE WHEN EXISTS (SELECT 1 FROM realm_sources r JOIN realm_sources x ON x.provider = r.provider \
         WHERE r.realm = $5 AND x.realm <> $5) THEN 1 ELSE 0 END AS other_realm, \
         CASE WHEN EXISTS (SELECT 1 FROM (SELECT key, realm, account, livemode, granted, amount, currency FROM payments WHERE channel = $9 \
         ORDER BY first_seen_at DESC, key DESC LIMIT {LOOKED_THROUGH_MAX}) recent WHERE recent.realm = $5 AND recent.account = $6 \
         AND recent.livemode = $7 AND recent.granted = 1 AND recent.amount = $10 AND recent.currency = $11 \
         AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.payment = recent.key AND a.strength IN ({kinds}))) \
         THEN 1 ELSE 0 END AS alike {FROM}"
    )
}

fn seen(row: &Row, channel: Option<ChannelId>) -> Result<Seen, Fault> {
    let yes = |name: &str| row.get::<i64>(name).map(|value| value != 0);
    let event = match row.get::<Option<i64>>("number")? {
        Some(number) => Some(Event {
            number,
            dead: yes("dead")?,
            facts: row.get("facts")?,
            payment: row.get("payment")?,
            held_reason: row.get("held_reason")?,
            closed: row.get("closed")?,
            asked: row.get("asked")?,
        }),
        None => None,
    };
    let delivery = match row.get::<Option<i64>>("delivery")? {
        Some(number) => Some(Delivery { number, outcome: row.get("outcome")?, reason: row.get("reason")? }),
        None => None,
    };
    let memory = Memory {
        restored_at: row.get("restored_at")?,
        grants_since: grants_since(row.get::<Option<Ms>>("made_at")?, row.get("adopted_since")?),
        received_at: row.get("received_at")?,
    };
    Ok(Seen {
        event,
        delivery,
        memory,
        payment: yes("known")?,
        other_realm: yes("other_realm")?,
        channel,
        alike: yes("alike")?,
    })
}
