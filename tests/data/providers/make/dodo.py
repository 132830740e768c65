# PyPI dodopayments 1.123.0 with standardwebhooks 1.1.0: python -P dodo.py > ../dodo.json
import base64, hashlib, hmac, json, sys
from datetime import datetime
from unittest.mock import patch
from dodopayments import DodoPayments

NOW, TOLERANCE, ID = 1760000000, 300, "msg_demo0000000000000001"
NEW = "whsec_" + base64.b64encode(b"daybridge demo key, new, 01").decode()
OLD = "whsec_" + base64.b64encode(b"daybridge demo key, old, 02").decode()


def key(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


BODY = '{"type":"payment.succeeded","data":{"payment_id":"pay_0Ndemo1"}}'
WIDE = '{"type":"demo","data":{"note":"30 Tage – größer"}}'


def mac(secret=NEW, at=NOW, body=BODY, id=ID):
    tag = hmac.new(key(secret), f"{id}.{at}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(tag).decode()


class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


def judge(secret, headers, body):
    with patch("standardwebhooks.webhooks.datetime", Clock):
        DodoPayments(bearer_token="-").webhooks.unwrap(body, headers=headers, key=secret)


def sdk(secrets, headers, body):
    if len({name for name, _ in headers}) < len(headers):
        return None

    def one(secret):
        try:
            judge(secret, dict(headers), body)
            return True
        except Exception:
            return False

    return any(one(secret) for secret in secrets)


def case(name, signature, ours, secrets=(NEW,), body=BODY, at=NOW, id=ID):
    signatures = signature if isinstance(signature, list) else [signature]
    headers = [["webhook-id", id], ["webhook-timestamp", None if at is None else str(at)]]
    headers = [h for h in headers if h[1] is not None] + [["webhook-signature", s] for s in signatures]
    return {"name": name, "secrets": list(secrets), "headers": headers, "query": "", "client": None, "body": body,
            "sdk": sdk(secrets, headers, body), "ours": ours}


old, late, early = NOW - TOLERANCE, NOW - TOLERANCE - 1, NOW + TOLERANCE + 1
cases = [
    case("plain", mac(), True),
    case("signed with the old of two secrets", mac(OLD), True, (NEW, OLD)),
    case("two signatures, the second fits", f"{mac(OLD)} {mac()}", True),
    case("two signatures, the first fits", f"{mac()} {mac(OLD)}", True),
    case("an asymmetric signature beside it", f"v1a,AAAA {mac()}", True),
    case("a body beyond ASCII", mac(body=WIDE), True, body=WIDE),
    case("as old as is allowed", mac(at=old), True, at=old),
    case("as far ahead as is allowed", mac(at=NOW + TOLERANCE), True, at=NOW + TOLERANCE),
    case("too old", mac(at=late), False, at=late),
    case("too far ahead", mac(at=early), False, at=early),
    case("no signature", [], False),
    case("empty signature", "", False),
    case("two signature headers", [mac(), mac()], False),
    case("no time", mac(), False, at=None),
    case("no id", mac(), False, id=None),
    case("another id", mac(), False, id="msg_demo0000000000000002"),
    case("signed for another time", mac(), False, at=NOW - 1),
    # The SDK reads any number and signs its whole part.
    case("time with a fraction", mac(), False, at=f"{NOW}.0"),
    case("another version", mac().replace("v1,", "v2,"), False),
    case("no version", mac()[3:], False),
    case("another secret", mac(OLD), False),
    case("another body", mac(), False, body=BODY + " "),
    case("hex", "v1," + base64.b64decode(mac()[3:]).hex(), False),
    case("no padding", mac().rstrip("="), False),
    case("a stray character in the base64", mac()[:-1] + "!=", False),
]
json.dump({"made_by": "PyPI dodopayments 1.123.0 with standardwebhooks 1.1.0", "now_s": NOW, "tolerance_s": TOLERANCE, "public_url": None, "cases": cases},
          sys.stdout, indent=1, ensure_ascii=False)
print()
