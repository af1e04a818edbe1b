"""Normalises stage names for comparison, validates keys, and suggests similar names."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

WORD = re.compile(r"[a-z][a-z0-9_]*")
MAX_KEY_LENGTH = 60
RESERVED_WORDS = frozenset({"all"})  # the total of every dimension and grain

INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphen, zero-width characters, direction marks and the byte order mark."""
_WHITE_SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

PLAIN_TEXT_SQL = (
    "trim(regexp_replace(nfc_normalize(regexp_replace({column}, "
    r"'[\x{{AD}}\x{{61C}}\x{{200B}}-\x{{200F}}\x{{202A}}-\x{{202E}}\x{{2060}}\x{{2066}}-\x{{2069}}\x{{FEFF}}]', '', 'g')), "
    r"'[\t\n\x0B\f\r\x{{85}}\p{{Z}}]+', ' ', 'g'), ' ')"
)
"""DuckDB expression: Unicode NFC, no invisible characters, single spaces, trimmed. Needs `.format(column=…)`."""

NORMALISE_STAGE_SQL = f"lower({PLAIN_TEXT_SQL})"
"""`normalise_stage` as a DuckDB expression. Needs `.format(column=…)`."""


def normalise_stage(text: str) -> str:
    """Return a stage name for comparison: Unicode NFC, no invisible characters, single spaces, trimmed, lower case."""
    visible = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    # Letter by letter, as DuckDB does: str.lower() treats a final sigma differently and returns two characters for İ.
    return "".join(letter.lower()[0] for letter in _WHITE_SPACE.sub(" ", visible).strip(" "))


def why_not_a_word(text: str) -> str | None:
    """Return why `text` is not a valid key, or None. Keys are lower-case words with digits and underscores."""
    if text in RESERVED_WORDS:
        return f"`{text}` is reserved for totals; choose another word"
    if not WORD.fullmatch(text):
        return "must be a lower-case word: a letter first, then letters, digits or underscores"
    if len(text) > MAX_KEY_LENGTH:
        return f"must not be longer than {MAX_KEY_LENGTH} characters"
    return None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar to `word`, or None."""
    words = list(known)
    found = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    longer = [longer for longer in words if len(word) > 2 and longer.startswith(word.lower())]
    return next(iter(found or longer), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` with the nearest known word, else the list of known words."""
    words = list(known)
    near = nearest(word, words)
    if near is not None:
        return f"; did you mean `{near}`?"
    return f"; known: {', '.join(words)}" if words else ""


def with_article(kind: str) -> str:
    """Return the word with its article: `a hold`, `an exit`."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def label_of(key: str) -> str:
    """Return a label for a key: `sales_accepted` becomes "Sales accepted"."""
    return key.replace("_", " ").capitalize()


MAX_WORD_SHOWN = 200
"""Longest word on a page or in a message, in characters. Values of a CRM can be much longer."""


def cut(words: str) -> str:
    """Return the text with every longer word truncated."""
    if len(words) <= MAX_WORD_SHOWN:
        return words
    return _LONG_WORD.sub(lambda found: f"{found[0][: MAX_WORD_SHOWN - 1]}…", words)


_LONG_WORD = re.compile(rf"\S{{{MAX_WORD_SHOWN + 1},}}")
