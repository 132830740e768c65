"""The links of the house that faults cut: each a `wire.py` between two parts."""

import json
import subprocess
import sys
import threading
from pathlib import Path

from .processes import Process, await_true, free_ports, listens


class Link:
    def __init__(self, name, target_port, folder, seed):
        [self.port] = free_ports(1)
        self.name = name
        script = Path(__file__).with_name("wire.py")
        self._process = Process(
            f"link {name}",
            [sys.executable, script, self.port, target_port, seed],
            folder / f"link-{name}.log",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self._process.start()
        await_true(f"link {name} is up", lambda: listens(self.port))

    def order(self, **order):
        """Changes what the link does; returns its counts."""
        with self._lock:
            child = self._process.child
            child.stdin.write(json.dumps(order).encode() + b"\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

    def calm(self):
        return self.order(request=0.0, answer=0.0, delay_ms=0, shut=False)
