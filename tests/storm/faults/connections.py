"""Connections between the parts: cut in the middle of a request or an answer, all at once, or slow."""

import time

from .kit import STORM_S, fault, spoil


@fault("postgres")
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


@fault()
def cut_serve_links(storm, rng):
    return spoil(storm, rng, storm.house.named("serve"), request=0.1, answer=0.1)


@fault()
def cut_partner_links(storm, rng):
    return spoil(storm, rng, ["partner"], request=0.1, answer=0.1)


@fault("broker")
def cut_queue_links(storm, rng):
    nodes = len(storm.house.queue.nodes)
    return spoil(storm, rng, [f"queue{n}" for n in range(1, nodes + 1)], request=0.02, answer=0.02)


@fault()
def cut_all_at_once(storm, rng):
    cut = sum(1 for link in storm.house.links.values() if link.order(cut=True))
    return f"{cut} links"


@fault()
def slow_partner(storm, rng):
    return spoil(storm, rng, ["partner"], delay_ms=900)
