"""What the makers of the MAC vectors share: the list of cases and the file's form. Run by hand, never by a build."""

import hashlib
import hmac
import json
import pathlib

NOW = 1760000000
OUT = pathlib.Path(__file__).resolve().parent.parent


def hex_mac(secret, body):
    return hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def case(name, secrets, headers, body, sdk, ours, query="", client=None):
    return {
        "name": name,
        "secrets": secrets,
        "headers": [list(h) for h in headers],
        "query": query,
        "client": client,
        "body": body,
        "sdk": sdk,
        "ours": ours,
    }


def write(name, made_by, cases, tolerance=300, public_url=None):
    file = {
        "made_by": made_by,
        "now_s": NOW,
        "tolerance_s": tolerance,
        "public_url": public_url,
        "cases": cases,
    }
    text = json.dumps(file, indent=2, ensure_ascii=False) + "\n"
    (OUT / f"{name}.json").write_text(text, encoding="utf-8")


def body_mac(header, secret, other, body, judge, prefix=""):
    """Cases of a scheme that signs the raw body and sends one value in one header, lower-case hex.

    `judge(secrets, value, body)` is the official verifier's verdict; value is None where the header is missing.
    """
    good = prefix + hex_mac(secret, body)
    wide = body.replace("}", ',"note":"Grüße, 日本"}', 1)
    cases = []

    def add(name, secrets, values, text, ours, asked=True):
        sdk = None
        if asked and len(values) < 2:
            sdk = judge(secrets, values[0] if values else None, text)
        cases.append(case(name, secrets, [(header, v) for v in values], text, sdk, ours))

    add("good", [secret], [good], body, True)
    add("good by the second of two secrets", [other, secret], [good], body, True)
    add("good, text beyond ASCII", [secret], [prefix + hex_mac(secret, wide)], wide, True)
    add("good, empty body", [secret], [prefix + hex_mac(secret, "")], "", True)
    add("no header", [secret], [], body, False)
    add("empty header", [secret], [""], body, False)
    add("two header lines", [secret], [good, good], body, False)
    add("wrong secret", [other], [good], body, False)
    add("other body", [secret], [good], body.replace("1", "2", 1), False)
    add("a line end more", [secret], [good], body + "\n", False)
    add("upper-case hex", [secret], [prefix + hex_mac(secret, body).upper()], body, False)
    add("cut short", [secret], [good[:-2]], body, False)
    add("two digits more", [secret], [good + "00"], body, False)
    add("not hex", [secret], [prefix + "g" * 64], body, False)
    if prefix:
        add("without its prefix", [secret], [good[len(prefix):]], body, False)
    else:
        add("with a foreign prefix", [secret], ["sha256=" + good], body, False)
    return cases


def token_in_query(body, client=None):
    """Cases of a secret that the operator puts into the webhook's URL: `?token=…`. No SDK has an opinion on it."""
    secret, other = "Invented-token_a.0123456789", "Invented-token_b.0123456789"
    cases = []

    def add(name, secrets, query, ours, headers=()):
        cases.append(case(name, secrets, headers, body, None, ours, query=query, client=client))

    add("good", [secret], "token=" + secret, True)
    add("good by the second of two tokens", [other, secret], "token=" + secret, True)
    add("good beside other parameters", [secret], "shop=7&token=" + secret + "&x=1", True)
    add("no query", [secret], "", False)
    add("empty token", [secret], "token=", False)
    add("wrong token", [other], "token=" + secret, False)
    add("other case", [secret], "token=" + secret.lower(), False)
    add("cut short", [secret], "token=" + secret[:-1], False)
    add("one more", [secret], "token=" + secret + "0", False)
    add("twice", [secret], "token=" + secret + "&token=" + secret, False)
    add("good beside a wrong one", [secret], "token=x&token=" + secret, False)
    add("another parameter", [secret], "Token=" + secret, False)
    add("in a header", [secret], "", False, [("token", secret)])
    return cases


def token_in_header(header, body):
    """Cases of a static secret in a header. No SDK has an opinion on it."""
    secret, other = "Invented-token_a.0123456789", "Invented-token_b.0123456789"
    cases = []

    def add(name, secrets, values, ours, query=""):
        cases.append(case(name, secrets, [(header, v) for v in values], body, None, ours, query=query))

    add("good", [secret], [secret], True)
    add("good by the second of two tokens", [other, secret], [secret], True)
    add("no header", [secret], [], False)
    add("empty header", [secret], [""], False)
    add("two header lines", [secret], [secret, secret], False)
    add("wrong token", [other], [secret], False)
    add("other case", [secret], [secret.lower()], False)
    add("cut short", [secret], [secret[:-1]], False)
    add("one more", [secret], [secret + "0"], False)
    add("in the query", [secret], [], False, header + "=" + secret)
    return cases
