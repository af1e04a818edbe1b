-- Does the stock of MQLs grow, and what does it come from?
select period_start, opening, ins, in_new, in_advanced, in_regressed, in_returned, outs, out_exited, closing
from flow('mql')
order by period_start
