//! The providers: what really happened to each payment, and the events that tell it, in the providers' own shapes. What
//! happened is the truth that the judge goes by; events only tell it, late, twice and in any order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::story::words;

words! {
    /// How a payer pays, which decides the events that tell of it.
    Way {
        /// Stripe: a charge with its own metadata.
        Direct = "direct",
        /// Stripe Checkout: only the session has metadata.
        Checkout = "checkout",
        /// Stripe Billing since basil: only the invoice has metadata, and one event joins it to the payment.
        Subscription = "subscription",
        /// Paystack.
        Paystack = "paystack",
    }
}

impl Way {
    /// The source in the settings whose endpoint is told.
    pub fn source(self) -> &'static str {
        match self {
            Way::Direct | Way::Checkout | Way::Subscription => "stripe",
            Way::Paystack => "paystack",
        }
    }
}

/// A refund: how much, and whether it went through.
#[derive(Debug, Clone, Copy)]
pub struct Refund {
    pub amount: i64,
    pub stands: bool,
}

/// Where a dispute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispute {
    Open,
    Won,
    Lost,
}

/// An event, as it was made.
#[derive(Debug, Clone)]
pub struct Event {
    pub body: Value,
    pub told: u32,
}

/// A payment as it is at the provider.
#[derive(Debug, Clone)]
pub struct Payment {
    pub name: String,
    pub channel: String,
    pub days: u32,
    pub amount: i64,
    pub way: Way,
    pub paid_s: i64,
    pub refunds: BTreeMap<String, Refund>,
    pub dispute: Option<Dispute>,
    pub events: BTreeMap<String, Event>,
}

impl Payment {
    pub fn new(name: &str, channel: &str, days: u32, amount: i64, way: Way, now_s: i64) -> Self {
        let mut payment = Self {
            name: name.to_owned(),
            channel: channel.to_owned(),
            days,
            amount,
            way,
            paid_s: now_s,
            refunds: BTreeMap::new(),
            dispute: None,
            events: BTreeMap::new(),
        };
        let mine = json!({ "channel_id": channel, "days": days.to_string() });
        let none = json!({});
        match way {
            Way::Direct => {
                payment.make("charge", "charge.succeeded", payment.charge(&mine), now_s);
                payment.make("intent", "payment_intent.succeeded", payment.intent(&mine), now_s);
            }
            Way::Checkout => {
                payment.make("charge", "charge.succeeded", payment.charge(&none), now_s);
                payment.make("intent", "payment_intent.succeeded", payment.intent(&none), now_s);
                payment.make("session", "checkout.session.completed", payment.session(&mine), now_s);
            }
            Way::Subscription => {
                payment.make("charge", "charge.succeeded", payment.charge(&none), now_s);
                payment.make("intent", "payment_intent.succeeded", payment.intent(&none), now_s);
                payment.make("invoice", "invoice.paid", payment.invoice(&mine), now_s);
                payment.make("joined", "invoice_payment.paid", payment.invoice_payment(), now_s);
            }
            Way::Paystack => payment.paystack("charge", "charge.success", payment.transaction(&mine)),
        }
        payment
    }

    /// Money that is out.
    pub fn out(&self) -> i64 {
        let refunded: i64 = self.refunds.values().filter(|one| one.stands).map(|one| one.amount).sum();
        let disputed = match self.dispute {
            Some(Dispute::Open | Dispute::Lost) => self.amount,
            Some(Dispute::Won) | None => 0,
        };
        (refunded + disputed).min(self.amount)
    }

    /// Days that the money covers: the payer keeps a day that was begun.
    pub fn due(&self) -> u32 {
        let off = i64::from(self.days) * self.out() / self.amount;
        self.days - u32::try_from(off).unwrap()
    }

    pub fn refund(&mut self, id: &str, amount: i64, now_s: i64) {
        self.refunds.insert(id.to_owned(), Refund { amount, stands: true });
        match self.way {
            Way::Paystack => self.paystack(&format!("refund.{id}"), "refund.processed", self.paid_back(id)),
            _ => {
                self.make(
                    &format!("refund.{id}"),
                    "refund.created",
                    self.refund_object(id, "succeeded"),
                    now_s,
                );
                let charge = self.charge(&json!({}));
                self.make(&format!("refunded.{id}"), "charge.refunded", charge, now_s);
            }
        }
    }

    pub fn refund_fails(&mut self, id: &str, now_s: i64) {
        if let Some(refund) = self.refunds.get_mut(id).filter(|_| self.way != Way::Paystack) {
            refund.stands = false;
            self.make(&format!("failed.{id}"), "refund.failed", self.refund_object(id, "failed"), now_s);
        }
    }

    pub fn dispute(&mut self, now_s: i64) {
        if self.way != Way::Paystack && self.dispute.is_none() {
            self.dispute = Some(Dispute::Open);
            let object = self.dispute_object("needs_response");
            self.make("dispute", "charge.dispute.created", object, now_s);
        }
    }

    pub fn dispute_ends(&mut self, won: bool, now_s: i64) {
        if self.dispute == Some(Dispute::Open) {
            self.dispute = Some(if won { Dispute::Won } else { Dispute::Lost });
            let object = self.dispute_object(if won { "won" } else { "lost" });
            self.make("dispute_closed", "charge.dispute.closed", object, now_s);
        }
    }

    fn make(&mut self, word: &str, kind: &str, object: Value, now_s: i64) {
        let body = json!({
            "id": format!("evt_{}_{}", self.name, word.replace('.', "_")),
            "object": "event",
            "api_version": "2025-08-27.basil",
            "created": now_s,
            "data": { "object": object },
            "livemode": true,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": kind,
        });
        self.events.insert(word.to_owned(), Event { body, told: 0 });
    }

