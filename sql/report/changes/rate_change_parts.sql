-- One row per report, headline pair, window, dimension and value: what its share and its rate add to the change of the pair's rate.
-- Midpoint decomposition (Kitagawa 1955, JASA 50: 1168-1194). With w the share of a value in the cohort, r its rate, R the rate of all,
-- 0 the month before and 1 the last final one: mix_part = (w1 − w0) · ((r0 + r1) / 2 − (R0 + R1) / 2), rate_part =
-- (w0 + w1) / 2 · (r1 − r0). A value that only one of the months has uses its rate for both, so all of its part is mix. The parts
-- of a dimension add up to the change. A dimension has the eight values with most units; the parts of all others are added up in one
-- row. Only in the report of all leads. The interval of the change of one value is computed as in report.rate_change.
-- unit: headline units
-- basis: cohorts of the two months, within the window; midpoint decomposition (Kitagawa 1955)
-- denominator: n; share: all headline units of the month
-- key: report, headline_no, window_days, dimension, dimension_value
-- unique: report, headline_no, window_days, dimension, value_no
-- not null: latest_entered, latest_converted, previous_entered, previous_converted, latest_share, previous_share, mix_part, rate_part
-- check: latest_converted <= latest_entered and previous_converted <= previous_entered
-- check: latest_share between 0 and 1 and previous_share between 0 and 1
-- check: change_low <= latest_rate - previous_rate and latest_rate - previous_rate <= change_high
-- column report: always all, the report of all leads
-- column headline_no: place among the headline pairs
-- column dimension_no: place of the dimension in the configuration
-- column value_no: place by units in both months, most first; 9 = all others
-- column dimension_value: its value; null = all values beyond the eight largest together
-- column values_inside: how many values the row adds up
-- column latest_entered: units of the last final month
-- column latest_converted: of these, those that arrived at B
-- column latest_share: latest_entered / latest_entered of all values
-- column latest_rate: latest_converted / latest_entered; null without a unit
-- column previous_entered: units of the final month before it
-- column previous_converted: of these, those that arrived at B
-- column previous_share: previous_entered / previous_entered of all values
-- column previous_rate: previous_converted / previous_entered; null without a unit
-- column mix_part: what its share adds to the change of the pair's rate
-- column rate_part: what its own rate adds to it
-- column change_low: lower bound of the 95 % interval of latest_rate − previous_rate; null for others together and where a rate is null
-- column change_high: upper bound of the same
-- column is_noise: not significant at 95 %: that interval contains 0
-- column is_enough: both months have at least 20 units of the value; below that it is not judged
with
dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

changes as (
    select changes.*
    from report.rate_change as changes
    where changes.report = 'all' and changes.change is not null
),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.report = 'all'
),

conversion as (
    select dimensions.position as dimension_no, pairs_shown.headline_no, cohorts.*
    from marts.month_cohorts as cohorts
    inner join pairs_shown on pairs_shown.pair_no = cohorts.pair_no
    inner join dimensions on dimensions.dimension = cohorts.dimension
),

both_months as (
    select
        changes.report,
        changes.headline_no,
        changes.window_days,
        conversion.dimension_no,
        conversion.dimension,
        conversion.dimension_value,
        conversion.cohort_start = changes.latest_month as is_latest,
        conversion.entered,
        conversion.converted,
        conversion.rate,
        conversion.rate_low,
        conversion.rate_high
    from changes
    inner join conversion
        on conversion.headline_no = changes.headline_no
        and conversion.window_days is not distinct from changes.window_days
        and conversion.cohort_start in (changes.latest_month, changes.previous_month)
),

-- A value has at most one row per month, so each max is over at most one number.
side_by_side as (
    select
        both_months.report,
        both_months.headline_no,
        both_months.window_days,
        both_months.dimension_no,
        both_months.dimension,
        both_months.dimension_value,
        coalesce(max(both_months.entered) filter (where both_months.is_latest), 0) as latest_entered,
        coalesce(max(both_months.converted) filter (where both_months.is_latest), 0) as latest_converted,
        max(both_months.rate) filter (where both_months.is_latest) as latest_rate,
        max(both_months.rate_low) filter (where both_months.is_latest) as latest_low,
        max(both_months.rate_high) filter (where both_months.is_latest) as latest_high,
        coalesce(max(both_months.entered) filter (where not both_months.is_latest), 0) as previous_entered,
        coalesce(max(both_months.converted) filter (where not both_months.is_latest), 0) as previous_converted,
        max(both_months.rate) filter (where not both_months.is_latest) as previous_rate,
        max(both_months.rate_low) filter (where not both_months.is_latest) as previous_low,
        max(both_months.rate_high) filter (where not both_months.is_latest) as previous_high
    from both_months
    group by
        both_months.report,
        both_months.headline_no,
        both_months.window_days,
        both_months.dimension_no,
        both_months.dimension,
        both_months.dimension_value
),

