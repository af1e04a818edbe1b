-- One row per report, headline pair, month of arrival at A and age: how many units of the month had arrived at B by that age (K2, K5).
-- Ages are windows in steps of 30 days: the third one has the units that arrived at B within 90 × 86,400 s of A (inclusive).
-- So every unit has the same time, whether it arrived on the first or the last day of its month.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair; window: the age, in steps of 30 days of 86,400 s, counted for each from its own arrival
-- denominator: entered: all headline units of the month (the number after “of”)
-- key: report, headline_no, month_start, age_no
-- not null: age_days, is_partial, is_shown, entered, aged
-- check: aged <= entered and converted <= entered
-- check: (converted is null) = (aged = 0)
-- check: is_mature = (aged = entered)
-- column headline_no: place of the pair among the headline pairs
-- column month_start: first day of the month in which the units arrived at A
-- column is_partial: as-of is inside the month
-- column is_shown: one of the last twelve complete months, or the partial one after them
-- column age_no: 1, 2 … 12: how many steps of 30 days
-- column age_days: the window: 30 days for each step
-- column entered: units that arrived at A in the month; may be 0
-- column aged: of these, units at least that old at as-of
-- column converted: of entered, arrived at B within that many days; null while no unit of the month is that old
-- column is_mature: all units are that old, so the share is final; null without a unit
-- column rate: converted / entered; while is_mature is false it can only rise
with
run as (from waterfall.run),

unit_pairs as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.is_headline
),

shown_sets as (from journey.shown_sets),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

months as (from report.months),

ages as (
    select steps.age_no, steps.age_no * 30 as age_days
    from (select unnest(range(1, 13)) as age_no) as steps
),

-- Steps of 30 days, 2 592 000 000 000 microseconds: the first step within which the unit converted, and the last one that ended by as-of.
stepped as (
    select
        shown_sets.report,
        pairs_shown.headline_no,
        cast(date_trunc('month', unit_pairs.from_date) as date) as month_start,
        -- Rounded up, so that a step includes its last instant; an immediate conversion is in the first step.
        case when unit_pairs.to_at is not null then
            greatest(
                (epoch_us(unit_pairs.to_at) - epoch_us(unit_pairs.from_at) + 2592000000000 - 1) // 2592000000000, 1
            )
        end as converted_age_no,
        (epoch_us(run.as_of) - epoch_us(unit_pairs.from_at)) // 2592000000000 as known_age_no
    from unit_pairs
    cross join run
    inner join shown_sets on shown_sets.slice_set = unit_pairs.slice_set
    inner join pairs_shown
        on pairs_shown.report = shown_sets.report
        and pairs_shown.pair_no = unit_pairs.pair_no
        and pairs_shown.unit = unit_pairs.unit
),

counted as (
    select
        stepped.report,
        stepped.headline_no,
        stepped.month_start,
        stepped.converted_age_no,
        stepped.known_age_no,
        count(*) as units
    from stepped
    group by all
),

cells as (
    select
        pairs_shown.report,
        pairs_shown.headline_no,
        pairs_shown.from_stage,
        pairs_shown.to_stage,
        months.month_start,
        months.is_partial,
        months.is_recent as is_shown,
        ages.age_no,
        ages.age_days,
        cast(coalesce(sum(counted.units), 0) as bigint) as entered,
        cast(coalesce(sum(counted.units) filter (where counted.known_age_no >= ages.age_no), 0) as bigint) as aged,
        cast(coalesce(sum(counted.units) filter (where counted.converted_age_no <= ages.age_no), 0) as bigint) as converted
    from pairs_shown
    inner join months on months.report = pairs_shown.report
    cross join ages
    left join counted
        on counted.report = pairs_shown.report
        and counted.headline_no = pairs_shown.headline_no
        and counted.month_start = months.month_start
    group by
        pairs_shown.report,
        pairs_shown.headline_no,
        pairs_shown.from_stage,
        pairs_shown.to_stage,
        months.month_start,
        months.is_partial,
        months.is_recent,
        ages.age_no,
        ages.age_days
)

select
    cells.report,
    cells.headline_no,
    cells.from_stage,
    cells.to_stage,
    cells.month_start,
    cells.is_partial,
    cells.is_shown,
    cells.age_no,
    cells.age_days,
    cells.entered,
    cells.aged,
    case when cells.aged > 0 then cells.converted end as converted,
    case when cells.entered > 0 then cells.aged = cells.entered end as is_mature,
    case when cells.aged > 0 then cells.converted / cast(cells.entered as double) end as rate
from cells
order by cells.report, cells.headline_no, cells.month_start, cells.age_no
