"""daybridge as it is deployed: a proxy, receivers, workers, ledger, queue, and the simulator of the partner.

Of the layout it depends which servers there are: PostgreSQL and a RabbitMQ cluster, or files on a small disk.
"""

import glob
import json
import re
import subprocess
import urllib.request
from pathlib import Path

from . import settings
from .disk import Disk
from .links import Link
from .postgres import Postgres
from .processes import Process, await_true, free_ports, listens
from .rabbitmq import Cluster
from .settings import CALL_TIMEOUT_S, LEASE_S, SETTLE_WINDOW_S, TOKEN  # noqa: F401 (faults and the person count in them)

BALANCE_DAYS = 50_000_000
COMMAND_S_MAX = 60
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"
DEPTH = re.compile(r'^daybridge_queue_depth\{queue="\w+"\} (\d+)', re.MULTILINE)


class House:
    def __init__(self, folder, binary, layout, servers, seed):
        self.folder, self.binary, self.layout = folder, binary, layout
        self.parts, self.links, self.roles = set(), {}, {}
        self.queue = self.postgres = self.disk = None
        self.api_port, self.admin_port = free_ports(2)
        self._start_simulator()
        self._link("partner", self.api_port, seed)
        if "sqlite" in layout.ledger or "embedded" in layout.queue:
            self.disk = Disk(folder / "disk")
            self.parts.add("small disk")
        written = settings.text(self._start_queue(seed), self._start_ledger(seed), self.links["partner"].port)
        (folder / "daybridge.toml").write_text(written)
        found = glob.glob(FAKETIME)
        assert found, "libfaketime is not installed: apt-get install faketime, or tests/run"
        self.faketime = found[0]
        if layout.queue == "embedded":
            self.receivers = self.workers = ["run1"]
        else:
            self.receivers = [f"serve{number}" for number in range(1, servers + 1)]
            workers = layout.workers if layout.ledger == "postgres" else 1
            self.workers = [f"work{number}" for number in range(1, workers + 1)]
        for name in dict.fromkeys([*self.receivers, *self.workers]):
            self._role(name, seed)
        # One at a time: who comes first makes the ledger's tables and the queues.
        for name in self.roles:
            self.roles[name].start()
            await_true(f"{name} is ready", lambda: self.ready(name))
        if layout.standby != "none" and self.postgres:
            self._link("standby", self.postgres.port, seed)
            self.postgres.add_standby(self.links["standby"].port, layout.standby == "sync")
            self.parts.add("standby")
        self._start_nginx()

    def _link(self, name, port, seed):
        self.links[name] = Link(name, port, self.folder, seed)
        return self.links[name].port

    def _start_simulator(self):
        listen = ["--listen", f"127.0.0.1:{self.api_port}", "--admin", f"127.0.0.1:{self.admin_port}"]
        arguments = [self.binary, "sim", *listen, "--token", TOKEN, "--balance", BALANCE_DAYS]
        self.simulator = Process("sim", arguments, self.folder / "sim.log")
        self.simulator.start()
        await_true("the simulator is up", lambda: self.simulator.alive() and listens(self.admin_port))

    def _start_queue(self, seed):
        """Its URL."""
        if self.layout.queue == "embedded":
            return f"embedded:{self.disk.folder}/queue.db"
        self.queue = Cluster(self.layout.nodes, self.folder)
        self.parts.add("broker")
        ports = [self._link(f"queue{n}", node.port, seed) for n, node in enumerate(self.queue.nodes, 1)]
        return f"amqp://guest:guest@{','.join(f'127.0.0.1:{port}' for port in ports)}/%2f"

    def _start_ledger(self, seed):
        """Its URL."""
        if self.layout.ledger == "sqlite":
            return f"sqlite:{self.disk.folder}/ledger.db"
        self.postgres = Postgres(self.folder)
        self.parts.add("postgres")
        return f"postgres://daybridge@127.0.0.1:{self._link('ledger', self.postgres.port, seed)}/postgres"

    def _role(self, name, seed):
        [console] = free_ports(1)
        clock = self.folder / f"clock-{name}"
        clock.write_text("+0")
        env = {
            "DAYBRIDGE_CONSOLE__LISTEN": f"127.0.0.1:{console}",
            # Steps of the wall clock only: the boot-time clock that guards a call cannot be stepped either.
            "LD_PRELOAD": self.faketime,
            "FAKETIME_TIMESTAMP_FILE": clock,
            "FAKETIME_CACHE_DURATION": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "RUST_BACKTRACE": 1,
        }
        if name in self.receivers:
            [port] = free_ports(1)
            self._link(name, port, seed)
            env["DAYBRIDGE_SERVER__LISTEN"] = f"127.0.0.1:{port}"
        role = name.rstrip("0123456789")
        log = self.folder / f"{name}.log"
        process = Process(name, [self.binary, role], log, env=env, cwd=self.folder)
        process.console, process.clock = console, clock
        self.roles[name] = process

    def _start_nginx(self):
        """The locations are deploy's own file; the receivers stand behind them."""
        [self.port] = free_ports(1)
        upstream = "".join(f"server 127.0.0.1:{self.links[name].port} max_fails=0; " for name in self.receivers)
        home = self.folder / "nginx"
        home.mkdir()
        temp = "".join(
            f"{kind}_temp_path {home}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (home / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
            "events { worker_connections 1024; }\n"
            # By request: here all providers are one address.
            f"http {{ access_log off; limit_conn_zone $request_id zone=daybridge_callers:1m; {temp}\n"
            f"upstream daybridge {{ {upstream} keepalive 32; keepalive_timeout 3s; }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; include {DEPLOY}/nginx/daybridge-locations.conf; }} }}\n"
        )
        arguments = ["/usr/sbin/nginx", "-c", home / "nginx.conf", "-e", home / "error.log"]
        self.nginx = Process("nginx", arguments, self.folder / "nginx.log")
        self.nginx.start()
        await_true("nginx is up", lambda: self.nginx.alive() and listens(self.port))

    def ready(self, name):
        process = self.roles[name].alive()
        try:
            return self._console(process, "readyz") is not None
        except OSError:
            return False

    @staticmethod
    def _console(process, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{process.console}/{path}", timeout=5) as answer:
            return answer.read().decode() if answer.status == 200 else None

    def named(self, role):
        """The processes that do the work of this role; or the one of this name."""
        return {"serve": self.receivers, "work": self.workers}.get(role, [role])

    def depth(self):
        """Messages in all queues; None where that cannot be said now."""
        if self.queue:
            return self.queue.depth()
        try:
            return sum(map(int, DEPTH.findall(self._console(self.roles["run1"], "metrics") or "")))
        except OSError:
            return None

    def versions(self):
        return {
            "rabbitmq": self.queue.version() if self.queue else None,
            "postgresql": self.postgres.version() if self.postgres else None,
        }

    # --- what an operator does ---------------------------------------------------------------------------------

    def command(self, *arguments):
        """Runs a command of daybridge; (exit code, standard output, standard error)."""
        done = subprocess.run(
            [self.binary, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
        )
        return done.returncode, done.stdout, done.stderr

    def rows(self, *arguments):
        """What a command lists as JSON."""
        code, out, error = self.command(*arguments, "--json")
        if code:
            raise RuntimeError(f"{' '.join(arguments)}: {error.strip()}")
        return json.loads(out)

    # --- the simulator's ground truth and switches -------------------------------------------------------------

    def sim(self, path, body, method="POST"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin_port}/_sim/{path}", json.dumps(body).encode(), method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def truth(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/_sim/state", timeout=30) as answer:
            return json.load(answer)

    # --- the end of all faults ---------------------------------------------------------------------------------

    def calm(self):
        """Everything runs, every clock is right, every link is whole, every disk has room."""
        for link in self.links.values():
            link.calm()
        self.sim("faults", {}, "DELETE")
        self.sim("switches", {"stale_reads_ms": 0})
        self.sim("balance", {"days": BALANCE_DAYS})
        if self.disk:
            self.disk.empty()
        if self.postgres:
            self.postgres.calm()
        if self.queue:
            self.queue.calm()
        if not self.nginx.running():
            self.nginx.child = None
            self.nginx.start()
        for process in self.roles.values():
            process.clock.write_text("+0")
            process.thaw()
            if process.child is None:
                process.start()
        for name in self.roles:
            await_true(f"{name} is ready", lambda: self.ready(name))
