# No official SDK of Lemon Squeezy has a verifier; Python's hmac, by its description: python -P lemonsqueezy.py > ../lemonsqueezy.json
import base64, hashlib, hmac, json, sys

NEW, OLD = "lemon-demo-new", "lemon-demo-old"
BODY = '{"meta":{"event_name":"order_created"},"data":{"type":"orders","id":"4001"}}'
WIDE = '{"meta":{"event_name":"order_created","custom_data":{"note":"größer – 30"}}}'


def mac(secret=NEW, body=BODY, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), body.encode(), algorithm)


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    return {"name": name, "secrets": list(secrets), "headers": [["x-signature", v] for v in values], "query": "",
            "client": None, "body": body, "sdk": None, "ours": ours}


good = mac().hexdigest()
cases = [
    case("plain", good, True),
    case("signed with the old of two secrets", mac(OLD).hexdigest(), True, (NEW, OLD)),
    case("signed with the new of two secrets", good, True, (NEW, OLD)),
    case("a body beyond ASCII", mac(body=WIDE).hexdigest(), True, body=WIDE),
    case("no header", [], False),
    case("empty header", "", False),
    case("two headers", [good, good], False),
    case("another secret", good, False, (OLD,)),
    case("another body", good, False, body=BODY.replace("4001", "4002")),
    case("upper-case hex", good.upper(), False),
    case("base64", base64.b64encode(mac().digest()).decode(), False),
    case("SHA-512", mac(algorithm=hashlib.sha512).hexdigest(), False),
    case("a name before it", f"sha256={good}", False),
    case("cut by one digit", good[:-1], False),
]
json.dump({"made_by": "Python's hmac; no official SDK has a verifier", "now_s": 1760000000, "tolerance_s": 300,
           "public_url": None, "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
