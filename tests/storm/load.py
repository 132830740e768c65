"""The provider: posts each event as often as it was drawn, out of order, and again until it gets a 2xx.

It cuts connections itself: in the middle of a body, and after the body before the answer. What it keeps (which event
of which payment got a 2xx) is the first of the three records that are compared.
"""

import heapq
import random
import socket
import threading
import time

from .events import sign
from .payments import Payment

SENDERS = 16
ANSWER_S_MAX = 10
CUT_CHANCE = 0.03
RETRY_S = (0.5, 3.0)
RESEND_SPREAD_S = 20
QUEUED_S_MAX = 300
FORGED_SECRET = "whsec_forged"


class Load:
    def __init__(self, port, seed, rate, channels, sources):
        self.port, self.rate, self.channels, self.sources = port, rate, channels, sources
        self.rng = random.Random(f"payments {seed}")
        self.seed = seed
        self.payments = []
        self.by_key = {}
        self.accepted = []  # (when, payment, event) of every 2xx
        self.counts = {"requests": 0, "accepted": 0, "cut": 0, "refused": 0, "unanswered": 0, "503": 0, "resent": 0}
        self.unexpected = []  # a good signature answered with anything but 2xx or 503
        self._heap, self._number = [], 0
        self._ready = threading.Condition()
        self._in_hand = 0
        self._made_all = threading.Event()
        threading.Thread(target=self._make, daemon=True).start()
        for number in range(SENDERS):
            rng = random.Random(f"sender {seed} {number}")
            threading.Thread(target=self._send_all, args=(rng,), daemon=True).start()

    def stop_making(self):
        self._made_all.set()

    def outstanding(self):
        with self._ready:
            return len(self._heap) + self._in_hand

    def in_queue_since(self):
        """What is in the queues may have been accepted after this. How many there are does not tell it: a broker that is
        busy, or has just come back, counts too few, and a worker that waits for the ledger keeps the oldest in hand."""
        return time.time() - QUEUED_S_MAX

    def resend(self, since, until):
        """As a person presses Resend: every event that got a 2xx in that time, once more, until it gets another."""
        with self._ready:
            found = {id(event): (payment, event) for at, payment, event in self.accepted if since <= at <= until}
            self.counts["resent"] += len(found)
        now = time.monotonic()
        for number, (payment, event) in enumerate(found.values()):
            self._put(now + RESEND_SPREAD_S * number / len(found), payment, event, True)
        return len(found)

    def _make(self):
        number = 0
        while not self._made_all.wait(self.rng.expovariate(self.rate)):
            payment = Payment(self.rng, self.seed, number, self.channels, self.sources)
            self.payments.append(payment)
            self.by_key.update(dict.fromkeys(payment.keys, payment))
            number += 1
            now = time.monotonic()
            for event in payment.events:
                for _ in range(event.copies):
                    self._put(now + self.rng.uniform(*event.within_s), payment, event, payment.kind != "abandoned")

    def _put(self, at, payment, event, again):
        with self._ready:
            self._number += 1
            heapq.heappush(self._heap, (at, self._number, payment, event, again))
            self._ready.notify()

    def _take(self):
        with self._ready:
            while True:
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait is not None and wait <= 0:
                    self._in_hand += 1
                    return heapq.heappop(self._heap)
                self._ready.wait(wait)

    def _send_all(self, rng):
        while True:
            _, _, payment, event, again = self._take()
            try:
                self._deliver(rng, payment, event, again)
            finally:
                with self._ready:
                    self._in_hand -= 1

    def _deliver(self, rng, payment, event, again):
        cut = rng.choice(["body", "answer"]) if rng.random() < CUT_CHANCE else None
        status = self._post(rng, payment, event, cut)
        good = isinstance(status, int) and 200 <= status < 300
        payment.answers.append((time.time(), f"{event.source.name} {event.kind}", status))
        with self._ready:
            self.counts["requests"] += 1
            word = "accepted" if good else "cut" if cut else "503" if status == 503 else "unanswered"
            self.counts["refused" if status == 400 else word] += 1
            if good:
                self.accepted.append((time.time(), payment, event))
        if good and event.grants:
            payment.accepted = True
        if payment.kind == "forged":
            if isinstance(status, int) and status not in (400, 503):
                self.unexpected.append((payment.key, event.kind, status))
            return
        if isinstance(status, int) and not good and status != 503:
            self.unexpected.append((payment.key, event.kind, status))
        if not good and again:
            self._put(time.monotonic() + rng.uniform(*RETRY_S), payment, event, again)

    def _post(self, rng, payment, event, cut):
        """The status; or, in words, why there is none."""
        body = event.body
        secret = FORGED_SECRET if payment.kind == "forged" else event.source.secret
        head = (
            f"POST /webhooks/{event.source.name} HTTP/1.1\r\nHost: hooks.example.com\r\n"
            f"Content-Type: application/json\r\nStripe-Signature: {sign(secret, body)}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_S_MAX) as connection:
                if cut == "body":
                    connection.sendall(head + body[: rng.randrange(len(body))])
                    return "cut in the body"
                connection.sendall(head + body)
                if cut == "answer":
                    return "cut before the answer"
                connection.settimeout(ANSWER_S_MAX)
                words = connection.makefile("rb").readline().split()
                return int(words[1]) if len(words) > 1 else "no answer"
        except (OSError, ValueError) as error:
            return f"no answer: {error}"
