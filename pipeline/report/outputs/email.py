"""Build the mail from the values that the pages print. It computes no number.

Pairs, rows and text lengths are limited, because mail programs cut long mails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.headline import card as headline_card
from pipeline.report.headline.tiles import Tile
from pipeline.report.layout import charts
from pipeline.report.layout.table import LegendItem
from pipeline.report.outputs import png
from pipeline.report.outputs.png import Picture
from pipeline.report.overview.page import IndexPage
from pipeline.report.rows import Headline, Overview, Report
from pipeline.report.site import Site

HTML, TEXT = links.EMAIL, "email.txt"
MAX_PAIRS = 6
"""Headline pairs in the mail. The report has all of them."""
MAX_RATES_PER_PAIR = 3
"""Rates of a pair: headline rate, last month, gap to the target. The page has more."""
MAX_STAGES = 8
"""Stages with overdue stays in the mail, those with most first."""
MAX_NAME_LENGTH, MAX_TEXT_LENGTH = 70, 320
"""Maximum characters of a name or label, and of a definition or sentence."""


@dataclass(frozen=True)
class Pair:
    """One headline pair: its counts, its rates and the definitions of its stages."""

    title: str
    counts: tuple[LegendItem, ...]
    tiles: tuple[Tile, ...]
    sentence: str
    meaning: str
    basis: str
    image: Picture


@dataclass(frozen=True)
class Email:
    """Values for both mail templates. `report_url` is empty if it is not configured."""

    subject: str
    preview: str
    """Text that mail programs list after the subject."""
    name: str
    as_of: str
    pairs: tuple[Pair, ...]
    more_pairs: str
    waiting: str
    overdue: tuple[LegendItem, ...]
    """A stage, its overdue stays and its SLA."""
    more_overdue: str
    notices: tuple[str, ...]
    reading: tuple[tuple[str, str], ...]
    """(word, text): unit, basis, as-of."""
    report_url: str


def build_email(site: Site, figures: Figures, report_url: str | None) -> Email:
    """Return the mail about one report. `report_url` is the address of its folder, with a trailing slash."""
    index = site.sheets[0].page
    assert isinstance(index, IndexPage)
    total = figures.overview.rows[0]
    rows = [row for row in figures.headline.rows if row.window_days is None]
    in_window = [row for row in figures.headline.rows if row.is_headline_window]
    pairs = tuple(
        _pair(card, row, number)
        for number, (card, row) in enumerate(zip(index.headline[:MAX_PAIRS], rows, strict=False), 1)
    )
    overdue_stages = sorted(
        (row for row in figures.sla.stages.rows if row.open_overdue), key=lambda row: -row.open_overdue
    )
    waiting = _waiting(total, has_sla=bool(figures.sla.stages.rows))
    return Email(
        subject=_subject(total, figures.report, in_window),
        preview=f"{pairs[0].sentence} {waiting}" if pairs else waiting,
        name=shorten(site.frame.title, MAX_NAME_LENGTH),
        as_of=site.frame.as_of,
        pairs=pairs,
        more_pairs=_more(len(rows) - len(pairs), "headline pair"),
        waiting=waiting,
        overdue=tuple(
            LegendItem(
                "overdue",
                shorten(row.stage_label, MAX_NAME_LENGTH),
                text.plural(row.open_overdue, "stay"),
                f"limit {row.sla_text}",
            )
            for row in overdue_stages[:MAX_STAGES]
        ),
        more_overdue=_more(len(overdue_stages) - MAX_STAGES, "stage"),
        notices=tuple(shorten(notice.text, MAX_TEXT_LENGTH) for notice in index.notices),
        reading=(
            ("As of", site.frame.as_of),
            ("Unit and basis", index.basis),
            (
                "Interval",
                "95 %: a rate of few units says little; it is read with its counts, and within noise means chance may do it.",
            ),
        ),
        report_url=f"{report_url}{links.INDEX}" if report_url else "",
    )


def shorten(words: str, max_length: int) -> str:
    """Return at most `max_length` characters. A shortened text ends in `…` with all isolates closed."""
    if len(words) <= max_length:
        return words
    shortened = words[: max_length - 1].rstrip()
    open_names = shortened.count(text.FIRST_STRONG_ISOLATE) - shortened.count(text.POP_ISOLATE)
    return f"{shortened}…{text.POP_ISOLATE * open_names}"


def _subject(total: Overview, report: Report, rows: Sequence[Headline]) -> str:
    """Return the subject: `MQL → SAL 78.3 % within 30 days (209 of 267, to Oct 2025) · Acme as of …`."""
    of_one = "" if report.is_all else f" · {shorten(text.isolated(report.title), MAX_NAME_LENGTH)}"
    about = f"{shorten(text.isolated(total.name), MAX_NAME_LENGTH)}{of_one} as of {_day(total)}"
    if not rows:
        return about
    first = rows[0]
    pair = f"{shorten(first.from_label, MAX_NAME_LENGTH)} → {shorten(first.to_label, MAX_NAME_LENGTH)}"
    if first.recent_rate is None:
        return f"{pair}: no final month yet · {about}"
    counts = f"{text.count(first.recent_converted)} of {text.count(first.recent_entered)}"
    rate = f"{text.rate(first.recent_rate)} within {first.window_days} days"
    return f"{pair} {rate} ({counts}, to {text.month(first.recent_last_month)}) · {about}"


def _day(total: Overview) -> str:
    return text.moment(total.as_of_local).partition(",")[0]


def _pair(card: headline_card.Card, row: Headline, number: int) -> Pair:
    parts = [
        ("converted", row.converted, ""),
        ("passed", row.passed_over, ""),
        ("lost-1", row.lost, ""),
        ("open", row.still_open, ""),
    ]
    counted = f"{text.count(row.entered)} reached it, " + ", ".join(
        f"{text.count(size)} {words}"
        for words, size in zip(
            ("went on", "passed over", "lost", "still open"), (part[1] for part in parts), strict=True
        )
    )
    bar = charts.target_bar(parts, row.entered, row.target, f"Bar: {counted}.")
    return Pair(
        title=shorten(card.title, 2 * MAX_NAME_LENGTH),
        counts=tuple(
            LegendItem(item.tone, shorten(item.label, MAX_NAME_LENGTH + 20), item.value, item.note)
            for item in card.counts
        ),
        tiles=card.tiles[:MAX_RATES_PER_PAIR],
        sentence=shorten(card.sentence, MAX_TEXT_LENGTH),
        meaning=shorten(card.meaning, MAX_TEXT_LENGTH),
        basis=" ".join(
            f"{word}: {shorten(words, MAX_TEXT_LENGTH)}." for word, words in card.source.reading if word != "As of"
        ),
        image=png.compose_picture(
            f"email-{number}.png", (bar, *(_nameless(trend.drawing) for trend in card.trends[:1]))
        ),
    )


def _nameless(drawing: charts.Drawing) -> charts.Drawing:
    """Return the drawing with an alternative text without names.

    The style inliner does not escape `<` in attributes, so no name may be in one.
    """
    return replace(drawing, alt_text=f"By month of arrival: {drawing.alt_text.rpartition(': ')[2]}")


def _waiting(total: Overview, *, has_sla: bool) -> str:
    if not total.open_leads:
        return "No lead is waiting."
    leads = f"{text.plural(total.open_leads, 'lead is', 'leads are')} waiting"
    if not has_sla:
        return f"{leads}; no stage has a limit, so none can be overdue."
    return f"{leads}, {text.count(total.overdue)} overdue."


def _more(count: int, what: str) -> str:
    return f"{text.plural(count, f'more {what}')} in the report." if count > 0 else ""
