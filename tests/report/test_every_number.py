"""Every number on every page is in the database, in the rows that the page names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipeline.explore import query
from pipeline.report import text
from tests.report import numbers
from tests.report.tree import Node
from tests.sample import Sample

SUMMARY = "select * from report.conversion_summary where dimension = 'all'"
MONTHS = """
select months.*, (months.converted + months.still_open) / nullif(months.entered, 0) as at_most
from report.conversion_months as months
"""
MATURE_MONTHS = """
select from_stage, to_stage, window_days, count(*) as mature_months
from report.conversion_months
where is_mature and not is_partial and is_trend
group by all
"""
THIS_PAIR = "from_stage || '-' || to_stage = '{key}'"
THIS_HEADLINE = (
    f"headline_no in (select headline_no from report.headline where headline_no = {{number}} or {THIS_PAIR})"
)
CARD = (
    f"""
    select *, converted / nullif(entered, 0) as known,
        (mature_converted + mature_open) / nullif(mature_entered, 0) as at_most
    from report.headline
    where {THIS_HEADLINE}
    """,
    f"select * from report.headline_gap where {THIS_HEADLINE}",
    f"""
    select record.*
    from report.settled_record as record
    inner join (select distinct headline_no, from_label, to_label from report.headline where {THIS_HEADLINE}) as headline
        on headline.from_label = record.from_label and headline.to_label = record.to_label
    """,
)
CARD_OF_ALL = tuple(sql.replace(f"where {THIS_HEADLINE}", "") for sql in CARD)
KEY_RATE = (
    "select * from report.headline_change where headline_no = {number}",
    "select * from report.open_months where headline_no = {number}",
    """
    select months.*, months.converted || ' of ' || months.entered as said
    from report.conversion_months as months
    inner join report.headline as headline using (from_stage, to_stage, window_days)
    where headline.headline_no = {number} and headline.is_headline_window
    """,
    "select strftime(event_date, '%b %-d') || ': ' || label as said from waterfall.events",
)
FUNNEL = (
    "select *, previous_leads - leads as lost from report.funnel",
    """
    select stops.*, funnel.label
    from report.funnel_stops as stops
    inner join report.funnel as funnel on funnel.step_rank = stops.step_rank
    """,
)
LIMITS = """
select met, breached + open_overdue as late, open_within, met + breached + open_overdue as decided
from report.stage_sla
where month_start is null
union all
select sum(met), sum(breached + open_overdue), sum(open_within), sum(met + breached + open_overdue)
from report.stage_sla
where month_start is null
"""
OVERVIEW = "select * from report.overview"
ACCOUNTS = """
select leads, leads - leads_without_account as with_account, leads_without_account, accounts,
    (select sum(leads) from quality.account_matching where has_account and outcome != 'input') as by_domain
from report.overview
"""
RECORD = "select sum(estimates) as estimates, sum(held) as held, sum(held) / sum(estimates) as share from report.settled_record"

THIS_CHANGE = f"headline_no in (select headline_no from report.headline where {THIS_PAIR})"
CHANGED = (
    "select latest_month, previous_month from report.rate_change",
    """
    select split.headline_no, floor(1000 * split.mix_part) / 1000, ceil(1000 * split.mix_part) / 1000,
        floor(1000 * split.rate_part) / 1000, ceil(1000 * split.rate_part) / 1000
    from report.rate_change_split as split
    where 'By ' || (select label from waterfall.dimensions as named where named.dimension = split.dimension) = '{heading}'
    """,
)
"""Months compared; the split of a change by a dimension in tenths of a point, rounded up and down."""
PARTS = """
select dimension_value, latest_rate - previous_rate as own_change,
    floor(1000 * mix_part) / 1000 as mix, ceil(1000 * mix_part) / 1000 as mix_above,
    floor(1000 * rate_part) / 1000 as rates, ceil(1000 * rate_part) / 1000 as rates_above,
    (floor(1000 * mix_part) + floor(1000 * rate_part)) / 1000 as together,
    (floor(1000 * mix_part) + floor(1000 * rate_part) + 1) / 1000 as together_above,
    (ceil(1000 * mix_part) + ceil(1000 * rate_part)) / 1000 as together_most
