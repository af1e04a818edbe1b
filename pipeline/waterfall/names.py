"""How a stage name of a CRM becomes the alias that is compared, and which known word is nearest to an unknown one."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

WORD = re.compile(r"[a-z][a-z0-9_]*")
LONGEST_WORD = 60
RESERVED_WORDS = frozenset({"all"})  # the total of every dimension and grain

INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphen, zero-width characters, direction marks and the byte order mark."""
_WHITE_SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

PLAIN_TEXT_SQL = (
    "trim(regexp_replace(nfc_normalize(regexp_replace({column}, "
    r"'[\x{{AD}}\x{{61C}}\x{{200B}}-\x{{200F}}\x{{202A}}-\x{{202E}}\x{{2060}}\x{{2066}}-\x{{2069}}\x{{FEFF}}]', '', 'g')), "
    r"'[\t\n\x0B\f\r\x{{85}}\p{{Z}}]+', ' ', 'g'), ' ')"
)
"""Text in Unicode NFC, nothing invisible, single spaces, trimmed, as a DuckDB expression; `.format(column=...)` fills it in."""

NORMALISE_STAGE_SQL = f"lower({PLAIN_TEXT_SQL})"
"""`normalise_stage` as a DuckDB expression; fill in the column with `.format(column=...)`."""


def normalise_stage(text: str) -> str:
    """The form in which stage names are compared: Unicode NFC, nothing invisible, single spaces, trimmed, lower case."""
    visible = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    # Letter by letter and one letter for one, as DuckDB does: str.lower() knows final sigma and makes two letters of İ.
    return "".join(letter.lower()[0] for letter in _WHITE_SPACE.sub(" ", visible).strip(" "))


def why_not_a_word(text: str) -> str | None:
    """What keeps `text` from being a key, or None: keys are lower-case words with digits and underscores."""
    if text in RESERVED_WORDS:
        return f"`{text}` is reserved for totals; choose another word"
    if not WORD.fullmatch(text):
        return "must be a lower-case word: a letter first, then letters, digits or underscores"
    if len(text) > LONGEST_WORD:
        return f"must not be longer than {LONGEST_WORD} characters"
    return None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, or None if none comes near."""
    words = list(known)
    found = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    longer = [longer for longer in words if len(word) > 2 and longer.startswith(word.lower())]
    return next(iter(found or longer), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest known word, or else the words there are."""
    words = list(known)
    near = nearest(word, words)
    if near is not None:
        return f"; did you mean `{near}`?"
    return f"; known: {', '.join(words)}" if words else ""


def with_article(kind: str) -> str:
    """`a hold`, `a detour`, `an exit`."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def label_of(key: str) -> str:
    """A readable label for a key that has none: `sales_accepted` becomes "Sales accepted"."""
    return key.replace("_", " ").capitalize()


MAX_SHOWN_WORD = 200
"""Characters of a word that a page or a message shows; an id of a megabyte would be all that there is to see."""


def cut(words: str) -> str:
    """The text with every longer word cut short."""
    if len(words) <= MAX_SHOWN_WORD:
        return words
    return _LONG_WORD.sub(lambda found: f"{found[0][: MAX_SHOWN_WORD - 1]}…", words)


_LONG_WORD = re.compile(rf"\S{{{MAX_SHOWN_WORD + 1},}}")
