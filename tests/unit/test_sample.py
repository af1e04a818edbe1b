"""data/sample has the bytes of its script, and the counts and facts of its README."""

import csv
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from zoneinfo import ZoneInfo

import pytest

from pipeline.config import presets

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
NEW_YORK = ZoneInfo("America/New_York")
AS_OF = datetime(2025, 12, 31, 23, 59, 59, tzinfo=NEW_YORK)
PATH = ("mcl", "mel", "mql", "sal", "sql", "won")
CSVS = ("accounts.csv", "deletions.csv", "leads.csv", "merges.csv", "stage_entries.csv")
FIRST = ("first_export/leads.csv", "first_export/stage_entries.csv")
MONTHS_BEFORE_TREND = [f"2024-{month:02}" for month in range(7, 13)] + ["2025-01", "2025-02"]


@cache
def rows_of(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def stage_of_word() -> dict[str, str]:
    """Every normalised alias of the configuration with its stage; an alias of two stages is an error."""
    stages: dict[str, str] = {}
    for stage in tomllib.loads((SAMPLE / "funnel.toml").read_text(encoding="utf-8"))["stages"]:
        for word in {
            normal(word)
            for word in (stage["key"], stage["label"], stage.get("name", stage["label"]), *stage["aliases"])
        }:
            assert word not in stages, f"{word} names two stages"
            stages[word] = stage["key"]
    return stages


def normal(word: str) -> str:
    return re.sub(r"\s+", " ", word).strip().lower()


def moment(text: str) -> datetime | None:
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if at.year >= 2000 else None


@cache
def history() -> tuple[dict[str, list[tuple[datetime, str, str]]], Counter[str]]:
    """The survivor's entries (time, stage, owner) after E1 to E7, and the number of rows by disposition."""
    survivor = {row["from_lead_id"]: row["into_lead_id"] for row in rows_of("merges.csv")}
    went: Counter[str] = Counter()
    delivered = defaultdict(list)
    for number, row in enumerate(rows_of("stage_entries.csv")):
        at, stage = moment(row["entered_at"]), stage_of_word().get(normal(row["stage"]))
        if not row["lead_id"] or at is None or stage is None:
            went["rejected"] += 1
        elif at > AS_OF:
            went["after_as_of"] += 1
        else:
            lead_id = row["lead_id"]
            while lead_id in survivor:
                lead_id = survivor[lead_id]
            order = PATH.index(stage) if stage in PATH else len(PATH)
            delivered[lead_id].append((at, order, number, stage, row["owner"]))
    lives = {}
    for lead_id, entries in delivered.items():
        kept_entries: list[tuple[datetime, str, str]] = []
        seen_entries = set()
        for at, _, _, stage, owner in sorted(entries):
            if (at, stage) in seen_entries:
                went["duplicates"] += 1
            elif kept_entries and kept_entries[-1][1] == stage:
                went["repeats"] += 1
            else:
                went["kept"] += 1
                kept_entries.append((at, stage, owner))
            seen_entries.add((at, stage))
        lives[lead_id] = kept_entries
    return lives, went


@cache
def qualified_cycles() -> list[tuple[str, str, set[str]]]:
    """(lead_source, month of MQL in New York, stages arrived at) of every cycle that arrived at MQL."""
    source = {row["lead_id"]: row["lead_source"] for row in rows_of("leads.csv")}
    cycles = []
    for lead_id, entries in history()[0].items():
        arrivals: list[dict[str, datetime]] = []
        last, has_left = "", True
        for at, stage, _ in entries:
            if stage in PATH:
                if has_left or PATH.index(stage) < PATH.index(last):
                    arrivals.append({})
                arrivals[-1].setdefault(stage, at)
                last, has_left = stage, False
            elif stage != "on_hold":
                has_left = True
        for arrived in arrivals:
            if "mql" in arrived:
                month = arrived["mql"].astimezone(NEW_YORK).strftime("%Y-%m")
                cycles.append((source[lead_id], month, set(arrived)))
    return cycles


def rate(stage: str, cycles: list[tuple[str, str, set[str]]]) -> float:
    return sum(stage in arrived for _, _, arrived in cycles) / len(cycles)


def stays(stage: str) -> list[float]:
    """The days of the completed spans in a stage."""
    return [
        (following[0] - entry[0]) / timedelta(days=1)
        for entries in history()[0].values()
        for entry, following in pairwise(entries)
        if entry[1] == stage
    ]


def moves() -> Counter[tuple[str, str]]:
    return Counter(
        (entry[1], following[1]) for entries in history()[0].values() for entry, following in pairwise(entries)
    )


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_script_reproduces_the_committed_bytes(tmp_path: Path, hash_seed: str) -> None:
    """The script, run into an empty folder, writes exactly the CSV files of data/sample."""
    script = [sys.executable, "-B", str(SAMPLE / "make_sample.py"), str(tmp_path)]
    subprocess.run(script, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    written = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.csv")}
    assert {name: (SAMPLE / name).read_bytes() for name in (*CSVS, *FIRST)} == written


def test_the_counts_equal_the_readme() -> None:
    """Leads, accounts, merges, deletions and stage entries have the counts of README.md, and the files are small."""
    counts = {name: len(rows_of(name)) for name in CSVS}
    assert counts == {
        "accounts.csv": 700,
        "deletions.csv": 15,
        "leads.csv": 4000,
        "merges.csv": 25,
        "stage_entries.csv": 18074,
    }
    assert sum((SAMPLE / name).stat().st_size for name in CSVS) < 2_500_000


def test_the_first_export_is_small_and_valid() -> None:
    """Every row has a lead of the file, a readable time and a label of the preset; each lead has a history."""
    leads, entries = (rows_of(name) for name in FIRST)
    labels = {stage.get("label") for stage in presets.load("mcl-mel-mql-sal-sql").stages}
    assert (396, 1703) == (len(leads), len(entries))
    assert {row["lead_id"] for row in leads} == {row["lead_id"] for row in entries}
    assert labels == {row["stage"] for row in entries}
    assert all(moment(row["entered_at"]) for row in entries)
    assert len(entries) == len({tuple(row.values()) for row in entries})


def test_every_row_of_history_is_accounted_for() -> None:
    """The counts of dispositions equal README.md and add up to the rows of the file."""
    expected = {"rejected": 12, "after_as_of": 5, "duplicates": 40, "repeats": 72, "kept": 17945}
    went = history()[1]
    assert expected == dict(went)
    assert len(rows_of("stage_entries.csv")) == went.total()


def test_the_bad_rows_are_there() -> None:
    """There are six unknown stages, five bad times, a row without a lead, and stages in other case or spaces."""
    rows = rows_of("stage_entries.csv")
    words = [row["stage"] for row in rows]
    odd = [word for word in words if word != re.sub(r"\s+", " ", word).strip() or word in (word.upper(), word.lower())]
    assert sum(normal(word) not in stage_of_word() for word in words) == 6
    assert sum(moment(row["entered_at"]) is None for row in rows) == 5
    assert sum(not row["lead_id"] for row in rows) == 1
    assert any("\u00a0" in word for word in odd)
    assert any(word != word.strip() for word in odd)


def test_one_account_in_eight_has_a_comma_in_its_name() -> None:
    """Quoted names with commas must be read."""
    assert sum(", Inc." in row["name"] for row in rows_of("accounts.csv")) == 88


def test_lead_ids_differ_in_case_alone() -> None:
    """Salesforce ids are case-sensitive: without case there would be fewer leads."""
    ids = [row["lead_id"] for row in rows_of("leads.csv")]
    assert {15} == {len(lead_id) for lead_id in ids}
    assert len(ids) == len(set(ids)) > len({lead_id.lower() for lead_id in ids})


def test_merges_form_a_chain_and_no_loop() -> None:
    """A survivor was merged itself; all merges are before as-of, and every chain ends."""
    assert [row for row in rows_of("merges.csv") if (moment(row["merged_at"]) or AS_OF) >= AS_OF] == []
    into = {row["from_lead_id"]: row["into_lead_id"] for row in rows_of("merges.csv")}
    assert sum(lead_id in into for lead_id in into.values()) == 1
    for lead_id in into:
        seen_leads = {lead_id}
        while lead_id in into:
            lead_id = into[lead_id]
            assert lead_id not in seen_leads
            seen_leads.add(lead_id)


def test_deleted_leads_have_a_history() -> None:
    """Every deletion comes after the lead's last entry and before as-of."""
    for row in rows_of("deletions.csv"):
        deleted_at = moment(row["deleted_at"])
        assert deleted_at is not None
        assert history()[0][row["lead_id"]][-1][0] < deleted_at < AS_OF


def test_every_account_has_one_to_twenty_leads() -> None:
    """By account or e-mail domain; 38 leads have only the domain, and about one in six has neither."""
    account_of = {row["domain"]: row["account_id"] for row in rows_of("accounts.csv")}
    leads = rows_of("leads.csv")
    by_domain = [account_of.get(row["email"].split("@")[1], "") for row in leads]
    sizes = Counter(account for account in by_domain if account)
    assert len(sizes) == 700
    assert min(sizes.values()) == 1
    assert max(sizes.values()) <= 20
    assert sum(1 for row, found in zip(leads, by_domain, strict=True) if found and not row["account_id"]) == 38
    assert 0.12 < by_domain.count("") / len(leads) < 0.18


def test_fewer_leads_per_account_get_further() -> None:
    """Leads per account are around 4 at MCL and MQL and clearly fewer at SQL."""
    account_of = {row["lead_id"]: row["account_id"] for row in rows_of("leads.csv")}
    ratio = {}
    for mark in ("mcl", "mql", "sql"):
        reached = [lead for lead, entries in history()[0].items() if mark in {stage for _, stage, _ in entries}]
        accounts = [account_of[lead] for lead in reached if account_of[lead]]
        ratio[mark] = len(accounts) / len(set(accounts))
    assert 3.5 < ratio["mql"] < ratio["mcl"] < 4.5
    assert 1.5 < ratio["sql"] < 2.7


def test_sales_created_leads_start_at_sal() -> None:
    """About one lead in eight begins at SAL, all of them of origin sales; a few sales leads begin at MCL."""
    origin = {row["lead_id"]: row["origin"] for row in rows_of("leads.csv")}
    starts = Counter((origin[lead_id], entries[0][1]) for lead_id, entries in history()[0].items())
    assert {("sales", "sal"), ("sales", "mcl"), ("marketing", "mcl")} == set(starts)
    assert 0.10 < starts["sales", "sal"] / starts.total() < 0.14
    assert starts["sales", "mcl"] > 30


def test_rates_are_realistic() -> None:
    """Over all cycles, MQL to SAL is 60 to 70 % and MQL to SQL 25 to 35 %."""
    assert 0.60 < rate("sal", qualified_cycles()) < 0.70
    assert 0.25 < rate("sql", qualified_cycles()) < 0.35


def test_acceptance_improves_from_march_2025() -> None:
    """MQL to SAL, events aside, is at least 8 points better in autumn 2025 than before March 2025."""
    usual = [cycle for cycle in qualified_cycles() if cycle[0] != "event"]
    before = [cycle for cycle in usual if cycle[1] in MONTHS_BEFORE_TREND]
    autumn = [cycle for cycle in usual if cycle[1] in ("2025-09", "2025-10", "2025-11")]
    assert rate("sal", autumn) - rate("sal", before) > 0.08


def test_the_event_of_may_2025_has_many_leads_with_a_low_acceptance() -> None:
    """The event MQLs of May 2025 are three times those of other months, and half as many are accepted."""
    months = defaultdict(list)
    for cycle in qualified_cycles():
        if cycle[0] == "event":
            months[cycle[1]].append(cycle)
    neighbours = [months[month] for month in ("2025-02", "2025-03", "2025-04", "2025-06", "2025-07", "2025-08")]
    volume = len(months["2025-05"]) / mean(len(cycles) for cycles in neighbours)
    acceptance = rate("sal", months["2025-05"]) / rate("sal", [cycle for cycles in neighbours for cycle in cycles])
    assert 2.2 < volume < 3.5
    assert 0.4 < acceptance < 0.6


def test_leads_of_one_rep_stay_long_in_sal() -> None:
    """Nine in ten leads over the SAL SLA of 5 days are Tom Brannigan's, half of these over a month old."""
    deleted = {row["lead_id"] for row in rows_of("deletions.csv")}
    last = [entries[-1] for lead_id, entries in history()[0].items() if lead_id not in deleted]
    ages = [(owner, (AS_OF - at) / timedelta(days=1)) for at, stage, owner in last if stage == "sal"]
    overdue = [(owner, days) for owner, days in ages if days > 5]
    his = [days for owner, days in overdue if owner == "Tom Brannigan"]
    assert len(his) / len(overdue) > 0.9
    assert median(his) > 30


def test_sal_takes_about_five_days() -> None:
    """The median completed span in SAL is 4 to 6 days, and the MQL SLA of 2 days is often missed."""
    assert 4 < median(stays("sal")) < 6
    assert 0.3 < mean(days > 2 for days in stays("mql")) < 0.5


def test_leads_skip_return_move_back_and_are_on_hold() -> None:
    """The history has skips, recycled leads, moves back, holds and reopened leads."""
    move_counts = moves()
    assert move_counts["mcl", "mql"] > 300
    assert move_counts["mql", "sql"] > 50
    assert move_counts["nurture", "mql"] > 400
    assert move_counts["sal", "mql"] > 50
    assert move_counts["mql", "on_hold"] > 50
    assert move_counts["sal", "on_hold"] > 50
    assert move_counts["lost", "mql"] > 0


def test_a_rep_hands_over_and_leaves() -> None:
    """On 2 September 2025 Priya Raman's open leads get the owner Hana Kobayashi; no later entry has Priya."""
    handed_over = [row for row in rows_of("stage_entries.csv") if row["entered_at"] == "2025-09-02T13:05:00Z"]
    priyas = [at for entries in history()[0].values() for at, stage, owner in entries if owner == "Priya Raman"]
    assert {"Hana Kobayashi"} == {row["owner"] for row in handed_over}
    assert len(handed_over) >= 5
    assert max(priyas) < datetime(2025, 9, 2, 13, 5, tzinfo=UTC)


def test_entries_are_in_office_hours() -> None:
    """Entries from MQL on, except same-second chains, are on weekdays from 8:00 to 18:00 in New York."""
    local = [
        at.astimezone(NEW_YORK)
        for entries in history()[0].values()
        for at, stage, _ in entries
        if stage not in ("mcl", "mel") and at != entries[0][0]
    ]
    assert [at for at in local if at.weekday() > 4 or not 8 <= at.hour < 18] == []


def test_last_cohorts_are_immature() -> None:
    """December's MQLs have far fewer SQLs than autumn's, because they had less time."""
    december = [cycle for cycle in qualified_cycles() if cycle[1] == "2025-12"]
    autumn = [cycle for cycle in qualified_cycles() if cycle[1] in ("2025-09", "2025-10", "2025-11")]
    assert rate("sql", december) < 0.75 * rate("sql", autumn)