    fn refunded(&self) -> i64 {
        self.refunds.values().filter(|one| one.stands).map(|one| one.amount).sum()
    }

    fn charge(&self, metadata: &Value) -> Value {
        let refunded = self.refunded();
        json!({
            "id": format!("ch_{}", self.name),
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount,
            "amount_refunded": refunded,
            "billing_details": { "email": "anna@example.com", "name": "Anna Example" },
            "captured": true,
            "created": self.paid_s,
            "currency": "usd",
            "customer": null,
            "disputed": self.dispute.is_some(),
            "livemode": true,
            "metadata": metadata,
            "paid": true,
            "payment_intent": format!("pi_{}", self.name),
            "refunded": refunded >= self.amount,
            "status": "succeeded",
        })
    }

    fn intent(&self, metadata: &Value) -> Value {
        json!({
            "id": format!("pi_{}", self.name),
            "object": "payment_intent",
            "amount": self.amount,
            "amount_received": self.amount,
            "created": self.paid_s,
            "currency": "usd",
            "customer": null,
            "latest_charge": format!("ch_{}", self.name),
            "livemode": true,
            "metadata": metadata,
            "status": "succeeded",
        })
    }

    fn session(&self, metadata: &Value) -> Value {
        json!({
            "id": format!("cs_{}", self.name),
            "object": "checkout.session",
            "amount_total": self.amount,
            "client_reference_id": null,
            "created": self.paid_s,
            "currency": "usd",
            "customer": null,
            "invoice": null,
            "livemode": true,
            "metadata": metadata,
            "mode": "payment",
            "payment_intent": format!("pi_{}", self.name),
            "payment_status": "paid",
            "status": "complete",
        })
    }

    fn invoice(&self, metadata: &Value) -> Value {
        json!({
            "id": format!("in_{}", self.name),
            "object": "invoice",
            "amount_due": self.amount,
            "amount_paid": self.amount,
            "billing_reason": "subscription_cycle",
            "created": self.paid_s,
            "currency": "usd",
            "customer": format!("cus_{}", self.name),
            "lines": { "object": "list", "data": [{
                "id": format!("il_{}", self.name),
                "object": "line_item",
                "amount": self.amount,
                "metadata": {},
                "parent": {
                    "subscription_item_details": { "proration": false, "subscription": format!("sub_{}", self.name) },
                    "type": "subscription_item_details",
                },
                "pricing": { "price_details": { "price": "price_1Month", "product": "prod_Channel" } },
                "quantity": 1,
            }], "has_more": false },
            "livemode": true,
            "metadata": {},
            "parent": {
                "subscription_details": { "metadata": metadata, "subscription": format!("sub_{}", self.name) },
                "type": "subscription_details",
            },
            "status": "paid",
            "status_transitions": { "paid_at": self.paid_s },
        })
    }

    fn invoice_payment(&self) -> Value {
        json!({
            "id": format!("inpay_{}", self.name),
            "object": "invoice_payment",
            "amount_paid": self.amount,
            "created": self.paid_s,
            "currency": "usd",
            "invoice": format!("in_{}", self.name),
            "livemode": true,
            "payment": { "payment_intent": format!("pi_{}", self.name), "type": "payment_intent" },
            "status": "paid",
            "status_transitions": { "canceled_at": null, "paid_at": self.paid_s },
        })
    }

    fn refund_object(&self, id: &str, status: &str) -> Value {
        json!({
            "id": format!("re_{}_{id}", self.name),
            "object": "refund",
            "amount": self.refunds[id].amount,
            "charge": format!("ch_{}", self.name),
            "currency": "usd",
            "metadata": {},
            "payment_intent": format!("pi_{}", self.name),
            "status": status,
        })
    }

    fn dispute_object(&self, status: &str) -> Value {
        json!({
            "id": format!("dp_{}", self.name),
            "object": "dispute",
            "amount": self.amount,
            "charge": format!("ch_{}", self.name),
            "currency": "usd",
            "metadata": {},
            "payment_intent": format!("pi_{}", self.name),
            "reason": "fraudulent",
            "status": status,
        })
    }

    fn paystack(&mut self, word: &str, kind: &str, data: Value) {
        let body = json!({ "event": kind, "data": data });
        self.events.insert(word.to_owned(), Event { body, told: 0 });
    }

    fn transaction(&self, metadata: &Value) -> Value {
        json!({
            "id": format!("tr_{}", self.name),
            "domain": "live",
            "status": "success",
            "reference": self.name,
            "amount": self.amount,
            "paid_at": rfc3339(self.paid_s),
            "created_at": rfc3339(self.paid_s),
            "channel": "card",
            "currency": "USD",
            "metadata": metadata,
            "customer": { "email": "buyer@example.com", "customer_code": "CUS_1" },
        })
    }

    fn paid_back(&self, id: &str) -> Value {
        json!({
            "id": format!("refund-{}-{id}", self.name),
            "status": "processed",
            "transaction_reference": self.name,
            "refund_reference": format!("RF-{}-{id}", self.name),
            "amount": self.refunds[id].amount.to_string(),
            "currency": "USD",
            "domain": "live",
        })
    }
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

/// The same event under another id.
pub fn anew(body: &Value, number: u32) -> Value {
    let mut body = body.clone();
    if let Some(id) = body["id"].as_str() {
        body["id"] = json!(format!("{id}_n{number}"));
    }
    body
}
