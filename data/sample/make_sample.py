"""Write the sample: eighteen months of leads of an invented company. `python data/sample/make_sample.py [FOLDER]`.

The same seed produces the same bytes. README.md in this folder lists the planted facts.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from company import (
    AS_OF,
    MARKETING_SOURCES,
    MERGES,
    Dice,
    Entry,
    Lead,
    make_accounts,
    make_leads,
    salesforce_id,
    working_time,
)
from lives import simulate_lead

SEED = 20251231
ENTRY_COLUMNS = ("lead_id", "stage", "entered_at", "owner", "source_system")
LEAD_COLUMNS = ("lead_id", "account_id", "origin", "lead_source", "created_at", "owner", "email", "title", "persona")
DELETIONS = 15
DUPLICATES, REASSERTIONS, ODD_SPELLING_SHARE = 40, 30, 0.01
STAGE_SPELLINGS = {  # spellings of the CRM's status field, the usual one first
    "mcl": ("Marketing Created", "Open - Not Contacted"),
    "mel": ("Marketing Engaged", "Engaged"),
    "mql": ("Marketing Qualified", "MQL"),
    "sal": ("Sales Accepted", "Working - Contacted"),
    "sql": ("Sales Qualified", "Closed - Converted"),
    "won": ("Closed Won",),
    "on_hold": ("On Hold", "Waiting for Customer"),
    "nurture": ("Recycled", "Nurture"),
    "disqualified": ("Unqualified", "Closed - Not Converted"),
    "lost": ("Closed Lost",),
}
PRESET_LABELS = {  # labels of the preset mcl-mel-mql-sal-sql, so that no alias is needed
    "mcl": "MCL",
    "mel": "MEL",
    "mql": "MQL",
    "sal": "SAL",
    "sql": "SQL",
    "on_hold": "On hold",
    "nurture": "Nurture",
    "disqualified": "Disqualified",
}


def main(arguments: Sequence[str]) -> None:
    """Write every CSV into the given folder, or beside this script."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    for name, content in files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def files() -> dict[str, bytes]:
    """Return file name → content."""
    dice = Dice(SEED)
    accounts = make_accounts(dice)
    leads = make_leads(dice, accounts)
    for lead in leads:
        simulate_lead(dice, lead)
    merged = add_duplicates(dice, leads)
    leads.sort(key=lambda lead: lead.created_at)
    for number, lead in enumerate(leads):
        lead.lead_id = salesforce_id("00Q8d", 41_000 + number)
    deleted = choose_deleted(dice, leads, merged)
    keep_a_few_future_entries(leads)
    removed = {id(lead) for lead, *_ in (*merged, *deleted)}
    first_export = [lead for lead in leads if id(lead) not in removed][::10]
    return {
        "stage_entries.csv": to_csv(ENTRY_COLUMNS, entry_rows(dice, leads)),
        "leads.csv": to_csv(LEAD_COLUMNS, map(lead_row, leads)),
        "accounts.csv": to_csv(
            ("account_id", "name", "domain", "segment", "region"),
            [(each.account_id, each.name, each.domain, each.segment, each.region) for each in accounts],
        ),
        "merges.csv": to_csv(
            ("from_lead_id", "into_lead_id", "merged_at"),
            sorted((duplicate.lead_id, survivor.lead_id, timestamp(at)) for duplicate, survivor, at in merged),
        ),
        "deletions.csv": to_csv(
            ("lead_id", "deleted_at"), sorted((lead.lead_id, timestamp(at)) for lead, at in deleted)
        ),
        "first_export/stage_entries.csv": to_csv(ENTRY_COLUMNS, first_entry_rows(first_export)),
        "first_export/leads.csv": to_csv(LEAD_COLUMNS, map(lead_row, first_export)),
    }


def lead_row(lead: Lead) -> tuple[str, ...]:
    """Return a lead as exported."""
    return (
        *(lead.lead_id, lead.account.account_id if lead.account and lead.knows_account else ""),
        *(lead.origin, lead.lead_source, timestamp(lead.created_at), lead.owner),
        *(f"{'.'.join(lead.person).lower()}@{lead.domain}", lead.title, lead.persona),
    )


def first_entry_rows(leads: list[Lead]) -> list[tuple[str, ...]]:
    """Return the correct history of a few leads up to SQL, with the labels of the preset, by time."""
    return sorted(
        (
            (lead.lead_id, PRESET_LABELS[entry.stage], timestamp(entry.entered_at), entry.owner, "crm")
            for lead in leads
            for entry in lead.entries
            if entry.stage in PRESET_LABELS and entry.entered_at <= AS_OF
        ),
        key=lambda row: (row[2], row[0]),
    )


def add_duplicates(dice: Dice, leads: list[Lead]) -> list[tuple[Lead, Lead, datetime]]:
    """Add second records of known people. Returns their merges (duplicate, survivor, merged_at).

    The last two merges are a chain.
    """
    candidates = [
        lead
        for lead in leads
        if lead.first_stage == "mcl" and len(lead.entries) > 2
        if lead.entries[1].entered_at - lead.created_at > timedelta(days=3)
        and lead.created_at < AS_OF - timedelta(days=30)
    ]
    merged: list[tuple[Lead, Lead, datetime]] = []
    for original in dice.some(candidates, MERGES - 1):
        merged.append(make_second_record(dice, original, original.created_at + timedelta(days=dice.between(0.2, 1.5))))
    middle = merged[-1][0]
    merged.append(make_second_record(dice, middle, middle.created_at + timedelta(hours=5)))
    leads.extend(duplicate for duplicate, _, _ in merged)
    return merged


