//! What Stripe tells of a payment: by a charge with its own metadata, by Checkout, or by Billing.

use serde_json::{Value, json};

use super::payment::{Event, Occasion, PAYER, Payment, Way};

impl Payment {
    /// Makes the events that tell of it.
    pub(super) fn stripe(&mut self, of: Occasion, now_s: i64) {
        match of {
            Occasion::Paid => self.stripe_paid(now_s),
            Occasion::Refund(id) => {
                self.make(
                    &format!("refund.{id}"),
                    "refund.created",
                    self.refund_object(id, "succeeded"),
                    now_s,
                );
                let charge = self.charge(&json!({}));
                self.make(&format!("refunded.{id}"), "charge.refunded", charge, now_s);
            }
            Occasion::RefundFails(id) => {
                self.make(&format!("failed.{id}"), "refund.failed", self.refund_object(id, "failed"), now_s);
            }
            Occasion::Dispute => {
                self.make("dispute", "charge.dispute.created", self.dispute_object("needs_response"), now_s);
            }
            Occasion::Won => {
                self.make("dispute_closed", "charge.dispute.closed", self.dispute_object("won"), now_s);
            }
            Occasion::Tried => {
                let own =
                    if matches!(self.way, Way::Direct | Way::Customer) { self.metadata() } else { json!({}) };
                let mut charge = self.charge(&own);
                charge["id"] = json!(format!("ch_tried_{}", self.name));
                (charge["status"], charge["paid"], charge["captured"]) =
                    (json!("failed"), json!(false), json!(false));
                charge["amount_captured"] = json!(0);
                self.make("tried", "charge.failed", charge, now_s);
                let mut intent = self.intent(&own);
                intent["latest_charge"] = json!(format!("ch_tried_{}", self.name));
                (intent["status"], intent["amount_received"]) = (json!("requires_payment_method"), json!(0));
                self.make("intent_failed", "payment_intent.payment_failed", intent, now_s);
            }
            Occasion::Aside => {
                let mut charge = self.charge(&json!({ "note": "looked at" }));
                charge["description"] = json!("a note of the seller's");
                self.make("noted", "charge.updated", charge, now_s);
            }
            Occasion::Ended if self.way == Way::Subscription => {
                self.make("ended", "customer.subscription.deleted", self.subscription_object(), now_s);
            }
            Occasion::Behind if self.way == Way::Subscription => {
                let mut invoice = self.invoice(&json!({}));
                invoice["id"] = json!(format!("in_{}_next", self.name));
                (invoice["status"], invoice["amount_paid"]) = (json!("open"), json!(0));
                self.make("behind", "invoice.payment_failed", invoice, now_s);
            }
            Occasion::Ended | Occasion::Behind => {}
            Occasion::Lost => {
                self.make("dispute_closed", "charge.dispute.closed", self.dispute_object("lost"), now_s);
            }
        }
    }

    fn stripe_paid(&mut self, now_s: i64) {
        let (mine, none) = (self.metadata(), json!({}));
        let own = if matches!(self.way, Way::Direct | Way::Customer) { &mine } else { &none };
        self.make("charge", "charge.succeeded", self.charge(own), now_s);
        self.make("intent", "payment_intent.succeeded", self.intent(own), now_s);
        match self.way {
            Way::Checkout => self.make("session", "checkout.session.completed", self.session(&mine), now_s),
            Way::Subscription => {
                self.make("invoice", "invoice.paid", self.invoice(&mine), now_s);
                self.make("joined", "invoice_payment.paid", self.invoice_payment(), now_s);
            }
            Way::Direct | Way::Customer | Way::At(_) | Way::Granted => {}
        }
    }

    fn metadata(&self) -> Value {
        match self.way {
            Way::Customer => json!({ "days": self.days.to_string() }),
            _ => json!({ "channel_id": self.pointer, "days": self.days.to_string() }),
        }
    }

    fn customer(&self) -> Value {
        match self.way {
            Way::Customer => json!(self.customer),
            _ => Value::Null,
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
        self.events.insert(word.to_owned(), Event::new(body, vec!["/id".to_owned()]));
    }

    fn charge(&self, metadata: &Value) -> Value {
        let refunded = self.refunded();
        json!({
            "id": format!("ch_{}", self.name),
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount,
            "amount_refunded": refunded,
            "billing_details": { "email": "anna@example.com", "name": PAYER },
            "captured": true,
            "created": self.paid_s,
            "currency": "usd",
            "customer": self.customer(),
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
            "customer": self.customer(),
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
            "customer": self.customer,
            "lines": { "object": "list", "data": [{
                "id": format!("il_{}", self.name),
                "object": "line_item",
                "amount": self.amount,
                "metadata": {},
                "parent": {
                    "subscription_item_details": { "proration": false, "subscription": self.subscription },
                    "type": "subscription_item_details",
                },
                "pricing": { "price_details": { "price": "price_1Month", "product": "prod_Channel" } },
                "quantity": 1,
            }], "has_more": false },
            "livemode": true,
            "metadata": {},
            "parent": {
                "subscription_details": { "metadata": metadata, "subscription": self.subscription },
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

    fn subscription_object(&self) -> Value {
        json!({
            "id": self.subscription,
            "object": "subscription",
            "canceled_at": self.ended_s,
            "customer": self.customer,
            "ended_at": self.ended_s,
            "livemode": true,
            "metadata": {},
            "status": "canceled",
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
}
