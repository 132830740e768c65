"""daybridge's own processes and the proxy before them: killed, stopped, frozen, replaced, their clocks stepped."""

import time

from ..house import LEASE_S
from .kit import ALARM_S, DOWN_S, STORM_S, fault, restart

FROZEN_S = LEASE_S + 2
CLOCK_STEP_S_MAX = 25


def freeze(storm, role, rng, seconds):
    with storm.take(rng, storm.house.named(role)) as name:
        if name is None:
            return None
        storm.house.roles[name].freeze()
        time.sleep(seconds)
        storm.house.roles[name].thaw()
        return f"{name} for {seconds} s"


def step_clock(storm, role, rng):
    with storm.take(rng, storm.house.named(role)) as name:
        if name is None:
            return None
        step = rng.choice([-1, 1]) * rng.randint(2, CLOCK_STEP_S_MAX)
        clock = storm.house.roles[name].clock
        clock.write_text(f"{step:+d}")
        time.sleep(rng.uniform(*STORM_S))
        clock.write_text("+0")
        return f"{name} by {step} s and back"


@fault()
def kill_serve(storm, rng):
    return restart(storm, "serve", rng, lambda process: process.kill())


@fault()
def kill_work(storm, rng):
    return restart(storm, "work", rng, lambda process: process.kill())


@fault()
def term_serve(storm, rng):
    return restart(storm, "serve", rng, lambda process: process.stop())


@fault()
def term_work(storm, rng):
    return restart(storm, "work", rng, lambda process: process.stop())


@fault()
def upgrade(storm, rng):
    """Process after process, and whatever starts from now on: what is new may change the ledger's tables."""
    storm.house.binary = storm.upgrade_to
    for process in storm.house.roles.values():
        process.arguments[0] = storm.upgrade_to
    done = [restart(storm, name, rng, lambda process: process.stop()) for name in storm.house.roles]
    return ", ".join(filter(None, done)) or None


@fault()
def freeze_serve(storm, rng):
    return freeze(storm, "serve", rng, ALARM_S)


@fault()
def freeze_work_beyond_its_lease(storm, rng):
    return freeze(storm, "work", rng, FROZEN_S)


@fault()
def clock_step_serve(storm, rng):
    return step_clock(storm, "serve", rng)


@fault()
def clock_step_work(storm, rng):
    return step_clock(storm, "work", rng)


@fault()
def kill_nginx(storm, rng):
    with storm.take(rng, ["nginx"]) as name:
        if name is None:
            return None
        storm.house.nginx.kill()
        time.sleep(rng.uniform(*DOWN_S))
        storm.house.nginx.start()
        return "done"
