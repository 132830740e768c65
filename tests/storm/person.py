"""The operator: looks at what is held, looks for its key in Billing History and at the provider, and decides."""

import json
import subprocess
import threading
import time

from .settings import LEASE_S, SETTLE_WINDOW_S

LOOK_EVERY_S = 4
# Keys decided by one command.
AT_ONCE = 50
LAGGED, REFUSED = "activetill_below", "refused"
# The exit code of wrong usage: this version knows no such command.
USAGE = 2


class Person:
    def __init__(self, house, load, say):
        self.house, self.load, self.say = house, load, say
        self.decided = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def leave(self):
        self._stop.set()
        self._thread.join()

    def _work(self):
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self.decide()
            except (OSError, RuntimeError, ValueError, subprocess.TimeoutExpired):
                pass  # something is down: later

    def decide(self):
        """Decides all that can be decided now; returns how many are left that a person can finish."""
        held = self.house.rows("held", "list", "--limit", "100000")
        history = self._history()
        decisions, left = {}, 0
        for row in held:
            decision = self._about(row, history)
            if decision == "later":
                left += 1
            elif decision:
                decisions.setdefault(decision, []).append(row["key"])
        for (reason, *words), keys in decisions.items():
            for start in range(0, len(keys), AT_ONCE):
                if self._stop.is_set() and self._thread.is_alive():
                    return left
                left += self._command(words, keys[start : start + AT_ONCE], reason)
        return left

    def _history(self):
        """All words of Billing History's comments, the keys among them, and the days of their lines."""
        return {
            word: line["days"]
            for line in self.house.truth()["extends"]
            if line["applied"]
            for word in (line["comment"] or "").split()
        }

    def _about(self, row, history):
        """(reason, words of the command); "later"; or None where nothing is to be done."""
        if row["kind"] == "transfer" and row["outcome"] == "open" or row["cause"].startswith("restored"):
            return self._open(row, history)
        if row["kind"] == "transfer" and row["cause"] == LAGGED:
            return "looked at the channel", "held", "retry", "--cause", LAGGED
        # Careless: a refusal is tried again without a look at Billing History.
        if row["kind"] == "transfer" and row["cause"] == REFUSED:
            return "the partner was asked", "held", "retry", "--cause", REFUSED
        payment = self.load.by_key.get(row["payment"])
        if payment and payment.kind == "both_realms" and row["kind"] == "payment":
            return self._suspected_duplicate(row, payment)
        return None

    def _open(self, row, history):
        if time.time() * 1000 - row["since"] < SETTLE_WINDOW_S * 1000:
            return "later"  # the call may still be applied
        found = [history[key] for key in row["history"] or [row["key"]] if key in history]
        if found:
            return "in Billing History", "held", "resolve", "--applied", "--days", str(found[0])
        payment = self.load.by_key.get(row["payment"])
        if payment and row["cause"].startswith("restored"):
            others = set(payment.keys) - {row["payment"]}
            if row["payment"] != payment.key or any(f"{key}#1" in history for key in others):
                return "told to two realms, and it is the other one's", "held", "cancel"
            if payment.due == 0:
                return "not in Billing History, and its money is back", "held", "cancel"
        return "not in Billing History", "held", "resolve", "--not-applied"

    def _suspected_duplicate(self, row, payment):
        """One purchase in two realms: closed here where it was granted in the other, granted where that one is closed."""
        others = [key for key in payment.keys if key != row["key"]]
        states = {self.house.rows("payments", "show", key)["state"] for key in others}
        if states & {"credited", "running"}:
            return "one purchase, by the provider's list", "held", "cancel"
        if states == {"cancelled"}:
            return "one purchase, and the other one is closed", "held", "resolve", "--not-applied"
        return None

    def _command(self, words, keys, reason):
        """How many were not done."""
        sure = ["--yes", len(keys)] if len(keys) > 1 or "cancel" in words else []
        code, out, error = self.house.command(*words, *keys, "--reason", reason, *map(str, sure))
        failed = out.count(": not done: ") if len(keys) > 1 else int(code != 0)
        self.decided += len(keys) - failed
        if failed:
            told = [line for line in out.splitlines() if "not done" in line] or [error.strip()]
            self.say(f"  {' '.join(words)}: {failed} of {len(keys)} not done, such as {told[0]}")
        return failed

    def decide_refunded(self):
        """Says of everything that waits for its refund how many days are due; returns how many."""
        done, history = 0, self._history()
        for row in self.house.rows("held", "list", "--limit", "100000"):
            payment = self.load.by_key.get(row["payment"])
            if row["cause"] != "refunded" or not payment:
                continue
            if row["kind"] == "transfer" and row["key"] in history:
                words = ["held", "resolve", row["key"], "--applied"]
            elif payment.due:
                words = ["held", "set", row["key"], "--days", str(payment.due)]
            else:
                words = ["held", "cancel", row["key"], "--yes", "1"]
            code, _, error = self.house.command(*words, "--reason", "as much money is left")
            done += code == 0
            if code:
                self.say(f"  {' '.join(words)}: {error.strip()}")
        self.decided += done
        return done


def say_which_failover_it_was(storm, since, synchronous):
    """What a person does who is told of a failover, by the runbook."""
    if synchronous:
        return _until_said(storm.house, "ledger", "failover", "--nothing-lost", "--reason", "it was synchronous")
    house = storm.house
    with storm.take_all(house.workers) as workers:
        for name in workers:
            house.roles[name].stop()
        # A span, for the machine's clock is right and a worker's may not be.
        said = _until_said(house, "ledger", "restored", "--since", f"{int(time.time() - since) + 1}s")
        for name in workers:
            house.roles[name].start()
    return said


def _sure_of(house, words):
    """How many transfers a declaration holds must be said; an older version does not ask."""
    if words[:2] != ("ledger", "restored"):
        return []
    code, out, _ = house.command(*words, "--dry-run", "--json")
    return ["--yes", str(json.loads(out)["count"])] if code == 0 else []


def _until_said(house, *words):
    """Repeats a declaration as long as it is refused: a lease may run on, by a clock that was stepped ahead."""
    until = time.monotonic() + 6 * LEASE_S
    while True:
        code, _, error = house.command(*words, *_sure_of(house, words))
        if code == 0:
            return " ".join(words)
        if code == USAGE or time.monotonic() > until:
            return f"nothing could be said ({' '.join(words)}: {error.strip().splitlines()[0]})"
        time.sleep(1)
