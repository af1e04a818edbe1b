-- If the headline window of a pair is one of the configured windows, marts.conversion has the same counts.
-- severity: fail
with
headline_conversion as (from marts.headline_conversion),

conversion as (
    select conversion.* from marts.conversion as conversion where conversion.grain = 'month'
)

select headline_conversion.from_stage, headline_conversion.to_stage, headline_conversion.cohort_start
from headline_conversion
inner join conversion
    on conversion.unit = headline_conversion.unit
    and conversion.cohort_start = headline_conversion.cohort_start
    and conversion.dimension = headline_conversion.dimension
    and conversion.dimension_value = headline_conversion.dimension_value
    and conversion.from_stage = headline_conversion.from_stage
    and conversion.to_stage = headline_conversion.to_stage
    and conversion.window_days = headline_conversion.window_days
where
    conversion.entered <> headline_conversion.entered
    or conversion.converted <> headline_conversion.converted
    or conversion.passed_over <> headline_conversion.passed_over
    or conversion.lost <> headline_conversion.lost
    or conversion.is_mature <> headline_conversion.is_mature
