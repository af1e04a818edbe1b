-- What became of the units of each cohort between two stages, from marts.conversion (K1 to K5).
-- argument from_stage: stage or group that opens the measure
-- argument to_stage: stage or group that converts, above it on the path
-- argument by = 'all': dimension to slice by
-- argument grain = 'month': length of a cohort's period: day, week, month, quarter, year or all
-- argument within_days = null: one of the configured windows; null = ever
-- argument unit = 'cycle': cycle, lead or account
-- example: from conversion('mql', 'sal', by := 'lead_source', grain := 'all', within_days := 30)
with
asked as materialized (
    select
        stage_key(from_stage) as from_key,
        stage_key(to_stage) as to_key,
        one_dimension("by") as dimension,
        one_grain(grain) as grain,
        one_unit(unit) as unit,
        within_days as window_days
),

allowed as materialized (
    select
        asked.*,
        case
            when asked.window_days is null
                or asked.window_days in (select windows.window_days from waterfall.windows as windows where windows.window_days is not null)
                then true
            else error('no such window; known (days): ' || (select coalesce(string_agg(windows.window_days, ', ' order by windows.window_days), 'ever') from waterfall.windows as windows))
        end as has_window,
        case
            when exists (
                select 1 from waterfall.pairs as pairs
                where pairs.from_stage = asked.from_key and pairs.to_stage = asked.to_key
            ) then true
            else error('no such pair: the second stage must stand above the first on the path')
        end as has_pair
    from asked
)

select marts.*, coverage.is_before_coverage
from allowed
inner join marts.conversion as marts
    on marts.unit = allowed.unit
    and marts.grain = allowed.grain
    and marts.dimension = allowed.dimension
    and marts.from_stage = allowed.from_key
    and marts.to_stage = allowed.to_key
    and marts.window_days is not distinct from allowed.window_days
inner join quality.period_coverage as coverage
    on coverage.grain = marts.grain
    and coverage.period_start is not distinct from marts.cohort_start
where
    allowed.has_window
    and allowed.has_pair
    -- As a constant, so that a query for months does not compute days (`stored:` of the mart).
    and marts.grain = grain
order by marts.cohort_start, marts.dimension_value
