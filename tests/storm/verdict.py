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
        told = [(key, line["channel"], line["days"]) for key, line in lines]
        right = [line for _, line in lines if self._is_right(payment, line)]
        for key in payment.keys:
            self._judge_reading(payment, key)
        if len(lines) == 1 and lines[0][1]["channel"] == payment.channel and lines[0][1]["days"] < payment.due:
            self.misread.append((lines[0][0], f"{lines[0][1]['days']} days moved, {payment.due} are due"))
        elif len(lines) > 1 or len(right) != len(lines):
            self.twice.append((payment.key, f"{payment.days} days for {payment.channel}, applied {told}"))
        elif lines:
            self._judge_applied(payment, *lines[0])
        else:
            self._judge_not_applied(payment)

    def _judge_reading(self, payment, key):
        held = self.records.spent.get(key) or self.records.held.get(key)
        if held and not payment.refunds and (key in self.records.spent or held["cause"] in REFUNDED):
            self.misread.append((key, f"nothing was refunded, and it is held: {held['reason']}"))

    @staticmethod
    def _is_right(payment, line):
        """As many as were bought, or as are left of them, or between the two where several refunds came one by one."""
        return line["channel"] == payment.channel and payment.due <= line["days"] <= payment.days and line["days"] > 0

    def _judge_applied(self, payment, key, line):
        row, transfer = self.records.payments.get(key), self.records.transfers.get(key)
        state = row["state"] if row else None
        if state == "credited":
            # What a person finds in Billing History after a restoration is booked with the days that were bought.
            by_hand = transfer["how"] == "by_operator" and transfer["days"] != line["days"]
            self.booked_otherwise += [key] if by_hand else []
            self.days["ledger"] += line["days"] if by_hand else transfer["days"]
            told = key in self.records.spent or transfer["how"] == "by_operator"
            if line["days"] > payment.due and not told:
                self.untold.append((key, f"{line['days']} days moved, {payment.due} are due"))
            self.credited.append(key)
            for other in set(payment.keys) - {key}:
                self._judge_other_realm(other)
        elif self._is_open(key, transfer):
            self.days["open"] += line["days"]
            self.held.append((key, self._reason(row, transfer)))
        elif state == "held" or transfer and self.records.waits_behind(transfer):
            self.days["hidden"] += line["days"]
            self.hidden.append((key, self._reason(row, transfer)))
        else:
            self.twice.append((key, f"applied, while the ledger says {state}"))

    def _judge_other_realm(self, key):
        """The same purchase, told to another realm: held as a suspected duplicate, or closed by a person."""
        state = self.records.payments.get(key, {}).get("state")
        event = any(key.partition("/")[2] in row["key"] for row in self.records.held_events)
        transfer = self.records.transfers.get(key)
        if transfer and self.records.waits_behind(transfer):
            return
        if state == "credited":
            self.lost.append((key, "credited in the ledger, not by the partner"))
        elif state not in ("held", "cancelled") and not event:
            self.lost.append((key, f"got a 2xx, and the ledger says {state}"))

    def _judge_not_applied(self, payment):
        states = {key: self.records.payments.get(key, {}).get("state") for key in payment.keys}
        key = next((key for key, state in states.items() if state == "held"), payment.key)
        row, transfer = self.records.payments.get(key), self.records.transfers.get(key)
        if "credited" in states.values():
            self.lost.append((key, "credited in the ledger, not by the partner"))
        elif key in self.records.held or transfer and self.records.waits_behind(transfer):
            self.held.append((key, self._reason(row, transfer)))
        elif payment.due == 0 and states[key] in ("cancelled", "nothing"):
            self.closed.append(key)
        elif payment.accepted:
            self.lost.append((key, f"got a 2xx, {payment.due} days are due, and the ledger says {states[key]}"))

    def _is_open(self, key, transfer):
        """A person decides whether it was applied: by its own outcome, or because the ledger was restored."""
        held = self.records.held.get(key, {})
        by_outcome = transfer and transfer["state"] == "held" and transfer["outcome"] == "open"
        return by_outcome or held.get("cause", "").startswith("restored")

    @staticmethod
    def _reason(row, transfer):
        return row["reason"] or (transfer and transfer["reason"]) or "waits behind an open outcome of its channel"
