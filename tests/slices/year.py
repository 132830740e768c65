"""A year of customers who come, pay, and leave; each with a channel, in slices of 5, of 1, or all at once."""

import collections
import json
import random
import sqlite3
import sys
import time
import urllib.request

from storm.events import BASIL, charge, sign

from .world import DAY_MS, secret, source

BALANCE = 100_000
DAYS = 365
STEPS_A_DAY = 3
LEAD_DAYS = 2
SLICES = {"once": 0, "five": 5, "one": 1}
CUSTOMERS = {"once": 30, "five": 50, "one": 30}
LEAVE_A_MONTH = 0.05
CENTS_A_DAY = 100
# From, to: in days.
AWAY = (100, 103)
EMPTY = (200, 202)
STEP_S_MAX = 20


def sources(_given):
    return "".join(source(name, days, 'on_refund = "cancel_unspent"') for name, days in SLICES.items())


class Life:
    """When a customer joins, what they buy each time, and when they leave."""

    def __init__(self, chance):
        self.plan = chance.choice([365, 365, 90, 30])
        self.joins = chance.randrange(0, 60)
        self.leaves = None
        for day in range(self.joins + 1, DAYS):
            if chance.random() < LEAVE_A_MONTH / 30:
                self.leaves = day
                break

    def pays(self, day):
        there = self.joins <= day and (self.leaves is None or day < self.leaves)
        return there and (day - self.joins) % self.plan == 0


class Payment:
    """What tests/storm/events.py needs of one, and what is reckoned of it."""

    kind, version = "good", BASIL

    def __init__(self, number, channel, days, day):
        self.id, self.tail = f"pi_{number}", str(number)
        self.channel, self.days, self.day = channel, days, day
        self.amount = days * CENTS_A_DAY
        self.unused = 0

    def metadata(self, _name):
        return {"channel_id": self.channel, "days": str(self.days)}


