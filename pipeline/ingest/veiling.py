"""Personal data of the landing log as the models are to see it: whatever is built from these columns holds pseudonyms only.

The log itself keeps the rows as delivered. Rules of scope, origin and persona, and the search for an account by domain, ask
the rows as delivered; what they find are numbers of leads, so no figure moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.configuration import Personal, Treatment
from pipeline.database.connection import identifier, quoted
from pipeline.privacy.pseudonyms import ADDRESS, MACRO

WITHHELD = "(as delivered: in the landing log only)"
"""Stands where a whole row would."""

_OF_MERGES = frozenset({"from_lead_id", "into_lead_id"})
_LEADS = _OF_MERGES | {"lead_id"}
_KEYS = _LEADS | {"account_id", "stage", "stage_alias", "previous", "previous_alias"}
"""Columns without which a row is none: what would be dropped is hashed."""
_STAGES = {name: alias for alias in ("stage_alias", "previous_alias") for name in (alias.removesuffix("_alias"), alias)}
"""By the column that holds its alias: what no stage is called by may be a person's name, so it goes by the switch of owners."""
_OURS = frozenset({"input", "time_note", "reason", "file_name"})
_WHOLE_ROWS = frozenset({"original"})


@dataclass(frozen=True)
class Veil:
    """How the database treats personal data; `stages` are the spellings of stages, which are nobody's address."""

    personal: Personal
    stages: Sequence[str] = ()

    def column(self, table: str, name: str, kind: str) -> str:
        """The SQL of one column of a table, under its name."""
        if kind != "varchar" or name in _OURS:
            return identifier(name)
        if name in _WHOLE_ROWS:
            return f"{quoted(WITHHELD)} as {identifier(name)}"
        return f"{self._value(table, name)} as {identifier(name)}"

    def _value(self, table: str, name: str) -> str:
        column = identifier(name)
        if table == "merges" and name in _OF_MERGES:
            # An account's id has to stay the id that it is in leads and accounts.
            account = self._treated_as("accounts", "account_id", column)
            return (
                f"case when lower(object) = 'account' then {account} else {self._treated_as(table, name, column)} end"
            )
        return self._treated_as(table, name, column)

    def _treated_as(self, table: str, name: str, column: str) -> str:
        whole = self._treatment(table, name)
        if whole != "keep":
            return _treated(column, whole, name)
        if table == "stage_entries" and name in _STAGES and self.personal.owners != "keep":
            spellings = ", ".join(map(quoted, self.stages))
            return f"case when {_STAGES[name]} in ({spellings}) then {column} else {_treated(column, 'hash', name)} end"
        if self.personal.emails == "keep":
            return column
        treated = _treated(column, self.personal.emails, name)
        known = [quoted(stage) for stage in self.stages if "@" in stage]
        spared = f" and {column} not in ({', '.join(known)})" if known else ""
        return f"case when regexp_matches({column}, {quoted(ADDRESS)}){spared} then {treated} else {column} end"

    def _treatment(self, table: str, name: str) -> Treatment:
        if name in _LEADS:
            return self.personal.lead_ids
        if name == "owner":
            return self.personal.owners
        if name == "email":
            return self.personal.emails
        return self.personal.account_names if (table, name) == ("accounts", "name") else "keep"


def _treated(column: str, treatment: Treatment, name: str) -> str:
    return f"{MACRO}({column})" if treatment == "hash" or name in _KEYS else "null::varchar"
