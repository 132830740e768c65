//! A story as a text, and back: the form of `tests/data/stories/*.story`.

use std::{fmt, str::FromStr, time::Duration};

use super::{
    api::Fault,
    payment::Way,
    retire::Deletes,
    story::{Answer, Debit, Fate, Step, Story, parsed},
};

impl Story {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut story = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            match line.strip_prefix('#') {
                Some(title) if story.title.is_empty() => story.title = title.trim().to_owned(),
                Some(_) => {}
                None if line.is_empty() => {}
                None => {
                    let step = line.split_once(" #").map_or(line, |(step, _)| step);
                    let step = step.parse().map_err(|why| format!("line {}: {line}: {why}", number + 1))?;
                    story.steps.push(step);
                }
            }
        }
        Ok(story)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.title)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |after: bool| if after { "after" } else { "before" };
        match self {
            Step::Set { key, value } => write!(f, "set {key} {value}"),
            Step::Channel { name, days } => write!(f, "channel {name} {days}d"),
            Step::Balance(days) => write!(f, "balance {days}"),
            Step::Partner { habit, value } => write!(f, "partner {habit} {value}"),
            Step::Pay { payment, channel, days, amount, way } => {
                write!(f, "pay {payment} {channel} {days}d {amount} {}", way.word())
            }
            Step::Tried { payment } => write!(f, "tried {payment}"),
            Step::Aside { payment } => write!(f, "aside {payment}"),
            Step::Ends { payment } => write!(f, "ends {payment}"),
            Step::Behind { payment } => write!(f, "behind {payment}"),
            Step::Refund { payment, refund, amount } => write!(f, "refund {payment} {refund} {amount}"),
            Step::RefundFails { payment, refund } => write!(f, "refund_fails {payment} {refund}"),
            Step::Dispute { payment } => write!(f, "dispute {payment}"),
            Step::DisputeEnds { payment, won: true } => write!(f, "won {payment}"),
            Step::DisputeEnds { payment, won: false } => write!(f, "lost {payment}"),
            Step::Tell { payment, event, anew: false } => write!(f, "tell {payment} {event}"),
            Step::Tell { payment, event, anew: true } => write!(f, "tell_anew {payment} {event}"),
            Step::Call { payment, number, fate } => {
                let debit = match fate.debit {
                    Debit::Applied => "applied".to_owned(),
                    Debit::Not => "not".to_owned(),
                    Debit::Late(late) => format!("late={}", time(late)),
                };
                write!(f, "call {payment} {number} {debit} {}", fate.answer.word())
            }
            Step::ReadsFail(span) => write!(f, "reads_fail {}", time(*span)),
            Step::Api { fault, time: span } => write!(f, "api {} {}", fault.word(), time(*span)),
            Step::Hand { channel, days } => write!(f, "hand {channel} {days}d"),
            Step::Delete(channel) => write!(f, "delete {channel}"),
            Step::Remake(channel) => write!(f, "remake {channel}"),
            Step::Crash { worker, effect, after } => write!(f, "crash {worker} {effect} {}", when(*after)),
            Step::Freeze { worker, effect, time: span } => {
                write!(f, "freeze {worker} {effect} {}", time(*span))
            }
            Step::Clock { worker, ms } => write!(f, "clock {worker} {ms}"),
            Step::Restart { worker } => write!(f, "restart {worker}"),
            Step::Stop => write!(f, "stop"),
            Step::Start => write!(f, "start"),
            Step::LedgerAway(span) => write!(f, "ledger_away {}", time(*span)),
            Step::LedgerFull(span) => write!(f, "ledger_full {}", time(*span)),
            Step::Unheard { worker, effect } => write!(f, "unheard {worker} {effect}"),
            Step::Meets(times) => write!(f, "meets {times}"),
            Step::QueueBreaks => write!(f, "queue_breaks"),
            Step::QueueNode(span) => write!(f, "queue_node {}", time(*span)),
            Step::QueueRepeats => write!(f, "queue_repeats"),
            Step::DeadLetters => write!(f, "dead_letters"),
            Step::Backup => write!(f, "backup"),
            Step::Restore { declared: true } => write!(f, "restore"),
            Step::Restore { declared: false } => write!(f, "restore undeclared"),
            Step::Reconcile => write!(f, "reconcile"),
            Step::Decide => write!(f, "decide"),
            Step::Errs(payment) => write!(f, "errs {payment}"),
            Step::Replay(payment) => write!(f, "replay {payment}"),
            Step::StopPayment(payment) => write!(f, "stop_payment {payment}"),
            Step::Go(payment) => write!(f, "go {payment}"),
            Step::Move { payment, channel } => write!(f, "move {payment} {channel}"),
            Step::SliceNow { payment, days } => write!(f, "slice_now {payment} {days}d"),
            Step::Grant { key, channel, days } => write!(f, "grant {key} {channel} {days}d"),
            Step::Assign { channel, channels } => write!(f, "assign {channel} {}", channels.join(" ")),
            Step::Retire(how) => write!(f, "retire {}", how.word()),
            Step::Mark => write!(f, "mark"),
            Step::Wait(span) => write!(f, "wait {}", time(*span)),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = |word: &&str| (*word).to_owned();
        Ok(match words.as_slice() {
            ["set", key, value @ ..] => Step::Set { key: name(key), value: value.join(" ") },
            ["channel", channel, days] => Step::Channel { name: name(channel), days: of_days(days)? },
            ["balance", days] => Step::Balance(number(days)?),
            ["partner", habit, value] => Step::Partner { habit: name(habit), value: name(value) },
            ["pay", payment, channel, days, amount, way @ ..] => Step::Pay {
                payment: name(payment),
                channel: name(channel),
                days: of_days(days)?,
                amount: number(amount)?,
                way: match way {
                    [] => Way::Direct,
                    [way, ..] => Way::parse(way).ok_or_else(|| format!("no way to pay: {way}"))?,
                },
            },
            ["tried", payment] => Step::Tried { payment: name(payment) },
            ["aside", payment] => Step::Aside { payment: name(payment) },
            ["ends", payment] => Step::Ends { payment: name(payment) },
            ["behind", payment] => Step::Behind { payment: name(payment) },
            ["refund", payment, refund, amount] => {
                Step::Refund { payment: name(payment), refund: name(refund), amount: number(amount)? }
            }
            ["refund_fails", payment, refund] => {
                Step::RefundFails { payment: name(payment), refund: name(refund) }
            }
            ["dispute", payment] => Step::Dispute { payment: name(payment) },
            [end @ ("won" | "lost"), payment] => {
                Step::DisputeEnds { payment: name(payment), won: *end == "won" }
            }
            [how @ ("tell" | "tell_anew"), payment, event] => {
                Step::Tell { payment: name(payment), event: name(event), anew: *how == "tell_anew" }
            }
            ["call", payment, call, debit, answer] => Step::Call {
                payment: name(payment),
                number: number(call)?,
                fate: Fate {
                    debit: match debit.split_once('=') {
                        Some(("late", late)) => Debit::Late(span(late)?),
                        _ if *debit == "applied" => Debit::Applied,
                        _ if *debit == "not" => Debit::Not,
                        _ => return Err(format!("{debit}: applied, not or late=TIME")),
                    },
                    answer: parsed(Answer::ALL, Answer::word, answer)
                        .ok_or_else(|| format!("no answer {answer}"))?,
                },
            },
            ["reads_fail", time] => Step::ReadsFail(span(time)?),
            ["api", fault, time] => Step::Api {
                fault: parsed(Fault::ALL, Fault::word, fault).ok_or_else(|| format!("no fault {fault}"))?,
                time: span(time)?,
            },
            ["hand", channel, days] => Step::Hand { channel: name(channel), days: of_days(days)? },
            ["delete", channel] => Step::Delete(name(channel)),
            ["remake", channel] => Step::Remake(name(channel)),
            ["crash", worker, effect, when] => {
                Step::Crash { worker: number(worker)?, effect: number(effect)?, after: *when == "after" }
            }
            ["freeze", worker, effect, time] => {
                Step::Freeze { worker: number(worker)?, effect: number(effect)?, time: span(time)? }
            }
            ["clock", worker, ms] => Step::Clock { worker: number(worker)?, ms: number(ms)? },
            ["stop"] => Step::Stop,
            ["start"] => Step::Start,
            ["restart", worker] => Step::Restart { worker: number(worker)? },
            ["ledger_away", time] => Step::LedgerAway(span(time)?),
            ["ledger_full", time] => Step::LedgerFull(span(time)?),
            ["unheard", worker, effect] => Step::Unheard { worker: number(worker)?, effect: number(effect)? },
            ["meets", times] => Step::Meets(number(times)?),
            ["queue_breaks"] => Step::QueueBreaks,
            ["queue_node", time] => Step::QueueNode(span(time)?),
            ["queue_repeats"] => Step::QueueRepeats,
            ["dead_letters"] => Step::DeadLetters,
            ["backup"] => Step::Backup,
            ["restore"] => Step::Restore { declared: true },
            ["restore", "undeclared"] => Step::Restore { declared: false },
            ["reconcile"] => Step::Reconcile,
            ["decide"] => Step::Decide,
            ["errs", payment] => Step::Errs(name(payment)),
            ["replay", payment] => Step::Replay(name(payment)),
            ["stop_payment", payment] => Step::StopPayment(name(payment)),
            ["go", payment] => Step::Go(name(payment)),
            ["move", payment, channel] => Step::Move { payment: name(payment), channel: name(channel) },
            ["slice_now", payment, days] => Step::SliceNow { payment: name(payment), days: of_days(days)? },
            ["grant", key, channel, days] => {
                Step::Grant { key: name(key), channel: name(channel), days: of_days(days)? }
            }
            ["assign", channel, channels @ ..] if !channels.is_empty() => {
                Step::Assign { channel: name(channel), channels: channels.iter().map(name).collect() }
            }
            ["retire", how] => Step::Retire(
                parsed(Deletes::ALL, Deletes::word, how).ok_or_else(|| format!("no deletion {how}"))?,
            ),
            ["mark"] => Step::Mark,
            ["wait", time] => Step::Wait(span(time)?),
            _ => return Err("no such step".to_owned()),
        })
    }
}

fn number<T: FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn of_days<T: FromStr>(word: &str) -> Result<T, String> {
    number(word.strip_suffix('d').ok_or_else(|| format!("{word}: days end in d"))?)
}

fn span(word: &str) -> Result<Duration, String> {
    humantime::parse_duration(word).map_err(|why| format!("{word}: {why}"))
}

fn time(span: Duration) -> String {
    humantime::format_duration(span).to_string().replace(' ', "")
}
