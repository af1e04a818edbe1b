-- The observed side of the comparison equals marts.conversion, and implied arrivals only add cycles.
-- severity: fail
with
compared as (from report.implied_comparison),
reports as (from waterfall.reports),

conversion as (
    select reports.report, conversion.*
    from marts.conversion as conversion
    inner join reports on reports.dimension = conversion.dimension and reports.dimension_value = conversion.dimension_value
    where
        conversion.unit = 'cycle'
        and conversion.grain = 'all'
        and conversion.window_days is null
),

observed as (
    select compared.* from compared where compared.basis = 'observed'
),

with_implied as (
    select compared.* from compared where compared.basis = 'with_implied'
)

select observed.report, observed.shown_no
from observed
left join with_implied on with_implied.report = observed.report and with_implied.shown_no = observed.shown_no
left join conversion
    on conversion.report = observed.report
    and conversion.from_stage = observed.from_stage
    and conversion.to_stage = observed.to_stage
where
    observed.entered <> coalesce(conversion.entered, 0)
    or observed.converted <> coalesce(conversion.converted, 0)
    or observed.passed_over <> coalesce(conversion.passed_over, 0)
    or observed.lost <> coalesce(conversion.lost, 0)
    or observed.still_open <> coalesce(conversion.still_open, 0)
    or not coalesce(with_implied.entered >= observed.entered and with_implied.converted >= observed.converted, false)