from {query}
"""
ALL_PARTS = """
select floor(1000 * sum(mix_part)) / 1000 as mix, ceil(1000 * sum(mix_part)) / 1000 as mix_above,
    floor(1000 * sum(rate_part)) / 1000 as rates, ceil(1000 * sum(rate_part)) / 1000 as rates_above
from {query} where '{heading}' = 'All'
"""
"""Parts in tenths of a point, rounded up and down; test_changes.py tests which one is printed."""
SAID_PARTS = """
select 'By ' || named.label as said, parts.* exclude (mix_part, rate_part),
    floor(1000 * mix_part) / 1000 as mix, ceil(1000 * mix_part) / 1000 as mix_above,
    floor(1000 * rate_part) / 1000 as rates, ceil(1000 * rate_part) / 1000 as rates_above,
    (floor(1000 * mix_part) + floor(1000 * rate_part)) / 1000 as together,
    (floor(1000 * mix_part) + floor(1000 * rate_part) + 1) / 1000 as together_above,
    (ceil(1000 * mix_part) + ceil(1000 * rate_part)) / 1000 as together_most
from report.rate_change_parts as parts
inner join waterfall.dimensions as named on named.dimension = parts.dimension
where 'By ' || named.label = '{heading}'
"""
VOLUMES = """
select *, abs(change) as size from report.volume_change where starts_with('{heading}', 'Arrivals in ')
"""
TOTAL_CHANGE = f"""
select latest_entered, previous_entered, latest_rate, previous_rate, change, change_low, change_high, 1.0 as whole
from report.rate_change
where {THIS_CHANGE} and ('{{heading}}' = 'All' or starts_with('{{heading}}', 'By '))
"""
SHOWN_MONTHS = f"select month_start from report.cohort_ages where is_shown and {THIS_CHANGE}"
BY_FATE = """
sum(units) as entered, sum(units) filter (where fate <> 'converted') as missing, sum(units) filter (where fate = 'lost') as lost,
coalesce(sum(units) filter (where fate = 'passed_over'), 0) as passed_over,
coalesce(sum(units) filter (where fate = 'still_open'), 0) as still_open
"""
LOSSES = (
    "select month_start, sum(units) as entered, 0 as nobody from {query} group by month_start",
    f"select {BY_FATE} from {{query}} where '{{heading}}' like 'Of %' and month_start in ({SHOWN_MONTHS} and not is_partial)",
    """
    select reason, stage_label, sum(units) as units, sum(sum(units)) over () as entered
    from {query} where '{heading}' = 'All months' group by reason, stage_label
    """,
    f"""
    select reason, stage_label, sum(units) as units, sum(sum(units)) over () as entered, 0 as nobody
    from {{query}} where '{{heading}}' = 'Earlier months' and month_start not in ({SHOWN_MONTHS}) group by reason, stage_label
    """,
)
ARRIVALS = (
    "select month_start, (over + entered_after) / nullif(arrivals, 0) as without from {query}",
    """
    select sum(arrivals) as arrivals, sum(over) as over, sum(entered_after) as entered_after,
        sum(over + entered_after) as without, sum(over + entered_after) / sum(arrivals) as share
    from {query} where not is_partial and '{heading}' like '% arrivals at %'
    """,
)
MIX = """
select dimension_value, sum(entered) as entered, sum(sum(entered)) over () as cohort,
    sum(entered) / sum(sum(entered)) over () as share
