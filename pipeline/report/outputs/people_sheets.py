"""The sheets of funnel.xlsx, the workbook for people: name, sentence, columns and query of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.privacy.masking import QueryConnection
from pipeline.report.outputs.sheets import COUNT, LENGTH, Heading

MAX_LEADS = 10_000
"""Rows of the sheets Overdue and Leads."""
RATE, POINTS, MONTH, DAY = "0.0%", "+0.0;-0.0;0.0", "mmm yyyy", "mmm d, yyyy"
RATE_PLACE, TARGET_PLACE = 3, 11
"""Columns of a sheet of months that its chart shows, from 0."""


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, one sentence, its columns, and the query. Columns of the query beyond `columns` are not shown."""

    name: str
    sentence: str
    columns: tuple[Heading, ...]
    query: str


@dataclass(frozen=True)
class HeadlinePair:
    """A headline pair with the words of its sheets."""

    headline_no: int
    pair_no: int
    from_label: str
    to_label: str
    window_days: int
    unit: str
    target: float | None

    @property
    def name(self) -> str:
        """`MQL to SAL`."""
        return f"{self.from_label} to {self.to_label}"


PAIRS = """
    select headline_no, pair_no, from_label, to_label, window_days, unit, target
    from report.headline_change where report = 'all' and base = 'before' order by headline_no
"""
_DIRECTION = """
    case {} when 'up' then 'up' when 'down' then 'down' when 'same' then 'no clear change' when 'few' then 'too few to compare' end
"""
_SUMMARY = f"""
    select
        now.from_label || ' to ' || now.to_label, now.window_days, now.first_month, now.last_month,
        now.entered, now.converted, now.rate, headline.recent_low, headline.recent_high, now.target,
        now.base_entered, now.base_converted, now.base_rate, 100 * now.change,
        {_DIRECTION.format("now.direction")},
        year.base_entered, year.base_converted, year.base_rate, 100 * year.change
    from report.headline_change as now
    inner join report.headline_change as year
        on year.report = now.report and year.headline_no = now.headline_no and year.base = 'year'
    inner join report.headline as headline
        on headline.report = now.report and headline.headline_no = now.headline_no and headline.is_headline_window
    where now.report = 'all' and now.base = 'before'
    order by now.headline_no
"""


def summary_sheet(name: str, as_of: str) -> Sheet:
    """Return the sheet of headline rates: the last final months, the months before, a year ago, the target."""
    return Sheet(
        "Summary",
        f"{name}, as of {as_of}. Each rate covers the last months that are final.",
        (
            Heading("From and to"), Heading("Within days", COUNT), Heading("First month", MONTH), Heading("Last month", MONTH),
            Heading("Came in", COUNT), Heading("Converted", COUNT), Heading("Rate", RATE), Heading("Rate, 95% low", RATE),
            Heading("Rate, 95% high", RATE), Heading("Target", RATE), Heading("Months before: came in", COUNT),
            Heading("Months before: converted", COUNT), Heading("Months before: rate", RATE),
            Heading("Change in points", POINTS), Heading("Change"), Heading("A year ago: came in", COUNT),
            Heading("A year ago: converted", COUNT), Heading("A year ago: rate", RATE),
            Heading("Change on a year ago in points", POINTS),
        ),
        _SUMMARY,
    )  # fmt: skip


