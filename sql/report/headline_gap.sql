-- One row per headline pair and fate: where the cycles are that arrived at A, ever (K3, K9).
-- converted + passed over + lost by reason + still open = entered. Unit: cycle, window: ever.
-- key: headline_no, fate, reason, stage
-- not null: cycles, share
-- accepted fate: converted, passed_over, lost, still_open
-- accepted reason: converted, passed_over, exited, detoured, regressed, deleted, completed, overdue, within_limit, no_limit
-- column headline_no: place of the pair among the headline pairs
-- column fate_no: place in the report: converted first, then lost by size, then still open
-- column fate: the word of K3
-- column reason: lost: how the cycle ended; still_open: whether the present stage is past its limit
-- column stage: lost: the stage it went to; still_open: the stage it waits in
-- column stage_label: label of that stage
-- column cycles: how many
-- column share: cycles / all cycles that arrived at A
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

opened as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.unit = 'cycle'
),

cycles as (
    from journey.cycles_narrow
),

spans as (
    from journey.spans_narrow
),

stages as (
    from waterfall.stages
),

open_leads as (
    from marts.open_leads
),

-- The first detour or exit of a cycle is what ended it.
enders as (
    select spans.lead_no, spans.cycle_no, arg_min(spans.stage_no, spans.span_no) as stage_no
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.cycle_no > 0 and stages.kind in ('detour', 'exit')
    group by spans.lead_no, spans.cycle_no
),

followed as (
    select
        cycles.*,
        lead(cycles.entry_stage_no) over (partition by cycles.lead_no order by cycles.cycle_no) as next_stage_no
    from cycles
),

fates as (
    select
        pairs_shown.headline_no,
        pairs_shown.pair_no,
        case
            when opened.to_at is not null then 'converted'
            when opened.above_at is not null then 'passed_over'
            when opened.is_closed then 'lost'
            else 'still_open'
        end as fate,
        followed.outcome,
        case followed.outcome when 'regressed' then followed.next_stage_no else enders.stage_no end as end_stage_no,
        open_leads.stage as open_stage,
        open_leads.sla_state
    from opened
    inner join pairs_shown on pairs_shown.pair_no = opened.pair_no
    inner join followed on followed.cycle_id = opened.unit_id
    left join enders on enders.lead_no = followed.lead_no and enders.cycle_no = followed.cycle_no
    left join open_leads on open_leads.lead_no = followed.lead_no and open_leads.cycle_no = followed.cycle_no
),

reasoned as (
    select
        fates.headline_no,
        fates.fate,
        case fates.fate
            when 'lost' then fates.outcome
            when 'still_open' then
                case fates.sla_state
                    when 'open_overdue' then 'overdue' when 'open_within' then 'within_limit' else 'no_limit'
                end
            else fates.fate
        end as reason,
        case fates.fate
            when 'lost' then case when fates.outcome in ('exited', 'detoured', 'regressed') then stages.stage end
            when 'still_open' then fates.open_stage
        end as stage
    from fates
    left join stages on stages.stage_no = fates.end_stage_no
),

counted as (
    select reasoned.headline_no, reasoned.fate, reasoned.reason, reasoned.stage, count(*) as cycles
    from reasoned
    group by reasoned.headline_no, reasoned.fate, reasoned.reason, reasoned.stage
)

select
    counted.headline_no,
    row_number() over (
        partition by counted.headline_no
        order by
            case counted.fate when 'converted' then 1 when 'passed_over' then 2 when 'lost' then 3 else 4 end,
            case when counted.reason = 'overdue' then 1 else 2 end,
            counted.cycles desc,
            counted.reason,
            counted.stage
    ) as fate_no,
    counted.fate,
    counted.reason,
    counted.stage,
    stages.label as stage_label,
    counted.cycles,
    counted.cycles / cast(sum(counted.cycles) over (partition by counted.headline_no) as double) as share
from counted
left join stages on stages.stage = counted.stage
order by counted.headline_no, fate_no
