//! Any settings are taken, or refused in words; no word of the answer is a secret.

use daybridge::config::{check::contradictions, load::parse as load};

const SECRET: &str = "whsec_NEVERSHOWN";

pub fn parse(data: &[u8]) {
    let [variable, text] = super::lines(data);
    let (Some(variable), Some(text)) = (super::text(variable), super::text(text)) else { return };
    let variables =
        variable.split_once('=').map(|(name, value)| (format!("DAYBRIDGE_{name}"), value.to_owned()));
    let text = format!("{text}\n[sources.fuzz]\nprovider = \"stripe\"\nsecrets = [\"{SECRET}\"]\n");
    let said = match load(&text, variables) {
        Ok(config) => format!("{:?} {config:?}", contradictions(&config)),
        Err(why) => {
            assert!(!why.is_empty());
            why
        }
    };
    assert!(!said.contains(SECRET), "a secret is shown: {said}");
}
