//! What a table of events says that cannot be.

use std::collections::BTreeSet;

use super::{
    events::{EventMap, Kind, Means, On},
    object::Object,
};

impl EventMap {
    /// The families that events of money in are of, in the order of the table.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.on
            .iter()
            .filter(|on| on.means == Means::MoneyIn)
            .map(On::family)
            .filter(move |family| seen.insert(*family))
    }

    /// Whether every object that brings money of a family may tell when it came in.
    pub fn tells_paid_at(&self, family: &str) -> bool {
        let own = self.on.iter().filter(|on| on.means == Means::MoneyIn && on.family() == family);
        let mut objects = own.filter_map(|on| self.objects.get(on.object.as_deref()?));
        objects.all(|object| !object.paid_at.is_empty())
    }

    /// Every event type that says something about a payment.
    pub fn types(&self) -> BTreeSet<&str> {
        self.on.iter().flat_map(|on| &on.types).map(String::as_str).collect()
    }

    /// Those that count, in the order of the table: all that tell of payments, and of those that tell of agreements alone as many
    /// as make no more than `max` with them.
    pub fn types_within(&self, max: usize, counts: impl Fn(&str) -> bool) -> Vec<&str> {
        let of = |agreement: bool| {
            let fits = move |on: &&On| (on.means == Means::Agreement) == agreement;
            let types = self.on.iter().filter(fits).flat_map(|on| &on.types).map(String::as_str);
            types.filter(|kind| counts(kind))
        };
        let mut types: Vec<&str> = Vec::new();
        for kind in of(false) {
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        for kind in of(true) {
            if types.len() < max && !types.contains(&kind) {
                types.push(kind);
            }
        }
        types
    }

    /// Every place that decides on money, from the event's root: type, mode, account, ids, amounts, price lines and
    /// conditions; and when the money came in. When an event of it happened is not among them.
    pub fn decisive(&self) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.is.iter().map(|test| test.at.to_string()).collect();
        if let Kind::Fields(pointers, _) = &self.kind {
            all.extend(pointers.iter().map(ToString::to_string));
        }
        let mode = self.livemode.iter().map(|mode| &mode.at);
        all.extend(mode.chain(&self.account).map(ToString::to_string));
        let mut below: Vec<String> = Vec::new();
        for object in self.objects.values() {
            for id in &object.ids {
                let each = id.each.as_deref().unwrap_or_default();
                let places = std::iter::once(&id.at).chain(id.when.iter().map(|test| &test.at));
                below.extend(places.map(|at| format!("{each}{}", &**at)));
            }
            let lines = object.lines.iter().map(|lines| &lines.list);
            below.extend(object.paid_at.iter().chain(&object.agreement).map(ToString::to_string));
            let spans = object.span.iter().flat_map(|span| [&span.from, &span.to]);
            below.extend(spans.map(ToString::to_string));
            let further = object.amount.iter().chain(&object.currency).chain(&object.metadata).chain(lines);
            let further = further.chain(&object.part).chain(object.period.iter().map(|period| &period.at));
            let never_in = object.never_in.iter().flat_map(|amount| [&amount.of, &amount.less]);
            let further = further.chain(never_in);
            below.extend(further.map(ToString::to_string));
        }
        for on in &self.on {
            below.extend(on.when.iter().map(|test| test.at.to_string()));
            let out = on.out.iter().flat_map(|out| out.id.iter().chain(&out.amount));
            below.extend(out.map(ToString::to_string));
        }
        all.extend(below.into_iter().map(|pointer| format!("{}{pointer}", &*self.object)));
        all
    }

    /// What does not fit together, a sentence each.
    pub fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.items.is_some() && matches!(self.kind, Kind::Header(_)) {
            wrong.push(".events.type must stand in each of .events.items: a header has one for all".into());
        }
        for (position, on) in self.on.iter().enumerate() {
            let place = format!(".events.on[{position}]");
            let speaks = matches!(on.means, Means::Ignored | Means::Held);
            let reasoned = speaks || on.means == Means::MoneyInUnclear;
            if on.types.is_empty() {
                wrong.push(format!("{place}.types is empty"));
            }
            match &on.object {
                None if !speaks => wrong.push(format!("{place} needs object: what it is about")),
                Some(name) if !self.objects.contains_key(name) => {
                    wrong.push(format!("{place}.object = {name:?} is not among .events.objects"));
                }
                _ => {}
            }
            let object = on.object.as_ref().and_then(|name| self.objects.get(name));
            let timed = self.occurred_at.is_some()
                || object.is_some_and(|object| !object.occurred_at.is_empty() || !object.paid_at.is_empty());
            wrong.extend(object.and_then(|object| on.unfit(object)).map(|why| format!("{place}{why}")));
            if matches!(on.means, Means::MoneyIn | Means::MoneyInUnclear) && !timed {
                wrong.push(format!(
                    "{place}: nothing tells when the money came in, so a restored ledger could not tell what it forgot; set paid_at of its object, or at least .events.occurred_at"
                ));
            }
            if reasoned && on.why.is_none() {
                wrong.push(format!("{place} needs why: the sentence for the operator"));
            }
            let out = matches!(
                on.means,
                Means::Refund
                    | Means::RefundFailed
                    | Means::PaymentFailed
                    | Means::Dispute
                    | Means::DisputeWon
                    | Means::DisputeLost
            );
            if out && on.out.is_empty() {
                wrong.push(format!("{place} needs out: how much money it is about"));
            }
        }
        for (name, object) in &self.objects {
            if object.ids.is_empty() && object.agreement.is_empty() {
                wrong.push(format!(".events.objects.{name}.ids is empty: no payment could be named"));
            }
        }
        wrong
    }
}

impl On {
    /// What it needs of its object and does not have.
    fn unfit(&self, object: &Object) -> Option<&'static str> {
        let speaks = matches!(self.means, Means::Ignored | Means::Held);
        match (self.means == Means::Agreement, self.agreement) {
            (true, None) => Some(" needs agreement: active, behind or ended"),
            (true, Some(_)) | (false, Some(_)) if object.agreement.is_empty() => {
                Some(": its object has no agreement: which one it tells of is not known")
            }
            (false, _) if !speaks && object.ids.is_empty() => {
                Some(": its object has no ids: no payment could be named")
            }
            _ => None,
        }
    }
}
