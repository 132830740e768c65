# PyPI mercadopago 3.6.0 (its WebhookSignatureValidator is the judge). Run: python3 tests/data/providers/make/mercadopago.py
import hashlib
import hmac
import sys

from cases import NOW, case, write

sys.path.pop(0)  # this file has the SDK's name
from mercadopago.webhook.validator import (  # noqa: E402
    InvalidWebhookSignatureError,
    WebhookSignatureValidator,
)

TOLERANCE = 3 * 86400
KEY, OTHER = "invented0123456789secreta", "invented0123456789secretb"
ID, REQUEST = "1234567890", "f7b2a1d4-0b1c-4ec2-aaaa-00000000test"
BODY = '{"id":112233445501,"live_mode":true,"type":"payment","action":"payment.updated","data":{"id":"1234567890"}}'


def sign(ts=NOW, key=KEY, ident=ID, request=REQUEST):
    text = f"id:{ident};request-id:{request};ts:{ts};"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def judge(secrets, values, requests, ident):
    if len(values) > 1 or len(requests) > 1:
        return None
    for secret in secrets:
        try:
            WebhookSignatureValidator.validate(
                values[0] if values else None,
                requests[0] if requests else None,
                ident,
                secret,
                tolerance_seconds=TOLERANCE,
                now=lambda: NOW * 1000,
            )
            return True
        except InvalidWebhookSignatureError:
            pass
    return False


CASES = []


def add(name, ours, values, secrets=(KEY,), ident=ID, requests=(REQUEST,), body=BODY):
    headers = [("x-signature", v) for v in values] + [("x-request-id", r) for r in requests]
    query = "" if ident is None else f"data.id={ident}&type=payment"
    sdk = judge(secrets, values, requests, ident)
    CASES.append(case(name, list(secrets), headers, body, sdk, ours, query=query))


good = f"ts={NOW},v1={sign()}"
add("good", True, [good])
add("good by the second of two secrets", True, [good], secrets=(OTHER, KEY))
add("good, time after the signature", True, [f"v1={sign()},ts={NOW}"])
add("good beside an unknown scheme", True, [f"ts={NOW},v2={'ab' * 32},v1={sign()}"])
add("good, two days old", True, [f"ts={NOW - 172800},v1={sign(NOW - 172800)}"])
add("good, another body: it is not signed", True, [good], body=BODY.replace("updated", "created"))
add("stale", False, [f"ts={NOW - TOLERANCE - 1},v1={sign(NOW - TOLERANCE - 1)}"])
add("future", False, [f"ts={NOW + TOLERANCE + 1},v1={sign(NOW + TOLERANCE + 1)}"])
# The SDK takes seconds only; Orders are documented with ms.
add("time in ms", True, [f"ts={NOW}000,v1={sign(str(NOW) + '000')}"])
add("no header", False, [])
add("empty header", False, [""])
add("two header lines", False, [good, good])
add("no time", False, [f"v1={sign()}"])
add("no signature", False, [f"ts={NOW}"])
add("time is no number", False, [f"ts=soon,v1={sign('soon')}"])
add("time changed", False, [f"ts={NOW + 1},v1={sign()}"])
add("another payment in the URL", False, [good], ident="1234567891")
add("no payment in the URL", False, [good], ident=None)
add("another request", False, [good], requests=("f7b2a1d4-0b1c-4ec2-aaaa-00000000tesu",))
add("no request id", False, [good], requests=())
add("wrong secret", False, [good], secrets=(OTHER,))
add("upper-case hex", False, [f"ts={NOW},v1={sign().upper()}"])
add("cut short", False, [good[:-2]])

# As the documentation of Orders shows it; the SDK's validator is not asked.
ORDER = "ORD01K7DEMO0000000000000001"
ORDER_BODY = '{"action":"order.processed","type":"order","live_mode":true,"data":{"id":"%s"}}' % ORDER


def order(name, ours, ts, ident):
    headers = [("x-signature", f"ts={ts},v1={sign(ts, ident=ident)}"), ("x-request-id", REQUEST)]
    query = f"data.id={ORDER}&type=order"
    CASES.append(case(name, [KEY], headers, ORDER_BODY, None, ours, query=query))


MS = NOW * 1000
order("an order, its id in small letters, in ms", True, MS, ORDER.lower())
order("an order, its id as it stands, in ms", True, MS, ORDER)
order("an order, in seconds", True, NOW, ORDER.lower())
order("an order, stale by ms", False, MS - TOLERANCE * 1000 - 1000, ORDER.lower())
order("another order", False, MS, ORDER.lower()[:-1] + "2")

write("mercadopago", "PyPI mercadopago 3.6.0", CASES, tolerance=TOLERANCE)
