//! Whatever stands in a key, the comment holds it whole, in plain ASCII, in the length that the partner takes; and two
//! payments never share a key.

use daybridge::domain::id::{COMMENT_BYTES_MAX, CommentTemplate, payment_key, realm_bytes, transfer_key};

pub fn render(data: &[u8]) {
    let [template, realm, one, two] = super::lines(data);
    let (Some(template), Some(realm)) = (super::text(template), super::text(realm)) else { return };
    let (Some(one), Some(two)) = (super::text(one), super::text(two)) else { return };
    let key = payment_key(realm, None, one);
    assert_eq!(key == payment_key(realm, None, two), one == two, "{one:?} and {two:?}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-%~".contains(c);
    let (before, after) = key.split_once('/').unwrap();
    assert!(before.chars().all(plain) && after.chars().all(plain), "{key}");
    if !after.starts_with('~') {
        assert_eq!(decoded(after).as_deref(), Some(one.as_bytes()), "{after}");
    }
    let key = transfer_key(&key, 1);
    if let Ok(template) = CommentTemplate::parse(template, realm_bytes(realm), 3650) {
        let comment = template.render(&key, 3650);
        assert!(comment.len() <= COMMENT_BYTES_MAX, "{} characters: {comment}", comment.len());
        assert!(comment.contains(&key) && comment.bytes().all(|b| (b' '..=b'~').contains(&b)), "{comment}");
    }
}

/// What a key's part was made from; `None` where a percent sign is no code of ours.
fn decoded(part: &str) -> Option<Vec<u8>> {
    let mut pieces = part.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(bytes)
}
