-- One row per row of history that records an entry which another input dates, because it comes first by `priority` (E4).
-- Two rows are one entry if they name the same lead and stage and either are at most one day apart, each the nearest of its source to
-- the other, or have no row of another stage between them. Inputs of one priority are one source; an input without priority keeps its rows
-- and dates no others. Rows of one instant are ordered by sequence, then by rank. Chains of old values are not used, because that would read
-- the whole history again. If no lead has two priorities, the view is empty at no cost.
-- as: view
-- key: load_no, row_number
-- not null: kept_at, kept_input_no
-- column kept_at: the time (UTC) that counts
-- column kept_input_no: the input that recorded it; the first one if several inputs of one priority did
with
run as (from waterfall.run),
inputs as (from waterfall.inputs),
stages as (from waterfall.stages),

codes as not materialized (
    select codes.* from clean.entry_codes as codes where codes.stage_no is not null
),

lead_ids as (from clean.lead_ids),
loads as (from clean.loads),
less_exact as (from clean.less_exact_rows),

deleted as (
    select leads.lead_no, leads.deleted_at from clean.leads as leads where leads.deleted_at is not null
),

ids as (
    select lead_ids.own_no, lead_ids.lead_no
    from lead_ids
    where
        lead_ids.lead_no in (
            select lead_ids.lead_no
            from codes
            inner join lead_ids on lead_ids.own_no = codes.own_no
            inner join loads on loads.load_no = codes.load_no
            inner join inputs on inputs.input_no = loads.input_no and inputs.priority is not null
            group by lead_ids.lead_no
            having min(inputs.priority) < max(inputs.priority)
        )
),

-- Separate from the joins below: otherwise the planner would read the whole history before it filters by these leads.
chosen as materialized (
    select codes.*, ids.lead_no
    from codes
    inner join ids on ids.own_no = codes.own_no
),

-- Rows before and after a deletion are never one entry (E10).
entries as materialized (
    select
        codes.load_no,
        codes.row_number,
        codes.lead_no,
        codes.stage_no,
        codes.entered_at,
        inputs.input_no,
        inputs.priority,
        coalesce(codes.entered_at > deleted.deleted_at, false) as is_after_deletion,
        codes.sequence,
        coalesce(stages.rank, 32767) as path_order
    from chosen as codes
    inner join loads on loads.load_no = codes.load_no
    inner join inputs on inputs.input_no = loads.input_no
    inner join stages on stages.stage_no = codes.stage_no
    cross join run
    left join deleted on deleted.lead_no = codes.lead_no
    anti join less_exact on less_exact.load_no = codes.load_no and less_exact.row_number = codes.row_number
    where codes.entered_at <= run.as_of
),

dates as (
    select
        entries.lead_no,
        entries.stage_no,
        entries.is_after_deletion,
        entries.priority,
        entries.entered_at,
        min(entries.input_no) as input_no
    from entries
    where entries.priority is not null
    group by all
),

nearest as (
    select
        dates.*,
        firsts.priority as kept_priority,
        firsts.entered_at as kept_at,
        firsts.input_no as kept_input_no,
        abs(epoch_us(firsts.entered_at) - epoch_us(dates.entered_at)) as distance
    from dates
    inner join dates as firsts
        on firsts.lead_no = dates.lead_no
        and firsts.stage_no = dates.stage_no
        and firsts.is_after_deletion = dates.is_after_deletion
        and firsts.priority < dates.priority
        and firsts.entered_at >= dates.entered_at - interval 1 day
        and firsts.entered_at <= dates.entered_at + interval 1 day
    qualify
        row_number() over (
            partition by dates.lead_no, dates.stage_no, dates.priority, dates.entered_at, firsts.priority
            order by distance, firsts.entered_at
        ) = 1
        and row_number() over (
            partition by dates.lead_no, dates.stage_no, firsts.priority, firsts.entered_at, dates.priority
            order by distance, dates.entered_at
        ) = 1
),

near as (
    select nearest.*
    from nearest
    qualify
        row_number() over (
            partition by nearest.lead_no, nearest.stage_no, nearest.priority, nearest.entered_at
            order by nearest.kept_priority
        ) = 1
),

near_rows as (
    select entries.load_no, entries.row_number, near.kept_at, near.kept_input_no
    from entries
    inner join near
        on near.lead_no = entries.lead_no
        and near.stage_no = entries.stage_no
        and near.priority = entries.priority
        and near.entered_at = entries.entered_at
),

followed as (
    select
        entries.*,
        entries.stage_no is distinct from lag(entries.stage_no) over lead_order as is_first
    from entries
    anti join near_rows on near_rows.load_no = entries.load_no and near_rows.row_number = entries.row_number
    window lead_order as (
        partition by entries.lead_no, entries.is_after_deletion
        order by
            entries.entered_at,
            entries.sequence nulls last,
            entries.path_order,
            entries.input_no,
            entries.load_no,
            entries.row_number
    )
),

stays as (
    select
        followed.*,
        count(*) filter (where followed.is_first) over (
            partition by followed.lead_no, followed.is_after_deletion
            order by
                followed.entered_at,
                followed.sequence nulls last,
                followed.path_order,
                followed.input_no,
                followed.load_no,
                followed.row_number
            rows unbounded preceding
        ) as stay_no
    from followed
),

firsts_of_stays as (
    select
        stays.lead_no,
        stays.is_after_deletion,
        stays.stay_no,
        min(stays.priority) as priority,
        min((stays.priority, stays.entered_at, stays.input_no)) as first
    from stays
    where stays.priority is not null
    group by all
    having min(stays.priority) < max(stays.priority)
)

select near_rows.load_no, near_rows.row_number, near_rows.kept_at, near_rows.kept_input_no
from near_rows
union all
select stays.load_no, stays.row_number, firsts_of_stays.first[2], firsts_of_stays.first[3]
from stays
inner join firsts_of_stays
    on firsts_of_stays.lead_no = stays.lead_no
    and firsts_of_stays.is_after_deletion = stays.is_after_deletion
    and firsts_of_stays.stay_no = stays.stay_no
    and firsts_of_stays.priority < stays.priority
