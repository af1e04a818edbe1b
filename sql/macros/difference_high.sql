-- Upper bound of the 95 % interval of the difference of two shares, from their Wilson intervals (see difference_low).
-- as: value
-- argument rate: share whose difference is asked
-- argument rate_high: upper bound of its 95 % Wilson interval
-- argument base_rate: share that is subtracted
-- argument base_low: lower bound of its 95 % Wilson interval
-- example: select difference_high(0.76, 0.79, 0.68, 0.64)
select rate - base_rate + sqrt((rate_high - rate) * (rate_high - rate) + (base_rate - base_low) * (base_rate - base_low))
