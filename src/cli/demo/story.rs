//! What the demo sends, and whether each outcome was the right one.

use std::time::Duration;

use daybridge::{
    clock,
    config::Source,
    domain::{Ms, closed::PaymentState},
    ledger::{
        query::{Page, PaymentQuery},
        view::{EventOutcome, Payment},
    },
    provider::sample::Sample,
    simulator::{
        fault::{Fault, FaultKind, Method, When},
        record::Extend,
    },
    webhook::WEBHOOKS,
};

use super::{
    super::{Failure, send},
    stage::{CHANNELS, SECRET, Stage},
};
use crate::cli::output::text::{or_dash, say, table, time};

/// Longest the story waits for a payment to come to rest.
const REST_MAX: Duration = Duration::from_secs(30);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// Tells the story; returns what went wrong.
pub async fn tell(stage: &Stage) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    let mut teller = Teller { stage, client: send::client().build()?, events: 0, wrong: &mut wrong };

    teller.say("A customer pays 30 days for DEMOCH-AAAAA. The provider calls back, signed:");
    let paid = teller.event("charge.succeeded", "pi_demo1", "DEMOCH-AAAAA", 30)?;
    teller.post("charge.succeeded", &paid, 200, true).await?;
    teller.rest("stripe/pi_demo1", PaymentState::Credited).await?;

    teller.say("\nThe provider delivers the same event again:");
    teller.post("charge.succeeded, again", &paid, 200, true).await?;
    teller.became("stripe/pi_demo1", 2, EventOutcome::Duplicate).await?;
    teller.say("... and the same payment under a second event type, with another event id:");
    let second = teller.event("payment_intent.succeeded", "pi_demo1", "DEMOCH-AAAAA", 30)?;
    teller.post("payment_intent.succeeded", &second, 200, true).await?;
    teller.became("stripe/pi_demo1", 3, EventOutcome::Link).await?;

    teller.say("\nSomebody forges an event:");
    let forged = teller.event("charge.succeeded", "pi_forged", "DEMOCH-AAAAA", 3650)?;
    teller.post("charge.succeeded, wrong signature", &forged, 400, false).await?;

    teller.say("\nA payment names a channel that the partner does not know:");
    let unknown = teller.event("charge.succeeded", "pi_demo2", "NOSUCH-ZZZZZ", 30)?;
    teller.post("charge.succeeded", &unknown, 200, true).await?;
    teller.rest("stripe/pi_demo2", PaymentState::Held).await?;

    teller.say(
        "\n7 days for DEMOCH-CCCCC, which has run out. The partner applies them, and the connection is cut:",
    );
    stage.sim.control.push_fault(Fault::next(Method::Extend, When::After, FaultKind::Reset));
    let cut = teller.event("charge.succeeded", "pi_demo3", "DEMOCH-CCCCC", 7)?;
    teller.post("charge.succeeded", &cut, 200, true).await?;
    teller.rest("stripe/pi_demo3", PaymentState::Doubtful).await?;
    teller.rest("stripe/pi_demo3", PaymentState::Credited).await?;

    teller.say("\n30 days for DEMOCH-BBBBB, a trial: the days move, then the channel is switched to live:");
    let trial = teller.event("charge.succeeded", "pi_demo4", "DEMOCH-BBBBB", 30)?;
    teller.post("charge.succeeded", &trial, 200, true).await?;
    teller.rest("stripe/pi_demo4", PaymentState::Credited).await?;

    teller.books().await?;
    Ok(wrong)
}

struct Teller<'a> {
    stage: &'a Stage,
    client: reqwest::Client,
    events: u32,
    wrong: &'a mut Vec<String>,
}

