# PyPI razorpay 2.0.1: python -P razorpay.py > ../razorpay.json
import base64, hashlib, hmac, json, sys
import razorpay

utility = razorpay.Utility()
NEW, OLD = "rzp_hook_new", "rzp_hook_old"
BODY = '{"entity":"event","event":"payment.captured","payload":{"payment":{"entity":{"id":"pay_Q1demo0000001"}}}}'
WIDE = '{"entity":"event","note":"₹ 900 – परीक्षण"}'


def mac(secret, body, algorithm=hashlib.sha256):
    return hmac.new(secret.encode(), body.encode(), algorithm)


def sdk(secrets, headers, body):
    def one(secret):
        try:
            return bool(utility.verify_webhook_signature(body, dict(headers).get("x-razorpay-signature"), secret))
        except Exception:
            return False

    return None if len(headers) > 1 else any(one(secret) for secret in secrets)


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    headers = [["x-razorpay-signature", v] for v in values]
    return {"name": name, "secrets": list(secrets), "headers": headers, "query": "", "client": None, "body": body,
            "sdk": sdk(secrets, headers, body), "ours": ours}


good = mac(NEW, BODY).hexdigest()
cases = [
    case("plain", good, True),
    case("signed with the old of two secrets", mac(OLD, BODY).hexdigest(), True, (NEW, OLD)),
    case("signed with the new of two secrets", good, True, (NEW, OLD)),
    case("a body beyond ASCII", mac(NEW, WIDE).hexdigest(), True, body=WIDE),
    case("empty body", mac(NEW, "").hexdigest(), True, body=""),
    case("no header", [], False),
    case("empty header", "", False),
    case("two headers", [good, good], False),
    case("another secret", good, False, (OLD,)),
    case("another body", good, False, body=BODY.replace("0001", "0002")),
    case("one more byte", good, False, body=BODY + "\n"),
    case("upper-case hex", good.upper(), False),
    case("base64", base64.b64encode(mac(NEW, BODY).digest()).decode(), False),
    case("cut by one digit", good[:-1], False),
    case("one digit more", good + "0", False),
    case("SHA-512", mac(NEW, BODY, hashlib.sha512).hexdigest(), False),
    case("a list of signatures", f"{good},{good}", False),
]
json.dump({"made_by": "PyPI razorpay 2.0.1", "now_s": 1760000000, "tolerance_s": 300, "public_url": None,
           "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
