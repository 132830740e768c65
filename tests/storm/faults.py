"""The faults, each a function that does it and undoes it, and the schedule that a seed draws from them.

A fault takes a target that no other fault has in hand, and holds it until the target is whole again; so two faults
meet at different parts at the same time, and none undoes another's work. Times are those of the quick form; the long
form draws more of them.
"""

import random
import threading
import time
from contextlib import contextmanager

from .house import BALANCE_DAYS, LEASE_S, SETTLE_WINDOW_S
from .processes import await_true

FROZEN_S = LEASE_S + 2
DOWN_S = (0.2, 4)
STORM_S = (4, 7)
ALARM_S = 5
PARTITION_S = 8
HAND_MADE = 30
CLOCK_STEP_S_MAX = 25
GAP_S = (1.5, 3.5)
TAKE_S_MAX = 8
FAULTS = {}


def fault(function):
    FAULTS[function.__name__] = function
    return function


class Storm:
    """Runs a schedule against a house and counts what was really done."""

    def __init__(self, house, channels, seed, upgrade_to, say):
        self.house, self.channels, self.upgrade_to, self.say = house, channels, upgrade_to, say
        self.seed = seed
        self.counts, self.skipped = {}, {}
        self.log = []
        self._held = set()
        self._lock = threading.Lock()
        self._threads = []

    def schedule(self, seconds):
        """(second, fault, seed of its choices): all kinds in a random order, then again."""
        rng = random.Random(f"faults {self.seed}")
        at, bag = 3.0, []
        while at < seconds:
            if not bag:
                bag = rng.sample(sorted(FAULTS), len(FAULTS))
            yield at, bag.pop(), rng.random()
            at += rng.uniform(*GAP_S)

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
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
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
                self._held.add(chosen)
            if chosen is None:
                time.sleep(0.1)
        try:
            yield chosen
        finally:
            with self._lock:
                self._held.discard(chosen)

    # --- parts that several faults share

    def restart(self, role, rng, end):
        with self.take(rng, self.house.named(role)) as name:
            if name is None:
                return None
            process = self.house.roles[name]
            code = end(process)
            time.sleep(rng.uniform(*DOWN_S))
            process.start()
            await_true(f"{name} is ready", lambda: self.house.ready(name))
            if code not in (None, 0):
                raise RuntimeError(f"{name} left with {code} on SIGTERM:\n{process.last_words()}")
            return name

    def freeze(self, role, rng, seconds):
        with self.take(rng, self.house.named(role)) as name:
            if name is None:
                return None
            self.house.roles[name].freeze()
            time.sleep(seconds)
            self.house.roles[name].thaw()
            return f"{name} for {seconds} s"

    def step_clock(self, role, rng):
        with self.take(rng, self.house.named(role)) as name:
            if name is None:
                return None
            step = rng.choice([-1, 1]) * rng.randint(2, CLOCK_STEP_S_MAX)
            clock = self.house.roles[name].clock
            clock.write_text(f"{step:+d}")
            time.sleep(rng.uniform(*STORM_S))
            clock.write_text("+0")
            return f"{name} by {step} s and back"

    def node(self, rng, do):
        with self.take(rng, [f"queue{n}" for n in range(1, len(self.house.queue.nodes) + 1)]) as name:
            return None if name is None else do(self.house.queue.nodes[int(name.removeprefix("queue")) - 1])

    def alarm(self, rng, command, raised, lifted):
        def do(node):
            if node.ctl(command, raised) is None:
                return "failed: the node does not answer"
            time.sleep(ALARM_S)
            await_true("the alarm ends", lambda: node.ctl(command, lifted) is not None)
            return node.name

        return self.node(rng, do)

    def spoil(self, rng, links, **order):
        with self.take(rng, links) as name:
            if name is None:
                return None
            self.house.links[name].order(**order)
            time.sleep(rng.uniform(*STORM_S))
            counts = self.house.links[name].calm()
            return f"{name}, cut so far: {counts['request']} requests, {counts['answer']} answers"

    def partner(self, rng, rates, seconds=None):
        """Random faults of the simulator, by their chances."""
        with self.take(rng, ["simulator faults"]) as name:
            if name is None:
                return None
            rates = [{"chance": chance, "fault": made} for chance, made in rates]
            self.house.sim("faults/rates", {"seed": rng.randrange(2**32), "rates": rates})
            time.sleep(seconds or rng.uniform(*STORM_S))
            self.house.sim("faults/rates", {"seed": 0, "rates": []})
            return "done"


