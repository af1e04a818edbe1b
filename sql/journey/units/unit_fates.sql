-- One row per unit and pair that it opened: its outcome after A for every window, before periods and slices are applied.
-- Windows are numbered by length, the open-ended one last. A unit converted within window w if convert_place < w, and was passed over if
-- pass_place < w. The window has ended for the unit if old_place >= w (K2, K3, K5). So one row is enough for all windows.
-- as: view
-- column us_to_convert: microseconds from A to B; null = never
-- column convert_place: window index of the conversion: number of windows too short for it; 32767 = never
-- column pass_place: window index of the arrival above B: number of windows too short for it; 32767 = never
-- column old_place: window index of as-of: number of windows that ended by then
with
run as (from waterfall.run),

windows as (
    select windows.window_days from waterfall.windows as windows where windows.window_days is not null
),

unit_pairs as (from journey.unit_pairs),

-- Number of shorter windows for each age in whole days.
places as (
    select days.age_days, count(windows.window_days) as place
    from (select unnest(range(coalesce(max(windows.window_days), 0) + 2)) as age_days from windows) as days
    left join windows on windows.window_days < days.age_days
    group by days.age_days
),

longest as (
    select max(places.age_days) as age_days from places
),

-- Rounded up to days, exact to the microsecond: within W × 86,400 s is within W such days.
aged as (
    select
        unit_pairs.*,
        epoch_us(unit_pairs.to_at) - epoch_us(unit_pairs.from_at) as us_to_convert,
        epoch_us(unit_pairs.above_at) - epoch_us(unit_pairs.from_at) as us_to_pass,
        epoch_us(run.as_of) - epoch_us(unit_pairs.from_at) as us_known
    from unit_pairs
    cross join run
),

placed as (
    select
        aged.*,
        -- least() ignores nulls, but what never happened must remain null.
        case when aged.us_to_convert is not null
            then least((aged.us_to_convert + 86399999999) // 86400000000, longest.age_days) end as days_to_convert,
        case when aged.us_to_pass is not null
            then least((aged.us_to_pass + 86399999999) // 86400000000, longest.age_days) end as days_to_pass,
        least(aged.us_known // 86400000000 + 1, longest.age_days) as days_over
    from aged
    cross join longest
)

select
    placed.unit,
    placed.unit_id,
    placed.pair_no,
    placed.from_at,
    placed.from_date,
    placed.cut_set,
    placed.is_closed,
    placed.us_to_convert,
    cast(coalesce(convert_places.place, 32767) as smallint) as convert_place,
    cast(coalesce(pass_places.place, 32767) as smallint) as pass_place,
    cast(old_places.place as smallint) as old_place
from placed
-- Left joins: with inner joins, DuckDB estimates an empty result and chooses a bad join order in the marts.
left join places as convert_places on convert_places.age_days = placed.days_to_convert
left join places as pass_places on pass_places.age_days = placed.days_to_pass
left join places as old_places on old_places.age_days = placed.days_over
