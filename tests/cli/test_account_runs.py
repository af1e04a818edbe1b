"""Whole runs match leads to accounts by domain (A2): from the files to the published tables."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests import runs
from tests.cli.commands import funnel
from tests.unit.configurations import STAGES

ENTRIES = "lead_id,stage,entered_at\n" + "".join(f"L{number},mql,2026-01-0{number}\n" for number in range(1, 7))
LEADS = """Lead ID,Account ID,Email,Website
L1,A1,one@else.example,
L2,,two@mail.acme.com,
L3,,three@gmail.com,https://www.acme.com/de
L4,,four@secret-solo.example,
L5,,five@gmail.com,
L6,,six@ours.example,
"""
ACCOUNTS = """account_id,name,domain,segment
A1,Acme,https://acme.com,Enterprise
A2,Us,ours.example,Partner
A3,Solo,once-solo.example,SMB
"""
SOLO_MOVED = ACCOUNTS.replace("once-solo", "secret-solo")
MATCHED = "select lead_id, account_id, account_match from clean.leads where account_match <> 'input' order by lead_id"
BY_E_MAIL, BY_WEBSITE = ("L2", "A1", "email_domain"), ("L3", "A1", "website")


def write_configuration(folder: Path) -> Path:
    """A folder with a configuration of leads and accounts, and its exports."""
    for name, content in (("entries", ENTRIES), ("leads", LEADS), ("accounts", ACCOUNTS)):
        (folder / f"{name}.csv").write_text(content, "utf-8")
    inputs = "".join(
        f'[[inputs]]\nname = "{name}"\ntable = "{table}"\npath = "{name}.csv"\n'
        for name, table in (("entries", "stage_entries"), ("leads", "leads"), ("accounts", "accounts"))
    )
    path = folder / "funnel.toml"
    head = '[funnel]\nname = "Accounts"\nas_of = "2026-03-31"\ndimensions = ["segment"]\n'
    checks = '[checks]\nunused_stages = ["sal", "sql"]\n'
    path.write_text(f'{head}{STAGES}{inputs}{checks}[accounts]\nnever_match = ["www.ours.example"]\n', "utf-8")
    return path


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one run."""
    toml = write_configuration(tmp_path_factory.mktemp("accounts"))
    runs.run(toml, toml.parent / "build")
    return toml.parent / "build"


def matched(output: Path) -> list[tuple[object, ...]]:
    """The leads that were matched to an account."""
    return [tuple(row.values()) for row in runs.ask(output, MATCHED)]


def test_a_run_matches_leads_to_accounts(output: Path) -> None:
    """Slices and `explain` have the account, and every lead has its match or the reason for none."""
    assert [BY_E_MAIL, BY_WEBSITE] == matched(output)
    slices = runs.ask(
        output,
        "select dimension_value, leads from marts.lead_to_account where grain = 'all' and basis = 'reached' "
        "and stage = 'mql' and dimension = 'segment' order by dimension_value",
    )
    assert [{"dimension_value": "(none)", "leads": 3}, {"dimension_value": "Enterprise", "leads": 3}] == slices
    outcomes = runs.ask(output, "select outcome, leads from quality.account_matching order by outcome_no")
    assert [
        ("input", 1), ("email_domain", 1), ("website", 1), ("unknown_domain", 1), ("never_match", 1), ("free_mail", 1),
    ] == [tuple(row.values()) for row in outcomes]  # fmt: skip
    explanation = funnel("explain", "L2", "--config", output.parent / "funnel.toml", "--output", output)
    assert "account A1 (by the domain of its e-mail)" in explanation.out


def test_no_table_but_clean_leads_has_addresses(output: Path) -> None:
    """The published file has e-mail addresses in one column only, and no domain of a lead."""
    connection = duckdb.connect(str(output / "funnel.duckdb"), read_only=True)
    texts = connection.execute(
        "select table_schema, table_name, column_name from information_schema.columns where data_type like 'VARCHAR%'"
    ).fetchall()
    columns = [
        f"{schema}.{table}.{column}"
        for schema, table, column in texts
        if connection.execute(
            f"select 1 from {schema}.{table} where contains({column}::varchar, 'secret-solo') limit 1"
        ).fetchall()
    ]
    connection.close()
    assert ["clean.leads.email"] == columns
    assert [] == [page.name for page in (output / "reports").glob("*.html") if "secret-solo" in page.read_text("utf-8")]


@pytest.mark.usefixtures("without_report")
def test_a_run_follows_match_domains_and_the_current_domains(tmp_path: Path) -> None:
    """`match_domains = false` leaves leads unchanged; turned on again, the current domains of accounts match."""
    toml, output = write_configuration(tmp_path), tmp_path / "build"
    text = toml.read_text("utf-8")
    toml.write_text(f"{text}match_domains = false\n", "utf-8")
    runs.run(toml, output)
    assert [] == matched(output)
    assert [1, 5] == [row["leads"] for row in runs.ask(output, "from quality.account_matching order by outcome_no")]
    toml.write_text(text, "utf-8")
    (tmp_path / "accounts.csv").write_text(SOLO_MOVED, "utf-8")
    runs.run(toml, output, threads=1)
    assert [BY_E_MAIL, BY_WEBSITE, ("L4", "A3", "email_domain")] == matched(output)
    runs.run(toml, output, select="clean.leads+")
    assert [BY_E_MAIL, BY_WEBSITE, ("L4", "A3", "email_domain")] == matched(output)
