-- Probability that two shares differ at least this much by chance: the two-sided test of two proportions with a pooled variance.
-- It is 1 if all units of both sides ended alike, since nothing varies then.
-- as: value
-- argument converted: units that converted
-- argument entered: units of the first side
-- argument base_converted: units of the second side that converted
-- argument base_entered: units of the second side
-- example: select difference_p(60, 180, 360, 720)
select least(1.0, coalesce(normal_tail(
    abs(converted / cast(entered as double) - base_converted / cast(base_entered as double))
    / nullif(sqrt(
        (converted + base_converted) / cast(entered + base_entered as double)
        * (1 - (converted + base_converted) / cast(entered + base_entered as double))
        * (1.0 / entered + 1.0 / base_entered)
    ), 0)
), 1.0))