from {query} group by value_no, dimension_value
"""
AGES = (
    f"""
    select floor(10 * min(rate)) / 10 as pale, ceil(10 * max(rate)) / 10 as strong
    from report.cohort_ages where is_shown and is_mature and {THIS_CHANGE}
    """,
    f"select age_days || '{numbers.THIN}d' as age from report.cohort_ages where is_shown and {THIS_CHANGE}",
)
CAME_BACK = (
    """
    select coalesce(sum(moves), 0) as came_back
    from report.stage_moves where stage = '{key}' and direction = 'out' and move_kind = 'returned'
    """,
    "select ins, closing from report.stage_flow where stage = '{key}' and month_start is null",
)
CATALOGUE = (
    "select comment from duckdb_tables() where schema_name || '.' || table_name = '{about}'",
    "select column_name, comment from duckdb_columns() where schema_name || '.' || table_name = '{about}'",
    "select count(*) as rows from {about}",
)

UNQUERIED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("index", "ul.stats", (OVERVIEW,)),
    ("index", "ul.notices", (OVERVIEW, "select rows_read, rejected, unknown_stage from quality.newest_deliveries")),
    ("index", "#ways", (*CARD_OF_ALL, RECORD)),
    ("index", "details.page-fold", ("select rows_read, rejected, unknown_stage from quality.newest_deliveries",)),
    ("index", "h1", ("from report.headline_change",)),
    ("(index|pair)", "article.key-rate", KEY_RATE),
    ("pair", "#ways", CARD),
    ("index", "#funnel", FUNNEL),
    ("index", "#time", ("select sla_text from waterfall.stages",)),
    ("pair", "#short", CARD),
    ("volumes", "#waterfall", (SUMMARY,)),
    ("(index|conversion)", "#conversion", (SUMMARY, MONTHS)),
    ("conversion", "#pairs", tuple(f"select * from ({sql}) where shown_no = {{table}}" for sql in (SUMMARY, MONTHS))),
    ("pair", "#months", tuple(f"select * from ({sql}) where {THIS_PAIR}" for sql in (SUMMARY, MONTHS, MATURE_MONTHS))),
    ("owners", "#limits", (LIMITS,)),
    ("owners", "#stuck > .intro", (OVERVIEW,)),
    ("overdue", "#overdue > .intro", (OVERVIEW,)),
    ("skipped", "#skipped > .intro", ("select count(*) as arrivals from report.skipped_arrivals",)),
    ("owners", "#stuck", ("select *, open_leads - overdue as not_overdue from report.open_by_owner",)),
    ("accounts", "#accounts > .intro", (ACCOUNTS,)),
    ("quality", "#quality > .plain", (OVERVIEW,)),
    ("quality", "#quality > .note", (RECORD,)),
    ("quality", "#quality > p", (OVERVIEW,)),
    ("stage", ".facts", ("select rank, sla_text from waterfall.stages where stage = '{key}'",)),
    ("stage", "#flow", ("select * from report.stage_flow where stage = '{key}'",)),
    ("index", "#summary", (VOLUMES, "select latest_month, previous_month from report.volume_change")),
    ("pair", "#changes", tuple(f"select * from ({sql}) where {THIS_CHANGE}" for sql in (CHANGED[1], SAID_PARTS))),
    ("pair", "#changes", (f"{CHANGED[0]} where {THIS_CHANGE}", TOTAL_CHANGE)),
    ("pair", ".change-parts", (PARTS, ALL_PARTS)),
    ("pair", "#ages", AGES),
    ("pair", ".losses", LOSSES),
    ("pair", ".arrivals", ARRIVALS),
    ("pair", "#mix", (MIX,)),
    ("accounts", "#table-accounts-now", ("select label, accounts / all_accounts as share from {query}",)),
    ("owners", "#limits", ("select sum(now_overdue) from report.sla_by_owner where stage = '{stage}'",)),
    ("owners", "#limits", ("select sla_text from waterfall.stages where stage = '{stage}'",)),
    ("stage", "#ways > .lead", CAME_BACK),
    ("stage", "#now", ("select count(*) - 10 as more from report.stuck_leads where stage = '{key}'",)),
    ("stage", "#time", ("select sla_text from waterfall.stages where stage = '{key}'",)),
    ("stage", "#limits", ("select sla_text from waterfall.stages where stage = '{key}'",)),
    ("data", "#tables", CATALOGUE),
    ("definitions", ".words", ("select window_days from waterfall.windows", "select target from report.headline")),
)
"""(kind of page, place on it, queries): texts without a printed query.

