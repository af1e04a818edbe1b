"""What becomes of personal data in each thing that a night gives away, as frozen values. No key: that is the environment's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Treatment = Literal["keep", "hash", "drop"]


@dataclass(frozen=True)
class Personal:
    """How one output treats what says who somebody is. `emails` is an e-mail address wherever one stands."""

    lead_ids: Treatment = "keep"
    owners: Treatment = "keep"
    account_names: Treatment = "keep"
    emails: Treatment = "keep"

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """All of them, in the order of the fields."""
        return (self.lead_ids, self.owners, self.account_names, self.emails)

    @property
    def is_plain(self) -> bool:
        """Whether everything is kept as it is."""
        return set(self.treatments) == {"keep"}


@dataclass(frozen=True)
class Privacy:
    """`[privacy]`: the pages, the files beside them (CSV, workbook, summary), the mail, the database."""

    report: Personal = Personal()
    files: Personal = Personal()
    mail: Personal = Personal()
    database: Personal = Personal()

    @property
    def needs_key(self) -> bool:
        """Whether anything is hashed; dropping keys of rows hashes them, too."""
        outputs = (self.report, self.files, self.mail, self.database)
        return any(not each.is_plain for each in outputs)
