//! Agreements with their last payment, and the channel that it was for.

use crate::{
    domain::{Ms, payment::agreement::AgreementState},
    ledger::{
        Ledger, LedgerError,
        db::{
            Fault, Row, Tx, args,
            fault::refused,
            filter::{Filter, Value},
            way::{Way, rarest},
        },
        query::{AgreementQuery, Page},
        view,
    },
};

/// Newest change first. The channel is read where the payment's transfer is.
const AGREEMENTS: &str = "SELECT a.key, a.id, a.realm, a.account, a.livemode, a.customer, a.state, a.state_at, \
     p.key AS payment, p.channel, c.active_till FROM agreements a{by} \
     LEFT JOIN payments p ON p.key = (SELECT q.key FROM payments q WHERE q.agreement = a.id AND q.realm = a.realm \
        AND q.account = a.account AND q.livemode = a.livemode AND q.merged_into IS NULL \
        ORDER BY q.first_seen_at DESC, q.key DESC LIMIT 1) \
     LEFT JOIN transfers t ON t.payment = p.key AND t.n = 1 \
     LEFT JOIN channels c ON c.account = t.account AND c.channel = t.channel";

impl Ledger {
    /// Agreements, the one whose state changed last first; a page goes on after a key.
    pub async fn agreements(
        &self,
        wanted: &AgreementQuery,
        page: &Page,
    ) -> Result<Vec<view::Agreement>, LedgerError> {
        let (wanted, page) = (wanted.clone(), page.clone());
        self.db.read(move |tx| tx.agreements(&wanted, &page)).await
    }
}

impl Tx {
    pub(in crate::ledger) fn agreements(
        &mut self,
        wanted: &AgreementQuery,
        page: &Page,
    ) -> Result<Vec<view::Agreement>, Fault> {
        let after = match page.after.as_deref() {
            Some(key) => {
                let row = self
                    .optional("SELECT state_at AS at FROM agreements WHERE key = $1", args![key])?
                    .ok_or_else(|| refused(format!("no agreement {key} to go on after")))?;
                Some(vec![Value::Number(row.get("at")?), Value::Text(key.to_owned())])
            }
            None => None,
        };
        let state = wanted.state.map(AgreementState::as_str);
        let ways = [
            Way::text("agreements a", "a.customer", "agreements_by_customer", wanted.customer.as_deref()),
            Way::text("agreements a", "a.state", "agreements_by_state", state),
        ];
        let ways: Vec<Way> = ways.into_iter().flatten().collect();
        let walked = rarest(self, &ways)?;
        let index = walked.map_or("agreements_by_time", |walked| walked.index);
        let filter = Filter::default()
            .along(self, ways, walked)
            .text("a.realm =", wanted.realm.as_deref())
            .text("a.account =", wanted.account.as_deref())
            .row("(a.state_at, a.key) <", after);
        let order = "ORDER BY a.state_at DESC, a.key DESC";
        filter.walk(self, AGREEMENTS, index, order, page.limit)?.iter().map(agreement).collect()
    }

    /// Where the agreement of a payment stands, and since when; `None`: nothing tells.
    pub(in crate::ledger) fn agreement_of(
        &mut self,
        payment: &str,
    ) -> Result<Option<(AgreementState, Ms)>, Fault> {
        let row = self.optional(
            "SELECT a.state, a.state_at FROM payments p JOIN agreements a ON a.id = p.agreement \
             AND a.realm = p.realm AND a.account = p.account AND a.livemode = p.livemode WHERE p.key = $1",
            args![payment],
        )?;
        row.map(|row| Ok((row.get("state")?, row.get("state_at")?))).transpose()
    }

    /// How many stand where, along the index of their states.
    pub(in crate::ledger) fn agreements_by_state(&mut self) -> Result<Vec<(AgreementState, u64)>, Fault> {
        let rows = self.all("SELECT state, COUNT(*) AS many FROM agreements GROUP BY state", args![])?;
        rows.iter()
            .map(|row| Ok((row.get("state")?, u64::try_from(row.get::<i64>("many")?).unwrap_or(0))))
            .collect()
    }
}

fn agreement(row: &Row) -> Result<view::Agreement, Fault> {
    let account: String = row.get("account")?;
    Ok(view::Agreement {
        key: row.get("key")?,
        id: row.get("id")?,
        realm: row.get("realm")?,
        account: Some(account).filter(|account| !account.is_empty()),
        livemode: row.get::<i64>("livemode")? != 0,
        customer: row.get("customer")?,
        state: row.get("state")?,
        since: row.get("state_at")?,
        payment: row.get("payment")?,
        channel: row.get("channel")?,
        active_till: row.get::<Option<Ms>>("active_till")?.filter(|at| *at < i64::MAX),
    })
}
