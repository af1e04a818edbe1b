-- Upper bound of the 95 % Wilson interval of a share; null of nobody.
-- as: value
-- argument part: units that converted
-- argument whole: units that could
-- argument z = 1.959963984540054: normal quantile of the interval
-- example: select wilson_high(3, 10)
select case
    when part = whole and whole > 0 then 1.0
    when whole > 0 then
        (part / cast(whole as double) + z * z / (2.0 * whole)
            + z * sqrt((part / cast(whole as double) * (1 - part / cast(whole as double)) + z * z / (4.0 * whole)) / whole))
        / (1 + z * z / whole)
end
