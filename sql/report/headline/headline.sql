-- One row per report, headline pair and window: the last final months within it, the latest final month, and the target (K9).
-- The headline of a pair is its row with is_headline_window; the other rows have the same counts for other windows.
-- key: report, headline_no, window_days
-- not null: entered, converted, passed_over, lost, still_open, overdue, is_headline_window
-- check: entered = converted + passed_over + lost + still_open
-- check: overdue <= still_open or window_days is not null
-- check: recent_months <= mature_months
-- check: coverage between 0 and 1
-- column headline_no: place among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column from_definition: what being in A means
-- column to_definition: what being in B means
-- column target: agreed share, 1 = 100 %
-- column unit: what is counted here: cycle, lead or account
-- column is_headline_window: the window of the pair's headline rate
-- column settle_days: age in days at which a month is final in the window: its length; for ever, marts.settle_days
-- column settle_source: for ever: configuration, or curve; null while not known, and for other windows
-- column entered: units that ever arrived at A
-- column overdue: of the units still open (ever), those whose current stay is past its SLA
-- column mature_entered: units in the final monthly cohorts
-- column mature_converted: of these, those that arrived at B
-- column mature_open: of these, those still open: without a window a final month may have some
-- column mature_rate: mature_converted / mature_entered
-- column mature_low: lower bound of its 95 % interval
-- column mature_high: upper bound of its 95 % interval
-- column mature_months: how many monthly cohorts are final
-- column mature_first_month: the first of them
-- column mature_last_month: the last of them
-- column recent_months: how many of them the headline rate adds up: the last ones, as many as headline_months at most
-- column recent_first_month: the first of these
-- column recent_last_month: the last of these
-- column recent_entered: units that arrived at A in these months
-- column recent_converted: of these, those that arrived at B
-- column recent_open: of these, those still open
-- column recent_rate: recent_converted / recent_entered: with is_headline_window the headline rate
-- column recent_low: lower bound of its 95 % interval
-- column recent_high: upper bound of its 95 % interval
-- column coverage: share of the conversions expected in the end that falls within the window (K6): the curve at the window's end
-- over the curve at the last day with 20 units at risk, or at its end if that day is in the window; null for ever, without a final month, and while no unit has converted
-- column latest_month: last complete month whose cohort is final
-- column latest_entered: units that arrived at A in it
-- column latest_converted: of these, those that arrived at B
-- column latest_open: of these, those still open
-- column latest_rate: latest_converted / latest_entered
-- column latest_low: lower bound of its 95 % interval
-- column latest_high: upper bound of its 95 % interval
-- column previous_month: the final month before it
-- column previous_rate: its rate
-- column change: latest_rate − previous_rate
-- column is_within_noise: change is not significant at 95 %: its interval contains 0 (report.rate_change)
-- column is_enough_to_compare: both months have at least 20 units; below that change is not judged
-- column settled_estimate: for ever, while a unit is open: expected final rate (report.settled)
-- column settled_low: lower bound of its 95 % interval
-- column settled_high: upper bound of its 95 % interval
-- column gap_to_target: target − recent_rate; null without a target or a final month
-- column latest_gap_to_target: target − latest_rate
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

pair_windows as (from report.pair_windows),
settle_days as (from marts.settle_days),
reports as (from waterfall.reports),

curve as (
    select reports.report, curve.*
    from marts.conversion_curve as curve
    inner join reports on reports.dimension = curve.dimension and reports.dimension_value = curve.dimension_value
),

summary as (
    select summary.*
    from report.conversion_summary as summary
    inner join reports on reports.report = summary.report and reports.dimension = summary.dimension
),

settled as (
    select settled.* from report.settled as settled where settled.grain = 'all'
),

changes as (from report.rate_change),

gaps as (
    select gaps.report, gaps.headline_no, sum(gaps.units) as overdue
    from report.headline_gap as gaps
    where gaps.reason = 'overdue'
    group by gaps.report, gaps.headline_no
),

pair_curves as (
    select
        pairs_shown.report,
        pairs_shown.headline_no,
        pair_windows.window_days,
        curve.day,
        curve.converted_share,
        curve.at_risk
    from pairs_shown
    inner join pair_windows
        on pair_windows.report = pairs_shown.report
        and pair_windows.pair_no = pairs_shown.pair_no
        and pair_windows.window_days is not null
    inner join curve
        on curve.report = pairs_shown.report
        and curve.from_stage = pairs_shown.from_stage
        and curve.to_stage = pairs_shown.to_stage
        and curve.unit = pairs_shown.unit
),

