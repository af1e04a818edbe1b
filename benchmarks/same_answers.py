"""The answers of the reference implementations with the models of the product, and only the tables that they need."""

from __future__ import annotations

from pathlib import Path

from benchmarks.core import build_models
from benchmarks.history import History
from pipeline.settings import Settings

MODELS = "+journey.stays +journey.cycles_facts"

_SPANS = """
select stages.stage, stays.exit_kind, count(*) as spans
from journey.stays
inner join waterfall.stages on stages.stage_no = stays.stage_no
group by all
"""

_CYCLES = """
select entered.stage as entry_stage, furthest.stage as furthest_stage, cycles.outcome, count(*) as cycles
from journey.cycles_facts as cycles
inner join waterfall.stages as entered on entered.stage_no = cycles.entry_stage_no
inner join waterfall.stages as furthest on furthest.stage_no = cycles.furthest_stage_no
group by all
"""

_TIME_IN_STAGE = """
with
ended as (
    select lead_no, span_no, stage_no, entered_at, exited_at, exited_date from journey.stays where exited_at is not null
),

interrupted as (
    select ended.lead_no, ended.span_no
    from clean.entry_rows as unknown
    inner join ended on ended.lead_no = unknown.lead_no
        and ended.entered_at <= unknown.entered_at and ended.exited_at > unknown.entered_at
    where unknown.reason = 'unknown_stage'
),

measured as (
    select
        stage_no,
        cast(date_trunc('month', exited_date) as date) as month,
        count(*) as completed,
        quantile_cont(epoch_us(exited_at) - epoch_us(entered_at), [0.5, 0.9]) as us
    from ended
    anti join interrupted using (lead_no, span_no)
    group by all
)

select month, stage, completed, us[1] / 86400000000 as median_days, us[2] / 86400000000 as p90_days
from measured
inner join waterfall.stages using (stage_no)
"""

# One arrival per rank, and all ranks of a cycle as bits: groups are counted before they become pairs.
_CONVERSION = """
with
cycles as (
    select lead_no, cycle_no, bit_or(1 << rank) as reached, [{arrivals}] as arrived
    from journey.stays
    inner join waterfall.stages using (stage_no)
    where cycle_no > 0 and kind = 'path'
    group by all
),

arrivals as (
    select lead_no, cycle_no, reached, unnest(arrived) as arrived_date, generate_subscripts(arrived, 1) as rank from cycles
),

counted as (
    select
        arrivals.rank,
        cast(date_trunc('month', arrivals.arrived_date) as date) as month,
        coalesce(nullif(leads.lead_source, ''), '(none)') as source,
        arrivals.reached,
        facts.outcome <> 'open' as is_closed,
        count(*) as entered
    from arrivals
    inner join journey.cycles_facts as facts using (lead_no, cycle_no)
    inner join clean.leads as leads using (lead_no)
    where arrivals.arrived_date is not null
    group by all
),

paired as (
    select
        counted.*,
        low.stage as from_stage,
        high.stage as to_stage,
        case
            when (counted.reached >> high.rank) & 1 = 1 then 'converted'
            when counted.reached >> high.rank > 0 then 'passed_over'
            when counted.is_closed then 'lost'
            else 'still_open'
        end as outcome
    from counted
    inner join waterfall.stages as low on low.rank = counted.rank
    inner join waterfall.stages as high on high.rank > counted.rank
)

select
    month,
    source,
    from_stage,
    to_stage,
    sum(entered) as entered,
    coalesce(sum(entered) filter (where outcome = 'converted'), 0) as converted,
    coalesce(sum(entered) filter (where outcome = 'passed_over'), 0) as passed_over,
    coalesce(sum(entered) filter (where outcome = 'lost'), 0) as lost,
    coalesce(sum(entered) filter (where outcome = 'still_open'), 0) as still_open
from paired
group by all
"""


def run(history: History, settings: Settings, folder: Path, answers: Path) -> tuple[int, dict[str, float]]:
    """Write the answers as Parquet. Returns the number of spans and the seconds of each model."""
    connection, built = build_models(history, settings, folder, MODELS, None)
    ranks = sorted({each.rank for each in history.configuration().waterfall.stages if each.rank is not None})
    arrivals = ", ".join(f"min(case when rank = {rank} then entered_date end)" for rank in ranks)
    for name, sql in {
        "spans": _SPANS,
        "cycles": _CYCLES,
        "time_in_stage": _TIME_IN_STAGE,
        "conversion": _CONVERSION.format(arrivals=arrivals),
    }.items():
        connection.execute(f"copy ({sql}) to '{answers / name}.parquet' (format parquet)")
    connection.close()
    spans = next(each.rows for each in built if each.table == "clean.entries_facts")
    return spans or 0, {each.table: each.seconds for each in built}
