-- One row per headline pair and window: the last mature month against the one before it and against the target.
-- key: headline_no, window_days
-- not null: entered, converted, passed_over, lost, still_open, overdue
-- check: entered = converted + passed_over + lost + still_open
-- check: overdue <= still_open or window_days is not null
-- column headline_no: place among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column from_definition: what being in A means
-- column to_definition: what being in B means
-- column target: agreed share, 1 = 100 %
-- column unit: what is counted here: cycle, lead or account
-- column entered: units that ever arrived at A
-- column overdue: of the units still open (ever), those whose present stay is past its limit
-- column mature_entered: units in the mature monthly cohorts
-- column mature_converted: of these, those that arrived at B
-- column mature_rate: mature_converted / mature_entered
-- column mature_low: lower bound of its 95 % interval
-- column mature_high: upper bound of its 95 % interval
-- column mature_months: how many monthly cohorts are mature
-- column mature_first_month: the first of them
-- column mature_last_month: the last of them
-- column latest_month: last complete month whose cohort is mature
-- column latest_entered: units that arrived at A in it
-- column latest_converted: of these, those that arrived at B
-- column latest_rate: latest_converted / latest_entered
-- column latest_low: lower bound of its 95 % interval
-- column latest_high: upper bound of its 95 % interval
-- column previous_month: the mature month before it
-- column previous_rate: its rate
-- column change: latest_rate − previous_rate
-- column is_within_noise: the 95 % interval of change contains 0 (report.rate_change)
-- column is_enough_to_compare: both months have at least 20 units; below that nothing is said of change
-- column settled_estimate: window: ever, while a cycle is open: share of entered expected to convert in the end (report.settled)
-- column settled_low: lower bound of its 95 % interval
-- column settled_high: upper bound of its 95 % interval
-- column gap_to_target: target − mature_rate; null without a target or a mature month
-- column latest_gap_to_target: target − latest_rate
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

shown_cut as (
    from waterfall.shown_cut
),

summary as (
    select summary.*
    from report.conversion_summary as summary
    inner join shown_cut
        on shown_cut.dimension = summary.dimension and shown_cut.dimension_value = summary.dimension_value
),

settled as (
    select settled.* from report.settled as settled where settled.grain = 'all'
),

changes as (
    from report.rate_change
),

gaps as (
    select gaps.headline_no, sum(gaps.units) as overdue
    from report.headline_gap as gaps
    where gaps.reason = 'overdue'
    group by gaps.headline_no
)

select
    pairs_shown.headline_no,
    pairs_shown.pair_no,
    pairs_shown.from_stage,
    pairs_shown.to_stage,
    pairs_shown.from_label,
    pairs_shown.to_label,
    pairs_shown.from_definition,
    pairs_shown.to_definition,
    pairs_shown.target,
    pairs_shown.unit,
    everyone.window_days,
    everyone.entered,
    everyone.converted,
    everyone.passed_over,
    everyone.lost,
    everyone.still_open,
    cast(coalesce(gaps.overdue, 0) as bigint) as overdue,
    mature.months as mature_months,
    mature.first_month as mature_first_month,
    mature.last_month as mature_last_month,
    mature.entered as mature_entered,
    mature.converted as mature_converted,
    mature.rate as mature_rate,
    mature.rate_low as mature_low,
    mature.rate_high as mature_high,
    latest.last_month as latest_month,
    latest.entered as latest_entered,
    latest.converted as latest_converted,
    latest.rate as latest_rate,
    latest.rate_low as latest_low,
    latest.rate_high as latest_high,
    previous.last_month as previous_month,
    previous.rate as previous_rate,
    latest.rate - previous.rate as change,
    changes.is_noise as is_within_noise,
    changes.is_enough as is_enough_to_compare,
    pairs_shown.target - mature.rate as gap_to_target,
    pairs_shown.target - latest.rate as latest_gap_to_target,
    settled.estimate as settled_estimate,
    settled.low as settled_low,
    settled.high as settled_high
from pairs_shown
inner join summary as everyone on everyone.pair_no = pairs_shown.pair_no and everyone.cohorts = 'all'
inner join summary as mature
    on mature.pair_no = pairs_shown.pair_no
    and mature.window_days is not distinct from everyone.window_days
    and mature.cohorts = 'mature'
left join summary as latest
    on latest.pair_no = pairs_shown.pair_no
    and latest.window_days is not distinct from everyone.window_days
    and latest.cohorts = 'latest'
left join summary as previous
    on previous.pair_no = pairs_shown.pair_no
    and previous.window_days is not distinct from everyone.window_days
    and previous.cohorts = 'previous'
inner join changes
    on changes.headline_no = pairs_shown.headline_no
    and changes.window_days is not distinct from everyone.window_days
left join settled on settled.headline_no = pairs_shown.headline_no and everyone.window_days is null
left join gaps on gaps.headline_no = pairs_shown.headline_no
order by pairs_shown.headline_no, everyone.window_days nulls first
