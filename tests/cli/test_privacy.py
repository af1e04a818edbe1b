"""`[privacy]`: which personal data each output has, and that no number changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from zipfile import ZipFile

import pytest

from pipeline.explore import query
from pipeline.privacy.pseudonyms import Pseudonyms
from tests import runs
from tests.cli.commands import funnel, tables
from tests.faults.hostile import AS_OF, Names, configuration, deliver, pages, run, run_and_compose

MARK = "marked.person@secret.example"
KEY = "a-key-that-is-long-enough"
EVERYTHING = '{ lead_ids = "hash", owners = "hash", account_names = "hash", emails = "hash" }'
OUTPUTS = ("report", "files", "mail", "database")
MARKED = Names(
    lead=MARK, owner=MARK, source=MARK, account=MARK, value=MARK, unknown=f"{MARK} is no stage", header="Note"
)
PEOPLE = Names(lead="LEAD-", owner="Dana Doe", account="Acme Corp")


def privacy(*outputs: str, as_: str = EVERYTHING) -> str:
    return "\n[privacy]\n" + "".join(f"{output} = {as_}\n" for output in outputs)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", KEY)


def texts_by_output(output: Path) -> dict[str, bytes]:
    """The decompressed content of each output of the published run; the database as file and cell by cell."""
    reports = output / "reports"
    mail = message_from_bytes((output / "mail" / "all.eml").read_bytes(), policy=default)
    parts = [part.get_payload(decode=True) or b"" for part in mail.walk() if not part.is_multipart()]
    workbook = b""
    for path in (reports / "funnel.xlsx", reports / "tables.xlsx"):
        with ZipFile(path) as book:
            workbook += b"".join(book.read(name) for name in book.namelist())
    email = [reports / "email.html", reports / "email.txt"]
    return {
        "report": b"".join(path.read_bytes() for path in reports.glob("*.html") if path not in email),
        "files": b"".join(path.read_bytes() for path in (reports / "data").iterdir())
        + workbook
        + (reports / "summary.json").read_bytes(),
        "mail": b"".join((*(path.read_bytes() for path in email), *parts, str(mail["Subject"]).encode())),
        "database": (output / "funnel.duckdb").read_bytes() + cells(output),
    }


def cells(output: Path) -> bytes:
    """Every value of every table and view as text, because the file itself is compressed."""
    names = runs.ask(
        output,
        "select table_schema || '.\"' || table_name || '\"' as name from information_schema.tables"
        " where table_catalog = current_database()",
    )
    with query.open_published(output) as connection:
        return repr([connection.execute(f"from {row['name']}").fetchall() for row in names]).encode()


def test_no_address_reaches_any_output(tmp_path: Path) -> None:
    """With addresses in every text column, neither pages, files, mail nor database has one, nor the key."""
    assert 0 == run_and_compose(tmp_path, MARKED, privacy(*OUTPUTS)).code
    for output, content in texts_by_output(tmp_path / "out").items():
        assert MARK.encode() not in content, output
        assert KEY.encode() not in content, output
    hidden = Pseudonyms(KEY.encode())
    ids = [row["lead_id"] for row in runs.ask(tmp_path / "out", "select lead_id from clean.leads order by lead_no")]
    assert [hidden.of(f"{MARK}{number}") for number in range(12)] == ids
    assert ids[0].encode() in texts_by_output(tmp_path / "out")["report"]


@pytest.mark.parametrize("output", ["report", "files", "database"])
def test_each_output_is_masked_by_its_own_setting(tmp_path: Path, output: str) -> None:
    """A setting masks its own output; other outputs show names, except those that are built from the database."""
    more = privacy(output) + '\n[[reports]]\nname = "web"\ndimension = "lead_source"\nvalue = "web"\n'
    assert 0 == run_and_compose(tmp_path, PEOPLE, more).code
    outputs_with_names = {
        name
        for name, content in texts_by_output(tmp_path / "out").items()
        for text in (b"LEAD-1", b"Dana Doe")
        if text in content
    }
    # The mail names no lead; it attaches two files that do.
    expected = {
        "report": {"files", "mail", "database"},
        "files": {"report", "database"},
        "database": set(),
    }
    assert expected[output] == outputs_with_names


def test_dropped_names_are_withheld_and_dropped_keys_are_hashed(tmp_path: Path) -> None:
    """Dropped names are shown as withheld, or are empty in the database; keys are hashed, so no lead is lost."""
    drop = '{ owners = "drop", account_names = "drop", emails = "drop" }'
    of_report = privacy("report", as_='{ lead_ids = "drop", owners = "drop" }')
    assert 0 == run(tmp_path / "report", PEOPLE, of_report).code
    page = pages(tmp_path / "report" / "out")["owners.html"]
    assert "(withheld)" in page
    assert "Dana Doe" not in page
    assert "LEAD-1" not in page
    assert 0 == run_and_compose(tmp_path / "tables", MARKED, privacy("database", as_=drop)).code
    (counts,) = runs.ask(
        tmp_path / "tables" / "out",
        "select count(*) as leads, count(owner) as owners, count(email) as emails from clean.leads",
    )
    assert {"leads": 12, "owners": 0, "emails": 0} == counts
    assert MARK.encode() not in texts_by_output(tmp_path / "tables" / "out")["database"]


@pytest.fixture(scope="module")
def unmasked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run without masking."""
    folder = tmp_path_factory.mktemp("unmasked")
    assert 0 == run(folder, PEOPLE).code
    return folder / "out"


