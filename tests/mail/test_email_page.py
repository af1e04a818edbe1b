"""The mail of a run has the numbers of the page, is valid for every database, small, and fetches nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.report.layout.charts import Drawing, Label
from pipeline.report.outputs import html as render
from pipeline.report.outputs import png
from pipeline.report.outputs.email import build_email, shorten
from pipeline.report.outputs.email_html import render_email
from pipeline.report.query import read_report
from pipeline.waterfall.definition import Pair, Sla, Stage, Waterfall
from tests import runs
from tests.report import gold, reading
from tests.report.test_edges import HEBREW, LONG, MARKUP, PATH, entries, stage, waterfall
from tests.sample import Sample
from tests.sql.harness import built

MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
AS_OF = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
ONE_LEAD = entries(("L1", "a", 1), ("L1", "b", 3))
URL = "https://reports.example.com/funnel/"


def files_of(definition: Waterfall, rows: list[dict[str, Any]], report_url: str | None = None) -> dict[str, bytes]:
    """File name → content of the mail of these rows; its HTML must parse and have no remote address."""
    report = read_report(built(definition, AS_OF, {"stage_entries": rows}))
    files = render_email(build_email(report, report_url), render.environment())
    html = files["email.html"].decode("utf-8")
    page = reading.read(html)
    assert [] == page.unclosed
    assert {"script", "link", "iframe"} & page.tags == set()
    outside = [value for _, name, value in page.attributes if name in ("src", "href") and "//" in value]
    assert [f"{report_url}index.html"] * bool(report_url) == outside
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert sorted(set(files) - {"email.html", "email.txt"}) == sorted(pictures)
    assert len(html.encode("utf-8")) < 80_000
    return files


def html_of(definition: Waterfall, rows: list[dict[str, Any]]) -> str:
    return files_of(definition, rows)["email.html"].decode("utf-8")


def plain(value: int) -> str:
    return f"{value:,}"


def test_the_mail_equals_the_golden_file(quarter_output: Path) -> None:
    """The mail of the worked quarter equals the golden file byte for byte; `make gold` writes it."""
    assert gold.mail(gold.GOLD) == gold.mail(quarter_output / "reports")


class TestNumbers:
    @pytest.mark.parametrize("name", gold.MAIL)
    def test_counts_equal_the_database(self, quarter_output: Path, name: str) -> None:
        """Both forms show the counts and the rate of every headline pair as in report.headline."""
        words = (quarter_output / "reports" / name).read_text("utf-8")
        visible_text = reading.read(words).text if name.endswith("html") else words
        rows = runs.ask(quarter_output, "from report.headline where is_headline_window order by headline_no")
        parts = re.split(r"MQL → (?:SAL|SQL) within \d+ days\n", visible_text)[1:]
        assert 2 == len(parts) == len(rows)
        for part, row in zip(parts, rows, strict=True):
            if row["recent_entered"]:
                counts = f"{row['recent_converted']} of {row['recent_entered']}"
                assert f"{counts} that became {row['from_label']} in " in part
                assert f"{100 * row['recent_rate']:.0f}%" in part
            else:
                assert "no month is final yet" in part

    def test_the_subject_has_all_pairs(self, quarter_output: Path) -> None:
        """The subject has the headline rate of both pairs with its counts, the name and the as-of day."""
        (row,) = runs.ask(quarter_output, "from report.headline where is_headline_window and headline_no = 1")
        html = (quarter_output / "reports" / "email.html").read_text("utf-8")
        counts = f"{row['recent_converted']} of {row['recent_entered']}"
        rate = f"{100 * row['recent_rate']:.0f}%"
        subject = f"MQL → SAL {rate} ({counts}) · MQL → SQL: no final month yet · One quarter, sixteen leads as of Mar 31, 2026"
        assert f"<title>{subject}</title>" in html

    def test_overdue_leads_equal_the_database(self, quarter_output: Path) -> None:
        """One sentence has the waiting and overdue leads."""
        (total,) = runs.ask(quarter_output, "from report.overview")
        words = (quarter_output / "reports" / "email.txt").read_text("utf-8")
        assert f"{total['open_leads']} leads are waiting, {total['overdue']} overdue.\n" in words

    def test_the_mail_of_the_sample_has_the_first_screen(self, sample: Sample) -> None:
        """Sentence, rates, changes and actions are those of the index, word for word."""
        index = reading.read((sample.reports / "index.html").read_text("utf-8")).text
        words = (sample.reports / "email.txt").read_text("utf-8")
        lines = [line.partition(". ")[2] if re.match(r"\d\. ", line) else line for line in words.splitlines()]
        shown = [
            line
            for line in lines
            if re.search(
                r" rose to | that became | still open| overdue leads are with |Find out why|came without", line
            )
        ]
        assert 8 == len(shown)
        squeezed = "".join(index.split())
        assert [] == [line for line in shown if "".join(line.split()) not in squeezed]


class TestEdges:
    def test_an_empty_database_gives_a_complete_mail(self) -> None:
        """The mail of an empty database says that there are no leads."""
        html = html_of(waterfall(headline=(Pair("a", "b"),)), [])
        assert "No stage entry has been delivered yet" in html
        assert "A → B: no final month yet" in html
        assert "No lead is waiting." in html

    def test_one_lead_is_singular(self) -> None:
        """The mail says `lead`, not `leads`; the rate is 0% or 100% with a wide interval."""
        html = html_of(waterfall(headline=(Pair("a", "b", None, 30),)), ONE_LEAD)
        assert "1 lead is waiting, 1 overdue." in html
        assert "A → B 100% (1 of 1) · Edge as of Mar 31, 2026" in html

    def test_a_mail_without_a_headline_pair_has_overdue_leads(self) -> None:
        """Without a pair the subject has name and day, and the mail has the overdue leads."""
        html = html_of(waterfall(), ONE_LEAD)
        assert "<title>Edge as of Mar 31, 2026</title>" in html

    @pytest.mark.parametrize("name", [MARKUP, HEBREW, LONG])
    def test_hostile_names_are_text(self, name: str) -> None:
        """Markup is text, right-to-left names are isolated, long names are truncated; the text form has them unchanged."""
        stages = (stage("a", 1, label=name), *PATH[1:])
        definition = Waterfall(name, "UTC", stages, headline=(Pair("a", "b"),))
        files = files_of(definition, ONE_LEAD)
        html, words = files["email.html"].decode("utf-8"), files["email.txt"].decode("utf-8")
        assert "<script" not in html
        if name is MARKUP:
            assert f"\n{MARKUP} → B within 90 days\n" in words
            assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in html
        if name is HEBREW:
            assert f"\u2068{HEBREW}\u2069 → B" in html
        if name is LONG:
            assert LONG not in html.partition("<h2")[2].partition("</h2>")[0]
            assert f"{LONG[:69]}… → B" in html

    def test_the_mail_of_a_huge_waterfall_stays_small(self) -> None:
        """With many pairs and SLAs and long definitions, the mail stays below the size that mail programs show."""
        keys = [f"stage_{number:02}" for number in range(24)]
        stages = tuple(
            Stage(key, f"{key} {LONG}", key, f"{HEBREW} & <i>" * 400, "path", rank, sla=Sla(1, "hour"))
            for rank, key in enumerate(keys, 1)
        )
        pairs = tuple(Pair(low, high) for low, high in pairwise(keys))
        rows = entries(*((f"L{number}", key, 1) for number, key in enumerate(keys)))
        html = html_of(Waterfall(f"{LONG} {LONG}", "UTC", stages, headline=pairs), rows)
        assert "17 more headline pairs in the report." in html

    def test_report_url_links_to_the_report(self) -> None:
        """With report_url both forms link to the index, and there is no other link."""
        files = files_of(waterfall(headline=(Pair("a", "b"),)), ONE_LEAD, URL)
        assert f'href="{URL}index.html"' in files["email.html"].decode("utf-8")
        assert f"\n{URL}index.html\n" in files["email.txt"].decode("utf-8")

    def test_a_truncated_name_stays_isolated(self) -> None:
        """A truncated name keeps the end of its isolation."""
        assert "\u2068abc…\u2069" == shorten("\u2068abcdefgh\u2069", 5)
        assert "abcde" == shorten("abcde", 5)


class TestPictures:
    def test_the_same_bytes(self) -> None:
        """Two mails of the same rows are equal file by file, pictures included."""
        twice = [files_of(waterfall(headline=(Pair("a", "b"),)), ONE_LEAD) for _ in range(2)]
        assert twice[0] == twice[1]

    def test_the_text_of_a_picture_is_drawn(self) -> None:
        """A picture with only a label is not blank, because the font is shipped."""
        templates = render.environment()
        blank = png.png(Drawing(30, "nothing"), templates)
        labelled = Drawing(30, "a label", labels=(Label(10, 20, "78% Dec ’25", "start", "scale"),))
        assert len(png.png(labelled, templates)) > len(blank) + 500

    def test_every_letter_of_a_chart_has_a_glyph(self) -> None:
        """The font has digits, signs and all twelve months."""
        from fontTools.ttLib import TTFont

        known = TTFont(png.font_file()).getBestCmap()
        letters = f"0123456789 ’<>–−*%\u202f{MONTHS}"
        assert [] == [letter for letter in letters if ord(letter) not in known]

    def test_a_picture_has_twice_the_pixels_of_the_page(self) -> None:
        """With two pixels per page pixel, a picture is sharp on a phone."""
        content = png.png(Drawing(30, "nothing"), render.environment())
        size = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
        assert (2 * png.WIDTH, 2 * (30 + 2 * png.MARGIN)) == size
