-- One row per report, stage, basis and length class: how many stays lasted that long, completed and open ones separately (T1).
-- A class includes its lower edge and excludes its upper one: a stay of exactly one day is in the class of one to two days. Days
-- have 86,400 s. Every stage has all classes, also empty ones.
-- unit: stays (spans)
-- basis: all history; days of 86,400 s; a class holds its lower edge, not its upper one; a limit in business hours has no class
-- denominator: stays that ended; open stays; never both together
-- key: report, stage, basis, class_no
-- not null: stage_no, class_label, from_seconds, stays
-- accepted basis: completed, open
-- check: from_seconds < coalesce(to_seconds, from_seconds + 1)
-- check: stays >= 0
-- column basis: completed = stays that ended, by their length; open = stays open at as-of, by their age
-- column stage_label: label of the stage
-- column class_no: 1 = the shortest
-- column class_label: the class in words
-- column from_seconds: lower edge of the class, inclusive
-- column to_seconds: upper edge, exclusive; null for the longest
-- column stays: stays of that length, without those that an unknown stage interrupts
-- column share: stays / all stays of the stage on that basis; null without a stay
-- column limit_seconds: SLA of the stage, if it runs on the calendar clock; a business-hours SLA is not comparable with elapsed time
with
stages as (from waterfall.stages),
run as (from waterfall.run),
reports as (from waterfall.reports),
shown_sets as (from journey.shown_sets),
spans as (from journey.spans_facts),
interrupted as (from journey.interrupted_stays),

classes as (
    select
        cast(classes.class_no as integer) as class_no,
        classes.class_label,
        cast(classes.from_seconds as bigint) as from_seconds,
        cast(classes.to_seconds as bigint) as to_seconds
    from (
        values
            (1, 'under 1 h', 0, 3600),
            (2, '1–4 h', 3600, 14400),
            (3, '4–24 h', 14400, 86400),
            (4, '1–2 d', 86400, 172800),
            (5, '2–4 d', 172800, 345600),
            (6, '4–7 d', 345600, 604800),
            (7, '7–14 d', 604800, 1209600),
            (8, '14–30 d', 1209600, 2592000),
            (9, '30–60 d', 2592000, 5184000),
            (10, '60–90 d', 5184000, 7776000),
            (11, '90–180 d', 7776000, 15552000),
            (12, '180 d and more', 15552000, null)
    ) as classes (class_no, class_label, from_seconds, to_seconds)
),

bases as (
    select bases.basis from (values ('completed'), ('open')) as bases (basis)
),

lengths as (
    select
        shown_sets.report,
        spans.stage_no,
        case when spans.exited_at is null then 'open' else 'completed' end as basis,
        epoch_us(coalesce(spans.exited_at, run.as_of)) - epoch_us(spans.entered_at) as us_in_stage
    from spans
    cross join run
    inner join shown_sets on shown_sets.slice_set = spans.slice_set
    where not exists (
        select 1 from interrupted where interrupted.lead_no = spans.lead_no and interrupted.span_no = spans.span_no
    )
),

counted as (
    select lengths.report, lengths.stage_no, lengths.basis, classes.class_no, count(*) as stays
    from lengths
    inner join classes
        on lengths.us_in_stage >= classes.from_seconds * 1000000
        and (classes.to_seconds is null or lengths.us_in_stage < classes.to_seconds * 1000000)
    group by all
)

select
    reports.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    bases.basis,
    classes.class_no,
    classes.class_label,
    classes.from_seconds,
    classes.to_seconds,
    coalesce(counted.stays, 0) as stays,
    coalesce(counted.stays, 0)
        / cast(sum(counted.stays) over (partition by reports.report, stages.stage_no, bases.basis) as double) as share,
    case when stages.sla_clock = 'calendar' then stages.sla_seconds end as limit_seconds
from reports
cross join stages
cross join bases
cross join classes
left join counted
    on counted.report = reports.report
    and counted.stage_no = stages.stage_no
    and counted.basis = bases.basis
    and counted.class_no = classes.class_no
order by reports.report, stages.stage_no, bases.basis, classes.class_no
