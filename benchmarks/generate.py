"""Invented stage history of any size: `python -m benchmarks.generate --entries 1000000 --seed 7 FOLDER`.

The same arguments give the same rows. FOLDER gets a `funnel.toml`, Parquet exports in one folder per input, and with
`--nights N` the deliveries of N nights in `nights/01` and so on: copy the content of one over FOLDER, and run with
--as-of a day later. What is invented: `lives.py` (moves), `companies.py` (leads and accounts).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.companies import OWNERS, Ids, accounts, corrected, people
from benchmarks.lives import (
    DAY,
    END,
    STAGES,
    START,
    UNKNOWN_STAGE,
    Moves,
    Small,
    Whole,
    created_at,
    days_work,
    lives,
    together,
)

GENERATOR = 1
"""Goes up when the same arguments give other rows, so that files made before are not taken for these."""

ENTRIES_PER_LEAD = 4.3

CORE_TOML = "funnel-core.toml"
"""The same waterfall with one dimension and no windows: what the yardsticks compute, too."""

_CHUNK = 500_000
_NO_LEAD = -1
_FEW = 500_000

_ENTRIES = pa.schema(
    [
        ("lead_id", pa.string()),
        ("stage", pa.dictionary(pa.int8(), pa.string())),
        ("entered_at", pa.timestamp("us")),
        ("owner", pa.dictionary(pa.int8(), pa.string())),
    ]
)


@dataclass(frozen=True)
class Wanted:
    """What is to be made. `ids` is sequential (as a CRM counts) or hashed (no order at all)."""

    entries: int
    seed: int = 7
    ids: str = "sequential"
    nights: int = 0

    @property
    def leads(self) -> int:
        """How many leads have about so many entries."""
        return max(1, round(self.entries / ENTRIES_PER_LEAD))

    @property
    def accounts(self) -> int:
        """One for five leads, and a few leads have none."""
        return max(1, self.leads // 5)

    def random(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, the same in every run."""
        return np.random.default_rng([self.seed, *purpose])


