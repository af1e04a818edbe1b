"""Build the mail from the values that the pages print. It computes no number.

Pairs, rows and text lengths are limited, because mail programs cut long mails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.report import answers, links, text
from pipeline.report.actions.actions import actions
from pipeline.report.headline.key_rates import key_rates, sentence
from pipeline.report.layout import charts
from pipeline.report.outputs import png
from pipeline.report.overview.notices import notices, warnings
from pipeline.report.overview.page import basis
from pipeline.report.query import Report, Row
from pipeline.report.site import title

HTML, TEXT = links.EMAIL, "email.txt"
MAX_PAIRS = 6
"""Headline pairs in the mail. The report has all of them."""
MAX_PAIRS_IN_SUBJECT = 2
MAX_NAME_LENGTH, MAX_TEXT_LENGTH = 70, 320
"""Maximum characters of a name or label, and of a sentence."""
UP_AND_DOWN = (
    "only if the 95% interval of the difference excludes 0; otherwise chance may explain it. In the charts the band is the 95% "
    "interval of a month, and hatched months are not final."
)


def build_email(
    report: Report, report_url: str | None, notes: tuple[str, ...] = (), stale: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the values of both mail templates. `report_url` is the address of its folder, with a trailing slash.

    `notes` are warnings of the run, which are counted, and `stale` names inputs without new files.
    """
    total, rates = report.overview, key_rates(report)
    waiting = _waiting(total, has_sla=bool(answers.sla(report).rows))
    said = shorten(sentence(report), MAX_TEXT_LENGTH)
    return {
        "subject": _subject(total, report, text.day_in_words(total.as_of_local), rates),
        "preview": said or waiting,  # which mail programs list after the subject
        "name": shorten(title(report), MAX_NAME_LENGTH),
        "as_of": report.as_of,
        "sentence": said,
        "pairs": tuple(_pair(rate, number) for number, rate in enumerate(rates[:MAX_PAIRS], 1)),
        "more_pairs": _more(len(rates) - MAX_PAIRS, "headline pair"),
        "actions": tuple(
            replace(
                line,
                what=shorten(line.what, MAX_TEXT_LENGTH),
                background=shorten(line.background, MAX_TEXT_LENGTH),
                link=f"{report_url}{line.link}" if report_url else "",
            )
            for line in actions(report)["lines"]
        ),
        "waiting": waiting,
        "notices": tuple(
            shorten(notice.text, MAX_TEXT_LENGTH) for notice in (*warnings(report, stale), *notices(report, notes))
        ),
        "reading": (("As of", report.as_of), ("Unit and basis", basis(report)), ("Up and down", UP_AND_DOWN)),
        "report_url": f"{report_url}{links.INDEX}" if report_url else "",
    }


def shorten(words: str, max_length: int) -> str:
    """Return at most `max_length` characters. A shortened text ends in `…` with all isolates closed."""
    if len(words) <= max_length:
        return words
    shortened = words[: max_length - 1].rstrip()
    open_names = shortened.count(text.FIRST_STRONG_ISOLATE) - shortened.count(text.POP_ISOLATE)
    return f"{shortened}…{text.POP_ISOLATE * open_names}"


def _subject(total: Row, report: Report, day: str, rates: Sequence[dict[str, Any]]) -> str:
    """Return the subject: `MQL → SAL 76% (538 of 709) ▲ · MQL → SQL 32% (202 of 627) · Acme as of Dec 31, 2025`."""
    of_one = "" if report.is_all else f" · {shorten(text.isolated(report.filter.title), MAX_NAME_LENGTH)}"
    about = f"{shorten(text.isolated(total.name), MAX_NAME_LENGTH)}{of_one} as of {day}"
    said = []
    for rate in rates[:MAX_PAIRS_IN_SUBJECT]:
        arrow = f" {rate['arrow']}" if rate["direction"] in ("up", "down") else ""
        counts = f"{rate['rate']} ({rate['counts']}){arrow}"
        said.append(f"{_short_pair(rate)} {counts}" if rate["counts"] else f"{_short_pair(rate)}: no final month yet")
    return " · ".join((*said, about))


def _short_pair(rate: dict[str, Any]) -> str:
    return f"{shorten(rate['from_label'], MAX_NAME_LENGTH)} → {shorten(rate['to_label'], MAX_NAME_LENGTH)}"


def _pair(rate: dict[str, Any], number: int) -> dict[str, Any]:
    lines = (f"{rate['counts']} {rate['basis']}" if rate["counts"] else "", rate["open_months"])
    return {
        "title": f"{_short_pair(rate)} within {rate['window_days']} days",
        "rate": rate["rate"],
        "arrow": rate["arrow"],
        "change": rate["change"],
        "lines": tuple(shorten(line, MAX_TEXT_LENGTH) for line in lines if line),
        "file": f"email-{number}.png",
        "width": png.WIDTH,
        "chart": _nameless(rate["chart"]),
    }


def _nameless(drawing: charts.Drawing) -> charts.Drawing:
    """Return the drawing without names, neither in its alternative text nor on events.

    The style inliner does not escape `<` in attributes, and the font of the picture has digits and months only.
    """
    return replace(
        drawing,
        alt_text=f"Rate by month of arrival: {drawing.alt_text.rpartition(': ')[2]}.",
        labels=tuple(label for label in drawing.labels if label.tone != "event"),
    )


def _waiting(total: Row, *, has_sla: bool) -> str:
    if not total.open_leads:
        return "No lead is waiting."
    leads = f"{text.plural(total.open_leads, 'lead is', 'leads are')} waiting"
    if not has_sla:
        return f"{leads}; no stage has a limit, so none can be overdue."
    return f"{leads}, {text.count(total.overdue)} overdue."


def _more(count: int, what: str) -> str:
    return f"{text.plural(count, f'more {what}')} in the report." if count > 0 else ""
