"""Compares three records that know nothing of each other: what got a 2xx, the ledger, and the partner's books.

* *credited*: the ledger says so, and the partner applied the days once, to the payment's channel.
* *held*: the ledger lists it with a reason for a person. *closed*: its money went back before its days moved.
* *hidden*: applied, while the ledger believes a partner that said no. The partner lied, so this is no error by itself;
  trying again must find it, so after a person's decisions there must be none.
* *lost*: accepted, and none of these.
* *twice*: applied more than once, in one realm or in two, or applied while the ledger says it was not.
* *untold*: more days moved than the money that is left covers, and no list says so.
* *misread*: taken for refunded although nothing was, or fewer days moved than its money covers.
"""

REFUNDED = ("refunded", "restored_refunded")
# All of its days have moved, or the first of them.
CREDITED = ("credited", "running")


class Verdict:
    def __init__(self, load, records):
        self.records = records
        self.credited, self.held, self.closed, self.hidden = [], [], [], []
        self.lost, self.twice, self.untold, self.misread = [], [], [], []
        self.booked_otherwise = []
        self.days = {"ledger": 0, "partner": 0, "open": 0, "hidden": 0}
        for payment in load.payments:
            self._judge(payment)
        # One whose answer was cut off and that was never sent again counts when it came through.
        taken = {payment.key for payment in load.payments if payment.accepted and payment.counts}
        came = {key for key, _ in self.held + self.hidden} | set(self.credited) | set(self.closed)
        self.payments = len(taken | came)
        unknown = set(records.extends) - set(load.by_key)
        self.twice += [(key, "nobody paid for it") for key in unknown]
        self.twice += [(line["comment"], "days moved without a key") for line in records.strange]

    def wrong(self):
        return {"lost": self.lost, "twice": self.twice, "untold": self.untold, "misread": self.misread}

    def totals_agree(self):
        """Days: what the partner gave is what the ledger knows, but for what a person has yet to decide."""
        return self.days["partner"] == sum(self.days[word] for word in ("ledger", "open", "hidden"))

    def _judge(self, payment):
        lines = [(key, line) for key in payment.keys for line in self.records.applied(key)]
        self.days["partner"] += sum(line["days"] for _, line in lines)
        if not payment.counts:
            if lines or any(key in self.records.payments for key in payment.keys):
                self.twice.append((payment.key, f"a {payment.kind} payment that was applied {len(lines)} times"))
            return
        for key in payment.keys:
            self._judge_reading(payment, key)
            self._judge_settled(key)
        told = [(line["transfer"], line["channel"], line["days"]) for _, line in lines]
        once = len({transfer for transfer, _, _ in told}) == len(told) and len({key for key, _ in lines}) <= 1
        days = sum(line["days"] for _, line in lines)
        right = all(line["channel"] == payment.channel and line["days"] > 0 for _, line in lines)
        if not (once and right and days <= payment.days):
            self.twice.append((payment.key, f"{payment.days} days for {payment.channel}, applied {told}"))
        elif lines:
            self._judge_applied(payment, lines[0][0], [line for _, line in lines], days)
        else:
            self._judge_not_applied(payment)

    def _judge_settled(self, key):
        applied = {line["transfer"] for line in self.records.applied(key)}
        for transfer in self.records.transfers_of(key):
            if transfer["state"] == "settled" and transfer["key"] not in applied:
                self.lost.append((key, f"{transfer['key']} is settled in the ledger, and the partner has not applied it"))

    def _judge_reading(self, payment, key):
        held = self.records.spent.get(key) or self.records.held.get(key)
        if held and not payment.refunds and (key in self.records.spent or held["cause"] in REFUNDED):
            self.misread.append((key, f"nothing was refunded, and it is held: {held['reason']}"))

    def _judge_applied(self, payment, key, lines, days):
        row = self.records.payments.get(key)
        words = {self._count(key, row, line) for line in lines}
        by_hand = any(t["how"] == "by_operator" for t in self.records.transfers_of(key))
        if "twice" in words:
            self.twice.append((key, f"applied, while the ledger says {row['state'] if row else None}"))
        elif "open" in words:
            self.held.append((key, self._reason(key)))
        elif "hidden" in words:
            self.hidden.append((key, self._reason(key)))
        elif days > payment.due and key not in self.records.spent and not by_hand:
            self.untold.append((key, f"{days} days moved, {payment.due} are due"))
        elif days >= payment.due:
            self.credited.append(key)
            for other in set(payment.keys) - {key}:
                self._judge_other_realm(other)
        elif self._waits(key):
            self.held.append((key, self._reason(key)))
        else:
            self.misread.append((key, f"{days} days moved, {payment.due} are due"))

    def _count(self, key, row, line):
        """What the ledger makes of days that the partner applied."""
        transfer = self.records.transfers.get(line["transfer"])
        days = line["days"]
        if transfer and transfer["state"] == "settled":
            word = "ledger"
            if transfer["how"] != "by_operator":
                days = transfer["days"]
            elif transfer["days"] != days:
                # What a person finds in Billing History after a restoration is booked with the days that were bought.
                self.booked_otherwise.append(key)
        elif self._is_open(key, transfer):
            word = "open"
        elif row and row["state"] == "held" or transfer and self.records.waits_behind(transfer):
            word = "hidden"
        else:
            return "twice"
        self.days[word] += days
        return word

    def _waits(self, key):
        """For a person, or behind an open outcome of its channel."""
        return key in self.records.held or key in self.records.waiting

    def _judge_other_realm(self, key):
        """The same purchase, told to another realm: held as a suspected duplicate, or closed by a person."""
        state = self.records.payments.get(key, {}).get("state")
        event = any(key.partition("/")[2] in row["key"] for row in self.records.held_events)
        if key in self.records.waiting:
            return
        if state in CREDITED:
            self.lost.append((key, f"{state} in the ledger, and the partner has applied nothing"))
        elif state not in ("held", "cancelled") and not event:
            self.lost.append((key, f"got a 2xx, and the ledger says {state}"))

    def _judge_not_applied(self, payment):
        states = {key: self.records.payments.get(key, {}).get("state") for key in payment.keys}
        key = next((key for key, state in states.items() if state == "held"), payment.key)
        credited = [state for state in states.values() if state in CREDITED]
        if credited:
            self.lost.append((key, f"{credited[0]} in the ledger, and the partner has applied nothing"))
        elif self._waits(key):
            self.held.append((key, self._reason(key)))
        elif payment.due == 0 and states[key] in ("cancelled", "nothing"):
            self.closed.append(key)
        elif payment.accepted:
            self.lost.append((key, f"got a 2xx, {payment.due} days are due, and the ledger says {states[key]}"))

    def _is_open(self, key, transfer):
        """A person decides whether it was applied: by its own outcome, or because the ledger was restored."""
        held = self.records.held.get(key, {})
        by_outcome = transfer and transfer["state"] == "held" and transfer["outcome"] == "open"
        return by_outcome or held.get("cause", "").startswith("restored")

    def _reason(self, key):
        reasons = [row["reason"] for row in [self.records.payments[key], *self.records.transfers_of(key)]]
        return next(filter(None, reasons), "waits behind an open outcome of its channel")