@dataclass
class _Writer:
    """Parquet files that are opened when their first rows come, and how many rows each got."""

    folder: Path
    rows: dict[str, int] = field(default_factory=dict)
    _open: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows to `name` (input/file.parquet)."""
        if not table.num_rows:
            return
        if name not in self._open:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            words = [each.name for each in table.schema if pa.types.is_dictionary(each.type)]
            self._open[name] = pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=words)
        self._open[name].write_table(table, row_group_size=1_000_000)
        self.rows[name] = self.rows.get(name, 0) + table.num_rows

    def close(self) -> None:
        """Finish every file."""
        for writer in self._open.values():
            writer.close()
        self._open.clear()


@dataclass(frozen=True)
class _Standing:
    """Where each lead is after the history, which the nights go on from: its stage, and the second of its creation."""

    stage: Small
    created: Whole


def generate(wanted: Wanted, folder: Path) -> dict[str, int]:
    """Write everything below `folder`. Returns the rows of each file, by its path there."""
    folder.mkdir(parents=True, exist_ok=True)
    toml = (Path(__file__).parent / "funnel.toml").read_text("utf-8")
    (folder / "funnel.toml").write_text(toml, "utf-8")
    (folder / CORE_TOML).write_text(core(toml), "utf-8")
    writer = _Writer(folder)
    standing = _history(wanted, writer)
    for night in range(1, wanted.nights + 1):
        standing = _night(wanted, writer, night, standing)
    writer.close()
    note = {"generator": GENERATOR, **asdict(wanted), "rows": writer.rows}
    (folder / "generated.json").write_text(json.dumps(note, indent=1) + "\n", "utf-8")
    return writer.rows


def _history(wanted: Wanted, writer: _Writer) -> _Standing:
    stages, creations, late, merges, deletions, corrections = [], [], [], [], [], []
    for number, first in enumerate(range(0, wanted.leads, _CHUNK)):
        random = wanted.random(1, number)
        leads = np.arange(first, min(first + _CHUNK, wanted.leads))
        created = created_at(random, leads, wanted.leads)
        moves, stage = lives(random, leads, created)
        moves = _with_faults(random, moves.in_order())
        chosen = random.random(len(moves))
        is_late = chosen < 0.005
        late.append(moves.of(is_late))
        late.append(moves.of((chosen > 0.005) & (chosen < 0.0055)))  # these are delivered once more
        _write_by_time(wanted, writer, random, moves.of(~is_late))
        they = people(random, leads, created, wanted.accounts)
        writer.write(f"leads/history-{first // (10 * _CHUNK) + 1:02d}.parquet", they.table(Ids(wanted.ids)))
        corrections.append(corrected(random, they, 0.01))
        merges.append(_merged(random, leads, created, END, 0.003))
        deletions.append(_deleted(random, moves, 0.002))
        stages.append(stage)
        creations.append(created)
    random = wanted.random(2)
    writer.write("stage_entries/later.parquet", _entries(wanted, random, _shuffled(random, together(late))))
    writer.write("leads/later.parquet", pa.concat_tables([each.table(Ids(wanted.ids)) for each in corrections]))
    for part in accounts(random, np.arange(wanted.accounts), Ids(wanted.ids)):
        writer.write("accounts/history.parquet", part)
    writer.write("merges/history.parquet", _merge_rows(wanted, _shuffled_rows(random, merges)))
    writer.write("deletions/history.parquet", _deletion_rows(wanted, _shuffled_rows(random, deletions)))
    return _Standing(np.concatenate(stages), np.concatenate(creations))


def _night(wanted: Wanted, writer: _Writer, night: int, standing: _Standing) -> _Standing:
    """A thousandth of the history, on six leads for ten rows: an eighth of them new."""
    random = wanted.random(3, night)
    midnight = END + (night - 1) * DAY
    known, touched = len(standing.stage), max(8, round(0.6 * wanted.entries / 1000))
    new = max(1, touched // 8)
    # The newest leads move most.
    old = np.unique((known * random.random(touched - new) ** 0.3).astype(np.int64))
    fresh = np.arange(known, known + new)
    stage = np.concatenate([standing.stage, np.zeros(new, dtype=np.int8)])
    created = np.concatenate([standing.created, midnight + np.sort(random.integers(0, DAY, new))])
    moves, ends = days_work(random, old, stage[old], midnight)
    stage[old] = ends
    first = Moves(fresh, stage[fresh], created[fresh])
    moves = _with_faults(random, together([moves, first]).in_order(), midnight + DAY)
    is_late = (random.random(len(moves)) < 0.03) & (moves.lead != _NO_LEAD)
    earlier = np.maximum(created[moves.lead], moves.at - random.integers(DAY, 200 * DAY, len(moves)))
    moves = Moves(moves.lead, moves.stage, np.where(is_late, np.minimum(moves.at, earlier), moves.at))

    name = f"night-{night:02d}.parquet"
    they = people(random, fresh, created[fresh], wanted.accounts)
    founded = wanted.accounts + (fresh[::5] - wanted.leads)
    they.account[::5] = founded
    small = np.unique(random.integers(wanted.accounts // 2, wanted.accounts, max(1, touched // 200)))
    before = people(random, old, created[old], wanted.accounts)
    ids = Ids(wanted.ids)
    files = {
        "stage_entries": _entries(wanted, random, moves),
        "leads": pa.concat_tables([they.table(ids), corrected(random, before, 0.05).table(ids)]),
        "accounts": next(accounts(random, np.concatenate([small, founded]), ids)),
        "merges": _merge_rows(wanted, _merged(random, old, np.full(len(old), midnight), midnight + DAY, 0.003)),
        "deletions": _deletion_rows(wanted, _deleted(random, moves, 0.002, of=midnight + DAY)),
    }
    for table, rows in files.items():
        writer.write(f"nights/{night:02d}/{table}/{name}", rows)
    return _Standing(stage, created)


def _with_faults(random: np.random.Generator, moves: Moves, end: int = END) -> Moves:
    """The same rows, some of them twice, some of an unknown stage, without a lead, or dated ahead of as-of."""
    chosen = random.random(len(moves))
    moves = moves.of(np.repeat(np.arange(len(moves)), 1 + (chosen < 0.003)))
    chosen = random.random(len(moves))
    ahead = end + random.integers(0, 20 * DAY, len(moves))
    return Moves(
        np.where(chosen < 0.0002, _NO_LEAD, moves.lead),
        np.where((chosen > 0.1) & (chosen < 0.1005), UNKNOWN_STAGE, moves.stage).astype(np.int8),
        np.where((chosen > 0.2) & (chosen < 0.2003), ahead, moves.at),
    )


def _write_by_time(wanted: Wanted, writer: _Writer, random: np.random.Generator, moves: Moves) -> None:
    """Quarter by quarter, as a CRM exports; a small history is one file."""
    if wanted.entries <= _FEW:
        writer.write("stage_entries/history.parquet", _entries(wanted, random, moves))
        return
    moves = moves.in_order()
    borders = [*(datetime(2023 + n // 4, 1 + n % 4 * 3, 1, tzinfo=UTC).timestamp() for n in range(1, 12)), np.inf]
    begin = 0
    for quarter, border in enumerate(borders):
        until = int(np.searchsorted(moves.at, border))
        name = f"stage_entries/history-{2023 + quarter // 4}-q{1 + quarter % 4}.parquet"
        writer.write(name, _entries(wanted, random, moves.of(np.arange(begin, until))))
        begin = until


def _entries(wanted: Wanted, random: np.random.Generator, moves: Moves) -> pa.Table:
    owner = (moves.lead * 7919 % len(OWNERS)).astype(np.int8)
    changed = random.random(len(moves)) < 0.05
    owner[changed] = random.integers(0, len(OWNERS), int(changed.sum()))
    words = [*STAGES, "Partner Review"]
    return pa.table(
        [
            Ids(wanted.ids).leads(moves.lead, missing=moves.lead == _NO_LEAD),
            pa.DictionaryArray.from_arrays(pa.array(moves.stage), words),
            seconds(moves.at),
            pa.DictionaryArray.from_arrays(pa.array(owner, mask=random.random(len(moves)) < 0.02), list(OWNERS)),
        ],
        schema=_ENTRIES,
    )


def seconds(at: Whole) -> pa.Array:
    """Seconds since 1970 as naive timestamps."""
    return pa.array(at * 1_000_000).cast(pa.timestamp("us"))


def _merged(random: np.random.Generator, leads: Whole, created: Whole, end: int, share: float) -> list[Whole]:
    """(from, into, at): always into a lead of a smaller number, so that there are chains, but no loops."""
    chosen = np.flatnonzero(random.random(len(leads)) < share)
    chosen = chosen[leads[chosen] > 60]
    into = leads[chosen] - random.integers(1, 60, len(chosen))
    at = created[chosen] + (random.random(len(chosen)) * (end - created[chosen])).astype(np.int64)
    return [leads[chosen], into, at]


def _deleted(random: np.random.Generator, moves: Moves, share: float, of: int = END) -> list[Whole]:
    """(lead, at): four in five after their last move before `of`, the others before something that is known of them."""
    known = moves.of((moves.lead != _NO_LEAD) & (moves.at < of))
    lead, place = np.unique(known.lead[::-1], return_index=True)
    last = known.at[::-1][place]
    chosen = random.random(len(lead)) < share
    lead, last = lead[chosen], last[chosen]
    after = last + (random.random(len(lead)) * (of - last)).astype(np.int64)
    at = np.where(
        random.random(len(lead)) < 0.8, after, np.maximum(START, last - random.integers(0, 30 * DAY, len(lead)))
    )
    return [lead, at]


def _merge_rows(wanted: Wanted, merges: list[Whole]) -> pa.Table:
    ids = Ids(wanted.ids)
    columns = [ids.leads(merges[0]), ids.leads(merges[1]), seconds(merges[2])]
    return pa.table(columns, names=["from_lead_id", "into_lead_id", "merged_at"])


def _deletion_rows(wanted: Wanted, deletions: list[Whole]) -> pa.Table:
    return pa.table([Ids(wanted.ids).leads(deletions[0]), seconds(deletions[1])], names=["lead_id", "deleted_at"])


def _shuffled(random: np.random.Generator, moves: Moves) -> Moves:
    return moves.of(random.permutation(len(moves)))


def _shuffled_rows(random: np.random.Generator, parts: list[list[Whole]]) -> list[Whole]:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = random.permutation(len(columns[0]))
    return [column[order] for column in columns]


def as_of(night: int) -> str:
    """As-of of a night: the last second of its day, night 0 being the history."""
    return (datetime.fromtimestamp(END - 1, UTC) + timedelta(days=night)).strftime("%Y-%m-%dT%H:%M:%S")


def core(toml: str) -> str:
    """The configuration of the core job: one dimension, `ever` the only window."""
    lines = {"dimensions": 'dimensions = ["lead_source"]', "windows": "windows = []"}
    return "".join(f"{lines.get(line.split(' = ')[0], line)}\n" for line in toml.splitlines())


def is_there(wanted: Wanted, folder: Path) -> bool:
    """Whether `folder` already holds just this."""
    try:
        note = json.loads((folder / "generated.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return {"generator": GENERATOR, **asdict(wanted)} == {name: value for name, value in note.items() if name != "rows"}


def main() -> None:
    """Read the command line and generate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description="Invent a stage history.")
    parser.add_argument("--entries", type=int, required=True, help="about how many rows of history")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ids", choices=("sequential", "hashed"), default="sequential")
    parser.add_argument("--nights", type=int, default=0, help="deliveries of so many nights beside it")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    rows = generate(Wanted(asked.entries, asked.seed, asked.ids, asked.nights), asked.folder)
    for table in ("stage_entries", "leads", "accounts", "merges", "deletions"):
        print(f"{table}: {sum(count for name, count in rows.items() if name.startswith(f'{table}/'))} rows")


if __name__ == "__main__":
    main()
