-- One row per report, headline pair and finding in its trend: a month that stands out, or a run of months in one direction.
-- high, low: the rate of a final month differs from that of the months around it: up to three final months before and up to three after. Both
-- sides have at least 20 units, and there are at least three months around. A difference counts if chance explains it in at most one of a
-- hundred months (macro difference_p). This marks months to look at; no action follows from it alone.
-- rising, falling: the last five changes from one final month to the next have one sign. By chance that happens once in 360 series.
-- The value explains a month that stands out: of all values it has the largest part of the difference by its share and its rate together
-- (Kitagawa 1955, as in report.rate_change_parts), in the direction of the difference. Only in the report of all leads.
-- unit: headline units
-- basis: final cohorts of the trend by month of arrival at the first stage of the pair, within its window; a month that stands out against the six months around it
-- denominator: headline units that arrived at the first stage of the pair in the months named
-- key: report, headline_no, finding, month_start
-- not null: entered, rate, base_rate
-- accepted finding: high, low, rising, falling
-- check: converted <= entered and base_converted <= base_entered
-- check: (finding in ('rising', 'falling')) = (p_value is null)
-- check: (dimension is null) = (part is null)
-- column headline_no: place among the headline pairs
-- column window_days: days within which a conversion counts: the headline window
-- column finding: high or low against the months around it; rising or falling month by month up to month_start
-- column month_start: the month that stands out; the last month of a run
-- column entered: units that arrived at A in the month
-- column converted: of these, those that arrived at B within the window
-- column rate: converted / entered
-- column base_first_month: first of the months around; first month of a run
-- column base_last_month: last of the months around; first month of a run
-- column base_entered: units that arrived at A in the months around; in the first month of a run
-- column base_converted: of these, those that arrived at B within the window
-- column base_rate: base_converted / base_entered
-- column p_value: probability of such a difference by chance; null for a run
-- column dimension: the dimension whose value explains most; null if none does
-- column dimension_value: that value
-- column value_entered: its units in the month
-- column value_share: value_entered / entered
-- column value_rate: its rate in the month
-- column value_base_share: its share of the months around
-- column value_base_rate: its rate in the months around; null if nobody had the value
-- column part: what the value adds to rate − base_rate by its share and its rate
with
headline as (
    select headline.* from report.headline as headline where headline.is_headline_window
),

final_months as (
    select
        headline.report,
        headline.headline_no,
        headline.pair_no,
        headline.window_days,
        months.month_start,
        months.entered,
        months.converted,
        months.rate
    from headline
    inner join report.conversion_months as months
        on months.report = headline.report
        and months.pair_no = headline.pair_no
        and months.window_days = headline.window_days
    inner join quality.period_coverage as coverage
        on coverage.grain = 'month' and coverage.period_start = months.month_start
    where months.is_trend and months.is_mature and not months.is_partial and not coverage.is_before_coverage
),

dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

values_by_month as (
    select pairs.headline_no, dimensions.position as dimension_no, cohorts.*
    from marts.month_cohorts as cohorts
    inner join headline as pairs
        on pairs.report = 'all' and pairs.pair_no = cohorts.pair_no and pairs.window_days = cohorts.window_days
    inner join dimensions on dimensions.dimension = cohorts.dimension
),

beside_others as (
    select
        final_months.*,
        cast(sum(final_months.entered) over around as bigint) as base_entered,
        cast(sum(final_months.converted) over around as bigint) as base_converted,
        min(final_months.month_start) over around as base_first_month,
        max(final_months.month_start) over around as base_last_month,
        count(*) over around as months_around,
        final_months.rate - lag(final_months.rate) over in_order as change
    from final_months
    window
        in_order as (partition by final_months.report, final_months.headline_no order by final_months.month_start),
        around as (
            partition by final_months.report, final_months.headline_no
            order by final_months.month_start
            rows between 3 preceding and 3 following exclude current row
        )
),

compared as (
    select
        beside_others.*,
        beside_others.base_converted / cast(beside_others.base_entered as double) as base_rate,
        difference_p(
            beside_others.converted, beside_others.entered, beside_others.base_converted, beside_others.base_entered
        ) as p_value
    from beside_others
    where beside_others.entered >= 20 and beside_others.base_entered >= 20 and beside_others.months_around >= 3
),

outliers as (
    select
        compared.report,
        compared.headline_no,
        compared.window_days,
        case when compared.rate > compared.base_rate then 'high' else 'low' end as finding,
        compared.month_start,
        compared.entered,
        compared.converted,
        compared.rate,
        compared.base_first_month,
        compared.base_last_month,
        compared.base_entered,
        compared.base_converted,
        compared.base_rate,
        compared.p_value
    from compared
    where compared.p_value <= 0.01
),

