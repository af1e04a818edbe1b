"""E8: a rule asks what was last delivered of a lead or an account, whichever load that came in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.configuration import Configuration
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.waterfall.definition import Condition, OriginRule, ScopeRule, Waterfall
from tests import delivery
from tests.sql.harness import built, records

AS_OF = datetime(2026, 3, 31, tzinfo=UTC)
RIVAL = ScopeRule("rival", "accounts", Condition("segment", "one_of", ("Rival",)), "They look at our forms.")
OURS = ScopeRule("ours", "leads", Condition("email", "matches", ("@us",)), "Our own.")
PAID = OriginRule("paid", Condition("utm_medium", "one_of", ("cpc",)))


def version(load_no: int, row_number: int, **columns: Any) -> dict[str, Any]:
    return {"input": "crm", "load_no": load_no, "row_number": row_number, **columns}


def matches(accounts: list[tuple[int, int, str | None]], leads: tuple[str | None, ...] = (None,)) -> list[str]:
    """The rules that match lead L1 of account A1: `accounts` has (load, row, segment) of its versions, `leads` the e-mails."""
    rows = {
        "stage_entries": [version(1, 1, lead_id="L1", stage="mql", entered_at=datetime(2026, 1, 5))],
        "leads": [version(2 + n, 1, lead_id="L1", account_id="A1", email=email) for n, email in enumerate(leads)],
        "accounts": [version(load, row, account_id="A1", segment=segment) for load, row, segment in accounts],
    }
    connection = built(
        Waterfall("Test", "UTC", delivery.STAGES, scope=(RIVAL, OURS)), AS_OF, rows, tables=("clean.rule_matches",)
    )
    found = records(
        connection,
        """
        select scope_rules.rule
        from clean.rule_matches as rule_matches
        inner join waterfall.scope_rules as scope_rules on scope_rules.rule_no = rule_matches.rule_no
        order by scope_rules.rule_no
        """,
    )
    connection.close()
    return [row["rule"] for row in found]


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([(10, 1, "SMB"), (11, 1, "Rival")], ["rival"]),
        ([(10, 1, "Rival"), (11, 1, "SMB")], []),
        ([(10, 1, "Rival"), (11, 1, None)], []),  # the value went away
        ([(11, 1, "SMB"), (10, 9, "Rival")], []),  # the load counts before the row
        ([(10, 2, "Rival"), (10, 1, "SMB")], ["rival"]),  # in one file the last row
        ([(10, 1, "Rival"), (11, 1, "SMB"), (12, 1, "Rival")], ["rival"]),
    ],
)
def test_a_rule_follows_the_account_last_delivered(
    accounts: list[tuple[int, int, str | None]], expected: list[str]
) -> None:
    """An account that became a rival's leaves, one that no longer is comes back; an older version says nothing."""
    assert expected == matches(accounts)


@pytest.mark.parametrize(("emails", "expected"), [(("ida@us", "ida@them"), []), (("ida@them", "ida@us"), ["ours"])])
def test_a_rule_follows_the_lead_last_delivered(emails: tuple[str, ...], expected: list[str]) -> None:
    """The same of leads."""
    assert expected == matches([(10, 1, "SMB")], emails)


class TestLanding:
    """What rules ask about is in raw.lead_attributes and raw.account_attributes, and nothing else is."""

    LEADS = "lead_id,account_id,email,utm_medium,shoe_size\nL1,A1,ida@us,cpc,38\nL2,A1,,,41\n"
    ACCOUNTS = "account_id,name,segment\nA1,Acme,Rival\n"

    def offered(self, folder: Path, *rules: Any, dimensions: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Rows (row number, column, value) of both tables, for a configuration with these rules."""
        inbox = delivery.one_file(folder, delivery.HEADER + delivery.entry("L1"))
        inbox.put("leads.csv", self.LEADS)
        inbox.put("accounts.csv", self.ACCOUNTS)
        inbox.reads("leads.csv", "leads", "crm_leads").reads("accounts.csv", "accounts", "crm_accounts")
        inbox.land()
        waterfall = Waterfall(
            "Test",
            "UTC",
            delivery.STAGES,
            dimensions=dimensions,
            scope=tuple(rule for rule in rules if isinstance(rule, ScopeRule)),
            origins=tuple(rule for rule in rules if isinstance(rule, OriginRule)),
        )
        connection = delivery.connection_of_a_run()
        asked = Configuration(folder / "funnel.toml", waterfall, inbox.inputs, folder / "build")
        create_raw_views(connection, asked, inbox.log_folder)
        return {
            table: connection.execute(
                f"select row_number, dimension, dimension_value from raw.{table} order by dimension, row_number"
            ).fetchall()
            for table in ("lead_attributes", "account_attributes")
        }

    def test_columns_of_rules_are_offered(self, tmp_path: Path) -> None:
        """Each table has the columns that the rules on it ask about: one of the contract, one of the user's own."""
        expected = {
            "lead_attributes": [
                (1, "email", "ida@us"),
                (2, "email", None),
                (1, "utm_medium", "cpc"),
                (2, "utm_medium", None),
            ],
            "account_attributes": [(1, "segment", "Rival")],
        }
        assert expected == self.offered(tmp_path, RIVAL, OURS, PAID)

    def test_nothing_is_offered_that_nobody_asks_about(self, tmp_path: Path) -> None:
        """Without rules and dimensions the two are empty."""
        assert {"lead_attributes": [], "account_attributes": []} == self.offered(tmp_path)

    def test_a_column_that_is_a_dimension_too_comes_once(self, tmp_path: Path) -> None:
        """A rule on a dimension doubles no row."""
        offered = self.offered(tmp_path, PAID, dimensions=("utm_medium",))
        assert [(1, "utm_medium", "cpc"), (2, "utm_medium", None)] == offered["lead_attributes"]
