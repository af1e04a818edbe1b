-- Upper bound of the 95 % Wilson interval of a share (Wilson 1927, JASA 22: 209-212); null if whole is 0.
-- Exactly 1 if all units converted: rounding must not move it past the end.
-- as: value
-- argument part: units that converted
-- argument whole: units that could
-- argument z = 1.959963984540054e0: normal quantile of the interval
-- example: select wilson_high(3, 10)
select case
    when part = whole and whole > 0 then 1.0
    else wilson_root(part / cast(nullif(whole, 0) as double), cast(nullif(whole, 0) as double), z, z)
end
