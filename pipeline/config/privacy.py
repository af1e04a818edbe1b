"""The `[privacy]` block: how each output treats personal data."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.config.block import Block, Document
from pipeline.config.configuration import Personal, Privacy, ReportOfOne, Treatment

OUTPUTS = ("report", "files", "mail", "database")


class PersonalBlock(Block):
    """`{ lead_ids = "hash", owners = "keep", account_names = "drop", emails = "hash" }` of one output."""

    lead_ids: Treatment = "keep"
    owners: Treatment = "keep"
    account_names: Treatment = "keep"
    emails: Treatment = "keep"


class PrivacyBlock(Block):
    """`[privacy]`."""

    report: PersonalBlock | None = None
    files: PersonalBlock | None = None
    mail: PersonalBlock | None = None
    database: PersonalBlock | None = None


def read_privacy(document: Document, reports: Sequence[ReportOfOne]) -> Privacy:
    """Return the treatment of personal data in each output. Adds a problem if a treatment would change numbers."""
    block, problems = document.block(PrivacyBlock, "privacy"), document.problems
    found = {output: Personal(**dict(getattr(block, output) or ())) for output in OUTPUTS}
    privacy = Privacy(**found)
    if privacy.database.lead_ids == "drop":
        what = 'can\'t be "drop" in the database: all leads would be one; "hash" keeps them apart'
        problems.add(("privacy", "database", "lead_ids"), what)
    of_owners = [each for each in reports if each.dimension == "owner"]
    if privacy.database.owners != "keep" and of_owners:
        what = f'must be "keep" while the report `{of_owners[0].name}` selects one owner by name'
        problems.add(("privacy", "database", "owners"), what)
    named = [each.name for each in of_owners if each.value.casefold() in each.title.casefold()]
    for output in OUTPUTS[:-1]:
        if found[output].owners != "keep" and named:
            what = f'must be "keep" while the report `{named[0]}` has its owner\'s name in its title; give it another `title`'
            problems.add(("privacy", output, "owners"), what)
    return privacy
