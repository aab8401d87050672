-- What a server's limit of connection age ends: about when it is reached the server says GOAWAY, and closes the
-- connection, with all that goes on there, once its grace is over.
local M = {}

-- Timers of a busy machine: so many seconds early or late are let pass.
M.early, M.late = 0.5, 1

-- How old a connection is when its streams end, {from =, to =, grace =}: servers spread their limit by a tenth.
-- `speed`: how many times as fast as the machine's time the servers' runs.
function M.limit(age, grace, speed)
  return { from = 0.9 * age / speed, to = (1.1 * age + grace) / speed, grace = grace / speed }
end

-- Whether a connection that ended at that age was ended so.
function M.ended(limit, age) return age >= limit.from - M.early and age <= limit.to + M.late end

-- Whether a stream that lived so long may have been ended so on a connection of which nothing is known, as behind a
-- balancer: it began before the GOAWAY, and so had the grace at least.
function M.ended_unseen(limit, lived) return lived >= limit.grace and lived <= limit.to + M.late end

-- Of a call or stream: {took =, connection_age = (of the client's own connection, where that ended, too)}.
function M.explains(limit, call)
  if call.connection_age then return M.ended(limit, call.connection_age) end
  return M.ended_unseen(limit, call.took)
end

return M
