"""A private PostgreSQL cluster with its settings as they come: what is committed is synced. With a standby, if wanted."""

import glob
import os
import shutil
import subprocess

from .processes import Process, await_true, free_ports, listens

CONNECTIONS_MAX = 200
STANDBY = "storm_standby"


class Postgres:
    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        assert found, "PostgreSQL is not installed"
        self.binaries = found[-1]
        self.user = "postgres" if os.geteuid() == 0 else None
        self.home = folder / "postgres"
        self.log = folder / "postgres.log"
        self.home.mkdir()
        self.home.chmod(0o777)
        self.synchronous = False
        self.standby = None
        data = self.home / "data"
        self._run("initdb", "-U", "daybridge", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", data)
        self.port, self.process = self._server("postgres", data)
        self.start()

    def _run(self, program, *arguments):
        identity = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user else []
        made = subprocess.run(
            [*identity, f"{self.binaries}/{program}", *map(str, arguments)], capture_output=True, text=True, cwd="/"
        )
        if made.returncode:
            raise RuntimeError(f"{program}: {made.stderr}")
        return made.stdout

    def _server(self, name, data, *options):
        [port] = free_ports(1)
        arguments = [f"{self.binaries}/postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", ""]
        arguments += ["-c", f"max_connections={CONNECTIONS_MAX}", "-c", "shared_buffers=64MB"]
        arguments += [word for option in options for word in ("-c", option)]
        return port, Process(name, arguments, self.log, cwd="/", user=self.user)

    def version(self):
        return self._run("postgres", "--version").split()[2]

    # --- the primary

    def start(self):
        """Again on the same data; a killed one's children must be gone first, which it waits for itself."""
        self.process.start()
        await_true("PostgreSQL is up", self.ready)

    def ready(self):
        if not self.process.running():
            self.process.child = None
            self.process.start()
        return self._answers(self.port)

    def _answers(self, port):
        check = [f"{self.binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        return listens(port) and subprocess.run(check).returncode == 0

    def calm(self):
        for process in filter(None, (self.process, self.standby)):
            process.thaw()
        if not self.process.running():
            self.process.child = None
            self.start()

    def ask(self, statement):
        words = ["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", self.port, "-U", "daybridge", "-d", "postgres"]
        return self._run("psql", *words, "-c", statement).strip()

    # --- its standby

    def add_standby(self, through_port, synchronous):
        """A standby that follows through this port; a synchronous one has every commit before it is answered."""
        data = self.home / "standby"
        source = f"host=127.0.0.1 port={through_port} user=daybridge application_name={STANDBY}"
        self._run("pg_basebackup", "-D", data, "-d", source, "-R", "-X", "stream", "-c", "fast")
        # Tries again at once where the link was cut.
        self.standby_port, self.standby = self._server("standby", data, "wal_retrieve_retry_interval=500ms")
        self.standby.start()
        await_true("the standby follows", lambda: self.ask("SELECT count(*) FROM pg_stat_replication") == "1")
        self.synchronous = synchronous
        if synchronous:
            self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'")
            self.ask("SELECT pg_reload_conf()")
            await_true("the standby is synchronous", self._in_step)

    def _in_step(self):
        return self.ask("SELECT sync_state FROM pg_stat_replication") == "sync"

    def fail_over(self):
        """The primary is gone for ever, with its data; the standby takes its place at a port of its own."""
        self.process.kill()
        self._run("pg_ctl", "promote", "-w", "-D", self.home / "standby")
        shutil.rmtree(self.home / "data", ignore_errors=True)
        self.port, self.process, self.standby = self.standby_port, self.standby, None
        await_true("the standby takes writes", lambda: self.ask("SELECT pg_is_in_recovery()") == "f")
