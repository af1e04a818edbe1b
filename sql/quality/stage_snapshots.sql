-- One row per input of snapshots: how many there are by as-of, and on which dates one is missing.
-- A date is missing if the next snapshot comes later than usual; usual is the median of the days between two snapshots. A weekday on which
-- none of two or more dates ever had a snapshot is not expected, if snapshots are less than a week apart.
-- key: input
-- not null: snapshots, missed, missed_dates, days_late
-- check: missed = len(missed_dates)
-- check: (snapshots = 0) = (first_date is null)
-- column snapshots: dates of snapshots, in the zone of the input
-- column first_date: date of the first snapshot
-- column last_date: date of the newest snapshot
-- column usual_days: median days from one snapshot to the next; null = fewer than two snapshots
-- column missed: dates on which a snapshot is missing between the first and the newest
-- column missed_dates: these dates, newest first
-- column days_late: days from a missing date to the next snapshot; the maximum
with
run as (from waterfall.run),

inputs as (
    select inputs.* from waterfall.inputs as inputs where inputs.is_snapshots
),

input_days as (from waterfall.input_days),
loads as (from clean.loads),
codes as (from clean.entry_codes),

instants as (
    select distinct loads.input_no, codes.entered_at
    from codes
    inner join loads on loads.load_no = codes.load_no
    inner join inputs on inputs.input_no = loads.input_no
    cross join run
    where codes.entered_at <= run.as_of
),

dates as (
    select distinct instants.input_no, input_days.day
    from instants
    inner join input_days
        on input_days.input_no = instants.input_no
        and instants.entered_at >= input_days.starts_at
        and instants.entered_at < input_days.ends_at
),

gaps as (
    select
        dates.input_no,
        dates.day,
        cast(lead(dates.day) over (partition by dates.input_no order by dates.day) - dates.day as integer) as days
    from dates
),

counted as (
    select
        gaps.input_no,
        count(*) as snapshots,
        min(gaps.day) as first_date,
        max(gaps.day) as last_date,
        quantile_disc(gaps.days, 0.5) as usual_days
    from gaps
    group by gaps.input_no
),

weekdays as (
    select
        counted.input_no,
        isodow(input_days.day) as weekday,
        count(*) as chances,
        count(dates.day) as snapshots
    from counted
    inner join input_days
        on input_days.input_no = counted.input_no
        and input_days.day between counted.first_date and counted.last_date
    left join dates on dates.input_no = input_days.input_no and dates.day = input_days.day
    group by all
),

-- The number of usual intervals is rounded, so that a weekly snapshot one day late is not missing.
expected as (
    select
        gaps.input_no,
        gaps.day + cast(
            unnest(range(1, cast(round(gaps.days / nullif(counted.usual_days, 0)) as bigint))) * counted.usual_days as integer
        ) as day,
        gaps.day + gaps.days as next_day,
        counted.usual_days
    from gaps
    inner join counted on counted.input_no = gaps.input_no and gaps.days > counted.usual_days
),

missed as (
    select
        expected.input_no,
        count(*) as missed,
        list(expected.day order by expected.day desc) as missed_dates,
        max(expected.next_day - expected.day) as days_late
    from expected
    inner join weekdays on weekdays.input_no = expected.input_no and weekdays.weekday = isodow(expected.day)
    where expected.usual_days >= 7 or weekdays.snapshots > 0 or weekdays.chances < 2
    group by expected.input_no
)

select
    inputs.input,
    coalesce(counted.snapshots, 0) as snapshots,
    counted.first_date,
    counted.last_date,
    counted.usual_days,
    coalesce(missed.missed, 0) as missed,
    coalesce(missed.missed_dates, []) as missed_dates,
    coalesce(missed.days_late, 0) as days_late
from inputs
left join counted on counted.input_no = inputs.input_no
left join missed on missed.input_no = inputs.input_no
where inputs.table_name = 'stage_entries'
order by inputs.input_no
