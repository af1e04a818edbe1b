-- One row per report, shown pair of stages and basis: conversion as observed, and with implied arrivals. Not a number of the report.
-- Filled only with implied = true (E9). with_implied counts journey.implied_arrivals like arrivals
-- (K1, K3). Pairs of a group are left out.
-- unit: cycles
-- basis: all cohorts, window: ever; implied: a stage that the cycle skipped, dated at its first arrival above it
-- denominator: entered; entered = converted + passed over + lost + still open
-- key: report, shown_no, basis
-- not null: entered, converted, passed_over, lost, still_open
-- accepted basis: observed, with_implied
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- column shown_no: place of the pair in the report
-- column from_label: A's label
-- column to_label: B's label
-- column basis: observed = as in marts.conversion; with_implied = with the implied arrivals added
-- column rate_change: rate with implied arrivals minus the observed rate; null in the observed row
with
run as (from waterfall.run),
pairs as (from waterfall.pairs),
milestones as (from waterfall.milestones),
cycles as (from journey.cycles_facts),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null and not arrivals.is_group
),

implied_arrivals as (from journey.implied_arrivals),
shown_stays as (from journey.shown_stays),
pairs_shown as (from report.pairs_shown),

shown as (
    select
        pairs_shown.report,
        pairs_shown.shown_no,
        pairs_shown.from_stage,
        pairs_shown.to_stage,
        pairs_shown.from_label,
        pairs_shown.to_label,
        pairs.from_milestone_no,
        pairs.to_milestone_no,
        to_milestones.high_rank as to_high_rank
    from pairs_shown
    inner join run on run.implied
    inner join pairs on pairs.pair_no = pairs_shown.pair_no
    inner join milestones as from_milestones on from_milestones.milestone_no = pairs.from_milestone_no
    inner join milestones as to_milestones on to_milestones.milestone_no = pairs.to_milestone_no
    where not from_milestones.is_group and not to_milestones.is_group
),

observed as (
    select
        cycles.cycle_id,
        arrivals.milestone_no,
        arrivals.low_rank as rank,
        arrivals.arrived_at,
        arrivals.lead_no,
        arrivals.span_no
    from arrivals
    inner join cycles on cycles.lead_no = arrivals.lead_no and cycles.cycle_no = arrivals.cycle_no
),

moments as (
    select 'observed' as basis, observed.* from observed
    union all
    select 'with_implied', observed.* from observed
    union all
    select
        'with_implied',
        implied_arrivals.cycle_id,
        implied_arrivals.stage_no,
        milestones.low_rank,
        implied_arrivals.implied_at,
        cycles.lead_no,
        implied_arrivals.implied_by_span_no
    from implied_arrivals
    inner join cycles on cycles.cycle_id = implied_arrivals.cycle_id
    inner join milestones on milestones.milestone_no = implied_arrivals.stage_no
),

followed as (
    select
        moments.basis,
        shown.report,
        shown.shown_no,
        moments.cycle_id,
        bool_or(later.milestone_no = shown.to_milestone_no) as has_converted,
        bool_or(later.rank > shown.to_high_rank) as has_passed
    from moments
    inner join shown on shown.from_milestone_no = moments.milestone_no
    inner join shown_stays
        on shown_stays.report = shown.report
        and shown_stays.lead_no = moments.lead_no
        and shown_stays.span_no = moments.span_no
    inner join moments as later
        on later.basis = moments.basis and later.cycle_id = moments.cycle_id and later.arrived_at >= moments.arrived_at
    group by all
),

counted as (
    select
        followed.basis,
        followed.report,
        followed.shown_no,
        count(*) as entered,
        count(*) filter (where followed.has_converted) as converted,
        count(*) filter (where not followed.has_converted and followed.has_passed) as passed_over,
        count(*) filter (
            where not followed.has_converted and not followed.has_passed and cycles.outcome <> 'open'
        ) as lost,
        count(*) filter (
            where not followed.has_converted and not followed.has_passed and cycles.outcome = 'open'
        ) as still_open
    from followed
    inner join cycles on cycles.cycle_id = followed.cycle_id
    group by all
),

bases as (
    select unnest(['observed', 'with_implied']) as basis
),

shares as (
    select
        shown.*,
        bases.basis,
        coalesce(counted.entered, 0) as entered,
        coalesce(counted.converted, 0) as converted,
        coalesce(counted.passed_over, 0) as passed_over,
        coalesce(counted.lost, 0) as lost,
        coalesce(counted.still_open, 0) as still_open,
        counted.converted / cast(counted.entered as double) as rate
    from shown
    cross join bases
    left join counted
        on counted.report = shown.report and counted.shown_no = shown.shown_no and counted.basis = bases.basis
)

select
    shares.report,
    shares.shown_no,
    shares.from_stage,
    shares.to_stage,
    shares.from_label,
    shares.to_label,
    shares.basis,
    shares.entered,
    shares.converted,
    shares.passed_over,
    shares.lost,
    shares.still_open,
    shares.rate,
    wilson_low(shares.converted, shares.entered) as rate_low,
    wilson_high(shares.converted, shares.entered) as rate_high,
    shares.rate - lag(shares.rate) over (
        partition by shares.report, shares.shown_no order by shares.basis
    ) as rate_change
from shares
order by shares.report, shares.shown_no, shares.basis
