-- Lower bound of the 95 % interval of the difference of two shares, from their Wilson intervals.
-- Newcombe 1998, Statistics in Medicine 17: 873-890, method 10.
-- as: value
-- argument rate: share whose difference is asked
-- argument rate_low: lower bound of its 95 % Wilson interval
-- argument base_rate: share that is subtracted
-- argument base_high: upper bound of its 95 % Wilson interval
-- example: select difference_low(0.76, 0.73, 0.68, 0.72)
select rate - base_rate - sqrt((rate - rate_low) * (rate - rate_low) + (base_high - base_rate) * (base_high - base_rate))
