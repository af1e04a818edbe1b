"""The core job in Spark SQL on local cores, with the steps of the models."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from benchmarks.yardsticks.facts import OFF_PATH, Facts, survivors

_MERGED = pa.schema([("lead_id", pa.string()), ("survivor_id", pa.string())])
_STEPS = {
    "unknown": """
        select coalesce(merged.survivor_id, delivered.lead_id) as lead_id, delivered.entered_at as at
        from delivered
        left anti join aliases on aliases.alias = delivered.stage_alias
        left join merged on merged.lead_id = delivered.lead_id
    """,
    "kept": """
        select lead_id, stage_no, stage, rank_order, rank_or_end, kind, rank, at, place, deleted_at, is_restored
        from (
            select
                *,
                lag(stage_no) over (partition by lead_id, is_restored order by at, rank_order, place) as came_from
            from (
                select
                    coalesce(merged.survivor_id, delivered.lead_id) as lead_id,
                    stages.*,
                    delivered.entered_at as at,
                    delivered.load_no * 4294967296 + delivered.row_number as place,
                    deleted.deleted_at,
                    coalesce(delivered.entered_at > deleted.deleted_at, false) as is_restored,
                    row_number() over (
                        partition by coalesce(merged.survivor_id, delivered.lead_id), stages.stage_no, delivered.entered_at
                        order by delivered.load_no, delivered.row_number
                    ) as copy_no
                from delivered
                inner join aliases on aliases.alias = delivered.stage_alias
                inner join stages on stages.stage_no = aliases.stage_no
                left join merged on merged.lead_id = delivered.lead_id
                left join deleted on deleted.lead_id = coalesce(merged.survivor_id, delivered.lead_id)
                where delivered.entered_at <= timestamp_ntz '{as_of}'
            )
            where copy_no = 1
        )
        where came_from is null or came_from <> stage_no
    """,
    "spans": """
        with beside as (
            select
                kept.*,
                last_value(rank_or_end, true) over (
                    partition by lead_id, is_restored
                    order by at, rank_order, place rows between unbounded preceding and 1 preceding
                ) as last_rank,
                lead(kind) over (partition by lead_id, is_restored order by at, rank_order, place) as next_kind,
                lead(rank) over (partition by lead_id, is_restored order by at, rank_order, place) as next_rank,
                lead(at) over (partition by lead_id, is_restored order by at, rank_order, place) as next_at,
                row_number() over (partition by lead_id order by at, rank_order, place) as span_no
            from kept
        )
        select
            beside.*,
            sum(case when kind = 'path' and rank < coalesce(last_rank, {off_path}) then 1 else 0 end) over (
                partition by beside.lead_id order by span_no rows unbounded preceding
            ) as cycle_no,
            case
                when next_kind is not null then next_at
                when not is_restored then deleted_at
            end as exited_at,
            case
                when next_kind is null then case when is_restored or deleted_at is null then 'open' else 'deleted' end
                when next_kind = 'hold' then 'held'
                when next_kind = 'detour' then 'detoured'
                when next_kind = 'exit' then 'exited'
                when kind <> 'path' then 'returned'
                when next_rank > rank then 'advanced'
                when next_rank = rank then 'sideways'
                else 'regressed'
            end as exit_kind
        from beside
    """,
    "cycles": """
        with facts as (
            select
                lead_id,
                cycle_no,
                min(at) as started_at,
                min_by(rank, span_no) as entry_rank,
                max(rank) as furthest_rank,
                min_by(kind, span_no) filter (where kind in ('detour', 'exit') or exit_kind = 'deleted') as ender,
                {arrivals}
            from spans
            where cycle_no > 0
            group by lead_id, cycle_no
        )
        select
            facts.*,
            case
                when at_{last} is not null then 'completed'
                when ender = 'detour' then 'detoured'
                when ender = 'exit' then 'exited'
                when ender is not null then 'deleted'
                when lead(started_at) over (partition by facts.lead_id order by cycle_no) is not null then 'regressed'
                else 'open'
            end as outcome
        from facts
    """,
}

_ANSWERS = {
    "spans": """
        select stage, exit_kind, count(*) as spans
        from spans group by stage, exit_kind
    """,
    "cycles": """
        select entered.stage as entry_stage, furthest.stage as furthest_stage, outcome, count(*) as cycles
        from cycles
        inner join stages as entered on entered.rank = cycles.entry_rank
        inner join stages as furthest on furthest.rank = cycles.furthest_rank
        group by entered.stage, furthest.stage, outcome
    """,
    "time_in_stage": """
        with stays as (
            select
                stage,
                cast(date_trunc('month', exited_at) as date) as month,
                unix_micros(cast(exited_at as timestamp)) - unix_micros(cast(at as timestamp)) as us
            from spans
            left anti join unknown
                on unknown.lead_id = spans.lead_id and unknown.at >= spans.at and unknown.at < spans.exited_at
            where exited_at is not null
        )
        select
            month,
            stage,
            count(*) as completed,
            percentile(us, 0.5) / 86400000000 as median_days,
            percentile(us, 0.9) / 86400000000 as p90_days
        from stays
        group by month, stage
    """,
    "conversion": """
        with paired as (
            select
                lead_id,
                outcome <> 'open' as is_closed,
                furthest_rank,
                stack({pair_count}, {pairs}) as (from_stage, to_stage, high_rank, from_at, to_at)
            from cycles
        )
        select
            cast(date_trunc('month', from_at) as date) as month,
            coalesce(sources.source, '(none)') as source,
            from_stage,
            to_stage,
            count(*) as entered,
            count_if(to_at is not null) as converted,
            count_if(to_at is null and furthest_rank > high_rank) as passed_over,
            count_if(to_at is null and furthest_rank <= high_rank and is_closed) as lost,
            count_if(to_at is null and furthest_rank <= high_rank and not is_closed) as still_open
        from paired
        left join sources on sources.lead_id = paired.lead_id
        where from_at is not null
        group by month, coalesce(sources.source, '(none)'), from_stage, to_stage
    """,
}


def ready(facts: Facts, scratch: Path, memory: str, threads: int) -> SparkSession:
    """Return a session. Its start is not measured."""
    return (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", memory.lower().removesuffix("b"))
        .config("spark.local.dir", str(scratch / "spill"))
        .config("spark.sql.shuffle.partitions", str(4 * threads))
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.timestampType", "TIMESTAMP_NTZ")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )


def run(facts: Facts, answers: Path, spark: SparkSession) -> int:
    """Write the answers as Parquet. Returns the number of spans."""
    _read(facts, spark)
    for name, sql in _STEPS.items():
        spark.sql(sql.format(**_words(facts))).createOrReplaceTempView(name)
    spark.sql("cache table spans")
    spark.sql("cache table cycles")
    for name, sql in _ANSWERS.items():
        answer = spark.sql(sql.format(**_words(facts)))
        pq.write_table(answer.toArrow(), answers / f"{name}.parquet")
    return int(spark.table("spans").count())


def stop(spark: SparkSession) -> None:
    """Stop the session and its JVM."""
    spark.stop()


def _read(facts: Facts, spark: SparkSession) -> None:
    """Create views of the log, and small views of the definition."""
    spark.read.parquet(*facts.stage_entries).createOrReplaceTempView("delivered")
    stages = ", ".join(
        f"({number}, '{each.stage}', '{each.kind}', {each.rank or 'null'}, {each.order}, {each.rank_or_end or 'null'})"
        for number, each in enumerate(facts.stages)
    )
    declared = "stages(stage_no, stage, kind, rank, rank_order, rank_or_end)"
    spark.sql(f"select * from values {stages} as {declared}").createOrReplaceTempView("stages")
    aliases = ", ".join(f"('{spelling}', {number})" for spelling, number in facts.codes.items())
    spark.sql(f"select * from values {aliases} as aliases(alias, stage_no)").createOrReplaceTempView("aliases")
    chains = survivors(_latest_merges(facts, spark))
    merged = pa.table({"lead_id": [*chains], "survivor_id": [*chains.values()]}, _MERGED)
    spark.createDataFrame(merged).createOrReplaceTempView("merged")
    _deletions(facts, spark)
    spark.read.parquet(*facts.leads).createOrReplaceTempView("delivered_leads")
    spark.sql(
        """
        select
            coalesce(merged.survivor_id, delivered.lead_id) as lead_id,
            coalesce(max_by(
                nullif(delivered.lead_source, ''),
                (case when merged.survivor_id is null then 1 else 0 end, delivered.load_no, delivered.row_number)
            ), '(none)') as source
        from delivered_leads as delivered
        left join merged on merged.lead_id = delivered.lead_id
        group by coalesce(merged.survivor_id, delivered.lead_id)
        """
    ).createOrReplaceTempView("sources")


def _latest_merges(facts: Facts, spark: SparkSession) -> list[tuple[str, str]]:
    if not facts.merges:
        return []
    spark.read.parquet(*facts.merges).createOrReplaceTempView("merges")
    rows = spark.sql(
        f"""
        select from_lead_id, max_by(into_lead_id, (load_no, row_number)) from merges
        where merged_at is null or merged_at <= timestamp_ntz '{facts.as_of}' group by from_lead_id
        """
    ).collect()
    return [(row[0], row[1]) for row in rows]


def _deletions(facts: Facts, spark: SparkSession) -> None:
    if not facts.deletions:
        spark.createDataFrame([], "lead_id string, deleted_at timestamp_ntz").createOrReplaceTempView("deleted")
        return
    spark.read.parquet(*facts.deletions).createOrReplaceTempView("deletions")
    spark.sql(
        f"""
        select lead_id, max_by(deleted_at, (load_no, row_number)) as deleted_at from deletions
        where deleted_at is null or deleted_at <= timestamp_ntz '{facts.as_of}' group by lead_id
        """
    ).createOrReplaceTempView("deleted")


def _words(facts: Facts) -> dict[str, str]:
    path = facts.path
    pairs = [
        f"'{low.stage}', '{high.stage}', {high.order}, at_{low.order}, at_{high.order}"
        for low in path
        for high in path[low.order :]
    ]
    return {
        "as_of": str(facts.as_of),
        "off_path": str(OFF_PATH),
        "last": str(len(path)),
        "arrivals": ", ".join(f"min(at) filter (where rank = {each.order}) as at_{each.order}" for each in path),
        "pair_count": str(len(pairs)),
        "pairs": ", ".join(pairs),
    }
