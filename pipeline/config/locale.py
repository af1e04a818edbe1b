"""How a report writes numbers and days. Its words are English in every locale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Locale:
    """How numbers and days are written: `3,975`, `78%` and `Dec 31, 2025` by default."""

    group: str = ","
    """Between thousands."""
    decimal: str = "."
    percent: str = "%"
    """After a percentage; some locales put a space before the sign. A sign before the number is written after it, too."""
    is_month_first: bool = True


EN_US = Locale()


def locale_of(name: str) -> Locale:
    """Return the locale of a name such as `de-DE`, from the Unicode CLDR. Raises ValueError for an unknown name."""
    if name == "en-US":
        return EN_US
    import babel  # slow to import

    try:
        found = babel.Locale.parse(name, sep="-")
    except (babel.UnknownLocaleError, ValueError) as error:
        raise ValueError('must be a locale such as "en-US", "en-GB" or "de-DE"') from error
    symbols = found.number_symbols["latn"]
    return Locale(
        group=symbols["group"],
        decimal=symbols["decimal"],
        percent=found.percent_formats[None].pattern.rpartition("0")[2] or "%",
        is_month_first=found.date_formats["medium"].pattern.startswith("M"),
    )
