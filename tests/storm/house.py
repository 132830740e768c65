"""daybridge as it is deployed: nginx, receivers, workers, PostgreSQL, a RabbitMQ cluster, and the simulator."""

import glob
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from .links import Link
from .postgres import Postgres
from .processes import Process, await_true, free_ports, listens
from .rabbitmq import Cluster

SECRET = "whsec_storm_0123456789abcdef0123456789"
TOKEN = "storm-partner-token"
BALANCE_DAYS = 50_000_000
CALL_TIMEOUT_S = 1
SETTLE_WINDOW_S = 5
LEASE_S = 2 * CALL_TIMEOUT_S + 10
COMMAND_S_MAX = 60
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class House:
    def __init__(self, folder, binary, nodes, servers, workers, seed):
        self.folder, self.binary = folder, binary
        self.queue = Cluster(nodes, folder)
        self.postgres = Postgres(folder)
        self.api_port, self.admin_port = free_ports(2)
        self._start_simulator()
        self.links = {
            "partner": Link("partner", self.api_port, folder, seed),
            "ledger": Link("ledger", self.postgres.port, folder, seed),
        }
        for number, node in enumerate(self.queue.nodes, 1):
            self.links[f"queue{number}"] = Link(f"queue{number}", node.port, folder, seed)
        self._write_settings()
        found = glob.glob(FAKETIME)
        assert found, "libfaketime is not installed: apt-get install faketime, or tests/run"
        self.faketime = found[0]
        self.roles = {}
        for number in range(1, servers + 1):
            [port] = free_ports(1)
            self.links[f"serve{number}"] = Link(f"serve{number}", port, folder, seed)
            self._role(f"serve{number}", {"DAYBRIDGE_SERVER__LISTEN": f"127.0.0.1:{port}"})
        for number in range(1, workers + 1):
            self._role(f"work{number}", {})
        # One at a time: who comes first makes the ledger's tables and the queues.
        for name in self.roles:
            self.roles[name].start()
            await_true(f"{name} is ready", lambda: self.ready(name))
        self._start_nginx()

    def _start_simulator(self):
        listen = ["--listen", f"127.0.0.1:{self.api_port}", "--admin", f"127.0.0.1:{self.admin_port}"]
        arguments = [self.binary, "sim", *listen, "--token", TOKEN, "--balance", BALANCE_DAYS]
        self.simulator = Process("sim", arguments, self.folder / "sim.log")
        self.simulator.start()
        await_true("the simulator is up", lambda: self.simulator.alive() and listens(self.admin_port))

    def _write_settings(self):
        hosts = ",".join(f"127.0.0.1:{self.links[f'queue{n}'].port}" for n in range(1, len(self.queue.nodes) + 1))
        (self.folder / "daybridge.toml").write_text(
            f"""
[queue]
url = "amqp://guest:guest@{hosts}/%2f"
heartbeat = 4
[ledger]
url = "postgres://daybridge@127.0.0.1:{self.links["ledger"].port}/postgres"
[partner]
base_url = "http://127.0.0.1:{self.links["partner"].port}"
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
[sources.stripe]
provider = "stripe"
secrets = ["{SECRET}"]
"""
        )

    def _role(self, name, env):
        [console] = free_ports(1)
        clock = self.folder / f"clock-{name}"
        clock.write_text("+0")
        env = {
            **env,
            "DAYBRIDGE_CONSOLE__LISTEN": f"127.0.0.1:{console}",
            # Steps of the wall clock only: the boot-time clock that guards a call cannot be stepped either.
            "LD_PRELOAD": self.faketime,
            "FAKETIME_TIMESTAMP_FILE": clock,
            "FAKETIME_CACHE_DURATION": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "RUST_BACKTRACE": 1,
        }
        role = name.rstrip("0123456789")
        process = Process(
            name, [self.binary, role], self.folder / f"{name}.log", env=env, cwd=self.folder
        )
        process.console, process.clock = console, clock
        self.roles[name] = process

    def _start_nginx(self):
        """The locations are deploy's own file; two receivers stand behind them."""
        [self.port] = free_ports(1)
        upstream = "".join(
            f"server 127.0.0.1:{link.port} max_fails=0; "
            for name, link in self.links.items()
            if name.startswith("serve")
        )
        home = self.folder / "nginx"
        home.mkdir()
        temp = "".join(
            f"{kind}_temp_path {home}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (home / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; {temp}\n"
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
            with urllib.request.urlopen(f"http://127.0.0.1:{process.console}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def named(self, role):
        return [name for name in self.roles if name.startswith(role)]

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
        """Everything runs, every clock is right, every link is whole."""
        for link in self.links.values():
            link.calm()
        self.sim("faults", {}, "DELETE")
        self.sim("switches", {"stale_reads_ms": 0})
        self.sim("balance", {"days": BALANCE_DAYS})
        self.postgres.calm()
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
