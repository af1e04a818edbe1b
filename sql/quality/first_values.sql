-- One row per input of stage history: how the stages that its rows state before the first entry of a lead were used (E9).
-- key: input
-- not null: leads, entries, unknown_stage, without_date, not_before
-- check: leads = entries + unknown_stage + without_date + not_before
-- column leads: leads whose first accepted entry comes from the input and states another stage before it
-- column entries: of these, leads with one more entry: that stage, at creation
-- column unknown_stage: no alias matches the stage
-- column without_date: neither the lead nor the row has a creation date
-- column not_before: created no earlier than the first entry
with
inputs as (from waterfall.inputs),
loads as (from clean.loads),
first_values as (from clean.first_values),

counted as (
    select
        loads.input_no,
        count(*) as leads,
        count(*) filter (where first_values.outcome = 'entry') as entries,
        count(*) filter (where first_values.outcome = 'unknown_stage') as unknown_stage,
        count(*) filter (where first_values.outcome = 'without_date') as without_date,
        count(*) filter (where first_values.outcome = 'not_before') as not_before
    from first_values
    inner join loads on loads.load_no = first_values.load_no
    group by loads.input_no
)

select
    inputs.input,
    coalesce(counted.leads, 0) as leads,
    coalesce(counted.entries, 0) as entries,
    coalesce(counted.unknown_stage, 0) as unknown_stage,
    coalesce(counted.without_date, 0) as without_date,
    coalesce(counted.not_before, 0) as not_before
from inputs
left join counted on counted.input_no = inputs.input_no
where inputs.table_name = 'stage_entries'
order by inputs.input_no
