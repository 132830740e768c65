//! Faults to come: a queue for the next calls, and random ones at a rate with a seed, so that a run can be
//! repeated. A fault strikes before the change (nothing is applied) or after it (applied, the answer spoilt).

use serde::{Deserialize, Serialize};

/// Faults waiting, over all methods; further ones are refused.
pub const FAULTS_MAX: usize = 10_000;

/// The calls faults can strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `POST …/extend`
    Extend,
    /// `GET /channels/{id}`
    Read,
    /// `PATCH …/mode`
    Mode,
    /// `DELETE /channels/{id}`
    Delete,
    /// `GET /channels/list`, whatever the channel.
    List,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The change is not made.
    Before,
    /// The change is made.
    After,
}

/// What happens to the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The connection is reset (TCP RST) without a byte of an answer.
    Reset,
    /// Nothing for so long, then a reset.
    Hang {
        /// Real time, in ms.
        ms: u64,
    },
    /// Nothing and no end; the change is made so long after the call, whatever `when` says.
    LateCommit {
        /// Real time, in ms.
        ms: u64,
    },
    /// A CDN's page in HTML with this status.
    Status(u16),
    /// 200 with half a JSON object.
    CutJson,
    /// 403 with a CDN's page in HTML.
    #[serde(rename = "html_403")]
    Html403,
    /// 429 in the partner's form; never applied, whatever `when` says.
    Throttle {
        /// `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// The partner's error form with this status; with `after` it is a lie.
    Refuse(u16),
}

/// A fault and the calls it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Calls of this method.
    pub method: Method,
    /// Before or after the change.
    #[serde(default = "before")]
    pub when: When,
    /// What happens.
    pub kind: FaultKind,
    /// Calls for this channel only.
    #[serde(default)]
    pub channel: Option<String>,
    /// This many calls.
    #[serde(default = "once")]
    pub times: u32,
}

fn before() -> When {
    When::Before
}

fn once() -> u32 {
    1
}

impl Fault {
    /// For the next call of this method, whatever the channel.
    pub fn next(method: Method, when: When, kind: FaultKind) -> Self {
        Self { method, when, kind, channel: None, times: 1 }
    }

    fn strikes(&self, method: Method, channel: &str) -> bool {
        self.method == method && self.channel.as_deref().is_none_or(|named| named == channel)
    }
}

/// A fault that strikes by chance; its `times` does not count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// From 0 to 1, per call.
    pub chance: f64,
    /// What may happen.
    pub fault: Fault,
}

/// All faults to come.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    queue: Vec<Fault>,
    rates: Vec<Chance>,
    rng: fastrand::Rng,
}

impl Faults {
    /// Adds one to the end of the queue; false where it is full.
    pub fn push(&mut self, fault: Fault) -> bool {
        let room = self.queue.len() < FAULTS_MAX;
        if room && fault.times > 0 {
            self.queue.push(fault);
        }
        room
    }

    /// Replaces the random ones; the same seed and calls give the same faults.
    pub fn set_rates(&mut self, seed: u64, rates: Vec<Chance>) {
        self.rng = fastrand::Rng::with_seed(seed);
        self.rates = rates;
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Those waiting.
    pub fn waiting(&self) -> &[Fault] {
        &self.queue
    }

    /// The fault of this call: the first in the queue that strikes it, else the first of the random ones.
    pub fn take(&mut self, method: Method, channel: &str) -> Option<Fault> {
        if let Some(at) = self.queue.iter().position(|fault| fault.strikes(method, channel)) {
            let fault = self.queue.get_mut(at)?;
            fault.times = fault.times.saturating_sub(1);
            let taken = fault.clone();
            if taken.times == 0 {
                self.queue.remove(at);
            }
            return Some(taken);
        }
        let rng = &mut self.rng;
        let mut possible = self.rates.iter().filter(|rate| rate.fault.strikes(method, channel));
        possible.find(|rate| rng.f64() < rate.chance).map(|rate| rate.fault.clone())
    }
}
