//! Variables of the environment that set a key: `DAYBRIDGE_QUEUE__URL` is `[queue] url`. All that begin so are settings:
//! one that names no key is refused, and every error about one names the variable, not a file that does not hold it.

use zeroize::Zeroizing;

/// How their names begin.
pub const ENV_PREFIX: &str = "DAYBRIDGE_";

/// Between section and key.
const JOINT: &str = "__";

/// One that was laid over the file.
#[derive(Debug)]
pub(super) struct Variable {
    name: String,
    keys: Vec<String>,
    /// How many of its keys the file had, too.
    in_file: usize,
}

/// Those of the process.
pub(super) fn of_process() -> Result<Vec<(String, String)>, Vec<String>> {
    let mut found = Vec::new();
    let mut wrong = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with(ENV_PREFIX) {
            continue;
        }
        match value.into_string() {
            Ok(value) => found.push((name, value)),
            Err(_) => wrong.push(format!("variable {name} is not UTF-8")),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

/// Lays them over the file's table.
pub(super) fn lay_over(
    table: &mut toml::Table,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<Variable>, String> {
    let mut laid = Vec::new();
    for (name, value) in env {
        let value = Zeroizing::new(value);
        let typed_keys = name.strip_prefix(ENV_PREFIX).unwrap_or(&name).to_lowercase();
        let keys: Vec<String> = typed_keys.split(JOINT).map(str::to_owned).collect();
        if keys.len() < 2 || keys.iter().any(String::is_empty) {
            return Err(format!(
                "variable {name} names no key: a key is {ENV_PREFIX}SECTION{JOINT}KEY, with two underscores between, such as {ENV_PREFIX}QUEUE{JOINT}URL; the settings file is named with --config"
            ));
        }
        let in_file = depth(table, &keys);
        overlay(table, &keys, typed(&value)).map_err(|why| format!("variable {name}: {why}"))?;
        laid.push(Variable { name, keys, in_file });
    }
    Ok(laid)
}

/// How many of the keys, from the first on, a table has.
fn depth(table: &toml::Table, keys: &[String]) -> usize {
    match keys {
        [] => 0,
        [key, rest @ ..] => match table.get(key) {
            None => 0,
            Some(toml::Value::Table(inner)) => depth(inner, rest).saturating_add(1),
            Some(_) => 1,
        },
    }
}

fn typed(value: &str) -> toml::Value {
    let wrapped = Zeroizing::new(format!("value = {value}")).parse::<toml::Table>();
    let parsed = wrapped.ok().and_then(|mut table| table.remove("value"));
    parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()))
}

fn overlay(table: &mut toml::Table, keys: &[String], value: toml::Value) -> Result<(), &'static str> {
    match keys {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [key, rest @ ..] => {
            let entry = table.entry(key.clone()).or_insert_with(|| toml::Table::new().into());
            overlay(entry.as_table_mut().ok_or("goes into a key that is not a section")?, rest, value)
        }
    }
}

/// The variable that brought a key; `path` as the error tells it, such as `sources.stripe.secrets[0]`.
pub(super) fn that_set<'v>(variables: &'v [Variable], path: &str) -> Option<&'v Variable> {
    let path: Vec<&str> = path.split(['.', '[']).filter(|part| !part.ends_with(']')).collect();
    variables.iter().rev().find(|variable| {
        let common = variable.keys.iter().zip(&path).take_while(|(key, part)| key == part).count();
        let within = common == variable.keys.len();
        let above = common == path.len() && variable.in_file < path.len();
        within || above
    })
}

impl Variable {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name with one key replaced by the nearest known one.
    pub(super) fn with(&self, unknown: &str, nearest: &str) -> String {
        let keys = self.keys.iter().map(|key| if key == unknown { nearest } else { key }.to_uppercase());
        format!("{ENV_PREFIX}{}", keys.collect::<Vec<_>>().join(JOINT))
    }
}
