-- One row per pair, window, month of arrival at A and dimension value, as the report counts them.
-- The unit is that of the pair; the windows are the configured ones and the pair's headline window. The report reads all its monthly
-- cohorts from here.
-- as: view
-- column window_days: days within which a conversion counts; null = ever
-- column cohort_start: first day of the month in which the units arrived at A
with
pairs as (from waterfall.pairs),

windows as (
    select windows.window_days from waterfall.windows as windows where windows.window_days is not null
),

conversion as (
    select conversion.* from marts.conversion as conversion where conversion.grain = 'month'
),

headline_conversion as (from marts.headline_conversion)

select
    pairs.pair_no,
    conversion.window_days,
    conversion.cohort_start,
    conversion.dimension,
    conversion.dimension_value,
    conversion.entered,
    conversion.converted,
    conversion.passed_over,
    conversion.lost,
    conversion.still_open,
    conversion.is_mature,
    conversion.rate,
    conversion.rate_low,
    conversion.rate_high
from pairs
inner join conversion
    on conversion.from_stage = pairs.from_stage
    and conversion.to_stage = pairs.to_stage
    and conversion.unit = pairs.unit
union all by name
select pairs.pair_no, headline_conversion.* exclude (unit, from_stage, to_stage)
from pairs
inner join headline_conversion
    on headline_conversion.from_stage = pairs.from_stage
    and headline_conversion.to_stage = pairs.to_stage
    and headline_conversion.unit = pairs.unit
where pairs.headline_window_days not in (select windows.window_days from windows)