@pytest.mark.parametrize("treatment", ["hash", "drop"])
def test_the_page_of_masked_owners_lists_the_same_leads(unmasked: Path, tmp_path: Path, treatment: str) -> None:
    """The page lists leads by owner, although it can't filter by name."""
    assert 0 == run(tmp_path, PEOPLE, privacy("report", as_=f'{{ owners = "{treatment}" }}')).code
    plain, masked = (pages(output)["owners.html"] for output in (unmasked, tmp_path / "out"))
    assert "Dana Doe" not in masked
    leads = re.findall(r"LEAD-\d+", plain)
    assert 6 == len(set(leads))
    assert leads == re.findall(r"LEAD-\d+", masked)


@pytest.mark.usefixtures("without_report")
def test_no_number_moves(unmasked: Path, tmp_path: Path) -> None:
    """Except for names, every mart and all row accounting equal those of a run without masking."""
    assert 0 == run(tmp_path, PEOPLE, privacy(*OUTPUTS)).code
    masked, hidden = tmp_path / "out", Pseudonyms(KEY.encode())
    (names,) = {tuple(tables(output, "'marts', 'quality'")) for output in (unmasked, masked)}
    owners = [row["owner"] for row in runs.ask(unmasked, "select distinct owner from clean.entry_words")]
    swap = {owner: hidden.of(owner) for owner in owners if owner}
    swap |= {f"LEAD-{number}": hidden.of(f"LEAD-{number}") for number in range(12)}
    accounts = [row["name"] for row in runs.ask(unmasked, "select name from clean.accounts")]
    swap |= {name: hidden.of(name) for name in accounts if name}
    compared = 0
    open_tables, hidden_tables = (rows_by_table(output, names) for output in (unmasked, masked))
    for table in names:
        open_rows, hidden_rows = open_tables[table], hidden_tables[table]
        if table == "quality.unknown_stages":  # unknown stage names are hashed with the owners
            counts = ("entries", "leads", "first_date", "last_date")
            assert [[row[each] for each in counts] for row in open_rows] == [
                [row[each] for each in counts] for row in hidden_rows
            ]
        elif table != "quality.rejected_rows":
            assert sorted(repr(_swapped(row, swap)) for row in open_rows) == sorted(map(repr, hidden_rows)), table
            compared += len(open_rows)
    assert compared > 1000


def rows_by_table(output: Path, names: Iterable[str]) -> dict[str, list[dict[str, object]]]:
    """The rows of each table without hashes of texts and without numbers that depend on the order of names."""
    unlike = (
        "words_key",
        "given_key",
        "slice_set",
        "slice_no",
        "value_no",
        "loaded_at",
        "recorded_at",
        "delivered_at",
        "values_key",
    )
    content = {}
    with query.open_published(output) as connection:
        for table in names:
            result = connection.sql(f"from {table}")
            content[table] = [
                {name: value for name, value in zip(result.columns, row, strict=True) if name not in unlike}
                for row in result.fetchall()
            ]
    return content


