"""A private RabbitMQ cluster: own epmd, cookie, ports and data; the system's broker is not touched.

Nodes stand on separate ports of this machine. A partition is made where the nodes speak to each other: one node gets
another cookie for the rest and drops its connections, so neither side can come back until the cookie is right again.
"""

import os
import subprocess

from .processes import START_S_MAX, Process, await_true, free_ports, listens

SCRIPTS = "/usr/lib/rabbitmq/bin"
COOKIE = "DAYBRIDGESTORM"
CTL_S_MAX = 60


class Node:
    def __init__(self, cluster, number, folder):
        self.folder, self.cluster = folder, cluster
        self.port, self.dist_port = free_ports(2)
        self.name = f"storm{number}@localhost"
        self.process = None

    def prepare(self):
        home = self.folder / "home"
        home.mkdir(parents=True)
        cookie = home / ".erlang.cookie"
        cookie.write_text(COOKIE)
        cookie.chmod(0o400)
        (home / "enabled_plugins").write_text("[].\n")
        (home / "env.conf").write_text("")
        peers = "".join(
            f"cluster_formation.classic_config.nodes.{n} = {node.name}\n"
            for n, node in enumerate(self.cluster.nodes, 1)
        )
        (home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "num_acceptors.tcp = 2\nlog.console = false\n"
            "cluster_partition_handling = pause_minority\n"
            "mnesia_table_loading_retry_timeout = 15000\n"
            f"cluster_formation.peer_discovery_backend = classic_config\n{peers}"
        )
        self.process = Process(
            self.name, [f"{SCRIPTS}/rabbitmq-server"], self.folder / "console.log", env=self.env()
        )

    def env(self):
        home = self.folder / "home"
        return {
            "HOME": home,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": self.dist_port,
            "RABBITMQ_MNESIA_BASE": self.folder / "mnesia",
            "RABBITMQ_LOG_BASE": self.folder / "log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": home / "enabled_plugins",
            "RABBITMQ_CONFIG_FILE": home / "rabbitmq",
            "RABBITMQ_CONF_ENV_FILE": home / "env.conf",
            "ERL_EPMD_PORT": self.cluster.epmd_port,
            # Ours runs; a missing one must be an error, not a daemon that stays.
            "ERL_AFLAGS": "-start_epmd false",
            # The script becomes the node instead of waiting for it: killing it kills the node.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def ctl(self, *arguments):
        """Runs `rabbitmqctl`; None where it failed."""
        done = subprocess.run(
            ["timeout", str(CTL_S_MAX), f"{SCRIPTS}/rabbitmqctl", "--quiet", *arguments],
            env={**os.environ, **{k: str(v) for k, v in self.env().items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return done.stdout if done.returncode == 0 else None

    def delete_queues(self, *names):
        """Both at one moment, as far as a node can; None where it does not answer."""
        names = ", ".join(f'<<"{name}">>' for name in names)
        delete = (
            "case rabbit_amqqueue:lookup(rabbit_misc:r(<<47>>, queue, N)) of "
            '{ok, Q} -> rabbit_amqqueue:delete(Q, false, false, <<"storm">>); _ -> none end'
        )
        return self.ctl("eval", f"[begin {delete} end || N <- [{names}]].")

    def up(self):
        return self.process.running() and listens(self.port)


class Cluster:
    def __init__(self, count, folder):
        [self.epmd_port] = free_ports(1)
        epmd = Process(
            "epmd", ["epmd", "-port", self.epmd_port, "-address", "127.0.0.1"], folder / "epmd.log"
        )
        epmd.start()
        await_true("epmd is up", lambda: listens(self.epmd_port))
        self.nodes = []
        self.nodes += [Node(self, n, folder / f"rabbit{n}") for n in range(1, count + 1)]
        for node in self.nodes:
            node.prepare()
            node.process.start()
        for node in self.nodes:
            await_true(f"{node.name} is up", node.up)
        await_true("the cluster is whole", self.whole)

    def whole(self):
        """Every node runs and sees all the others."""
        text = self.nodes[0].ctl("eval", "length(rabbit_nodes:all_running()).")
        return text is not None and text.strip() == str(len(self.nodes))

    def version(self):
        return (self.nodes[0].ctl("version") or "").strip()

    def partition(self, node):
        others = ", ".join(f"'{n.name}'" for n in self.nodes if n is not node)
        cut = f"[begin erlang:set_cookie(N, cut), erlang:disconnect_node(N) end || N <- [{others}]]."
        return node.ctl("eval", cut)

    def heal(self, node):
        others = ", ".join(f"'{n.name}'" for n in self.nodes if n is not node)
        return node.ctl("eval", f"[erlang:set_cookie(N, '{COOKIE}') || N <- [{others}]].")

    def calm(self):
        """Starts what is down, lifts alarms, heals, and waits until the cluster is whole."""
        for node in self.nodes:
            node.process.thaw()
            if not node.process.running():
                node.process.child = None
                node.process.start()
        for node in self.nodes:
            await_true(f"{node.name} answers", lambda: self.quiet(node), START_S_MAX, 1)
            self.heal(node)
        await_true("the cluster is whole again", self.whole, START_S_MAX, 1)
        for node in self.nodes:
            await_true(f"{node.name} takes connections", node.up)

    @staticmethod
    def quiet(node):
        return node.ctl("eval", "rabbit:alarms() =:= undefined.") is not None and (
            node.ctl("set_vm_memory_high_watermark", "0.4") is not None
            and node.ctl("set_disk_free_limit", "50MB") is not None
        )

    def depth(self):
        """Messages in all queues; None where that cannot be said now."""
        text = self.nodes[0].ctl("list_queues", "--no-table-headers", "messages")
        return None if text is None else sum(int(n) for n in text.split())