shares as (
    select
        side_by_side.*,
        side_by_side.latest_entered / cast(changes.latest_entered as double) as latest_share,
        side_by_side.previous_entered / cast(changes.previous_entered as double) as previous_share,
        coalesce(side_by_side.latest_rate, side_by_side.previous_rate) as rate_1,
        coalesce(side_by_side.previous_rate, side_by_side.latest_rate) as rate_0,
        (changes.latest_rate + changes.previous_rate) / 2 as rate_of_all,
        row_number() over (
            partition by side_by_side.headline_no, side_by_side.window_days, side_by_side.dimension
            order by side_by_side.latest_entered + side_by_side.previous_entered desc, side_by_side.dimension_value
        ) as size_no
    from side_by_side
    inner join changes
        on changes.headline_no = side_by_side.headline_no
        and changes.window_days is not distinct from side_by_side.window_days
),

parts as (
    select
        shares.*,
        least(shares.size_no, 9) as value_no,
        (shares.latest_share - shares.previous_share)
        * ((shares.rate_0 + shares.rate_1) / 2 - shares.rate_of_all) as mix_part,
        (shares.latest_share + shares.previous_share) / 2 * (shares.rate_1 - shares.rate_0) as rate_part,
        difference_low(shares.latest_rate, shares.latest_low, shares.previous_rate, shares.previous_high) as change_low,
        difference_high(shares.latest_rate, shares.latest_high, shares.previous_rate, shares.previous_low) as change_high
    from shares
),

-- Doubles are added in order of size, so that the number of threads does not change the last digit.
grouped as (
    select
        parts.report,
        parts.headline_no,
        parts.window_days,
        parts.dimension_no,
        parts.dimension,
        parts.value_no,
        case when parts.value_no < 9 then min(parts.dimension_value) end as dimension_value,
        count(*) as values_inside,
        cast(sum(parts.latest_entered) as bigint) as latest_entered,
        cast(sum(parts.latest_converted) as bigint) as latest_converted,
        sum(parts.latest_share order by parts.size_no) as latest_share,
        cast(sum(parts.previous_entered) as bigint) as previous_entered,
        cast(sum(parts.previous_converted) as bigint) as previous_converted,
        sum(parts.previous_share order by parts.size_no) as previous_share,
        sum(parts.mix_part order by parts.size_no) as mix_part,
        sum(parts.rate_part order by parts.size_no) as rate_part,
        case when parts.value_no < 9 then min(parts.change_low) end as change_low,
        case when parts.value_no < 9 then min(parts.change_high) end as change_high
    from parts
    group by
        parts.report,
        parts.headline_no,
        parts.window_days,
        parts.dimension_no,
        parts.dimension,
        parts.value_no
)

select
    grouped.report,
    grouped.headline_no,
    grouped.window_days,
    grouped.dimension_no,
    grouped.dimension,
    grouped.value_no,
    grouped.dimension_value,
    grouped.values_inside,
    grouped.latest_entered,
    grouped.latest_converted,
    grouped.latest_share,
    grouped.latest_converted / nullif(cast(grouped.latest_entered as double), 0) as latest_rate,
    grouped.previous_entered,
    grouped.previous_converted,
    grouped.previous_share,
    grouped.previous_converted / nullif(cast(grouped.previous_entered as double), 0) as previous_rate,
    grouped.mix_part,
    grouped.rate_part,
    grouped.change_low,
    grouped.change_high,
    grouped.change_low <= 0 and grouped.change_high >= 0 as is_noise,
    grouped.latest_entered >= 20 and grouped.previous_entered >= 20 as is_enough
from grouped
order by grouped.report, grouped.headline_no, grouped.window_days nulls first, grouped.dimension_no, grouped.value_no
