"""Row classes of the report.* tables. Each field is a column of the same name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipeline.database.connection import quoted


@dataclass(frozen=True)
class Report:
    """waterfall.reports. `dimension` and `dimension_value` are `all` in the report of all leads."""

    report: str
    title: str
    dimension: str
    dimension_value: str

    @property
    def is_all(self) -> bool:
        """Whether this is the report of all leads."""
        return self.report == "all"

    @property
    def condition(self) -> str:
        """The condition on the rows of this report in every table of schema `report`."""
        return f"report = {quoted(self.report)}"


@dataclass(frozen=True)
class Overview:
    """report.overview."""

    name: str
    preset: str | None
    timezone: str
    unit: str
    as_of_local: datetime
    first_date: date
    leads: int
    entries: int
    inferred: int
    cycles: int
    open_cycles: int
    accounts: int
    leads_without_account: int
    open_leads: int
    overdue: int
    unknown_stage: int
    not_yet: int
    history_only: int
    bare_accounts: int
    compared: int
    standing_elsewhere: int
    unknown_current: int
    shared_addresses: int
    sharing_leads: int
    recorded_also: int


@dataclass(frozen=True)
class Headline:
    """report.headline: one headline pair in one window."""

    headline_no: int
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    from_definition: str
    to_definition: str
    target: float | None
    unit: str
    window_days: int | None
    is_headline_window: bool
    settle_days: int | None
    settle_source: str | None
    entered: int
    converted: int
    passed_over: int
    lost: int
    still_open: int
    overdue: int
    mature_months: int
    mature_first_month: date | None
    mature_last_month: date | None
    mature_entered: int
    mature_converted: int
    mature_open: int
    mature_rate: float | None
    mature_low: float | None
    mature_high: float | None
    recent_months: int
    recent_first_month: date | None
    recent_last_month: date | None
    recent_entered: int
    recent_converted: int
    recent_open: int
    recent_rate: float | None
    recent_low: float | None
    recent_high: float | None
    coverage: float | None
    latest_month: date | None
    latest_entered: int | None
    latest_converted: int | None
    latest_open: int | None
    latest_rate: float | None
    latest_low: float | None
    latest_high: float | None
    previous_month: date | None
    previous_rate: float | None
    change: float | None
    is_within_noise: bool | None
    is_enough_to_compare: bool
    gap_to_target: float | None
    latest_gap_to_target: float | None
    settled_estimate: float | None
    settled_low: float | None
    settled_high: float | None


@dataclass(frozen=True)
class Gap:
    """report.headline_gap: one outcome of the units of a headline pair."""

    fate: str
    reason: str
    stage_label: str | None
    units: int
    share: float


@dataclass(frozen=True)
class PairShown:
    """report.pairs_shown."""

    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    is_headline: bool
    is_neighbour: bool
    shown_no: int
    headline_no: int | None
    headline_window_days: int | None
    unit: str


@dataclass(frozen=True)
class CohortMonth:
    """report.conversion_months: the cohort of one pair, month and window."""

    month_start: date
    window_days: int | None
    entered: int
    converted: int
    passed_over: int
    lost: int
    still_open: int
    is_mature: bool | None
    is_partial: bool
    is_shown: bool
    is_trend: bool
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    still_open_share: float | None
    settled_estimate: float | None
    settled_low: float | None
    settled_high: float | None


@dataclass(frozen=True)
class GridCell:
    """report.conversion_months: the columns that the grid of months and pairs shows."""

    from_stage: str
    to_stage: str
    month_start: date
    is_partial: bool
    entered: int
    converted: int
    is_mature: bool | None
    rate: float | None
    still_open_share: float | None
    settled_estimate: float | None
    settled_low: float | None
    settled_high: float | None


@dataclass(frozen=True)
class Summary:
    """report.conversion_summary: several cohorts of a pair together, in total or for one dimension value."""

    from_stage: str
    to_stage: str
    window_days: int | None
    cohorts: str
    dimension: str
    dimension_value: str | None
    values_inside: int
    first_month: date | None
    last_month: date | None
    months: int
    entered: int
    converted: int
    passed_over: int
    lost: int
    still_open: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None


@dataclass(frozen=True)
class PathArrival:
    """report.path_arrivals."""

    stage: str
    label: str
    rank: int
    first_month: date | None
    last_month: date | None
    is_partial: bool
    arrivals: int
    through: int
    over: int
    began_here: int
    previous_arrivals: int | None
    activity_rate: float | None


@dataclass(frozen=True)
class StageTime:
    """report.stage_times."""

    stage: str
    label: str
    kind: str
    completed: int
    mean_days: float | None
    median_days: float | None
    p90_days: float | None
    still_open: int
    median_age_days: float | None
    p90_age_days: float | None
    censored_median_days: float | None


@dataclass(frozen=True)
class Flow:
    """report.stage_flow: inflow and outflow of a stage in one month or in all history."""

    stage: str
    stage_label: str
    month_start: date | None
    is_partial: bool
    opening: int
    in_new: int
    in_restored: int
    in_advanced: int
    in_sideways: int
    in_regressed: int
    in_held: int
    in_detoured: int
    in_exited: int
    in_returned: int
    ins: int
    out_advanced: int
    out_sideways: int
    out_regressed: int
    out_held: int
    out_detoured: int
    out_exited: int
    out_returned: int
    out_deleted: int
    outs: int
    closing: int
    is_balanced: bool


@dataclass(frozen=True)
class LeadBalance:
    """report.lead_balance."""

    month_start: date | None
    is_partial: bool
    opening: int
    new_leads: int
    restored_leads: int
    came_over: int
    deleted_leads: int
    closing: int
    is_balanced: bool


@dataclass(frozen=True)
class Depth:
    """report.account_depth."""

    basis: str
    stage: str
    stage_label: str
    is_group: bool
    month_start: date | None
    is_partial: bool
    leads: int
    leads_with_account: int
    leads_without_account: int
    accounts: int
    ratio: float | None
    depth_1: int
    depth_2: int
    depth_3_4: int
    depth_5_plus: int


@dataclass(frozen=True)
class Owner:
    """report.open_by_owner."""

    owner_no: int
    current_owner: str
    open_leads: int
    overdue: int
    without_limit: int
    median_age_days: float
    oldest_age_days: float


@dataclass(frozen=True)
class OpenLead:
    """report.stuck_leads."""

    owner_no: int
    lead_position: int
    lead_id: str
    account_id: str | None
    stage_label: str
    sla_text: str | None
    entered_date: date
    age_days: float
    sla_state: str | None
    overdue_hours: float | None


@dataclass(frozen=True)
class StageDefinition:
    """waterfall.stages."""

    stage_no: int
    stage: str
    label: str
    name: str
    definition: str
    kind: str
    rank: int | None
    team: str | None
    phase: str | None
    is_gate: bool
    qualifies: bool
    sla_text: str | None
    sla_clock: str | None
