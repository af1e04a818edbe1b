"""The core job in Polars, as an analyst would write it for this one waterfall.

Spans (E4 to E7, S1, S2), cycles (C1 to C6), conversion of cycles by month and lead source, time in stage by month.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.yardsticks.facts import OFF_PATH, Facts, survivors

DAY_US = 86_400_000_000

_LEADS = pl.Categorical(pl.Categories("leads"))
# Categories turn ids into numbers. They exist as long as a column uses them, so one column is kept.
_ALIVE = pl.Series(["none"], dtype=_LEADS)


def run(facts: Facts, answers: Path) -> int:
    """Write the answers as Parquet. Returns the number of spans."""
    merged = _survivors(facts)
    spans = _spans(_entries(facts, merged, _deletions(facts)), facts)
    cycles = _cycles(spans, facts)
    sources = _sources(facts, merged)
    names = pl.Enum([each.stage for each in facts.stages])
    _span_counts(spans, facts).with_columns(pl.col("stage").cast(names)).write_parquet(answers / "spans.parquet")
    _cycle_counts(cycles, facts).write_parquet(answers / "cycles.parquet")
    _time_in_stage(spans, _unknown(facts, merged), facts).write_parquet(answers / "time_in_stage.parquet")
    _conversion(cycles, sources, facts).write_parquet(answers / "conversion.parquet")
    return int(spans.height)


def _lead(column: str) -> pl.Expr:
    return pl.col(column).cast(_LEADS).to_physical()


def _survivors(facts: Facts) -> pl.DataFrame:
    """Return lead → survivor, for merges up to as-of."""
    if not facts.merges:
        return pl.DataFrame(schema={"lead": pl.UInt32, "survivor": pl.UInt32})
    merges = (
        pl.scan_parquet(facts.merges)
        .filter(pl.col("merged_at").is_null() | (pl.col("merged_at") <= facts.as_of))
        .unique("from_lead_id", keep="last", maintain_order=True)
        .collect()
    )
    chains = survivors(merges.select("from_lead_id", "into_lead_id").rows())
    return pl.DataFrame({"lead": list(chains), "survivor": list(chains.values())}, schema=["lead", "survivor"]).select(
        _lead("lead"), _lead("survivor")
    )


def _unknown(facts: Facts, merged: pl.DataFrame) -> pl.DataFrame:
    """Return lead and time of the rows whose stage no alias names."""
    return (
        pl.scan_parquet(facts.stage_entries)
        .filter(~pl.col("stage_alias").is_in(list(facts.codes)))
        .select(_lead("lead_id").alias("lead"), pl.col("entered_at").alias("at"))
        .join(merged.lazy(), on="lead", how="left")
        .select(pl.coalesce("survivor", "lead").alias("lead"), "at")
        .collect()
    )


def _entries(facts: Facts, merged: pl.DataFrame, deletions: pl.DataFrame) -> pl.DataFrame:
    """Return moves up to as-of without exact duplicates and re-assertions, by lead and time.

    A move after the deletion of its lead is no re-assertion of a move before it (E10).
    """
    order = {number: each.order for number, each in enumerate(facts.stages)}
    rows = (
        pl.scan_parquet(facts.stage_entries)
        .select(
            _lead("lead_id").alias("lead"),
            pl.col("stage_alias").replace_strict(facts.codes, default=None, return_dtype=pl.Int8).alias("stage"),
            pl.col("entered_at").alias("at"),
        )
        .filter(pl.col("stage").is_not_null() & (pl.col("at") <= facts.as_of))
        .join(merged.lazy(), on="lead", how="left", maintain_order="left")
        .select(pl.coalesce("survivor", "lead").alias("lead"), "stage", "at")
        .collect()
    )
    ordered = rows.sort(
        "lead",
        "at",
        pl.col("stage").replace_strict(order, return_dtype=pl.Int8),
        maintain_order=True,  # equal rows keep the order of the log
    )
    # Duplicates have the same lead and moment and are adjacent, so only few rows are compared.
    same = (pl.col("lead") == pl.col("lead").shift()) & (pl.col("at") == pl.col("at").shift())
    tied = ordered.with_columns((same | same.shift(-1)).fill_null(value=False).alias("tied")).with_row_index()
    first = tied.filter("tied").unique(["lead", "at", "stage"], keep="first", maintain_order=True).select("index")
    return (
        tied.lazy()
        .join(
            first.with_columns(pl.lit(value=True).alias("first")).lazy(), on="index", how="left", maintain_order="left"
        )
        .filter(~pl.col("tied") | pl.col("first").is_not_null())
        .join(deletions.lazy(), on="lead", how="left", maintain_order="left")
        .with_columns((pl.col("at") > pl.col("deleted_at")).fill_null(value=False).alias("is_restored"))
        .filter(pl.any_horizontal(_changes(each) for each in ("stage", "lead", "is_restored")))
        .select("lead", "stage", "at", "deleted_at", "is_restored")
        .collect()
    )


def _changes(column: str) -> pl.Expr:
    """Return whether the value differs from that of the row before; true in the first row."""
    return pl.col(column).ne_missing(pl.col(column).shift())


def _deletions(facts: Facts) -> pl.DataFrame:
    """Return lead → deletion time up to as-of. The last row counts, and without a time it undoes the deletion."""
    if not facts.deletions:
        return pl.DataFrame(schema={"lead": pl.UInt32, "deleted_at": pl.Datetime("us")})
    return (
        pl.scan_parquet(facts.deletions)
        .filter(pl.col("deleted_at").is_null() | (pl.col("deleted_at") <= facts.as_of))
        .unique("lead_id", keep="last", maintain_order=True)
        .select(_lead("lead_id").alias("lead"), "deleted_at")
        .drop_nulls()
        .collect()
    )


def _spans(entries: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return one row per entry: when and how the lead left, and its cycle (null before the first)."""
    number = range(len(facts.stages))
    rank = dict(zip(number, (each.rank for each in facts.stages), strict=True))
    decides = dict(zip(number, (each.rank_or_end for each in facts.stages), strict=True))
    kind = dict(zip(number, (each.kind for each in facts.stages), strict=True))
    kinds = pl.Enum(["path", "hold", "detour", "exit"])
    # A deletion separates what comes after it from what was before (E10).
    begins = _changes("lead") | _changes("is_restored")
    return (
        entries.lazy()
        .with_columns(
            pl.col("stage").replace_strict(rank, return_dtype=pl.Int8).alias("rank"),
            pl.col("stage").replace_strict(kind, return_dtype=kinds).alias("kind"),
            pl.col("stage").replace_strict(decides, return_dtype=pl.Int8).alias("decides"),
            _changes("lead").alias("is_first"),
            begins.alias("begins"),
            begins.shift(-1).fill_null(value=True).alias("is_last"),
        )
        .with_columns(
            pl.when("is_last")
            .then(pl.when(~pl.col("is_restored")).then("deleted_at"))
            .otherwise(pl.col("at").shift(-1))
            .alias("exited_at"),
            _exit_kind().alias("exit_kind"),
            # OFF_PATH before the first row keeps the fill within the lead, and before or after its deletion.
            pl.when("begins").then(OFF_PATH).otherwise(pl.col("decides").shift()).forward_fill().alias("before"),
        )
        .with_columns(((pl.col("kind") == "path") & (pl.col("rank") < pl.col("before"))).alias("opens"))
        .with_columns(pl.col("opens").cast(pl.UInt32).cum_sum().alias("opened"))
        .with_columns(
            pl.when("is_first").then(pl.col("opened") - pl.col("opens").cast(pl.UInt32)).forward_fill().alias("earlier")
        )
        .select(
            "lead",
            "stage",
            "kind",
            "rank",
            "at",
            "exited_at",
            "exit_kind",
            pl.when(pl.col("opened") > pl.col("earlier")).then("opened").alias("cycle"),
        )
        .collect()
    )


