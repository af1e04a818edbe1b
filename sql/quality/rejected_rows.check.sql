-- Every row that is counted as rejected is stored in full.
-- severity: fail
-- show: input
with
accounting as (from quality.row_accounting),

rejected as (
    select rejected_rows.input, count(*) as kept_whole from quality.rejected_rows group by rejected_rows.input
)

select accounting.input
from accounting
left join rejected on rejected.input = accounting.input
where accounting.rejected <> coalesce(rejected.kept_whole, 0)
