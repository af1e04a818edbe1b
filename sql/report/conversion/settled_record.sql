-- One row per report and headline pair: how many past estimates of the final rate had an interval that contains the actual rate (K6).
-- unit: estimates: one for each monthly cohort that had open units at the end of a month
-- basis: the last twelve ends of a month, each with what was known then; a cohort is judged once it is final by its age; each estimate is in quality.settled_backtest
-- denominator: judged
-- key: report, headline_no
-- not null: from_label, to_label, estimates, held, below, above
-- check: held + below + above = estimates
-- column report: key of the report; the estimates of all reports are those of all leads
-- column headline_no: place of the pair among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column estimates: estimates for past ends of a month whose cohort is final now
-- column held: of these, those whose 95 % interval contains the actual rate
-- column below: of these, those whose actual rate is below the interval
-- column above: of these, those whose actual rate is above the interval
-- column held_share: held / estimates
-- column held_low: lower bound of its 95 % Wilson interval
-- column held_high: upper bound of its 95 % Wilson interval
-- column is_too_narrow: held_high is below 95 %: the intervals are significantly too narrow
-- column mean_miss: mean of actual rate − estimate
-- column first_date: the earliest day for which an estimate was judged
-- column last_date: the latest
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

judged as (
    select
        backtest.headline_no,
        count(*) as estimates,
        count(*) filter (where backtest.is_inside) as held,
        count(*) filter (where backtest.came < backtest.low) as below,
        count(*) filter (where backtest.came > backtest.high) as above,
        -- In units of 10⁻¹², so that the sum is the same in any order.
        sum(cast(round((backtest.came - backtest.estimate) * 1e12) as hugeint)) / 1e12 / count(*) as mean_miss,
        min(backtest.as_of_date) as first_date,
        max(backtest.as_of_date) as last_date
    from quality.settled_backtest as backtest
    group by backtest.headline_no
),

shares as (
    select
        pairs_shown.report,
        pairs_shown.headline_no,
        pairs_shown.from_label,
        pairs_shown.to_label,
        coalesce(judged.estimates, 0) as estimates,
        coalesce(judged.held, 0) as held,
        coalesce(judged.below, 0) as below,
        coalesce(judged.above, 0) as above,
        judged.held / cast(judged.estimates as double) as held_share,
        judged.mean_miss,
        judged.first_date,
        judged.last_date
    from pairs_shown
    left join judged on judged.headline_no = pairs_shown.headline_no
),

bounds as (
    select
        shares.*,
        wilson_low(shares.held, shares.estimates) as held_low,
        wilson_high(shares.held, shares.estimates) as held_high
    from shares
)

select
    bounds.report,
    bounds.headline_no,
    bounds.from_label,
    bounds.to_label,
    bounds.estimates,
    bounds.held,
    bounds.below,
    bounds.above,
    bounds.held_share,
    bounds.held_low,
    bounds.held_high,
    bounds.held_high < 0.95 as is_too_narrow,
    bounds.mean_miss,
    bounds.first_date,
    bounds.last_date
from bounds
order by bounds.report, bounds.headline_no
