-- Streams that wait for a server: neither an answer nor a gauge says that one has begun with them, and that lasts.
local losses = require "lib.losses"

local M = {}

local lasting = 3 -- looks in a row

-- At one look. Where servers answer with their reply only, every stream lacks an answer, and what the gauges count is
-- all there is to go by.
local function waiting_at(run, i)
  local look = run.looks[i]
  local uncounted = look.answered + look.patient - look.sum
  if not run.answers_early then uncounted = uncounted - losses.unlisted(run, i) - look.window.left end
  return math.max(0, math.min(look.patient, uncounted))
end

-- Gives each look its `waiting`. What lacks a page says nothing of it.
function M.note(run)
  local known, counts = {}, {}
  for i, look in ipairs(run.looks) do
    look.waiting = 0
    if look.whole and look.pods > 0 then
      known[#known + 1], counts[#counts + 1] = look, waiting_at(run, i)
    end
  end
  for i = lasting, #known do
    local least = math.huge
    for k = i - lasting + 1, i do least = math.min(least, counts[k]) end
    for k = i - lasting + 1, i do known[k].waiting = math.max(known[k].waiting, least) end
  end
end

return M
