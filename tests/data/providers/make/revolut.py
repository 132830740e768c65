# No official SDK verifies it: Python's hmac. Run: python3 tests/data/providers/make/revolut.py
import hashlib
import hmac

from cases import NOW, case, write

KEY, OTHER = "wsk_invented0123456789abcdefghijklmA", "wsk_invented0123456789abcdefghijklmB"
BODY = '{"event":"ORDER_COMPLETED","order_id":"6516e61c-d279-a454-a837-00000000test"}'
MS = str(NOW * 1000 - 250)


def sign(ts=MS, body=BODY, key=KEY, version="v1"):
    return hmac.new(key.encode(), f"{version}.{ts}.{body}".encode(), hashlib.sha256).hexdigest()


CASES = []


def add(name, ours, values, ts=(MS,), body=BODY, secrets=(KEY,)):
    headers = [("revolut-signature", v) for v in values] + [("revolut-request-timestamp", t) for t in ts]
    CASES.append(case(name, list(secrets), headers, body, None, ours))


def at(seconds):
    return str((NOW + seconds) * 1000)


good = "v1=" + sign()
add("good", True, [good])
add("good by the second of two secrets", True, [good], secrets=(OTHER, KEY))
add("good, two signatures while the secret is rotated", True, ["v1=" + sign(key=OTHER) + "," + good])
add("good beside an unknown scheme", True, ["v2=" + "ab" * 32 + "," + good])
add("good, just young enough", True, ["v1=" + sign(at(-299))], [at(-299)])
add("stale", False, ["v1=" + sign(at(-301))], [at(-301)])
add("future", False, ["v1=" + sign(at(301))], [at(301)])
add("time in seconds", False, ["v1=" + sign(str(NOW))], [str(NOW)])
add("no signature", False, [])
add("empty signature", False, [""])
add("no time", False, [good], [])
add("empty time", False, ["v1=" + sign("")], [""])
add("time is no number", False, ["v1=" + sign("soon")], ["soon"])
add("two signature lines", False, [good, good])
add("two time lines", False, [good], [MS, MS])
add("time changed", False, [good], [str(int(MS) + 1)])
add("only an unknown scheme", False, ["v2=" + sign(version="v2")])
add("without its scheme", False, [sign()])
add("wrong secret", False, [good], secrets=(OTHER,))
add("secret without its prefix", False, ["v1=" + sign(key=KEY[4:])])
add("other body", False, [good], body=BODY.replace("test", "tesT"))
add("upper-case hex", False, ["v1=" + sign().upper()])
add("cut short", False, [good[:-2]])

write("revolut", "Python's hmac: no official SDK verifies it", CASES)
