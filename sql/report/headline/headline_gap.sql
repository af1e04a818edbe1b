-- One row per report, headline pair and outcome: where all units that ever arrived at A are now (K3, K9).
-- converted + passed over + lost by reason + still open = entered.
-- The sums of report.headline_gap_months, which explains how a unit was lost and where it waits.
-- unit: headline units
-- basis: all cohorts, window: ever
-- denominator: headline units that arrived at the first stage of the pair
-- key: report, headline_no, fate, reason, stage
-- not null: units, share
-- accepted fate: converted, passed_over, lost, still_open
-- accepted reason: converted, passed_over, exited, detoured, regressed, deleted, completed, overdue, within_limit, no_limit
-- column headline_no: place of the pair among the headline pairs
-- column fate_no: place in the report: converted first, then lost by size, then still open
-- column fate: outcome: converted, passed_over, lost or still_open (K3)
-- column reason: lost: how the unit ended; still_open: whether the stay in which it waits is past its SLA
-- column stage: lost: the stage it went to; still_open: the stage it waits in
-- column stage_label: label of that stage
-- column units: how many cycles, leads or accounts
-- column share: units / all units that arrived at A
with
gap_months as (from report.headline_gap_months),

counted as (
    select
        gap_months.report,
        gap_months.headline_no,
        gap_months.fate,
        gap_months.reason,
        gap_months.stage,
        gap_months.stage_label,
        cast(sum(gap_months.units) as bigint) as units
    from gap_months
    group by
        gap_months.report,
        gap_months.headline_no,
        gap_months.fate,
        gap_months.reason,
        gap_months.stage,
        gap_months.stage_label
)

select
    counted.report,
    counted.headline_no,
    row_number() over (
        partition by counted.report, counted.headline_no
        order by
            case counted.fate when 'converted' then 1 when 'passed_over' then 2 when 'lost' then 3 else 4 end,
            case when counted.reason = 'overdue' then 1 else 2 end,
            counted.units desc,
            counted.reason,
            counted.stage
    ) as fate_no,
    counted.fate,
    counted.reason,
    counted.stage,
    counted.stage_label,
    counted.units,
    counted.units / cast(sum(counted.units) over (partition by counted.report, counted.headline_no) as double) as share
from counted
order by counted.report, counted.headline_no, fate_no
