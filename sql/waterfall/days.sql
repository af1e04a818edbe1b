-- One row per local day from the first kept entry to as-of.
-- key: day
-- not null: week_start, month_start, quarter_start, year_start
-- column day: a date of the waterfall's clock
-- column week_start: first day of its week
-- column month_start: first day of its month
-- column quarter_start: first day of its quarter, counted from the fiscal year's first month
-- column year_start: first day of its fiscal year
with
run as (from waterfall.run),

dated as (
    select
        cast(unnest(generate_series(run.first_date, run.as_of_date, interval 1 day)) as date) as day,
        run.week_start,
        run.fiscal_year_start
    from run
)

select
    dated.day,
    dated.day - cast((isodow(dated.day) - dated.week_start + 7) % 7 as integer) as week_start,
    cast(date_trunc('month', dated.day) as date) as month_start,
    cast(
        date_trunc('month', dated.day) - to_months(cast((month(dated.day) - dated.fiscal_year_start + 12) % 3 as integer))
        as date
    ) as quarter_start,
    cast(
        date_trunc('month', dated.day) - to_months(cast((month(dated.day) - dated.fiscal_year_start + 12) % 12 as integer))
        as date
    ) as year_start
from dated
order by dated.day
