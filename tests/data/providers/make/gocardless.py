# PyPI gocardless_pro 3.22.0 (its webhooks.parse is the judge). Run: python3 tests/data/providers/make/gocardless.py
from cases import body_mac, write
from gocardless_pro import webhooks
from gocardless_pro.errors import InvalidSignatureError

BODY = '{"events":[{"id":"EV0001TESTABC","resource_type":"payments","action":"confirmed","links":{"payment":"PM1"}}]}'


def judge(secrets, value, body):
    if value is None or body == "":
        return None  # it asks for a header, and parses what it verified
    for secret in secrets:
        try:
            webhooks.parse(body, secret, value)
            return True
        except InvalidSignatureError:
            pass
        except ValueError:
            return None
    return False


write(
    "gocardless",
    "PyPI gocardless_pro 3.22.0",
    body_mac("webhook-signature", "invented-endpoint-secret-a", "invented-endpoint-secret-b", BODY, judge),
)
