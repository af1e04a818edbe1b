"""Addresses, domains and URLs become their registrable domain, without network access."""

from __future__ import annotations

import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest import domains
from tests.delivery import Inbox
from tests.unit.configurations import funnel

LEADS = "lead_id,email,website\n"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every network access fail."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the test used the network")

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
        ("https:/acme.com", "acme.com"),
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
def test_a_text_gives_its_registrable_domain(text: str, expected: str | None) -> None:
    """Scheme, user, port, path, case and subdomains are ignored; a name that can't be registered is no domain."""
    assert expected == domains.registrable_domain(text)


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
def test_a_free_mail_domain_is_recognised(domain: str, expected: str) -> None:
    """A free mail provider is listed by domain or, with many suffixes, by name."""
    assert expected == domains.domain_kind(domain, frozenset({"ours.example"}))


@pytest.mark.parametrize("name", ["free_mail.txt", "disposable.txt"])
def test_lists_are_sorted_and_registrable(name: str) -> None:
    """The lists are easy to extend; a line that is no registrable domain would never match."""
    lines = (Path(domains.__file__).parent / name).read_text("utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert sorted(set(listed)) == listed
    assert len(listed) > 100
    assert [] == [line for line in listed if not line.endswith(".*") and domains.registrable_domain(line) != line]


def domains_of(folder: Path, leads: str, accounts: str, **changes: Any) -> list[tuple[Any, ...]]:
    """The rows of raw.domains after loading these files."""
    inbox = Inbox(folder)
    inbox.put("leads.csv", leads)
    inbox.put("accounts.csv", accounts)
    inbox.reads("leads.csv", "leads", name="leads").reads("accounts.csv", "accounts", name="accounts")
    inbox.land()
    return inbox.rows("select * from raw.domains order by host_text")


def test_an_address_is_read_after_its_last_at(tmp_path: Path) -> None:
    """A quoted local part may have an @; a text without one is no address; the local part is not stored."""
    leads = LEADS + (
        '1,"""a@b""@acme.com",\n2,a@b@c,\n3,acme.com,\n4,ada@,\n5, Ada <ADA@Acme.com> ,\n6,bob@acme.com,\n7,,http://Acme.com/\n'
    )
    rows_found = domains_of(tmp_path, leads, "account_id,domain\nA,acme.com\n")
    expected = [
        ("acme.com", "acme.com", "business"),
        ("acme.com>", "acme.com", "business"),
        ("c", None, None),
        ("http://acme.com/", "acme.com", "business"),
    ]
    assert expected == rows_found


def test_a_text_is_parsed_once_for_all_its_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand leads of two companies need two parses."""
    read: Counter[str] = Counter()
    registrable = domains.registrable_domain

    def counting(text: str) -> str | None:
        read[text] += 1
        return registrable(text)

    monkeypatch.setattr(domains, "registrable_domain", counting)
    leads = LEADS + "".join(f"{number},p{number}@{'acme' if number % 2 else 'solo'}.com,\n" for number in range(2000))
    domains_of(tmp_path, leads, "account_id,domain\nA,acme.com\n")
    assert Counter({"acme.com": 1, "solo.com": 1}) == read


def test_without_account_domains_no_text_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No suffix list is loaded, and the relations are empty."""
    monkeypatch.setattr(domains, "registrable_domain", None)
    assert [] == domains_of(tmp_path, LEADS + "1,a@acme.com,\n", "account_id,domain\nA,\nB,\n")


def test_a_lead_with_an_account_needs_no_domain(tmp_path: Path) -> None:
    """Only leads without an account are matched."""
    leads = "lead_id,account_id,email\n1,A,a@acme.com\n2,,b@solo.com\n"
    rows_found = domains_of(tmp_path, leads, "account_id,domain\nA,third.com\n")
    assert ["solo.com", "third.com"] == [text for text, *_ in rows_found]


def test_a_text_may_have_any_letters(tmp_path: Path) -> None:
    """Quotes, backslashes and non-ASCII letters are unchanged in the table."""
    leads = LEADS + '1,a@it\'s,\n2,a@c:\\x,\n3,a@BÜCHER.de,\n4,"a@x""y",\n5,a@😀.com,\n'
    rows_found = domains_of(tmp_path, leads, "account_id,domain\nA,acme.com\n")
    expected = [("acme.com", "acme.com"), ("bücher.de", "xn--bcher-kva.de"), ("c:\\x", None), ("it's", None)]
    assert [*expected, ('x"y', None), ("😀.com", "xn--e28h.com")] == [(text, domain) for text, domain, _ in rows_found]


def test_the_accounts_block_is_read(load: Any, problems: Any) -> None:
    """Matching is on by default; never_match takes domains; errors name the nearest key."""
    assert load(funnel()).waterfall.match_domains
    waterfall = load(funnel() + '[accounts]\nmatch_domains = false\nnever_match = ["Ours.example"]\n').waterfall
    assert (False, ("ours.example",)) == (waterfall.match_domains, waterfall.never_match)
    line = funnel().count("\n") + 2
    wrong = '[accounts]\nmatch_domain = true\nnever_match = ["ours.example", "a@b.com"]\nmatch_domains = 1\n'
    assert [
        f"funnel.toml:{line}: accounts.match_domain: unknown key; did you mean `match_domains`?",
        f'funnel.toml:{line + 1}: accounts.never_match.#2: must be a domain such as "example.com", '
        "without @, https:// or a path",
        f"funnel.toml:{line + 2}: accounts.match_domains: must be true or false",
    ] == problems(funnel() + wrong)


def test_without_matching_no_text_is_parsed(tmp_path: Path) -> None:
    """Both relations are empty, although leads and accounts have domains."""
    inbox = Inbox(tmp_path)
    inbox.put("leads.csv", LEADS + "1,a@acme.com,\n")
    inbox.put("accounts.csv", "account_id,domain\nA,acme.com\n")
    inbox.reads("leads.csv", "leads", name="leads").reads("accounts.csv", "accounts", name="accounts").land()
    views = inbox.raw_views()
    assert [(2, 1)] == views.execute(
        "select (select count(*) from raw.host_texts), count(*) from raw.domains"
    ).fetchall()
    domains.create_views(views, replace(inbox.configuration.waterfall, match_domains=False))
    assert [(0, 0)] == views.execute(
        "select (select count(*) from raw.host_texts), count(*) from raw.domains"
    ).fetchall()


@pytest.mark.parametrize("host", ["bü..de", "ü" * 70 + ".de"])
def test_an_invalid_unicode_name_is_no_domain(host: str) -> None:
    """It has an empty label, or one that is too long."""
    assert None is domains.host_of(host)


@pytest.mark.parametrize("host", ["host9", "256.1.1.1", "[acme]"])
def test_a_name_that_ends_like_an_ip_address_is_a_name(host: str) -> None:
    """A digit at the end, or brackets, make no IP address."""
    assert (None if host == "[acme]" else host) == domains.host_of(host)
