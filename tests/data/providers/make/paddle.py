# PyPI paddle-python-sdk 1.16.1: python -P paddle.py > ../paddle.json
import hashlib, hmac, json, sys
from types import SimpleNamespace
from unittest.mock import patch
from paddle_billing.Notifications import Secret, Verifier

NOW, TOLERANCE = 1760000000, 300
NEW, OLD = "pdl_ntfset_01k7new_demo", "pdl_ntfset_01k7old_demo"
BODY = '{"event_id":"evt_01k7demo","event_type":"transaction.completed","data":{"id":"txn_01k7demo"}}'
WIDE = '{"event_id":"evt_01k7demo","note":"30 Tage – größer"}'


def mac(secret=NEW, at=NOW, body=BODY, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), f"{at}:{body}".encode(), algorithm).hexdigest()


def sdk(secrets, headers, body):
    if len(headers) > 1:
        return None
    request = SimpleNamespace(headers={"Paddle-Signature": v for _, v in headers}, body=body.encode())
    keys = [Secret(secret) for secret in secrets]
    try:
        with patch("paddle_billing.Notifications.Verifier.time", return_value=NOW):
            return bool(Verifier(maximum_variance=TOLERANCE).verify(request, keys))
    except Exception:
        return False


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    headers = [["paddle-signature", v] for v in values]
    return {"name": name, "secrets": list(secrets), "headers": headers, "query": "", "client": None, "body": body,
            "sdk": sdk(secrets, headers, body), "ours": ours}


def header(at=NOW, tag=None):
    return f"ts={at};h1={tag or mac(at=at)}"


cases = [
    case("plain", header(), True),
    case("signature before the time", f"h1={mac()};ts={NOW}", True),
    case("signed with the old of two secrets", header(tag=mac(OLD)), True, (NEW, OLD)),
    case("two signatures, the second fits", f"ts={NOW};h1={mac(OLD)};h1={mac()}", True),
    case("two signatures, the first fits", f"ts={NOW};h1={mac()};h1={mac(OLD)}", True),
    case("a body beyond ASCII", header(tag=mac(body=WIDE)), True, body=WIDE),
    case("as old as is allowed", header(NOW - TOLERANCE), True),
    case("as far ahead as is allowed", header(NOW + TOLERANCE), True),
    # The SDK refuses the header for an element that it does not know.
    case("an element of a later scheme", f"ts={NOW};h1={mac()};h2=00", True),
    case("too old", header(NOW - TOLERANCE - 1), False),
    case("too far ahead", header(NOW + TOLERANCE + 1), False),
    case("no header", [], False),
    case("empty header", "", False),
    case("two headers", [header(), header()], False),
    case("no time", f"h1={mac()}", False),
    case("no signature", f"ts={NOW}", False),
    # The SDK takes the last of them.
    case("two times", f"ts={NOW - 9000};ts={NOW};h1={mac()}", False),
    case("time with a sign", f"ts=+{NOW};h1={mac()}", False),
    case("signed for another time", header(NOW - 1, mac()), False),
    case("another secret", header(tag=mac(OLD)), False),
    case("another body", header(), False, body=BODY.replace("evt_01", "evt_02")),
    case("upper-case hex", header(tag=mac().upper()), False),
    case("separated by commas", f"ts={NOW},h1={mac()}", False),
    case("SHA-512", header(tag=mac(algorithm=hashlib.sha512)), False),
]
json.dump({"made_by": "PyPI paddle-python-sdk 1.16.1, its maximum variance set to 300 s", "now_s": NOW,
           "tolerance_s": TOLERANCE, "public_url": None, "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
