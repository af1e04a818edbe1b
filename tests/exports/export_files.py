"""One small export of each format, as a header and rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """A file as a header and rows of text, with the settings that it needs beside its format."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""
    optional: tuple[str, ...] = ()
    """Optional columns."""
    loaded: int = 0
    """The number of rows of all tables that it gives."""


HISTORY = (
    ("00Q1", "Status", "Open", "MQL", "2026-05-01T09:00:00Z", "x"),
    ("00Q1", "Owner", "Dana", "Sami", "2026-05-02T09:00:00Z", "y"),
    ("00Q1", "Status", "MQL", "SAL", "2026-05-03T09:00:00Z", ""),
    ("00Q2", "Status", "", "MQL", "2026-05-04T09:00:00Z", "z"),
)
STAGES = tuple((*row[:1], "StageName" if row[1] == "Status" else row[1], *row[2:]) for row in HISTORY)
PEOPLE = (
    ("00Q1", "false", "", "MQL", "2026-05-01T08:00:00Z", "2026-05-05T08:00:00Z", "003A", "006A", "Web"),
    ("00Q2", "true", "00Q1", "SAL", "2026-05-02T08:00:00Z", "2026-05-06T08:00:00Z", "", "", "Event"),
)
WIDE = (("1", "MQL", "2026-05-01", "2026-05-03", "", "7;8"), ("2", "SQL", "2026-05-02", "", "2026-05-06", ""))
PROPERTIES = (
    ("1", "lifecyclestage", "MQL", "2026-05-01 09:00", "CRM"),
    ("1", "jobtitle", "SQL", "2026-05-02 09:00", "CRM"),
    ("1", "lifecyclestage", "", "2026-05-03 09:00", "CRM"),
    ("2", "lifecyclestage", "SAL", "2026-05-03 09:00", "API"),
)
EXPORTS = {
    "field_history": Export(
        ("lead_id", "field", "old_value", "new_value", "changed_at", "by"),
        HISTORY,
        'field_value = "Status"\n',
        ("by", "old_value"),
        3,
    ),
    "stage_dates": Export(
        ("Lead ID", "Now", "Date entered MQL", "Date entered SAL", "Date entered SQL", "Others"),
        WIDE,
        'stages = "Date entered *"\n',
        ("Now", "Others"),
        4,
    ),
    "stage_snapshots": Export(
        ("lead_id", "status", "snapshot_date", "owner_name"),
        (("1", "MQL", "2026-05-01", "a"), ("1", "SAL", "2026-05-02", "b"), ("2", "", "2026-05-02", "c")),
        optional=("owner_name",),
        loaded=2,
    ),
    "scd2": Export(
        ("id", "stage_name", "_fivetran_start", "_fivetran_end", "amount"),
        (
            ("1", "MQL", "2026-05-01 09:00:00", "", "5"),
            ("1", "SAL", "2026-05-02 9:00:00", "", ""),
            ("2", "", "2026-05-02", "", ""),
        ),
        optional=("amount", "_fivetran_end"),
        loaded=2,
    ),
    "salesforce_lead_history": Export(
        ("LeadId", "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"),
        HISTORY,
        "",
        ("CreatedById", "OldValue"),
        3,
    ),
    "salesforce_opportunity_field_history": Export(
        ("OpportunityId", "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"),
        STAGES,
        "",
        ("CreatedById", "OldValue"),
        3,
    ),
    "salesforce_opportunity_history": Export(
        ("OpportunityId", "StageName", "CreatedDate", "Amount"),
        (("006A", "MQL", "2026-05-01T09:00:00Z", "1"), ("006A", "SAL", "5/3/2026, 9:00 AM", "")),
        optional=("Amount",),
        loaded=2,
    ),
    "salesforce_leads": Export(
        (
            "Id",
            "IsDeleted",
            "MasterRecordId",
            "Status",
            "CreatedDate",
            "SystemModstamp",
            "ConvertedContactId",
            "ConvertedOpportunityId",
            "LeadSource",
        ),
        PEOPLE,
        optional=("LeadSource", "Status"),
        loaded=6,
    ),
    "salesforce_contacts": Export(
        ("Id", "IsDeleted", "MasterRecordId", "LastName", "CreatedDate", "SystemModstamp"),
        tuple(row[:6] for row in PEOPLE),
        optional=("LastName",),
        loaded=4,
    ),
    "salesforce_opportunities": Export(
        ("Id", "IsDeleted", "AccountId", "StageName", "CreatedDate", "SystemModstamp"),
        tuple(row[:6] for row in PEOPLE),
        optional=("StageName",),
        loaded=3,
    ),
    "salesforce_accounts": Export(
        ("Id", "Name", "MasterRecordId", "Website"),
        (("001A", "Acme", "", "acme.example"), ("001B", "Acme Ltd", "001A", "")),
        optional=("Website",),
        loaded=3,
    ),
    "hubspot_contacts": Export(
        (
            "Record ID",
            "Lifecycle Stage",
            "Became a MQL Date",
            "Became a SAL Date",
            "Became an SQL Date",
            "Merged record IDs",
        ),
        WIDE,
        optional=("Lifecycle Stage",),
        loaded=8,
    ),
    "hubspot_deals": Export(
        (
            "Record ID",
            "Deal Stage",
            'Date entered "MQL (Sales Pipeline)"',
            'Date entered "SAL (Sales Pipeline)"',
            'Date entered "SQL (Sales Pipeline)"',
            "Merged Deal IDs",
        ),
        WIDE,
        optional=("Deal Stage",),
        loaded=8,
    ),
    "hubspot_property_history": Export(
        ("Record ID", "Property name", "Property value", "Changed at", "Source"), PROPERTIES, "", ("Source",), 2
    ),
    "marketo_activities": Export(
        ("leadId", "activityDate", "activityTypeId", "primaryAttributeValue", "attributes", "campaignId"),
        (
            ("1", "2026-05-01T09:00:00Z", "13", "Lead Status", '{"New Value": "MQL", "Old Value": "Open"}', "5"),
            ("1", "2026-05-01T09:00:00Z", "13", "First Name", '{"New Value": "Dana", "Old Value": ""}', ""),
            ("2", "2026-05-01T09:00:00Z", "1", "a page", '{"Query Parameters": ""}', ""),
        ),
        optional=("campaignId",),
        loaded=1,
    ),
    "marketo_leads": Export(
        ("id", "createdAt", "email", "leadSource"),
        (("1", "2026-05-01T09:00:00Z", "a@acme.example", "Web"), ("2", "2026-05-01T09:00:00Z", "", "")),
        optional=("leadSource", "email"),
        loaded=2,
    ),
    "pardot_lifecycle_history": Export(
        ("id", "prospect_id", "previous_stage_id", "next_stage_id", "seconds_elapsed", "created_at"),
        (("1", "9", "", "MQL", "0", "2026-05-01 09:00:00"), ("2", "9", "MQL", "SAL", "60", "2026-05-02 09:00:00")),
        optional=("seconds_elapsed", "previous_stage_id", "id"),
        loaded=2,
    ),
    "dynamics_audit": Export(
        ("Record ID", "Changed Date", "Changed Field", "Old Value", "New Value", "Event"),
        (
            ("1", "2026-05-01 09:00", "Status Reason\nOwner", "Open\nDana", "MQL\nSami", "Update"),
            ("2", "2026-05-01 09:00", "Owner", "Dana", "Sami", "Update"),
        ),
        optional=("Event",),
        loaded=1,
    ),
    "pipedrive_flow": Export(
        ("object", "timestamp", "data"),
        (
            (
                "dealChange",
                "2026-05-01 09:00:00",
                '{"item_id": 1, "field_key": "stage_id", "old_value": "1", "new_value": "MQL"}',
            ),
            ("note", "2026-05-01 09:00:00", '{"id": 5}'),
        ),
        loaded=1,
    ),
    "zoho_stage_history": Export(
        ("Deal Id", "Stage", "Modified Time", "Amount"),
        (("5", "MQL", "2026-05-01T09:00:00+05:30", "1"), ("5", "SAL", "2026-05-02T09:00:00+05:30", "")),
        optional=("Amount",),
        loaded=2,
    ),
}
