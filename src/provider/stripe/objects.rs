//! Where Stripe's objects keep what we need, in the shapes before and since API version 2025-03-31.basil:
//! before, charge, payment intent and invoice name each other; since, an invoice names its payments in a
//! list that webhooks mostly lack, and a charge names no invoice.

use crate::provider::map::{Id, Lines, Object, Test};

/// Ranks: the strongest name of a payment first.
const INTENT: u8 = 0;
const CHARGE: u8 = 1;
const INVOICE: u8 = 2;
const SESSION: u8 = 3;

const fn id(rank: u8, path: &'static str) -> Id {
    Id { rank, each: None, path }
}

/// Only payments that went through; a list also holds failed and open tries.
const fn paid(rank: u8, path: &'static str) -> Id {
    Id { rank, each: Some(("/payments/data/*", Test { path: "/status", is: &["paid"] })), path }
}

pub(super) const CHARGE_OBJECT: Object = Object {
    ids: &[id(CHARGE, "/id"), id(INTENT, "/payment_intent"), id(INVOICE, "/invoice")],
    // Older bodies lack the first.
    amount: &["/amount_captured", "/amount"],
    currency: "/currency",
    customer: "/customer",
    metadata: &[],
    lines: None,
};

pub(super) const INTENT_OBJECT: Object = Object {
    ids: &[
        id(INTENT, "/id"),
        id(CHARGE, "/latest_charge"),
        id(INVOICE, "/invoice"),
        // Before 2022-11-15 there is no latest charge, but a list of all tries.
        Id {
            rank: CHARGE,
            each: Some(("/charges/data/*", Test { path: "/status", is: &["succeeded"] })),
            path: "/id",
        },
    ],
    amount: &["/amount_received"],
    currency: "/currency",
    customer: "/customer",
    metadata: &[],
    lines: None,
};

pub(super) const SESSION_OBJECT: Object = Object {
    ids: &[id(SESSION, "/id"), id(INTENT, "/payment_intent"), id(INVOICE, "/invoice")],
    amount: &["/amount_total"],
    currency: "/currency",
    customer: "/customer",
    metadata: &[],
    // A session's event lacks its line items.
    lines: None,
};

pub(super) const INVOICE_OBJECT: Object = Object {
    ids: &[
        id(INVOICE, "/id"),
        id(INTENT, "/payment_intent"),
        id(CHARGE, "/charge"),
        paid(INTENT, "/payment/payment_intent"),
        paid(CHARGE, "/payment/charge"),
    ],
    amount: &["/amount_paid"],
    currency: "/currency",
    customer: "/customer",
    // The subscription's metadata: since basil, before it, and as copied to the lines.
    metadata: &["/parent/subscription_details", "/subscription_details", "/lines/data/*"],
    lines: Some(&Lines {
        list: "/lines/data",
        more: "/lines/has_more",
        price: &["/pricing/price_details/price", "/price", "/plan"],
        quantity: "/quantity",
    }),
};

pub(super) const INVOICE_PAYMENT_OBJECT: Object = Object {
    ids: &[id(INVOICE, "/invoice"), id(INTENT, "/payment/payment_intent"), id(CHARGE, "/payment/charge")],
    amount: &["/amount_paid"],
    currency: "/currency",
    customer: "/customer",
    metadata: &[],
    lines: None,
};

/// A refund or a dispute: its own id is no id of the payment.
pub(super) const BACK_OBJECT: Object = Object {
    ids: &[id(INTENT, "/payment_intent"), id(CHARGE, "/charge")],
    amount: &["/amount"],
    currency: "/currency",
    customer: "/customer",
    metadata: &[],
    lines: None,
};
