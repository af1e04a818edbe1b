"""Tables of connectors and of a real organisation are loaded with only the name of a format."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exports.loading import loaded

CONFIGURATION = """\
[funnel]
name = "Connectors"
preset = "salesforce-lead-opportunity"
as_of = "2026-09-30"
headline = [["qualification", "closed_won"]]

[checks]
max_rejected = 1.0

[[inputs]]
name = "crm"
format = "{format}"
path = "{path}"

[[inputs]]
name = "others"
table = "stage_entries"
path = "others.csv"
"""
FILES = {
    "connector_shapes/hubspot__contact_property_history_data.csv": (
        "hubspot_property_history",
        {"crm": (100, 100, 0, 0)},
    ),
    "connector_shapes/hubspot__deal_data.csv": ("hubspot_deals", {"crm": (44, 0, 0, 44)}),
    "connector_shapes/hubspot__deal_property_history_data.csv": ("hubspot_property_history", {"crm": (100, 100, 0, 0)}),
    "connector_shapes/hubspot__deal_stage_data.csv": ("scd2", {"crm": (14, 0, 0, 14)}),
    "connector_shapes/marketo__activity_change_data_value_data.csv": ("marketo_activities", {"crm": (100, 100, 0, 0)}),
    "connector_shapes/marketo__lead_data.csv": ("marketo_leads", {"crm": (100, 0, 0, 100)}),
    "connector_shapes/salesforce__account_data.csv": (
        "salesforce_accounts",
        {"crm": (10, 0, 0, 10), "crm_merges": (10, 9, 0, 1)},
    ),
    "connector_shapes/salesforce__lead_data.csv": (
        "salesforce_leads",
        {
            "crm": (1, 0, 0, 1),
            "crm_merges": (1, 1, 0, 0),
            "crm_contacts": (1, 0, 0, 1),
            "crm_opportunities": (1, 1, 0, 0),
            "crm_deletions": (1, 1, 0, 0),
        },
    ),
    "connector_shapes/salesforce__opportunity_data.csv": ("salesforce_opportunities", {"crm": (10, 0, 0, 10)}),
    "connector_shapes/salesforce__opportunity_history_data.csv": (
        "salesforce_opportunity_history",
        {"crm": (10, 0, 0, 10)},
    ),
    "salesforce_dev_org/Account.csv": ("salesforce_accounts", {"crm": (18, 0, 0, 18)}),
    "salesforce_dev_org/Contact.csv": ("salesforce_contacts", {"crm": (25, 0, 0, 25)}),
    "salesforce_dev_org/Lead.csv": (
        "salesforce_leads",
        {
            "crm": (22, 0, 0, 22),
            "crm_contacts": (22, 17, 0, 5),
            "crm_opportunities": (22, 17, 0, 5),
            "crm_deletions": (22, 22, 0, 0),
        },
    ),
    "salesforce_dev_org/Opportunity.csv": ("salesforce_opportunities", {"crm": (36, 0, 0, 36)}),
    "salesforce_dev_org/OpportunityHistory.csv": ("salesforce_opportunity_history", {"crm": (48, 0, 0, 48)}),
}
"""File → its format, and (rows read, filtered, rejected, landed) of each input. The values of connectors are hashes, so that no
row of a history of properties is of the field that counts."""


@pytest.mark.real
@pytest.mark.parametrize("file", FILES)
def test_a_format_is_all_that_a_file_needs(file: str, tmp_path: Path, shared_real: Path) -> None:
    """Every row is accounted for, no row is rejected, and no file is refused."""
    (tmp_path / "others.csv").write_text("lead_id,stage,entered_at\nx,Prospecting,2026-01-01\n", "utf-8")
    toml = tmp_path / "funnel.toml"
    format_name, expected = FILES[file]
    toml.write_text(CONFIGURATION.format(format=format_name, path=(shared_real / file).as_posix()), "utf-8")
    result = loaded(toml, tmp_path / "out", "waterfall.days")
    assert () == (*result.outcome.refused, *result.outcome.missing)
    assert expected | {"others": (1, 0, 0, 1)} == result.account