def make_second_record(dice: Dice, original: Lead, created_at: datetime) -> tuple[Lead, Lead, datetime]:
    """Return a duplicate that was created and engaged before the original moved on, and its merge."""
    created_at = created_at.replace(microsecond=0)
    copy = Lead(
        created_at=created_at,
        origin="marketing",
        lead_source=dice.weighted(MARKETING_SOURCES),
        first_stage="mcl",
        account=original.account,
        person=(original.person[0][0], original.person[1]),
        domain=original.domain,
        title=original.title,
        persona=original.persona,
        knows_account=original.knows_account,
        entries=[Entry("mcl", created_at, "")],
    )
    if dice.chance(0.4):
        copy.entries.append(Entry("mel", created_at + timedelta(hours=2), ""))
    return copy, original, working_time(dice, created_at + timedelta(days=dice.between(4, 20)))


def choose_deleted(
    dice: Dice, leads: list[Lead], merged: list[tuple[Lead, Lead, datetime]]
) -> list[tuple[Lead, datetime]]:
    """Return leads that the CRM deletes after their last entry, none of them merged."""
    in_a_merge = {id(lead) for duplicate, survivor, _ in merged for lead in (duplicate, survivor)}
    candidates = [
        lead
        for lead in leads
        if id(lead) not in in_a_merge and lead.entries[-1].entered_at < AS_OF - timedelta(days=60)
        if lead.entries[-1].stage in ("mcl", "mel", "sal", "nurture", "disqualified")
    ]
    return [
        (lead, working_time(dice, lead.entries[-1].entered_at + timedelta(days=dice.between(3, 40))))
        for lead in dice.some(candidates, DELETIONS)
    ]


def keep_a_few_future_entries(leads: list[Lead]) -> None:
    """Keep five entries of early January, as an export with booked meetings has them. Remove the others."""
    remaining = 5
    for lead in leads:
        if lead.entries[-1].entered_at <= AS_OF:
            continue
        if remaining and lead.entries[-1].entered_at < AS_OF + timedelta(days=9):
            remaining -= 1
        else:
            lead.entries.pop()


def entry_rows(dice: Dice, leads: list[Lead]) -> list[tuple[str, ...]]:
    """Return the history as exported: by time, with the spellings of the CRM and a few errors."""
    history = sorted(
        ((entry, lead.lead_id) for lead in leads for entry in lead.entries),
        key=lambda row: (row[0].entered_at, row[1]),
    )
    rows: list[tuple[str, ...]] = []
    for entry, lead_id in history:
        system = "marketing" if entry.stage in ("mcl", "mel") else "crm"
        rows.append((lead_id, spell_stage(dice, entry.stage), timestamp(entry.entered_at), entry.owner, system))
    return add_errors(dice, leads, rows)


def spell_stage(dice: Dice, stage: str) -> str:
    """Return a spelling of a stage. One in a hundred has odd case or spaces."""
    words = STAGE_SPELLINGS[stage]
    word = words[0] if dice.chance(0.88) else dice.one_of(words)
    if not dice.chance(ODD_SPELLING_SHARE):
        return word
    return dice.one_of(
        (word.upper(), word.lower(), f" {word}", f"{word} ", word.replace(" ", "  "), word.replace(" ", "\u00a0"))
    )


def add_errors(dice: Dice, leads: list[Lead], rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rows with errors of real exports: duplicates, re-assertions, unreadable and unknown values."""
    with_errors = rows + dice.some(rows, DUPLICATES)
    # The same stage again one day later, before the lead moves on: a re-assertion, not a move.
    long_stays = [
        (lead.lead_id, entry)
        for lead in leads
        for entry, following in pairwise(lead.entries)
        if following.entered_at - entry.entered_at > timedelta(days=3) and following.entered_at <= AS_OF
    ]
    for lead_id, entry in dice.some(long_stays, REASSERTIONS):
        with_errors.append(
            (
                lead_id,
                spell_stage(dice, entry.stage),
                timestamp(entry.entered_at + timedelta(days=1)),
                entry.owner,
                "crm",
            )
        )
    with_errors.sort(key=lambda row: (row[2], row[0]))
    for stage in ("Marketing Qualifed", "Marketing Qualifed", "Test - Ignore", "Partner Pool", "Test - Ignore", "-"):
        insert_spoiled_row(dice, with_errors, stage=stage)
    for entered_at in ("31/02/2025", "2025-13-04T10:00:00Z", "yesterday", "", "1025-03-01T09:00:00Z"):
        insert_spoiled_row(dice, with_errors, entered_at=entered_at)
    insert_spoiled_row(dice, with_errors, lead_id="")
    return with_errors


def insert_spoiled_row(dice: Dice, rows: list[tuple[str, ...]], **values: str) -> None:
    """Copy a random row, replace the given values, and insert it after the original."""
    position = int(dice.roll() * len(rows))
    row = dict(zip(ENTRY_COLUMNS, rows[position], strict=True)) | values
    rows.insert(position + 1, tuple(row.values()))


def timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV as UTF-8 with newline line ends, and quotes only where needed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    main(sys.argv[1:])
