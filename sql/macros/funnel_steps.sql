-- How many units went through a chain of stages, step by step; each unit counts once, at its deepest chain (K10).
-- A chain may start at any entry into the first step, so that a later start may fit the window; of equally deep chains the earliest counts.
-- Days run from the first entry of the chain, and from the previous step in time. Entries of the same second are in path order (E5).
-- argument steps: list of stages or groups
-- argument mode = 'ordered': ordered = other stages may come between; strict = nothing between; any_order = in any order; increasing = ordered, each step at a later time than the one before
-- argument within_days = null: days from the first step to the one counted, inclusive; null = ever
-- argument within_seconds = null: the same in seconds
-- argument by = 'all': dimension to slice by, as it was at the chain's first entry
-- argument grain = 'all': cohorts by the period of the chain's first entry: day, week, month, quarter, year or all
-- argument unit = 'lead': cycle, lead or account
-- example: from funnel_steps(['mel', 'mql', 'sal'], mode := 'strict', within_days := 90)
with recursive
asked as materialized (
    select
        one_of(mode, ['ordered', 'strict', 'any_order', 'increasing'], 'mode') as mode,
        one_dimension("by") as dimension,
        one_grain(grain) as grain,
        one_unit(unit) as unit,
        coalesce(cast(within_seconds as bigint), cast(within_days as bigint) * 86400) * 1000000 as window_us
),

words as materialized (
    select
        unnest(steps) as word,
        generate_subscripts(steps, 1) as step_no
),

wanted as materialized (
    select
        words.step_no,
        coalesce(
            known.milestone_no,
            error('unknown stage; known: ' || (select string_agg(milestones.milestone, ', ' order by milestones.milestone_no) from waterfall.milestones as milestones))
        ) as milestone_no
    from words
    left join stage_words() as known on known.word = lower(trim(regexp_replace(words.word, '\s+', ' ', 'g')))
),

entries as materialized (
    select
        case asked.unit
            when 'lead' then spans.lead_no
            when 'cycle' then cycles.cycle_id
            else accounts.account_no
        end as unit_id,
        spans.lead_no,
        spans.span_no,
        spans.stage_no,
        spans.entered_at,
        spans.entered_date,
        row_number() over (partition by unit_id order by spans.entered_at, leads.lead_id, spans.span_no) as entry_no
    from journey.spans_facts as spans
    cross join asked
    inner join clean.leads as leads on leads.lead_no = spans.lead_no and leads.is_in_scope
    left join clean.accounts as accounts on accounts.account_id = leads.account_id
    left join journey.cycles_facts as cycles on cycles.lead_no = spans.lead_no and cycles.cycle_no = spans.cycle_no
    where unit_id is not null
),

step_entries as materialized (
    select
        wanted.step_no,
        entries.unit_id,
        entries.entry_no,
        entries.entered_at
    from entries
    inner join waterfall.milestone_members as members on members.stage_no = entries.stage_no
    inner join wanted on wanted.milestone_no = members.milestone_no
),

chains as (
    select distinct
        starts.unit_id,
        starts.entry_no as start_no,
        starts.entered_at as started_at,
        cast(0 as bigint) as step_no,
        starts.entry_no - 1 as entry_no,
        cast(null as timestamp) as entered_at
    from step_entries as starts
    cross join asked
    where starts.step_no = 1 or asked.mode = 'any_order'
    union all
    select
        chains.unit_id,
        chains.start_no,
        chains.started_at,
        chains.step_no + 1,
        min(next.entry_no),
        min(next.entered_at)
    from chains
    cross join asked
    inner join step_entries as next on next.unit_id = chains.unit_id and next.step_no = chains.step_no + 1
    where
        case asked.mode
            when 'any_order' then next.entry_no >= chains.start_no
            when 'strict' then next.entry_no = chains.entry_no + 1
            when 'increasing' then
                next.entry_no > chains.entry_no and (chains.entered_at is null or next.entered_at > chains.entered_at)
            else next.entry_no > chains.entry_no
        end
        and (asked.window_us is null or epoch_us(next.entered_at) - epoch_us(chains.started_at) <= asked.window_us)
    group by chains.unit_id, chains.start_no, chains.started_at, chains.step_no
),

