"""Would the tests notice? Defects are planted in a copy of the models, and the oracle and a worked case must go red."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import oracle
import pytest

from pipeline.config.load import load_configuration
from pipeline.settings import shipped
from pipeline.waterfall.definition import Waterfall
from tests.cases.markdown_case import HERE, read_case
from tests.cases.test_markdown_cases import heading, outcome
from tests.sql.test_oracle_agrees import differences, rows_of_both

AS_OF = datetime(2026, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Defect:
    """What is planted where, and what must notice: tables on which the oracle differs, a case and its table."""

    name: str
    model: str
    sound: str
    broken: str
    differs: frozenset[str]
    case: str
    red: str


DEFECTS = (
    Defect(
        "a window without its last moment",
        "journey/unit_outcomes.sql",
        "(merged.us_to_convert + 86399999999)",
        "(merged.us_to_convert + 86400000000)",
        frozenset({"marts.conversion"}),
        "window_to_the_second.md",
        "marts.conversion",
    ),
    Defect(
        "moves of one second from the top of the path down",
        "clean/entry_rows.sql",
        "coalesce(ranked.path_order, 0) * 65536",
        "coalesce(-ranked.path_order, 0) * 65536",
        frozenset({"journey.stage_spans", "journey.cycles", "marts.conversion", "marts.stage_flow"}),
        "same_second.md",
        "journey.stage_spans",
    ),
    Defect(
        "cohorts by the day on which the stay ended",
        "journey/arrivals_facts.sql",
        "spans.entered_date as arrived_date",
        "coalesce(spans.exited_date, spans.entered_date) as arrived_date",
        frozenset({"marts.conversion", "marts.stage_arrivals", "marts.lead_to_account"}),
        "cohort_by_arrival.md",
        "marts.conversion",
    ),
    Defect(
        "rows later than as-of counted",
        "clean/entry_rows.sql",
        "when codes.entered_at > run.as_of then 'after_as_of'",
        "when false then 'after_as_of'",
        frozenset({"quality.row_accounting", "journey.stage_spans", "marts.conversion"}),
        "after_as_of.md",
        "quality.row_accounting",
    ),
    Defect(
        "a group entered again with each of its members",
        "journey/arrivals_facts.sql",
        "partition by spans.lead_no, spans.cycle_no, members.milestone_no order",
        "partition by spans.lead_no, spans.cycle_no, members.milestone_no, spans.stage_no order",
        frozenset({"journey.arrivals", "marts.stage_arrivals"}),
        "group_is_entered_once.md",
        "journey.arrivals",
    ),
    Defect(
        "people who came later counted as known on arrival",
        "marts/account_arrivals.sql",
        "known.known_at <= firsts.arrived_at",
        "known.known_at is not null",
        frozenset({"marts.account_arrivals"}),
        "depth_at_entry.md",
        "marts.account_arrivals",
    ),
    Defect(
        "cohorts final by what became of their units",
        "marts/conversion.sql",
        "    coalesce(counted.age_days >= coalesce(windows.window_days, settle_days.settle_days), false) as is_mature,",
        "    counted.still_open = 0 as is_mature,",
        frozenset({"marts.conversion"}),
        "final_by_age.md",
        "marts.conversion",
    ),
    Defect(
        "a headline rate that ignores its window",
        "marts/headline_conversion.sql",
        "counts.convert_window, counts.pass_window, counts.is_closed, counts.ended_windows, limits.window_no",
        "if(counts.convert_window > 0, 1, null), counts.pass_window, counts.is_closed, counts.ended_windows, limits.window_no",
        frozenset({"marts.headline_conversion"}),
        "headline_within_its_window.md",
        "marts.headline_conversion",
    ),
)
every_defect = pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])


@pytest.fixture
def planted(defect: Defect, tmp_path: Path) -> Path:
    """A copy of the shipped models with the defect in it."""
    folder = tmp_path / "sql"
    shutil.copytree(shipped("sql"), folder)
    schema, name = defect.model.split("/")
    (model,) = (folder / schema).rglob(name)
    text = model.read_text(encoding="utf-8")
    assert 1 == text.count(defect.sound), f"{defect.model} has changed: plant the defect again"
    model.write_text(text.replace(defect.sound, defect.broken), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def waterfall(tmp_path_factory: pytest.TempPathFactory) -> Waterfall:
    """The waterfall of 2012, with groups and parallel stages, and a window of ten days, headlines of three."""
    path = tmp_path_factory.mktemp("2012") / "funnel.toml"
    path.write_text(
        '[funnel]\npreset = "siriusdecisions-2012"\nwindows = [10]\n'
        'headline_windows = { "marketing_qualified>sales_accepted" = 3, "marketing_qualified>sales_qualified" = 3 }\n'
        'settle_days = { "marketing_qualified>sales_accepted" = 30 }\n'
        '[[inputs]]\nname = "crm"\ntable = "stage_entries"\npath = "x.csv"\n',
        encoding="utf-8",
    )
    return replace(load_configuration(path).waterfall, as_of=AS_OF)


@pytest.fixture(scope="module")
def history(waterfall: Waterfall) -> oracle.History:
    """Walks up the path with ties, stays of exactly ten days, ends of months and rows later than as-of."""
    random = Random(2012)
    path = sorted((stage for stage in waterfall.stages if stage.rank is not None), key=lambda stage: stage.rank or 0)
    entries = []
    leads: dict[str, dict[str, str | None]] = {}
    for number in range(20):
        lead_id = f"L{number:02}"
        leads[lead_id] = {"account_id": f"A{number % 7}"}
        moment = AS_OF - timedelta(days=random.randint(15, 40))
        position = random.randrange(3)
        for _ in range(6):
            entries.append(oracle.Entry("crm", 1, len(entries) + 1, lead_id, path[position].key, moment))
            position = min(len(path) - 1, position + random.choice((1, 1, 2)))
            moment += timedelta(days=random.choice((0, 1, 5, 10)))
    random.shuffle(entries)
    numbered = tuple(replace(entry, row_number=number) for number, entry in enumerate(entries, start=1))
    return oracle.History(as_of=AS_OF, entries=numbered, inputs=("crm",), leads=leads)


def test_without_a_defect_all_agree(waterfall: Waterfall, history: oracle.History) -> None:
    """On this history the shipped models have the rows of the oracle, so what differs below is the defect's doing."""
    expected, actual, broken = rows_of_both(waterfall, history)
    assert {} == differences(expected, actual)
    assert [] == broken


@every_defect
def test_the_oracle_notices(defect: Defect, planted: Path, waterfall: Waterfall, history: oracle.History) -> None:
    """The oracle differs from the broken models, on the tables in which the defect must show."""
    expected, actual, _ = rows_of_both(waterfall, history, planted, defect.differs)
    assert set() == defect.differs - differences(expected, actual).keys()


@every_defect
def test_a_worked_case_notices(defect: Defect, planted: Path, tmp_path: Path) -> None:
    """A case that a reader can follow goes red in the table that it is about."""
    case = read_case(HERE / defect.case)
    thens = tuple(then for then in case.thens if then.table == defect.red)
    actual, _ = outcome(replace(case, thens=thens), tmp_path, planted)
    assert [then for then in thens if actual[heading(then)] != (then.columns, sorted(then.rows))]
