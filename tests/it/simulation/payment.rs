//! Payments as they are at their providers. What happened is the truth that the judge goes by; events only tell it, late,
//! twice and in any order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::life::{Life, lives};

/// A payer's name, which may hold anything.
pub const PAYER: &str = "Anna Example";

/// How a payer pays, which decides the events that tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Stripe: a charge with its own metadata.
    Direct,
    /// The same, of a customer whose channel nothing says but the directory.
    Customer,
    /// Stripe Checkout: only the session has metadata.
    Checkout,
    /// Stripe Billing since basil: only the invoice has metadata, and one event joins it to the payment.
    Subscription,
    /// Another provider.
    At(&'static Life),
    /// Not at all: a person grants its days.
    Granted,
}

/// What events may tell of.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    Paid,
    Refund(&'a str),
    RefundFails(&'a str),
    Dispute,
    Won,
    Lost,
    /// The payer tried before, and it failed.
    Tried,
    /// Nothing that matters here: a note, a fee, a mail.
    Aside,
    /// Its subscription ends.
    Ended,
    /// The next money of its subscription did not come.
    Behind,
}

impl Way {
    pub fn word(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Customer => "customer",
            Way::Checkout => "session",
            Way::Subscription => "subscription",
            Way::At(life) => &life.provider,
            Way::Granted => "granted",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "direct" => Some(Way::Direct),
            "customer" => Some(Way::Customer),
            "session" => Some(Way::Checkout),
            "subscription" => Some(Way::Subscription),
            _ => lives().iter().find(|life| life.provider == word).map(Way::At),
        }
    }

    /// The source in the settings whose endpoint is told.
    pub fn source(self) -> &'static str {
        match self {
            Way::Direct | Way::Customer | Way::Checkout | Way::Subscription => "stripe",
            Way::At(life) => &life.provider,
            Way::Granted => "grant",
        }
    }

    fn whole_refunds(self) -> bool {
        matches!(self, Way::At(life) if life.whole_refunds)
    }

    /// The events that tell of it.
    pub fn events(self, of: Occasion) -> Vec<String> {
        match self {
            Way::At(life) => life.words(of).collect(),
            Way::Granted => Vec::new(),
            Way::Direct | Way::Customer | Way::Checkout | Way::Subscription => self.of_stripe(of),
        }
    }

    fn of_stripe(self, of: Occasion) -> Vec<String> {
        let words: &[&str] = match of {
            Occasion::Paid => match self {
                Way::Checkout => &["charge", "intent", "session"],
                Way::Subscription => &["charge", "intent", "invoice", "joined"],
                Way::Direct | Way::Customer | Way::At(_) | Way::Granted => &["charge", "intent"],
            },
            Occasion::Refund(id) => return vec![format!("refund.{id}"), format!("refunded.{id}")],
            Occasion::RefundFails(id) => return vec![format!("failed.{id}")],
            Occasion::Dispute => &["dispute"],
            Occasion::Won | Occasion::Lost => &["dispute_closed"],
            Occasion::Tried => &["tried", "intent_failed"],
            Occasion::Aside => &["noted"],
            Occasion::Ended | Occasion::Behind if self != Way::Subscription => &[],
            Occasion::Ended => &["ended"],
            Occasion::Behind => &["behind"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// Whoever pays for a channel.
pub fn customer_of(channel: &str) -> String {
    format!("cus_{channel}")
}

/// What a seller calls a channel that has ids of their own for them.
pub fn alias_of(channel: &str) -> String {
    format!("shop {channel}")
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

/// An event, as it was made, and where its own ids stand.
#[derive(Debug, Clone)]
pub struct Event {
    pub body: Value,
    pub ids: Vec<String>,
    pub told: u32,
    /// It was told, and nobody said that it is kept.
    pub unheard: bool,
}

impl Event {
    pub fn new(body: Value, ids: Vec<String>) -> Self {
        Self { body, ids, told: 0, unheard: false }
    }

    /// Whether its provider must tell it yet.
    pub fn is_untold(&self) -> bool {
        self.told == 0 || self.unheard
    }

    /// The same under another id.
    pub fn anew(&self) -> Value {
        let mut body = self.body.clone();
        for pointer in &self.ids {
            if let Some(id) = body.pointer_mut(pointer) {
                *id = json!(format!("{}_n{}", id.as_str().unwrap_or_default(), self.told));
            }
        }
        body
    }
}

/// A body as it is sent: a form's text, or JSON.
pub fn text(body: &Value) -> String {
    body.as_str().map_or_else(|| body.to_string(), str::to_owned)
}

/// A payment as it is at the provider.
#[derive(Debug, Clone)]
pub struct Payment {
    pub name: String,
    pub channel: String,
    /// What stands where its events name the channel.
    pub pointer: String,
    /// Who pays for it.
    pub customer: String,
    pub days: u32,
    pub amount: i64,
    pub way: Way,
    pub paid_s: i64,
    pub refunds: BTreeMap<String, Refund>,
    pub dispute: Option<Dispute>,
    pub was_tried: bool,
    /// The subscription that it belongs to, if it belongs to one, and when that ended.
    pub subscription: String,
    pub ended_s: Option<i64>,
    pub events: BTreeMap<String, Event>,
}

impl Payment {
    pub fn new(
        (name, way): (&str, Way),
        (channel, pointer): (&str, &str),
        days: u32,
        amount: i64,
        now_s: i64,
    ) -> Self {
        let mut payment = Self {
            name: name.to_owned(),
            channel: channel.to_owned(),
            pointer: pointer.to_owned(),
            customer: customer_of(channel),
            days,
            amount,
            way,
            paid_s: now_s,
            refunds: BTreeMap::new(),
            dispute: None,
            was_tried: false,
            subscription: format!("sub_{channel}"),
            ended_s: None,
            events: BTreeMap::new(),
        };
        payment.tells_of(Occasion::Paid, now_s);
        payment
    }

    /// Makes the events that tell of it.
    fn tells_of(&mut self, of: Occasion, now_s: i64) {
        match self.way {
            Way::At(life) => {
                let events = life.events(of, self, now_s);
                self.events.extend(events);
            }
            Way::Direct | Way::Customer | Way::Checkout | Way::Subscription => self.stripe(of, now_s),
            Way::Granted => {}
        }
    }

    /// Whether the provider has it at all.
    fn knows(&self, of: Occasion) -> bool {
        !self.way.events(of).is_empty()
    }

    /// Money that is out.
    pub fn out(&self) -> i64 {
        (self.refunded() + self.disputed()).min(self.amount)
    }

    pub fn disputed(&self) -> i64 {
        match self.dispute {
            Some(Dispute::Open | Dispute::Lost) => self.amount,
            Some(Dispute::Won) | None => 0,
        }
    }

    pub fn refunded(&self) -> i64 {
        self.refunds.values().filter(|one| one.stands).map(|one| one.amount).sum()
    }

    /// Days that the money covers: the payer keeps a day that was begun.
    pub fn due(&self) -> u32 {
        let off = i64::from(self.days) * self.out() / self.amount;
        self.days - u32::try_from(off).unwrap()
    }

    /// Days that are due by what `told` has of money that went out and never came back; `None`: no event of it tells yet whose
    /// money it was.
    pub fn due_as_told(&self, told: impl Fn(&str) -> bool) -> Option<u32> {
        let all = |of: Occasion| self.way.events(of).iter().all(|word| told(word));
        // Once it was made, it may have been read in the provider's list.
        let never = |of: Occasion| !self.way.events(of).iter().any(|word| self.events.contains_key(word));
        if self.way == Way::Subscription && !told("joined") {
            return None;
        }
        let refunded = self.refunds.iter().filter(|(id, _)| all(Occasion::Refund(id)));
        let stands = refunded.filter(|(id, _)| never(Occasion::RefundFails(id)));
        let disputed = self.dispute.is_some() && all(Occasion::Dispute) && never(Occasion::Won);
        let out = stands.map(|(_, refund)| refund.amount).sum::<i64>() + i64::from(disputed) * self.amount;
        let off = i64::from(self.days) * out.min(self.amount) / self.amount;
        Some(self.days - u32::try_from(off).unwrap())
    }

    pub fn refund(&mut self, id: &str, amount: i64, now_s: i64) {
        let left = self.amount - self.refunded();
        let amount = if self.way.whole_refunds() { left } else { amount };
        if self.knows(Occasion::Refund(id)) && amount > 0 {
            self.refunds.insert(id.to_owned(), Refund { amount, stands: true });
            self.tells_of(Occasion::Refund(id), now_s);
        }
    }

    pub fn refund_fails(&mut self, id: &str, now_s: i64) {
        let known = self.knows(Occasion::RefundFails(id));
        if let Some(refund) = self.refunds.get_mut(id).filter(|_| known) {
            refund.stands = false;
            self.tells_of(Occasion::RefundFails(id), now_s);
        }
    }

    /// A minute before it was paid.
    pub fn tried(&mut self) {
        self.was_tried = true;
        self.tells_of(Occasion::Tried, self.paid_s - 60);
    }

    /// Its subscription does.
    pub fn ends(&mut self, now_s: i64) {
        if self.ended_s.is_none() && self.knows(Occasion::Ended) {
            self.ended_s = Some(now_s);
            self.tells_of(Occasion::Ended, now_s);
        }
    }

    pub fn behind(&mut self, now_s: i64) {
        self.tells_of(Occasion::Behind, now_s);
    }

    pub fn aside(&mut self, now_s: i64) {
        self.tells_of(Occasion::Aside, now_s);
    }

    pub fn dispute(&mut self, now_s: i64) {
        if self.dispute.is_none() && self.knows(Occasion::Dispute) {
            self.dispute = Some(Dispute::Open);
            self.tells_of(Occasion::Dispute, now_s);
        }
    }

    pub fn dispute_ends(&mut self, won: bool, now_s: i64) {
        let (of, end) = match won {
            true => (Occasion::Won, Dispute::Won),
            false => (Occasion::Lost, Dispute::Lost),
        };
        if self.dispute == Some(Dispute::Open) && self.knows(of) {
            self.dispute = Some(end);
            self.tells_of(of, now_s);
        }
    }
}
