"""Pages of unusual databases: no rows, hostile names, no dimensions, very many stages. All must be complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from pipeline.report.outputs import html as render
from pipeline.waterfall.definition import Group, Pair, Sla, Stage, Waterfall
from pipeline.waterfall.names import cut
from tests.report import reading
from tests.sql.harness import built, checked

AS_OF = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
PAGES = {
    "index.html",
    "conversion.html",
    "volumes.html",
    "accounts.html",
    "owners.html",
    "overdue.html",
    "skipped.html",
    "quality.html",
    "definitions.html",
    "data.html",
    "archive.html",
}
LONG = "Wonderfullylongname" * 11
MARKUP = "<script>alert(1)</script> & \"co\" 'x'"
HEBREW = "מוביל \u202e שיווק"


def stage(key: str, rank: int | None, kind: str = "path", **more: Any) -> Stage:
    return Stage(key, more.pop("label", key.upper()), key, f"The lead is {key}.", kind, rank, **more)  # type: ignore[arg-type]


PATH = (stage("a", 1), stage("b", 2, sla=Sla(2, "day")), stage("c", 3), stage("lost", None, "exit"))


def waterfall(stages: Sequence[Stage] = PATH, **more: Any) -> Waterfall:
    return Waterfall("Edge", "UTC", tuple(stages), **more)


def entries(*moves: tuple[str, str, int], owner: str | None = "dana") -> list[dict[str, Any]]:
    """(lead, stage, day of the quarter) as rows of stage_entries."""
    return [
        {
            "input": "history", "load_no": 1, "row_number": number, "lead_id": lead, "stage": stage_key, "owner": owner,
            "entered_at": datetime(2026, 1, 1, 9) + timedelta(days=day),
        }
        for number, (lead, stage_key, day) in enumerate(moves, 1)
    ]  # fmt: skip


def site_of(definition: Waterfall, rows: dict[str, Any], notes: tuple[str, ...] = ()) -> tuple[str, reading.ReadSite]:
    """The site of these rows as text and parsed, after its checks, printed queries and pages were tested."""
    connection: duckdb.DuckDBPyConnection = built(definition, AS_OF, rows)
    assert [] == [outcome for outcome in checked(connection) if not outcome.holds]
    htmls = render.render_site(connection, notes)
    site = reading.read_site(htmls)
    assert [] == reading.failing_queries(site, connection)
    connection.close()
    assert_whole(definition, htmls, site)
    return "".join(htmls.values()), site


def assert_whole(definition: Waterfall, htmls: dict[str, str], site: reading.ReadSite) -> None:
    """Assert that every page exists, every tag is closed, every link has a target, and no Python value is printed."""
    stages = {f"stage-{stage.key}.html" for stage in definition.stages}
    pairs = {f"pair-{pair.from_key}-{pair.to_key}.html" for pair in definition.headline}
    assert PAGES | stages | pairs == set(htmls)
    assert [] == site.dead_links()
    for name, page in site.pages.items():
        assert [] == page.unclosed, name
        assert len(set(page.ids)) == len(page.ids), name
        assert "script" not in page.tags, name
        assert [] == re.findall(r"\b(?:None|nan|Traceback)\b", page.text), name
        assert htmls[name].endswith("</html>\n"), name


def test_an_empty_database_gives_dashes() -> None:
    """The page of a database without entries says so, with dashes and no 0%."""
    _, page = site_of(waterfall(headline=(Pair("a", "b", 1.0),), dimensions=("owner",)), {})
    assert "No stage entry has been delivered yet" in page.text
    assert "No cycle has arrived at A yet" in page.text
    assert "0.0%" not in page.text


def test_one_lead_gives_counts_of_one() -> None:
    """For one lead in the first stage the counts are one and the rates dashes."""
    _, page = site_of(
        waterfall(headline=(Pair("a", "b"), Pair("b", "c", 0.5)), windows=(30,)),
        {"stage_entries": entries(("L1", "a", 80))},
    )
    assert ["All", "1", "100%"] == page.tables["table-fates-1"][-1]
    assert "No cycle has arrived at B yet" in page.text
    assert "nothing final yet" in page.text


@pytest.mark.parametrize("name", [MARKUP, HEBREW, LONG], ids=["markup", "right to left", "209 characters"])
def test_hostile_names_are_text(name: str) -> None:
    """Names of stages, owners, leads and dimension values are shown as text; long words are truncated."""
    stages = (stage("a", 1, label=name), stage("b", 2, label=f"{name} 2"), stage("lost", None, "exit"))
    rows = entries(("L1", "a", 1), (name, "a", 2), (name, "b", 3), ("L3", "a", 4), ("L3", "lost", 5), owner=name)
    html, page = site_of(
        Waterfall(name, "UTC", stages, headline=(Pair("a", "b"),), dimensions=("owner",)),
        {"stage_entries": rows},
        notes=(f"a note about {name}",),
    )
    assert "<script>" not in html
    assert cut(name) in page.text
    assert f"a note about {cut(name)}" in page.text


def test_sections_without_data_say_what_is_missing() -> None:
    """The sections name missing headline pairs, dimensions or accounts."""
    _, page = site_of(waterfall(), {"stage_entries": entries(("L1", "a", 1), ("L1", "b", 2))})
    assert "The configuration names no headline pairs." in page.text
    assert "The configuration names no dimensions." in page.text
    assert "No lead names an account" in page.text


def test_groups_and_parallel_stages_have_headlines() -> None:
    """A group has a headline like a stage; both parallel stages are compared with the previous rank."""
    stages = (
        stage("inquiry", 1),
        stage("aql", 2),
        stage("tql", 2),
        stage("sal", 3),
        stage("sgl", 3),
        stage("won", 4),
        stage("lost", None, "exit"),
    )
    definition = waterfall(
        stages,
        groups=(Group("mql", "MQL", "Qualified by anybody.", ("aql", "tql")),),
        headline=(Pair("mql", "sal", 0.8),),
    )
    moves = (
        ("L1", "inquiry", 1), ("L1", "aql", 2), ("L1", "tql", 3), ("L1", "sal", 4), ("L2", "tql", 5), ("L2", "sgl", 6),
        ("L2", "won", 7), ("L3", "inquiry", 8), ("L3", "won", 9), ("L4", "aql", 1), ("L4", "inquiry", 2), ("L5", "aql", 3),
        ("L5", "lost", 4),
    )  # fmt: skip
    _, page = site_of(definition, {"stage_entries": entries(*moves)})
    assert ["All", "4", "100%"] == page.tables["table-fates-1"][-1]
    arrivals = {row[0]: list(row[1:6]) for row in page.tables["table-arrivals"][1:]}
    assert ["1", "1", "0", "0", "4"] == arrivals["SAL"]
    assert ["1", "1", "0", "0", "4"] == arrivals["SGL"]
    assert ["2", "1", "1", "0", "2"] == arrivals["WON"]
    assert "Lost: moved back to INQUIRY" in page.text


def test_twenty_five_stages_give_a_complete_site() -> None:
    """The site of a path with 25 stages is long and complete."""
    stages = tuple(stage(f"s{number}", number) for number in range(1, 26))
    rows = entries(*(("L1", f"s{number}", number) for number in range(1, 26)), ("L2", "s1", 3))
    _, page = site_of(waterfall(stages, headline=(Pair("s1", "s25"),), windows=(30, 90)), {"stage_entries": rows})
    assert 26 == len(page.tables["table-arrivals"])


def test_the_same_bytes_at_any_number_of_threads() -> None:
    """Neither threads nor repetition change a byte of the site."""
    rows = {"stage_entries": entries(*((f"L{n}", "ab"[n % 2], n) for n in range(60)), ("L3", "c", 70))}
    definition = waterfall(headline=(Pair("a", "b"),), dimensions=("owner",), windows=(30,))
    pages = []
    for threads in (1, 2, 4):
        connection = built(definition, AS_OF, rows, threads=threads)
        pages += [render.render_site(connection), render.render_site(connection)]
        connection.close()
    assert [pages[0]] * 6 == pages
