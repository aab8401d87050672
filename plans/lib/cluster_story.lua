-- What a cluster tells of its pods, read again and again while a run goes on: one that dies takes its events along. Of
-- several Deployments those alone matter that the run is about.
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
  self:facts()
end

-- `where`: as lgen.metrics is. `target`: the address or URL that is called, if that is known. To be called while a plan
-- is loaded.
function M.watch(where, target)
  local story = setmetatable({ target = target }, Story)
  for _, place in ipairs(type(where) == "table" and where or { where }) do
    if place:find "^sd%+" then story.where = story.where or place end
  end
  if not story.where then return story end
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

-- What the cluster said of itself when it started: {address =, services =, time_scale =, …}. Of a long story the
-- beginning is forgotten.
function Story:facts()
  if self.started then return self.started end
  for _, event in ipairs(self.events or {}) do
    if event.event == "started" then self.started = event end
  end
  return self.started or {}
end

-- "http://localhost:80/path" and "dns:///127.0.0.1:80" mean 127.0.0.1:80; a resolver's address is part of the name.
local function plain(address)
  local bare = address:gsub("^dns:///", ""):gsub("^ipv4:/*", "")
  if bare:find "^https?://" then bare = bare:gsub("^https?://", ""):gsub("[/?].*$", "") end
  return (bare:gsub("^localhost:", "127.0.0.1:"))
end

-- Whose target it is: {deployment = true}, empty where it is none of the cluster's addresses.
local function behind(facts, target)
  local found = {}
  for _, service in ipairs(target and facts.services or {}) do
    if service.deployment and plain(service.address) == plain(target) then found[service.deployment] = true end
  end
  return found
end

-- {pod = deployment}.
local function deployments_of_pods(events)
  local found = {}
  for _, event in ipairs(events) do
    if event.pod and event.deployment then found[event.pod] = event.deployment end
  end
  return found
end

-- {deployment = true} of those that the run is about: behind the target, or with one of the pods that have answered.
-- nil where neither is known, and false where all that has answered are others' pods.
function Story:deployments(answers)
  local of, found = deployments_of_pods(self.events or {}), behind(self:facts(), self.target)
  for pod in pairs(answers) do
    if of[pod] then found[of[pod]] = true end
  end
  if next(found) then return found end
  if next(answers) and next(of) then return false end
end

-- The events of those Deployments, without those of others' pods. answers: {pod = anything}.
function Story:own_events(answers)
  local own, of = self:deployments(answers), deployments_of_pods(self.events or {})
  local list = {}
  for _, event in ipairs(self.events or {}) do
    local deployment = event.deployment or of[event.pod]
    if own == nil or not deployment or (own and own[deployment]) then list[#list + 1] = event end
  end
  return list
end

-- Whether it was the balancer in front of the pods that could not be reached, by what a call's error says.
function Story:balancer_refused(message)
  if not (message or ""):find "[Cc]onnection refused" then return false end
  for _, service in ipairs(self:facts().services or {}) do
    local pattern = service.address:gsub("%p", "%%%0") .. "%f[%D]"
    if not service.address:find "^dns:" and message:find(pattern) then return true end
  end
  return false
end

-- Pods' lives, and whether a cluster has told them. answers: as pod_lives.from_answers wants them.
function Story:lives(answers, near)
  if self.where then self:read() end
  self.of_others = self.events and self:deployments(answers) == false
  if not self.events or self.of_others then return pod_lives.from_answers(answers, lgen.now(), near), false end
  local lives = pod_lives.from_events(self:own_events(answers))
  for name, seen in pairs(answers) do
    if lives[name] then lives[name].answered = seen.first.done end
  end
  return lives, true
end

-- Whether it was cut short so long before that it says nothing of that time.
function Story:ended_before(at) return self.cut_short and at > self.until_at + period end

-- A pod comes, goes or changes. That one has had its first request is the run's own doing.
local changes = {
  pod_created = true, pod_ready = true, pod_not_ready = true, pod_draining = true, pod_stopping = true,
  pod_stopped = true, pod_crashed = true, pod_killed = true, pod_gone = true, endpoint_added = true,
  endpoint_removed = true,
}

-- Whether a pod came, went or changed after `from`. Without events: whether one was new, or silent in the end.
function Story:changed(answers, from)
  if self.events and not self.of_others then
    for _, event in ipairs(self:own_events(answers)) do
      if changes[event.event] and event.at >= from then return true end
    end
    return false
  end
  for _, seen in pairs(answers) do
    if seen.first.done > from + 1 or seen.last.done < lgen.now() - 1 then return true end
  end
  return false
end

return M
