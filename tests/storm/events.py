"""Payments and the signed events that tell of them, in the shapes of the samples that `daybridge send` uses."""

import hashlib
import hmac
import json
import time
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "src/provider/samples/stripe"

# One payment in so many is of a kind that must not simply be credited.
KINDS = {
    "plain": 82,  # told by several events, each several times
    "linked": 5,  # only the checkout session names the channel
    "abandoned": 4,  # sent once, perhaps cut off, never again
    "unknown_channel": 3,  # the partner does not know it
    "no_days": 2,  # nothing says how many
    "test_mode": 2,  # of the other mode
    "forged": 2,  # signed with another secret
}
COPIES = [1, 1, 1, 2, 2, 3, 4, 6, 9, 20]
DAYS = [7, 30, 90]


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


class Payment:
    """One payment, all that will be sent of it, and what was answered."""

    def __init__(self, rng, seed, number, channels, secret):
        self.id = f"pi_{seed}n{number}"
        self.key = f"stripe/{self.id}"
        self.kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        self.channel = "NOSUCH-ZZZZZ" if self.kind == "unknown_channel" else rng.choice(channels)
        self.days = rng.choice(DAYS)
        self.secret = "whsec_forged" if self.kind == "forged" else secret
        self.counts = self.kind not in ("forged", "test_mode")  # may ever be credited
        self.accepted = False  # a granting event of it got a 2xx
        self.answers = []
        self.events = list(self._events(rng))

    def _events(self, rng):
        """(type, body, number of times), granting events first."""
        created = int(time.time())
        told = [("charge.succeeded", f"evt_{self.id}_charge")]
        if self.kind != "abandoned":
            others = ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
            told += [(kind, f"evt_{self.id}_{n}") for n, kind in enumerate(rng.sample(others, rng.randint(0, 3)))]
            if self.kind == "linked" and all(kind != others[2] for kind, _ in told):
                told.append((others[2], f"evt_{self.id}_session"))
        for kind, event in told:
            copies = 1 if self.kind in ("abandoned", "forged") else rng.choice(COPIES)
            yield kind, self._body(kind, event, created), copies

    def _body(self, kind, event, created):
        sample = json.loads((SAMPLES / f"{kind}.json").read_text())
        words = {
            "{event}": event,
            "{payment}": self.id,
            "{channel}": self.channel,
            "{currency}": "usd",
            "{amount}": 30 * self.days,
            "{livemode}": self.kind != "test_mode",
            "{created}": created,
            "tail": self.id.removeprefix("pi_"),
        }
        body = fill(sample, words)
        metadata = {"channel_id": self.channel, "days": str(self.days)}
        if self.kind == "no_days":
            del metadata["days"]
        if self.kind == "linked" and kind != "checkout.session.completed":
            metadata = {"days": str(self.days)}
        body["data"]["object"]["metadata"] = metadata
        if "client_reference_id" in body["data"]["object"]:
            body["data"]["object"]["client_reference_id"] = self.channel
        return json.dumps(body, indent=2).encode()
