-- One row per dimension value and stage: the age of open spans, and the median length of all spans (T2).
-- T2: the censored median is Kaplan and Meier's (1958, JASA 53: 457-481) over all spans, with open ones censored at as-of:
-- the shortest length at which at most one half is still there; null while more than half are still there.
-- key: dimension, dimension_value, stage
-- not null: still_open
-- column still_open: spans open at as-of
-- column median_age_days: their median age
-- column p90_age_days: their 90th percentile
-- column censored_median_days: median length of all spans, open ones counted as lasting at least until as-of
with
run as (from waterfall.run),
stages as (from waterfall.stages),
spans as (from journey.spans_facts),
interrupted as (from journey.interrupted_stays),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

-- The length of a span that an unknown stage interrupts is not known.
measured as (
    select spans.*
    from spans
    where not exists (
        select 1 from interrupted where interrupted.lead_no = spans.lead_no and interrupted.span_no = spans.span_no
    )
),

lengths as (
    select
        measured.slice_set,
        measured.stage_no,
        measured.exited_at is null as is_open,
        epoch_us(coalesce(measured.exited_at, run.as_of)) - epoch_us(measured.entered_at) as us_in_stage
    from measured
    cross join run
),

ages as (
    select
        slice_members.slice_no,
        lengths.stage_no,
        count(*) as stays,
        count(*) filter (where lengths.is_open) as still_open,
        quantile_cont(lengths.us_in_stage, [0.5, 0.9]) filter (where lengths.is_open) as us_quantiles
    from lengths
    inner join slice_members on slice_members.slice_set = lengths.slice_set
    group by all
),

-- Spans that end at a length leave before open spans of that length are censored. They leave one by one: if d of n end at once,
-- the product (n − 1)/n · (n − 2)/(n − 1) … is (n − d)/n.
placed as (
    select
        slice_members.slice_no,
        lengths.stage_no,
        lengths.us_in_stage,
        lengths.is_open,
        row_number() over (
            partition by slice_members.slice_no, lengths.stage_no
            order by lengths.us_in_stage, lengths.is_open
        ) as place
    from lengths
    inner join slice_members on slice_members.slice_set = lengths.slice_set
),

survival as (
    select
        placed.slice_no,
        placed.stage_no,
        placed.us_in_stage,
        product(1 - 1 / cast(ages.stays - placed.place + 1 as double)) over (
            partition by placed.slice_no, placed.stage_no
            order by placed.place
            rows unbounded preceding
        ) as share_left
    from placed
    inner join ages on ages.slice_no = placed.slice_no and ages.stage_no = placed.stage_no
    where not placed.is_open
),

medians as (
    select
        survival.slice_no,
        survival.stage_no,
        -- One half must be exactly one half, although the order of multiplication can change the sixteenth digit.
        min(survival.us_in_stage) filter (where round(survival.share_left, 12) <= 0.5) as us_median
    from survival
    group by all
),

never_entered as (
    select slices.slice_no, stages.stage_no, 0 as still_open
    from stages
    inner join slices on slices.dimension = 'all'
    where stages.stage_no not in (select measured.stage_no from measured)
)

select
    slices.dimension,
    slices.dimension_value,
    stages.stage,
    ages.still_open,
    ages.us_quantiles[1] / 86400000000 as median_age_days,
    ages.us_quantiles[2] / 86400000000 as p90_age_days,
    medians.us_median / 86400000000 as censored_median_days
from (select ages.* exclude (stays) from ages union all by name select * from never_entered) as ages
inner join stages on stages.stage_no = ages.stage_no
inner join slices on slices.slice_no = ages.slice_no
left join medians on medians.slice_no = ages.slice_no and medians.stage_no = ages.stage_no
