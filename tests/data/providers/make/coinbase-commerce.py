# PyPI coinbase-commerce 1.0.1: python -P coinbase-commerce.py > ../coinbase-commerce.json
import base64, hashlib, hmac, json, sys
from coinbase_commerce.webhook import Webhook

NEW, OLD = "commerce-demo-new", "commerce-demo-old"
BODY = '{"id":"d11e","event":{"id":"e22e","type":"charge:confirmed","data":{"code":"DEMO0001"}}}'
WIDE = '{"id":"d11e","event":{"id":"e22e","type":"charge:confirmed","data":{"name":"30 Tage – größer"}}}'


def mac(secret=NEW, body=BODY, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), body.encode(), algorithm)


def sdk(secrets, headers, body):
    def one(secret):
        try:
            Webhook.construct_event(body, dict(headers).get("x-cc-webhook-signature"), secret)
            return True
        except Exception:
            return False

    return None if len(headers) > 1 else any(one(secret) for secret in secrets)


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    headers = [["x-cc-webhook-signature", v] for v in values]
    return {"name": name, "secrets": list(secrets), "headers": headers, "query": "", "client": None, "body": body,
            "sdk": sdk(secrets, headers, body), "ours": ours}


good = mac().hexdigest()
cases = [
    case("plain", good, True),
    case("signed with the old of two secrets", mac(OLD).hexdigest(), True, (NEW, OLD)),
    case("signed with the new of two secrets", good, True, (NEW, OLD)),
    case("a body beyond ASCII", mac(body=WIDE).hexdigest(), True, body=WIDE),
    # The SDK reads the body before it looks at the signature; for us that is the worker's matter.
    case("signed, but no JSON", mac(body="{").hexdigest(), True, body="{"),
    case("no header", [], False),
    case("empty header", "", False),
    case("two headers", [good, good], False),
    case("another secret", good, False, (OLD,)),
    case("another body", good, False, body=BODY.replace("0001", "0002")),
    case("upper-case hex", good.upper(), False),
    case("base64", base64.b64encode(mac().digest()).decode(), False),
    case("SHA-512", mac(algorithm=hashlib.sha512).hexdigest(), False),
    case("one digit more", good + "0", False),
]
json.dump({"made_by": "PyPI coinbase-commerce 1.0.1", "now_s": 1760000000, "tolerance_s": 300, "public_url": None,
           "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
