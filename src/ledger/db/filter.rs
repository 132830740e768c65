//! A `WHERE` put together from fixed texts, so that each combination walks its own index; every value is bound.

use super::{Arg, Bind, Fault, Row, Tx};
use crate::{closed::Closed, ledger::storable};

/// A bound value.
#[derive(Debug, Clone)]
pub(in crate::ledger) enum Value {
    /// TEXT
    Text(String),
    /// BIGINT
    Number(i64),
}

impl Value {
    pub(super) fn storable(self) -> Self {
        match self {
            Value::Text(text) => Value::Text(storable::text(&text)),
            number @ Value::Number(_) => number,
        }
    }
}

impl Bind for Value {
    fn arg(&self) -> Arg<'_> {
        match self {
            Value::Text(text) => text.arg(),
            Value::Number(number) => Arg::Number(Some(*number)),
        }
    }
}

/// Conditions that all hold.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// A condition without a value.
    pub(in crate::ledger) fn fixed(mut self, condition: &str) -> Self {
        self.conditions.push(condition.to_owned());
        self
    }

    /// `column operator` and a text; nothing where there is none.
    pub(in crate::ledger) fn text(self, condition: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.value(condition, Value::Text(value.to_owned())),
            None => self,
        }
    }

    /// `column operator` and a word of a closed set; nothing where there is none.
    pub(in crate::ledger) fn word(self, condition: &str, value: Option<impl Closed>) -> Self {
        self.text(condition, value.map(Closed::word))
    }

    /// `column operator` and a number; nothing where there is none.
    pub(in crate::ledger) fn number(self, condition: &str, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.value(condition, Value::Number(value)),
            None => self,
        }
    }

    /// `(columns) operator` and as many values; nothing where there are none.
    pub(in crate::ledger) fn row(mut self, condition: &str, values: Option<Vec<Value>>) -> Self {
        let Some(values) = values else { return self };
        let places: Vec<String> = values.into_iter().map(|value| self.place(value)).collect();
        self.conditions.push(format!("{condition} ({})", places.join(", ")));
        self
    }

    /// A text somewhere in a condition; nothing where there is none.
    pub(in crate::ledger) fn within(mut self, before: &str, value: Option<&str>, after: &str) -> Self {
        let Some(value) = value else { return self };
        let place = self.place(Value::Text(value.to_owned()));
        self.conditions.push(format!("{before} {place}{after}"));
        self
    }

    /// `column operator` and a value.
    pub(in crate::ledger) fn value(mut self, condition: &str, value: Value) -> Self {
        let place = self.place(value);
        self.conditions.push(format!("{condition} {place}"));
        self
    }

    pub(super) fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Rows of `head WHERE … tail LIMIT limit`.
    pub(in crate::ledger) fn rows(
        mut self,
        tx: &mut Tx,
        head: &str,
        tail: &str,
        limit: u32,
    ) -> Result<Vec<Row>, Fault> {
        let limit = self.place(Value::Number(i64::from(limit)));
        let conditions =
            if self.conditions.is_empty() { "1 = 1".to_owned() } else { self.conditions.join(" AND ") };
        let values: Vec<Value> = self.values.into_iter().map(Value::storable).collect();
        let args: Vec<Arg<'_>> = values.iter().map(Bind::arg).collect();
        tx.all(&format!("{head} WHERE {conditions} {tail} LIMIT {limit}"), &args)
    }
}
