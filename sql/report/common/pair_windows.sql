-- One row per report, pair of the report and window that it is shown with: ever, the configured windows, and a headline pair's own (K9).
-- key: report, pair_no, window_days
-- not null: is_headline_window
-- column window_days: days within which a conversion counts; null = ever
-- column is_headline_window: the window of the pair's headline rate
with
pairs_shown as (from report.pairs_shown),
windows as (from waterfall.windows),

named as (
    select pairs_shown.report, pairs_shown.pair_no, windows.window_days
    from pairs_shown
    cross join windows
    union
    select pairs_shown.report, pairs_shown.pair_no, pairs_shown.headline_window_days
    from pairs_shown
    where pairs_shown.is_headline
)

select
    named.report,
    named.pair_no,
    named.window_days,
    coalesce(named.window_days = pairs_shown.headline_window_days, false) as is_headline_window
from named
inner join pairs_shown on pairs_shown.report = named.report and pairs_shown.pair_no = named.pair_no
order by named.report, named.pair_no, named.window_days nulls first
