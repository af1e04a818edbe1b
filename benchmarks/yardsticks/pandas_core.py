"""The core job in pandas, like polars_core, with integer codes and categories where pandas is fast with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.yardsticks.facts import OFF_PATH, Facts, survivors

DAY_US = 86_400_000_000
_OUTCOMES = ("converted", "passed_over", "lost", "still_open")


def run(facts: Facts, answers: Path) -> int:
    """Write the answers as Parquet. Returns the number of spans."""
    entries, unknown, leads, ids = _read(facts)
    spans = _spans(_distinct_moves(entries, _deletions(facts, ids), facts), facts)
    cycles = _cycles(spans, facts)
    _span_counts(spans, facts).to_parquet(answers / "spans.parquet")
    _cycle_counts(cycles, facts).to_parquet(answers / "cycles.parquet")
    _time_in_stage(spans, unknown, facts).to_parquet(answers / "time_in_stage.parquet")
    _conversion(cycles, leads, facts).to_parquet(answers / "conversion.parquet")
    return len(spans)


def _read(facts: Facts) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.Index]:
    """Return entries, rows of unknown stages, leads, and all lead ids.

    Lead ids are replaced by the number of the surviving lead, which is its index in the last result.
    """
    rows = _table(facts.stage_entries, ["lead_id", "stage_alias", "entered_at"])
    rows = rows.set_column(1, "stage_alias", rows["stage_alias"].combine_chunks().dictionary_encode())
    records = _table(facts.leads, ["lead_id", "lead_source"])
    merges = _merges(facts)
    every = pd.concat([rows["lead_id"].to_pandas(), records["lead_id"].to_pandas(), pd.Series(merges).rename(None)])
    codes, ids = pd.factorize(every)
    survivor = np.arange(len(ids))
    survivor[ids.get_indexer(list(merges))] = ids.get_indexer(list(merges.values()))

    stage = rows["stage_alias"].to_pandas()
    code_of = stage.cat.categories.map(lambda spelling: facts.codes.get(spelling, -1)).to_numpy(dtype=np.int8)
    entries = pd.DataFrame(
        {
            "lead": survivor[codes[: rows.num_rows]],
            "stage": code_of[stage.cat.codes],
            "at": rows["entered_at"].to_pandas(),
        }
    )
    unknown = entries.loc[entries["stage"] < 0, ["lead", "at"]]
    entries = entries[(entries["stage"] >= 0) & (entries["at"] <= pd.Timestamp(facts.as_of))]

    delivered = codes[rows.num_rows : rows.num_rows + records.num_rows]
    source = records["lead_source"].to_pandas().replace("", None).fillna("(none)").astype("category")
    leads = pd.DataFrame({"lead": survivor[delivered], "is_own": survivor[delivered] == delivered, "source": source})
    leads = leads.sort_values("is_own", kind="stable").drop_duplicates("lead", keep="last")
    return entries, unknown, leads.set_index("lead")[["source"]], pd.Index(ids)


def _table(files: Sequence[str], columns: list[str]) -> pa.Table:
    return pq.read_table(list(files), columns=columns)


def _merges(facts: Facts) -> dict[str, str]:
    """Return lead id → id of the survivor, for merges up to as-of."""
    if not facts.merges:
        return {}
    merges = _table(facts.merges, ["from_lead_id", "into_lead_id", "merged_at"]).to_pandas()
    merges = merges[merges["merged_at"].isna() | (merges["merged_at"] <= pd.Timestamp(facts.as_of))]
    merges = merges.drop_duplicates("from_lead_id", keep="last")
    return survivors(list(zip(merges["from_lead_id"], merges["into_lead_id"], strict=True)))


def _deletions(facts: Facts, ids: pd.Index) -> pd.Series:
    """Return lead → deletion time up to as-of. The last row counts, and without a time it undoes the deletion."""
    if not facts.deletions:
        return pd.Series(dtype="datetime64[us]")
    deletions = _table(facts.deletions, ["lead_id", "deleted_at"]).to_pandas()
    deletions = deletions[~(deletions["deleted_at"] > pd.Timestamp(facts.as_of))]
    deletions = deletions.drop_duplicates("lead_id", keep="last").dropna(subset="deleted_at")
    return pd.Series(deletions["deleted_at"].to_numpy(), index=ids.get_indexer(deletions["lead_id"]))


def _distinct_moves(entries: pd.DataFrame, deletions: pd.Series, facts: Facts) -> pd.DataFrame:
    """Return moves without exact duplicates and re-assertions, by lead and time.

    In the same moment path stages come first, then the order of the log decides. A move after the deletion of its lead is no
    re-assertion of a move before it (E10).
    """
    order = np.array([each.order for each in facts.stages], dtype=np.int8)
    ordered = entries.assign(order=order[entries["stage"]]).sort_values(["lead", "at", "order"], kind="stable")
    lead, at = ordered["lead"], ordered["at"]
    same = (lead == lead.shift()) & (at == at.shift())
    # Duplicates have the same lead and moment and are adjacent, so only few rows are compared.
    tied = ordered[same | same.shift(-1, fill_value=False)]
    ordered = ordered.drop(index=tied.index[tied.duplicated(["lead", "at", "stage"])])
    deleted_at = ordered["lead"].map(deletions) if len(deletions) else pd.Series(pd.NaT, index=ordered.index)
    ordered = ordered.assign(deleted_at=deleted_at, is_restored=ordered["at"] > deleted_at)
    keys = ordered[["lead", "stage", "is_restored"]]
    moved = (keys != keys.shift()).any(axis="columns")
    return ordered.loc[moved, ["lead", "stage", "at", "deleted_at", "is_restored"]].reset_index(drop=True)


def _spans(spans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return one row per entry: when and how the lead left, and its cycle (0 before the first)."""
    stage = spans["stage"].to_numpy()
    rank = pd.Series(np.array([each.rank or 0 for each in facts.stages], dtype=np.int8)[stage])
    decides = pd.Series(np.array([each.rank_or_end or np.nan for each in facts.stages], dtype=np.float32)[stage])
    kind = pd.Series(pd.Categorical([each.kind for each in facts.stages]).take(stage))
    is_path = rank > 0
    is_first = spans["lead"] != spans["lead"].shift()
    # A deletion separates what comes after it from what was before (E10).
    begins = is_first | (spans["is_restored"] != spans["is_restored"].shift())
    is_last = begins.shift(-1, fill_value=True)
    is_deleted = is_last & spans["deleted_at"].notna() & ~spans["is_restored"]
    next_kind, next_rank = kind.shift(-1), rank.shift(-1, fill_value=0)
    exit_kind = np.select(
        [
            is_deleted,
            is_last,
            next_kind == "hold",
            next_kind == "detour",
            next_kind == "exit",
            ~is_path,
            next_rank > rank,
            next_rank == rank,
        ],
        [0, 1, 2, 3, 4, 5, 6, 7],
        8,
    )
    kinds = ["deleted", "open", "held", "detoured", "exited", "returned", "advanced", "sideways", "regressed"]
    # OFF_PATH before the first row keeps the fill within the lead, and before or after its deletion.
    before = decides.shift().mask(begins, OFF_PATH).ffill()
    opens = (is_path & (rank < before)).astype(np.int32)
    opened = opens.cumsum()
    earlier = (opened - opens).where(is_first).ffill()
    return spans.assign(
        rank=rank,
        kind=kind,
        exited_at=spans["at"].shift(-1).mask(is_last, spans["deleted_at"].where(is_deleted)),
        exit_kind=pd.Categorical.from_codes(exit_kind.astype(np.int8), pd.Index(kinds)),
        is_deleted=is_deleted,
        cycle=opened.where(opened > earlier, 0),
    )


