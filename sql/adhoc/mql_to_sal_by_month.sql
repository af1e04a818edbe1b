-- What became of each month's MQLs, and is the month already final?
select cohort_start, entered, converted, passed_over, lost, still_open, is_mature, round(100 * rate, 1) as percent
from conversion('mql', 'sal')
order by cohort_start
