"""The operator: looks at what is held, looks for its key in Billing History, and decides."""

import subprocess
import threading
import time

from .house import SETTLE_WINDOW_S

LOOK_EVERY_S = 4
LAGGED = "activetill_below"


class Person:
    def __init__(self, house, say):
        self.house, self.say = house, say
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
            except (OSError, RuntimeError, subprocess.TimeoutExpired):
                pass  # something is down: later

    def decide(self):
        """Settles every open outcome that is old enough, and tries again what readings that lagged for a whole window
        have held; returns how many are left."""
        held = self.house.rows("held", "list", "--limit", "100000")
        left = [row for row in held if row["kind"] == "transfer" and (row["outcome"] == "open" or row["cause"] == LAGGED)]
        for row in list(left):
            if self._stop.is_set() and self._thread.is_alive():
                break
            if row["cause"] == LAGGED:
                code, _, error = self.house.command("held", "retry", row["key"], "--reason", "looked at the channel")
                if code == 0:
                    self.decided += 1
                    left.remove(row)
                else:
                    self.say(f"  held retry {row['key']}: {error.strip()}")
                continue
            if time.time() * 1000 - row["since"] < SETTLE_WINDOW_S * 1000:
                continue  # the call may still be applied
            history = [line["comment"] for line in self.house.truth()["extends"] if line["applied"]]
            found = any(comment and f" {row['key']} " in comment for comment in history)
            outcome = "--applied" if found else "--not-applied"
            reason = f"{'in' if found else 'not in'} Billing History"
            code, _, error = self.house.command("held", "settle", row["key"], outcome, "--reason", reason)
            if code == 0:
                self.decided += 1
                left.remove(row)
            else:
                self.say(f"  held settle {row['key']} {outcome}: {error.strip()}")
        return len(left)