def months_sheet(pair: HeadlinePair) -> Sheet:
    """Return the sheet of one pair by month."""
    return Sheet(
        f"{pair.name} by month",
        f"{pair.name} within {pair.window_days} days, by month of arrival at {pair.from_label}."
        " A month that is not final can still rise.",
        (
            Heading("Month", MONTH), Heading(pair.from_label, COUNT), Heading(f"{pair.to_label} in time", COUNT),
            Heading("Rate", RATE), Heading("Rate, 95% low", RATE), Heading("Rate, 95% high", RATE),
            Heading("Rate so far", RATE), Heading("Passed over", COUNT), Heading("Lost", COUNT), Heading("Still open", COUNT),
            Heading("State"), *((Heading("Target", RATE),) if pair.target is not None else ()),
        ),
        f"""
        select
            months.month_start, coalesce(cohorts.entered, 0), coalesce(cohorts.converted, 0),
            case when cohorts.is_mature then cohorts.rate end, case when cohorts.is_mature then cohorts.rate_low end,
            case when cohorts.is_mature then cohorts.rate_high end,
            case when not cohorts.is_mature then cohorts.rate end,
            coalesce(cohorts.passed_over, 0), coalesce(cohorts.lost, 0), coalesce(cohorts.still_open, 0),
            case when coverage.is_before_coverage then 'history not complete'
                when months.is_partial then 'month not over' when cohorts.is_mature then 'final'
                when cohorts.entered > 0 then 'not final' end,
            changes.target
        from report.months as months
        inner join report.headline_change as changes
            on changes.report = months.report and changes.base = 'before' and changes.headline_no = {pair.headline_no}
        inner join quality.period_coverage as coverage
            on coverage.grain = 'month' and coverage.period_start = months.month_start
        left join marts.month_cohorts as cohorts
            on cohorts.cohort_start = months.month_start and cohorts.pair_no = changes.pair_no
            and cohorts.window_days = changes.window_days and cohorts.dimension = 'all'
        where months.report = 'all'
        order by months.month_start
        """,
    )  # fmt: skip


def shown_dimensions(connection: QueryConnection, pair: HeadlinePair) -> Iterator[tuple[str, str]]:
    """Yield (dimension, label) of source and owner if the dimensions have them, else of the first two."""
    yield from connection.execute(
        f"""
        select dimensions.dimension, dimensions.label from waterfall.dimensions as dimensions
        where dimensions.dimension in (
            select dimension from report.value_rates where report = 'all' and headline_no = {pair.headline_no}
        )
        order by dimensions.dimension in ('lead_source', 'owner') desc, dimensions.position limit 2
        """
    ).fetchall()


def values_sheet(pair: HeadlinePair, dimension: str, words: str) -> Sheet:
    """Return the sheet of one pair by the values of a dimension, named `words`. A value that is null means all others."""
    return Sheet(
        f"{pair.name} by {words}",
        f"{pair.name} within {pair.window_days} days, by {words} at the arrival at {pair.from_label},"
        " in the months of the sheet Summary.",
        (
            Heading(words[:1].upper() + words[1:]), Heading(pair.from_label, COUNT), Heading(f"{pair.to_label} in time", COUNT),
            Heading("Rate", RATE), Heading("Rate, 95% low", RATE), Heading("Rate, 95% high", RATE),
            Heading("Months before: came in", COUNT), Heading("Months before: converted", COUNT),
            Heading("Months before: rate", RATE), Heading("Change in points", POINTS), Heading("Change"),
        ),
        f"""
        select
            dimension_value, entered, converted, rate, rate_low, rate_high, base_entered, base_converted, base_rate,
            100 * change, {_DIRECTION.format("direction")}, dimension -- privacy masks dimension_value by its dimension
        from report.value_rates
        where report = 'all' and headline_no = {pair.headline_no} and dimension = {quoted(dimension)}
        order by value_no
        """,
    )  # fmt: skip


def overdue_sheet() -> Sheet:
    """Return the sheet of leads past the limit of their stage."""
    return Sheet(
        "Overdue",
        f"Leads past the limit of their stage, longest first; at most {MAX_LEADS:,}. All: data/stuck_leads.csv.",
        (
            Heading("Lead"), Heading("Stage"), Heading("Owner"), Heading("Account"), Heading("In the stage since", DAY),
            Heading("Days in the stage", LENGTH), Heading("Limit"), Heading("Hours past the limit", LENGTH),
        ),
        f"""
        select lead_id, stage_label, current_owner, account_id, entered_date, age_days, sla_text, overdue_hours
        from report.stuck_leads where report = 'all' and sla_state = 'open_overdue'
        order by overdue_hours desc, lead_id limit {MAX_LEADS}
        """,
    )  # fmt: skip


