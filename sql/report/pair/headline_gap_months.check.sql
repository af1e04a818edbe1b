-- In each month the outcomes of a headline pair have the counts of its cohort in marts.conversion.
-- severity: fail
with
gap_months as (from report.headline_gap_months),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

reports as (from waterfall.reports),

conversion as (
    select reports.report, pairs_shown.headline_no, conversion.*
    from marts.conversion as conversion
    inner join reports on reports.dimension = conversion.dimension and reports.dimension_value = conversion.dimension_value
    inner join pairs_shown
        on pairs_shown.report = reports.report
        and pairs_shown.from_stage = conversion.from_stage
        and pairs_shown.to_stage = conversion.to_stage
        and pairs_shown.unit = conversion.unit
    where conversion.grain = 'month' and conversion.window_days is null
),

summed as (
    select
        gap_months.report,
        gap_months.headline_no,
        gap_months.month_start,
        coalesce(sum(gap_months.units) filter (where gap_months.fate = 'converted'), 0) as converted,
        coalesce(sum(gap_months.units) filter (where gap_months.fate = 'passed_over'), 0) as passed_over,
        coalesce(sum(gap_months.units) filter (where gap_months.fate = 'lost'), 0) as lost,
        coalesce(sum(gap_months.units) filter (where gap_months.fate = 'still_open'), 0) as still_open
    from gap_months
    group by gap_months.report, gap_months.headline_no, gap_months.month_start
)

select
    coalesce(summed.report, conversion.report) as report,
    coalesce(summed.headline_no, conversion.headline_no) as headline_no,
    coalesce(summed.month_start, conversion.cohort_start) as month_start
from summed
full join conversion
    on conversion.report = summed.report
    and conversion.headline_no = summed.headline_no
    and conversion.cohort_start = summed.month_start
where
    summed.converted is distinct from conversion.converted
    or summed.passed_over is distinct from conversion.passed_over
    or summed.lost is distinct from conversion.lost
    or summed.still_open is distinct from conversion.still_open
