-- What a cluster tells of its pods, read again and again while a run goes on: one that dies takes its events along.
local lgen = require "lgen"
local pod_lives = require "lib.pod_lives"

local M = {}

local period = 2 -- seconds between two readings

local Story = {}
Story.__index = Story

-- events: the last that could be read. until_at: when that was. cut_short: whether it could not be done since.
function Story:read()
  local events = lgen.cluster.events(self.where)
  self.cut_short = not events
  if not events then return end
  if not self.events then lgen.event("cluster_tells", { events = #events }) end
  self.events, self.until_at = events, lgen.now()
end

-- `where`: as lgen.metrics is. To be called while a plan is loaded.
function M.watch(where)
  local story = setmetatable({ where = type(where) == "string" and where or nil }, Story)
  if not (story.where and story.where:find "^sd%+") then return story end
  lgen.scenario("events", {
    background = true,
    load = lgen.load.per_vu_iterations { max_duration = math.huge },
    fixed = { vus = "one virtual user reads the cluster's events", iterations = "they are read throughout" },
    run = function()
      story:read()
      for _ in lgen.every(period) do story:read() end
    end,
  })
  return story
end

-- Pods' lives, and whether a cluster has told them. answers: as pod_lives.from_answers wants them.
function Story:lives(answers, near)
  if self.where then self:read() end
  if not self.events then return pod_lives.from_answers(answers, lgen.now(), near), false end
  local lives = pod_lives.from_events(self.events)
  for name, seen in pairs(answers) do
    if lives[name] then lives[name].answered = seen.first.done end
  end
  return lives, true
end

-- Whether it was cut short so long before that it says nothing of that time.
function Story:ended_before(at) return self.cut_short and at > self.until_at + period end

-- Whether a pod came, went or changed after `from`. Without events: whether one was new, or silent in the end.
function Story:changed(answers, from)
  for _, event in ipairs(self.events or {}) do
    if event.pod and event.at >= from then return true end
  end
  if self.events then return false end
  for _, seen in pairs(answers) do
    if seen.first.done > from + 1 or seen.last.done < lgen.now() - 1 then return true end
  end
  return false
end

return M
