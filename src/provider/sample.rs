//! Real-shaped event bodies with chosen values, for `send`, the demo and tests. Shapes as Stripe publishes
//! them since API version 2025-03-31.basil; every value is invented.
//!
//! Metadata stands where a payment of this kind would carry it: on the object, or with the subscription.

use serde_json::Value;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Event id, `evt_…`.
    pub event_id: String,
    /// Payment intent, `pi_…`; the other ids of the payment follow from it.
    pub payment: String,
    /// Channel the days are for.
    pub channel: String,
    /// Days bought; the text of the metadata.
    pub days: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Live or test mode.
    pub livemode: bool,
    /// Seconds since epoch.
    pub created_s: i64,
}

struct Template {
    kind: &'static str,
    body: &'static str,
    /// Where the metadata is, besides `/data/object/metadata`; empty: nowhere.
    metadata: &'static str,
}

const TEMPLATES: [Template; 5] = [
    Template {
        kind: "charge.succeeded",
        body: include_str!("stripe/samples/charge.succeeded.json"),
        metadata: "/data/object/metadata",
    },
    Template {
        kind: "payment_intent.succeeded",
        body: include_str!("stripe/samples/payment_intent.succeeded.json"),
        metadata: "/data/object/metadata",
    },
    Template {
        kind: "checkout.session.completed",
        body: include_str!("stripe/samples/checkout.session.completed.json"),
        metadata: "/data/object/metadata",
    },
    Template {
        kind: "invoice.paid",
        body: include_str!("stripe/samples/invoice.paid.json"),
        metadata: "/data/object/parent/subscription_details/metadata",
    },
    Template {
        kind: "invoice_payment.paid",
        body: include_str!("stripe/samples/invoice_payment.paid.json"),
        metadata: "",
    },
];

/// Event types that can be made.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|template| template.kind)
}

impl Sample {
    /// The body of an event of this type; the error lists the types there are.
    pub fn body(&self, kind: &str) -> Result<Vec<u8>, String> {
        let template = TEMPLATES.iter().find(|template| template.kind == kind).ok_or_else(|| {
            format!("no sample of event type {kind:?}; there are: {}", kinds().collect::<Vec<_>>().join(", "))
        })?;
        let mut event = serde_json::from_str(template.body).map_err(|error| error.to_string())?;
        self.fill(&mut event);
        if let Some(metadata) = event.pointer_mut(template.metadata).filter(|_| !template.metadata.is_empty())
        {
            *metadata = serde_json::json!({ "channel_id": self.channel, "days": self.days });
        }
        // Indented by two, as the provider sends it.
        serde_json::to_vec_pretty(&event).map_err(|error| error.to_string())
    }

    /// Replaces the templates' placeholders, wherever they stand.
    fn fill(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let tail = self.payment.strip_prefix("pi_").unwrap_or(&self.payment);
                *value = match text.as_str() {
                    "{event}" => self.event_id.clone().into(),
                    "{payment}" => self.payment.clone().into(),
                    "{channel}" => self.channel.clone().into(),
                    "{currency}" => self.currency.clone().into(),
                    "{amount}" => self.amount.into(),
                    "{livemode}" => self.livemode.into(),
                    "{created}" => self.created_s.into(),
                    _ => text.replace("{tail}", tail).into(),
                };
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.fill(value)),
            Value::Object(entries) => entries.values_mut().for_each(|value| self.fill(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, domain::facts::Meaning, provider::Sources};

    #[test]
    fn every_sample_is_read() {
        let config: Config = toml::from_str("[sources.stripe]\nprovider = \"stripe\"").unwrap();
        let readers = Sources::readers(&config).unwrap();
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
        for kind in kinds() {
            let facts = readers.read("stripe", &sample.body(kind).unwrap()).unwrap();
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
        assert!(sample.body("x").unwrap_err().contains("charge.succeeded, payment_intent.succeeded"));
        let bytes = sample.body("charge.succeeded").unwrap().len();
        assert!((2200..3200).contains(&bytes), "{bytes}");
    }
}