def _cycles(spans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return one row per cycle: lead, first and highest rank, outcome, and arrival at each rank."""
    inside = spans[spans["cycle"] > 0]
    groups = inside.groupby("cycle", sort=True)
    cycles = pd.DataFrame(
        {
            "lead": groups["lead"].first(),
            "entry_rank": groups["rank"].first(),
            "furthest_rank": groups["rank"].max(),
        }
    )
    for each in facts.path:
        there = inside[inside["rank"] == each.rank].drop_duplicates("cycle")
        cycles[f"at_{each.rank}"] = pd.Series(there["at"].to_numpy(), index=there["cycle"].to_numpy())
    ends = inside[inside["is_deleted"] | inside["kind"].isin(["detour", "exit"])].drop_duplicates("cycle")
    ender = pd.Series(ends["kind"].astype(object).to_numpy(), index=ends["cycle"].to_numpy()).reindex(cycles.index)
    cycles["outcome"] = np.select(
        [
            cycles[f"at_{len(facts.path)}"].notna(),
            ender == "detour",
            ender == "exit",
            ender.notna(),
            cycles["lead"] == cycles["lead"].shift(-1),
        ],
        ["completed", "detoured", "exited", "deleted", "regressed"],
        "open",
    )
    return cycles


def _span_counts(spans: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    counts = spans.groupby(["stage", "exit_kind"], observed=True).size().rename("spans").reset_index()
    return counts.assign(
        stage=[facts.stages[each].stage for each in counts["stage"]], exit_kind=counts["exit_kind"].astype(str)
    )


def _cycle_counts(cycles: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    counts = cycles.groupby(["entry_rank", "furthest_rank", "outcome"]).size().rename("cycles").reset_index()
    names = {each.rank: each.stage for each in facts.path}
    return counts.assign(
        entry_stage=counts["entry_rank"].map(names), furthest_stage=counts["furthest_rank"].map(names)
    )[["entry_stage", "furthest_stage", "outcome", "cycles"]]


def _time_in_stage(spans: pd.DataFrame, unknown: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return time in stage of ended stays, without those interrupted by an unknown stage (T1)."""
    left = spans[spans["exited_at"].notna()]
    numbered = left.reset_index(names="number").sort_values("at", kind="stable")[["number", "lead", "at", "exited_at"]]
    inside = pd.merge_asof(unknown.sort_values("at"), numbered, on="at", by="lead")
    left = left.drop(index=inside.loc[inside["exited_at"] > inside["at"], "number"].unique())
    stays = pd.DataFrame(
        {
            "stage": left["stage"],
            "month": _month(left["exited_at"]),
            "us": (left["exited_at"] - left["at"]).dt.as_unit("us").astype(np.int64),
        }
    )
    groups = stays.groupby(["stage", "month"])["us"]
    quantiles = groups.quantile(np.array([0.5, 0.9])).unstack() / DAY_US
    answer = pd.DataFrame({"completed": groups.size(), "median_days": quantiles[0.5], "p90_days": quantiles[0.9]})
    answer = answer.reset_index()
    return answer.assign(stage=[facts.stages[each].stage for each in answer["stage"]], month=answer["month"].dt.date)


def _conversion(cycles: pd.DataFrame, leads: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    """Return the outcomes of all pairs: converted, passed over, lost or still open (K1, K3)."""
    source = cycles[["lead"]].join(leads, on="lead")["source"]
    source = source.cat.add_categories([each for each in ("(none)",) if each not in source.cat.categories])
    cycles = cycles.assign(source=source.fillna("(none)"), is_closed=cycles["outcome"] != "open")
    parts = []
    for low in facts.path[:-1]:
        entered = cycles[cycles[f"at_{low.rank}"].notna()]
        keys = [_month(entered[f"at_{low.rank}"]).rename("month"), entered["source"]]
        for high in facts.path[low.order :]:
            is_there = entered[f"at_{high.rank}"].notna()
            is_above = entered["furthest_rank"] > high.order
            is_left = ~is_there & ~is_above
            each = [is_there, ~is_there & is_above, is_left & entered["is_closed"], is_left & ~entered["is_closed"]]
            flags = pd.DataFrame(dict(zip(_OUTCOMES, each, strict=True))).assign(entered=True)
            counts = flags.groupby(keys, observed=True).sum().reset_index()
            parts.append(counts.assign(from_stage=low.stage, to_stage=high.stage))
    answer = pd.concat(parts)
    return answer.assign(month=answer["month"].dt.date, source=answer["source"].astype(str))


def _month(at: pd.Series) -> pd.Series:
    return pd.Series(at.to_numpy().astype("datetime64[M]").astype("datetime64[us]"), index=at.index)
