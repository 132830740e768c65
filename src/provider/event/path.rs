//! Walking a JSON value by the pointers of an event map. No recursion deeper than the pointer itself.

use serde_json::Value;

use super::{
    json::{self, Tree},
    unreadable::Unreadable,
};
use crate::config::preset::{events::Format, test::Test};

/// The tree of a body; a form is an object of texts.
pub(crate) fn parse(format: Format, body: &[u8]) -> Result<Value, Unreadable> {
    tree(format, body).map(|tree| tree.value)
}

/// Likewise, with whether its texts are what was sent. Those of a form may not be.
pub(crate) fn tree(format: Format, body: &[u8]) -> Result<Tree, Unreadable> {
    if body.is_empty() && format != Format::Form {
        return Err(Unreadable("the body is empty".into()));
    }
    if format == Format::Form {
        let pairs = form_urlencoded::parse(body);
        let value = pairs.map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect();
        return Ok(Tree { value, exact: false });
    }
    json::tree(body).map_err(|error| {
        Unreadable(format!("the body is not JSON (line {}, column {})", error.line(), error.column()))
    })
}

/// Every value at `path`; a part `*` stands for each element of a list.
pub(crate) fn all<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let Some((before, after)) = path.split_once("/*") else {
        return value.pointer(path).into_iter().collect();
    };
    let list = value.pointer(before).and_then(Value::as_array);
    list.into_iter().flatten().flat_map(|element| all(element, after)).collect()
}

/// The text of an id: a string, a whole number, or the `id` of an expanded object. One with a character in it that
/// could not be kept names nothing: another one may differ only there.
pub(crate) fn id(value: &Value) -> Option<String> {
    name(value).filter(|text| !text.contains(char::REPLACEMENT_CHARACTER))
}

/// The same of what is only shown, with U+FFFD for what cannot be kept.
pub(crate) fn name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(storable(text)),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Object(object) => object.get("id")?.as_str().map(storable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// PostgreSQL keeps no U+0000 in a text.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A string as it stands, anything else in its JSON text; nothing for null.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// Whether the field is so. Lists and objects have no text to compare, but may be given.
pub(crate) fn holds(value: &Value, test: &Test) -> bool {
    let found = value.pointer(&test.at).filter(|found| !found.is_null());
    let word = found.filter(|found| !found.is_array() && !found.is_object()).and_then(text);
    let among = |words: &Vec<String>| word.as_ref().is_some_and(|word| words.contains(word));
    test.is.as_ref().is_none_or(among)
        && test.not.as_ref().is_none_or(|words| !among(words))
        && test.starts.as_ref().is_none_or(|heads| {
            word.as_ref().is_some_and(|word| heads.iter().any(|head| word.starts_with(&**head)))
        })
        && test.given.is_none_or(|given| found.is_some() == given)
        && test.before.as_ref().is_none_or(|end| word.as_ref().is_some_and(|word| word < end))
        && test.above.is_none_or(|least| {
            let number = word.as_ref().and_then(|word| word.parse::<f64>().ok());
            number.is_some_and(|number| number > least as f64)
        })
}

/// Puts a text at a pointer whose object is there, or can be made.
pub(crate) fn put(value: &mut Value, pointer: &str, text: Value) {
    let (before, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    if !before.is_empty() && value.pointer(before).is_none() {
        put(value, before, Value::Object(serde_json::Map::new()));
    }
    if let Some(Value::Object(object)) = value.pointer_mut(before) {
        object.insert(key.to_owned(), text);
    }
}

/// Reads JSON out of the texts at these places.
pub(crate) fn unpack<'p>(value: &mut Value, places: impl Iterator<Item = &'p str>) {
    for place in places {
        let Some(found) = value.pointer_mut(place) else { continue };
        if let Some(Ok(inner)) = found.as_str().map(|text| json::tree(text.as_bytes())) {
            *found = inner.value;
        }
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

    #[test]
    fn tests_of_a_field() {
        let value =
            serde_json::json!({"s": "paid", "b": true, "n": 3, "z": 0, "f": "0.5", "l": [], "null": null});
        for (test, want) in [
            ("at = '/s'\nis = ['open', 'paid']", true),
            ("at = '/s'\nnot = ['paid']", false),
            ("at = '/s'\nstarts = ['x', 'pa']", true),
            ("at = '/gone'\nstarts = ['']", false),
            ("at = '/b'\nis = ['true']", true),
            ("at = '/n'\nis = ['3']", true),
            ("at = '/n'\nabove = 3", false),
            ("at = '/n'\nabove = 2", true),
            ("at = '/f'\nabove = 0", true),
            ("at = '/s'\nabove = 0", false),
            ("at = '/l'\nis = ['[]']", false),
            ("at = '/l'\ngiven = true", true),
            ("at = '/null'\ngiven = true", false),
            ("at = '/null'\ngiven = false", true),
            ("at = '/gone'\nnot = ['x']", true),
            ("at = '/gone'\nis = ['x']", false),
            ("at = '/f'\nbefore = '0.6'", true),
            ("at = '/f'\nbefore = '0.5'", false),
            ("at = '/gone'\nbefore = 'x'", false),
            ("at = '/s'\nis = ['paid']\nnot = ['paid']", false),
        ] {
            assert_eq!(holds(&value, &toml::from_str(test).unwrap()), want, "{test}");
        }
    }

    #[test]
    fn texts_are_put_and_unpacked() {
        let mut value = serde_json::json!({"a": "{\"k\":1}", "b": "no json", "c": {"x": 1}});
        unpack(&mut value, ["/a", "/b", "/gone"].into_iter());
        put(&mut value, "/c/y/z", "new".into());
        assert_eq!(
            value,
            serde_json::json!({"a": {"k": 1}, "b": "no json", "c": {"x": 1, "y": {"z": "new"}}})
        );
    }
}
