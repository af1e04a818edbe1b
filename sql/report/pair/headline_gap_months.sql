-- One row per report, headline pair, month of arrival at A and outcome: what became of the month's units, ever (K3, K9).
-- converted + passed over + lost by reason + still open = entered, in each month.
-- A cycle is lost to the stage that ended it, a lead to the exit that it is in, an account to the end of the last of its leads to leave.
-- A cycle or lead waits in its current stage, an account in the stage of its furthest lead; of several leads there, the one there longest counts.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair, window: ever, as of now
-- denominator: headline units that arrived at the first stage of the pair in the month
-- key: report, headline_no, month_start, fate, reason, stage
-- not null: units
-- accepted fate: converted, passed_over, lost, still_open
-- accepted reason: converted, passed_over, exited, detoured, regressed, deleted, completed, overdue, within_limit, no_limit
-- column headline_no: place of the pair among the headline pairs
-- column month_start: first day of the month in which the units arrived at A
-- column fate: outcome: converted, passed_over, lost or still_open (K3)
-- column reason: lost: how the unit ended; still_open: whether the stay in which it waits is past its SLA
-- column stage: lost: the stage it went to; still_open: the stage it waits in
-- column stage_label: label of that stage
-- column units: how many cycles, leads or accounts
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

unit_pairs as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.is_headline
),

shown_sets as (from journey.shown_sets),
cycles as (from journey.cycles_facts),
spans as (from journey.spans_facts),
span_sla as (from journey.span_sla),
stages as (from waterfall.stages),
leads as (from clean.leads),
accounts as (from clean.accounts),

-- The first detour or exit of a cycle ended it.
cycle_ends as (
    select spans.lead_no, spans.cycle_no, arg_min(spans.stage_no, spans.span_no) as stage_no
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.cycle_no > 0 and stages.kind in ('detour', 'exit')
    group by all
),

followed as (
    select
        cycles.*,
        lead(cycles.entry_stage_no) over (partition by cycles.lead_no order by cycles.cycle_no) as next_stage_no
    from cycles
),

-- The stage of each lead now, or at its deletion.
last_stays as (
    select
        spans.lead_no,
        leads.lead_id,
        spans.cycle_no,
        spans.stage_no,
        accounts.account_no,
        spans.entered_at,
        stages.rank,
        spans.exit_kind = 'deleted' as is_deleted,
        spans.exit_kind = 'deleted' or stages.kind = 'exit' as is_out,
        coalesce(spans.exited_at, spans.entered_at) as out_at,
        span_sla.sla_state
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    inner join leads on leads.lead_no = spans.lead_no
    left join accounts on accounts.account_id = leads.account_id
    left join span_sla on span_sla.lead_no = spans.lead_no and span_sla.span_no = spans.span_no
    where spans.is_last
),

ends as (
    select
        'cycle' as unit,
        followed.cycle_id as unit_id,
        followed.outcome,
        case followed.outcome
            when 'regressed' then followed.next_stage_no
            when 'exited' then cycle_ends.stage_no
            when 'detoured' then cycle_ends.stage_no
        end as stage_no
    from followed
    left join cycle_ends on cycle_ends.lead_no = followed.lead_no and cycle_ends.cycle_no = followed.cycle_no
    union all
    select
        'lead',
        cast(last_stays.lead_no as bigint),
        case when last_stays.is_deleted then 'deleted' else 'exited' end,
        case when not last_stays.is_deleted then last_stays.stage_no end
    from last_stays
    where last_stays.is_out
    union all
    select
        'account',
        cast(last_stays.account_no as bigint),
        case when last_stays.is_deleted then 'deleted' else 'exited' end,
        case when not last_stays.is_deleted then last_stays.stage_no end
    from last_stays
    where last_stays.is_out and last_stays.account_no is not null
    qualify row_number() over (
        partition by last_stays.account_no order by last_stays.out_at desc, last_stays.lead_id
    ) = 1
),

waits as (
    select 'cycle' as unit, cycles.cycle_id as unit_id, last_stays.stage_no, last_stays.sla_state
    from cycles
    inner join last_stays on last_stays.lead_no = cycles.lead_no and last_stays.cycle_no = cycles.cycle_no
    where not last_stays.is_out
    union all
    select 'lead', cast(last_stays.lead_no as bigint), last_stays.stage_no, last_stays.sla_state
    from last_stays
    where not last_stays.is_out
    union all
    select 'account', cast(last_stays.account_no as bigint), last_stays.stage_no, last_stays.sla_state
    from last_stays
    where not last_stays.is_out and last_stays.account_no is not null
    qualify row_number() over (
        partition by last_stays.account_no
        order by last_stays.rank desc nulls last, last_stays.entered_at, last_stays.lead_id
    ) = 1
),

opened as (
    select
        shown_sets.report,
        unit_pairs.*,
        pairs_shown.headline_no,
        unit_pairs.outcome as fate
    from unit_pairs
    inner join shown_sets on shown_sets.slice_set = unit_pairs.slice_set
    inner join pairs_shown
        on pairs_shown.report = shown_sets.report
        and pairs_shown.pair_no = unit_pairs.pair_no
        and pairs_shown.unit = unit_pairs.unit
),

reasoned as (
    select
        opened.report,
        opened.headline_no,
        cast(date_trunc('month', opened.from_date) as date) as month_start,
        opened.fate,
        case opened.fate
            when 'lost' then ends.outcome
            when 'still_open' then
                case waits.sla_state
                    when 'open_overdue' then 'overdue' when 'open_within' then 'within_limit' else 'no_limit'
                end
            else opened.fate
        end as reason,
        case opened.fate when 'lost' then ends.stage_no when 'still_open' then waits.stage_no end as stage_no
    from opened
    left join ends on ends.unit = opened.unit and ends.unit_id = opened.unit_id
    left join waits on waits.unit = opened.unit and waits.unit_id = opened.unit_id
)

select
    reasoned.report,
    reasoned.headline_no,
    reasoned.month_start,
    reasoned.fate,
    reasoned.reason,
    stages.stage,
    stages.label as stage_label,
    count(*) as units
from reasoned
left join stages on stages.stage_no = reasoned.stage_no
group by
    reasoned.report,
    reasoned.headline_no,
    reasoned.month_start,
    reasoned.fate,
    reasoned.reason,
    stages.stage,
    stages.label
order by reasoned.report, reasoned.headline_no, reasoned.month_start, reasoned.fate, reasoned.reason, stages.stage
