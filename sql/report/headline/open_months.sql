-- One row per report and headline pair: the complete months that are not final in the headline window, and who has their open units.
-- A unit is open as in K3: it has neither converted nor been lost, and its window has not ended.
-- unit: headline units
-- basis: complete months that are not final, by the owner of the lead now
-- denominator: headline units that arrived at the first stage of the pair in these months
-- key: report, headline_no
-- not null: entered, still_open, owner_open
-- check: still_open <= entered and owner_open <= still_open
-- check: (current_owner is null) = (owner_open = 0)
-- column headline_no: place among the headline pairs
-- column unit: what is counted: cycle, lead or account
-- column window_days: days within which a conversion counts
-- column first_month: first complete month with such units that is not final; null if there is none
-- column last_month: last such month
-- column final_from: day from which first_month is final
-- column entered: units that arrived at A in these months
-- column still_open: of these, those still open in the window
-- column current_owner: who now owns most of the open ones, by the lead that arrived at A; null if none is open
-- column owner_open: open units of that owner
with
headline as (
    select headline.* from report.headline as headline where headline.is_headline_window
),

months as (
    select months.* from report.months as months where not months.is_partial
),

window_limits as (from waterfall.window_limits),
unit_pairs as (from journey.unit_pairs),
shown_sets as (from journey.shown_sets),
open_leads as (from marts.open_leads),

waiting_months as (
    select
        headline.report,
        headline.headline_no,
        headline.pair_no,
        headline.unit,
        headline.window_days,
        months.month_start
    from headline
    inner join months on months.report = headline.report
    where headline.recent_last_month is null or months.month_start > headline.recent_last_month
),

opened as (
    select
        waiting_months.report,
        waiting_months.headline_no,
        waiting_months.month_start,
        coalesce(open_leads.current_owner, '(none)') as current_owner,
        conversion_outcome(
            unit_pairs.convert_window,
            unit_pairs.pass_window,
            unit_pairs.is_closed,
            unit_pairs.ended_windows,
            window_limits.window_no
        ) = 'still_open' as is_open
    from unit_pairs
    inner join shown_sets on shown_sets.slice_set = unit_pairs.slice_set
    inner join waiting_months
        on waiting_months.report = shown_sets.report
        and waiting_months.pair_no = unit_pairs.pair_no
        and waiting_months.unit = unit_pairs.unit
        and waiting_months.month_start = date_trunc('month', unit_pairs.from_date)
    inner join window_limits on window_limits.window_days = waiting_months.window_days
    left join open_leads on open_leads.lead_no = unit_pairs.lead_no
    where unit_pairs.is_headline
),

by_owner as (
    select
        opened.report,
        opened.headline_no,
        opened.current_owner,
        min(opened.month_start) as first_month,
        max(opened.month_start) as last_month,
        count(*) as entered,
        count(*) filter (where opened.is_open) as still_open
    from opened
    group by all
),

counted as (
    select
        by_owner.report,
        by_owner.headline_no,
        min(by_owner.first_month) as first_month,
        max(by_owner.last_month) as last_month,
        cast(sum(by_owner.entered) as bigint) as entered,
        cast(sum(by_owner.still_open) as bigint) as still_open,
        max(by_owner.still_open) as owner_open,
        arg_min(by_owner.current_owner, (-by_owner.still_open, by_owner.current_owner)) as current_owner
    from by_owner
    group by by_owner.report, by_owner.headline_no
)

select
    headline.report,
    headline.headline_no,
    headline.pair_no,
    headline.from_stage,
    headline.to_stage,
    headline.unit,
    headline.window_days,
    counted.first_month,
    counted.last_month,
    cast(counted.first_month + interval 1 month + to_days(headline.window_days) as date) as final_from,
    coalesce(counted.entered, 0) as entered,
    coalesce(counted.still_open, 0) as still_open,
    case when counted.owner_open > 0 then counted.current_owner end as current_owner,
    coalesce(counted.owner_open, 0) as owner_open
from headline
left join counted on counted.report = headline.report and counted.headline_no = headline.headline_no
order by headline.report, headline.headline_no
