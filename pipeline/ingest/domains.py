"""Read e-mail addresses and websites of leads and accounts as domains, to match leads with accounts (A2).

Creates three relations for the models: `raw.host_texts`, a view of the texts in each row; `raw.domains`, one row per distinct
text, which is parsed once; and `raw.addresses`, a view of the lower-case addresses of leads. The first two contain only the part
of an address after its last `@`. The third reads the log and stores nothing.
"""

from __future__ import annotations

import ipaddress
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from pipeline.database.connection import create_table, quoted
from pipeline.waterfall.definition import Waterfall

if TYPE_CHECKING:
    from tldextract import TLDExtract

Kind = Literal["business", "free_mail", "disposable", "never_match"]

COLUMNS = (("host_text", "varchar"), ("domain", "varchar"), ("kind", "varchar"))
_HOST_COLUMNS = (("leads", "email", 1), ("leads", "website", 2), ("accounts", "domain", 1), ("accounts", "website", 2))
"""Table, column, and the priority of the column in its table."""

_MAX_HOST_LENGTH = 253
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//+|^(?:https?|mailto):/?", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def create_views(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, suffix: str = "") -> None:
    """Create raw.addresses, raw.host_texts and raw.domains.

    The last two are empty if the configuration turns matching off, or if no account has a domain. `suffix` is added to the names
    of the relations that are read.
    """
    connection.execute(
        "create or replace view raw.addresses as select load_no, row_number, lower(trim(email)) as address "
        f"from raw.leads{suffix} where contains(email, '@')"
    )
    connection.execute(f"create or replace view raw.host_texts as {_host_texts(connection, waterfall, suffix)}")
    create_table(connection, "raw.domains", COLUMNS, [])
    has_accounts = connection.execute("select 1 from raw.host_texts where table_name = 'accounts' limit 1").fetchone()
    if not has_accounts:
        connection.execute(f"create or replace view raw.host_texts as {_NOTHING}")
        return
    texts = connection.execute("select distinct host_text from raw.host_texts order by host_text").fetchall()
    never = frozenset(filter(None, map(registrable_domain, waterfall.never_match)))
    domains = [(text, registrable_domain(text)) for (text,) in texts]
    rows = [(text, domain, domain_kind(domain, never) if domain else None) for text, domain in domains]
    # DuckDB parses one JSON text ten times faster than 200,000 rows of VALUES.
    json_rows = quoted(json.dumps(rows))
    connection.execute(
        "insert into raw.domains select row[1], row[2], row[3] "
        f"from (select unnest(from_json({json_rows}, '[[\"VARCHAR\"]]')) as row)"
    )


def registrable_domain(text: str) -> str | None:
    """Return the registrable domain of a host or URL: `mail.example.co.uk` → `example.co.uk`; None if there is none.

    Uses the public suffix list with its private suffixes, so that two sites at `github.io` differ. An unknown top-level domain is
    a suffix, as the list defines (its rule `*`). Unicode becomes ASCII.
    """
    host = host_of(text)
    if host is None:
        return None
    parts = _suffixes()(host)
    if parts.suffix:
        return f"{parts.domain}.{parts.suffix}" if parts.domain else None
    labels = host.split(".")
    return ".".join(labels[-2:]) if len(labels) > 1 else None


def host_of(text: str) -> str | None:
    """Return the host name of a domain, address or URL, in lower-case ASCII; None if there is none.

    Removes scheme, user, port, path, a trailing dot, and characters around an address (`<…>`, quotes, commas). An IP address is
    not a host name.
    """
    text = _SCHEME.sub("", text.strip().strip("<>()\"';, \t"))
    host = re.split(r"[/?#\\]", text, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", host).strip().rstrip(".").lower()
    if _is_address(host):
        return None
    ascii_host = host if host.isascii() else _in_ascii(host)
    if ascii_host is None or len(ascii_host) > _MAX_HOST_LENGTH:
        return None
    return ascii_host if all(_LABEL.fullmatch(label) for label in ascii_host.split(".")) else None


def domain_kind(domain: str, never_match: frozenset[str] = frozenset()) -> Kind:
    """Return the kind of a registrable domain. Only a `business` domain matches an account."""
    if domain in never_match:
        return "never_match"
    family = f"{domain.partition('.')[0]}.*"
    if domain in _domain_list("free_mail.txt") or family in _domain_list("free_mail.txt"):
        return "free_mail"
    return "disposable" if domain in _domain_list("disposable.txt") else "business"


_NOTHING = (
    "select null::varchar as table_name, null::integer as place, null::integer as load_no, null::bigint as row_number, "
    "null::varchar as host_text where false"
)


def _host_texts(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, suffix: str) -> str:
    """Return SQL with one row per filled column, of each account and of each lead without an account."""
    if not waterfall.match_domains:
        return _NOTHING
    present = {
        (table, column)
        for table in ("leads", "accounts")
        for column, *_ in connection.execute(f"describe raw.{table}{suffix}").fetchall()
    }
    selects = []
    for table, column, place in _HOST_COLUMNS:
        if (table, column) in present:
            # Only the part of an address after its last @.
            text = f"regexp_extract({column}, '@([^@]*)$', 1)" if column == "email" else column
            condition = " and account_id is null" if table == "leads" else ""
            selects.append(
                f"select {quoted(table)} as table_name, {place} as place, load_no, row_number, "
                f"lower(trim({text})) as host_text from raw.{table}{suffix} where nullif(trim({text}), '') is not null{condition}"
            )
    return " union all ".join(selects) if selects else _NOTHING


def _is_address(host: str) -> bool:
    if not host.startswith("[") and not host[-1:].isdigit():
        return False  # fast path for most hosts
    try:
        ipaddress.ip_address(host.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


def _in_ascii(host: str) -> str | None:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # an empty or too long label, or an invalid letter
        return None


@cache
def _suffixes() -> TLDExtract:
    """Return the public suffix list of the package, without network access and without a cache."""
    import tldextract  # imported here because most commands need no domains

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@cache
def _domain_list(name: str) -> frozenset[str]:
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