impl Teller<'_> {
    fn say(&self, line: &str) {
        say(line);
    }

    fn event(&mut self, kind: &str, payment: &str, channel: &str, days: u32) -> Result<Vec<u8>, Failure> {
        self.events += 1;
        let sample = Sample {
            event_id: format!("evt_demo{}", self.events),
            payment: payment.into(),
            channel: channel.into(),
            days: days.to_string(),
            amount: i64::from(days) * 30,
            currency: "usd".into(),
            livemode: true,
            created_s: clock::now_ms() / 1000,
        };
        sample.body(self.source()?, kind).map_err(Failure::Failed)
    }

    fn source(&self) -> Result<&Source, Failure> {
        Ok(self.stage.config.sources.get("stripe").ok_or("the demo has no source")?)
    }

    async fn post(&mut self, what: &str, body: &[u8], want: u16, genuine: bool) -> Result<(), Failure> {
        let source = self.source()?;
        let mut signed = send::sign("stripe", source, body, "")?;
        if !genuine {
            signed.body.push(b' ');
        }
        let url = format!("{}{WEBHOOKS}stripe", self.stage.receiver_url);
        let answer = send::post(&self.client, &url, source, signed).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        say(format!("  POST /webhooks/stripe  {what}  ->  {status} {text}"));
        if status != want {
            self.wrong.push(format!("{what} was answered {status}, not {want}"));
        }
        if text.contains(SECRET) {
            self.wrong.push("an answer shows the secret".into());
        }
        Ok(())
    }

    async fn payment(&self, key: &str) -> Result<Option<Payment>, Failure> {
        Ok(self.stage.ledger.payment(key).await?.map(|whole| whole.payment))
    }

    /// Waits until a payment is in a state, or past it.
    async fn rest(&mut self, key: &str, state: PaymentState) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + REST_MAX;
        loop {
            let payment = self.payment(key).await?;
            let now = payment.as_ref().map(|payment| payment.state);
            let past = state == PaymentState::Doubtful && now == Some(PaymentState::Credited);
            if now == Some(state) || past {
                let reason = payment.and_then(|p| p.reason).map_or(String::new(), |r| format!(": {r}"));
                say(format!("  {key}  {state}{}", if past { "" } else { &reason }));
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                let now = now.map_or("not recorded", PaymentState::as_str);
                self.wrong.push(format!("{key} is {now}, not {state}"));
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until so many deliveries of a payment are recorded, and tells what became of the last one.
    async fn became(&mut self, key: &str, deliveries: usize, want: EventOutcome) -> Result<(), Failure> {
        let deadline = tokio::time::Instant::now() + REST_MAX;
        loop {
            let whole = self.stage.ledger.payment(key).await?;
            let events = whole.map(|w| w.events).unwrap_or_default();
            if let Some(event) = events.get(deliveries.saturating_sub(1)) {
                let reason = event.reason.as_deref().unwrap_or("already credited");
                let reason = reason.strip_prefix("skipped: ").unwrap_or(reason);
                say(format!("  {key}  {}: {reason}", event.outcome));
                if event.outcome != want {
                    self.wrong.push(format!("{} is {}, not {want}", event.event, event.outcome));
                }
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                self.wrong.push(format!("{} of {deliveries} deliveries of {key} are recorded", events.len()));
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Compares the ledger with the simulator's ground truth, and shows both.
    async fn books(&mut self) -> Result<(), Failure> {
        let extends = self.stage.sim.control.extends();
        let mut payments = self.stage.ledger.payments(&PaymentQuery::default(), &Page::first(100)).await?;
        payments.sort_by(|a, b| a.key.cmp(&b.key));
        say("");
        table(
            &["PAYMENT", "STATE", "CHANNEL", "DAYS", "EVENTS", "APPLIED BY THE PARTNER", "WHY"],
            rows(&payments, self.stage, &extends).await?,
        );
        say("");
        table(&["CHANNEL", "MODE", "ACTIVE TILL", "DAYS MOVED"], self.channels(&extends));
        for (key, days) in
            [("stripe/pi_demo1", 30), ("stripe/pi_demo2", 0), ("stripe/pi_demo3", 7), ("stripe/pi_demo4", 30)]
        {
            let moved = applied(&extends, key);
            if moved != (days, usize::from(days > 0)) {
                self.wrong.push(format!(
                    "{key}: {} days were moved in {} extensions, not {days}",
                    moved.0, moved.1
                ));
            }
        }
        if payments.len() != 4 {
            self.wrong.push(format!("{} payments are recorded, not 4", payments.len()));
        }
        Ok(())
    }

    fn channels(&self, extends: &[Extend]) -> Vec<Vec<String>> {
        let row = |(id, ..): &(&str, i64, &str)| {
            let channel = self.stage.sim.control.channel(id);
            let till: Option<Ms> = channel.as_ref().map(|c| c.active_till);
            let moved: i64 = extends.iter().filter(|e| e.applied && e.channel == *id).map(|e| e.days).sum();
            let mode = channel.and_then(|c| c.mode);
            vec![(*id).to_owned(), or_dash(mode), or_dash(till.map(time)), moved.to_string()]
        };
        CHANNELS.iter().map(row).collect()
    }
}

async fn rows(payments: &[Payment], stage: &Stage, extends: &[Extend]) -> Result<Vec<Vec<String>>, Failure> {
    let mut rows = Vec::new();
    for payment in payments {
        let events = stage.ledger.payment(&payment.key).await?.map_or(0, |whole| whole.events.len());
        let (days, count) = applied(extends, &payment.key);
        rows.push(vec![
            payment.key.clone(),
            payment.state.to_string(),
            or_dash(payment.channel.as_ref()),
            or_dash(payment.days),
            events.to_string(),
            format!("{days} days in {count} extension(s)"),
            payment.reason.clone().unwrap_or_default(),
        ]);
    }
    Ok(rows)
}

/// Days and extensions that the partner applied for a payment, found by the key in the comment.
fn applied(extends: &[Extend], key: &str) -> (i64, usize) {
    let key = format!(" {key}#");
    let ours = |e: &&Extend| e.applied && e.comment.as_ref().is_some_and(|comment| comment.contains(&key));
    (extends.iter().filter(ours).map(|e| e.days).sum(), extends.iter().filter(ours).count())
}
