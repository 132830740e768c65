"""Compares three records that know nothing of each other: what got a 2xx, the ledger, and the partner's books.

A payment is *credited* when the ledger says so and the partner applied its days once, to its channel; *held* when the
ledger lists it with a reason for a person. *Lost*: accepted, and neither. *Twice*: applied more than once, or applied
while the ledger says it was not.
"""

import json
import re
from collections import defaultdict

ROWS_MAX = 1_000_000
KEY = re.compile(r"daybridge (\S+?)#\d+ ")


class Records:
    """One look at the ledger and the partner's books."""

    def __init__(self, house):
        limit = ["--limit", str(ROWS_MAX)]
        self.payments = {row["key"]: row for row in house.rows("payments", "list", *limit)}
        self.transfers = {row["payment"]: row for row in house.rows("transfers", "list", *limit)}
        self.open_channels = {
            t["channel"] for t in self.transfers.values() if t["state"] == "held" and t["outcome"] == "open"
        }
        held = house.rows("held", "list", *limit)
        self.held = {row["payment"] or row["key"]: row for row in held}
        self.extends = defaultdict(list)
        self.strange = []
        for line in house.truth()["extends"]:
            if line["by"] == "api":
                found = KEY.match(line["comment"] or "")
                if found:
                    self.extends[found[1]].append(line)
                elif line["applied"]:
                    self.strange.append(line)

    def applied(self, key):
        return [line for line in self.extends[key] if line["applied"]]

    def waits_behind(self, transfer):
        """Planned behind a transfer of its channel whose outcome a person must decide."""
        return transfer["state"] == "planned" and transfer["channel"] in self.open_channels

    def moving(self):
        """Transfers that go on by themselves, with their state."""
        states = ("planned", "intended", "doubtful")
        found = [t for t in self.transfers.values() if t["state"] in states and not self.waits_behind(t)]
        return {t["key"]: f"{t['state']}: {t['reason']}" for t in found}

    def at_rest(self):
        return not self.moving()


class Verdict:
    def __init__(self, load, records):
        self.records = records
        self.credited, self.held, self.lost, self.twice = [], [], [], []
        self.days = {"ledger": 0, "partner": 0, "open": 0}
        for key, payment in load.payments.items():
            self._judge(key, payment)
        # One whose answer was cut off and that was never sent again counts when it came through.
        taken = {key for key, payment in load.payments.items() if payment.accepted and payment.counts}
        self.payments = len(taken | set(self.credited) | {key for key, _ in self.held})
        unknown = set(records.extends) - set(load.payments)
        self.twice += [(key, "nobody paid for it") for key in unknown]
        self.twice += [(line["comment"], "days moved without a key") for line in records.strange]

    def _judge(self, key, payment):
        row, transfer = self.records.payments.get(key), self.records.transfers.get(key)
        applied = self.records.applied(key)
        state = row["state"] if row else None
        days = sum(line["days"] for line in applied)
        self.days["partner"] += days
        if not payment.counts:
            if row or applied:
                self.twice.append((key, f"a {payment.kind} payment is {state} and was applied {len(applied)} times"))
            return
        right = [line for line in applied if (line["channel"], line["days"]) == (payment.channel, payment.days)]
        if len(applied) > 1 or len(right) != len(applied):
            self.twice.append((key, f"applied {[(a['channel'], a['days']) for a in applied]}"))
        elif state == "credited":
            self.days["ledger"] += transfer["days"]
            if applied:
                self.credited.append(key)
            else:
                self.lost.append((key, "credited in the ledger, not by the partner"))
        elif state is not None and (key in self.records.held or (transfer and self.records.waits_behind(transfer))):
            is_open = transfer and transfer["state"] == "held" and transfer["outcome"] == "open"
            self.days["open"] += days if is_open else 0
            reason = row["reason"] or (transfer and transfer["reason"]) or "waits behind an open outcome of its channel"
            if applied and not is_open:
                self.twice.append((key, f"applied, while the ledger says it was not: {reason}"))
            else:
                self.held.append((key, reason))
        elif applied:
            self.twice.append((key, f"applied, while the ledger says {state}"))
        elif payment.accepted:
            self.lost.append((key, f"got a 2xx, and the ledger says {state}"))

    def totals_agree(self):
        """Days: what the partner gave is what the ledger knows, but for outcomes that a person has yet to decide."""
        return self.days["partner"] == self.days["ledger"] + self.days["open"]


def timeline(house, load, records, storm, key):
    """Everything that is known of a payment, in the order it happened."""
    lines = []
    if payment := load.payments.get(key):
        lines += [(at, f"provider  {kind} → {status}") for at, kind, status in payment.answers]
    for line in records.extends.get(key, []):
        what = "applied" if line["applied"] else "not applied"
        lines.append((line["at"] / 1000, f"partner   {line['days']} days to {line['channel']}: {what} {line['note']}"))
    whole = house.rows("payments", "show", key) if key in records.payments else {}
    for event in whole.get("events", []):
        lines.append((event["recorded_at"] / 1000, f"ledger    {event['type']} {event['outcome']} {event['reason'] or ''}"))
    for transfer in whole.get("transfers", []):
        for step in transfer["steps"]:
            lines.append((step["at"] / 1000, f"ledger    {step['state']} attempt {step['attempt']}: {step['note']}"))
    if lines:
        first, last = min(lines)[0], max(lines)[0]
        for began, ended, name, did in storm.log:
            if began < last and ended > first:
                lines.append((began, f"fault     {name} for {ended - began:.1f} s: {did}"))
    return "\n".join(f"    {at:.3f} {text}" for at, text in sorted(lines)) or json.dumps(whole)
