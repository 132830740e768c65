"""A day of many channels whose slices are all due: what it costs, and whether the backlog drains at the partner's rate.

A few payments come through the whole program; the rows that one of them left, with other names, are those of all others.
"""

import http.client
import json
import os
import re
import sqlite3
import time
import types

from storm.events import BASIL, charge, sign

from .world import secret, source

BALANCE = 100_000_000
DAYS = 30
LOOK_S = 2
MIB = 1024 * 1024

# Payments that come through the whole program.
PAID = 20

# What is copied, and which of its numbers are counted up.
TABLES = {
    "events": ["number"],
    "bodies": ["event"],
    "deliveries": ["number", "event"],
    "payments": [],
    "aliases": [],
    "transfers": [],
    "steps": ["number"],
    "channels": [],
}
APART = 1_000_000  # between the numbers of two copies


def sources(_):
    return source("stripe", 1)


class Play:
    def __init__(self, world, given):
        self.world, self.many = world, given.scale
        self.told = []

    def play(self):
        for number in range(PAID):
            self.world.sim("channels", {"id": self.channel(number), "days": 0, "mode": "live"})
        self.world.run()
        self.world.wait(self.ready)
        self.pay(PAID)
        self.until_nothing_is_due()
        self.world.end("run", kill=False)
        self.moved_before = self.copy()
        self.world.run()
        self.tell("at the start", self.resident())
        self.asked()
        self.measured("a day later, one slice of each", lambda: self.world.set_day(1))

    def copy(self):
        """The first payment's rows, once for each other; the days that are not in the books then."""
        (moved, till) = self.ledger(
            "SELECT days_moved, (SELECT active_till FROM channels c WHERE c.channel = p.channel) FROM payments p "
            f"WHERE channel = '{self.channel(0)}'"
        )[0]
        for number in range(PAID, self.many):
            self.world.sim("channels", {"id": self.channel(number), "active_till": till, "mode": "live"})
        events = set()
        with sqlite3.connect(f"{self.world.folder}/ledger.db") as connection:
            for table, counted in TABLES.items():
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                rows = connection.execute(f"SELECT * FROM {table}").fetchall()
                if "event" in counted:
                    at = columns.index("event")
                    rows = [row for row in rows if row[at] in events]
                else:
                    rows = [row for row in rows if self.is_first(row)]
                if table == "events":
                    events = {row[columns.index("number")] for row in rows}
                assert rows, table
                places = ", ".join("?" * len(columns))
                copies = (
                    [self.named(value, column in counted, number) for column, value in zip(columns, row)]
                    for number in range(PAID, self.many)
                    for row in rows
                )
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", copies)
        return moved * (self.many - PAID)

    def is_first(self, row):
        names = (self.tail(0), self.channel(0))
        return any(isinstance(value, str) and any(name in value for name in names) for value in row)

    def named(self, value, is_counted, number):
        if is_counted:
            return value + APART * number
        if not isinstance(value, str):
            return value
        value = value.replace(self.channel(0), self.channel(number)).replace(self.tail(0), self.tail(number))
        # The id of a delivery.
        return f"{number:012}{value[12:]}" if re.fullmatch(r"[0-9a-f-]{36}", value) else value

    def ready(self):
        """The worker makes the ledger."""
        try:
            return self.settled() == 0
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from error

    def judge(self):
        print(f"{self.many} channels, slice 1, lead 2 days, SQLite, embedded queue, no limit of calls but 1,000/s")
        print("\n".join(self.told))
        rows = self.ledger("SELECT COUNT(*), SUM(days_left), MIN(days_moved) FROM payments")
        (payments, left, least) = rows[0]
        books = sum(sum(days) for days in self.world.applied().values())
        bought = self.many * DAYS
        good = (payments, left + books + self.moved_before) == (self.many, bought) and least >= 3
        print(
            f"{payments} payments, {bought} days bought, {books} in the books, {self.moved_before} moved before, "
            f"{left} owed: {'right' if good else 'WRONG'}"
        )
        return 0 if good else 1

    @staticmethod
    def channel(number):
        return f"SCALE-{number:06}"

    @staticmethod
    def tail(number):
        return f"T{number:06}"

    def pay(self, many):
        connection = http.client.HTTPConnection("127.0.0.1", self.world.server)
        for number in range(many):
            tail = self.tail(number)
            payment = types.SimpleNamespace(
                id=f"pi_{tail}", tail=tail, kind="plain", channel=self.channel(number), amount=900, version=BASIL
            )
            payment.metadata = lambda _, payment=payment: {"channel_id": payment.channel, "days": str(DAYS)}
            body = charge("charge.succeeded", f"evt_{tail}", payment, self.world.now_s(), 900)
            data = json.dumps(body).encode()
            headers = {"stripe-signature": sign(secret("stripe"), data, self.world.now_s())}
            connection.request("POST", "/webhooks/stripe", data, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status

    def ledger(self, question):
        with sqlite3.connect(f"file:{self.world.folder}/ledger.db?mode=ro", uri=True, timeout=30) as connection:
            return connection.execute(question).fetchall()

    def settled(self):
        return self.ledger("SELECT COUNT(*) FROM transfers WHERE state = 'settled'")[0][0]

    def due(self):
        now = self.world.now_s() * 1000
        question = "SELECT COUNT(*) FROM channels WHERE due_at <= {0} OR slice_at <= {0} OR lease_until > {0}"
        (waiting,) = self.ledger(question.format(now))[0]
        (payments,) = self.ledger("SELECT COUNT(*) FROM payments")[0]
        return waiting + max(PAID - payments, 0)

    def until_nothing_is_due(self):
        most = 0
        while True:
            most = max(most, self.resident())
            if not self.due():
                return most
            time.sleep(LOOK_S)

    def resident(self):
        with open(f"/proc/{self.world.processes['run'].pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def cpu_s(self):
        with open(f"/proc/{self.world.processes['run'].pid}/stat") as stat:
            words = stat.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def measured(self, name, act):
        """What happens until nothing is due."""
        before, cpu_s, begun = self.settled(), self.cpu_s(), time.monotonic()
        act()
        most = self.until_nothing_is_due()
        took = time.monotonic() - begun
        slices = self.settled() - before
        cpu_ms = (self.cpu_s() - cpu_s) * 1000 / max(slices, 1)
        self.tell(f"{name}: {slices} slices in {took:.0f} s, {slices / took:.0f}/s, {cpu_ms:.2f} ms CPU each", most)

    def asked(self):
        """What a person and a scrape ask meanwhile, of all that waits."""
        for words in (["balance", "show"], ["balance", "forecast"], ["channels", "list", "--owed", "--limit", "50"]):
            begun = time.monotonic()
            self.world.asked(*words)
            self.tell(f"`{' '.join(words)}`: {(time.monotonic() - begun) * 1000:.0f} ms", self.resident())

    def tell(self, text, resident):
        self.told.append(f"  {text}; {resident / MIB:.0f} MiB resident")
