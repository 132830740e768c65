use base64::{Engine as _, engine::general_purpose::STANDARD};
use daybridge::config::{Source, preset::Signature};
use fastrand::Rng;
use serde_json::{Value, json};

pub(super) const PUBLIC_URL: &str = "https://pay.example.com/webhooks/shop?x=1";

/// A scheme, told twice: to us by the table of the settings, to the reference in its own words.
pub(super) struct Scheme {
    pub(super) source: Source,
    pub(super) told: Value,
    pub(super) secrets: Vec<String>,
}

/// One of them.
pub(super) fn one<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

impl Scheme {
    pub(super) fn random(random: &mut Rng) -> Self {
        let by_query = random.u8(..8) == 0;
        let place = match by_query {
            true => json!({"query": one(random, &["sig", "token"])}),
            false => json!({"header": one(random, &["x-signature", "stripe-signature", "a"])}),
        };
        let assign = (!by_query && random.u8(..3) > 0).then(|| one(random, &['=', ':', '~']));
        let mut list = (!by_query && random.u8(..4) > 0).then(|| one(random, &[',', ';', ' ', '|', ':']));
        if list == assign {
            list = None;
        }
        let element = assign.map(|_| one(random, &["v1", "h1", "signature"]));
        let time = match (assign.is_some() && list.is_some(), random.u8(..3)) {
            _ if by_query => None,
            (_, 0) => None,
            (true, 1) => Some(json!({"element": one(random, &["t", "ts"])})),
            _ => Some(json!({"header": "x-time"})),
        };
        let unit = one(random, &["s", "ms"]);
        let (template, signed) = template(random, time.is_some());
        let (mac, encoding) = (one(random, &["sha256", "sha512"]), one(random, &["hex", "base64"]));
        let (key, prefix) = (one(random, &["text", "base64", "hex"]), one(random, &["", "whsec_", "pré"]));
        let mut table = json!({
            "signed": signed, "mac": mac, "encoding": encoding, "key": key, "key_prefix": prefix,
        });
        for (name, value) in [("list", list), ("assign", assign)] {
            if let Some(value) = value {
                table[name] = json!(value);
            }
        }
        if let Some(element) = element {
            table["element"] = json!(element);
        }
        if let Some(time) = &time {
            table["timestamp"] = time.clone();
            table["timestamp"]["unit"] = json!(unit);
        }
        for (name, value) in place.as_object().unwrap() {
            table[name] = value.clone();
        }
        let signature: Signature = serde_json::from_value(table).unwrap();
        assert_eq!(signature.contradictions(), Vec::<String>::new());
        let mut source = Source::of_preset("stripe").unwrap();
        source.signature = signature;
        source.public_url = Some(PUBLIC_URL.into());
        let told = json!({
            "place": place, "list": list, "assign": assign, "element": element, "time": time, "unit": unit,
            "template": template, "mac": mac, "encoding": encoding, "key": key, "key_prefix": prefix,
            "public_url": PUBLIC_URL,
        });
        let secrets = (0..random.usize(1..=3)).map(|_| secret(random, key, prefix)).collect();
        Self { source, told, secrets }
    }

    /// A word of the scheme; empty where it has none.
    pub(super) fn word(&self, at: &str) -> &str {
        self.told.pointer(at).and_then(Value::as_str).unwrap_or_default()
    }

    /// A signature that is well-formed, and of nothing.
    pub(super) fn made_up(&self, random: &mut Rng) -> String {
        let length = if self.word("/mac") == "sha256" { 32 } else { 64 };
        let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        match self.word("/encoding") {
            "hex" => hex::encode(bytes),
            _ => STANDARD.encode(bytes),
        }
    }
}

/// Parts of what is signed, each but fixed text once; and the same as one text.
fn template(random: &mut Rng, timed: bool) -> (Vec<Value>, String) {
    let mut parts = vec![json!(["body"])];
    if timed {
        parts.push(json!(["timestamp"]));
    }
    for part in [json!(["url"]), json!(["header", "x-id"]), json!(["query", "id"])] {
        if random.u8(..4) == 0 {
            parts.push(part);
        }
    }
    random.shuffle(&mut parts);
    if timed && random.u8(..10) == 0 {
        parts.retain(|part| part[0] != "body");
    }
    for _ in 0..random.u8(..4) {
        let text = one(random, &[".", ":", "v1:", "\n", "id:é;"]);
        parts.insert(random.usize(..=parts.len()), json!(["literal", text]));
    }
    let text = |part: &Value| match (part[0].as_str().unwrap(), part[1].as_str()) {
        ("literal", Some(text)) => text.to_owned(),
        (kind, Some(name)) => format!("{{{kind}:{name}}}"),
        (kind, None) => format!("{{{kind}}}"),
    };
    let signed = parts.iter().map(text).collect();
    (parts, signed)
}

fn secret(random: &mut Rng, key: &str, prefix: &str) -> String {
    // Longer than a block of the hash, too.
    let length = one(random, &[1, 24, 32, 64, 65, 128, 129, 200]);
    let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
    let bare = match key {
        "base64" => STANDARD.encode(&bytes),
        "hex" if random.bool() => hex::encode_upper(&bytes),
        "hex" => hex::encode(&bytes),
        _ => bytes.iter().map(|byte| char::from(b' ' + byte % 95)).chain(['é']).collect(),
    };
    if random.bool() { format!("{prefix}{bare}") } else { bare }
}
