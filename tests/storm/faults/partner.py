"""The partner: errors before and after the debit, late commits, throttling, lagging reads, no balance, other hands."""

import time

from ..house import BALANCE_DAYS, SETTLE_WINDOW_S
from ..payments import BUSY_CHANNELS
from .kit import STORM_S, fault

HAND_MADE = 30
# Statuses with which the partner's own error form says "not applied", and 429. A 402 stops the account for a while, so
# more of them would keep the others away.
REFUSALS = {429: 0.2, 422: 0.15, 400: 0.05, 403: 0.05, 402: 0.02}


def extend(kind, when="before", channel=None):
    return {"method": "extend", "when": when, "kind": kind, "channel": channel}


def read(kind):
    return {"method": "read", "kind": kind}


def by_chance(storm, rng, rates, seconds=None):
    """Random faults of the simulator, by their chances."""
    with storm.take(rng, ["simulator faults"]) as name:
        if name is None:
            return None
        rates = [{"chance": chance, "fault": made} for chance, made in rates]
        storm.house.sim("faults/rates", {"seed": rng.randrange(2**32), "rates": rates})
        time.sleep(seconds or rng.uniform(*STORM_S))
        storm.house.sim("faults/rates", {"seed": 0, "rates": []})
        return "done"


@fault()
def partner_errors(storm, rng):
    kinds = [{"status": status} for status in (500, 502, 503, 504, 520, 522, 524)]
    kinds += ["reset", "cut_json", "html_403"]
    rates = [(0.04, extend(kind, rng.choice(["before", "after"]))) for kind in kinds]
    return by_chance(storm, rng, rates + [(0.1, read({"status": 502})), (0.05, read("reset"))])


@fault()
def partner_hangs(storm, rng):
    rates = [(0.1, extend({"hang": {"ms": 1500}}, when)) for when in ("before", "after")]
    return by_chance(storm, rng, rates + [(0.1, read({"hang": {"ms": 1500}}))])


@fault()
def partner_commits_late(storm, rng):
    latest_ms = (SETTLE_WINDOW_S - 2) * 1000
    return by_chance(storm, rng, [(0.1, extend({"late_commit": {"ms": ms}})) for ms in (1200, 2000, latest_ms)])


@fault()
def partner_throttles(storm, rng):
    rates = [(0.2, extend({"throttle": {"retry_after": 1}})), (0.2, extend({"throttle": {"retry_after": None}}))]
    return by_chance(storm, rng, rates)


@fault()
def partner_refuses(storm, rng):
    """It says no, and means it."""
    return by_chance(storm, rng, [(chance / 2, extend({"refuse": status})) for status, chance in REFUSALS.items()])


@fault()
def partner_refuses_after_the_debit(storm, rng):
    """It says no in its own form, and has moved the days: on channels that get one payment after another."""
    busy = storm.channels[:BUSY_CHANNELS]
    told = [(chance, {"refuse": status}) for status, chance in REFUSALS.items()]
    return by_chance(storm, rng, [(chance, extend(kind, "after", channel)) for channel in busy for chance, kind in told])


@fault()
def stale_reads(storm, rng):
    with storm.take(rng, ["simulator switches"]) as name:
        if name is None:
            return None
        storm.house.sim("switches", {"stale_reads_ms": 1500})
        time.sleep(rng.uniform(*STORM_S))
        storm.house.sim("switches", {"stale_reads_ms": 0})
        return "1500 ms old"


@fault()
def no_balance(storm, rng):
    with storm.take(rng, ["balance"]) as name:
        if name is None:
            return None
        storm.house.sim("balance", {"days": 0})
        time.sleep(rng.uniform(*STORM_S))
        storm.house.sim("balance", {"days": BALANCE_DAYS})
        return "0 days, then topped up"


@fault()
def hand_made_extensions(storm, rng):
    """Days that nobody buys: as many as a payment's, within its window, are said not to be told apart."""
    for channel in (chosen := rng.sample(storm.channels, HAND_MADE)):
        storm.house.sim(f"channels/{channel}/extend", {"days": rng.choice([101, 103])})
        time.sleep(0.1)
    return f"{len(chosen)} channels"
