-- How fast do cohorts fill up, and is the youngest one behind the others at the same age?
select cohort_start, age, converted, entered, still_open, round(100 * rate, 1) as percent, is_partial
from cohort_triangle('mql', 'sal', grain := 'quarter')
where age <= 3
order by age, cohort_start
