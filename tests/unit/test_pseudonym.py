"""Keyed pseudonyms are equal in Python and in the database, by HMAC, and the key is not stored."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.configuration import Personal, Privacy
from pipeline.database.connection import connect, quoted
from pipeline.errors import UsageError
from pipeline.privacy.pseudonyms import MACRO, Pseudonyms, fingerprint, pseudonyms
from pipeline.settings import Settings

KEY = b"a-key-that-is-long-enough"


@given(st.binary(min_size=1, max_size=100), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_the_database_hashes_as_python_does(key: bytes, text: str) -> None:
    """HMAC-SHA-256 is equal for any text, and for keys shorter and longer than its block."""
    connection = connect(None, Settings("100MB", 1))
    hidden = Pseudonyms(key)
    hidden.create_macro(connection)
    row = connection.execute(f"select {MACRO}({quoted(text)})").fetchone()
    expected = "p" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:20]
    assert (expected, (expected,)) == (hidden.of(text), row)


def test_another_key_gives_another_pseudonym() -> None:
    """A key gives one pseudonym for a text, another key another one, and no key is printed."""
    one, other = Pseudonyms(KEY), Pseudonyms(KEY + b"!")
    assert one.of("L1") == Pseudonyms(KEY).of("L1") != other.of("L1")
    assert one.of("L1") != one.of("L2")
    assert KEY.decode() not in repr(one)


def test_addresses_in_a_text_are_replaced() -> None:
    """Each address in a sentence is replaced, the rest stays."""
    hidden = Pseudonyms(KEY)
    ann, bob = hidden.of("ann@example.com"), hidden.of("bob@example.com")
    assert f"ask {ann}, or <{bob}>; 5 @ 3" == hidden.within("ask ann@example.com, or <bob@example.com>; 5 @ 3")


@pytest.mark.parametrize(
    ("environment", "message"), [({}, "not set"), ({"FUNNEL_PRIVACY_KEY": "short"}, "shorter than 16")]
)
def test_a_missing_key_is_an_error_only_if_a_value_is_masked(environment: dict[str, str], message: str) -> None:
    """The message has the variable, not its value; without masking no key is needed."""
    with pytest.raises(UsageError, match="FUNNEL_PRIVACY_KEY") as refusal:
        pseudonyms(Privacy(mail=Personal(owners="hash")), environment)
    assert message in str(refusal.value)
    assert "short " not in str(refusal.value)
    assert pseudonyms(Privacy(), environment) is None


def test_the_fingerprint_differs_by_treatment_and_key() -> None:
    """Only the treatments of the database count, because the report is written in every run."""
    hashed = Privacy(database=Personal(owners="hash"))
    message = {
        fingerprint(each, Pseudonyms(key))
        for each in (hashed, Privacy(database=Personal(owners="drop")))
        for key in (KEY, KEY * 2)
    }
    assert 4 == len(message)
    assert fingerprint(Privacy(report=Personal(owners="hash")), Pseudonyms(KEY)) is None


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    """A view stores only the name of the macro; the database file has neither the key nor its HMAC state."""
    database = tmp_path / "funnel.duckdb"
    connection = connect(database, Settings("100MB", 1))
    Pseudonyms(KEY).create_macro(connection)
    connection.execute(
        f"create view masked as select {MACRO}('x') as x; create table stored as from masked; checkpoint"
    )
    connection.close()
    content = database.read_bytes()
    for pad in (0, 0x36, 0x5C):
        mixed = bytes(byte ^ pad for byte in KEY)
        assert mixed not in content
        assert "".join(f"\\x{byte:02X}" for byte in mixed).encode() not in content
    assert b"pseudonym" in content
