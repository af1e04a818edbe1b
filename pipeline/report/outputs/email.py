"""A site to the mail about it: the headline in a minute, from the very values that the pages print. It computes nothing.

Everything in it is bounded (pairs, rows, length of a text), so that no configuration makes it longer than mail programs show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.headline import card as headline_card
from pipeline.report.layout import charts
from pipeline.report.layout.table import LegendItem
from pipeline.report.outputs import png
from pipeline.report.outputs.png import Picture
from pipeline.report.overview.page import IndexPage
from pipeline.report.rows import Headline, Overview, Report
from pipeline.report.site import Site

HTML, TEXT = links.EMAIL, "email.txt"
MAX_PAIRS = 6
"""Headline pairs in the mail; the report has them all."""
MAX_RATES_PER_PAIR = 3
"""Rates of a pair: the headline rate, its last month, the gap to the target. The page has more."""
MAX_STAGES = 8
"""Stages with overdue stays in the mail, those with most first."""
MAX_NAME_LENGTH, MAX_TEXT_LENGTH = 70, 320
"""Letters of a name or label, and of a definition or sentence, before they are cut."""


@dataclass(frozen=True)
class Pair:
    """One headline pair: counts, then rates with what they rest on, then what the two names mean."""

    title: str
    counts: tuple[LegendItem, ...]
    tiles: tuple[headline_card.Tile, ...]
    sentence: str
    meaning: str
    basis: str
    image: Picture


@dataclass(frozen=True)
class Email:
    """What both templates get. `report_url` is empty when nobody said where readers find the report."""

    subject: str
    preview: str
    """What a list of mails shows after the subject."""
    name: str
    as_of: str
    pairs: tuple[Pair, ...]
    more_pairs: str
    waiting: str
    overdue: tuple[LegendItem, ...]
    """A stage, its overdue stays, and its limit."""
    more_overdue: str
    notices: tuple[str, ...]
    reading: tuple[tuple[str, str], ...]
    """(word, text): unit, basis, as-of …"""
    report_url: str


def build_email(site: Site, figures: Figures, report_url: str | None) -> Email:
    """The mail about one report. `report_url` is the address of its folder, with a slash at the end."""
    index = site.sheets[0].page
    assert isinstance(index, IndexPage)
    total = figures.overview.rows[0]
    rows = [row for row in figures.headline.rows if row.window_days is None]
    in_window = [row for row in figures.headline.rows if row.is_headline_window]
    pairs = tuple(
        _pair(card, row, number)
        for number, (card, row) in enumerate(zip(index.headline[:MAX_PAIRS], rows, strict=False), 1)
    )
    late = sorted((row for row in figures.sla.rows if row.open_overdue), key=lambda row: -row.open_overdue)
    waiting = _waiting(total, has_sla=bool(figures.sla.rows))
    return Email(
        subject=_subject(total, figures.shown, in_window),
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
            for row in late[:MAX_STAGES]
        ),
        more_overdue=_more(len(late) - MAX_STAGES, "stage"),
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


def shorten(words: str, most: int) -> str:
    """At most `most` letters; what is cut ends in `…`, and every isolated name stays closed."""
    if len(words) <= most:
        return words
    shortened = words[: most - 1].rstrip()
    open_names = shortened.count(text.FIRST_STRONG_ISOLATE) - shortened.count(text.POP_ISOLATE)
    return f"{shortened}…{text.POP_ISOLATE * open_names}"


def _subject(total: Overview, shown: Report, rows: Sequence[Headline]) -> str:
    """`MQL → SAL 78.3 % within 30 days (209 of 267, to Oct 2025) · Acme as of …`; of one value `· Acme · EMEA as of …`."""
    of_one = "" if shown.is_all else f" · {shorten(text.isolated(shown.title), MAX_NAME_LENGTH)}"
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
    """The same, saying what follows its last colon: no name goes into an attribute, where the style inliner writes < as it is."""
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
