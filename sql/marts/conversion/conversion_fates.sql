-- One row per unit, month of arrival at A, slice, pair and outcome: how many units, in numbers only.
-- Months add up to quarters, years and all time, so marts.conversion counts its units once and not once per grain.
-- key: unit, month_start, cut_no, pair_no, convert_place, pass_place, is_closed, old_place
-- not null: units
-- column month_start: first day of the month in which the units arrived at A
-- column convert_place: window index of the conversion: number of windows too short for it; 32767 = never
-- column pass_place: window index of the arrival above B: number of windows too short for it; 32767 = never
-- column old_place: window index of as-of: number of windows that ended by then
-- column units: number of units
-- column youngest_at: the last arrival at A among them (UTC)
-- column us_total: microseconds from A to B, added up; null = no unit converted
with
fates as (from journey.unit_fates),
days as (from waterfall.days),
cut_sets as (from journey.cut_sets)

select
    fates.unit,
    days.month_start,
    cut_sets.cut_no,
    fates.pair_no,
    fates.convert_place,
    fates.pass_place,
    fates.is_closed,
    fates.old_place,
    count(*) as units,
    max(fates.from_at) as youngest_at,
    sum(fates.us_to_convert) as us_total
from fates
inner join days on days.day = fates.from_date
inner join cut_sets on cut_sets.cut_set = fates.cut_set
group by all
