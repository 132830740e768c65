//! What TLS libraries say of certificates, with what to do about it.

/// What to do; `ca`: how to name a private CA here; `own`: how to show a certificate of one's own. `None`: the text is
/// about something else.
pub fn advice(text: &str, ca: &str, own: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Of the handshake's alerts, those that answer our own certificate, or its absence.
    if says(&["fatal alert"]) {
        let of_ours =
            ["CertificateRequired", "BadCertificate", "CertificateUnknown", "UnknownCA", "HandshakeFailure"];
        return says(&of_ours)
            .then(|| format!("it wants a client certificate of a CA that it trusts: {own}"));
    }
    if says(&["No CA certificates were loaded", "Could not load any valid certificates"]) {
        return Some(format!(
            "this machine has no CA certificates: install the package ca-certificates, or {ca}"
        ));
    }
    // BadSignature: another CA of the same name, such as one that was made anew.
    if says(&["UnknownIssuer", "BadSignature"]) {
        return Some(format!("its certificate is signed by nobody whom this machine trusts: {ca}"));
    }
    if says(&["NotValidForName", "not valid for name"]) {
        return Some(
            "its certificate is for another name: use one of the certificate's names in the URL".into(),
        );
    }
    if says(&["expired", "Expired", "not valid yet", "NotValidYet"]) && says(&["certificate"]) {
        return Some(
            "its certificate has run out or is not valid yet, or this machine's clock is wrong".into(),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_its_mend() {
        for (text, want) in [
            ("invalid peer certificate: UnknownIssuer", Some("name the CA")),
            ("invalid peer certificate: BadSignature", Some("name the CA")),
            ("unexpected error: No CA certificates were loaded from the system", Some("ca-certificates")),
            (
                "invalid peer certificate: certificate not valid for name \"a\"; certificate is only valid for b",
                Some("the certificate's names"),
            ),
            ("invalid peer certificate: certificate expired: verified now", Some("clock")),
            ("received fatal alert: CertificateRequired", Some("show ours")),
            ("received fatal alert: HandshakeFailure", Some("show ours")),
            ("received fatal alert: ProtocolVersion", None),
            ("Connection refused (os error 111)", None),
        ] {
            let advice = advice(text, "name the CA", "show ours");
            match want {
                Some(want) => assert!(advice.clone().is_some_and(|a| a.contains(want)), "{text}: {advice:?}"),
                None => assert_eq!(advice, None, "{text}"),
            }
        }
    }
}
