//! Real-shaped event bodies with chosen values, for `send`, the demo and tests. Shapes as the providers publish them;
//! every value is invented.
//!
//! Channel and days stand where a payment of this kind would carry them. Placeholders are whole strings, replaced by a
//! value of the right kind; `{tail}` may stand inside a longer one.

use serde_json::Value;

use super::event::path;
use crate::config::Source;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Event id.
    pub event_id: String,
    /// The payment's strongest id; its other ids follow from it.
    pub payment: String,
    /// Channel the days are for.
    pub channel: String,
    /// Days bought; the text of the custom data.
    pub days: String,
    /// In the currency's smallest unit; of a currency with two decimals.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Live or test mode.
    pub livemode: bool,
    /// Seconds since epoch.
    pub created_s: i64,
}

/// A body with placeholders.
struct Template {
    provider: &'static str,
    file: &'static str,
    body: &'static str,
}

macro_rules! samples {
    ($($provider:literal: $($file:literal)*;)*) => {
        const TEMPLATES: &[Template] = &[$($(
            Template {
                provider: $provider,
                file: $file,
                body: include_str!(concat!("samples/", $provider, "/", $file)),
            }
        ),*),*];
    };
}

// The first of each provider is what is sent where none is named.
samples! {
    "stripe": "charge.succeeded.json" "checkout.session.completed.json" "invoice.paid.json" "invoice_payment.paid.json" "payment_intent.succeeded.json";
    "standard-webhooks": "payment.succeeded.json" "refund.succeeded.json";
    "polar": "order.paid.json" "refund.updated.json";
    "dodo": "payment.succeeded.json" "refund.succeeded.json";
    "paddle": "transaction.completed.json" "adjustment.updated.json" "transaction.paid.json";
    "lemonsqueezy": "order_created.json" "order_refunded.json";
    "paystack": "charge.success.json" "refund.processed.json";
    "razorpay": "payment.captured.json" "order.paid.json" "refund.processed.json";
    "square": "payment.updated.json" "refund.updated.json";
    "coinbase-commerce": "charge.confirmed.json";
    "gocardless": "payments.confirmed.json" "refunds.created.json";
    "checkout": "payment_captured.json" "payment_refunded.json";
    "creem": "checkout.completed.json" "refund.created.json";
    "mollie": "payment.paid.json" "refund.refunded.json";
    "revolut": "ORDER_COMPLETED.json";
    "adyen": "AUTHORISATION.json" "REFUND.json";
    "mollie-classic": "payment.form";
    "mercadopago": "payment.json";
    "yookassa": "payment.succeeded.json" "refund.succeeded.json";
    "xendit": "PAID.json" "refund.succeeded.json";
    "flutterwave": "charge.completed.json" "refund.completed.json";
    "paypal": "PAYMENT.CAPTURE.COMPLETED.json" "PAYMENT.CAPTURE.REFUNDED.json";
}

impl Template {
    /// The event type, as the file's name tells it.
    fn kind(&self) -> &'static str {
        self.file.rsplit_once('.').map_or(self.file, |(kind, _)| kind)
    }
}

/// Event types that can be made.
pub fn kinds(provider: &str) -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().filter(move |template| template.provider == provider).map(Template::kind)
}

impl Sample {
    /// The body of an event of this type; the error lists the types there are.
    pub fn body(&self, source: &Source, kind: &str) -> Result<Vec<u8>, String> {
        let provider = source.provider.as_str();
        let of_it = |template: &&Template| template.provider == provider && template.kind() == kind;
        let template = TEMPLATES.iter().find(of_it).ok_or_else(|| {
            let known: Vec<_> = kinds(provider).collect();
            format!("no sample of event type {kind:?}; there are: {}", known.join(", "))
        })?;
        Ok(self.whole(source, template.body))
    }

    /// A template with its values; indented by two where it is JSON, as many providers send it.
    pub fn whole(&self, source: &Source, template: &str) -> Vec<u8> {
        let Ok(mut event) = serde_json::from_str(template) else {
            return self.filled(template.trim()).into_bytes();
        };
        self.fill(&mut event);
        if let Some(mode) = &source.events.livemode {
            let word = if self.livemode { mode.live.first() } else { mode.test.first() };
            let word =
                word.map(|word| word.parse::<bool>().map_or_else(|_| word.as_str().into(), Value::Bool));
            path::put(&mut event, &mode.at, word.unwrap_or_default());
        }
        format!("{event:#}").into_bytes()
    }

    /// Replaces the placeholders, wherever they stand.
    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                *value = match text.as_str() {
                    "{amount}" => self.amount.into(),
                    "{livemode}" => self.livemode.into(),
                    "{created}" => self.created_s.into(),
                    "{created_ms}" => self.created_s.saturating_mul(1000).into(),
                    _ => self.filled(text).into(),
                };
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.fill(value)),
            Value::Object(entries) => entries.values_mut().for_each(|value| self.fill(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn filled(&self, text: &str) -> String {
        let created = jiff::Timestamp::from_second(self.created_s).unwrap_or_default();
        let (whole, cents) = (self.amount.div_euclid(100), self.amount.rem_euclid(100));
        text.replace("{event}", &self.event_id)
            .replace("{payment}", &self.payment)
            .replace("{tail}", self.payment.split_once('_').map_or(&*self.payment, |(_, tail)| tail))
            .replace("{channel}", &self.channel)
            .replace("{days}", &self.days)
            .replace("{amount_text}", &self.amount.to_string())
            .replace("{amount_major}", &format!("{whole}.{cents:02}"))
            .replace("{currency}", &self.currency)
            .replace("{CURRENCY}", &self.currency.to_ascii_uppercase())
            .replace("{created_rfc3339}", &created.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::facts::Meaning,
        provider::event::read::{Beside, read},
    };

    #[test]
    fn every_sample_of_stripe_is_read() {
        let source = crate::config::Source::of_preset("stripe").unwrap();
        let sample = Sample {
            event_id: "evt_1".into(),
            payment: "pi_3Demo".into(),
            channel: "DEMOCH-AB12C".into(),
            days: "30".into(),
            amount: 900,
            currency: "usd".into(),
            livemode: true,
            created_s: 1_760_000_000,
        };
        for kind in kinds("stripe") {
            let body = sample.body(&source, kind).unwrap();
            let facts = read(&source, &body, Beside { event_type: kind, received_at: 0 }, None).unwrap();
            assert_eq!(facts.occurred_at, 1_760_000_000_000, "{kind}");
            let link = kind == "invoice_payment.paid";
            assert_eq!(facts.meaning == Meaning::Link, link, "{kind}");
            assert_eq!(facts.channel.is_empty(), link, "{kind}");
            if !link {
                assert_eq!(facts.channel[0].value, "DEMOCH-AB12C", "{kind}");
                assert_eq!(facts.days[0].value, "30", "{kind}");
                assert_eq!(facts.money.unwrap().amount, 900, "{kind}");
            }
            if kind != "invoice.paid" {
                assert_eq!(facts.ids[0].id, "pi_3Demo", "{kind}");
            }
        }
        assert!(
            sample.body(&source, "x").unwrap_err().contains("charge.succeeded, checkout.session.completed")
        );
        let bytes = sample.body(&source, "charge.succeeded").unwrap().len();
        assert!((2200..3200).contains(&bytes), "{bytes}");
    }
}
