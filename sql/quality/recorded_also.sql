-- One row per pair of inputs that record the same stage entries: one input dates them by `priority`, and the rows of the other are duplicates.
-- key: input, kept_input
-- not null: rows, leads, earlier, later, median_hours_apart
-- check: earlier + later <= rows
-- column input: the input whose rows are set aside
-- column kept_input: the input whose dates count
-- column rows: rows set aside
-- column leads: leads that have such rows
-- column earlier: of the rows, those before the date that counts
-- column later: of the rows, those after it
-- column median_hours_apart: median time between the two dates, in hours
with
recorded_also as (from clean.recorded_also),
entry_rows as (from clean.entry_rows),
loads as (from clean.loads),
inputs as (from waterfall.inputs),

dated as (
    select
        loads.input_no,
        recorded_also.kept_input_no,
        entry_rows.lead_no,
        (epoch_us(entry_rows.entered_at) - epoch_us(recorded_also.kept_at)) / 3600000000 as hours_after
    from recorded_also
    inner join entry_rows
        on entry_rows.load_no = recorded_also.load_no and entry_rows.row_number = recorded_also.row_number
    inner join loads on loads.load_no = recorded_also.load_no
    where entry_rows.disposition = 'duplicate'
)

select
    inputs.input,
    kept_inputs.input as kept_input,
    count(*) as rows,
    count(distinct dated.lead_no) as leads,
    count(*) filter (where dated.hours_after < 0) as earlier,
    count(*) filter (where dated.hours_after > 0) as later,
    quantile_disc(abs(dated.hours_after), 0.5) as median_hours_apart
from dated
inner join inputs on inputs.input_no = dated.input_no
inner join inputs as kept_inputs on kept_inputs.input_no = dated.kept_input_no
group by inputs.input_no, inputs.input, kept_inputs.input_no, kept_inputs.input
order by inputs.input_no, kept_inputs.input_no