def _exit_kind() -> pl.Expr:
    next_kind, next_rank = pl.col("kind").shift(-1), pl.col("rank").shift(-1)
    return (
        pl.when(pl.col("is_last") & pl.col("deleted_at").is_not_null() & ~pl.col("is_restored"))
        .then(pl.lit("deleted"))
        .when("is_last")
        .then(pl.lit("open"))
        .when(next_kind == "hold")
        .then(pl.lit("held"))
        .when(next_kind == "detour")
        .then(pl.lit("detoured"))
        .when(next_kind == "exit")
        .then(pl.lit("exited"))
        .when(pl.col("kind") != "path")
        .then(pl.lit("returned"))
        .when(next_rank > pl.col("rank"))
        .then(pl.lit("advanced"))
        .when(next_rank == pl.col("rank"))
        .then(pl.lit("sideways"))
        .otherwise(pl.lit("regressed"))
        .cast(pl.Categorical)
    )


def _cycles(spans: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return one row per cycle: lead, first and highest rank, outcome, and arrival at each rank."""
    end = (
        pl.when(pl.col("kind") == "detour")
        .then(pl.lit("detoured"))
        .when(pl.col("kind") == "exit")
        .then(pl.lit("exited"))
        .when(pl.col("exit_kind") == "deleted")
        .then(pl.lit("deleted"))
        .cast(pl.Categorical)
    )
    last = len(facts.path)
    return (
        spans.lazy()
        .filter(pl.col("cycle").is_not_null())
        .with_columns(end.alias("end"))
        .group_by("cycle")
        .agg(
            pl.col("lead").first(),
            pl.col("rank").first().alias("entry_rank"),
            pl.col("rank").max().alias("furthest_rank"),
            pl.col("end").drop_nulls().first(),
            *(pl.col("at").filter(pl.col("rank") == rank).min().alias(f"at_{rank}") for rank in range(1, last + 1)),
        )
        .sort("cycle")
        .with_columns(
            pl.when(pl.col(f"at_{last}").is_not_null())
            .then(pl.lit("completed"))
            .when(pl.col("end").is_not_null())
            .then(pl.col("end").cast(pl.String))
            .when(pl.col("lead") == pl.col("lead").shift(-1))
            .then(pl.lit("regressed"))
            .otherwise(pl.lit("open"))
            .cast(pl.Categorical)
            .alias("outcome")
        )
        .collect()
    )


def _sources(facts: Facts, merged: pl.DataFrame) -> pl.DataFrame:
    """Return lead → source as last delivered. A merged lead counts only if the survivor has no record."""
    return (
        pl.scan_parquet(facts.leads)
        .select(
            _lead("lead_id").alias("lead"),
            pl.col("lead_source").replace("", None).fill_null("(none)").cast(pl.Categorical).alias("source"),
        )
        .with_row_index()
        .join(merged.lazy(), on="lead", how="left", maintain_order="left")
        .sort(pl.col("survivor").is_null(), "index")
        .select(pl.coalesce("survivor", "lead").alias("lead"), "source")
        .unique("lead", keep="last", maintain_order=True)
        .collect()
    )


def _span_counts(spans: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    names = {number: each.stage for number, each in enumerate(facts.stages)}
    return (
        spans.group_by("stage", "exit_kind")
        .agg(pl.len().alias("spans"))
        .with_columns(
            pl.col("stage").replace_strict(names, return_dtype=pl.String), pl.col("exit_kind").cast(pl.String)
        )
    )


def _cycle_counts(cycles: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    names = {each.rank: each.stage for each in facts.path}
    return (
        cycles.group_by("entry_rank", "furthest_rank", "outcome")
        .agg(pl.len().alias("cycles"))
        .select(
            pl.col("entry_rank").replace_strict(names, return_dtype=pl.String).alias("entry_stage"),
            pl.col("furthest_rank").replace_strict(names, return_dtype=pl.String).alias("furthest_stage"),
            pl.col("outcome").cast(pl.String),
            "cycles",
        )
    )


def _time_in_stage(spans: pl.DataFrame, unknown: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return time in stage of ended stays, without those interrupted by an unknown stage (T1)."""
    ended = spans.lazy().filter(pl.col("exited_at").is_not_null()).with_row_index("number")
    numbered = ended.select("number", "lead", "at", "exited_at").sort("at", maintain_order=True)
    inside = unknown.lazy().sort("at").join_asof(numbered, on="at", by="lead", check_sortedness=False)
    interrupted = inside.filter(pl.col("exited_at") > pl.col("at")).select("number").unique()
    names = {number: each.stage for number, each in enumerate(facts.stages)}
    us = pl.col("us")
    return (
        ended.join(interrupted, on="number", how="anti")
        .select(
            "stage",
            pl.col("exited_at").dt.truncate("1mo").cast(pl.Date).alias("month"),
            (pl.col("exited_at") - pl.col("at")).dt.total_microseconds().alias("us"),
        )
        .group_by("stage", "month")
        .agg(
            pl.len().alias("completed"),
            (us.quantile(0.5, "linear") / DAY_US).alias("median_days"),
            (us.quantile(0.9, "linear") / DAY_US).alias("p90_days"),
        )
        .with_columns(pl.col("stage").replace_strict(names, return_dtype=pl.String))
        .collect()
    )


def _conversion(cycles: pl.DataFrame, sources: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return the outcomes of all pairs: converted, passed over, lost or still open (K1, K3)."""
    sourced = (
        cycles.lazy()
        .join(sources.lazy(), on="lead", how="left")
        .with_columns(pl.col("source").fill_null("(none)"), (pl.col("outcome") != "open").alias("is_closed"))
    )
    ranks = range(1, len(facts.path) + 1)
    counted = []
    for low in ranks[:-1]:
        at = f"at_{low}"
        outcomes = []
        for high in ranks[low:]:
            is_there = pl.col(f"at_{high}").is_not_null()
            is_above = pl.col("furthest_rank") > high
            is_left = ~is_there & ~is_above
            outcomes += [
                is_there.sum().alias(f"{high}_converted"),
                (~is_there & is_above).sum().alias(f"{high}_passed_over"),
                (is_left & pl.col("is_closed")).sum().alias(f"{high}_lost"),
                (is_left & ~pl.col("is_closed")).sum().alias(f"{high}_still_open"),
            ]
        wide = (
            sourced.filter(pl.col(at).is_not_null())
            .group_by(pl.col(at).dt.truncate("1mo").cast(pl.Date).alias("month"), "source")
            .agg(pl.len().alias("entered"), *outcomes)
        )
        counted += [
            wide.select(
                "month",
                pl.col("source").cast(pl.String),
                pl.lit(facts.path[low - 1].stage).alias("from_stage"),
                pl.lit(facts.path[high - 1].stage).alias("to_stage"),
                "entered",
                *(pl.col(f"{high}_{each}").alias(each) for each in ("converted", "passed_over", "lost", "still_open")),
            )
            for high in ranks[low:]
        ]
    return pl.concat(pl.collect_all(counted))