def _swapped(row: dict[str, object], swap: dict[str, str]) -> dict[str, object]:
    def one(value: object) -> object:
        if isinstance(value, list):
            return [one(each) for each in value]
        return swap.get(value, value) if isinstance(value, str) else value

    return {name: one(value) for name, value in row.items()}


def test_a_key_gives_the_same_hash_in_every_output(tmp_path: Path) -> None:
    """A hashed lead of the page is in a database with the same key, and not in one with another key."""
    assert 0 == run(tmp_path / "pages", PEOPLE, privacy("report")).code
    assert 0 == run(tmp_path / "database", PEOPLE, privacy("database", "report")).code
    lead = Pseudonyms(KEY.encode()).of("LEAD-10")
    for each in ("pages", "database"):
        assert lead in pages(tmp_path / each / "out")["owners.html"]
    assert 0 == funnel("explain", lead, "--output", tmp_path / "database" / "out").code


@pytest.mark.usefixtures("history_only")
def test_another_key_rebuilds_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run with another key has only its hashes; a report can't be built from the old tables."""
    assert 0 == run(tmp_path, PEOPLE, privacy("database")).code
    monkeypatch.setenv("FUNNEL_PRIVACY_KEY", KEY[::-1])
    toml = tmp_path / "funnel.toml"
    again = funnel("report", "--config", toml, "--output", tmp_path / "out")
    assert (2, True) == (again.code, "or its key, changed since the published run" in again.err)
    answer = run(tmp_path, PEOPLE, privacy("database"))
    assert (0, True) == (
        answer.code,
        "every table is built from the whole log: [privacy] database, or its key" in answer.err,
    )
    owners = {row["owner"] for row in runs.ask(tmp_path / "out", "select distinct owner from clean.stage_entries")}
    assert Pseudonyms(KEY[::-1].encode()).of("Dana Doe") in owners
    assert Pseudonyms(KEY.encode()).of("Dana Doe") not in owners


@pytest.mark.parametrize("value", [None, "hunter2"])
def test_a_missing_key_stops_the_run_before_it_reads_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """85: The exit code is 2, the message has the variable but not its value, and nothing is written."""
    monkeypatch.delenv("FUNNEL_PRIVACY_KEY")
    if value is not None:
        monkeypatch.setenv("FUNNEL_PRIVACY_KEY", value)
    toml = configuration(tmp_path, Names(), privacy("mail"))
    deliver(tmp_path, Names())
    for command in (["run", "--as-of", AS_OF, "--output", str(tmp_path / "out")], ["check"]):
        answer = funnel(*command, "--config", toml)
        assert (2, True) == (answer.code, "FUNNEL_PRIVACY_KEY" in answer.err)
        assert "hunter2" not in answer.out + answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ('database = { lead_ids = "drop" }', 'privacy.database.lead_ids: can\'t be "drop" in the database'),
        ('report = { owners = "mask" }', "privacy.report.owners: must be one of keep, hash, drop"),
        ('report = { owner = "hash" }', "privacy.report.owner: unknown key; did you mean `owners`?"),
        ('reports = { owners = "hash" }', "privacy.reports: unknown key; did you mean `report`?"),
        ('report = "hash"', "privacy.report: must be a table in braces"),
    ],
)
def test_a_privacy_error_has_its_line(tmp_path: Path, block: str, message: str) -> None:
    """The message of each error has its line."""
    toml = configuration(tmp_path, Names(), f"\n[privacy]\n{block}\n")
    number = toml.read_text("utf-8").splitlines().index(block) + 1
    answer = funnel("check", "--config", toml)
    assert (2, True) == (answer.code, f"funnel.toml:{number}: {message}" in answer.err)


def test_a_report_of_one_owner_needs_owners(tmp_path: Path) -> None:
    """With hashed owners a report can't filter by the name of an owner."""
    more = '\n[[reports]]\nname = "dana"\ndimension = "owner"\nvalue = "dana"\n'
    answer = funnel("check", "--config", configuration(tmp_path, Names(), more + privacy("database")))
    assert (2, True) == (answer.code, "while the report `dana` selects one owner by name" in answer.err)
