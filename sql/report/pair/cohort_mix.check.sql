-- The values of a dimension add up to the month's cohort in marts.conversion.
-- severity: fail
with
cohort_mix as (from report.cohort_mix),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

conversion_months as (
    select conversion_months.* from report.conversion_months as conversion_months where conversion_months.window_days is null
),

summed as (
    select
        cohort_mix.report,
        cohort_mix.headline_no,
        cohort_mix.dimension,
        cohort_mix.month_start,
        any_value(cohort_mix.cohort) as cohort,
        sum(cohort_mix.entered) as entered
    from cohort_mix
    group by all
)

select summed.report, summed.headline_no, summed.dimension, summed.month_start
from summed
inner join pairs_shown on pairs_shown.report = summed.report and pairs_shown.headline_no = summed.headline_no
inner join conversion_months
    on conversion_months.report = summed.report
    and conversion_months.pair_no = pairs_shown.pair_no
    and conversion_months.month_start = summed.month_start
where summed.entered <> summed.cohort or conversion_months.entered <> summed.cohort
