"""The actions of report.actions in words, each with a link to its leads or figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.report import answers, links, text
from pipeline.report.query import Footnotes, Report, Row

MAX_ACTIONS = 3
"""Actions on the index and in the mail; the table has all rules that fired."""


@dataclass(frozen=True)
class ActionLine:
    """One action: what to do, its background, and a link. `link_label` says what the link shows."""

    what: str
    background: str
    link: str
    link_label: str


def actions(report: Report) -> dict[str, Any]:
    """Return the first `MAX_ACTIONS` actions; no line if no rule fired."""
    pairs = answers.headline_windows(report)
    return {
        "lines": tuple(WORDS[row.rule](row, pairs, report) for row in answers.actions(report).rows[:MAX_ACTIONS]),
        "source": report.source(answers.actions(report)),
    }


def _overdue_owner(row: Row, _: Mapping[int, Row], __: Footnotes) -> ActionLine:
    background = "" if row.oldest_age_days is None else f"The oldest has waited {text.whole_days(row.oldest_age_days)}."
    if row.in_time_share is not None and row.others_in_time_share is not None:
        background += (
            f" In {row.stage_label}, {text.percent(row.in_time_share)} of this owner’s leads were handled in time; "
            f"{text.percent(row.others_in_time_share)} of all others."
        )
    return ActionLine(
        f"{text.count(row.units)} of {text.count(row.of_units)} overdue leads are with {row.current_owner}.",
        background.strip(),
        links.OVERDUE,
        "See the list",
    )


def _overdue_leads(row: Row, _: Mapping[int, Row], __: Footnotes) -> ActionLine:
    return ActionLine(
        f"{text.count(row.units)} of {text.count(row.of_units)} leads with a time limit are overdue.",
        "" if row.oldest_age_days is None else f"The oldest has waited {text.whole_days(row.oldest_age_days)}.",
        links.OVERDUE,
        "See the list",
    )


def _weak_value(row: Row, pairs: Mapping[int, Row], footnotes: Footnotes) -> ActionLine:
    pair = pairs[row.headline_no]
    return ActionLine(
        f"Find out why {footnotes.dimension(row.dimension)} “{row.dimension_value}” did worse "
        f"in {footnotes.month_range(row.first_month, row.last_month)}: {pair.from_label} → {pair.to_label} "
        f"{text.percent(row.share)} of {text.count(row.of_units)}, all others {text.percent(row.compared_share)}.",
        "The difference is larger than chance explains, also when all values and months are compared.",
        f"{links.pair_page(pair.from_stage, pair.to_stage)}#cuts",
        f"By {footnotes.dimension(row.dimension)}",
    )


def _skipped_stage(row: Row, _: Mapping[int, Row], footnotes: Footnotes) -> ActionLine:
    return ActionLine(
        f"{text.count(row.units)} of {text.count(row.of_units)} arrivals at {row.stage_label} "
        f"in {footnotes.month_range(row.first_month, row.last_month)} came without {row.previous_label} "
        f"({text.percent(row.share)}).",
        f"They are in no {row.previous_label} rate. Check whether they should be.",
        links.SKIPPED,
        "See the list",
    )


def _no_account(row: Row, _: Mapping[int, Row], __: Footnotes) -> ActionLine:
    return ActionLine(
        f"{text.count(row.units)} of {text.count(row.of_units)} leads have no account ({text.percent(row.share)}).",
        "Figures by account leave them out.",
        links.ACCOUNTS,
        "Leads and accounts",
    )


WORDS: dict[str, Callable[[Row, Mapping[int, Row], Footnotes], ActionLine]] = {
    "overdue_owner": _overdue_owner,
    "overdue_leads": _overdue_leads,
    "weak_value": _weak_value,
    "skipped_stage": _skipped_stage,
    "no_account": _no_account,
}
"""Rule → its words."""
