-- One row per report and pair of the report: the headline pairs, then each path stage with a stage of the next rank.
-- key: report, pair_no
-- unique: report, shown_no
-- not null: from_label, to_label, is_headline, is_neighbour
-- column shown_no: place in the report: headline pairs first, then along the path
-- column from_stage: A: key of the stage or group
-- column to_stage: B: key of the stage or group
-- column headline_no: place among the headline pairs; null for the others
-- column from_definition: what being in A means
-- column to_definition: what being in B means
-- column from_label: A's label
-- column to_label: B's label
-- column is_headline: a pair that the report shows first
-- column is_neighbour: two stages without a rank between them
-- column unit: what the report counts for it: cycle, lead or account; a show rate counts cycles
-- column target: agreed share, 1 = 100 %
-- column headline_window_days: days within which a conversion counts for its headline rate; null for the others
with
reports as (from waterfall.reports),
pairs as (from waterfall.pairs),
milestones as (from waterfall.milestones),

labelled as (
    select
        pairs.*,
        from_milestones.label as from_label,
        to_milestones.label as to_label,
        from_milestones.definition as from_definition,
        to_milestones.definition as to_definition,
        not from_milestones.is_group and not to_milestones.is_group and to_milestones.low_rank = from_milestones.high_rank + 1 as is_neighbour
    from pairs
    inner join milestones as from_milestones on from_milestones.milestone_no = pairs.from_milestone_no
    inner join milestones as to_milestones on to_milestones.milestone_no = pairs.to_milestone_no
)

select
    reports.report,
    labelled.pair_no,
    row_number() over (partition by reports.report order by labelled.headline_no nulls last, labelled.pair_no) as shown_no,
    labelled.headline_no,
    labelled.from_stage,
    labelled.to_stage,
    labelled.from_label,
    labelled.to_label,
    labelled.from_definition,
    labelled.to_definition,
    labelled.is_headline,
    labelled.is_neighbour,
    labelled.target,
    labelled.headline_window_days,
    labelled.unit
from reports
cross join labelled
where labelled.is_headline or labelled.is_neighbour
order by reports.report, shown_no
