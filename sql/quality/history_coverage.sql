-- One row per input of stage history: the day on which most of its leads begin, and whether the history before that day looks cut off.
-- A first sync, or an export that starts on a day, records the first entry of every lead on that day, whatever the lead's age. A lead counts
-- for the input of its first accepted entry. History looks cut if on one day, not the last one, more than half of the leads of the input
-- begin that were not created on that day; if at most 5 % begin more than a day earlier (otherwise it is a later import); and if there
-- are at least 20 such leads, and 5 % of all leads, because fewer prove nothing.
-- unit: leads
-- basis: the first accepted entry of each lead, by the input that has it; cut: more than half begin on one day, and hardly any before
-- key: input
-- not null: leads, bulk_leads, new_leads, earlier_leads, is_cut
-- check: bulk_leads + earlier_leads <= leads
-- check: new_leads <= bulk_leads
-- check: is_cut = (complete_from is not null)
-- check: first_date <= bulk_date and bulk_date <= last_date
-- column leads: leads whose first accepted entry comes from the input
-- column first_date: date of the first of these entries
-- column last_date: date of the last accepted entry of the input
-- column bulk_date: date on which most leads begin; the first of several
-- column bulk_leads: leads that begin on it
-- column new_leads: of these, leads whose record was created less than 24 hours before
-- column earlier_leads: leads that begin more than a day before bulk_date
-- column is_cut: the history before bulk_date looks cut
-- column complete_from: the day after bulk_date if the history looks cut, else null
with
inputs as (from waterfall.inputs),
loads as (from clean.loads),
entries as (from clean.entries_facts),
leads as (from clean.leads),

ended as (
    select entries.load_no, max(entries.entered_date) as last_date
    from entries
    group by entries.load_no
),

last_dates as (
    select loads.input_no, max(ended.last_date) as last_date
    from ended
    inner join loads on loads.load_no = ended.load_no
    group by loads.input_no
),

firsts as (
    select
        loads.input_no,
        entries.entered_date,
        coalesce(leads.created_at > entries.entered_at - interval 1 day, false) as is_new
    from entries
    inner join loads on loads.load_no = entries.load_no
    inner join leads on leads.lead_no = entries.lead_no
    where entries.entry_no = 1
),

first_days as (
    select
        firsts.input_no,
        firsts.entered_date,
        count(*) as leads,
        count(*) filter (where firsts.is_new) as new_leads
    from firsts
    group by all
),

busiest_days as (
    select
        first_days.input_no,
        first_days.entered_date as bulk_date,
        first_days.leads as bulk_leads,
        first_days.new_leads,
        min(first_days.entered_date) over of_input as first_date,
        cast(sum(first_days.leads) over of_input as bigint) as leads,
        cast(sum(first_days.leads) over () as bigint) as all_leads,
        -- A sync that runs over midnight began on the day before.
        cast(coalesce(sum(first_days.leads) over (
            of_input
            order by first_days.entered_date
            range between unbounded preceding and interval 2 days preceding
        ), 0) as bigint) as earlier_leads
    from first_days
    window of_input as (partition by first_days.input_no)
    qualify row_number() over (
        partition by first_days.input_no order by first_days.leads desc, first_days.entered_date
    ) = 1
),

judged as (
    select
        busiest_days.*,
        last_dates.last_date,
        busiest_days.leads >= 20
        and busiest_days.leads * 20 >= busiest_days.all_leads
        and (busiest_days.bulk_leads - busiest_days.new_leads) * 2 > busiest_days.leads
        and busiest_days.earlier_leads * 20 <= busiest_days.leads
        and busiest_days.bulk_date < last_dates.last_date as is_cut
    from busiest_days
    inner join last_dates on last_dates.input_no = busiest_days.input_no
)

select
    inputs.input,
    coalesce(judged.leads, 0) as leads,
    judged.first_date,
    judged.last_date,
    judged.bulk_date,
    coalesce(judged.bulk_leads, 0) as bulk_leads,
    coalesce(judged.new_leads, 0) as new_leads,
    coalesce(judged.earlier_leads, 0) as earlier_leads,
    coalesce(judged.is_cut, false) as is_cut,
    case when judged.is_cut then judged.bulk_date + 1 end as complete_from
from inputs
left join judged on judged.input_no = inputs.input_no
where inputs.table_name = 'stage_entries'
order by inputs.input_no
