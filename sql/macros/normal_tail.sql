-- Probability that a standard normal number is at least z away from 0 on either side, to 0.00000015.
-- Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 26.2.17.
-- as: value
-- argument z: the distance, at least 0
-- example: select normal_tail(1.96)
select 2 * exp(-z * z / 2) / 2.5066282746310002 * (
    0.319381530 / (1 + 0.2316419 * z)
    - 0.356563782 / (1 + 0.2316419 * z) ** 2
    + 1.781477937 / (1 + 0.2316419 * z) ** 3
    - 1.821255978 / (1 + 0.2316419 * z) ** 4
    + 1.330274429 / (1 + 0.2316419 * z) ** 5
)
