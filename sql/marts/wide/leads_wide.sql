-- One row per lead in scope: where it is now, who has it, its values, and when it first arrived at each stage and group.
-- The stages are in a MAP, so that the columns are the same for every waterfall: select lead_id, arrived_at['mql'], arrived_at['sal'].
-- A stage that the lead never arrived at is null. A lead without history has a row, too.
-- as: view
-- column current_stage: key of the stage that it is in at as-of; null = deleted, or without history
-- column current_owner: owner now: from the lead, else from its latest entry or re-assertion that names one
-- column account_name: name of the account, as delivered
-- column persona: role of the person in a purchase, as in journey.lead_personas
-- column first_entered_at: moment (UTC) of its first entry into any stage
-- column entered_at: moment (UTC) at which it entered its current stage
-- column age_days: days in its current stage at as-of
-- column sla_state: open_within or open_overdue if it waits in a stage with an SLA (marts.open_leads)
-- column overdue_hours: hours past the SLA, on its clock
-- column furthest_stage: highest-ranked path stage that it ever arrived at
-- column cycles: number of its runs along the path
-- column is_open: it waits on the path or on hold in a cycle that is not completed: a row of marts.open_leads
-- column is_completed: one of its cycles arrived at the last path stage
-- column is_deleted: deleted in the source at as-of, and not restored
-- column arrived_at: key of a stage or group → its first arrival there (UTC), in the order of the waterfall
-- column dimension_values: dimension → its value at the latest entry; the owner is in current_owner
with
run as (from waterfall.run),

leads as (
    select leads.* from clean.leads as leads where leads.is_in_scope
),

accounts as (from clean.accounts),
personas as (from journey.lead_personas),
stages as (from waterfall.stages),
milestones as (from waterfall.milestones),
dimensions as (from waterfall.dimensions),
slice_values as (from journey.slice_values),
spans as (from journey.spans_facts),
cycles as (from journey.cycles_facts),
arrivals as (from journey.arrivals_facts),
open_leads as (from marts.open_leads),
words as (from clean.entry_words),

entry_rows as (
    select entry_rows.* from clean.entry_rows as entry_rows where entry_rows.disposition in ('kept', 'repeat')
),

-- In the order of E5, and with re-assertions (E6), as in marts.open_leads.
last_owners as (
    select
        entry_rows.lead_no,
        arg_max(
            words.owner,
            (
                entry_rows.entered_at,
                coalesce(entry_rows.place_no, 9223372036854775807),
                entry_rows.order_no,
                entry_rows.load_no,
                entry_rows.row_number
            )
        ) as owner
    from entry_rows
    inner join words on words.words_key = entry_rows.words_key
    where words.owner is not null
    group by entry_rows.lead_no
),

first_arrivals as (
    select
        arrivals.lead_no,
        arrivals.milestone_no,
        min(arrivals.arrived_at) as arrived_at
    from arrivals
    group by arrivals.lead_no, arrivals.milestone_no
),

arrival_maps as (
    select
        first_arrivals.lead_no,
        map_from_entries(
            list((milestones.milestone, first_arrivals.arrived_at) order by milestones.milestone_no)
        ) as arrived_at
    from first_arrivals
    inner join milestones on milestones.milestone_no = first_arrivals.milestone_no
    group by first_arrivals.lead_no
),

value_maps as (
    select
        slice_values.slice_set,
        map_from_entries(
            list((slice_values.dimension, slice_values.dimension_value) order by dimensions.position)
        ) as dimension_values
    from slice_values
    inner join dimensions on dimensions.dimension = slice_values.dimension
    where dimensions.dimension not in ('all', 'owner')
    group by slice_values.slice_set
),

-- Rank first, then the number of the stage, so that one of two parallel stages is chosen.
cycle_counts as (
    select
        cycles.lead_no,
        count(*) as cycles,
        bool_or(cycles.outcome = 'completed') as is_completed,
        max(stages.rank * 32768 - stages.stage_no) as furthest_place
    from cycles
    inner join stages on stages.stage_no = cycles.furthest_stage_no
    group by cycles.lead_no
),

first_spans as (
    select spans.lead_no, spans.entered_at from spans where spans.span_no = 1
),

last_spans as (
    select spans.* from spans where spans.is_last
)

select
    leads.lead_id,
    stages.stage as current_stage,
    coalesce(leads.owner, last_owners.owner) as current_owner,
    leads.account_id,
    accounts.name as account_name,
    leads.origin,
    leads.lead_source,
    personas.persona,
    leads.created_at,
    first_spans.entered_at as first_entered_at,
    case when stages.stage is not null then last_spans.entered_at end as entered_at,
    case
        when stages.stage is not null then (epoch_us(run.as_of) - epoch_us(last_spans.entered_at)) / 86400000000
    end as age_days,
    open_leads.sla_state,
    open_leads.overdue_hours,
    furthest_stages.stage as furthest_stage,
    coalesce(cycle_counts.cycles, 0) as cycles,
    open_leads.lead_no is not null as is_open,
    coalesce(cycle_counts.is_completed, false) as is_completed,
    coalesce(last_spans.exit_kind = 'deleted', leads.deleted_at is not null) as is_deleted,
    leads.deleted_at,
    arrival_maps.arrived_at,
    value_maps.dimension_values,
    leads.lead_no
from leads
cross join run
left join accounts on accounts.account_id = leads.account_id
left join personas on personas.lead_no = leads.lead_no
left join last_owners on last_owners.lead_no = leads.lead_no
left join first_spans on first_spans.lead_no = leads.lead_no
left join last_spans on last_spans.lead_no = leads.lead_no
left join stages on stages.stage_no = last_spans.stage_no and last_spans.exited_at is null
left join cycle_counts on cycle_counts.lead_no = leads.lead_no
left join stages as furthest_stages
    on furthest_stages.rank * 32768 - furthest_stages.stage_no = cycle_counts.furthest_place
left join open_leads on open_leads.lead_no = leads.lead_no
left join arrival_maps on arrival_maps.lead_no = leads.lead_no
left join value_maps on value_maps.slice_set = last_spans.slice_set
order by leads.lead_no