deepest as (
    select
        chains.unit_id,
        chains.start_no,
        min(chains.entry_no) as first_no
    from chains
    where chains.step_no > 0
    group by chains.unit_id, chains.start_no
    qualify row_number() over (partition by chains.unit_id order by max(chains.step_no) desc, first_no, chains.start_no) = 1
),

counted as (
    select
        chains.step_no,
        chains.unit_id,
        slices.dimension_value,
        day_periods.period_start as cohort_start,
        epoch_us(chains.entered_at) - epoch_us(first_entries.entered_at) as us_since_first,
        epoch_us(chains.entered_at) - epoch_us(lag(chains.entered_at) over (
            partition by chains.unit_id order by chains.entry_no
        )) as us_since_previous
    from deepest
    cross join asked
    inner join chains on chains.unit_id = deepest.unit_id and chains.start_no = deepest.start_no and chains.step_no > 0
    inner join entries as first_entries
        on first_entries.unit_id = deepest.unit_id and first_entries.entry_no = deepest.first_no
    inner join journey.span_slices as span_slices
        on span_slices.lead_no = first_entries.lead_no and span_slices.span_no = first_entries.span_no
    inner join journey.slices as slices on slices.slice_no = span_slices.slice_no and slices.dimension = asked.dimension
    inner join waterfall.day_periods as day_periods
        on day_periods.day = first_entries.entered_date and day_periods.grain = asked.grain
),

cohorts as (
    select distinct counted.cohort_start, counted.dimension_value from counted
    union
    select cast(null as date), 'all' from asked where asked.dimension = 'all' and asked.grain = 'all'
),

steps_reached as (
    select
        cohorts.cohort_start,
        cohorts.dimension_value,
        wanted.step_no,
        wanted.milestone_no,
        count(counted.unit_id) as reached,
        cast(sum(counted.us_since_first) as double) / nullif(count(counted.unit_id), 0) / 86400000000 as mean_days,
        quantile_cont(counted.us_since_first, 0.5) / 86400000000 as median_days,
        cast(sum(counted.us_since_previous) as double)
        / nullif(count(counted.us_since_previous), 0) / 86400000000 as mean_days_since_previous,
        quantile_cont(counted.us_since_previous, 0.5) / 86400000000 as median_days_since_previous
    from cohorts
    cross join wanted
    left join counted
        on counted.step_no = wanted.step_no
        and counted.dimension_value = cohorts.dimension_value
        and counted.cohort_start is not distinct from cohorts.cohort_start
    group by cohorts.cohort_start, cohorts.dimension_value, wanted.step_no, wanted.milestone_no
),

compared as (
    select
        steps_reached.*,
        first_value(steps_reached.reached) over chain as entered,
        lag(steps_reached.reached) over chain as reached_before
    from steps_reached
    window chain as (
        partition by steps_reached.cohort_start, steps_reached.dimension_value order by steps_reached.step_no
    )
)

select
    asked.unit,
    compared.cohort_start,
    asked.dimension,
    compared.dimension_value,
    compared.step_no,
    milestones.milestone as stage,
    compared.entered,
    compared.reached,
    compared.reached / nullif(cast(compared.entered as double), 0) as rate,
    wilson_low(compared.reached, compared.entered) as rate_low,
    wilson_high(compared.reached, compared.entered) as rate_high,
    compared.reached / nullif(cast(compared.reached_before as double), 0) as rate_of_previous,
    compared.mean_days,
    compared.median_days,
    compared.mean_days_since_previous,
    compared.median_days_since_previous
from compared
cross join asked
inner join waterfall.milestones as milestones on milestones.milestone_no = compared.milestone_no
order by compared.cohort_start, compared.dimension_value, compared.step_no
