-- What became of a unit that entered A, within one window, in the order of K3: converted, passed_over, lost or still_open.
-- as: value
-- argument convert_window: number of the shortest window in which it converted (waterfall.window_limits); null = never
-- argument pass_window: number of the shortest window in which it arrived above B's rank; null = never
-- argument is_closed: it can no longer convert later
-- argument ended_windows: number of windows that have ended
-- argument window_no: number of the window
-- example: select conversion_outcome(null, null, false, 1, 2)
select case
    when convert_window <= window_no then 'converted'
    when pass_window <= window_no then 'passed_over'
    when is_closed or ended_windows >= window_no then 'lost'
    else 'still_open'
end