def extend(kind, when="before"):
    return {"method": "extend", "when": when, "kind": kind}


def read(kind):
    return {"method": "read", "kind": kind}


# --- processes


@fault
def kill_serve(storm, rng):
    return storm.restart("serve", rng, lambda process: process.kill())


@fault
def kill_work(storm, rng):
    return storm.restart("work", rng, lambda process: process.kill())


@fault
def term_serve(storm, rng):
    return storm.restart("serve", rng, lambda process: process.stop())


@fault
def term_work(storm, rng):
    return storm.restart("work", rng, lambda process: process.stop())


@fault
def upgrade(storm, rng):
    """Process after process, and whatever starts from now on: what is new may change the ledger's tables."""
    storm.house.binary = storm.upgrade_to
    for process in storm.house.roles.values():
        process.arguments[0] = storm.upgrade_to
    done = [storm.restart(name, rng, lambda process: process.stop()) for name in storm.house.roles]
    return ", ".join(filter(None, done)) or None


@fault
def freeze_serve(storm, rng):
    return storm.freeze("serve", rng, ALARM_S)


@fault
def freeze_work_beyond_its_lease(storm, rng):
    return storm.freeze("work", rng, FROZEN_S)


@fault
def clock_step_serve(storm, rng):
    return storm.step_clock("serve", rng)


@fault
def clock_step_work(storm, rng):
    return storm.step_clock("work", rng)


@fault
def kill_nginx(storm, rng):
    with storm.take(rng, ["nginx"]) as name:
        if name is None:
            return None
        storm.house.nginx.kill()
        time.sleep(rng.uniform(*DOWN_S))
        storm.house.nginx.start()
        return "done"


# --- the broker


@fault
def kill_broker_node(storm, rng):
    def do(node):
        node.process.kill()
        time.sleep(rng.uniform(*DOWN_S))
        node.process.start()
        await_true(f"{node.name} is up", node.up)
        return node.name

    return storm.node(rng, do)


@fault
def kill_every_broker_node(storm, rng):
    nodes = storm.house.queue.nodes
    with storm.take(rng, ["queue1"]) as one, storm.take(rng, ["queue2"]) as two, storm.take(rng, ["queue3"]) as three:
        if None in (one, two, three):
            return None
        for node in nodes:
            node.process.kill()
        time.sleep(rng.uniform(*DOWN_S))
        for node in nodes:
            node.process.start()
        for node in nodes:
            await_true(f"{node.name} is up", node.up)
        return f"{len(nodes)} nodes"


@fault
def freeze_broker_node(storm, rng):
    def do(node):
        node.process.freeze()
        time.sleep(PARTITION_S)
        node.process.thaw()
        return node.name

    return storm.node(rng, do)


@fault
def partition_broker(storm, rng):
    def do(node):
        if len(storm.house.queue.nodes) == 1:
            return None
        if storm.house.queue.partition(node) is None:
            return "failed: the node does not answer"
        time.sleep(PARTITION_S)
        await_true(f"{node.name} is healed", lambda: storm.house.queue.heal(node))
        return f"{node.name} from the others"

    return storm.node(rng, do)


@fault
def memory_alarm(storm, rng):
    return storm.alarm(rng, "set_vm_memory_high_watermark", "0.00001", "0.4")


@fault
def disk_alarm(storm, rng):
    return storm.alarm(rng, "set_disk_free_limit", "1000000000000000", "50MB")


@fault
def unbind_events(storm, rng):
    """What cannot be routed goes to the alternate exchange; the next connection binds again."""

    def do(node):
        found = "[rabbit_binding:remove(B, <<\"storm\">>) || B <- rabbit_binding:list(<<47>>),"
        found += " element(2, B) =:= rabbit_misc:r(<<47>>, exchange, <<\"daybridge\">>)]."
        done = node.ctl("eval", found)
        time.sleep(rng.uniform(*DOWN_S))
        storm.house.links["queue1"].order(cut=True)
        return done and f"at {node.name}: {done.strip()}"

    return storm.node(rng, do)


