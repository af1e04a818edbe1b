-- One row per row of history whose time is less exact than the same entry in another input (E4).
-- An input whose `precision` is minute, hour or day has its times cut to that unit. A snapshot shows that a lead entered a stage at some
-- time after the lead's previous snapshot and no later than this one. If all inputs have exact times, the view is empty at no cost.
-- as: view
-- key: load_no, row_number
with
run as (from waterfall.run),
inputs as (from waterfall.inputs),
input_days as (from waterfall.input_days),

codes as not materialized (
    from clean.entry_codes
),

lead_ids as (from clean.lead_ids),
loads as (from clean.loads),

-- A time was cut only if it is at the start of its unit; for hours, of a quarter of an hour, because zones differ by quarters.
cut_times as (
    select
        codes.load_no,
        codes.row_number,
        lead_ids.lead_no,
        codes.stage_no,
        codes.entered_at as starts_at,
        coalesce(input_days.ends_at, codes.entered_at + to_seconds(inputs.precision_seconds)) as ends_at,
        inputs.precision_seconds
    from codes
    inner join lead_ids on lead_ids.own_no = codes.own_no
    inner join loads on loads.load_no = codes.load_no
    inner join inputs
        on inputs.input_no = loads.input_no
        and inputs.precision_seconds > 0
        and not inputs.is_snapshots
    left join input_days on input_days.input_no = inputs.input_no and input_days.starts_at = codes.entered_at
    where
        case
            when inputs.precision_seconds = 86400 then input_days.starts_at is not null
            else epoch_us(codes.entered_at) % (least(inputs.precision_seconds, 900) * 1000000) = 0
        end
),

-- The previous snapshot is that of the same lead, so that a late snapshot changes no other lead. The first snapshot covers no time
-- before it. A date can mean any time of its day. A snapshot is less exact than any unit.
snapshot_times as (
    select
        codes.load_no,
        codes.row_number,
        lead_ids.lead_no,
        codes.stage_no,
        min(codes.entered_at) over (
            partition by codes.own_no, loads.input_no
            order by codes.entered_at
            groups between 1 preceding and current row
        ) as starts_at,
        coalesce(
            input_days.ends_at,
            codes.entered_at + to_seconds(inputs.precision_seconds) + interval 1 microsecond
        ) as ends_at,
        2147483647 as precision_seconds
    from codes
    inner join lead_ids on lead_ids.own_no = codes.own_no
    inner join loads on loads.load_no = codes.load_no
    inner join inputs on inputs.input_no = loads.input_no and inputs.is_snapshots
    left join input_days on input_days.input_no = inputs.input_no and input_days.starts_at = codes.entered_at
),

inexact_times as (
    from cut_times
    union all
    from snapshot_times
),

ids as (
    select lead_ids.own_no, lead_ids.lead_no
    from lead_ids
    where lead_ids.lead_no in (select inexact_times.lead_no from inexact_times)
),

exact_times as materialized (
    select ids.lead_no, codes.stage_no, codes.entered_at, inputs.precision_seconds
    from codes
    inner join ids on ids.own_no = codes.own_no
    inner join loads on loads.load_no = codes.load_no
    inner join inputs on inputs.input_no = loads.input_no
    cross join run
    where codes.entered_at <= run.as_of and not inputs.is_snapshots
)

select distinct inexact_times.load_no, inexact_times.row_number
from inexact_times
inner join exact_times
    on exact_times.lead_no = inexact_times.lead_no
    and exact_times.stage_no = inexact_times.stage_no
    and exact_times.entered_at >= inexact_times.starts_at
    and exact_times.entered_at < inexact_times.ends_at
    and exact_times.precision_seconds < inexact_times.precision_seconds
