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


def converted(export: Loaded, low: str, high: str, unit: str = "cycle") -> tuple[int, int]:
    """The number of units that entered the stage `low`, and of those that ever entered `high`."""
    rows = export.rows(
        "select entered, converted from marts.conversion where grain = 'all' and dimension = 'all' and window_days is null "
        f"and from_stage = '{low}' and to_stage = '{high}' and unit = '{unit}'"
    )
    assert 1 == len(rows)
    entered, there = rows[0]
    return entered, there


def conversion(name: str, folder: Path, *pair: str) -> tuple[int, int]:
    """(entered, converted) of a pair in the folder's history."""
    return converted(loaded(DATA / name / "funnel.toml", folder, CONVERSION), *pair)


def account(name: str, folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """(rows read, filtered, rejected, loaded) of each input of the folder."""
    return loaded(DATA / name / "funnel.toml", folder).account


class TestSalesforce:
    def test_the_first_status_is_in_the_first_old_value(self, tmp_path: Path) -> None:
        """Ten leads were created as open; six changed their status, four of them to converted."""
        export = loaded(DATA / "sf_leadhistory_status_only" / "funnel.toml", tmp_path, CONVERSION)
        assert (10, 6) == converted(export, "open_not_contacted", "working_contacted")
        assert (10, 4) == converted(export, "open_not_contacted", "converted")

    def test_other_rows_and_the_footer_of_a_report_are_filtered(self, tmp_path: Path) -> None:
        """Rows of other fields and the lines of the footer are filtered; the six changes of the status count."""
        assert {"history": (14, 8, 0, 6)} == account("sf_lead_history_report", tmp_path)

    def test_times_of_a_report_are_american(self, tmp_path: Path) -> None:
        """12:00 AM is midnight and 12:15 PM noon; a repeated hour of New York is the first one."""
        export = loaded(DATA / "sf_lead_history_report" / "funnel.toml", tmp_path)
        rows = export.rows(
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
        """The report has a row Created for one lead, which dates its first old value."""
        export = loaded(DATA / "sf_lead_history_report" / "funnel.toml", tmp_path)
        assert [("00QZ10000000001MAA", "open_not_contacted", "06-01 13:00")] == export.rows(
            f"from ({ENTRIES.replace(' order by', ' where basis = $$inferred$$ order by')})"
        )

    def test_a_web_page_named_xls_is_read(self, tmp_path: Path) -> None:
        """Salesforce saves a report for Excel as a web page."""
        assert {"history": (1, 0, 0, 1)} == account("sf_report_xls_html", tmp_path)

    def test_ids_of_15_and_18_characters_are_one(self, tmp_path: Path) -> None:
        """Two of three leads reach the stage; ids are case-sensitive."""
        export = loaded(
            DATA / "sf_15_vs_18_ids" / "funnel.toml", tmp_path, f"{CONVERSION} +marts.lead_to_account +clean.leads"
        )
        assert (3, 2) == converted(export, "mql", "sal")
        assert [("Event", 1), ("Web", 2)] == export.rows(
            "select lead_source, count(*) from clean.leads group by all order by all"
        )
        assert [(2,)] == export.rows("select count(distinct account_id) from clean.leads")

    def test_only_records_that_are_flagged_are_deleted(self, tmp_path: Path) -> None:
        """A was merged into B and is flagged as deleted; B is in MQL."""
        export = loaded(DATA / "is_deleted_flag" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        assert [("B", None)] == export.rows("select lead_id, deleted_at from clean.leads")
        assert (2, 1, 0, 1) == export.account["people_deletions"]

    @pytest.mark.real
    def test_an_opportunity_continues_under_its_lead(self, tmp_path: Path, shared_real: Path) -> None:
        """Leads without an opportunity are not rejected rows."""
        toml = tmp_path / "funnel.toml"
        text = (DATA / "sf_lead_opp_by_merges" / "funnel.toml").read_text("utf-8")
        toml.write_text(text.replace("../../real", shared_real.as_posix()), "utf-8")
        export = loaded(toml, tmp_path / "out", "+clean.stage_entries +clean.lead_survivors")
        assert (22, 17, 0, 5) == export.account["leads_opportunities"]
        assert 0 == sum(rejected for _, _, rejected, _ in export.account.values())
        converted_leads = export.rows(
            "select count(distinct lead_id) from clean.stage_entries where original_lead_id like '006%' and lead_id like '00Q%'"
        )
        assert [(5,)] == converted_leads


class TestHubSpot:
    def test_date_columns_become_entries(self, tmp_path: Path) -> None:
        """Ten contacts, seven of them marketing qualified, and four of these sales qualified."""
        export = loaded(DATA / "hs_contacts_wide" / "funnel.toml", tmp_path, CONVERSION)
        assert (10, 7) == converted(export, "lead", "marketing_qualified")
        assert (7, 4) == converted(export, "marketing_qualified", "sales_qualified")
        assert [(2,)] == export.rows("select count(*) from clean.stage_entries where stage = 'opportunity'")

    def test_a_cleared_property_is_no_entry(self, tmp_path: Path) -> None:
        """A blank value is filtered, and the next value is a move."""
        assert (3, 1) == conversion("hs_property_history", tmp_path, "marketing_qualified", "sales_qualified")

    def test_only_the_lifecycle_stage_counts(self, tmp_path: Path) -> None:
        """The table has all properties of contacts."""
        export = loaded(DATA / "hs_fivetran_property_history" / "funnel.toml", tmp_path, CONVERSION)
        assert (3, 3) == converted(export, "marketing_qualified", "sales_qualified")
        assert {"crm": (13, 4, 0, 9)} == export.account

    def test_versions_of_a_property_become_rows(self, tmp_path: Path) -> None:
        """A response of the API as JSON lines has a list of values in each contact."""
        assert [("101000001", "lead", "05-01 09:00"), ("101000001", "sales_qualified", "05-09 16:00")] == history(
            "hs_api_jsonl", tmp_path
        )

    def test_merged_ids_may_be_in_one_cell(self, tmp_path: Path) -> None:
        """102;103 were merged into 101: one lead."""
        assert (2, 1) == conversion("hs_merged_ids_list", tmp_path, "mql", "sql", "lead")

    def test_tables_of_dlt_are_read(self, tmp_path: Path) -> None:
        """Of three files one has decimal ids and another integers."""
        rows = history("dlt_parquet", tmp_path)
        assert [("501", 3), ("502", 2)] == [(lead, sum(each[0] == lead for each in rows)) for lead in ("501", "502")]


class TestOthers:
    def test_marketo_has_values_in_json(self, tmp_path: Path) -> None:
        """Lead 501 goes from MQL to SQL; activities of other fields and kinds are filtered."""
        assert [("501", "mql", "05-01 09:00"), ("501", "sql", "05-03 09:00")] == history("mkto_bulk_extract", tmp_path)

    def test_pardot_stages_are_numbers(self, tmp_path: Path) -> None:
        """The aliases of the stages are their numbers."""
        assert (2, 1) == conversion("pardot_lifecycle_history", tmp_path, "mql", "sql")

    def test_zoho_has_offsets(self, tmp_path: Path) -> None:
        """09:00 in India is 03:30 UTC."""
        assert [("555001", "qualification", "05-01 03:30"), ("555001", "closed_won", "05-02 03:30")] == history(
            "zoho_stage_history", tmp_path
        )

    def test_a_sheet_with_a_date_for_each_stage(self, tmp_path: Path) -> None:
        """A lead that skips a stage has no entry there."""
        entries = [("A1", "mql", "05-01"), ("A1", "sal", "05-03"), ("A2", "mql", "05-02"), ("A2", "sql", "05-04")]
        assert [(lead, stage, f"{day} 00:00") for lead, stage, day in entries] == history("excel_wide_csv", tmp_path)

    def test_a_workbook_and_an_archive_are_read(self, tmp_path: Path) -> None:
        """Date cells of a workbook are dates; a member of an archive is a file."""
        assert 2 == len(history("excel_long", tmp_path / "a"))
        assert {"crm": (1, 0, 0, 1)} == account("zip", tmp_path / "b")


class TestTextAndTimes:
    def test_ids_from_spreadsheets(self, tmp_path: Path) -> None:
        """Formulas and apostrophes around an id are removed, and each lead has its account."""
        export = loaded(DATA / "excel_formula_ids" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        expected = [("00101", "A"), ("00102", "A"), ("00103", "A"), ("00104", "A")]
        assert expected == export.rows("select lead_id, account_id from clean.leads order by all")

    def test_a_fraction_may_be_absent(self, tmp_path: Path) -> None:
        """BigQuery omits a fraction of zero."""
        assert [("A", "mql", "05-01 09:00"), ("A", "sal", "05-02 09:00")] == history("bigquery_times", tmp_path)

    def test_any_space_before_am_and_pm_is_read(self, tmp_path: Path) -> None:
        """Browsers and spreadsheets write several kinds of spaces; a.m. is rejected."""
        rows = history("us_times_nnbsp", tmp_path)
        assert set("ABCEFG") == {lead for lead, _, _ in rows}

    def test_invisible_characters_make_no_other_stage(self, tmp_path: Path) -> None:
        """No-break spaces, direction marks, soft hyphens and decomposed accents match the same stage."""
        rows = history("unicode_stage_names", tmp_path)
        assert set("ABCDEFH") <= {lead for lead, _, _ in rows}

    def test_two_columns_may_have_one_name(self, tmp_path: Path) -> None:
        """It is allowed if no input maps the name."""
        assert {"crm": (1, 0, 0, 1)} == account("duplicate_header", tmp_path)

    def test_a_declared_encoding_keeps_umlauts(self, tmp_path: Path) -> None:
        """Three rows have the owner Jürgen."""
        export = loaded(DATA / "latin1_undeclared" / "funnel.toml", tmp_path)
        assert [(3,)] == export.rows("select count(*) from clean.stage_entries where owner = 'Jürgen'")

    def test_a_delivery_in_another_time_format_is_rejected(self, tmp_path: Path) -> None:
        """A delivery without a readable row is not loaded."""
        export = loaded(DATA / "time_format_changes_overnight" / "funnel.toml", tmp_path)
        assert 1 == len(export.outcome.rejected)
        assert {} == export.account


class TestLeads:
    def test_merged_accounts_are_one(self, tmp_path: Path) -> None:
        """A2 was merged into A1, so three leads have one account."""
        export = loaded(DATA / "accounts_merged" / "funnel.toml", tmp_path, "+clean.stage_entries +clean.leads")
        people = export.rows("select distinct account_id from clean.leads where account_id is not null")
        assert [("A1",)] == people

    def test_a_lead_merged_after_its_conversion_counts_once(self, tmp_path: Path) -> None:
        """With the unit lead, one of two leads reaches the stage."""
        assert (2, 1) == conversion("merged_after_conversion", tmp_path, "mql", "sql", "lead")

    def test_a_deleted_stage_is_a_hold(self, tmp_path: Path) -> None:
        """The lead is four days in MQL, then fifteen days in a deleted stage."""
        assert [
            ("A", "mql", "05-01 00:00"),
            ("A", "stage_4711", "05-05 00:00"),
            ("A", "sql", "05-20 00:00"),
        ] == history("deleted_stage", tmp_path)[:3]

    def test_two_leads_with_one_address_stay_two(self, tmp_path: Path) -> None:
        """Leads are merged only by a merges input."""
        assert {"101", "202"} == {lead for lead, _, _ in history("contact_recreated", tmp_path)}

    def test_a_stage_may_be_taken_back_in_a_minute(self, tmp_path: Path) -> None:
        """By the sequence, both leads are in MQL."""
        rows = history("misclick_undone_same_minute", tmp_path)
        assert {"A": "mql", "B": "mql"} == {lead: stage for lead, stage, _ in rows}

    def test_two_sources_of_one_event_are_one(self, tmp_path: Path) -> None:
        """A report with minutes and the API give two leads, two cycles and no move back."""
        export = loaded(DATA / "minute_and_second_precision" / "funnel.toml", tmp_path, CONVERSION)
        assert (2, 2) == converted(export, "mql", "sal")
        assert [(4,)] == export.rows("select count(*) from clean.stage_entries")

    def test_a_lead_in_another_stage_than_its_history_says_is_counted(self, tmp_path: Path) -> None:
        """One of three leads is sales qualified in the CRM, but not in its history."""
        toml = DATA / "history_behind_current_stage" / "funnel.toml"
        export = loaded(toml, tmp_path, "+clean.stage_entries +quality.stage_reconciliation")
        assert [("agrees", 2), ("differs", 1)] == export.rows(
            "select outcome, count(*) from quality.stage_reconciliation group by all order by all"
        )
