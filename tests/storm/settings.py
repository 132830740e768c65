"""The settings of the house: its ledger and queue, and two sources with different realms and secrets."""

from dataclasses import dataclass

TOKEN = "storm-partner-token"
CALL_TIMEOUT_S = 1
SETTLE_WINDOW_S = 5
LEASE_S = 2 * CALL_TIMEOUT_S + 10


@dataclass(frozen=True)
class Source:
    name: str
    realm: str
    secret: str
    on_refund: str
    slice: int  # days in one transfer; 0: all at once


# Of the second one every payment moves slice by slice, for the channels never have their lead.
SOURCES = (
    Source("stripe", "stripe", "whsec_storm_0123456789abcdef0123456789", "report", 0),
    Source("second", "second", "whsec_storm_abcdef0123456789abcdef0123", "cancel_unspent", 10),
)
LEAD = "100000days"


@dataclass(frozen=True)
class Layout:
    """Which servers the house is made of."""

    ledger: str = "postgres"  # or "sqlite", with one worker
    queue: str = "rabbitmq"  # or "embedded": receiver and worker are one process
    nodes: int = 3
    workers: int = 3
    standby: str = "none"  # "async", "sync"


def text(queue_url, ledger_url, partner_port):
    whole = f"""
[queue]
url = "{queue_url}"
heartbeat = 4
[ledger]
url = "{ledger_url}"
[partner]
base_url = "http://127.0.0.1:{partner_port}"
token = "{TOKEN}"
calls_per_second_max = 500
call_timeout = "{CALL_TIMEOUT_S}s"
settle_window = "{SETTLE_WINDOW_S}s"
[worker]
poll = "250ms"
breaker_pause = "2s"
account_probe = "2s"
[brake]
multiple = 0
[allocation]
lead = "{LEAD}"
"""
    for source in SOURCES:
        whole += f"""
[sources.{source.name}]
provider = "stripe"
realm = "{source.realm}"
secrets = ["{source.secret}"]
on_refund = "{source.on_refund}"
slice = {source.slice}
"""
    return whole
