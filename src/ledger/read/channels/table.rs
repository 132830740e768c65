//! A row of the list of channels, of either table, with what is owed on the channel and who paid for it last.

use super::owed::DAYS_OWED;
use crate::{
    domain::{Ms, payment::agreement::AgreementState},
    ledger::{
        db::{
            self, Fault, Tx,
            filter::{Filter, Value},
            way::{Way, rarest},
        },
        query::ChannelQuery,
        view,
    },
};

/// Which of the two a row is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// Channels that days were planned for.
    Planned,
    /// Channels that the partner lists.
    Listed,
}

/// A row of one table.
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) channel: view::ChannelRow,
}

/// Where a channel stands in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) till: Ms,
    pub(super) account: String,
    pub(super) channel: String,
}

/// `x` is the table that is walked, `y` the other one. Of each: days in its transfers that are not settled, and in those
/// that are; its last granted payment, and where that one's agreement stands.
const CHANNELS: &str = "SELECT x.account, x.channel, x.active_till, x.mode, \
     {listed}.name, {listed}.phone, {listed}.seen_at AS listed_at, \
     (SELECT COALESCE(CAST(SUM(t.days) AS BIGINT), 0) FROM transfers t WHERE t.account = x.account \
        AND t.channel = x.channel AND t.settled_at IS NULL AND t.state || '' <> 'cancelled') AS unsettled, \
     (SELECT COALESCE(CAST(SUM(CASE WHEN t.settled_at IS NULL THEN 0 ELSE t.days END) AS BIGINT), 0) FROM transfers t \
        WHERE t.account = x.account AND t.channel = x.channel) AS moved, \
     (SELECT COUNT(*) FROM movements m WHERE m.account = x.account AND m.channel = x.channel) AS movements, \
     {owed} AS owed, pay.key AS payment, pay.first_seen_at AS paid_at, a.state AS agreement \
     FROM {from} x{by} \
     LEFT JOIN {other} y ON y.account = x.account AND y.channel = x.channel \
     LEFT JOIN payments pay ON pay.key = (SELECT q.key FROM payments q WHERE {last_paid} \
        AND COALESCE(q.partner, x.account) = x.account ORDER BY q.channel DESC, q.first_seen_at DESC LIMIT 1) \
     LEFT JOIN agreements a ON a.id = pay.agreement AND a.realm = pay.realm AND a.account = pay.account \
        AND a.livemode = pay.livemode";

/// The other table has no later `activeTill`; the highest number stands for none. Asked first: most of what the partner listed
/// before days moved is told by the ledger's own row.
const LATER: &str = "(y.active_till IS NULL OR y.active_till = 9223372036854775807 \
     OR (x.active_till < 9223372036854775807 AND x.active_till >= y.active_till))";

/// Granted payments `q` for the channel `x`. A span of one channel has an order that only the index of channels has.
pub(in crate::ledger) const GRANTED_FOR: &str =
    "q.channel >= x.channel AND q.channel <= x.channel AND q.granted = 1 AND q.merged_into IS NULL";

const ORDER: &str = "ORDER BY x.active_till, x.account, x.channel";

