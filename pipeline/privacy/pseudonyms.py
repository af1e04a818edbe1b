"""Keyed pseudonyms: the same text is the same pseudonym under one key, and nobody without the key can tell whose.

HMAC with SHA-256 (RFC 2104), cut to 80 bits: of ten million people two share one with a probability below 1 in 20,000,000,000.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.config.configuration import Privacy
from pipeline.config.secrets import PRIVACY_KEY
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import duckdb

ADDRESS = r"[^\s@<>()\[\]\",;:]+@[^\s@<>()\[\]\",;:]+"
"""An e-mail address in a text, for Python and RE2 alike."""
MACRO = "memory.main.pseudonym"
SHORTEST_KEY = 16
_DIGITS = 20
_BLOCK = 64


@dataclass(frozen=True, repr=False)
class Pseudonyms:
    """Texts to pseudonyms under one key, which is never printed."""

    key: bytes

    def of(self, text: str) -> str:
        """`p` and twenty hexadecimal digits."""
        return f"p{hmac.new(self.key, text.encode('utf-8'), hashlib.sha256).hexdigest()[:_DIGITS]}"

    def within(self, text: str) -> str:
        """The text with a pseudonym in place of each e-mail address."""
        return re.sub(ADDRESS, lambda found: self.of(found.group()), text)

    def create_macro(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create `of` as a macro in the catalogue in memory: from there the key gets into no file."""
        key = self.key if len(self.key) <= _BLOCK else hashlib.sha256(self.key).digest()
        inner, outer = (_blob(bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))) for pad in (0x36, 0x5C))
        connection.execute(
            f"create or replace macro {MACRO}(text) as "
            f"'p' || left(sha256({outer} || unhex(sha256({inner} || encode(text)))), {_DIGITS})"
        )


def pseudonyms(privacy: Privacy, environment: Mapping[str, str]) -> Pseudonyms | None:
    """The pseudonyms that `[privacy]` asks for, None when it asks for none. UsageError without a key that is long enough."""
    if not privacy.needs_key:
        return None
    key = environment.get(PRIVACY_KEY, "")
    if len(key) < SHORTEST_KEY:
        raise UsageError(
            f"[privacy] needs the key in {PRIVACY_KEY}, which is "
            + (f"shorter than {SHORTEST_KEY} characters" if key else "not set"),
            where="environment",
            next_step="set it to a long random text, such as `openssl rand -hex 32` prints, and keep it: another key, other hashes",
        )
    return Pseudonyms(key.encode("utf-8"))


def fingerprint(privacy: Privacy, hidden: Pseudonyms | None) -> str | None:
    """What tells a database of one treatment and key from one of another; None where the database keeps everything."""
    if hidden is None or privacy.database.is_plain:
        return None
    return hidden.of(f"database: {', '.join(privacy.database.treatments)}")


def _blob(value: bytes) -> str:
    return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::blob"
