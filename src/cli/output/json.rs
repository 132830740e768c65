//! JSON for programs. Every time stands there twice: in ms since epoch, and beside it, under its name and `_utc`, as
//! RFC 3339. deploy/docs/json.md has the fields of every command.

use serde::Serialize;
use serde_json::{Map, Value};

use super::text::put;

/// Version of what `--json` prints, in every object that a command answers with; lists are of the same version. It
/// counts up when a field goes or means something else, not when one comes.
pub const VERSION: u32 = 1;

/// Names of times, beside all that end so: `_at`, `_till`.
const TIMES: [&str; 9] =
    ["at", "since", "until", "oldest", "before", "after", "from", "to", "active_till_before"];

/// Shortest number that is a time in ms, from 1973 on: a count or an amount under one of those names would be less.
const MS_MIN: i64 = 100_000_000_000;

/// Writes a value as indented JSON that no terminal acts on.
pub fn say_json(value: &impl Serialize) {
    match serde_json::to_value(value) {
        Ok(mut value) => {
            if let Value::Object(fields) = &mut value {
                fields.entry("version").or_insert(VERSION.into());
            }
            dated(&mut value);
            put(&daybridge::terminal::escaped_json(&format!("{value:#}")));
        }
        Err(error) => tracing::error!(%error, "not printable as JSON"),
    }
}

/// One row of many, on a line.
pub fn row(value: &impl Serialize) -> String {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    dated(&mut value);
    daybridge::terminal::escaped_json(&value.to_string())
}

/// Puts RFC 3339 beside every time.
fn dated(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let times: Vec<(String, String)> =
                fields.iter().filter_map(|(name, value)| utc(name, value)).collect();
            fields.values_mut().for_each(dated);
            fields.extend(
                times.into_iter().map(|(name, time)| (name, Value::from(time))).collect::<Map<_, _>>(),
            );
        }
        Value::Array(list) => list.iter_mut().for_each(dated),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn utc(name: &str, value: &Value) -> Option<(String, String)> {
    let timed = TIMES.contains(&name) || ["_at", "_till", "_after"].iter().any(|end| name.ends_with(end));
    let ms = value.as_i64().filter(|ms| timed && *ms >= MS_MIN)?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some((format!("{name}_utc"), format!("{time:.3}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_stand_there_twice() {
        let mut value = json!({
            "received_at": 1_795_420_800_000_i64,
            "next_at": null,
            "amount": 1_795_420_800_000_i64,
            "before": "paused",
            "steps": [{ "at": 1_795_420_800_123_i64 }],
        });
        dated(&mut value);
        assert_eq!(value["received_at_utc"], "2026-11-23T08:00:00.000Z");
        assert_eq!(value["steps"][0]["at_utc"], "2026-11-23T08:00:00.123Z");
        let names: Vec<&String> =
            value.as_object().unwrap().keys().filter(|name| name.ends_with("_utc")).collect();
        assert_eq!(names, ["received_at_utc"]);
    }
}