def leads_sheet(connection: QueryConnection, leads: int) -> Sheet:
    """Return the sheet of leads, with a column for the first date at each stage and group."""
    milestones = connection.execute(
        "select milestone_no, label from waterfall.milestones order by milestone_no"
    ).fetchall()
    firsts = ", ".join(
        f"min(arrived_date) filter (where milestone_no = {number}) as at_{number}" for number, _ in milestones
    )
    dates = ", ".join(f"dates.at_{number}" for number, _ in milestones)
    # The limit is a constant of both queries, so that DuckDB reads only these leads.
    ((first_no,),) = connection.execute(
        "select coalesce(min(lead_no), 0) from"
        f" (select lead_no from clean.leads where is_in_scope order by lead_no desc limit {MAX_LEADS})"
    ).fetchall()
    which = "All leads" if leads <= MAX_LEADS else f"The last {MAX_LEADS:,} of {leads:,} leads by id"
    return Sheet(
        "Leads",
        f"{which}, with the first date in each stage. In funnel.duckdb: from marts.leads_wide.",
        (
            Heading("Lead"), Heading("Current stage"), Heading("Owner"), Heading("Source"), Heading("Account"),
            Heading("Account name"), *(Heading(label, DAY) for _, label in milestones),
        ),
        f"""
        with dates as (
            select lead_no, {firsts} from journey.arrivals_facts where lead_no >= {first_no} group by lead_no
        )
        select
            leads.lead_id, coalesce(stages.label, case when leads.is_deleted then '(deleted)' end), leads.current_owner,
            leads.lead_source, leads.account_id, leads.account_name, {dates}
        from marts.leads_wide as leads
        left join waterfall.stages as stages on stages.stage = leads.current_stage
        left join dates on dates.lead_no = leads.lead_no
        where leads.lead_no >= {first_no}
        order by leads.lead_no
        """,
    )  # fmt: skip


def notes_sheet(name: str, as_of: str) -> Sheet:
    """Return the sheet that says how the numbers were counted, and what stages and groups mean."""
    notes = (
        ("As of", f"{as_of}. Nothing later counts. Dates are on the clock of this zone."),
        ("Rate", "Converted divided by came in. Months are those of the arrival at the first stage of the pair."),
        ("Final", "A month is final when its youngest lead is as old as the days of the pair. Only its age decides."),
        (
            "95% low, high",
            "Wilson interval: the range within which the rate is uncertain because of its small counts.",
        ),
        ("Change", "Up or down if the 95% interval of the difference excludes 0; else no clear change."),
        ("Passed over", "Came to a later stage without the second stage of the pair."),
        (
            "Other files",
            "tables.xlsx and data/ have every table of the report; definitions.html says how it was counted.",
        ),
    )
    values = ", ".join(f"({number}, {quoted(topic)}, {quoted(text)})" for number, (topic, text) in enumerate(notes))
    return Sheet(
        "Notes",
        f"{name}: how the numbers were counted.",
        (Heading("Word"), Heading("Meaning")),
        f"""
        select topic, meaning from (
            select place, topic, meaning from (values {values}) as notes (place, topic, meaning)
            union all select 1000 + stage_no, label, definition from waterfall.stages
            union all select 2000 + milestone_no, label, definition from waterfall.milestones where is_group
            union all select 3000 + headline_no, from_label || ' to ' || to_label,
                case unit when 'cycle' then 'Counts a lead each time it comes in' when 'lead' then 'Counts each lead once'
                    else 'Counts each account once' end || '; converted within ' || window_days || ' days.'
            from report.headline_change where report = 'all' and base = 'before'
        ) order by place
        """,
    )