lasting as (
    select
        pair_curves.*,
        max(pair_curves.day) filter (where pair_curves.at_risk >= 20) over (
            partition by pair_curves.report, pair_curves.headline_no, pair_curves.window_days
        ) as last_day
    from pair_curves
),

-- Few units are in the tail of the curve, so it is read at the last day with 20 units at risk, if the window ends before that day.
coverages as (
    select
        lasting.report,
        lasting.headline_no,
        lasting.window_days,
        max(lasting.converted_share) filter (where lasting.day <= lasting.window_days)
        / nullif(
            coalesce(
                max(lasting.converted_share) filter (
                    where lasting.at_risk >= 20 and lasting.last_day > lasting.window_days
                ),
                max(lasting.converted_share)
            ),
            0
        ) as coverage
    from lasting
    group by lasting.report, lasting.headline_no, lasting.window_days
)

select
    pairs_shown.report,
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
    pair_windows.is_headline_window,
    coalesce(everyone.window_days, settle_days.settle_days) as settle_days,
    case when everyone.window_days is null then settle_days.source end as settle_source,
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
    mature.still_open as mature_open,
    mature.rate as mature_rate,
    mature.rate_low as mature_low,
    mature.rate_high as mature_high,
    recent.months as recent_months,
    recent.first_month as recent_first_month,
    recent.last_month as recent_last_month,
    recent.entered as recent_entered,
    recent.converted as recent_converted,
    recent.still_open as recent_open,
    recent.rate as recent_rate,
    recent.rate_low as recent_low,
    recent.rate_high as recent_high,
    case when recent.months > 0 then coverages.coverage end as coverage,
    latest.last_month as latest_month,
    latest.entered as latest_entered,
    latest.converted as latest_converted,
    latest.still_open as latest_open,
    latest.rate as latest_rate,
    latest.rate_low as latest_low,
    latest.rate_high as latest_high,
    previous.last_month as previous_month,
    previous.rate as previous_rate,
    latest.rate - previous.rate as change,
    changes.is_noise as is_within_noise,
    changes.is_enough as is_enough_to_compare,
    pairs_shown.target - recent.rate as gap_to_target,
    pairs_shown.target - latest.rate as latest_gap_to_target,
    settled.estimate as settled_estimate,
    settled.low as settled_low,
    settled.high as settled_high
from pairs_shown
inner join pair_windows on pair_windows.report = pairs_shown.report and pair_windows.pair_no = pairs_shown.pair_no
inner join settle_days on settle_days.unit = pairs_shown.unit and settle_days.pair_no = pairs_shown.pair_no
inner join summary as everyone
    on everyone.report = pairs_shown.report
    and everyone.pair_no = pairs_shown.pair_no
    and everyone.window_days is not distinct from pair_windows.window_days
    and everyone.cohorts = 'all'
inner join summary as mature
    on mature.report = pairs_shown.report
    and mature.pair_no = pairs_shown.pair_no
    and mature.window_days is not distinct from everyone.window_days
    and mature.cohorts = 'mature'
inner join summary as recent
    on recent.report = pairs_shown.report
    and recent.pair_no = pairs_shown.pair_no
    and recent.window_days is not distinct from everyone.window_days
    and recent.cohorts = 'recent'
left join summary as latest
    on latest.report = pairs_shown.report
    and latest.pair_no = pairs_shown.pair_no
    and latest.window_days is not distinct from everyone.window_days
    and latest.cohorts = 'latest'
left join summary as previous
    on previous.report = pairs_shown.report
    and previous.pair_no = pairs_shown.pair_no
    and previous.window_days is not distinct from everyone.window_days
    and previous.cohorts = 'previous'
inner join changes
    on changes.report = pairs_shown.report
    and changes.headline_no = pairs_shown.headline_no
    and changes.window_days is not distinct from everyone.window_days
left join coverages
    on coverages.report = pairs_shown.report
    and coverages.headline_no = pairs_shown.headline_no
    and coverages.window_days = everyone.window_days
left join settled
    on settled.report = pairs_shown.report
    and settled.headline_no = pairs_shown.headline_no
    and everyone.window_days is null
left join gaps on gaps.report = pairs_shown.report and gaps.headline_no = pairs_shown.headline_no
order by pairs_shown.report, pairs_shown.headline_no, everyone.window_days nulls first
