# No official SDK of Paystack has a verifier; Python's hmac, by Paystack's description: python paystack.py > ../paystack.json
import base64, hashlib, hmac, json, sys

NEW, OLD = "paystack-demo-key-new", "paystack-demo-key-old"
BODY = '{"event":"charge.success","data":{"id":5000000001,"reference":"T1demo000001","amount":90000}}'
WIDE = '{"event":"charge.success","data":{"message":"₦900 – ọjọ́"}}'


def mac(secret=NEW, body=BODY, algorithm=hashlib.sha512):
    return hmac.new(secret.encode(), body.encode(), algorithm)


def case(name, value, ours, secrets=(NEW,), body=BODY):
    values = value if isinstance(value, list) else [value]
    return {"name": name, "secrets": list(secrets), "headers": [["x-paystack-signature", v] for v in values],
            "query": "", "client": None, "body": body, "sdk": None, "ours": ours}


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
    case("another body", good, False, body=BODY.replace("90000", "90001")),
    case("upper-case hex", good.upper(), False),
    case("base64", base64.b64encode(mac().digest()).decode(), False),
    case("SHA-256", mac(algorithm=hashlib.sha256).hexdigest(), False),
    case("the first half of the digits", good[:64], False),
    case("one digit more", good + "0", False),
]
json.dump({"made_by": "Python's hmac; no official SDK has a verifier", "now_s": 1760000000, "tolerance_s": 300,
           "public_url": None, "cases": cases}, sys.stdout, indent=1, ensure_ascii=False)
print()
