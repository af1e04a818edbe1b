-- At which step of the path do we lose leads, if each must follow the one before within 90 days of the first?
select stage, reached, round(100 * rate_of_previous, 1) as percent_of_previous, round(median_days, 1) as days_since_first
from funnel_steps(['mcl', 'mel', 'mql', 'sal', 'sql', 'won'], within_days := 90)
order by step_no