class Play:
    def __init__(self, world, given):
        self.world, self.given = world, given
        chance = random.Random(given.seed)
        lives = [Life(chance) for _ in range(max(CUSTOMERS.values()))]
        self.customers = [
            (name, f"{name.upper()}-{number:03}", lives[number])
            for name, many in CUSTOMERS.items()
            for number in range(many)
        ]
        self.payments = []  # (source, payment)
        self.waiting = []  # events that are sent once somebody takes them
        self.events = 0
        self.dark_h = collections.Counter()
        self.left_on = collections.Counter()  # days on channels of those who left, by source
        self.sold = collections.Counter()
        self.shared = CUSTOMERS["once"]

    def post(self, name, body):
        data = json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.world.server}/webhooks/{name}"
        headers = {"stripe-signature": sign(secret(name), data, self.world.now_s())}
        urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers)).read()
        self.events += 1

    def tell(self, name, kind, payment, refunded=0):
        event = f"evt_{kind}_{payment.id}"
        body = charge(kind, event, payment, self.world.now_s(), captured=payment.amount, refunded=refunded)
        self.waiting.append((name, body))

    def morning(self, day):
        """Who pays, and who leaves, on this day."""
        for name, channel, life in self.customers:
            if life.joins == day:
                self.world.sim("channels", {"id": channel, "days": 0, "mode": "live"})
            if life.pays(day):
                payment = Payment(len(self.payments) + 1, channel, life.plan, day)
                self.payments.append((name, payment))
                self.tell(name, "charge.succeeded", payment)
            if life.leaves == day:
                paid = [payment for _, payment in self.payments if payment.channel == channel][-1]
                paid.unused = paid.days - (day - paid.day)
                self.tell(name, "charge.refunded", paid, paid.unused * CENTS_A_DAY)

    def at_rest(self, day):
        """Until all that was sent is recorded, and no transfer is due."""
        ledger = sqlite3.connect(f"file:{self.world.folder}/ledger.db?mode=ro", uri=True)
        until = time.monotonic() + STEP_S_MAX
        empty = EMPTY[0] <= day < EMPTY[1]
        while True:
            now = (self.world.now_s() + 1) * 1000
            try:
                recorded = ledger.execute("SELECT COUNT(*) FROM events").fetchone()[0]
                due = ledger.execute(
                    "SELECT COUNT(*) FROM transfers WHERE state IN ('intended', 'doubtful') "
                    "OR (state = 'planned' AND COALESCE(due_at, wanted_at) <= ?)",
                    (now,),
                ).fetchone()[0]
            except sqlite3.OperationalError:
                recorded, due = 0, 1
            if recorded >= self.events and (due == 0 or empty):
                break
            if time.monotonic() > until:
                sys.exit(f"tests/allocation: day {day}: {recorded} of {self.events} events, {due} transfers are due")
            time.sleep(0.02)
        ledger.close()

    def look(self, day):
        """Channels that have run out while days are owed on them, by this script's own reckoning."""
        state = self.world.sim("state")
        till = {channel["id"]: channel["activeTill"] for channel in state["channels"]}
        moved = collections.Counter()
        for line in state["extends"]:
            if line["applied"]:
                moved[line["channel"]] += line["days"]
        owed = collections.Counter()
        for _, payment in self.payments:
            owed[payment.channel] += payment.days - payment.unused
        for _, channel, _ in self.customers:
            if owed[channel] > moved[channel] and till[channel] <= state["now"]:
                when = next((name for name, (since, end) in self.times() if since <= day < end), "else")
                self.dark_h[when] += 24 // STEPS_A_DAY
        return till, state["now"]

    @staticmethod
    def times():
        step = 1 / STEPS_A_DAY
        return [("nothing ran", (AWAY[0], AWAY[1] + step)), ("no balance", (EMPTY[0], EMPTY[1] + step))]

    def leftovers(self, day, till, now):
        for place, (name, channel, life) in enumerate(self.customers):
            if life.leaves == day and place_in_group(place) < self.shared:
                self.left_on[name] += max(0, till[channel] - now) / DAY_MS

    def play(self):
        world = self.world
        world.run()
        world.command("ledger", "adopt", "--since", "1970-01-02")
        world.asked("balance", "set", str(BALANCE))
        for step in range(DAYS * STEPS_A_DAY):
            day = step / STEPS_A_DAY
            world.set_day(day)
            self.accidents(day)
            if step % STEPS_A_DAY == 0:
                self.morning(day)
            if "run" not in world.processes:
                continue
            for name, body in self.waiting:
                self.post(name, body)
            self.waiting.clear()
            self.at_rest(day)
            till, now = self.look(day)
            if step % STEPS_A_DAY == 0:
                self.leftovers(day, till, now)

    def accidents(self, day):
        world = self.world
        if day == AWAY[0]:
            world.end("run", kill=True)
        elif day == AWAY[1]:
            world.run()
        elif day in EMPTY:
            days = 0 if day == EMPTY[0] else BALANCE
            world.sim("balance", {"days": days})
            world.asked("balance", "set", str(days))

    def judge(self):
        applied = self.world.applied()
        wrong = [f"{key} stands twice" for key, days in applied.items() if len(days) > 1]
        moved = collections.Counter()
        for key, days in applied.items():
            moved[key.split("#")[0]] += sum(days)
        ledger = {row["key"]: row for row in self.world.asked("payments", "list", "--limit", "100000")}
        for name, payment in self.payments:
            key = f"{name}/{payment.id}"
            row, due = ledger.get(key), payment.days - payment.unused
            books = moved[key]
            if row is None:
                wrong.append(f"{key} is not in the ledger")
                continue
            if row["moved"] != books:
                wrong.append(f"{key}: the ledger says {row['moved']} days moved, the books {books}")
            if books + row["owed"] != max(books, due):
                wrong.append(f"{key}: {due} of {payment.days} days are due, {books} moved, {row['owed']} owed")
            most = due + LEAD_DAYS + 2 * SLICES[name] if SLICES[name] else payment.days
            if books > most:
                wrong.append(f"{key}: {books} days moved, {due} were due")
        balance, truth = self.world.asked("balance", "show"), self.world.sim("state")["balance"]
        if (balance["low"], balance["high"]) != (truth, truth):
            wrong.append(f"the balance is {truth}, and said to be {balance['low']} to {balance['high']}")
        if self.dark_h["else"]:
            wrong.append(f"channels were dark for {self.dark_h['else']} h while days were owed")
        self.tell_all(applied, wrong)
        return 1 if wrong else 0

    def tell_all(self, applied, wrong):
        sold = collections.Counter()
        calls = collections.Counter(key.split("/")[0] for key in applied)
        channels = {channel: place_in_group(place) for place, (_, channel, _) in enumerate(self.customers)}
        for name, payment in self.payments:
            if channels[payment.channel] < self.shared:
                sold[name] += payment.days
        print(f"seed {self.given.seed}: {DAYS} days, {len(self.customers)} channels, {len(self.payments)} payments,", end=" ")
        print(f"{sum(payment.days for _, payment in self.payments)} days bought, {len(applied)} transfers")
        print("dark while days were owed, in channel hours:", dict(self.dark_h) or "none")
        print("wrong:", wrong or "nothing")
        print(f"\n| days move | days sold to {self.shared} customers | left on the channels of those who left | calls |")
        print("|---|---|---|---|")
        for name, days in SLICES.items():
            how = f"{days} at a time" if days else "all at once"
            share = 100 * self.left_on[name] / sold[name]
            all_calls = calls[name] if CUSTOMERS[name] == self.shared else f"{calls[name]} (50 customers)"
            print(f"| {how} | {sold[name]} | {self.left_on[name]:.0f} days, {share:.1f} % | {all_calls} |")


def place_in_group(place):
    for many in CUSTOMERS.values():
        if place < many:
            return place
        place -= many
    return place
