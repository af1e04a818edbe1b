"""Month names of other languages are read like English ones (CLDR)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import format_datetime
from delivery import one_file

from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError
from pipeline.ingest.rows import months

HEADER = "lead_id,stage,entered_at\n"


@pytest.mark.parametrize(
    ("locale", "pattern", "time_text", "read"),
    [
        ("de", "%d. %B %Y %H:%M", "3. März 2026 09:00", "2026-03-03 09:00:00"),
        ("de", "%d. %b %Y", "3. Mär. 2026", "2026-03-03 00:00:00"),
        ("de", "%d. %b %Y", "3. Mai 2026", "2026-05-03 00:00:00"),
        ("fr", "%d %B %Y", "14 FÉVRIER 2026", "2026-02-14 00:00:00"),
        ("es", "%d de %B de %Y %I:%M %p", "3 de septiembre de 2026 9:05 p. m.", "2026-09-03 21:05:00"),
        ("pt-BR", "%d de %b. de %Y", "3 de dez. de 2026", None),
        ("es", "%d/%m/%Y %I:%M %p", "3/9/2026 9:05 p. m.", "2026-09-03 21:05:00"),
        ("ja", "%d %B %Y", "3 March 2026", "2026-03-03 00:00:00"),
        (None, "%d %B %Y", "3 März 2026", None),
    ],
)
def test_a_month_is_read_in_its_language(
    tmp_path: Path, locale: str | None, pattern: str, time_text: str, read: str | None
) -> None:
    """Names may be long or short, with or without a point, in capitals; a second point from the pattern is invalid."""
    inbox = one_file(tmp_path, f"{HEADER}L1,MQL,{time_text}\n", time_format=pattern, locale=locale)
    inbox.land()
    assert ([(read,)] if read else []) == inbox.rows("select entered_at::varchar from raw.stage_entries")


@pytest.mark.parametrize("locale", ["de", "fr", "es", "it", "nl", "pt", "sv", "pl", "cs", "tr", "fi", "da"])
@pytest.mark.parametrize(("width", "letter"), [("MMMM", "%B"), ("MMM", "%b")])
def test_every_month_of_cldr_is_read(tmp_path: Path, locale: str, width: str, letter: str) -> None:
    """Each month is read as CLDR writes it."""
    time_text = [
        format_datetime(datetime(2026, number, 5), f"dd {width} yyyy", locale=locale) for number in range(1, 13)
    ]
    lines = "".join(f"L{number},MQL,{text}\n" for number, text in enumerate(time_text))
    inbox = one_file(tmp_path, HEADER + lines, time_format=f"%d {letter} %Y", locale=locale)
    inbox.land()
    months_read = [
        month for (month,) in inbox.rows("select month(entered_at) from raw.stage_entries order by row_number")
    ]
    assert list(range(1, 13)) == months_read


def test_names_of_a_language_are_distinguished() -> None:
    """No name means two months."""
    for locale in ("de", "fr", "es", "it", "nl", "pt", "sv", "pl", "cs", "tr", "fi", "da", "pt_BR"):
        names = Locale.parse(locale).months["format"]["wide"]
        assert [months.months(locale, "wide")[names[number].lower()] for number in names] == list(
            Locale.parse("en").months["format"]["wide"].values()
        )


def test_an_unknown_language_is_reported(tmp_path: Path) -> None:
    """The message has a valid form."""
    toml = tmp_path / "funnel.toml"
    toml.write_text(
        '[funnel]\nname = "x"\npreset = "mperativ"\n[[inputs]]\nname = "x"\ntable = "stage_entries"\npath = "x"\n'
        'locale = "xx-YY"\n',
        "utf-8",
    )
    with pytest.raises(
        ConfigurationError, match='`xx-YY` is no language that CLDR has; write one like "de", "fr" or "pt-BR"'
    ):
        load_configuration(toml)
