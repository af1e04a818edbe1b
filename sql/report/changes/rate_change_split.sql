-- One row per report, headline pair, window and dimension: how much of the change of the pair's rate comes from mix and how much from rates.
-- The sums of report.rate_change_parts; mix_part + rate_part = change. Only in the report of all leads.
-- key: report, headline_no, window_days, dimension
-- not null: mix_part, rate_part, change
-- check: abs(mix_part + rate_part - change) <= 1e-12
-- column report: always all, the report of all leads
-- column headline_no: place among the headline pairs
-- column dimension_no: place of the dimension in the configuration
-- column mix_part: what the shares of the values add to the change
-- column rate_part: what the rates of the values add to it
-- column change: latest rate − previous rate of the pair
with
changes as (from report.rate_change),
parts as (from report.rate_change_parts),

summed as (
    select
        parts.report,
        parts.headline_no,
        parts.window_days,
        parts.dimension_no,
        parts.dimension,
        sum(parts.mix_part order by parts.value_no) as mix_part,
        sum(parts.rate_part order by parts.value_no) as rate_part
    from parts
    group by all
)

select
    summed.report,
    summed.headline_no,
    summed.window_days,
    summed.dimension_no,
    summed.dimension,
    summed.mix_part,
    summed.rate_part,
    changes.change
from summed
inner join changes
    on changes.report = summed.report
    and changes.headline_no = summed.headline_no
    and changes.window_days is not distinct from summed.window_days
order by summed.report, summed.headline_no, summed.window_days nulls first, summed.dimension_no
