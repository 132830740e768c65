"""The broker: nodes killed, frozen and parted, alarms, and queues that somebody deletes or unbinds."""

import time

from ..processes import await_true
from .kit import ALARM_S, DOWN_S, PARTITION_S, fault

# Nobody declares the queues anew so long, unless the receivers do.
DELETED_S = 4
# Between the answer of a receiver and the provider's note of it.
NOTED_S_MAX = 1


def node(storm, rng, do):
    with storm.take(rng, [f"queue{n}" for n in range(1, len(storm.house.queue.nodes) + 1)]) as name:
        return None if name is None else do(storm.house.queue.nodes[int(name.removeprefix("queue")) - 1])


def alarm(storm, rng, command, raised, lifted):
    def do(node):
        if node.ctl(command, raised) is None:
            return "failed: the node does not answer"
        time.sleep(ALARM_S)
        await_true("the alarm ends", lambda: node.ctl(command, lifted) is not None)
        return node.name

    return node(storm, rng, do)


@fault("broker")
def kill_broker_node(storm, rng):
    def do(node):
        node.process.kill()
        time.sleep(rng.uniform(*DOWN_S))
        node.process.start()
        await_true(f"{node.name} is up", node.up)
        return node.name

    return node(storm, rng, do)


@fault("broker")
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


@fault("broker")
def freeze_broker_node(storm, rng):
    def do(node):
        node.process.freeze()
        time.sleep(PARTITION_S)
        node.process.thaw()
        return node.name

    return node(storm, rng, do)


@fault("broker")
def partition_broker(storm, rng):
    def do(node):
        if len(storm.house.queue.nodes) == 1:
            return None
        if storm.house.queue.partition(node) is None:
            return "failed: the node does not answer"
        time.sleep(PARTITION_S)
        await_true(f"{node.name} is healed", lambda: storm.house.queue.heal(node))
        return f"{node.name} from the others"

    return node(storm, rng, do)


@fault("broker")
def memory_alarm(storm, rng):
    return alarm(storm, rng, "set_vm_memory_high_watermark", "0.00001", "0.4")


@fault("broker")
def disk_alarm(storm, rng):
    return alarm(storm, rng, "set_disk_free_limit", "1000000000000000", "50MB")


@fault("broker")
def unbind_events(storm, rng):
    """What cannot be routed goes to the alternate exchange; the next connection binds again."""

    def do(node):
        found = "[rabbit_binding:remove(B, <<\"storm\">>) || B <- rabbit_binding:list(<<47>>),"
        found += " element(2, B) =:= rabbit_misc:r(<<47>>, exchange, <<\"daybridge\">>)]."
        done = node.ctl("eval", found)
        time.sleep(rng.uniform(*DOWN_S))
        storm.house.links["queue1"].order(cut=True)
        return done and f"at {node.name}: {done.strip()}"

    return node(storm, rng, do)


@fault("broker")
def delete_queues(storm, rng):
    """Somebody deletes events and unroutable under connected receivers, while no worker is there to declare them.

    What gets its 2xx from then on must not be lost. What was in them is gone, and is resent, as the runbook says.
    """

    def do(node):
        with storm.take_free(storm.house.named("work")) as workers:
            for name in workers:
                storm.house.roles[name].freeze()
            since = storm.load.in_queue_since()
            deleted = node.delete_queues("daybridge.events", "daybridge.unroutable")
            ended = time.time()
            time.sleep(DELETED_S)
            for name in workers:
                storm.house.roles[name].thaw()
        resent = storm.load.resend(since, ended + NOTED_S_MAX)
        if not deleted:
            return "failed: the node does not answer"
        return f"at {node.name}, {len(workers)} workers frozen, {resent} events of before resent"

    return node(storm, rng, do)
