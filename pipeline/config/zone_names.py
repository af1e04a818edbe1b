"""Validates time zone names, and suggests the right name for common mistakes."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

FIXED = {
    "EST": ("America/New_York", "America/Panama"),
    "MST": ("America/Denver", "America/Phoenix"),
}
"""IANA names without summer time: the zone that is probably meant, and one without summer time."""

_SHORT = {
    "pst": ("America/Los_Angeles",),
    "pdt": ("America/Los_Angeles",),
    "pt": ("America/Los_Angeles",),
    "mdt": ("America/Denver",),
    "mt": ("America/Denver",),
    "cdt": ("America/Chicago",),
    "ct": ("America/Chicago",),
    "edt": ("America/New_York",),
    "et": ("America/New_York",),
    "akst": ("America/Anchorage",),
    "akdt": ("America/Anchorage",),
    "cest": ("Europe/Berlin",),
    "eest": ("Europe/Helsinki",),
    "msk": ("Europe/Moscow",),
    "brt": ("America/Sao_Paulo",),
    "jst": ("Asia/Tokyo",),
    "kst": ("Asia/Seoul",),
    "hkt": ("Asia/Hong_Kong",),
    "sgt": ("Asia/Singapore",),
    "aest": ("Australia/Sydney",),
    "aedt": ("Australia/Sydney",),
    "acst": ("Australia/Adelaide",),
    "awst": ("Australia/Perth",),
    "nzst": ("Pacific/Auckland",),
    "nzdt": ("Pacific/Auckland",),
    "sast": ("Africa/Johannesburg",),
    "ast": ("America/Halifax", "Asia/Riyadh"),
    "bst": ("Europe/London", "Asia/Dhaka"),
    "cst": ("America/Chicago", "Asia/Shanghai"),
    "gst": ("Asia/Dubai",),
    "z": ("UTC",),
    "zulu": ("UTC",),
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
}

_REGIONS = {
    "eastern": "America/New_York",
    "central": "America/Chicago",
    "mountain": "America/Denver",
    "pacific": "America/Los_Angeles",
    "alaskan": "America/Anchorage",
    "hawaiian": "Pacific/Honolulu",
    "gmt": "Europe/London",
    "w_europe": "Europe/Berlin",
    "central_europe": "Europe/Budapest",
    "central_european": "Europe/Berlin",
    "romance": "Europe/Paris",
    "india": "Asia/Kolkata",
    "china": "Asia/Shanghai",
    "tokyo": "Asia/Tokyo",
    "singapore": "Asia/Singapore",
    "aus_eastern": "Australia/Sydney",
    "e_south_america": "America/Sao_Paulo",
}
"""Regions in names such as "Pacific Standard Time" (Windows and many exports) and `US/Pacific` (old IANA names)."""

_CITIES = {
    "America/Chicago": "austin dallas houston kansas_city milwaukee minneapolis nashville new_orleans san_antonio st_louis",
    "America/Denver": "salt_lake_city",
    "America/Los_Angeles": "las_vegas oakland palo_alto portland sacramento san_diego san_francisco san_jose seattle",
    "America/New_York": "atlanta baltimore boston brooklyn charlotte cleveland manhattan miami new_york_city nyc orlando "
    "philadelphia pittsburgh raleigh washington",
    "America/Sao_Paulo": "brasilia rio rio_de_janeiro",
    "America/Toronto": "montreal ottawa quebec",
    "Asia/Dubai": "abu_dhabi",
    "Asia/Ho_Chi_Minh": "hanoi",
    "Asia/Jerusalem": "haifa",
    "Asia/Kolkata": "bangalore bengaluru bombay chennai delhi gurgaon hyderabad mumbai new_delhi noida pune",
    "Asia/Shanghai": "beijing guangzhou shenzhen",
    "Asia/Tokyo": "kyoto osaka yokohama",
    "Australia/Sydney": "canberra",
    "Europe/Amsterdam": "eindhoven rotterdam the_hague utrecht",
    "Europe/Berlin": "cologne dusseldorf frankfurt hamburg hannover koln leipzig munchen munich stuttgart",
    "Europe/Brussels": "antwerp ghent",
    "Europe/Dublin": "cork galway",
    "Europe/Istanbul": "ankara izmir",
    "Europe/London": "birmingham bristol edinburgh glasgow leeds liverpool manchester",
    "Europe/Madrid": "barcelona sevilla seville valencia",
    "Europe/Moscow": "st_petersburg saint_petersburg",
    "Europe/Paris": "bordeaux lille lyon marseille nantes toulouse",
    "Europe/Rome": "bologna florence milan milano naples turin",
    "Europe/Stockholm": "goteborg gothenburg malmo",
    "Europe/Warsaw": "gdansk krakow wroclaw",
    "Europe/Zurich": "basel bern geneva lausanne",
    "Pacific/Auckland": "wellington",
}
"""Large cities that are not IANA names."""

_OFFSET = re.compile(r"(?:utc|gmt)?[ _]?[+-]\d{1,2}(?::?\d{2})?", re.IGNORECASE)
_FORM = 'write one like timezone = "America/New_York", "Europe/Berlin" or "UTC"'
MIN_SIMILARITY = 0.8
"""Similarity (0 to 1) of a name to suggest. At this value `Europe` alone has no suggestion."""


def zone(name: str) -> str:
    """Return `name` if it is a time zone with its summer time. Raises ValueError, with the right name to paste."""
    if name in FIXED:
        usual, fixed = FIXED[name]
        raise ValueError(
            f'`{name}` has no summer time; write timezone = "{usual}", or "{fixed}" if the clocks never change'
        )
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, or a folder of zones
        raise ValueError(f"`{name}` is not a time zone; {_hint(name)}") from None
    return name


def _hint(name: str) -> str:
    if _OFFSET.fullmatch(name.strip()):
        return f"an offset has no summer time; {_FORM}"
    meant = [f'"{each}"' for each in _meant(name)]
    if len(meant) > 1:
        return f"it can mean several zones; write timezone = {', '.join(meant[:-1])} or {meant[-1]}"
    return f"write timezone = {meant[0]}" if meant else _FORM


def _meant(name: str) -> Sequence[str]:
    """Return the zones that `name` can mean, the most likely first; nothing if no zone is similar."""
    plain = _plain(name)
    if plain in _SHORT:
        return _SHORT[plain]
    place = plain.rpartition("/")[2]
    named = re.sub(r"_(?:(?:standard|daylight)_)?time$", "", place)
    if named in _REGIONS and (named != place or plain == place or plain.startswith("us/")):
        return (_REGIONS[named],)
    if place in _places():
        return (_places()[place],)
    if near := _nearest(plain, _names()):
        return (_names()[near],)
    near = _nearest(place, _places())
    return (_places()[near],) if near else ()


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=MIN_SIMILARITY)), None)


@cache
def _names() -> dict[str, str]:
    """Return every zone by its plain name. Old names of zones of the United States map to the new ones."""
    zones = {_plain(each): each for each in available_timezones()}
    return zones | {
        f"us/{region}": zones[_plain(found)] for region, found in _REGIONS.items() if f"us/{region}" in zones
    }


@cache
def _places() -> dict[str, str]:
    """Return the zone of every city by plain name: cities in IANA names, and other large cities."""
    continents = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    cities = {_plain(city): found for found, listed in _CITIES.items() for city in listed.split()}
    named = sorted(
        (each for each in available_timezones() if each.startswith(continents)), key=lambda each: -each.count("/")
    )
    return cities | {_plain(each).rpartition("/")[2]: each for each in named}


def _plain(text: str) -> str:
    """Return a name in lower case without accents, with `_` for spaces, dots and hyphens: Zürich, São Paulo, W. Europe."""
    letters = unicodedata.normalize("NFKD", text.strip())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[ ._-]+", "_", bare.lower()).strip("_")
