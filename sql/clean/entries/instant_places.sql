-- One row per row of history that shares its lead, instant and input with other rows, with its position among them (E5).
-- If the old values connect the rows to one chain in exactly one order, that order counts; else the sequence of the input.
-- If no lead has two such rows at one instant, the view is empty and costs one count.
-- as: view
-- key: load_no, row_number
-- not null: place_no, visit_no
-- column place_no: position by the chain of old and new values, else the sequence; the same for rows of one move in several loads
-- column visit_no: 1 = the first entry into the stage at the instant, 2 = the second, after another stage … (E4)
with recursive
codes as not materialized (
    select codes.* from clean.entry_codes as codes where codes.stage_no is not null
),

lead_ids as (from clean.lead_ids),
loads as (from clean.loads),
stages as (from waterfall.stages),

-- A chain needs an old value in each row. A sequence can show a second visit only in three or more rows with two or more stages.
instants as (
    select lead_ids.lead_no, codes.entered_at, loads.input_no
    from codes
    inner join lead_ids on lead_ids.own_no = codes.own_no
    inner join loads on loads.load_no = codes.load_no
    where codes.old_stage_no is not null or codes.sequence is not null
    group by all
    having
        count(*) > 1
        and (
            count(codes.old_stage_no) = count(*)
            or (count(codes.sequence) > 2 and min(codes.stage_no) <> max(codes.stage_no))
        )
),

-- A move that repeats within a load is another move; in another load it is the same move, delivered again.
shared_instants as (
    select
        codes.load_no,
        codes.row_number,
        lead_ids.lead_no,
        codes.entered_at,
        loads.input_no,
        codes.old_stage_no,
        codes.stage_no,
        codes.sequence,
        coalesce(stages.rank, 32767) as path_order,
        row_number() over (
            partition by
                lead_ids.lead_no,
                codes.entered_at,
                loads.input_no,
                codes.old_stage_no,
                codes.stage_no,
                codes.load_no
            order by codes.sequence nulls last, codes.row_number
        ) as copy_no
    from codes
    inner join lead_ids on lead_ids.own_no = codes.own_no
    inner join loads on loads.load_no = codes.load_no
    inner join stages on stages.stage_no = codes.stage_no
    -- Not a join: the planner would join by time alone, and pair all leads of a bulk change with each other.
    where (lead_ids.lead_no, codes.entered_at, loads.input_no) in (
        select (instants.lead_no, instants.entered_at, instants.input_no) from instants
    )
),

distinct_moves as (
    select distinct
        shared_instants.lead_no,
        shared_instants.entered_at,
        shared_instants.input_no,
        shared_instants.old_stage_no,
        shared_instants.stage_no,
        shared_instants.copy_no
    from shared_instants
),

-- More than eight moves have too many possible orders.
moves as (
    select
        distinct_moves.*,
        cast(row_number() over instant_order as integer) as move_no,
        count(*) over instant as move_count
    from distinct_moves
    window
        instant as (partition by distinct_moves.lead_no, distinct_moves.entered_at, distinct_moves.input_no),
        instant_order as (
            partition by distinct_moves.lead_no, distinct_moves.entered_at, distinct_moves.input_no
            order by distinct_moves.old_stage_no, distinct_moves.stage_no, distinct_moves.copy_no
        )
    qualify
        count(*) over instant between 2 and 8
        and bool_and(distinct_moves.old_stage_no is not null) over instant
),

ends as (
    select
        moves.lead_no,
        moves.entered_at,
        moves.input_no,
        moves.old_stage_no as stage_no,
        1 as surplus,
        cast(moves.copy_no = 1 as integer) as moves_out
    from moves
    union all
    select moves.lead_no, moves.entered_at, moves.input_no, moves.stage_no, -1, 0
    from moves
),

balances as (
    select
        ends.lead_no,
        ends.entered_at,
        ends.input_no,
        ends.stage_no,
        sum(ends.surplus) as surplus,
        sum(ends.moves_out) as moves_out
    from ends
    group by all
),

-- A chain starts at the stage that one more move leaves than enters, and ends at the stage that one more move enters. Without such
-- stages the moves form a circle, which can start anywhere. If three different moves leave a stage, two of them can be exchanged.
-- Both cases have several orders, so they are left out here and the search below stays short.
starts as (
    select
        balances.lead_no,
        balances.entered_at,
        balances.input_no,
        min(balances.stage_no) filter (where balances.surplus = 1) as stage_no
    from balances
    group by all
    having sum(abs(balances.surplus)) = 2 and max(balances.moves_out) <= 2
),

-- Every sequence of moves in which each move leaves the stage that the move before entered.
-- Copies of one move keep their order, because exchanging them makes no other sequence.
move_sequences as (
    select
        moves.lead_no,
        moves.entered_at,
        moves.input_no,
        moves.move_count,
        moves.stage_no,
        [moves.move_no] as move_nos
    from moves
    inner join starts
        on starts.lead_no = moves.lead_no
        and starts.entered_at = moves.entered_at
        and starts.input_no = moves.input_no
        and starts.stage_no = moves.old_stage_no
    where moves.copy_no = 1
    union all
    select
        moves.lead_no,
        moves.entered_at,
        moves.input_no,
        moves.move_count,
        moves.stage_no,
        list_append(move_sequences.move_nos, moves.move_no)
    from move_sequences
    inner join moves
        on moves.lead_no = move_sequences.lead_no
        and moves.entered_at = move_sequences.entered_at
        and moves.input_no = move_sequences.input_no
        and moves.old_stage_no = move_sequences.stage_no
    where
        not list_contains(move_sequences.move_nos, moves.move_no)
        and (moves.copy_no = 1 or list_contains(move_sequences.move_nos, moves.move_no - 1))
),

chains as (
    select move_sequences.lead_no, move_sequences.entered_at, move_sequences.input_no, any_value(move_sequences.move_nos) as move_nos
    from move_sequences
    where len(move_sequences.move_nos) = move_sequences.move_count
    group by all
    having count(*) = 1
),

chained as (
    select
        moves.lead_no,
        moves.entered_at,
        moves.input_no,
        moves.old_stage_no,
        moves.stage_no,
        moves.copy_no,
        list_position(chains.move_nos, moves.move_no) as chain_no
    from moves
    inner join chains
        on chains.lead_no = moves.lead_no
        and chains.entered_at = moves.entered_at
        and chains.input_no = moves.input_no
),

placed as (
    select
        shared_instants.*,
        coalesce(chained.chain_no, shared_instants.sequence) as place_no
    from shared_instants
    left join chained
        on chained.lead_no = shared_instants.lead_no
        and chained.entered_at = shared_instants.entered_at
        and chained.input_no = shared_instants.input_no
        and chained.old_stage_no = shared_instants.old_stage_no
        and chained.stage_no = shared_instants.stage_no
        and chained.copy_no = shared_instants.copy_no
),

in_order as (
    select
        placed.*,
        placed.stage_no is distinct from lag(placed.stage_no) over (
            partition by placed.lead_no, placed.entered_at, placed.input_no
            order by placed.place_no, placed.path_order, placed.load_no, placed.row_number
        ) as is_entry
    from placed
    where placed.place_no is not null
)

select
    in_order.load_no,
    in_order.row_number,
    in_order.place_no,
    count(*) filter (where in_order.is_entry) over (
        partition by in_order.lead_no, in_order.entered_at, in_order.input_no, in_order.stage_no
        order by in_order.place_no, in_order.path_order, in_order.load_no, in_order.row_number
        rows unbounded preceding
    ) as visit_no
from in_order