last_six as (
    select
        beside_others.*,
        row_number() over (
            partition by beside_others.report, beside_others.headline_no order by beside_others.month_start desc
        ) as newest_no
    from beside_others
),

runs as (
    select
        last_six.report,
        last_six.headline_no,
        any_value(last_six.window_days) as window_days,
        case when min(sign(last_six.change)) filter (where last_six.newest_no < 6) = 1 then 'rising' else 'falling' end as finding,
        max(last_six.month_start) as month_start,
        arg_max(last_six.entered, last_six.month_start) as entered,
        arg_max(last_six.converted, last_six.month_start) as converted,
        arg_max(last_six.rate, last_six.month_start) as rate,
        min(last_six.month_start) as base_first_month,
        min(last_six.month_start) as base_last_month,
        arg_min(last_six.entered, last_six.month_start) as base_entered,
        arg_min(last_six.converted, last_six.month_start) as base_converted,
        arg_min(last_six.rate, last_six.month_start) as base_rate,
        cast(null as double) as p_value
    from last_six
    where last_six.newest_no <= 6
    group by last_six.report, last_six.headline_no
    having abs(sum(sign(last_six.change)) filter (where last_six.newest_no < 6)) = 5
),

findings as (
    from outliers
    union all
    from runs
),

value_counts as (
    select
        outliers.report,
        outliers.headline_no,
        outliers.month_start,
        values_by_month.dimension_no,
        values_by_month.dimension,
        values_by_month.dimension_value,
        any_value(outliers.entered) as all_entered,
        any_value(outliers.rate) as all_rate,
        any_value(outliers.base_entered) as all_base_entered,
        any_value(outliers.base_rate) as all_base_rate,
        coalesce(cast(sum(values_by_month.entered) filter (
            where values_by_month.cohort_start = outliers.month_start
        ) as bigint), 0) as entered,
        coalesce(cast(sum(values_by_month.converted) filter (
            where values_by_month.cohort_start = outliers.month_start
        ) as bigint), 0) as converted,
        coalesce(cast(sum(values_by_month.entered) filter (
            where values_by_month.cohort_start <> outliers.month_start
        ) as bigint), 0) as base_entered,
        coalesce(cast(sum(values_by_month.converted) filter (
            where values_by_month.cohort_start <> outliers.month_start
        ) as bigint), 0) as base_converted
    from outliers
    inner join values_by_month
        on values_by_month.headline_no = outliers.headline_no
        and values_by_month.cohort_start between least(outliers.base_first_month, outliers.month_start)
        and greatest(outliers.base_last_month, outliers.month_start)
    where outliers.report = 'all'
    group by
        outliers.report,
        outliers.headline_no,
        outliers.month_start,
        values_by_month.dimension_no,
        values_by_month.dimension,
        values_by_month.dimension_value
),

value_shares as (
    select
        value_counts.*,
        value_counts.entered / cast(value_counts.all_entered as double) as share,
        value_counts.base_entered / cast(value_counts.all_base_entered as double) as base_share,
        value_counts.converted / nullif(cast(value_counts.entered as double), 0) as rate,
        value_counts.base_converted / nullif(cast(value_counts.base_entered as double), 0) as base_rate
    from value_counts
),

parts as (
    select
        value_shares.*,
        (value_shares.share - value_shares.base_share)
        * (
            (coalesce(value_shares.rate, value_shares.base_rate) + coalesce(value_shares.base_rate, value_shares.rate)) / 2
            - (value_shares.all_rate + value_shares.all_base_rate) / 2
        )
        + (value_shares.share + value_shares.base_share) / 2
        * (coalesce(value_shares.rate, value_shares.base_rate) - coalesce(value_shares.base_rate, value_shares.rate)) as part
    from value_shares
),

explained as (
    select parts.*
    from parts
    where parts.entered >= 20 and parts.part * (parts.all_rate - parts.all_base_rate) > 0
    qualify row_number() over (
        partition by parts.report, parts.headline_no, parts.month_start
        order by abs(parts.part) desc, parts.dimension_no, parts.dimension_value
    ) = 1
)

select
    findings.*,
    explained.dimension,
    explained.dimension_value,
    explained.entered as value_entered,
    explained.share as value_share,
    explained.rate as value_rate,
    explained.base_share as value_base_share,
    explained.base_rate as value_base_rate,
    explained.part
from findings
left join explained
    on explained.report = findings.report
    and explained.headline_no = findings.headline_no
    and explained.month_start = findings.month_start
    and findings.p_value is not null
order by findings.report, findings.headline_no, findings.month_start, findings.finding
