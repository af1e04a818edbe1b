-- How long do leads stay in each stage, and how old are those that are still there?
select stage, completed, round(median_days, 1) as median_days, still_open, round(median_age_days, 1) as median_age_days
from time_in_stage()
