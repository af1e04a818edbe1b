"""What leads and accounts give as e-mail and website, read as domains by which a lead finds its account (A2).

Three relations for the models: `raw.host_texts`, a view of what each row gives, `raw.domains`, one row per distinct
text, and `raw.addresses`, a view of the addresses of leads in lower case. A text is read once, however many leads have it;
in the first two no address is more than what follows its last `@`, and the third is read from the log and kept nowhere.
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
"""Table, column, and which of the table's two is asked first."""

_MAX_HOST_LENGTH = 253
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//+|^(?:https?|mailto):/?", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def create_views(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, delivered: str = "") -> None:
    """Create raw.addresses, raw.host_texts and raw.domains; the last two are empty when there is nothing to match.

    That is so when the configuration turns matching off, and when no account gives a domain. With `delivered` the relations
    whose names end in it are read instead.
    """
    connection.execute(
        "create or replace view raw.addresses as select load_no, row_number, lower(trim(email)) as address "
        f"from raw.leads{delivered} where contains(email, '@')"
    )
    connection.execute(f"create or replace view raw.host_texts as {_host_texts(connection, waterfall, delivered)}")
    create_table(connection, "raw.domains", COLUMNS, [])
    has_accounts = connection.execute("select 1 from raw.host_texts where table_name = 'accounts' limit 1").fetchone()
    if not has_accounts:
        connection.execute(f"create or replace view raw.host_texts as {_NOTHING}")
        return
    texts = connection.execute("select distinct host_text from raw.host_texts order by host_text").fetchall()
    never = frozenset(filter(None, map(registrable_domain, waterfall.never_match)))
    read = [(text, registrable_domain(text)) for (text,) in texts]
    rows = [(text, domain, domain_kind(domain, never) if domain else None) for text, domain in read]
    # As one text: 200,000 rows of VALUES take DuckDB ten times as long to parse.
    held = quoted(json.dumps(rows))
    connection.execute(
        "insert into raw.domains select row[1], row[2], row[3] "
        f"from (select unnest(from_json({held}, '[[\"VARCHAR\"]]')) as row)"
    )


def registrable_domain(text: str) -> str | None:
    """The registrable domain of a host or URL: `mail.example.co.uk` → `example.co.uk`. None where there is none.

    By the public suffix list, private suffixes included: of two sites at `github.io` neither is the other. A top-level
    domain that the list does not know is taken for a suffix, as the list asks (its rule `*`). Unicode becomes ASCII.
    """
    host = host_of(text)
    if host is None:
        return None
    read = _suffixes()(host)
    if read.suffix:
        return f"{read.domain}.{read.suffix}" if read.domain else None
    labels = host.split(".")
    return ".".join(labels[-2:]) if len(labels) > 1 else None


def host_of(text: str) -> str | None:
    """The host name in what somebody wrote as domain, address or URL, in lower-case ASCII; None when it is none.

    Scheme, user, port, path, a trailing dot and what surrounds an address (`<…>`, quotes, commas) are taken off. An IP
    address is no host name.
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
    """What a registrable domain says about its holder: only `business` ones lead to an account."""
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


def _host_texts(connection: duckdb.DuckDBPyConnection, waterfall: Waterfall, delivered: str) -> str:
    """One row per column that gives something, of each row of accounts and of each row of leads without an account."""
    if not waterfall.match_domains:
        return _NOTHING
    there = {
        (table, column)
        for table in ("leads", "accounts")
        for column, *_ in connection.execute(f"describe raw.{table}{delivered}").fetchall()
    }
    selects = []
    for table, column, place in _HOST_COLUMNS:
        if (table, column) in there:
            # Of an address only what follows the last @; without one it is no address.
            text = f"regexp_extract({column}, '@([^@]*)$', 1)" if column == "email" else column
            wanted = " and account_id is null" if table == "leads" else ""
            selects.append(
                f"select {quoted(table)} as table_name, {place} as place, load_no, row_number, "
                f"lower(trim({text})) as host_text from raw.{table}{delivered} where nullif(trim({text}), '') is not null{wanted}"
            )
    return " union all ".join(selects) if selects else _NOTHING


def _is_address(host: str) -> bool:
    if not host.startswith("[") and not host[-1:].isdigit():
        return False  # most hosts, at a tenth of the time
    try:
        ipaddress.ip_address(host.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


def _in_ascii(host: str) -> str | None:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # an empty label, one that is too long, or a letter that no name may have
        return None


@cache
def _suffixes() -> TLDExtract:
    """The public suffix list that the package brings: nothing is fetched and nothing is written."""
    import tldextract  # only here: most commands never ask for a domain

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@cache
def _domain_list(name: str) -> frozenset[str]:
    lines = (Path(__file__).parent / name).read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
