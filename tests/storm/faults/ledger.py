"""The ledger: PostgreSQL killed, frozen, failed over to a standby; the disk of a SQLite ledger full."""

import time

from ..person import say_which_failover_it_was
from .kit import ALARM_S, DOWN_S, STORM_S, fault

# How long an asynchronous standby is behind when the primary is lost.
BEHIND_S = (2, 4)
# A person hears of a failover so long after it.
TOLD_AFTER_S = 4


@fault("postgres")
def restart_postgres(storm, rng):
    with storm.take(rng, ["postgres"]) as name:
        if name is None:
            return None
        postgres = storm.house.postgres
        postgres.process.kill()
        time.sleep(rng.uniform(*DOWN_S))
        postgres.start()
        return "killed, then recovered from its log"


@fault("postgres")
def freeze_postgres(storm, rng):
    with storm.take(rng, ["postgres"]) as name:
        if name is None:
            return None
        storm.house.postgres.process.freeze()
        time.sleep(ALARM_S)
        storm.house.postgres.process.thaw()
        return f"no new connections for {ALARM_S} s"


@fault("standby")
def failover(storm, rng):
    """The primary is lost for ever and the standby promoted under the same address.

    An asynchronous one does not have the last commits: a restored backup that nobody declared. A person hears of it
    only afterwards, says what it was, and lets the provider resend what came in meanwhile.
    """
    with storm.take(rng, ["postgres"]) as name:
        if name is None:
            return None
        house = storm.house
        since = time.time()
        # What is in the queue now may be recorded in commits that the standby does not have.
        received = storm.load.in_queue_since()
        if not house.postgres.synchronous:
            house.links["standby"].order(shut=True)
            time.sleep(rng.uniform(*BEHIND_S))
        house.postgres.fail_over()
        house.links["ledger"].order(target=house.postgres.port, cut=True)
        kind = "synchronous" if house.postgres.synchronous else "asynchronous"
        time.sleep(TOLD_AFTER_S)
        said = say_which_failover_it_was(storm, since, house.postgres.synchronous)
        resent = storm.load.resend(received, time.time())
        return f"to a standby that was {kind}; {said}; {resent} events resent"


@fault("small disk")
def full_disk(storm, rng):
    """The disk of the ledger (and of the embedded queue) is full, and is emptied again; nobody restarts anything."""
    with storm.take(rng, ["disk"]) as name:
        if name is None or not storm.house.disk.mounted:
            return None
        storm.house.disk.fill()
        time.sleep(rng.uniform(*STORM_S))
        storm.house.disk.empty()
        return "no byte left, then emptied"
