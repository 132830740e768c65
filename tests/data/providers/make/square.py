# PyPI squareup 46.0.0.20260916: python -P square.py > ../square.json
import base64, hashlib, hmac, json, sys
from square.utils.webhooks_helper import verify_signature

URL = "https://pay.example.com/webhooks/square"
NEW, OLD = "square-demo-key-new", "square-demo-key-old"
BODY = '{"merchant_id":"MLDEMO0000001","type":"payment.updated","event_id":"13b8","data":{"id":"bP9mAsDemo"}}'
WIDE = '{"merchant_id":"MLDEMO0000001","type":"payment.updated","note":"30 Tage – größer"}'


def mac(secret=NEW, body=BODY, url=URL, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), (url + body).encode(), algorithm)


def b64(made):
    return base64.b64encode(made.digest()).decode()


def sdk(secrets, headers, body):
    def one(secret):
        try:
            signature = dict(headers).get("x-square-hmacsha256-signature")
            return verify_signature(request_body=body, signature_header=signature, signature_key=secret,
                                    notification_url=URL)
        except Exception:
            return False

    return None if len(headers) > 1 else any(one(secret) for secret in secrets)


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    headers = [["x-square-hmacsha256-signature", v] for v in values]
    return {"name": name, "secrets": list(secrets), "headers": headers, "query": "", "client": None, "body": body,
            "sdk": sdk(secrets, headers, body), "ours": ours}


good = b64(mac())
cases = [
    case("plain", good, True),
    case("signed with the old of two secrets", b64(mac(OLD)), True, (NEW, OLD)),
    case("signed with the new of two secrets", good, True, (NEW, OLD)),
    case("a body beyond ASCII", b64(mac(body=WIDE)), True, body=WIDE),
    case("no header", [], False),
    case("empty header", "", False),
    case("two headers", [good, good], False),
    case("another secret", good, False, (OLD,)),
    case("another body", good, False, body=BODY.replace("13b8", "13b9")),
    case("signed for another URL", b64(mac(url=URL + "/")), False),
    case("signed for no URL", b64(mac(url="")), False),
    case("hex", mac().hexdigest(), False),
    case("no padding", good.rstrip("="), False),
    case("SHA-1", b64(mac(algorithm=hashlib.sha1)), False),
    case("a stray character", good[:-1] + "!=", False),
]
json.dump({"made_by": "PyPI squareup 46.0.0.20260916", "now_s": 1760000000, "tolerance_s": 300, "public_url": URL,
           "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
