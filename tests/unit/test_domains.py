"""What people write as address, domain or URL is read as the domain that somebody registered, without any network."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.duckdb import connect
from pipeline.inputs import domains
from pipeline.settings import Settings
from tests.delivery import Inbox
from tests.unit.configurations import funnel

LEADS = "lead_id,email,website\n"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here may as much as ask for an address."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a domain was looked up on the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.com", "acme.com"),
        (" ACME.Com. ", "acme.com"),
        ("www.acme.com", "acme.com"),
        ("mail.emea.acme.co.uk", "acme.co.uk"),
        ("https://www.acme.com/about/us?x=a@b.com#team", "acme.com"),
        ("HTTP://acme.com:8080", "acme.com"),
        ("//acme.com/", "acme.com"),
        ("http:acme.com", "acme.com"),
        ("https://user:secret@acme.com:443/", "acme.com"),
        ("acme.com/careers", "acme.com"),
        ("acme.com:", "acme.com"),
        ("acme.com>", "acme.com"),
        ("mailto:ada@acme.com", "acme.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("acme。jp", "acme.jp"),
        ("почта.пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("one.github.io", "one.github.io"),
        ("a.one.github.io", "one.github.io"),
        ("eastmarrow.example", "eastmarrow.example"),
        ("host.eastmarrow.example", "eastmarrow.example"),
        ("github.io", None),
        ("co.uk", None),
        ("com", None),
        ("localhost", None),
        ("192.0.2.7", None),
        ("http://192.0.2.7:80/x", None),
        ("[192.0.2.7]", None),
        ("[IPv6:2001:db8::1]", None),
        ("http://[2001:db8::1]:80/", None),
        ("", None),
        (".", None),
        ("n/a", None),
        ("-", None),
        ("acme..com", None),
        ("-acme.com", None),
        ("acme .com", None),
        ("acme.com (old)", None),
        ("not known", None),
        ("a" * 64 + ".com", None),
        ("ä" * 64 + ".com", None),
        (".".join(["abcdefg"] * 40) + ".com", None),
    ],
)
def test_registrable_domain(text: str, expected: str | None) -> None:
    """Scheme, user, port, path, case and subdomains do not matter; what no one can register is no domain."""
    assert expected == domains.registrable(text)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("acme.com", "business"),
        ("gmail.com", "free_mail"),
        ("googlemail.com", "free_mail"),
        ("yahoo.co.jp", "free_mail"),
        ("hotmail.fr", "free_mail"),
        ("gmx.net", "free_mail"),
        ("yahooinc.com", "business"),
        ("gmail.acme.com", "business"),
        ("mailinator.com", "disposable"),
        ("ours.example", "never_match"),
    ],
)
def test_kind_of_domain(domain: str, expected: str) -> None:
    """Free mail by its domain or, for providers under many suffixes, by its name."""
    assert expected == domains.kind_of(domain, frozenset({"ours.example"}))


@pytest.mark.parametrize("name", ["free_mail.txt", "disposable.txt"])
def test_lists_are_sorted_and_registrable(name: str) -> None:
    """Whoever extends a list finds the place; a line that is no registrable domain would never match anything."""
    lines = (Path(domains.__file__).parent / name).read_text("utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert sorted(set(listed)) == listed
    assert len(listed) > 100
    assert [] == [line for line in listed if not line.endswith(".*") and domains.registrable(line) != line]


def domains_of(folder: Path, leads: str, accounts: str, **changes: Any) -> list[tuple[Any, ...]]:
    """raw.domains after landing these files."""
    inbox = Inbox(folder)
    inbox.put("leads.csv", leads)
    inbox.put("accounts.csv", accounts)
    inbox.reads("leads.csv", "leads", name="leads").reads("accounts.csv", "accounts", name="accounts")
    inbox.land()
    return inbox.rows("select * from raw.domains order by host_text")


def test_an_address_is_read_after_its_last_at(tmp_path: Path) -> None:
    """A quoted local part may hold an @; what has none is no address; nothing before the @ is kept."""
    leads = LEADS + (
        '1,"""a@b""@acme.com",\n2,a@b@c,\n3,acme.com,\n4,ada@,\n5, Ada <ADA@Acme.com> ,\n6,bob@acme.com,\n7,,http://Acme.com/\n'
    )
    found = domains_of(tmp_path, leads, "account_id,domain\nA,acme.com\n")
    expected = [
        ("acme.com", "acme.com", "business"),
        ("acme.com>", "acme.com", "business"),
        ("c", None, None),
        ("http://acme.com/", "acme.com", "business"),
    ]
    assert expected == found


def test_a_text_is_read_once_however_many_leads_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand leads of two companies are two readings, not two thousand."""
    read: Counter[str] = Counter()
    registrable = domains.registrable

    def counting(text: str) -> str | None:
        read[text] += 1
        return registrable(text)

    monkeypatch.setattr(domains, "registrable", counting)
    leads = LEADS + "".join(f"{number},p{number}@{'acme' if number % 2 else 'solo'}.com,\n" for number in range(2000))
    domains_of(tmp_path, leads, "account_id,domain\nA,acme.com\n")
    assert Counter({"acme.com": 1, "solo.com": 1}) == read


def test_without_a_domain_of_an_account_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no suffix list is loaded, and the relations are there, empty."""
    monkeypatch.setattr(domains, "registrable", None)
    assert [] == domains_of(tmp_path, LEADS + "1,a@acme.com,\n", "account_id,domain\nA,\nB,\n")


def test_more_texts_than_go_into_one_statement(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are inserted in parts, and none is lost at an edge."""
    monkeypatch.setattr(domains, "_AT_ONCE", 3)
    connection = connect(None, Settings("1GB", 1), reads_files=True)
    connection.execute("create schema raw")
    connection.execute(
        "create table raw.leads as select 1 as load_no, range as row_number, 'a@c' || range || '.com' as email from range(7)"
    )
    connection.execute("create table raw.accounts as select 2 as load_no, 1 as row_number, 'c1.com' as domain")
    domains.offer(connection, load(funnel()).waterfall)
    rows = connection.execute("select host_text, domain from raw.domains order by all").fetchall()
    assert [(f"c{number}.com", f"c{number}.com") for number in range(7)] == rows
    left = connection.execute("select count(*) from duckdb_tables() where table_name = 'more_domains'").fetchall()
    assert [(0,)] == left


def test_accounts_block(load: Any, problems: Any) -> None:
    """Matching is on unless turned off; a domain is a domain; mistakes name the nearest key."""
    assert load(funnel()).waterfall.match_domains
    told = load(funnel() + '[accounts]\nmatch_domains = false\nnever_match = ["Ours.example"]\n').waterfall
    assert (False, ("ours.example",)) == (told.match_domains, told.never_match)
    line = funnel().count("\n") + 2
    wrong = '[accounts]\nmatch_domain = true\nnever_match = ["ours.example", "a@b.com"]\nmatch_domains = 1\n'
    assert [
        f"funnel.toml:{line}: accounts.match_domain: unknown key; did you mean `match_domains`?",
        f'funnel.toml:{line + 1}: accounts.never_match.#2: must be a domain such as "example.com", '
        "without @, https:// or a path",
        f"funnel.toml:{line + 2}: accounts.match_domains: must be true or false",
    ] == problems(funnel() + wrong)
