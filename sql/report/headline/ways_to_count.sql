-- One row per report, headline pair and way to count its rate: other months, or no window (K9). The first way is the headline rate.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair; the first line of a pair is its headline rate
-- denominator: entered
-- key: report, headline_no, way
-- not null: way_no, entered, converted, still_open
-- accepted way: recent, latest, final, expected
-- check: converted + still_open <= entered
-- column headline_no: place among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column unit: what is counted: cycle, lead or account
-- column way_no: order of the ways: recent, latest, final, expected
-- column way: recent: the last final months within the window; latest: the last of these; final: all final months, ever; expected: all
-- months, ever, with their expected final rate, only while a unit is open and in the report of all leads
-- column window_days: days within which a conversion counts; null: ever
-- column first_month: first month that counts; null if no month does, and for expected
-- column last_month: last month that counts
-- column settle_days: age in days at which a month is final this way; null while not known
-- column entered: units that arrived at A in these months
-- column converted: of these, those that arrived at B so far
-- column still_open: of these, those that may still convert
-- column rate: converted / entered; for expected, the expected final rate
-- column rate_low: lower bound of its 95 % interval
-- column rate_high: upper bound of its 95 % interval
-- column target_gap: rate − target; null without a target, and for final and expected
-- column coverage: for recent: share of the conversions expected in the end that falls within the window (report.headline)
with
headline as (from report.headline),
reports as (from waterfall.reports),

summary as (
    select
        summary.*,
        case summary.cohorts when 'mature' then 'final' when 'all' then 'expected' else summary.cohorts end as way,
        summary.cohorts in ('recent', 'latest') as is_in_window
    from report.conversion_summary as summary
    inner join reports on reports.report = summary.report and reports.dimension = summary.dimension
    where summary.cohorts in ('recent', 'latest', 'mature')
        or (summary.cohorts = 'all' and summary.still_open > 0 and reports.dimension = 'all')
)

select
    headline.report,
    headline.headline_no,
    headline.from_label,
    headline.to_label,
    headline.unit,
    list_position(['recent', 'latest', 'final', 'expected'], summary.way) as way_no,
    summary.way,
    headline.window_days,
    case when summary.way <> 'expected' then summary.first_month end as first_month,
    case when summary.way <> 'expected' then summary.last_month end as last_month,
    headline.settle_days,
    summary.entered,
    summary.converted,
    summary.still_open,
    case summary.way when 'expected' then headline.settled_estimate else summary.rate end as rate,
    case summary.way when 'expected' then headline.settled_low else summary.rate_low end as rate_low,
    case summary.way when 'expected' then headline.settled_high else summary.rate_high end as rate_high,
    case when summary.is_in_window then summary.rate - headline.target end as target_gap,
    case summary.way when 'recent' then headline.coverage end as coverage
from headline
inner join summary
    on summary.report = headline.report
    and summary.headline_no = headline.headline_no
    and summary.window_days is not distinct from headline.window_days
    and case when summary.is_in_window then headline.is_headline_window else headline.window_days is null end
order by headline.report, headline.headline_no, way_no
