"""Stripe's signed events, in the shapes of the samples that `daybridge send` uses and of Stripe's own documentation."""

import hashlib
import hmac
import json
import time
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "src/provider/samples/stripe"

BASIL = "2025-08-27.basil"
# The last one in which a charge that was captured in part says the uncaptured part in `amount_refunded`.
ACACIA = "2025-02-24.acacia"


def sign(secret, body, now=None):
    at = str(int(now or time.time()))
    mac = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def fill(value, words):
    if isinstance(value, str):
        return words[value] if value in words else value.replace("{tail}", words["tail"])
    if isinstance(value, list):
        return [fill(item, words) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, words) for key, item in value.items()}
    return value


def sample(name, event, payment, at, kind=None):
    """An event of this sample about a payment, as a dict."""
    words = {
        "{event}": event,
        "{payment}": payment.id,
        "{channel}": payment.channel,
        "{currency}": "usd",
        "{amount}": payment.amount,
        "{livemode}": payment.kind != "test_mode",
        "{created}": at,
        "tail": payment.tail,
    }
    body = fill(json.loads((SAMPLES / f"{name}.json").read_text()), words)
    body["api_version"] = payment.version
    body["type"] = kind or name
    thing = body["data"]["object"]
    thing["metadata"] = payment.metadata(name)
    if "client_reference_id" in thing:
        thing["client_reference_id"] = payment.channel
    return body


def charge(kind, event, payment, at, captured=None, refunded=0):
    """A charge with so much captured (None: nothing yet) and so much given back.

    Before basil what was not captured counts as `amount_refunded`, though it never came in.
    """
    body = sample("charge.succeeded", event, payment, at, kind)
    thing = body["data"]["object"]
    thing["captured"] = captured is not None
    thing["amount_captured"] = captured or 0
    uncaptured = payment.amount - captured if captured is not None and payment.version == ACACIA else 0
    thing["amount_refunded"] = refunded + uncaptured
    thing["refunded"] = thing["amount_refunded"] >= payment.amount
    return body


def other(name, event, payment, at):
    """What else tells of the payment: its intent or its checkout session."""
    body = sample(name, event, payment, at)
    if name == "payment_intent.succeeded":
        body["data"]["object"]["amount_received"] = payment.captured
    return body


def refund(kind, event, payment, at, name, amount, status="succeeded"):
    """A refund, which knows nothing of channel and days."""
    return {
        "id": event,
        "object": "event",
        "api_version": payment.version,
        "created": at,
        "data": {
            "object": {
                "id": name,
                "object": "refund",
                "amount": amount,
                "balance_transaction": f"txn_{name}",
                "charge": f"ch_{payment.tail}",
                "created": at,
                "currency": "usd",
                "destination_details": {"card": {"reference_status": "pending", "type": "refund"}, "type": "card"},
                "metadata": {},
                "payment_intent": payment.id,
                "reason": "requested_by_customer",
                "receipt_number": None,
                "source_transfer_reversal": None,
                "status": status,
                "transfer_reversal": None,
            }
        },
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": f"req_{name}", "idempotency_key": None},
        "type": kind,
    }
