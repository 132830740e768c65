//! Walking a JSON value by the paths of an event map. No recursion deeper than the path itself.

use serde_json::Value;

use super::map::Test;

/// Every value at `path`; a part `*` stands for each element of a list.
pub(super) fn all<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let Some((before, after)) = path.split_once("/*") else {
        return value.pointer(path).into_iter().collect();
    };
    let list = value.pointer(before).and_then(Value::as_array);
    list.into_iter().flatten().flat_map(|element| all(element, after)).collect()
}

/// The text of an id: a string, or the `id` of an expanded object.
pub(super) fn id(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("id")?.as_str())
}

/// A string as it stands, anything else in its JSON text; nothing for null.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// Whether the field has one of the values. Lists and objects never do.
pub(super) fn holds(value: &Value, test: &Test) -> bool {
    match value.pointer(test.path) {
        Some(Value::String(text)) => test.is.contains(&text.as_str()),
        Some(Value::Bool(flag)) => test.is.contains(&if *flag { "true" } else { "false" }),
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_into_lists() {
        let value = serde_json::json!({"a": {"b": [{"c": 1}, {}, {"c": [2, 3]}]}, "d": null});
        for (path, want) in [
            ("/a/b/*/c", vec!["1", "[2,3]"]),
            ("/a/b/*/c/*", vec!["2", "3"]),
            ("/a/b/0/c", vec!["1"]),
            ("/a/*/c", vec![]),
            ("/d", vec!["null"]),
            ("/nowhere/*/x", vec![]),
        ] {
            let got: Vec<_> = all(&value, path).into_iter().map(Value::to_string).collect();
            assert_eq!(got, want, "{path}");
        }
    }
}
