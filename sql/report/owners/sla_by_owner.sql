-- One row per report, stage with an SLA and owner: stays by the owner at entry, and the to-do list by the current owner (T5).
-- An overdue lead is a breach of its owner at entry; a later owner has it on the to-do list only.
-- unit: stays (spans); leads in the last two columns
-- basis: owner when the lead came, as history names it; in the last two columns the owner at as-of
-- denominator: met + breached + open, overdue; stays that may still make it are left out
-- key: report, stage, owner
-- unique: report, stage, owner_no
-- not null: stage_no, met, breached, open_within, open_overdue, decided, now_within, now_overdue
-- check: met_low <= met_share and met_share <= met_high
-- column stage_label: label of the stage
-- column owner: the owner; (none) = no owner is named
-- column owner_no: position in the list of the stage: most open leads past the SLA now first, then by name; it is not a rating
-- column met: stays that began with this owner and left in time
-- column breached: stays that began with this owner and left too late
-- column open_within: stays that began with this owner, still there, within the SLA
-- column open_overdue: stays that began with this owner, still there, past the SLA
-- column met_share: met / (met + breached + open_overdue); null without any
-- column decided: stays that began with this owner and are decided: met + breached + open_overdue
-- column met_low: lower bound of the 95 % Wilson interval of met_share
-- column met_high: upper bound of the 95 % Wilson interval of met_share
-- column now_within: leads of marts.open_leads that this owner has now, within the SLA
-- column now_overdue: leads of marts.open_leads that this owner has now, past the SLA
with
stages as (from waterfall.stages),
span_sla as (from journey.span_sla),
shown_stays as (from journey.shown_stays),
words as (from clean.entry_words),

open_leads as (
    select shown_stays.report, open_leads.*
    from marts.open_leads as open_leads
    inner join shown_stays on shown_stays.lead_no = open_leads.lead_no and shown_stays.span_no = open_leads.span_no
    where open_leads.sla_state is not null
),

at_entry as (
    select
        shown_stays.report,
        stages.stage,
        coalesce(words.owner, '(none)') as owner,
        count(*) filter (where span_sla.sla_state = 'met') as met,
        count(*) filter (where span_sla.sla_state = 'breached') as breached,
        count(*) filter (where span_sla.sla_state = 'open_within') as open_within,
        count(*) filter (where span_sla.sla_state = 'open_overdue') as open_overdue
    from span_sla
    inner join shown_stays on shown_stays.lead_no = span_sla.lead_no and shown_stays.span_no = span_sla.span_no
    inner join stages on stages.stage_no = span_sla.stage_no
    left join words on words.words_key = span_sla.words_key
    group by shown_stays.report, stages.stage, coalesce(words.owner, '(none)')
),

now as (
    select
        open_leads.report,
        open_leads.stage,
        coalesce(open_leads.current_owner, '(none)') as owner,
        count(*) filter (where open_leads.sla_state = 'open_within') as now_within,
        count(*) filter (where open_leads.sla_state = 'open_overdue') as now_overdue
    from open_leads
    group by open_leads.report, open_leads.stage, coalesce(open_leads.current_owner, '(none)')
),

together as (
    select
        coalesce(at_entry.report, now.report) as report,
        coalesce(at_entry.stage, now.stage) as stage,
        coalesce(at_entry.owner, now.owner) as owner,
        coalesce(at_entry.met, 0) as met,
        coalesce(at_entry.breached, 0) as breached,
        coalesce(at_entry.open_within, 0) as open_within,
        coalesce(at_entry.open_overdue, 0) as open_overdue,
        coalesce(at_entry.met + at_entry.breached + at_entry.open_overdue, 0) as decided,
        coalesce(now.now_within, 0) as now_within,
        coalesce(now.now_overdue, 0) as now_overdue
    from at_entry
    full join now on now.report = at_entry.report and now.stage = at_entry.stage and now.owner = at_entry.owner
)

select
    together.report,
    stages.stage_no,
    together.stage,
    stages.label as stage_label,
    row_number() over (
        partition by together.report, together.stage order by together.now_overdue desc, together.owner
    ) as owner_no,
    together.owner,
    together.met,
    together.breached,
    together.open_within,
    together.open_overdue,
    together.decided,
    together.met / cast(nullif(together.decided, 0) as double) as met_share,
    -- z as a decimal: as a double, the last digit of some published bounds would change.
    wilson_low(together.met, together.decided, z := 1.959963984540054) as met_low,
    wilson_high(together.met, together.decided, z := 1.959963984540054) as met_high,
    together.now_within,
    together.now_overdue
from together
inner join stages on stages.stage = together.stage
order by together.report, stages.stage_no, owner_no
