"""A generated company with a delivery per day: new and late moves, corrections, merges, deletions, changed accounts."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

FIRST = datetime(2026, 1, 1)
OPENING = datetime(2026, 3, 1)
"""The first delivery has the history up to this day; one delivery per day follows."""

CONFIGURATION = """
[funnel]
name = "Night after night"
timezone = "America/New_York"
dimensions = ["origin", "segment", "owner", "qualified_by"]
windows = [7, 30]
entry_at_creation = true

[[stages]]
key = "mql"
definition = "Stage mql."
kind = "path"
team = "marketing"
qualifies = true
sla = { within = "2 days", clock = "calendar" }

[[stages]]
key = "sal"
definition = "Stage sal."
kind = "path"
team = "sdr"
sla = { within = "8 hours", clock = "business" }

[[stages]]
key = "sql"
definition = "Stage sql."
kind = "path"
team = "sales"

[[stages]]
key = "won"
definition = "Stage won."
kind = "path"
team = "sales"

[[stages]]
key = "waiting"
definition = "Stage waiting."
kind = "hold"

[[stages]]
key = "nurture"
definition = "Stage nurture."
kind = "detour"

[[stages]]
key = "lost"
definition = "Stage lost."
kind = "exit"

[checks]
max_rejected = 1.0

[calendar]
country = "US"
hours = "09:00-17:00"

[[scope]]
name = "tests"
table = "leads"
where = { column = "origin", equals = "test" }
reason = "not a lead"

[[scope]]
name = "rivals"
table = "accounts"
where = { column = "segment", equals = "rival" }
reason = "a competitor"
"""
STAGES = ("mql", "sal", "sql", "won", "waiting", "nurture", "lost", "no such stage")
TABLES = {
    "entries": ("stage_entries", ("lead_id", "stage", "entered_at", "owner")),
    "leads": ("leads", ("lead_id", "account_id", "origin", "created_at", "created_stage", "email")),
    "accounts": ("accounts", ("account_id", "domain", "segment")),
    "merges": ("merges", ("from_lead_id", "into_lead_id", "merged_at")),
    "deletions": ("deletions", ("lead_id", "deleted_at")),
}


class Company:
    """Writes a funnel.toml and deliveries into a folder. The same seed gives the same files."""

    def __init__(self, folder: Path, seed: int, leads: int = 700) -> None:
        self.folder = folder
        self._random = random.Random(seed)
        self._leads = leads
        self._accounts = leads // 4
        self._merged = 1
        folder.mkdir(parents=True, exist_ok=True)
        inputs = "".join(
            f'\n[[inputs]]\nname = "{name}"\ntable = "{table}"\npath = "{name}-*.csv"\n'
            for name, (table, _) in TABLES.items()
        )
        (folder / "funnel.toml").write_text(CONFIGURATION + inputs, "utf-8")

    @property
    def toml(self) -> Path:
        """The path of the configuration."""
        return self.folder / "funnel.toml"

    def open(self) -> None:
        """Write the first delivery: the history of all leads, except a few that have none."""
        leads = range(self._leads)
        moves = [row for lead in leads if lead % 9 for row in self._moves(lead, FIRST, self._random.randint(1, 6))]
        self._write("entries", 0, moves)
        self._write("leads", 0, [self._lead(lead) for lead in leads])
        self._write("accounts", 0, [self._account(account) for account in range(self._accounts)])
        self._write("merges", 0, [self._merge(OPENING) for _ in range(4)])
        self._write("deletions", 0, [self._deletion(OPENING) for _ in range(4)])

    def deliver(self, day: int) -> None:
        """Write the delivery of a day: a few rows of every table, some late and some dated ahead."""
        today = OPENING + timedelta(days=day)
        known = [self._random.randrange(self._leads) for _ in range(4)]
        new = [self._leads + each for each in range(2)]
        self._leads += 2
        moves = [row for lead in known for row in self._moves(lead, today - timedelta(hours=20), 1)]
        moves += [row for lead in new for row in self._moves(lead, today - timedelta(hours=9), 2)]
        moves += self._moves(self._random.randrange(self._leads), FIRST + timedelta(days=10), 2)
        moves += self._moves(self._random.randrange(self._leads), today + timedelta(days=1), 1)
        moves += moves[:1]
        self._write("entries", day, moves)
        self._write("leads", day, [self._lead(lead) for lead in (*new, *known[:2])])
        self._write("accounts", day, [self._account(self._random.randrange(self._accounts)) for _ in range(2)])
        # An earlier merge now names another lead: both the old and the new survivor change.
        repeated_merge = (
            f"L{self._merged:04}",
            f"L{self._random.randrange(self._merged):04}",
            today - timedelta(days=1),
        )
        self._write("merges", day, [self._merge(today + timedelta(days=self._random.randint(-3, 1))), repeated_merge])
        self._write("deletions", day, [self._deletion(today + timedelta(days=self._random.randint(-2, 1)))])

    def move_every_lead(self, day: int) -> None:
        """Write a delivery in which every lead moves."""
        today = OPENING + timedelta(days=day, hours=-3)
        self._write("entries", day, [row for lead in range(self._leads) for row in self._moves(lead, today, 1)])

    def _moves(self, lead: int, start: datetime, count: int) -> list[Sequence[object]]:
        rows: list[Sequence[object]] = []
        at = start
        for _ in range(count):
            at += timedelta(seconds=self._random.choice((0, 0, 3600, 50_000, 86_400, 700_000)))
            rows.append((f"L{lead:04}", self._random.choice(STAGES), at, self._random.choice(("Ann", "Bob", ""))))
        return rows

    def _lead(self, lead: int) -> Sequence[object]:
        pick = self._random.choice
        account = pick(("", f"A{self._random.randrange(self._accounts):03}", f"A{lead % self._accounts:03}"))
        email = pick(("", f"x@mail.company{self._random.randrange(self._accounts)}.com", "y@gmail.com"))
        created = OPENING + timedelta(days=self._random.randint(-40, 3))
        origin = pick(("marketing", "sales", "partner", "test"))
        return f"L{lead:04}", account, origin, created, pick(("mql", "sal", "")), email

    def _account(self, account: int) -> Sequence[object]:
        domain = self._random.choice((f"company{account}.com", f"company{account // 2}.com", ""))
        return f"A{account:03}", domain, self._random.choice(("smb", "enterprise", "rival", ""))

    def _merge(self, at: datetime) -> Sequence[object]:
        # A merge into the lead with the lower number can't form a loop.
        into, gone = sorted(self._random.sample(range(self._leads), 2))
        self._merged = gone
        return f"L{gone:04}", f"L{into:04}", at

    def _deletion(self, at: datetime) -> Sequence[object]:
        return f"L{self._random.randrange(self._leads):04}", at

    def _write(self, name: str, day: int, rows: Iterable[Sequence[object]]) -> None:
        with (self.folder / f"{name}-{day:03}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(TABLES[name][1])
            writer.writerows(dict.fromkeys(map(tuple, rows)) if name != "entries" else rows)
