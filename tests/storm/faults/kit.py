"""The register of faults, their times, and steps that several of them share."""

import time

from ..processes import await_true

DOWN_S = (0.2, 4)
STORM_S = (4, 7)
ALARM_S = 5
PARTITION_S = 8
TAKE_S_MAX = 8
FAULTS = {}


def fault(*needs):
    """Registers a fault that needs these parts of the house."""

    def register(function):
        function.needs = set(needs)
        FAULTS[function.__name__] = function
        return function

    return register


def restart(storm, role, rng, end):
    with storm.take(rng, storm.house.named(role)) as name:
        if name is None:
            return None
        process = storm.house.roles[name]
        code = end(process)
        time.sleep(rng.uniform(*DOWN_S))
        process.start()
        await_true(f"{name} is ready", lambda: storm.house.ready(name))
        if code not in (None, 0):
            raise RuntimeError(f"{name} left with {code} on SIGTERM:\n{process.last_words()}")
        return name


def spoil(storm, rng, links, **order):
    """Makes one of the links cut or wait by chance for a while."""
    with storm.take(rng, links) as name:
        if name is None:
            return None
        storm.house.links[name].order(**order)
        time.sleep(rng.uniform(*STORM_S))
        counts = storm.house.links[name].calm()
        return f"{name}, cut so far: {counts['request']} requests, {counts['answer']} answers"
