"""Generated leads and accounts: their ids and attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.lives import Codes, Integers, Mask

ORIGINS = ("marketing", "sales", "partner", "customer", "product")
LEAD_SOURCES = (
    "web form",
    "event",
    "webinar",
    "content download",
    "paid search",
    "paid social",
    "referral",
    "outbound call",
    "outbound mail",
    "list purchase",
    "partner portal",
    "marketplace",
    "free trial",
    "chat",
)
REGIONS = ("Northeast", "Southeast", "Midwest", "Southwest", "West", "Canada", "Europe", "Asia-Pacific")
SEGMENTS = ("Self-service", "SMB", "Mid-market", "Enterprise", "Public sector")
OWNERS = tuple(f"Rep {number:02d}" for number in range(1, 31))
NO_ACCOUNT = -1

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_LENGTH = 18
_DIGITS = 11
"""62 ** 11 is more than 2 ** 64, so every number has its own id."""

_SOURCE_SHARE = np.cumsum((0.2, 0.1, 0.1, 0.14, 0.1, 0.06, 0.05, 0.06, 0.05, 0.04, 0.03, 0.02, 0.03, 0.02))
_ORIGIN_OF = np.array((0, 0, 0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 4, 0), dtype=np.int8)
_ACCOUNT_CHUNK = 1_000_000


@dataclass(frozen=True)
class Ids:
    """Ids of 18 characters from numbers. `sequential` ids keep the order of the numbers, `hashed` ids do not."""

    kind: str

    def leads(self, numbers: Integers, missing: Mask | None = None) -> pa.Array:
        """Return lead ids; null where `missing`."""
        return self._texts(numbers, b"00Q", 0, missing)

    def accounts(self, numbers: Integers) -> pa.Array:
        """Return account ids; null for NO_ACCOUNT."""
        return self._texts(numbers, b"001", 1, numbers == NO_ACCOUNT)

    def _texts(self, numbers: Integers, prefix: bytes, salt: int, missing: Mask | None) -> pa.Array:
        values = np.maximum(numbers, 0).astype(np.uint64)
        if self.kind == "hashed":
            values = _mix_bits(values + np.uint64(salt << 40))
        texts = np.full((len(values), _LENGTH), ord("0"), dtype=np.uint8)
        texts[:, :3] = np.frombuffer(prefix, dtype=np.uint8)
        texts[:, 3:7] = np.frombuffer(b"8d00", dtype=np.uint8)
        for place in range(_DIGITS):
            values, digit = np.divmod(values, np.uint64(62))
            texts[:, _LENGTH - 1 - place] = _ALPHABET[digit]
            if not values.any():
                break
        offsets = np.arange(0, (len(texts) + 1) * _LENGTH, _LENGTH, dtype=np.int32)
        whole = pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(texts.tobytes()))
        return whole if missing is None else pc.if_else(pa.array(missing), None, whole)


@dataclass(frozen=True)
class LeadAttributes:
    """Attributes of leads as columns. Codes are positions in the lists above; -1 is none."""

    lead: Integers
    created: Integers
    account: Integers
    source: Codes
    origin: Codes
    region: Codes

    def table(self, ids: Ids) -> pa.Table:
        """Return the rows of an export of leads."""
        owner = (self.lead * 7919 % len(OWNERS)).astype(np.int8)
        return pa.table(
            {
                "lead_id": ids.leads(self.lead),
                "account_id": ids.accounts(self.account),
                "origin": _words(self.origin, ORIGINS),
                "lead_source": _words(self.source, LEAD_SOURCES),
                "created_at": pa.array(self.created * 1_000_000).cast(pa.timestamp("us")),
                "owner": _words(owner, OWNERS),
                "region": _words(self.region, REGIONS),
            }
        )


def draw_attributes(
    random: np.random.Generator, leads: Integers, created: Integers, account_count: int
) -> LeadAttributes:
    """Return random attributes. A few accounts have very many leads, and one lead in ten has no account."""
    drawn = random.random(len(leads)) * 0.98 + 0.02
    account = ((account_count - 1) * (drawn**3 - 0.02**3) / (1 - 0.02**3)).astype(np.int64)
    account[random.random(len(leads)) < 0.1] = NO_ACCOUNT
    source = np.minimum(np.searchsorted(_SOURCE_SHARE, random.random(len(leads))), len(LEAD_SOURCES) - 1).astype(
        np.int8
    )
    origin = _ORIGIN_OF[source].copy()
    other = random.random(len(leads)) < 0.1
    origin[other] = random.integers(0, len(ORIGINS), int(other.sum()))
    source[random.random(len(leads)) < 0.01] = -1
    region = random.integers(-1, len(REGIONS), len(leads)).astype(np.int8)
    return LeadAttributes(leads, created, account, source, origin, region)


def draw_corrections(random: np.random.Generator, leads: LeadAttributes, share: float) -> LeadAttributes:
    """Return some of the leads as delivered again, with another source and region."""
    chosen = np.flatnonzero(random.random(len(leads.lead)) < share)
    return LeadAttributes(
        leads.lead[chosen],
        leads.created[chosen],
        leads.account[chosen],
        random.integers(0, len(LEAD_SOURCES), len(chosen)).astype(np.int8),
        leads.origin[chosen],
        random.integers(0, len(REGIONS), len(chosen)).astype(np.int8),
    )


def accounts(random: np.random.Generator, numbers: Integers, ids: Ids) -> Iterator[pa.Table]:
    """Yield an export of these accounts in chunks."""
    for first in range(0, len(numbers), _ACCOUNT_CHUNK):
        some = numbers[first : first + _ACCOUNT_CHUNK]
        segment = np.minimum((random.random(len(some)) ** 1.5 * 6).astype(np.int8), len(SEGMENTS)) - 1
        yield pa.table({"account_id": ids.accounts(some), "segment": _words(segment.astype(np.int8), SEGMENTS)})


def _words(codes: Codes, words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), list(words))


def _mix_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits one to one by the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    values = (values + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed
