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
    let key = transfer_key(&key, 1);
    if let Ok(template) = CommentTemplate::parse(template, realm_bytes(realm), 3650) {
        let comment = template.render(&key, 3650);
        assert!(comment.len() <= COMMENT_BYTES_MAX, "{} characters: {comment}", comment.len());
        assert!(comment.contains(&key) && comment.bytes().all(|b| (b' '..=b'~').contains(&b)), "{comment}");
    }
}
