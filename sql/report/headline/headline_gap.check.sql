-- The outcomes of a headline pair in the report have the counts of marts.conversion.
-- severity: fail
with
gaps as (from report.headline_gap),

headline as (
    select headline.* from report.headline as headline where headline.window_days is null
),

summed as (
    select
        gaps.report,
        gaps.headline_no,
        sum(gaps.units) filter (where gaps.fate = 'converted') as converted,
        sum(gaps.units) filter (where gaps.fate = 'passed_over') as passed_over,
        sum(gaps.units) filter (where gaps.fate = 'lost') as lost,
        sum(gaps.units) filter (where gaps.fate = 'still_open') as still_open
    from gaps
    group by gaps.report, gaps.headline_no
)

select headline.report, headline.headline_no
from headline
left join summed on summed.report = headline.report and summed.headline_no = headline.headline_no
where
    headline.converted <> coalesce(summed.converted, 0)
    or headline.passed_over <> coalesce(summed.passed_over, 0)
    or headline.lost <> coalesce(summed.lost, 0)
    or headline.still_open <> coalesce(summed.still_open, 0)