# --- the ledger


@fault
def restart_postgres(storm, rng):
    with storm.take(rng, ["postgres"]) as name:
        if name is None:
            return None
        postgres = storm.house.postgres
        postgres.process.kill()
        time.sleep(rng.uniform(*DOWN_S))
        postgres.start()
        return "killed, then recovered from its log"


@fault
def freeze_postgres(storm, rng):
    with storm.take(rng, ["postgres"]) as name:
        if name is None:
            return None
        storm.house.postgres.process.freeze()
        time.sleep(ALARM_S)
        storm.house.postgres.process.thaw()
        return f"no new connections for {ALARM_S} s"


@fault
def cut_ledger_links(storm, rng):
    with storm.take(rng, ["ledger link"]) as name:
        if name is None:
            return None
        link = storm.house.links["ledger"]
        # An answer that is lost may have been the one to a COMMIT.
        link.order(request=0.005, answer=0.005)
        time.sleep(rng.uniform(*STORM_S))
        counts = link.calm()
        return f"{counts['request']} statements and {counts['answer']} answers so far"


# --- connections


@fault
def cut_serve_links(storm, rng):
    return storm.spoil(rng, storm.house.named("serve"), request=0.1, answer=0.1)


@fault
def cut_partner_links(storm, rng):
    return storm.spoil(rng, ["partner"], request=0.1, answer=0.1)


@fault
def cut_queue_links(storm, rng):
    nodes = len(storm.house.queue.nodes)
    return storm.spoil(rng, [f"queue{n}" for n in range(1, nodes + 1)], request=0.02, answer=0.02)


@fault
def cut_all_at_once(storm, rng):
    cut = sum(1 for link in storm.house.links.values() if link.order(cut=True))
    return f"{cut} links"


@fault
def slow_partner(storm, rng):
    return storm.spoil(rng, ["partner"], delay_ms=900)


# --- the partner


@fault
def partner_errors(storm, rng):
    kinds = [{"status": status} for status in (500, 502, 503, 504, 520, 522, 524)]
    kinds += ["reset", "cut_json", "html_403"]
    rates = [(0.04, extend(kind, rng.choice(["before", "after"]))) for kind in kinds]
    return storm.partner(rng, rates + [(0.1, read({"status": 502})), (0.05, read("reset"))])


@fault
def partner_hangs(storm, rng):
    rates = [(0.1, extend({"hang": {"ms": 1500}}, when)) for when in ("before", "after")]
    return storm.partner(rng, rates + [(0.1, read({"hang": {"ms": 1500}}))])


@fault
def partner_commits_late(storm, rng):
    latest_ms = (SETTLE_WINDOW_S - 2) * 1000
    return storm.partner(rng, [(0.1, extend({"late_commit": {"ms": ms}})) for ms in (1200, 2000, latest_ms)])


@fault
def partner_throttles(storm, rng):
    rates = [(0.2, extend({"throttle": {"retry_after": 1}})), (0.2, extend({"throttle": {"retry_after": None}}))]
    return storm.partner(rng, rates)


@fault
def stale_reads(storm, rng):
    with storm.take(rng, ["simulator switches"]) as name:
        if name is None:
            return None
        storm.house.sim("switches", {"stale_reads_ms": 1500})
        time.sleep(rng.uniform(*STORM_S))
        storm.house.sim("switches", {"stale_reads_ms": 0})
        return "1500 ms old"


@fault
def no_balance(storm, rng):
    with storm.take(rng, ["balance"]) as name:
        if name is None:
            return None
        storm.house.sim("balance", {"days": 0})
        time.sleep(rng.uniform(*STORM_S))
        storm.house.sim("balance", {"days": BALANCE_DAYS})
        return "0 days, then topped up"


@fault
def hand_made_extensions(storm, rng):
    """Days that nobody buys: as many as a payment's, within its window, are said not to be told apart."""
    for channel in (chosen := rng.sample(storm.channels, HAND_MADE)):
        storm.house.sim(f"channels/{channel}/extend", {"days": rng.choice([101, 103])})
        time.sleep(0.1)
    return f"{len(chosen)} channels"
