-- One row per cycle: when it began, how it ended, its values, and when it arrived at each stage and group.
-- The stages are in a MAP, so that the columns are the same for every waterfall: select lead_id, cycle_no, arrived_at['mql'].
-- A stage that the cycle did not arrive at is null.
-- as: view
-- column cycle_no: 1, 2 … within the lead
-- column days: days from its start to its end, or to as-of while it is open
-- column furthest_stage: the highest-ranked stage that it arrived at
-- column owner: owner at the entry that opened the cycle
-- column account_id: id of the account of its lead
-- column is_open: it has not ended at as-of
-- column arrived_at: key of a stage or group → arrival of the cycle there (UTC), in the order of the waterfall
-- column dimension_values: dimension → value at the entry that opened the cycle; the owner is in owner
with
run as (from waterfall.run),
leads as (from clean.leads),
stages as (from waterfall.stages),
milestones as (from waterfall.milestones),
dimensions as (from waterfall.dimensions),
slice_values as (from journey.slice_values),
spans as (from journey.spans_facts),
words as (from clean.entry_words),
cycles as (from journey.cycles_facts),
arrivals as (from journey.arrivals_facts),

arrival_maps as (
    select
        arrivals.lead_no,
        arrivals.cycle_no,
        map_from_entries(
            list((milestones.milestone, arrivals.arrived_at) order by milestones.milestone_no)
        ) as arrived_at
    from arrivals
    inner join milestones on milestones.milestone_no = arrivals.milestone_no
    group by arrivals.lead_no, arrivals.cycle_no
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
)

select
    leads.lead_id,
    cycles.cycle_no,
    cycles.started_at,
    cycles.ended_at,
    (epoch_us(coalesce(cycles.ended_at, run.as_of)) - epoch_us(cycles.started_at)) / 86400000000 as days,
    cycles.outcome,
    entry_stages.stage as entry_stage,
    furthest_stages.stage as furthest_stage,
    cycles.qualified_by,
    words.owner,
    leads.account_id,
    cycles.outcome = 'open' as is_open,
    arrival_maps.arrived_at,
    value_maps.dimension_values,
    cycles.cycle_id,
    cycles.lead_no
from cycles
cross join run
inner join leads on leads.lead_no = cycles.lead_no
inner join stages as entry_stages on entry_stages.stage_no = cycles.entry_stage_no
inner join stages as furthest_stages on furthest_stages.stage_no = cycles.furthest_stage_no
inner join spans on spans.lead_no = cycles.lead_no and spans.span_no = cycles.first_span_no
left join words on words.words_key = spans.words_key
inner join arrival_maps on arrival_maps.lead_no = cycles.lead_no and arrival_maps.cycle_no = cycles.cycle_no
left join value_maps on value_maps.slice_set = spans.slice_set
order by cycles.lead_no, cycles.cycle_no
