"""Each folder of data gives the right numbers with the configuration beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.exports.loading import DATA, ENTRIES, Loaded, loaded

CONVERSION = "+clean.stage_entries +marts.conversion"


def history(name: str, folder: Path) -> list[tuple[Any, ...]]:
    """The entries of the folder's leads, in order."""
    return loaded(DATA / name / "funnel.toml", folder).rows(ENTRIES)


def converted(found: Loaded, low: str, high: str, unit: str = "cycle") -> tuple[int, int]:
    """How many entered the stage `low` and how many of them `high`, whenever."""
    rows = found.rows(
        "select entered, converted from marts.conversion where grain = 'all' and dimension = 'all' and window_days is null "
        f"and from_stage = '{low}' and to_stage = '{high}' and unit = '{unit}'"
    )
    assert 1 == len(rows)
    entered, there = rows[0]
    return entered, there


def conversion(name: str, folder: Path, *pair: str) -> tuple[int, int]:
    """The conversion of a pair in the folder's history."""
    return converted(loaded(DATA / name / "funnel.toml", folder, CONVERSION), *pair)


def account(name: str, folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """(rows read, filtered, rejected, landed) of each input of the folder."""
    return loaded(DATA / name / "funnel.toml", folder).account


class TestSalesforce:
    def test_the_first_status_is_in_the_first_old_value(self, tmp_path: Path) -> None:
        """Ten leads were created as open; six moved on, four of these to converted."""
        found = loaded(DATA / "sf_leadhistory_status_only" / "funnel.toml", tmp_path, CONVERSION)
        assert (10, 6) == converted(found, "open_not_contacted", "working_contacted")
        assert (10, 4) == converted(found, "open_not_contacted", "converted")

    def test_a_report_has_other_rows_and_a_footer(self, tmp_path: Path) -> None:
        """Rows of other fields and the lines of the footer are filtered; the six changes of the status count."""
        assert {"history": (14, 8, 0, 6)} == account("sf_lead_history_report", tmp_path)

    def test_times_of_a_report_are_american(self, tmp_path: Path) -> None:
        """12:00 AM is midnight and 12:15 PM noon; an hour that New York had twice is its first."""
        found = loaded(DATA / "sf_lead_history_report" / "funnel.toml", tmp_path)
        rows = found.rows(
            "select lead_id[13:15], strftime(entered_at, '%m-%d %H:%M') from clean.stage_entries "
            "where basis = 'observed' order by all"
        )
        assert [
            ("001", "06-02 18:05"),
            ("001", "06-09 04:00"),
            ("002", "11-01 05:30"),
            ("003", "07-01 03:59"),
            ("00A", "06-03 16:15"),
            ("00a", "06-04 16:15"),
        ] == rows

    def test_the_row_of_creation_dates_the_first_status(self, tmp_path: Path) -> None:
        """The report has a row Created for one lead: its first old value is dated by that."""
        found = loaded(DATA / "sf_lead_history_report" / "funnel.toml", tmp_path)
        assert [("00QZ10000000001MAA", "open_not_contacted", "06-01 13:00")] == found.rows(
            f"from ({ENTRIES.replace(' order by', ' where basis = $$inferred$$ order by')})"
        )

    def test_a_web_page_named_xls_is_read(self, tmp_path: Path) -> None:
        """The report as Salesforce saves it for Excel."""
        assert {"history": (1, 0, 0, 1)} == account("sf_report_xls_html", tmp_path)

    def test_ids_of_15_and_18_characters_are_one(self, tmp_path: Path) -> None:
        """Three leads, of which two reach the stage; case counts."""
        found = loaded(
            DATA / "sf_15_vs_18_ids" / "funnel.toml", tmp_path, f"{CONVERSION} +marts.lead_to_account +clean.leads"
        )
        assert (3, 2) == converted(found, "mql", "sal")
        assert [("Event", 1), ("Web", 2)] == found.rows(
            "select lead_source, count(*) from clean.leads group by all order by all"
        )
        assert [(2,)] == found.rows("select count(distinct account_id) from clean.leads")

    def test_only_records_that_are_flagged_are_deleted(self, tmp_path: Path) -> None:
        """A was merged into B and is flagged as deleted; B stands in MQL."""
        found = loaded(DATA / "is_deleted_flag" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        assert [("B", None)] == found.rows("select lead_id, deleted_at from clean.leads")
        assert (2, 1, 0, 1) == found.account["people_deletions"]

    @pytest.mark.real
    def test_an_opportunity_continues_under_its_lead(self, tmp_path: Path, shared_real: Path) -> None:
        """Leads that were not converted are no rejected rows."""
        toml = tmp_path / "funnel.toml"
        text = (DATA / "sf_lead_opp_by_merges" / "funnel.toml").read_text("utf-8")
        toml.write_text(text.replace("../../real", shared_real.as_posix()), "utf-8")
        found = loaded(toml, tmp_path / "out", "+clean.stage_entries +clean.lead_survivors")
        assert (22, 17, 0, 5) == found.account["leads_opportunities"]
        assert 0 == sum(rejected for _, _, rejected, _ in found.account.values())
        converted_leads = found.rows(
            "select count(distinct lead_id) from clean.stage_entries where original_lead_id like '006%' and lead_id like '00Q%'"
        )
        assert [(5,)] == converted_leads


class TestHubSpot:
    def test_date_columns_become_entries(self, tmp_path: Path) -> None:
        """Ten contacts, seven of them marketing qualified, and four of these sales qualified."""
        found = loaded(DATA / "hs_contacts_wide" / "funnel.toml", tmp_path, CONVERSION)
        assert (10, 7) == converted(found, "lead", "marketing_qualified")
        assert (7, 4) == converted(found, "marketing_qualified", "sales_qualified")
        assert [(2,)] == found.rows("select count(*) from clean.stage_entries where stage = 'opportunity'")

    def test_a_cleared_property_is_no_entry(self, tmp_path: Path) -> None:
        """A blank value is filtered, and what is set afterwards is a move."""
        assert (3, 1) == conversion("hs_property_history", tmp_path, "marketing_qualified", "sales_qualified")

    def test_only_the_lifecycle_stage_counts(self, tmp_path: Path) -> None:
        """A table of all properties of contacts."""
        found = loaded(DATA / "hs_fivetran_property_history" / "funnel.toml", tmp_path, CONVERSION)
        assert (3, 3) == converted(found, "marketing_qualified", "sales_qualified")
        assert {"crm": (13, 4, 0, 9)} == found.account

    def test_versions_of_a_property_are_taken_apart(self, tmp_path: Path) -> None:
        """An answer of the API as JSON lines: a list of values inside each contact."""
        assert [("101000001", "lead", "05-01 09:00"), ("101000001", "sales_qualified", "05-09 16:00")] == history(
            "hs_api_jsonl", tmp_path
        )

    def test_merged_ids_stand_in_one_cell(self, tmp_path: Path) -> None:
        """102;103 were merged into 101: one lead."""
        assert (2, 1) == conversion("hs_merged_ids_list", tmp_path, "mql", "sql", "lead")

    def test_tables_of_dlt_are_read(self, tmp_path: Path) -> None:
        """Three files, of which one has decimal ids and another whole ones."""
        rows = history("dlt_parquet", tmp_path)
        assert [("501", 3), ("502", 2)] == [(lead, sum(each[0] == lead for each in rows)) for lead in ("501", "502")]


class TestOthers:
    def test_marketo_has_values_in_json(self, tmp_path: Path) -> None:
        """Lead 501 goes from MQL to SQL; activities of other fields and kinds are filtered."""
        assert [("501", "mql", "05-01 09:00"), ("501", "sql", "05-03 09:00")] == history("mkto_bulk_extract", tmp_path)

    def test_pardot(self, tmp_path: Path) -> None:
        """Stages by their numbers."""
        assert (2, 1) == conversion("pardot_lifecycle_history", tmp_path, "mql", "sql")

    def test_zoho_has_offsets(self, tmp_path: Path) -> None:
        """09:00 in India is 03:30 UTC."""
        assert [("555001", "qualification", "05-01 03:30"), ("555001", "closed_won", "05-02 03:30")] == history(
            "zoho_stage_history", tmp_path
        )

    def test_a_sheet_with_a_date_for_each_stage(self, tmp_path: Path) -> None:
        """A lead that passes a stage over has no entry there."""
        entries = [("A1", "mql", "05-01"), ("A1", "sal", "05-03"), ("A2", "mql", "05-02"), ("A2", "sql", "05-04")]
        assert [(lead, stage, f"{day} 00:00") for lead, stage, day in entries] == history("excel_wide_csv", tmp_path)

    def test_a_workbook_and_an_archive(self, tmp_path: Path) -> None:
        """Date cells of a workbook are dates; a member of an archive is a file."""
        assert 2 == len(history("excel_long", tmp_path / "a"))
        assert {"crm": (1, 0, 0, 1)} == account("zip", tmp_path / "b")


class TestTextAndTimes:
    def test_ids_from_spreadsheets(self, tmp_path: Path) -> None:
        """Formulas and apostrophes around an id are none of it, and each lead has its account."""
        found = loaded(DATA / "excel_formula_ids" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        expected = [("00101", "A"), ("00102", "A"), ("00103", "A"), ("00104", "A")]
        assert expected == found.rows("select lead_id, account_id from clean.leads order by all")

    def test_a_fraction_may_be_absent(self, tmp_path: Path) -> None:
        """BigQuery leaves a fraction of zero out."""
        assert [("A", "mql", "05-01 09:00"), ("A", "sal", "05-02 09:00")] == history("bigquery_times", tmp_path)

    def test_spaces_before_am_and_pm(self, tmp_path: Path) -> None:
        """Browsers and spreadsheets write several kinds; a.m. is refused."""
        rows = history("us_times_nnbsp", tmp_path)
        assert set("ABCEFG") == {lead for lead, _, _ in rows}

    def test_invisible_characters_make_no_other_stage(self, tmp_path: Path) -> None:
        """No-break spaces, direction marks, soft hyphens and decomposed accents."""
        rows = history("unicode_stage_names", tmp_path)
        assert set("ABCDEFH") <= {lead for lead, _, _ in rows}

    def test_two_columns_may_have_one_name(self, tmp_path: Path) -> None:
        """If none of them is mapped."""
        assert {"crm": (1, 0, 0, 1)} == account("duplicate_header", tmp_path)

    def test_a_declared_encoding_keeps_umlauts(self, tmp_path: Path) -> None:
        """Nine rows, three of them of Jürgen."""
        found = loaded(DATA / "latin1_undeclared" / "funnel.toml", tmp_path)
        assert [(3,)] == found.rows("select count(*) from clean.stage_entries where owner = 'Jürgen'")

    def test_another_time_format_is_no_good_run(self, tmp_path: Path) -> None:
        """A delivery of which no row can be read is not kept."""
        found = loaded(DATA / "time_format_changes_overnight" / "funnel.toml", tmp_path)
        assert 1 == len(found.outcome.rejected)
        assert {} == found.account


class TestLeads:
    def test_merged_accounts_are_one(self, tmp_path: Path) -> None:
        """A2 was merged into A1: three leads of one account."""
        found = loaded(DATA / "accounts_merged" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        people = found.rows("select distinct account_id from clean.leads where account_id is not null")
        assert [("A1",)] == people

    def test_a_lead_that_was_merged_after_its_conversion(self, tmp_path: Path) -> None:
        """Two leads by the unit lead, of which one reaches the stage."""
        assert (2, 1) == conversion("merged_after_conversion", tmp_path, "mql", "sql", "lead")

    def test_a_deleted_stage_is_a_hold(self, tmp_path: Path) -> None:
        """Four days as MQL, and then fifteen in a stage that is gone."""
        assert [
            ("A", "mql", "05-01 00:00"),
            ("A", "stage_4711", "05-05 00:00"),
            ("A", "sql", "05-20 00:00"),
        ] == history("deleted_stage", tmp_path)[:3]

    def test_two_leads_with_one_address_stay_two(self, tmp_path: Path) -> None:
        """Nobody merges them by themselves."""
        assert {"101", "202"} == {lead for lead, _, _ in history("contact_recreated", tmp_path)}

    def test_a_stage_may_be_taken_back_in_a_minute(self, tmp_path: Path) -> None:
        """The sequence says that both leads stand in MQL."""
        rows = history("misclick_undone_same_minute", tmp_path)
        assert {"A": "mql", "B": "mql"} == {lead: stage for lead, stage, _ in rows}

    def test_two_sources_of_one_event_are_one(self, tmp_path: Path) -> None:
        """A report cut to the minute and the API: two leads, two cycles, no move back."""
        found = loaded(DATA / "minute_and_second_precision" / "funnel.toml", tmp_path, CONVERSION)
        assert (2, 2) == converted(found, "mql", "sal")
        assert [(4,)] == found.rows("select count(*) from clean.stage_entries")

    def test_a_lead_in_another_stage_than_its_history_says_is_counted(self, tmp_path: Path) -> None:
        """One of three is sales qualified in the CRM, and its history ends before."""
        toml = DATA / "history_behind_current_stage" / "funnel.toml"
        found = loaded(toml, tmp_path, "+clean.stage_entries +quality.stage_reconciliation")
        assert [("agrees", 2), ("differs", 1)] == found.rows(
            "select outcome, count(*) from quality.stage_reconciliation group by all order by all"
        )
