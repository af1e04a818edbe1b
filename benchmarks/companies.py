"""Invented leads and accounts: their ids and attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.lives import Mask, Small, Whole

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
"""62 ** 11 is more than 2 ** 64: no two numbers share an id."""

_SOURCE_SHARE = np.cumsum((0.2, 0.1, 0.1, 0.14, 0.1, 0.06, 0.05, 0.06, 0.05, 0.04, 0.03, 0.02, 0.03, 0.02))
_ORIGIN_OF = np.array((0, 0, 0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 4, 0), dtype=np.int8)
_ACCOUNT_CHUNK = 1_000_000


@dataclass(frozen=True)
class Ids:
    """How numbers become ids of 18 characters: `sequential` keeps their order, `hashed` has none."""

    kind: str

    def leads(self, numbers: Whole, missing: Mask | None = None) -> pa.Array:
        """Ids of leads; null where `missing`."""
        return self._texts(numbers, b"00Q", 0, missing)

    def accounts(self, numbers: Whole) -> pa.Array:
        """Ids of accounts; null for NO_ACCOUNT."""
        return self._texts(numbers, b"001", 1, numbers == NO_ACCOUNT)

    def _texts(self, numbers: Whole, prefix: bytes, salt: int, missing: Mask | None) -> pa.Array:
        values = np.maximum(numbers, 0).astype(np.uint64)
        if self.kind == "hashed":
            values = _mixed(values + np.uint64(salt << 40))
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
class People:
    """Attributes of leads, column by column; codes of the words above, -1 for none."""

    lead: Whole
    created: Whole
    account: Whole
    source: Small
    origin: Small
    region: Small

    def table(self, ids: Ids) -> pa.Table:
        """As an export of leads."""
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


def people(random: np.random.Generator, leads: Whole, created: Whole, of_accounts: int) -> People:
    """Attributes of these leads. A few accounts have very many of them, many have one, one lead in ten has none."""
    drawn = random.random(len(leads)) * 0.98 + 0.02
    account = ((of_accounts - 1) * (drawn**3 - 0.02**3) / (1 - 0.02**3)).astype(np.int64)
    account[random.random(len(leads)) < 0.1] = NO_ACCOUNT
    source = np.minimum(np.searchsorted(_SOURCE_SHARE, random.random(len(leads))), len(LEAD_SOURCES) - 1).astype(
        np.int8
    )
    origin = _ORIGIN_OF[source].copy()
    other = random.random(len(leads)) < 0.1
    origin[other] = random.integers(0, len(ORIGINS), int(other.sum()))
    source[random.random(len(leads)) < 0.01] = -1
    region = random.integers(-1, len(REGIONS), len(leads)).astype(np.int8)
    return People(leads, created, account, source, origin, region)


def corrected(random: np.random.Generator, before: People, share: float) -> People:
    """Some of these leads as they are delivered anew: another source and region; account and origin stay."""
    chosen = np.flatnonzero(random.random(len(before.lead)) < share)
    return People(
        before.lead[chosen],
        before.created[chosen],
        before.account[chosen],
        random.integers(0, len(LEAD_SOURCES), len(chosen)).astype(np.int8),
        before.origin[chosen],
        random.integers(0, len(REGIONS), len(chosen)).astype(np.int8),
    )


def accounts(random: np.random.Generator, numbers: Whole, ids: Ids) -> Iterator[pa.Table]:
    """These accounts as an export, some at a time."""
    for first in range(0, len(numbers), _ACCOUNT_CHUNK):
        some = numbers[first : first + _ACCOUNT_CHUNK]
        segment = np.minimum((random.random(len(some)) ** 1.5 * 6).astype(np.int8), len(SEGMENTS)) - 1
        yield pa.table({"account_id": ids.accounts(some), "segment": _words(segment.astype(np.int8), SEGMENTS)})


def _words(codes: Small, words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), list(words))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): one to one, and without any order left."""
    values = (values + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed
