"""Writes the sample: eighteen months of an invented company's leads. `python data/sample/make_sample.py [FOLDER]`.

The same seed gives the same bytes. What is planted, and where to see it, is in README.md beside this file.
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
from lives import live

SEED = 20251231
ENTRY_COLUMNS = ("lead_id", "stage", "entered_at", "owner", "source_system")
LEAD_COLUMNS = ("lead_id", "account_id", "origin", "lead_source", "created_at", "owner", "email", "title", "persona")
DELETIONS = 15
DUPLICATES, REASSERTIONS, ODD_SPELLINGS = 40, 30, 0.01
STAGE_WORDS = {  # as a CRM's status field spells them; the first is the usual one
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
FIRST_WORDS = {  # the labels of the preset mcl-mel-mql-sal-sql, so that nothing needs an alias
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
    """Write every CSV into the folder named, else beside this script."""
    folder = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    for name, content in files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def files() -> dict[str, bytes]:
    """File name to content."""
    dice = Dice(SEED)
    accounts = make_accounts(dice)
    leads = make_leads(dice, accounts)
    for lead in leads:
        live(dice, lead)
    merged = add_duplicates(dice, leads)
    leads.sort(key=lambda lead: lead.created_at)
    for number, lead in enumerate(leads):
        lead.lead_id = salesforce_id("00Q8d", 41_000 + number)
    deleted = choose_deleted(dice, leads, merged)
    keep_a_few_future_entries(leads)
    gone = {id(lead) for lead, *_ in (*merged, *deleted)}
    first = [lead for lead in leads if id(lead) not in gone][::10]
    return {
        "stage_entries.csv": text_of(ENTRY_COLUMNS, entry_rows(dice, leads)),
        "leads.csv": text_of(LEAD_COLUMNS, map(lead_row, leads)),
        "accounts.csv": text_of(
            ("account_id", "name", "domain", "segment", "region"),
            [(each.account_id, each.name, each.domain, each.segment, each.region) for each in accounts],
        ),
        "merges.csv": text_of(
            ("from_lead_id", "into_lead_id", "merged_at"),
            sorted((gone.lead_id, kept.lead_id, stamp(at)) for gone, kept, at in merged),
        ),
        "deletions.csv": text_of(("lead_id", "deleted_at"), sorted((lead.lead_id, stamp(at)) for lead, at in deleted)),
        "first_export/stage_entries.csv": text_of(ENTRY_COLUMNS, first_entry_rows(first)),
        "first_export/leads.csv": text_of(LEAD_COLUMNS, map(lead_row, first)),
    }


def lead_row(lead: Lead) -> tuple[str, ...]:
    """A lead as an export delivers it."""
    return (
        *(lead.lead_id, lead.account.account_id if lead.account and lead.knows_account else ""),
        *(lead.origin, lead.lead_source, stamp(lead.created_at), lead.owner),
        *(f"{'.'.join(lead.person).lower()}@{lead.domain}", lead.title, lead.persona),
    )


def first_entry_rows(leads: list[Lead]) -> list[tuple[str, ...]]:
    """The clean history of a few leads up to SQL, in the words of the preset, by time."""
    return sorted(
        (
            (lead.lead_id, FIRST_WORDS[entry.stage], stamp(entry.entered_at), entry.owner, "crm")
            for lead in leads
            for entry in lead.entries
            if entry.stage in FIRST_WORDS and entry.entered_at <= AS_OF
        ),
        key=lambda row: (row[2], row[0]),
    )


def add_duplicates(dice: Dice, leads: list[Lead]) -> list[tuple[Lead, Lead, datetime]]:
    """Second records of known people, and their merges: (gone, kept, merged_at). The last two are a chain."""
    patient = [
        lead
        for lead in leads
        if lead.first_stage == "mcl" and len(lead.entries) > 2
        if lead.entries[1].entered_at - lead.created_at > timedelta(days=3)
        and lead.created_at < AS_OF - timedelta(days=30)
    ]
    merged: list[tuple[Lead, Lead, datetime]] = []
    for original in dice.some(patient, MERGES - 1):
        merged.append(second_record(dice, original, original.created_at + timedelta(days=dice.between(0.2, 1.5))))
    middle = merged[-1][0]
    merged.append(second_record(dice, middle, middle.created_at + timedelta(hours=5)))
    leads.extend(gone for gone, _, _ in merged)
    return merged


def second_record(dice: Dice, original: Lead, created_at: datetime) -> tuple[Lead, Lead, datetime]:
    """The same person once more, created and engaged before the original moved on."""
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
    """Leads that the CRM deleted: never a merged one, always after their last entry."""
    in_a_merge = {id(lead) for gone, kept, _ in merged for lead in (gone, kept)}
    quiet = [
        lead
        for lead in leads
        if id(lead) not in in_a_merge and lead.entries[-1].entered_at < AS_OF - timedelta(days=60)
        if lead.entries[-1].stage in ("mcl", "mel", "sal", "nurture", "disqualified")
    ]
    return [
        (lead, working_time(dice, lead.entries[-1].entered_at + timedelta(days=dice.between(3, 40))))
        for lead in dice.some(quiet, DELETIONS)
    ]


def keep_a_few_future_entries(leads: list[Lead]) -> None:
    """Five entries dated early January stay, as an export with booked meetings has them; the other late ones go."""
    left = 5
    for lead in leads:
        if lead.entries[-1].entered_at <= AS_OF:
            continue
        if left and lead.entries[-1].entered_at < AS_OF + timedelta(days=9):
            left -= 1
        else:
            lead.entries.pop()


def entry_rows(dice: Dice, leads: list[Lead]) -> list[tuple[str, ...]]:
    """The history as an export delivers it: by time, in the CRM's words, with a little dirt."""
    history = sorted(
        ((entry, lead.lead_id) for lead in leads for entry in lead.entries),
        key=lambda row: (row[0].entered_at, row[1]),
    )
    rows: list[tuple[str, ...]] = []
    for entry, lead_id in history:
        system = "marketing" if entry.stage in ("mcl", "mel") else "crm"
        rows.append((lead_id, spelled(dice, entry.stage), stamp(entry.entered_at), entry.owner, system))
    return with_dirt(dice, leads, rows)


