"""A private PostgreSQL cluster with its settings as they come: what is committed is synced."""

import glob
import os
import subprocess

from .processes import Process, await_true, free_ports, listens

CONNECTIONS_MAX = 200


class Postgres:
    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        assert found, "PostgreSQL is not installed"
        self.binaries = found[-1]
        [self.port] = free_ports(1)
        user = "postgres" if os.geteuid() == 0 else None
        home = folder / "postgres"
        home.mkdir()
        home.chmod(0o777)
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        made = subprocess.run(
            [*as_user, f"{self.binaries}/initdb", "-U", "daybridge", "-A", "trust", "-E", "UTF8"]
            + ["--locale=C", "-D", home / "data"],
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert made.returncode == 0, made.stderr
        arguments = [f"{self.binaries}/postgres", "-D", home / "data", "-h", "127.0.0.1", "-p", self.port]
        arguments += ["-k", "", "-c", f"max_connections={CONNECTIONS_MAX}", "-c", "shared_buffers=64MB"]
        self.process = Process("postgres", arguments, folder / "postgres.log", cwd="/", user=user)
        self.start()

    def start(self):
        """Again on the same data; a killed one's children must be gone first, which it waits for itself."""
        self.process.start()
        await_true("PostgreSQL is up", self.ready)

    def ready(self):
        if not self.process.running():
            self.process.child = None
            self.process.start()
        check = [f"{self.binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return listens(self.port) and subprocess.run(check).returncode == 0

    def calm(self):
        self.process.thaw()
        if not self.process.running():
            self.process.child = None
            self.start()
