"""Reads the header comment of a .sql file: what a row is, key, checks, column comments and materialisation.

    -- One row per stay of a lead in a stage.
    -- key: lead_no, span_no
    -- not null: stage_no
    -- accepted exit_kind: advanced, open
    -- check: exited_at >= entered_at
    -- column exit_kind: how the lead left
    -- unit: stays
    -- basis: all history
    -- denominator: stays that ended
    -- as: view
    -- stored: grain in ('month', 'all')
    -- partition: lead_no, count(*) of journey.spans_facts, 500 bytes each

A line `name: value` with a known name is a fact; every other line is prose. Facts become checks, comments in the database
and lines of the catalogue. A misspelled name is an error: as prose, its check would never run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pipeline.errors import ModelError

Materialised = Literal["table", "view"]
Severity = Literal["fail", "warn"]


@dataclass(frozen=True)
class PartitionRule:
    """How a model can be built in partitions: by ranges of the integer column `key` of `table` ("schema.name").

    `rows` is an aggregate that counts the input rows of a range. Each of these rows needs `bytes_each` of memory that
    can't spill to disk.
    """

    key: str
    rows: str
    table: str
    bytes_each: int


@dataclass(frozen=True)
class HowCounted:
    """How the numbers of a table are counted, for its comment and the footnotes of pages.

    `headline units` stands for cycles, leads or accounts, which the configuration chooses.
    """

    unit: str
    basis: str
    denominator: str

    @property
    def comment(self) -> str:
        """Return the three facts as sentences."""
        return f"Unit: {self.unit}. Basis: {self.basis}. Denominator: {self.denominator}."


@dataclass(frozen=True)
class Header:
    """The header of a model. Rows that meet the condition `stored_where` are stored, other rows are computed on read."""

    row_is: str
    prose: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    not_null: tuple[str, ...] = ()
    accepted: tuple[tuple[str, tuple[str, ...]], ...] = ()
    checks: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    materialised: Materialised = "table"
    stored_where: str | None = None
    partition_rules: tuple[PartitionRule, ...] = ()
    how_counted: HowCounted | None = None

    @property
    def comment(self) -> str:
        """Return the comment of the table: what a row is, then the prose, and how its numbers are counted."""
        stored = (
            [f"Rows with {self.stored_where} are stored; other rows are computed on read."] if self.stored_where else []
        )
        counted = [self.how_counted.comment] if self.how_counted else []
        return " ".join([self.row_is, *self.prose, *stored, *counted])


@dataclass(frozen=True)
class CheckHeader:
    """The header of a *.check.sql file. `show` lists columns (ids only) whose values the error message may contain."""

    claim: str
    severity: Severity = "fail"
    show: tuple[str, ...] = ()


_MODEL_FACTS = ("key", "unique", "not null", "check", "as", "stored", "partition", "unit", "basis", "denominator")
_MODEL_FACT = re.compile("|".join((*_MODEL_FACTS, "accepted [a-z_0-9]+", "column [a-z_0-9]+")))
_CHECK_FACT = re.compile(r"severity|show")
_FACT_NAMES = (*_MODEL_FACTS, "accepted", "column", "severity", "show")
_PARTITION_RULE = re.compile(r"(\w+), (.+) of (\w+\.\w+), (\d+) bytes each")
_LABEL = re.compile(r"[a-z_0-9]+( [a-z_0-9]+)?")
_ONCE = frozenset({"key", "as", "stored", "unit", "basis", "denominator", "severity", "show"})


def read_header(text: str, path: Path) -> Header:
    """Return the header of a model. Raises ModelError if line 1 does not say what a row is, or a fact is wrong."""
    lines = _comment_lines(text)
    if not lines or not lines[0].startswith("One row"):
        raise ModelError(
            "line 1 must say what a row is", where=str(path), next_step="start the file with `-- One row per …`"
        )
    facts, prose = _split(lines[1:], _MODEL_FACT, path)
    materialised = next((value for name, value in facts if name == "as"), "table")
    if materialised not in ("table", "view"):
        raise ModelError("`as:` must be table or view", where=str(path), next_step="correct the header")
    return Header(
        row_is=lines[0],
        prose=tuple(prose),
        key=next((_words(value) for name, value in facts if name == "key"), ()),
        unique=tuple(_words(value) for name, value in facts if name == "unique"),
        not_null=tuple(word for name, value in facts if name == "not null" for word in _words(value)),
        accepted=tuple(
            (name.removeprefix("accepted "), _words(value)) for name, value in facts if name.startswith("accepted ")
        ),
        checks=tuple(value for name, value in facts if name == "check"),
        columns=tuple((name.removeprefix("column "), value) for name, value in facts if name.startswith("column ")),
        materialised="view" if materialised == "view" else "table",
        stored_where=next((value for name, value in facts if name == "stored"), None),
        partition_rules=tuple(_partition_rule(value, path) for name, value in facts if name == "partition"),
        how_counted=_how_counted(dict(facts), path),
    )


def read_check_header(text: str, path: Path) -> CheckHeader:
    """Return the header of a *.check.sql file. Raises ModelError without a claim."""
    lines = _comment_lines(text)
    if not lines:
        raise ModelError("line 1 must state the claim", where=str(path), next_step="start the file with `-- claim`")
    facts, prose = _split(lines, _CHECK_FACT, path)
    if not prose:
        raise ModelError("line 1 must state the claim", where=str(path), next_step="start the file with `-- claim`")
    severity = next((value for name, value in facts if name == "severity"), "fail")
    if severity not in ("fail", "warn"):
        raise ModelError("`severity:` must be fail or warn", where=str(path), next_step="correct the header")
    return CheckHeader(
        claim=" ".join(prose),
        severity="warn" if severity == "warn" else "fail",
        show=next((_words(value) for name, value in facts if name == "show"), ()),
    )


def _how_counted(facts: dict[str, str], path: Path) -> HowCounted | None:
    if "unit" not in facts and "basis" not in facts:
        return None
    if "unit" not in facts or "basis" not in facts:
        raise ModelError("`unit:` and `basis:` belong together", where=str(path), next_step="write both")
    return HowCounted(facts["unit"], facts["basis"], facts.get("denominator", "none: these are counts"))


def _partition_rule(value: str, path: Path) -> PartitionRule:
    found = _PARTITION_RULE.fullmatch(value)
    if found is None:
        raise ModelError(
            "`partition:` can't be read",
            where=str(path),
            next_step="write it as `-- partition: lead_no, count(*) of journey.spans_facts, 500 bytes each`",
        )
    return PartitionRule(found[1], found[2], found[3], int(found[4]))


def _comment_lines(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return lines


def _split(lines: list[str], known: re.Pattern[str], path: Path) -> tuple[list[tuple[str, str]], list[str]]:
    facts: list[tuple[str, str]] = []
    prose = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and known.fullmatch(name):
            if not value.strip():
                raise ModelError(f"`{name}:` has no value", where=str(path), next_step="complete the line")
            if name in _ONCE and name in dict(facts):
                raise ModelError(f"`{name}:` is there twice", where=str(path), next_step="keep one of the two")
            facts.append((name, value.strip()))
        elif colon and _looks_like_a_fact(name):
            raise ModelError(
                f"`{name}:` is not a known fact for this kind of file",
                where=str(path),
                next_step="correct the name, or write the sentence without the colon",
            )
        elif line:
            prose.append(line)
    return facts, prose


def _looks_like_a_fact(name: str) -> bool:
    if not _LABEL.fullmatch(name):
        return False
    return any(get_close_matches(each, _FACT_NAMES, n=1, cutoff=0.75) for each in (name, name.split(" ")[0]))


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())
