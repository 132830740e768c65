//! What is bound to a statement and what comes back: the three kinds of value that both databases store alike.

use std::sync::Arc;

use super::fault::{Fault, corrupt};
use crate::closed::Closed;

/// A value to bind. Its kind is known even where it is null: PostgreSQL wants to know.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) enum Arg<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
}

/// A value to bind later.
#[derive(Debug)]
pub(super) enum OwnedArg {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// Something that can be bound.
pub(in crate::ledger) trait Bind {
    fn arg(&self) -> Arg<'_>;
}

/// A value that came back.
#[derive(Debug, Clone)]
pub(in crate::ledger) enum Value {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row that came back.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Row {
    columns: Arc<[Box<str>]>,
    values: Vec<Value>,
}

/// Something that a column is read as.
pub(in crate::ledger) trait Read: Sized {
    fn of(value: &Value) -> Option<Self>;

    /// What is wrong with a value that it cannot be read from.
    fn unread(_value: &Value) -> String {
        "something else than it should".to_owned()
    }
}

/// Values to bind, in the order of `$1`, `$2` …
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::ledger::db::Bind::arg(&$value)),*] };
}
pub(in crate::ledger) use args;

impl Arg<'_> {
    pub(super) fn owned(&self) -> OwnedArg {
        match self {
            Arg::Number(number) => OwnedArg::Number(*number),
            Arg::Text(text) => OwnedArg::Text(text.map(str::to_owned)),
            Arg::Bytes(bytes) => OwnedArg::Bytes(bytes.map(<[u8]>::to_vec)),
        }
    }
}

impl OwnedArg {
    pub(super) fn lent(&self) -> Arg<'_> {
        match self {
            OwnedArg::Number(number) => Arg::Number(*number),
            OwnedArg::Text(text) => Arg::Text(text.as_deref()),
            OwnedArg::Bytes(bytes) => Arg::Bytes(bytes.as_deref()),
        }
    }
}

impl Bind for i64 {
    fn arg(&self) -> Arg<'_> {
        Arg::Number(Some(*self))
    }
}

impl Bind for str {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl Bind for String {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl Bind for [u8] {
    fn arg(&self) -> Arg<'_> {
        Arg::Bytes(Some(self))
    }
}

impl Bind for Vec<u8> {
    fn arg(&self) -> Arg<'_> {
        Arg::Bytes(Some(self))
    }
}

impl Bind for &str {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl Bind for &String {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self))
    }
}

impl<T: Closed> Bind for T {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(Some(self.word()))
    }
}

impl<T: Closed> Bind for Option<T> {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(self.map(Closed::word))
    }
}

impl Bind for Option<i64> {
    fn arg(&self) -> Arg<'_> {
        Arg::Number(*self)
    }
}

impl Bind for Option<&str> {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(*self)
    }
}

impl Bind for Option<String> {
    fn arg(&self) -> Arg<'_> {
        Arg::Text(self.as_deref())
    }
}

impl Bind for Option<Vec<u8>> {
    fn arg(&self) -> Arg<'_> {
        Arg::Bytes(self.as_deref())
    }
}

impl Read for i64 {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(*number),
            Value::Null | Value::Text(_) | Value::Bytes(_) => None,
        }
    }
}

impl Read for String {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::Number(_) | Value::Bytes(_) => None,
        }
    }
}

impl Read for Vec<u8> {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Null | Value::Number(_) | Value::Text(_) => None,
        }
    }
}

impl<T: Closed> Read for T {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(word) => T::of_word(word),
            Value::Null | Value::Number(_) | Value::Bytes(_) => None,
        }
    }

    fn unread(value: &Value) -> String {
        match value {
            Value::Text(word) => format!("{word:?}, which is none of {}", T::WORDS.join(", ")),
            Value::Null | Value::Number(_) | Value::Bytes(_) => "no word".to_owned(),
        }
    }
}

impl<T: Read> Read for Option<T> {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }

    fn unread(value: &Value) -> String {
        T::unread(value)
    }
}

impl Row {
    pub(super) fn new(columns: Arc<[Box<str>]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// A column by its name.
    pub(in crate::ledger) fn get<T: Read>(&self, name: &str) -> Result<T, Fault> {
        let at = self.columns.iter().position(|column| **column == *name);
        let value = at.and_then(|at| self.values.get(at));
        let value = value.ok_or_else(|| corrupt(format!("the row has no column {name}")))?;
        T::of(value).ok_or_else(|| corrupt(format!("the column {name} holds {}", T::unread(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::closed::PaymentState, ledger::LedgerError};

    fn row(value: Value) -> Row {
        Row::new(["state".into()].into(), vec![value])
    }

    #[test]
    fn a_column_is_read_as_its_set_and_bound_as_its_word() {
        let held = row(Value::Text("held".into()));
        assert_eq!(held.get::<PaymentState>("state").unwrap(), PaymentState::Held);
        assert_eq!(row(Value::Null).get::<Option<PaymentState>>("state").unwrap(), None);
        let bound: &[Arg<'_>] = args![PaymentState::Held, Some(PaymentState::Held), None::<PaymentState>];
        assert!(matches!(bound, [Arg::Text(Some("held")), Arg::Text(Some("held")), Arg::Text(None)]));
    }

    #[test]
    fn an_unknown_word_is_told_with_its_column() {
        for value in [Value::Text("hled".into()), Value::Number(1)] {
            let read = row(value).get::<Option<PaymentState>>("state");
            let Err(Fault::Ledger(LedgerError::Corrupt(text))) = read else { panic!("{read:?}") };
            assert!(
                text.starts_with("the column state holds \"hled\", which is none of linked, planned")
                    || text == "the column state holds no word",
                "{text}"
            );
        }
        assert!(row(Value::Null).get::<PaymentState>("state").is_err());
    }
}
