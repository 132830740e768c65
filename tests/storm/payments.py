"""Payments: what each is, what will be told of it, and how many days are right."""

import json
import time
from dataclasses import dataclass

from . import events
from .events import ACACIA, BASIL

# One payment in so many is of a kind that must not simply be credited.
KINDS = {
    "plain": 65,  # told by several events, each several times
    "linked": 5,  # only the checkout session names the channel
    "refunded": 9,  # in part or in full, before or after its days moved
    "captured_in_part": 5,  # what was not captured never came in: nothing is to be taken off
    "both_realms": 3,  # its events reach two sources with different realms and secrets
    "abandoned": 4,  # sent once, perhaps cut off, never again
    "unknown_channel": 3,  # the partner does not know it
    "no_days": 2,  # nothing says how many
    "test_mode": 2,  # of the other mode
    "forged": 2,  # signed with another secret
}
COPIES = [1, 1, 1, 2, 2, 3, 4, 6, 9, 20]
DAYS = [7, 30, 90]
UNITS_A_DAY = 30
# So many of the first channels get half of all payments: several payments of one channel are on their way at once.
BUSY_CHANNELS = 6
SECOND_REALM_CHANCE = 0.2
AGE_S = 20  # the money came in so long before its first event is sent
SPREAD_S = 12  # the events of a payment are spread over so long, in any order
LATE_S = (12, 25)  # a refund of this kind comes when the days have moved, mostly


@dataclass
class Event:
    """One body for one source, sent so many times within so many seconds from now."""

    kind: str
    body: bytes
    source: object
    copies: int
    grants: bool
    within_s: tuple


class Payment:
    """One payment, all that will be sent of it, and what was answered."""

    def __init__(self, rng, seed, number, channels, sources):
        self.tail = f"{seed}n{number}"
        self.id = f"pi_{self.tail}"
        self.kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        busy = channels[:BUSY_CHANNELS] if rng.random() < 0.5 else channels
        self.channel = "NOSUCH-ZZZZZ" if self.kind == "unknown_channel" else rng.choice(busy)
        self.days = rng.choice(DAYS)
        self.amount = self.captured = UNITS_A_DAY * self.days
        self.version = BASIL
        self.refunds = []  # (id, amount)
        first = sources[1] if rng.random() < SECOND_REALM_CHANCE else sources[0]
        self.sources = sources if self.kind == "both_realms" else [first]
        self.keys = [f"{source.realm}/{self.id}" for source in self.sources]
        self.counts = self.kind not in ("forged", "test_mode")  # may ever be credited
        self.accepted = False  # a granting event of it got a 2xx
        self.answers = []
        told = list(self._told(rng))
        self.events = [Event(kind, body, source, *rest) for source in self.sources for kind, body, *rest in told]

    @property
    def key(self):
        return self.keys[0]

    @property
    def due(self):
        """Days that its money covers: the customer keeps the started fraction of a day."""
        out = sum(amount for _, amount in self.refunds)
        return 0 if out >= self.captured else self.days - self.days * out // self.captured

    def metadata(self, name):
        if self.kind == "no_days":
            return {"channel_id": self.channel}
        if self.kind == "linked" and name != "checkout.session.completed":
            return {"days": str(self.days)}
        return {"channel_id": self.channel, "days": str(self.days)}

    def _told(self, rng):
        """(type, body, number of times, whether it grants, when): granting events first."""
        at = int(time.time()) - AGE_S
        if self.kind == "captured_in_part" or (self.kind == "refunded" and rng.random() < 0.3):
            self.captured = self.amount * rng.choice([2, 3]) // 5
        if self.kind == "captured_in_part":
            self.version = rng.choice([ACACIA, BASIL])
        told = self._captured(at) if self.captured < self.amount else self._charged(at)
        if self.kind != "abandoned":
            told += self._others(rng, at)
        for kind, body, grants in told:
            copies = 1 if self.kind in ("abandoned", "forged") else rng.choice(COPIES)
            yield kind, json.dumps(body, indent=2).encode(), copies, grants, (0, SPREAD_S)
        if self.kind == "refunded":
            yield from self._refunded(rng, at)

    def _charged(self, at):
        body = events.charge("charge.succeeded", f"evt_{self.id}_charge", self, at, self.amount)
        return [("charge.succeeded", body, True)]

    def _captured(self, at):
        """Authorised, then captured in part; before basil also told as a refund of what was not captured."""
        event = f"evt_{self.id}"
        told = [
            ("charge.captured", events.charge("charge.captured", f"{event}_captured", self, at, self.captured), True),
            ("charge.succeeded", events.charge("charge.succeeded", f"{event}_authorised", self, at - 5), False),
        ]
        if self.version == ACACIA:
            name, rest = f"re_{self.tail}u", self.amount - self.captured
            given = events.charge("charge.refunded", f"{event}_uncaptured", self, at, self.captured)
            told += [
                ("charge.refunded", given, False),
                ("refund.created", events.refund("refund.created", f"{event}_rest", self, at, name, rest), False),
            ]
        return told

    def _others(self, rng, at):
        names = ["payment_intent.succeeded", "checkout.session.completed"]
        if self.captured == self.amount:
            names.append("charge.succeeded")
        chosen = rng.sample(names, rng.randint(0, len(names)))
        if self.kind == "linked" and "checkout.session.completed" not in chosen:
            chosen.append("checkout.session.completed")
        for number, name in enumerate(chosen):
            event = f"evt_{self.id}_{number}"
            if name == "charge.succeeded":
                yield name, events.charge(name, event, self, at, self.amount), True
            else:
                yield name, events.other(name, event, self, at), False

    def _refunded(self, rng, at):
        """One refund or two, early or late, each told by what the endpoint asked for: totals, refunds, or both."""
        parts = rng.choice([[1.0], [1.0], [0.5], [1 / 3], [0.25, 0.25], [0.5, 0.5]])
        self.refunds = [(f"re_{self.tail}_{n}", int(self.captured * part)) for n, part in enumerate(parts)]
        within_s = LATE_S if rng.random() < 0.5 else (0, SPREAD_S)
        types = rng.choice([["charge.refunded"], ["refund.created"], ["charge.refunded", "refund.created", "refund.updated"]])
        total = 0
        for number, (name, amount) in enumerate(self.refunds):
            total += amount
            made = at + 5 * (number + 1) + (int(within_s[0]) if within_s is LATE_S else 0)
            event = f"evt_{self.id}_back{number}"
            whole = events.charge("charge.refunded", f"{event}_total", self, made, self.captured, total)
            created = events.refund("refund.created", f"{event}_created", self, made, name, amount)
            updated = events.refund("refund.updated", f"{event}_updated", self, made + 2, name, amount)
            for body in (body for body in (whole, created, updated) if body["type"] in types):
                yield body["type"], json.dumps(body, indent=2).encode(), rng.choice(COPIES), False, within_s
