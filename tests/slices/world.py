"""The processes of a play: receiver, worker, embedded queue and SQLite ledger in one, the partner's simulator in another.

Both see a clock that libfaketime sets; the boot clock runs on.
"""

import collections
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

DAY_S = 86_400
DAY_MS = DAY_S * 1000
SETTINGS = """
[server]
listen = "127.0.0.1:{server}"
[console]
listen = "127.0.0.1:{console}"
[queue]
url = "embedded:{folder}/queue.db"
[ledger]
url = "sqlite:{folder}/ledger.db"
[brake]
multiple = 0
[worker]
poll = "100ms"
account_probe = "2s"
[partner]
base_url = "http://127.0.0.1:{api}"
token = "sim-token"
call_timeout = "2s"
settle_window = "5s"
calls_per_second_max = 1000
"""


def secret(name):
    return f"whsec_{name}_only_here"


def source(name, slice_days, more=""):
    return f"""
[sources.{name}]
provider = "stripe"
secrets = ["{secret(name)}"]
slice = {slice_days}
{more}
"""


def free_ports(many):
    sockets = [socket.socket() for _ in range(many)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class World:
    def __init__(self, binary, folder, sources, balance):
        self.folder = folder
        server, console, api, admin = free_ports(4)
        self.server, self.api, self.admin = server, api, admin
        text = SETTINGS.format(server=server, console=console, api=api, folder=folder)
        (folder / "daybridge.toml").write_text(text + sources)
        self.binary = shutil.copy2(binary, folder / "daybridge")
        library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not library:
            sys.exit("tests/allocation: faketime is missing: apt-get install faketime, or tests/run")
        self.clock = folder / "clock"
        self.set_day(0)
        self.env = dict(
            os.environ,
            LD_PRELOAD=library[0],
            FAKETIME_TIMESTAMP_FILE=str(self.clock),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            RUST_LOG="warn",
        )
        self.processes = {}
        addresses = ["--listen", f"127.0.0.1:{api}", "--admin", f"127.0.0.1:{admin}"]
        self.begin("sim", "sim", *addresses, "--balance", str(balance))
        self.wait(lambda: self.sim("state"))

    def set_day(self, day):
        """So many days, or parts of days, after the machine's time."""
        self.day = day
        fresh = self.clock.with_suffix(".new")
        fresh.write_text(f"+{int(day * DAY_S)}")
        fresh.rename(self.clock)

    def now_s(self):
        return int(time.time() + self.day * DAY_S)

    def begin(self, name, *arguments):
        log = open(self.folder / f"{name}.log", "a")
        command = [self.binary, *arguments]
        self.processes[name] = subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdout=log, stderr=subprocess.STDOUT
        )

    def run(self):
        self.begin("run", "run")
        self.wait(lambda: urllib.request.urlopen(f"http://127.0.0.1:{self.server}/healthz"))

    def wait(self, what, patience_s=30):
        until = time.monotonic() + patience_s
        while True:
            try:
                return what()
            except urllib.error.HTTPError:
                return None
            except (OSError, ValueError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def end(self, name, kill):
        process = self.processes.pop(name)
        process.kill() if kill else process.terminate()
        process.wait()

    def sim(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}/_sim/{path}", data=data)
        return json.loads(urllib.request.urlopen(request).read() or b"null")

    def command(self, *arguments):
        return subprocess.run(
            [self.binary, *arguments], cwd=self.folder, env=self.env, capture_output=True, text=True
        )

    def asked(self, *arguments):
        done = self.command(*arguments, "--json")
        if done.returncode:
            sys.exit(f"tests/allocation: {arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def applied(self):
        """What the partner did: the key of each transfer with the days of each time."""
        found = collections.defaultdict(list)
        for line in self.sim("state")["extends"]:
            key = re.search(r"\w+/\S+#\d+", line["comment"] or "")
            if line["applied"] and key:
                found[key.group()].append(line["days"])
        return found

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
