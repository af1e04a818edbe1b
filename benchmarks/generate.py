"""Generate a stage history of any size: `python -m benchmarks.generate --entries 1000000 --seed 7 FOLDER`.

The same arguments produce the same rows. FOLDER gets a `funnel.toml` and Parquet exports in one folder per input. With
`--nights N` it also gets N daily deliveries in `nights/01` and so on: copy one over FOLDER and run with --as-of one day
later. Stage moves are in `lives.py`, leads and accounts in `companies.py`.
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

from benchmarks.companies import OWNERS, Ids, accounts, draw_attributes, draw_corrections
from benchmarks.lives import (
    DAY,
    END,
    STAGES,
    START,
    UNKNOWN_STAGE,
    Codes,
    Integers,
    Moves,
    concatenate,
    draw_creation_times,
    simulate_day,
    simulate_history,
)

GENERATOR = 1
"""Increases when the same arguments produce other rows, so that older files are not reused."""

ENTRIES_PER_LEAD = 4.3

CORE_TOML = "funnel-core.toml"
"""The same waterfall with one dimension and no windows, as the reference implementations compute it."""

_LEADS_PER_CHUNK = 500_000
_NO_LEAD = -1
_MAX_ENTRIES_IN_ONE_FILE = 500_000

_ENTRIES = pa.schema(
    [
        ("lead_id", pa.string()),
        ("stage", pa.dictionary(pa.int8(), pa.string())),
        ("entered_at", pa.timestamp("us")),
        ("owner", pa.dictionary(pa.int8(), pa.string())),
    ]
)


@dataclass(frozen=True)
class HistorySpec:
    """Arguments of a history. `ids` is sequential (as in a CRM) or hashed (without order)."""

    entries: int
    seed: int = 7
    ids: str = "sequential"
    nights: int = 0

    @property
    def leads(self) -> int:
        """Number of leads that have about `entries` entries."""
        return max(1, round(self.entries / ENTRIES_PER_LEAD))

    @property
    def accounts(self) -> int:
        """Number of accounts: one per five leads."""
        return max(1, self.leads // 5)

    def random(self, *purpose: int) -> np.random.Generator:
        """Return a random generator for one purpose. It is the same in every run."""
        return np.random.default_rng([self.seed, *purpose])


@dataclass
class _Writer:
    """Parquet files that open with their first rows, and the row count of each."""

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
        """Close every file."""
        for writer in self._open.values():
            writer.close()
        self._open.clear()


@dataclass(frozen=True)
class _LeadState:
    """Stage and creation second of each lead at the end of the history."""

    stage: Codes
    created: Integers


def generate(spec: HistorySpec, folder: Path) -> dict[str, int]:
    """Write all files into `folder`. Returns the row count of each file by its path."""
    folder.mkdir(parents=True, exist_ok=True)
    toml = (Path(__file__).parent / "funnel.toml").read_text("utf-8")
    (folder / "funnel.toml").write_text(toml, "utf-8")
    (folder / CORE_TOML).write_text(core_configuration(toml), "utf-8")
    writer = _Writer(folder)
    state = _history(spec, writer)
    for day in range(1, spec.nights + 1):
        state = _daily_delivery(spec, writer, day, state)
    writer.close()
    note = {"generator": GENERATOR, **asdict(spec), "rows": writer.rows}
    (folder / "generated.json").write_text(json.dumps(note, indent=1) + "\n", "utf-8")
    return writer.rows


def _history(spec: HistorySpec, writer: _Writer) -> _LeadState:
    stages, creations, late, merges, deletions, corrections = [], [], [], [], [], []
    for number, first in enumerate(range(0, spec.leads, _LEADS_PER_CHUNK)):
        random = spec.random(1, number)
        leads = np.arange(first, min(first + _LEADS_PER_CHUNK, spec.leads))
        created = draw_creation_times(random, leads, spec.leads)
        moves, stage = simulate_history(random, leads, created)
        moves = _add_faults(random, moves.sorted_by_time())
        chosen = random.random(len(moves))
        is_late = chosen < 0.005
        late.append(moves.select(is_late))
        late.append(moves.select((chosen > 0.005) & (chosen < 0.0055)))  # delivered twice
        _write_by_time(spec, writer, random, moves.select(~is_late))
        attributes = draw_attributes(random, leads, created, spec.accounts)
        writer.write(
            f"leads/history-{first // (10 * _LEADS_PER_CHUNK) + 1:02d}.parquet", attributes.table(Ids(spec.ids))
        )
        corrections.append(draw_corrections(random, attributes, 0.01))
        merges.append(_draw_merges(random, leads, created, END, 0.003))
        deletions.append(_draw_deletions(random, moves, 0.002))
        stages.append(stage)
        creations.append(created)
    random = spec.random(2)
    writer.write("stage_entries/later.parquet", _entries(spec, random, _shuffle_moves(random, concatenate(late))))
    writer.write("leads/later.parquet", pa.concat_tables([each.table(Ids(spec.ids)) for each in corrections]))
    for part in accounts(random, np.arange(spec.accounts), Ids(spec.ids)):
        writer.write("accounts/history.parquet", part)
    writer.write("merges/history.parquet", _merge_rows(spec, _shuffle_columns(random, merges)))
    writer.write("deletions/history.parquet", _deletion_rows(spec, _shuffle_columns(random, deletions)))
    return _LeadState(np.concatenate(stages), np.concatenate(creations))


def _daily_delivery(spec: HistorySpec, writer: _Writer, day: int, state: _LeadState) -> _LeadState:
    """Write one day: a thousandth of the history, six leads per ten rows, an eighth of them new."""
    random = spec.random(3, day)
    midnight = END + (day - 1) * DAY
    known, active = len(state.stage), max(8, round(0.6 * spec.entries / 1000))
    new_count = max(1, active // 8)
    # The newest leads move most.
    moving = np.unique((known * random.random(active - new_count) ** 0.3).astype(np.int64))
    new = np.arange(known, known + new_count)
    stage = np.concatenate([state.stage, np.zeros(new_count, dtype=np.int8)])
    created = np.concatenate([state.created, midnight + np.sort(random.integers(0, DAY, new_count))])
    moves, ends = simulate_day(random, moving, stage[moving], midnight)
    stage[moving] = ends
    first = Moves(new, stage[new], created[new])
    moves = _add_faults(random, concatenate([moves, first]).sorted_by_time(), midnight + DAY)
    is_late = (random.random(len(moves)) < 0.03) & (moves.lead != _NO_LEAD)
    earlier = np.maximum(created[moves.lead], moves.at - random.integers(DAY, 200 * DAY, len(moves)))
    moves = Moves(moves.lead, moves.stage, np.where(is_late, np.minimum(moves.at, earlier), moves.at))

    name = f"night-{day:02d}.parquet"
    attributes = draw_attributes(random, new, created[new], spec.accounts)
    new_accounts = spec.accounts + (new[::5] - spec.leads)
    attributes.account[::5] = new_accounts
    changed_accounts = np.unique(random.integers(spec.accounts // 2, spec.accounts, max(1, active // 200)))
    before = draw_attributes(random, moving, created[moving], spec.accounts)
    ids = Ids(spec.ids)
    files = {
        "stage_entries": _entries(spec, random, moves),
        "leads": pa.concat_tables([attributes.table(ids), draw_corrections(random, before, 0.05).table(ids)]),
        "accounts": next(accounts(random, np.concatenate([changed_accounts, new_accounts]), ids)),
        "merges": _merge_rows(
            spec, _draw_merges(random, moving, np.full(len(moving), midnight), midnight + DAY, 0.003)
        ),
        "deletions": _deletion_rows(spec, _draw_deletions(random, moves, 0.002, before=midnight + DAY)),
    }
    for table, rows in files.items():
        writer.write(f"nights/{day:02d}/{table}/{name}", rows)
    return _LeadState(stage, created)


def _add_faults(random: np.random.Generator, moves: Moves, end: int = END) -> Moves:
    """Return the rows with duplicates, unknown stages, missing leads and dates after as-of."""
    chosen = random.random(len(moves))
    moves = moves.select(np.repeat(np.arange(len(moves)), 1 + (chosen < 0.003)))
    chosen = random.random(len(moves))
    ahead = end + random.integers(0, 20 * DAY, len(moves))
    return Moves(
        np.where(chosen < 0.0002, _NO_LEAD, moves.lead),
        np.where((chosen > 0.1) & (chosen < 0.1005), UNKNOWN_STAGE, moves.stage).astype(np.int8),
        np.where((chosen > 0.2) & (chosen < 0.2003), ahead, moves.at),
    )


def _write_by_time(spec: HistorySpec, writer: _Writer, random: np.random.Generator, moves: Moves) -> None:
    """Write one file per quarter, as a CRM exports. A small history is one file."""
    if spec.entries <= _MAX_ENTRIES_IN_ONE_FILE:
        writer.write("stage_entries/history.parquet", _entries(spec, random, moves))
        return
    moves = moves.sorted_by_time()
    borders = [*(datetime(2023 + n // 4, 1 + n % 4 * 3, 1, tzinfo=UTC).timestamp() for n in range(1, 12)), np.inf]
    begin = 0
    for quarter, border in enumerate(borders):
        until = int(np.searchsorted(moves.at, border))
        name = f"stage_entries/history-{2023 + quarter // 4}-q{1 + quarter % 4}.parquet"
        writer.write(name, _entries(spec, random, moves.select(np.arange(begin, until))))
        begin = until


def _entries(spec: HistorySpec, random: np.random.Generator, moves: Moves) -> pa.Table:
    owner = (moves.lead * 7919 % len(OWNERS)).astype(np.int8)
    changed = random.random(len(moves)) < 0.05
    owner[changed] = random.integers(0, len(OWNERS), int(changed.sum()))
    words = [*STAGES, "Partner Review"]
    return pa.table(
        [
            Ids(spec.ids).leads(moves.lead, missing=moves.lead == _NO_LEAD),
            pa.DictionaryArray.from_arrays(pa.array(moves.stage), words),
            timestamps(moves.at),
            pa.DictionaryArray.from_arrays(pa.array(owner, mask=random.random(len(moves)) < 0.02), list(OWNERS)),
        ],
        schema=_ENTRIES,
    )


def timestamps(at: Integers) -> pa.Array:
    """Return seconds since 1970 as timestamps without a time zone."""
    return pa.array(at * 1_000_000).cast(pa.timestamp("us"))


def _draw_merges(
    random: np.random.Generator, leads: Integers, created: Integers, end: int, share: float
) -> list[Integers]:
    """Return (from, into, at). A lead merges into a lead with a smaller number, so there are chains but no loops."""
    chosen = np.flatnonzero(random.random(len(leads)) < share)
    chosen = chosen[leads[chosen] > 60]
    into = leads[chosen] - random.integers(1, 60, len(chosen))
    at = created[chosen] + (random.random(len(chosen)) * (end - created[chosen])).astype(np.int64)
    return [leads[chosen], into, at]


def _draw_deletions(random: np.random.Generator, moves: Moves, share: float, before: int = END) -> list[Integers]:
    """Return (lead, at): four in five after the last move before `before`, the others earlier."""
    known = moves.select((moves.lead != _NO_LEAD) & (moves.at < before))
    lead, place = np.unique(known.lead[::-1], return_index=True)
    last = known.at[::-1][place]
    chosen = random.random(len(lead)) < share
    lead, last = lead[chosen], last[chosen]
    after = last + (random.random(len(lead)) * (before - last)).astype(np.int64)
    at = np.where(
        random.random(len(lead)) < 0.8, after, np.maximum(START, last - random.integers(0, 30 * DAY, len(lead)))
    )
    return [lead, at]


def _merge_rows(spec: HistorySpec, merges: list[Integers]) -> pa.Table:
    ids = Ids(spec.ids)
    columns = [ids.leads(merges[0]), ids.leads(merges[1]), timestamps(merges[2])]
    return pa.table(columns, names=["from_lead_id", "into_lead_id", "merged_at"])


def _deletion_rows(spec: HistorySpec, deletions: list[Integers]) -> pa.Table:
    return pa.table([Ids(spec.ids).leads(deletions[0]), timestamps(deletions[1])], names=["lead_id", "deleted_at"])


def _shuffle_moves(random: np.random.Generator, moves: Moves) -> Moves:
    return moves.select(random.permutation(len(moves)))


def _shuffle_columns(random: np.random.Generator, parts: list[list[Integers]]) -> list[Integers]:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = random.permutation(len(columns[0]))
    return [column[order] for column in columns]


def as_of(day: int) -> str:
    """Return as-of of a daily delivery: the last second of its day. Day 0 is the history."""
    return (datetime.fromtimestamp(END - 1, UTC) + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%S")


def core_configuration(toml: str) -> str:
    """Return the configuration of the core job: one dimension, no windows."""
    lines = {"dimensions": 'dimensions = ["lead_source"]', "windows": "windows = []"}
    return "".join(f"{lines.get(line.split(' = ')[0], line)}\n" for line in toml.splitlines())


def is_generated(spec: HistorySpec, folder: Path) -> bool:
    """Whether `folder` already holds this history."""
    try:
        note = json.loads((folder / "generated.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return {"generator": GENERATOR, **asdict(spec)} == {name: value for name, value in note.items() if name != "rows"}


def main() -> None:
    """Parse the command line and generate."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description="Generate a stage history.")
    parser.add_argument("--entries", type=int, required=True, help="about how many rows of history")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ids", choices=("sequential", "hashed"), default="sequential")
    parser.add_argument("--nights", type=int, default=0, help="number of daily deliveries after the history")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    rows = generate(HistorySpec(arguments.entries, arguments.seed, arguments.ids, arguments.nights), arguments.folder)
    for table in ("stage_entries", "leads", "accounts", "merges", "deletions"):
        print(f"{table}: {sum(count for name, count in rows.items() if name.startswith(f'{table}/'))} rows")


if __name__ == "__main__":
    main()
