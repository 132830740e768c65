"""The schedule that a seed draws from the faults, and what they share: a target in hand is nobody else's.

A fault takes a target that no other fault has in hand, and holds it until the target is whole again; so two faults
meet at different parts at the same time, and none undoes another's work. Times are those of the quick form; the long
form draws more of them.
"""

import random
import subprocess
import threading
import time
from contextlib import contextmanager

from .faults.kit import FAULTS, TAKE_S_MAX
from .processes import await_true
from .faults import broker, connections, ledger, partner, processes  # noqa: F401 (they register their faults)

GAP_S = (1.5, 3.5)
# Once a run: what is paid in the minutes after it waits for a person.
ONCE = {"failover": 0.75}


class Storm:
    """Runs a schedule against a house and counts what was really done."""

    def __init__(self, house, load, channels, seed, upgrade_to, say, only=None):
        self.house, self.load, self.channels = house, load, channels
        self.upgrade_to, self.say, self.seed = upgrade_to, say, seed
        wanted = sorted(only or FAULTS)
        self.kinds = [name for name in wanted if FAULTS[name].needs <= house.parts]
        self.left_out = [name for name in wanted if name not in self.kinds]
        self.counts, self.skipped = {}, {}
        self.log = []
        self._held = set()
        self._lock = threading.Lock()
        self._threads = []

    def schedule(self, seconds):
        """(second, fault, seed of its choices): all kinds in a random order, then again."""
        rng = random.Random(f"faults {self.seed}")
        at, bag = 3.0, []
        often = [name for name in self.kinds if name not in ONCE]
        found = [(seconds * ONCE[name], name, rng.random()) for name in self.kinds if name in ONCE]
        while often and at < seconds:
            if not bag:
                bag = rng.sample(often, len(often))
            found.append((at, bag.pop(), rng.random()))
            at += rng.uniform(*GAP_S)
        return sorted(found)

    def run(self, seconds):
        start = time.monotonic()
        for at, name, seed in self.schedule(seconds):
            time.sleep(max(0, start + at - time.monotonic()))
            thread = threading.Thread(target=self._do, args=(name, random.Random(seed)))
            thread.start()
            self._threads.append(thread)
        for thread in self._threads:
            thread.join()

    def _do(self, name, rng):
        self.say(f"fault {name}")
        began = time.time()
        try:
            did = FAULTS[name](self, rng)
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            did = f"failed: {error!r}"
        counts = self.skipped if did is None or did.startswith("failed") else self.counts
        with self._lock:
            counts[name] = counts.get(name, 0) + 1
            self.log.append((began, time.time(), name, did or "skipped: no target was free"))
        self.say(f"  {name}: {did or 'skipped: no target was free'}")

    @contextmanager
    def take(self, rng, targets):
        """One of the targets that nobody has, waiting a while for one; None where all stay taken."""
        until = time.monotonic() + TAKE_S_MAX
        chosen = None
        while chosen is None and time.monotonic() < until:
            with self._lock:
                free = sorted(set(targets) - self._held)
                chosen = rng.choice(free) if free else None
                if chosen is not None:
                    self._held.add(chosen)
            if chosen is None:
                time.sleep(0.1)
        try:
            yield chosen
        finally:
            with self._lock:
                self._held.discard(chosen)

    @contextmanager
    def take_all(self, targets):
        """All of the targets, waiting for each as long as another fault lasts."""
        taken = []
        try:
            for target in targets:
                await_true(f"{target} is free", lambda: self._took(target))
                taken.append(target)
            yield taken
        finally:
            with self._lock:
                self._held.difference_update(taken)

    def _took(self, target):
        with self._lock:
            if target in self._held:
                return False
            self._held.add(target)
            return True

    @contextmanager
    def take_free(self, targets):
        """All of the targets that nobody has at this moment."""
        with self._lock:
            free = sorted(set(targets) - self._held)
            self._held.update(free)
        try:
            yield free
        finally:
            with self._lock:
                self._held.difference_update(free)
