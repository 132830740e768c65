//! One customer of a provider's account: its channels and who said so, its agreements, its payments.

use askama::Template;

use super::{ROWS, page_of};
use crate::{
    console::{
        error::PageError,
        layout::{Layout, page},
        progress::Row,
        request::{Answer, Request},
        text,
    },
    domain::payment::directory::NameKind,
    ledger::{
        Ledger, LedgerError,
        query::{AgreementQuery, DirectoryQuery, Page, PaymentQuery},
        view,
    },
};

/// Agreements that are shown, and channels of each name.
const SHOWN_MAX: u32 = 20;

/// Whose it is.
struct Whose {
    realm: String,
    /// Connected account; empty where there is none.
    account: String,
    id: String,
}

#[derive(Template)]
#[template(path = "customer.html", config = "src/console/askama.toml")]
struct Customer {
    layout: Layout,
    whose: Whose,
    /// Sources of its provider's account.
    sources: Vec<String>,
    /// What persons said of the customer and of its agreements.
    names: Vec<view::DirectoryEntry>,
    agreements: Vec<view::Agreement>,
    rows: Vec<Row>,
    more: bool,
    home: String,
}

pub(in crate::console) fn show(request: Request) -> Answer {
    Box::pin(async move {
        let field = |name: &str| {
            let missing = || PageError::Unfit(format!("the address names no {name} of a customer"));
            request.query.owned(name).ok_or_else(missing)
        };
        let account = request.query.owned("account").unwrap_or_default();
        let whose = Whose { realm: field("realm")?, account, id: field("id")? };
        let (agreements, payments) = bought(request.ledger(), &whose).await?;
        let names = names(request.ledger(), &whose, &agreements).await?;
        if agreements.is_empty() && payments.is_empty() && names.is_empty() {
            let Whose { realm, id, .. } = &whose;
            return Err(PageError::Missing(format!("nothing is known of a customer {id} of {realm}")));
        }
        let (payments, more) = page_of(payments);
        let sources = request.app.config.sources.iter();
        let sources = sources.filter(|(name, source)| source.realm(name) == whose.realm);
        page(&Customer {
            layout: Layout::new(&request, format!("Customer {}", whose.id), "/payments"),
            sources: sources.map(|(name, _)| name.clone()).collect(),
            rows: payments.into_iter().map(|payment| Row::of(payment, request.now)).collect(),
            home: request.app.interpreter.account().to_owned(),
            whose,
            names,
            agreements,
            more,
        })
    })
}

/// What it bought: agreements, and one payment more than a page.
async fn bought(
    ledger: &Ledger,
    whose: &Whose,
) -> Result<(Vec<view::Agreement>, Vec<view::Payment>), LedgerError> {
    let Whose { realm, account, id } = whose;
    let [realm, account, id] = [realm, account, id].map(|text| Some(text.clone()));
    let wanted = AgreementQuery {
        customer: id.clone(),
        realm: realm.clone(),
        account: account.clone(),
        ..AgreementQuery::default()
    };
    let agreements = ledger.agreements(&wanted, &Page::first(SHOWN_MAX)).await?;
    let wanted = PaymentQuery { customer: id, realm, account, ..PaymentQuery::default() };
    Ok((agreements, ledger.payments(&wanted, &Page::first(ROWS.saturating_add(1))).await?))
}

/// What persons said of the customer, then of its agreements.
async fn names(
    ledger: &Ledger,
    whose: &Whose,
    agreements: &[view::Agreement],
) -> Result<Vec<view::DirectoryEntry>, LedgerError> {
    let own = std::iter::once((NameKind::Customer, &whose.id));
    let subscriptions = agreements.iter().map(|agreement| (NameKind::Agreement, &agreement.id));
    let mut names = Vec::new();
    for (kind, id) in own.chain(subscriptions) {
        let (realm, ids) = (Some(whose.realm.clone()), vec![id.clone()]);
        let wanted = DirectoryQuery { realm, kind: Some(kind), ids, channel: None };
        let found = ledger.directory(&wanted, &Page::first(SHOWN_MAX)).await?;
        names.extend(found.into_iter().filter(|name| name.account == whose.account));
    }
    Ok(names)
}
