-- One row per set of cuts and dimension: the value that its stays had when they began (docs/RULES.md section 9); `all` is the total.
-- Thousands of stays have the same values: the words are looked up once, at the first stay of each set.
-- key: cut_set, dimension
-- not null: dimension_value
-- column cut_set: hash of all that decides the cuts of a stay
with
spans as (from journey.spans_narrow),
cycles as (from journey.cycles_narrow),
lead_given as (from clean.lead_given),
words as (from clean.entry_words),
stages as (from waterfall.stages),
dimensions as (from waterfall.dimensions),

-- Lead and stay as one number, which is unique: a lead has fewer than a million stays.
firsts as (
    select spans.cut_set, min(cast(spans.lead_no as bigint) * 1048576 + spans.span_no) as place
    from spans
    group by spans.cut_set
),

described as (
    select
        firsts.cut_set,
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
        described.cut_set,
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
    valued.cut_set,
    valued.dimension,
    coalesce(nullif(valued.given, ''), '(none)') as dimension_value
from valued
