"""Some weeks of a few channels, with everything that may break."""

import collections
import random
import sys
import time

from .world import source

STEP_S = 1.0  # of real time a day
AFTER_DAYS_MAX = 400  # to use up what was bought
BALANCE = 1_000_000


def sources(given):
    return source("stripe", given.slice)


class Play:
    def __init__(self, world, given):
        self.world, self.given = world, given
        self.chance = random.Random(given.seed)
        self.channels = [f"CHAN-{n:03}" for n in range(given.channels)]
        self.bought, self.stopped, self.did = {}, set(), collections.Counter()
        self.dark_days = 0

    def pay(self, channel, days):
        payment = f"pi_{len(self.bought) + 1}"
        sent = self.world.command(
            "send", "--source", "stripe", "--payment", payment, "--channel", channel, "--days", str(days)
        )
        if sent.returncode:
            sys.exit(f"tests/allocation: {sent.stderr}")
        self.bought[payment] = days

    def decide(self, command, payment, *more):
        self.world.command("payments", command, payment, "--reason", "played", *more)

    def something(self):
        world, chance = self.world, self.chance
        what = chance.choices(
            ["nothing", "pay", "cut", "broken", "kill", "stop", "go", "slice", "restart"],
            [14, 25, 10, 10, 10, 10, 10, 7, 4],
        )[0]
        self.did[what] += 1
        payment = chance.choice(list(self.bought))
        if what == "pay":
            self.pay(chance.choice(self.channels), chance.choice([1, 5, 12, 30]))
        elif what == "cut":
            world.sim("faults", {"method": "extend", "when": "after", "kind": "reset"})
        elif what == "broken":
            world.sim("faults", {"method": "extend", "when": "before", "kind": {"status": 502}, "times": 2})
        elif what in ("kill", "restart"):
            world.end("run", kill=what == "kill")
            world.run()
        elif what == "stop":
            self.decide("stop", payment)
            self.stopped.add(payment)
        elif what == "go" and self.stopped:
            self.decide("go", self.stopped.pop())
        elif what == "slice":
            self.decide("slice", payment, "--days", str(chance.randint(1, 4)))

    def person(self):
        """Settles what is held, by what the partner did."""
        applied = self.world.applied()
        for held in self.world.asked("held", "list"):
            key = held["key"]
            if held["outcome"] in ("open", "forgotten"):
                word = "--applied" if key in applied else "--not-applied"
                self.world.command("held", "resolve", key, word, "--reason", "played")
            elif held["cause"] not in ("stopped", "ended"):
                self.world.command("held", "retry", key, "--reason", "played")

    def look(self):
        """Channels that have run out although days are owed on them, and nothing of them is held."""
        state = self.world.sim("state")
        till = {channel["id"]: channel["activeTill"] for channel in state["channels"]}
        for row in self.world.asked("payments", "list", "--limit", "10000"):
            if row["state"] in ("planned", "running") and row["owed"] and till.get(row["channel"], 0) < state["now"]:
                self.dark_days += 1

    def begin(self):
        for channel in self.channels:
            days = self.chance.choice([0, 1, 3, 10])
            self.world.sim("channels", {"id": channel, "days": days, "mode": "live"})
        self.world.run()
        self.world.command("ledger", "adopt", "--since", "1970-01-02")
        for channel in self.channels:
            self.pay(channel, self.chance.choice([7, 13, 30, 60]))

    def play(self):
        self.begin()
        for day in range(self.given.days):
            self.world.set_day(day)
            self.something()
            time.sleep(STEP_S)
            if day % 3 == 0:
                self.person()
        for payment in self.stopped:
            self.decide("go", payment)
        for day in range(self.given.days, self.given.days + AFTER_DAYS_MAX):
            self.world.set_day(day)
            time.sleep(STEP_S)
            self.person()
            time.sleep(STEP_S)
            self.look()
            rows = self.world.asked("payments", "list", "--limit", "10000")
            if all(row["state"] == "credited" for row in rows):
                break

    def judge(self):
        applied = self.world.applied()
        twice = {key: days for key, days in applied.items() if len(days) > 1}
        sums = collections.Counter()
        for key, days in applied.items():
            sums[key.split("/")[1].split("#")[0]] += sum(days)
        wrong = {payment: (sums[payment], days) for payment, days in self.bought.items() if sums[payment] != days}
        held = [(held["key"], held["cause"]) for held in self.world.asked("held", "list")]
        print(f"seed {self.given.seed}: {self.world.day} days, {len(self.channels)} channels, slice {self.given.slice}")
        print(f"{len(self.bought)} payments, {sum(self.bought.values())} days bought, {len(applied)} slices")
        print("happened:", ", ".join(f"{what} {many}" for what, many in sorted(self.did.items())))
        print(f"applied twice: {twice or 'none'}; not what was bought: {wrong or 'none'}; held: {held or 'none'}")
        print(f"days that a channel was dark while days were owed, after the faults: {self.dark_days}")
        return 1 if twice or wrong or held else 0
