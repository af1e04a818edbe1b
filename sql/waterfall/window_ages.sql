-- One row per age in days, rounded up, with the shortest window that includes it (K2). The greatest age stands for all older ones.
-- key: age_days
-- not null: window_no
-- column window_no: number of that window in waterfall.window_limits
with
limits as (from waterfall.window_limits),

ages as (
    select unnest(range(coalesce(max(limits.window_days), 0) + 2)) as age_days
    from limits
)

select
    ages.age_days,
    min(limits.window_no) as window_no
from ages
inner join limits on coalesce(limits.window_days >= ages.age_days, true)
group by ages.age_days
