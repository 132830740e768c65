//! What Stripe's events mean. One payment fires several of them, in any order, some twice under two ids;
//! the source's one family grants days, the others only join ids.
//!
//! Limit: since API version 2025-03-31.basil an invoice no longer tells that it was paid out of band.

use super::objects::{
    BACK_OBJECT, CHARGE_OBJECT, INTENT_OBJECT, INVOICE_OBJECT, INVOICE_PAYMENT_OBJECT, SESSION_OBJECT,
};
use crate::provider::map::{Event, EventMap, Rule, Sense, Test};

const fn when(path: &'static str, is: &'static [&'static str], then: Sense) -> Rule {
    Rule { when: Test { path, is }, then }
}

const OUT_OF_BAND: Sense = Sense::Ignored("paid out of band: no money moved at the provider");
const REFUND_FAILED: Sense = Sense::Ignored("the refund failed: no money went back");
const INQUIRY: Sense = Sense::Ignored("an inquiry only: no money was withdrawn");
const WON: Sense = Sense::Ignored("the dispute was won: the money stays");

pub(super) const MAP: EventMap = EventMap {
    id: "id",
    kind: "type",
    is: Test { path: "/object", is: &["event"] },
    is_not: &[(
        Test { path: "/object", is: &["v2.core.event"] },
        "a v2 thin event carries no data: select snapshot events for this endpoint",
    )],
    occurred_at_s: "/created",
    livemode: "/livemode",
    account: "/account",
    object: "/data/object",
    events: &[
        Event {
            kinds: &["charge.succeeded"],
            object: &CHARGE_OBJECT,
            // Also sent for an authorisation; the money comes with `charge.captured`.
            rules: &[when("/captured", &["true"], Sense::MoneyIn("charges"))],
            otherwise: Sense::Link,
        },
        Event {
            kinds: &["charge.captured"],
            object: &CHARGE_OBJECT,
            rules: &[],
            otherwise: Sense::MoneyIn("charges"),
        },
        Event {
            kinds: &["payment_intent.succeeded"],
            object: &INTENT_OBJECT,
            rules: &[],
            otherwise: Sense::MoneyIn("payment_intents"),
        },
        Event {
            kinds: &["checkout.session.completed"],
            object: &SESSION_OBJECT,
            // Completed is not paid: a bank debit is paid days later, a trial asks for nothing.
            rules: &[when("/payment_status", &["paid"], Sense::MoneyIn("checkout"))],
            otherwise: Sense::Link,
        },
        Event {
            kinds: &["checkout.session.async_payment_succeeded"],
            object: &SESSION_OBJECT,
            rules: &[],
            otherwise: Sense::MoneyIn("checkout"),
        },
        Event {
            kinds: &["invoice.paid", "invoice.payment_succeeded"],
            object: &INVOICE_OBJECT,
            rules: &[when("/paid_out_of_band", &["true"], OUT_OF_BAND)],
            otherwise: Sense::MoneyIn("invoices"),
        },
        // Since basil the only body that joins invoice and payment intent.
        Event {
            kinds: &["invoice_payment.paid"],
            object: &INVOICE_PAYMENT_OBJECT,
            rules: &[],
            otherwise: Sense::Link,
        },
        Event { kinds: &["charge.refunded"], object: &CHARGE_OBJECT, rules: &[], otherwise: Sense::Refund },
        Event {
            kinds: &["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"],
            object: &BACK_OBJECT,
            rules: &[when("/status", &["failed", "canceled"], REFUND_FAILED)],
            otherwise: Sense::Refund,
        },
        Event {
            kinds: &["charge.dispute.funds_reinstated"],
            object: &BACK_OBJECT,
            rules: &[],
            otherwise: Sense::Ignored("the disputed money came back"),
        },
        Event {
            kinds: &[
                "charge.dispute.created",
                "charge.dispute.updated",
                "charge.dispute.funds_withdrawn",
                "charge.dispute.closed",
            ],
            object: &BACK_OBJECT,
            rules: &[
                when(
                    "/status",
                    &["warning_needs_response", "warning_under_review", "warning_closed"],
                    INQUIRY,
                ),
                when("/status", &["won"], WON),
            ],
            otherwise: Sense::Refund,
        },
    ],
};

#[cfg(test)]
mod tests {
    /// Stripe's own limit for `types[]` of its list of events.
    #[test]
    fn all_types_can_be_asked_for_at_once() {
        let kinds: usize = super::MAP.events.iter().map(|event| event.kinds.len()).sum();
        assert!(kinds <= 20, "{kinds}");
    }
}
