-- Calls before a load begins, as many a second as it will make, until every backend is as fast as it gets.
local lgen = require "lgen"

local M = {}

local WarmUp = {}
WarmUp.__index = WarmUp

-- The backends that answer; one that should have had its turn and has not answered has gone.
function WarmUp:answering()
  return self.book:answering(lgen.now() - 1 - self.opt.slow - 5 * #self.book.pods / self.rate)
end

-- How many backends there are, once they are enough and all are flat: all, as so many calls have met nobody new and
-- lost nothing.
function WarmUp:flat()
  local pods = self:answering()
  if #pods < self.opt.backends or self.calm < math.max(20, 10 * #pods) then return end
  for _, pod in ipairs(pods) do
    if not self.book:is_flat(pod, self.opt.warm_up) then return end
  end
  return #pods
end

-- Returns the number of backends. What is still under way then may be a backend's first call.
function WarmUp:go_on(call_once)
  local under_way = {}
  for _ in lgen.every(1 / self.rate) do
    local task
    task = lgen.spawn(function()
      local known, call = #self.book.pods, call_once()
      under_way[task], self.calls = nil, self.calls + 1
      self.calm = call and not call.manner and #self.book.pods == known and self.calm + 1 or 0
    end)
    under_way[task] = true
    if self:flat() then
      repeat
        local one = next(under_way)
        if one then one:join() end
      until not one
      local pods = self:flat()
      if pods then return pods end
    end
  end
end

-- opt = {warm_up = (answers of each backend), backends = (at least), warm_up_limit =, slow =}; book: a cold_starts one;
-- call_once: makes a call and enters it there. Returns {calls =, backends =, done = whether it came to its end}.
function M.run(opt, book, call_once, rate)
  local warm_up = setmetatable({ opt = opt, book = book, rate = rate, calls = 0, calm = 0 }, WarmUp)
  local backends = lgen.timeout(opt.warm_up_limit, warm_up.go_on, warm_up, call_once)
  return { calls = warm_up.calls, backends = backends or #warm_up:answering(), done = backends ~= nil }
end

return M
