-- The formula behind wilson_low and wilson_high: a root of Wilson's quadratic. In doubles and without n², so that no count overflows.
-- as: value
-- argument share: converted / whole
-- argument whole: units that could convert, as a double
-- argument z: normal quantile of the interval
-- argument signed_z: -z for the lower bound, z for the upper one
-- example: select wilson_root(0.3, 10.0, 1.96, -1.96)
select
    (share + z * z / (2 * whole) + signed_z * sqrt((share * (1 - share) + z * z / (4 * whole)) / whole))
    / (1 + z * z / whole)