/// The next rows of one table that are wanted. `accounts`: all there are, where one channel is looked for by its name.
pub(super) fn ask(
    tx: &mut Tx,
    table: Table,
    wanted: &ChannelQuery,
    accounts: Option<&[String]>,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<Row>, Fault> {
    let mut filter = after_place(Filter::default(), after)
        .fixed(LATER)
        .number("x.active_till >=", wanted.from)
        .number("x.active_till <=", until(wanted));
    if wanted.owed || wanted.dark_at.is_some() {
        filter = filter.fixed(&format!("{DAYS_OWED} > 0"));
    }
    if wanted.unpaid {
        filter = filter
            .fixed(&format!("{DAYS_OWED} = 0"))
            .fixed(table.listed())
            .text("COALESCE(a.state, '') <>", Some(AgreementState::Active.as_str()));
    }
    let head = table.head();
    let mode = Way::text(table.walked(), "x.mode", table.by_mode(), wanted.mode.as_deref());
    let ways: Vec<Way> = mode.map(|way| way.but("live", "x.mode <> 'live'")).into_iter().collect();
    let rows = match (accounts, &wanted.channel) {
        (Some([]), _) => return Ok(Vec::new()),
        (Some(accounts), Some(channel)) => {
            // By its key, of which the account is the first part.
            let accounts = accounts.iter().cloned().map(Value::Text).collect();
            filter = filter.row("x.account IN", Some(accounts)).text("x.channel =", Some(channel));
            filter.along(tx, ways, None).rows(tx, &head.replace("{by}", ""), ORDER, limit)?
        }
        _ => {
            let walked = rarest(tx, &ways)?;
            let index = walked.map_or(table.by_expiry(), |walked| walked.index);
            filter.along(tx, ways, walked).walk(tx, &head, index, ORDER, limit)?
        }
    };
    rows.iter().map(row).collect()
}

/// One bound: of two SQLite walks along one.
fn until(wanted: &ChannelQuery) -> Option<Ms> {
    wanted.until.into_iter().chain(wanted.dark_at.map(|at| at.saturating_sub(1))).min()
}

impl Table {
    fn head(self) -> String {
        let (from, other, listed) = match self {
            Table::Planned => ("channels", "listed_channels", "y"),
            Table::Listed => ("listed_channels", "channels", "x"),
        };
        let head = CHANNELS.replace("{from}", from).replace("{other}", other).replace("{listed}", listed);
        head.replace("{owed}", DAYS_OWED).replace("{last_paid}", GRANTED_FOR)
    }

    /// The partner lists it, or was never asked for its list.
    fn listed(self) -> &'static str {
        match self {
            Table::Planned => {
                "(y.channel IS NOT NULL OR NOT EXISTS (SELECT 1 FROM listings s WHERE s.account = x.account \
                 AND s.synced_at IS NOT NULL))"
            }
            Table::Listed => "1 = 1",
        }
    }

    fn walked(self) -> &'static str {
        match self {
            Table::Planned => "channels x",
            Table::Listed => "listed_channels x",
        }
    }

    fn by_expiry(self) -> &'static str {
        match self {
            Table::Planned => "channels_by_expiry",
            Table::Listed => "listed_channels_by_expiry",
        }
    }

    fn by_mode(self) -> &'static str {
        match self {
            Table::Planned => "channels_by_mode",
            Table::Listed => "listed_channels_by_mode",
        }
    }
}

fn row(row: &db::Row) -> Result<Row, Fault> {
    let place =
        Place { till: row.get("active_till")?, account: row.get("account")?, channel: row.get("channel")? };
    let moved: i64 = row.get("moved")?;
    Ok(Row {
        channel: view::ChannelRow {
            account: place.account.clone(),
            channel: place.channel.clone(),
            name: row.get("name")?,
            phone: row.get("phone")?,
            active_till: Some(place.till).filter(|at| *at < i64::MAX),
            mode: row.get("mode")?,
            days_bought: moved.saturating_add(row.get("unsettled")?),
            days_moved: moved,
            owed: row.get("owed")?,
            payment: row.get("payment")?,
            paid_at: row.get("paid_at")?,
            agreement: row.get("agreement")?,
            listed_at: row.get("listed_at")?,
            movements: row.get("movements")?,
        },
        place,
    })
}

/// The rows after a place, in the order of the list.
fn after_place(filter: Filter, place: Option<&Place>) -> Filter {
    let values = place.map(|Place { till, account, channel }| {
        vec![Value::Number(*till), Value::Text(account.clone()), Value::Text(channel.clone())]
    });
    filter.row("(x.active_till, x.account, x.channel) >", values)
}

/// The later of two readings; one that was not made is the highest number, and does not count beside one that was.
pub(super) fn later(one: Option<Ms>, other: Option<Ms>) -> Option<Ms> {
    let read = |till: &Ms| *till < i64::MAX;
    one.filter(read).max(other.filter(read)).or(one).or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_reading_counts() {
        const NEVER: Option<Ms> = Some(i64::MAX);
        for (planned, listed, till) in [
            (Some(5), None, Some(5)),
            (Some(5), Some(7), Some(7)),
            (Some(7), Some(5), Some(7)),
            (NEVER, Some(5), Some(5)),
            (Some(5), NEVER, Some(5)),
            (NEVER, NEVER, NEVER),
            (NEVER, None, NEVER),
            (None, None, None),
        ] {
            assert_eq!(later(planned, listed), till, "{planned:?}, {listed:?}");
        }
    }
}
