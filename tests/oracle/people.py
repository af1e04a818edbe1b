"""Made-up leads and accounts: what the CRM says of the people whose moves `strategies` makes up."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

from pipeline.waterfall.definition import Waterfall

ACCOUNTS = (None, "A1", "A2", "A3", "A4")
EMAILS = (
    None,
    "x@north.example",
    " X@North.example",
    "x@Mail.North.example",
    "x@south.co.uk",
    "x@gmail.com",
    "x@yahoo.fr",
    "x@mailinator.com",
    "x@ours.example",
    "x@nobody.example",
    "x",
)
WEBSITES = (None, "https://www.south.co.uk/en", "192.0.2.7", "north.example", "github.io", "gmail.com")
DOMAINS = (
    "north.example",
    "south.co.uk",
    "HTTPS://South.co.uk",
    None,
    "gmail.com",
    "ours.example",
    "co.uk",
    "else.example",
)


@st.composite
def leads_of(
    draw: st.DrawFn, lead_ids: tuple[str, ...], waterfall: Waterfall, moments: tuple[datetime, ...]
) -> dict[str, dict[str, str | None]]:
    """Most leads with columns; some are unknown to the CRM."""
    columns_of = st.tuples(
        st.sampled_from((*ACCOUNTS, "A1", "A1", None, None, None)),
        st.sampled_from(("marketing", "sales", None)),
        st.sampled_from(("web form", "event", None)),
        st.sampled_from((None, "gina", "dana")),
        st.sampled_from((True, True, True, False)),
        st.sampled_from((None, "Banana", *(f" {stage.label}\u00a0" for stage in waterfall.stages))),
        st.sampled_from((None, *moments)),
        st.sampled_from((None, "user", "champion")),
        st.sampled_from((*EMAILS, *EMAILS[1:4])),
        st.sampled_from(WEBSITES),
        st.sampled_from((None, "Banana", "\u200b", *(f" {stage.label}\u00a0" for stage in waterfall.stages))),
    )
    leads: dict[str, dict[str, str | None]] = {}
    for lead_id in lead_ids:
        account_id, origin, lead_source, owner, is_known, stage, created_at, persona, email, website, current = draw(
            columns_of
        )
        if is_known:
            row = {"account_id": account_id, "origin": origin, "lead_source": lead_source, "owner": owner}
            row |= {"created_stage": stage, "persona": persona, "email": email, "website": website}
            row["current_stage"] = current
            row["created_at"] = created_at.isoformat() if created_at is not None else None
            leads[lead_id] = row
    return leads


@st.composite
def accounts_of(draw: st.DrawFn) -> dict[str, dict[str, str | None]]:
    """Some of the accounts, with a region or none."""
    columns_of = st.tuples(
        st.sampled_from(("north", "south", None, "unknown")), st.sampled_from(DOMAINS), st.sampled_from(WEBSITES)
    )
    rows = zip(ACCOUNTS[1:], draw(st.tuples(*[columns_of for _ in ACCOUNTS[1:]])), strict=True)
    return {
        account_id: {"region": region, "domain": domain, "website": website}
        for account_id, (region, domain, website) in rows
        if account_id and region != "unknown"
    }