def spelled(dice: Dice, stage: str) -> str:
    """One of the CRM's words for a stage; one in a hundred in odd case or with odd spaces."""
    words = STAGE_WORDS[stage]
    word = words[0] if dice.chance(0.88) else dice.one_of(words)
    if not dice.chance(ODD_SPELLINGS):
        return word
    return dice.one_of(
        (word.upper(), word.lower(), f" {word}", f"{word} ", word.replace(" ", "  "), word.replace(" ", "\u00a0"))
    )


def with_dirt(dice: Dice, leads: list[Lead], rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows that a real export has and nobody wants: exact duplicates, re-assertions, unreadable and unknown things."""
    dirty = rows + dice.some(rows, DUPLICATES)
    # The same stage once more a day later, before the lead moves on: a re-assertion, not a move.
    lingering = [
        (lead.lead_id, entry)
        for lead in leads
        for entry, following in pairwise(lead.entries)
        if following.entered_at - entry.entered_at > timedelta(days=3) and following.entered_at <= AS_OF
    ]
    for lead_id, entry in dice.some(lingering, REASSERTIONS):
        dirty.append(
            (lead_id, spelled(dice, entry.stage), stamp(entry.entered_at + timedelta(days=1)), entry.owner, "crm")
        )
    dirty.sort(key=lambda row: (row[2], row[0]))
    for stage in ("Marketing Qualifed", "Marketing Qualifed", "Test - Ignore", "Partner Pool", "Test - Ignore", "-"):
        put_anywhere(dice, dirty, stage=stage)
    for entered_at in ("31/02/2025", "2025-13-04T10:00:00Z", "yesterday", "", "1025-03-01T09:00:00Z"):
        put_anywhere(dice, dirty, entered_at=entered_at)
    put_anywhere(dice, dirty, lead_id="")
    return dirty


def put_anywhere(dice: Dice, rows: list[tuple[str, ...]], **spoiled: str) -> None:
    """Copy a random row, spoil the fields given, and put it after the original."""
    position = int(dice.roll() * len(rows))
    row = dict(zip(ENTRY_COLUMNS, rows[position], strict=True)) | spoiled
    rows.insert(position + 1, tuple(row.values()))


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def text_of(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV as UTF-8 with plain line ends; quoted only where a value needs it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


if __name__ == "__main__":
    main(sys.argv[1:])