`{key}` is the file name after the kind, `{number}` the number of the card, `{table}` that of the table in the same details,
`{stage}` the stage of that number, `{heading}` the subject of the number, `{about}` the title above, `{query}` the printed query.
"""
EDGES = frozenset({"1 lead", "2", "3–4", "5+", "5 or more"})
"""Classes of the number of leads of an account, in column headings and legends."""
AS_OF = "select strftime(as_of_local, '%b %-d, %Y, %H:%M:%S') || ' ' || timezone as as_of from report.overview"


LENGTHS = re.compile(r"\d+–\d+ [hd]\b|(?:under \d+ [hd]|\d+ [hd] and more)\b|^\d+ [hd]$")
"""Classes of the length of spans and their edges: they are in the rows, but are no counts."""
COUNT = re.compile(r"\d{1,3}(?:,\d{3})*")


@pytest.fixture(scope="module")
def database(sample: Sample) -> Iterator[numbers.Database]:
    connection = query.open_published(sample.output)
    yield numbers.Database(connection)
    connection.close()


@pytest.fixture(scope="module")
def places(sample: Sample, database: numbers.Database) -> list[tuple[str, str, list[str], frozenset[str]]]:
    """(page, text, its numbers, the allowed numbers) of every text with numbers on every page."""
    (as_of,) = database.cached_rows(numbers.of_all_leads(AS_OF))[0].values()
    texts_with_numbers = []
    for file in sample.pages:
        for each in numbers.printed(numbers.page_of(file.read_text("utf-8"))):
            words = each.words.replace(as_of, "").replace(as_of.rpartition(",")[0], "").strip()
            shown_numbers = numbers.tokens(words)
            if shown_numbers and "scale" not in each.where.classes and not _is_an_edge(each):
                texts_with_numbers.append((file.name, words, shown_numbers, _known(database, file.stem, each)))
    return texts_with_numbers


def test_every_number_is_in_the_database(places: list[tuple[str, str, list[str], frozenset[str]]]) -> None:
    """Every shown number is in the rows of its figure; in a table, in the rows of the same heading."""
    assert [] == [
        (page, words[:90], number)
        for page, words, shown_numbers, known in places
        for number in shown_numbers
        if number not in known
    ]
    assert sum(len(shown_numbers) for _, _, shown_numbers, _ in places) > 5000


def test_a_number_that_is_one_off_is_found(places: list[tuple[str, str, list[str], frozenset[str]]]) -> None:
    """The rows of a figure are few enough: if every count changes by one, most counts are not among them."""
    counts = [
        (number, known)
        for _, words, _, known in places
        for number in numbers.tokens(LENGTHS.sub(" ", words))
        if COUNT.fullmatch(number)
    ]
    noticed = sum(text.count(int(number.replace(",", "")) + 1) not in known for number, known in counts)
    assert noticed / len(counts) > 0.85


def _known(database: numbers.Database, page: str, each: numbers.Printed) -> frozenset[str]:
    """The allowed numbers at this place."""
    kind, _, key = page.partition("-")
    cards = [node.attributes["id"] for node in each.where.ancestors() if {"card", "key-rate"} & set(node.classes)]
    number = cards[0].rpartition("-")[2] if cards else "null"
    folds = [node for node in each.where.ancestors() if node.tag == "details" and "fold" in node.classes]
    tables = [name for fold in folds for node in fold.find("table") if (name := node.attributes.get("id"))]
    table = tables[0].rpartition("-")[2] if tables else "null"
    printed = numbers.query_of(each.where)
    questions = [printed] if printed else []
    heading = numbers.heading_at(each)
    placeholders = {
        "key": key,
        "number": number,
        "table": table,
        "heading": heading.replace("'", "''"),
        "about": _title(each),
    }
    placeholders |= {"query": f"({printed})", "stage": database.stages.get(table, "")}
    for pages, place, more in UNQUERIED:
        if re.fullmatch(pages, kind) and _is_at(each.where, place):
            questions += (numbers.of_all_leads(question.format(**placeholders)) for question in more)
    return frozenset().union(*(database.pool(question, heading) for question in questions))


def _title(each: numbers.Printed) -> str:
    """The h3 title above a number in the same section."""
    for node in each.where.ancestors():
        if node.parent is not None and node.parent.tag == "section":
            beside = node.parent.elements
            titles = [other.words.strip() for other in beside[: beside.index(node)] if other.tag == "h3"]
            return titles[-1] if titles else ""
    return ""


def _is_an_edge(each: numbers.Printed) -> bool:
    return each.words.strip() in EDGES and any(
        node.tag == "thead" or "legend" in node.classes for node in each.where.ancestors()
    )


def _is_at(where: Node, place: str) -> bool:
    """Whether an element is, or is inside, `#id`, `.class`, `tag.class`, or such a child of `#id >`."""
    outer, _, inner = place.rpartition(" > ")
    return any(
        _is(each, inner) and (not outer or (each.parent is not None and _is(each.parent, outer)))
        for each in where.ancestors()
    )


def _is(node: Node, place: str) -> bool:
    if place.startswith("#"):
        return node.attributes.get("id") == place[1:]
    tag, _, kind = place.partition(".")
    return tag in ("", node.tag) and (not kind or kind in node.classes)
