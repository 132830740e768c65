"""Makes signatures.json with Stripe's official SDK for Python (stripe 16.1.0), so that our verifier is held
against theirs. Run it by hand in an environment that has the SDK: python make_signatures.py > signatures.json

Each vector is judged by the SDK too; "sdk" is its verdict. Where ours differs on purpose, "ours" says so."""

import json
import sys

import stripe

Signature = stripe.WebhookSignature
SECRET, OLD = "whsec_made_for_tests_0001", "whsec_made_for_tests_0000"
NOW, TOLERANCE = 1_760_000_000, 300
BODY = '{"id":"evt_1Made","object":"event","text":"für 30 Tage – ✓"}'


def tag(at, secret=SECRET, body=BODY):
    return Signature._compute_signature(f"{at}.{body}", secret)


def sdk(header, body, secrets):
    import time

    time.time = lambda: NOW
    for secret in secrets:
        try:
            if Signature.verify_header(body, header, secret, TOLERANCE):
                return True
        except stripe.SignatureVerificationError:
            pass
    return False


good, bad = tag(NOW), "0" * 64
vectors = []


def vector(name, header, body=BODY, secrets=(SECRET,), ours=None):
    verdict = sdk(header, body, secrets)
    entry = {"name": name, "header": header, "body": body, "secrets": list(secrets), "sdk": verdict}
    vectors.append({**entry, "ours": verdict if ours is None else ours})


vector("plain", f"t={NOW},v1={good}")
vector("with v0 beside", f"t={NOW},v1={good},v0={bad}")
vector("good beside bad", f"t={NOW},v1={bad},v1={good}")
vector("v1 before t", f"v1={good},t={NOW}")
vector("rotated, new secret", f"t={NOW},v1={good},v1={tag(NOW, OLD)}", secrets=(SECRET,))
vector("rotated, old secret only", f"t={NOW},v1={tag(NOW, OLD)}", secrets=(SECRET, OLD))
vector("oldest allowed", f"t={NOW - TOLERANCE},v1={tag(NOW - TOLERANCE)}")
vector("too old", f"t={NOW - TOLERANCE - 1},v1={tag(NOW - TOLERANCE - 1)}")
vector("in the future", f"t={NOW + 3600},v1={tag(NOW + 3600)}", ours=False)
vector("other secret", f"t={NOW},v1={tag(NOW, 'whsec_other')}")
vector("other body", f"t={NOW},v1={good}", body=BODY + " ")
vector("other time", f"t={NOW - 1},v1={good}")
vector("v0 only", f"t={NOW},v0={good}")
vector("no time", f"v1={good}")
vector("time is no number", f"t=now,v1={good}")
vector("empty body", f"t={NOW},v1={tag(NOW, body='')}", body="")

json.dump(
    {"sdk": f"stripe {stripe.VERSION}", "now": NOW, "tolerance": TOLERANCE, "vectors": vectors},
    sys.stdout,
    indent=1,
    ensure_ascii=False,
)
print()
