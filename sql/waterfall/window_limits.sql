-- One row per length of time within which a conversion counts: the configured windows, the headline windows, and ever.
-- key: window_no
-- not null: is_configured
-- column window_no: 1, 2 … by length; ever comes last
-- column window_days: days within which a conversion counts, inclusive; null = ever
-- column is_configured: a window of the configuration, or ever; not only the headline window of a pair
with
windows as (from waterfall.windows),
pairs as (from waterfall.pairs),

lengths as (
    select windows.window_days, true as is_configured
    from windows
    union all
    select pairs.headline_window_days, false
    from pairs
    where pairs.headline_window_days is not null
)

select
    cast(row_number() over (order by lengths.window_days nulls last) as smallint) as window_no,
    lengths.window_days,
    bool_or(lengths.is_configured) as is_configured
from lengths
group by lengths.window_days
