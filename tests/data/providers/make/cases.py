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
