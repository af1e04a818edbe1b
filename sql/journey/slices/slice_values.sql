-- One row per slice membership and dimension, with the value when its spans began (docs/RULES.md section 9); `all` is the total.
-- Thousands of spans have the same values, so the values are looked up once, at the first span of each membership.
-- key: slice_set, dimension
-- not null: dimension_value
-- column slice_set: slice membership: hash of all that decides the slices of a span
with
spans as (from journey.spans_facts),
cycles as (from journey.cycles_facts),
lead_given as (from clean.lead_given),
words as (from clean.entry_words),
stages as (from waterfall.stages),
dimensions as (from waterfall.dimensions),

-- Lead and span as one unique number: a lead has fewer than a million spans.
firsts as (
    select spans.slice_set, min(cast(spans.lead_no as bigint) * 1048576 + spans.span_no) as place
    from spans
    group by spans.slice_set
),

described as (
    select
        firsts.slice_set,
        lead_given.given as lead_given,
        words.given as entry_given,
        cycles.qualified_by,
        entry_stages.stage as entry_stage,
        stages.team
    from firsts
    inner join spans on spans.lead_no = firsts.place // 1048576 and spans.span_no = firsts.place % 1048576
    inner join lead_given on lead_given.lead_no = spans.lead_no
    inner join stages on stages.stage_no = spans.stage_no
    left join words on words.words_key = spans.words_key
    left join cycles on cycles.lead_no = spans.lead_no and cycles.cycle_no = spans.cycle_no
    left join stages as entry_stages on entry_stages.stage_no = cycles.entry_stage_no
),

valued as (
    select
        described.slice_set,
        dimensions.dimension,
        case dimensions.source
            when 'all' then 'all'
            when 'entry' then described.entry_given[dimensions.position]
            when 'cycle' then
                case dimensions.dimension when 'qualified_by' then described.qualified_by else described.entry_stage end
            when 'stage' then described.team
            else described.lead_given[dimensions.position]
        end as given
    from described
    cross join dimensions
)

select
    valued.slice_set,
    valued.dimension,
    coalesce(nullif(valued.given, ''), '(none)') as dimension_value
from valued
