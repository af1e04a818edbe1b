-- One row per report and configured dimension: the source of its values and for how many stays they are known.
-- unit: stays (spans)
-- basis: all history
-- denominator: all stays
-- key: report, dimension
-- not null: source, stays, known, distinct_values
-- check: known <= stays
-- column report: key of the report; the counts of each are of all leads
-- column position: place in the configuration
-- column source: entry (as it was), lead or account (as it is now), cycle, stage
-- column stays: all stays in the history
-- column known: of these, with a value
-- column share_known: known / stays
-- column distinct_values: different values, (none) left out
with
reports as (from waterfall.reports),

dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

span_dimensions as (from journey.span_dimensions),

counted as (
    select
        span_dimensions.dimension,
        count(*) as stays,
        count(*) filter (where span_dimensions.dimension_value <> '(none)') as known,
        count(distinct span_dimensions.dimension_value) filter (
            where span_dimensions.dimension_value <> '(none)'
        ) as distinct_values
    from span_dimensions
    group by span_dimensions.dimension
)

select
    reports.report,
    dimensions.position,
    dimensions.dimension,
    dimensions.source,
    coalesce(counted.stays, 0) as stays,
    coalesce(counted.known, 0) as known,
    counted.known / nullif(cast(counted.stays as double), 0) as share_known,
    coalesce(counted.distinct_values, 0) as distinct_values
from reports
cross join dimensions
left join counted on counted.dimension = dimensions.dimension
order by reports.report, dimensions.position
