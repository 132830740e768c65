//! Stripe, all of it: raw bodies, in the shapes of several versions of its API, into grants.

/// Bodies in, grants out.
pub(crate) mod till;

/// Many events, one purchase.
mod families;

/// Sessions that take money, later, or not at all.
mod sessions;

/// Invoices and what their lines say.
mod invoices;

/// Connected accounts, several endpoints, test clocks.
mod accounts;

/// Events without their object.
mod thin;

/// Payments made at localstripe, which calls us.
mod traffic;
