"""One look at the ledger and at the partner's books, and the timeline of a payment in them."""

import json
import re
from collections import defaultdict

ROWS_MAX = 1_000_000
STOPPED = ("refunded", "disputed", "stopped", "ended", "restored")
KEY = re.compile(r"daybridge (\S+?)(#\d+) ")


class Records:
    def __init__(self, house):
        limit = ["--limit", str(ROWS_MAX)]
        self.payments = {row["key"]: row for row in house.rows("payments", "list", *limit)}
        self.transfers = {row["key"]: row for row in house.rows("transfers", "list", *limit)}
        self.open_channels = {
            t["channel"] for t in self.transfers.values() if t["state"] == "held" and t["outcome"] == "open"
        }
        self._transfers_of = defaultdict(list)
        for row in self.transfers.values():
            self._transfers_of[row["payment"]].append(row)
        # A slice that is held keeps back all others of its channel, unless its payment was stopped.
        blocked = {t["channel"] for t in self.transfers.values() if t["state"] == "held" and t["cause"] not in STOPPED}
        self.waiting = {
            key
            for key, row in self.payments.items()
            if row["owed"] and row["channel"] in (blocked if row["sliced"] else self.open_channels)
        }
        held = [row for row in house.rows("held", "list", *limit) if row["kind"] != "account"]
        self.spent = {row["payment"]: row for row in held if row["cause"] == "days_spent"}
        self.held_events = [row for row in held if row["kind"] == "event"]
        # What is held of the payment itself hides what is held of one of its events.
        others = [row for row in held if row["kind"] != "event" and row["cause"] != "days_spent"]
        self.held = {row["payment"]: row for row in self.held_events + others if row["payment"]}
        self.extends = defaultdict(list)
        self.strange = []
        for line in house.truth()["extends"]:
            if line["by"] == "api":
                found = KEY.match(line["comment"] or "")
                if found:
                    line["transfer"] = found[1] + found[2]
                    self.extends[found[1]].append(line)
                elif line["applied"]:
                    self.strange.append(line)

    def applied(self, key):
        return [line for line in self.extends[key] if line["applied"]]

    def transfers_of(self, key):
        return self._transfers_of.get(key, [])

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


def timeline(house, load, records, storm, key):
    """Everything that is known of a payment, in the order it happened."""
    lines = []
    if payment := load.by_key.get(key):
        lines += [(at, f"provider  {told} → {status}") for at, told, status in payment.answers]
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
