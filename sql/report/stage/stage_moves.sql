-- One row per report, stage, direction and other stage: where its stays came from, and where leads went when they ended (S2).
-- A move from A to B has two rows: out of A, and into B.
-- unit: stays (spans)
-- basis: all history, the stage before and the stage after each stay; days of the stay that the move ended
-- denominator: all stays that began (in) or ended (out)
-- key: report, stage, direction, move_kind, other_stage
-- unique: report, stage, direction, move_no
-- not null: stage_no, move_kind, moves, share
-- accepted direction: in, out
-- accepted move_kind: new, restored, advanced, sideways, regressed, held, detoured, exited, returned, deleted
-- check: moves >= 1
-- check: (other_stage is null) = (move_kind in ('new', 'restored', 'deleted'))
-- check: median_days is null or move_kind not in ('new', 'restored')
-- column stage_label: label of the stage
-- column direction: in = how stays began; out = how they ended
-- column move_no: place in the list of the direction: most moves first
-- column move_kind: kind of the move, as the exit kinds of S2; new = first entry of the lead; restored = its first entry after a deletion
-- column other_stage: stage before or after; null for a first entry, after a deletion and for a deletion
-- column other_label: label of that stage
-- column moves: stays that began, or ended, with such a move
-- column share: moves / all moves of the stage in that direction
-- column median_days: median length of the stay that the move ended (in: in the other stage; out: in this one); stays that an unknown stage interrupts are left out; null = no other stay
with
stages as (from waterfall.stages),
shown_sets as (from journey.shown_sets),
spans as (from journey.spans_facts),
interrupted as (from journey.interrupted_stays),

-- The length of a stay that an unknown stage interrupts is not known.
measured as (
    select
        spans.*,
        case
            when interrupted.lead_no is null then epoch_us(spans.exited_at) - epoch_us(spans.entered_at)
        end as us_in_stage
    from spans
    left join interrupted on interrupted.lead_no = spans.lead_no and interrupted.span_no = spans.span_no
),

before as (
    select
        measured.slice_set,
        measured.stage_no,
        measured.next_stage_no,
        measured.arrival_kind,
        measured.exit_kind,
        measured.exited_at,
        lag(measured.stage_no) over lead_order as previous_stage_no,
        measured.us_in_stage,
        lag(measured.us_in_stage) over lead_order as us_in_previous
    from measured
    window lead_order as (partition by measured.lead_no order by measured.span_no)
),

kept as (
    select shown_sets.report, before.*
    from before
    inner join shown_sets on shown_sets.slice_set = before.slice_set
),

moves as (
    select
        kept.report,
        kept.stage_no,
        'in' as direction,
        kept.arrival_kind as move_kind,
        case when kept.arrival_kind <> 'restored' then kept.previous_stage_no end as other_stage_no,
        case when kept.arrival_kind <> 'restored' then kept.us_in_previous end as us_before
    from kept
    union all
    select kept.report, kept.stage_no, 'out', kept.exit_kind, kept.next_stage_no, kept.us_in_stage
    from kept
    where kept.exited_at is not null
),

counted as (
    select
        moves.report,
        moves.stage_no,
        moves.direction,
        moves.move_kind,
        moves.other_stage_no,
        count(*) as moves,
        quantile_cont(moves.us_before, 0.5) as us_median
    from moves
    group by all
)

select
    counted.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    counted.direction,
    row_number() over (
        partition by counted.report, counted.stage_no, counted.direction
        order by counted.moves desc, counted.other_stage_no nulls first, counted.move_kind
    ) as move_no,
    counted.move_kind,
    others.stage as other_stage,
    others.label as other_label,
    counted.moves,
    counted.moves / cast(
        sum(counted.moves) over (partition by counted.report, counted.stage_no, counted.direction) as double
    ) as share,
    counted.us_median / 86400000000 as median_days
from counted
inner join stages on stages.stage_no = counted.stage_no
left join stages as others on others.stage_no = counted.other_stage_no
order by counted.report, stages.stage_no, counted.direction, move_no
