-- If an age is one of the windows, its share is the rate within that window; and no share falls with age.
-- severity: fail
with
cohort_ages as (from report.cohort_ages),
conversion_months as (from report.conversion_months),

followed as (
    select
        cohort_ages.*,
        lag(cohort_ages.converted) over (
            partition by cohort_ages.report, cohort_ages.headline_no, cohort_ages.month_start
            order by cohort_ages.age_no
        ) as converted_before
    from cohort_ages
)

select followed.report, followed.headline_no, followed.month_start, followed.age_no
from followed
left join conversion_months
    on conversion_months.report = followed.report
    and conversion_months.from_stage = followed.from_stage
    and conversion_months.to_stage = followed.to_stage
    and conversion_months.month_start = followed.month_start
    and conversion_months.window_days = followed.age_days
where
    followed.converted < followed.converted_before
    or conversion_months.entered <> followed.entered
    or (followed.aged > 0 and conversion_months.converted <> followed.converted)
    or (followed.entered > 0 and conversion_months.is_mature <> followed.is_mature)
