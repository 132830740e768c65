"""Child processes that die with this one, each with its log, and the signals that faults send them."""

import os
import queue
import signal
import socket
import subprocess
import threading
import time

START_S_MAX = 180
STOP_S_MAX = 60


class Spawner:
    """Starts every child from one thread: the death signal of a child belongs to the thread that started it."""

    def __init__(self):
        self._orders = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while True:
            arguments, options, done = self._orders.get()
            try:
                done.put(subprocess.Popen(arguments, **options))
            except OSError as error:
                done.put(error)

    def spawn(self, arguments, log, env=None, cwd=None, user=None, stdin=subprocess.DEVNULL, stdout=None):
        identity = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
        bound = ["setpriv", *identity, "--pdeathsig", "KILL", "--", *map(str, arguments)]
        done = queue.Queue()
        with open(log, "ab") as out:
            options = {
                "stdin": stdin,
                "stdout": stdout or out,
                "stderr": out,
                "cwd": cwd,
                "env": {**os.environ, **{k: str(v) for k, v in (env or {}).items()}},
                "start_new_session": True,
            }
            self._orders.put((bound, options, done))
            child = done.get()
        if isinstance(child, OSError):
            raise child
        return child


SPAWNER = Spawner()


class Process:
    """A named child that can be killed, stopped, frozen and started again with the same arguments."""

    def __init__(self, name, arguments, log, **options):
        self.name, self.arguments, self.log, self.options = name, list(arguments), log, options
        self.child = None

    def start(self):
        assert self.child is None, f"{self.name} runs"
        self.child = SPAWNER.spawn(self.arguments, self.log, **self.options)

    def running(self):
        return self.child is not None and self.child.poll() is None

    def alive(self):
        """Itself; an error where it ended although nobody ended it."""
        if not self.running():
            raise RuntimeError(f"{self.name} ended by itself:\n{self.last_words()}")
        return self

    def signal(self, number):
        if self.running():
            self.child.send_signal(number)

    def kill(self):
        """kill -9"""
        if self.child is not None:
            self.signal(signal.SIGKILL)
            self.child.wait(STOP_S_MAX)
            self.child = None

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        code = self.child.wait(STOP_S_MAX)
        self.child = None
        return code

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def last_words(self, lines=15):
        with open(self.log, "rb") as file:
            return b"\n".join(file.read().splitlines()[-lines:]).decode(errors="replace")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def await_true(what, check, seconds=START_S_MAX, pause=0.1):
    """Waits for a mark; the error says which one did not come."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = check()
        if found:
            return found
        time.sleep(pause)
    raise TimeoutError(f"{what}: not within {seconds} s")


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
