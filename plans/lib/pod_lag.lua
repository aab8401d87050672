-- Pods that come while a load rises: how long each step took from the need for one to its fair share of the load.
local lgen = require "lgen"
local cells = require "lib.cells"

local M = {}

-- Those that came after the start, in order: {name, first, needed, desired, created, ready, seen, stream, share}; each
-- is a time, or nothing.
function M.newcomers(run)
  local list = {}
  local function add(name, first, pod, page)
    local new = { name = name, first = first, created = pod.created, ready = pod.ready, seen = page.at,
      stream = page.first_stream, share = page.share }
    for _, event in ipairs(run.cluster.scaled) do
      local of_it = event.deployment == pod.deployment and event.to > event.from
      if of_it and event.at <= pod.created then new.desired = event.at end
    end
    list[#list + 1] = new
  end
  for name, pod in pairs(run.cluster.pods) do
    if pod.created > 0 then add(name, pod.created, pod, run.seen[name] or {}) end
  end
  for name, page in pairs(run.seen) do
    if not run.cluster.pods[name] and page.at > run.looks[1].at then add(name, page.at, {}, page) end
  end
  table.sort(list, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.name < b.name
  end)
  for i, new in ipairs(list) do
    local needed = run.needed[run.initial + i]
    new.needed = needed and math.min(needed, new.desired or needed) -- it may have known before a look did
  end
  return list
end

local steps = { "desired", "created", "ready", "seen", "stream", "share" }

local function line(name, needed, format, values)
  local text = "  " .. cells.left(name, 26) .. cells.right(needed, 8)
  for i = 1, #steps do text = text .. cells.right(cells.dot(format, values[i]), i <= 2 and 8 or 7) end
  return text
end

local function median(list)
  table.sort(list)
  return list[math.ceil(#list / 2)]
end

-- What a row has, for who reads the events: `needed` in the run's time, the steps in seconds after it.
local function tell(pod, since)
  local r = cells.rounded
  lgen.event("pod_lag", { pod = pod.name, needed = r(pod.needed), desired = r(since[1]), created = r(since[2]),
    ready = r(since[3]), seen = r(since[4]), first_stream = r(since[5]), share = r(since[6]) })
end

function M.print(run, new)
  if #new == 0 then return cells.print_head(next(run.needed) and "LAG: no pod came" or "LAG: no pod was needed") end
  cells.print_head(("LAG in %s, from the need for one more pod to each step"):format(
    run.speed == 1 and "seconds" or "the machine's seconds"))
  print(line("pod", "needed", "%s", steps))
  local told, took = run.cluster.told, {}
  local before = { desired = "needed", created = "desired", ready = "created", seen = "created",
    stream = told and "ready" or "seen", share = "stream" }
  for i in ipairs(steps) do took[i] = {} end
  for _, pod in ipairs(new) do
    local since = {}
    for i, step in ipairs(steps) do
      since[i] = pod[step] and pod.needed and pod[step] - pod.needed
      local from = pod[before[step]]
      if pod[step] and from then table.insert(took[i], pod[step] - from) end
    end
    print(line(pod.name, cells.dot("%.1fs", pod.needed), "%.1f", since))
    tell(pod, since)
  end
  local medians = {}
  for i in ipairs(steps) do medians[i] = median(took[i]) end
  print(line("each step alone, median", "", "%.1f", medians))
  print "  needed: when a look, or the autoscaler, saw that the streams asked for it, in"
  print "  the run's time; the rest: how long after that. seen: its page was read."
  print "  share: it had 80 % of its fair share."
  if not told then print "  ·: not to be seen here. When pods are wanted and made only lgen-cluster tells." end
end

local function came(run, pod) return pod and (run.cluster.told and pod.ready or pod.seen) end

-- Whether each pod that was needed came within the limit, as far as that was to be seen.
local function judge_arrival(run, new)
  local limit, asked, late = run.opt.added_within / run.speed, false, nil
  for n = run.initial + 1, run.opt.max_pods do
    local at, arrived = run.needed[n], came(run, new[n - run.initial])
    if at and not arrived and at + limit > (run.cluster.until_at or math.huge) then at = nil end
    asked = asked or at ~= nil
    if at and not arrived then
      late = late or ("pod %d never came"):format(n)
    elseif at and arrived - at > limit then
      late = late or ("pod %d came after %.1fs"):format(n, arrived - at)
    end
  end
  if asked then lgen.check("pods were added in time", not late, late) end
end

-- Whether those that came before the hold's end had a fair share of the load by then.
local function judge_share(new, hold)
  local there, served = 0, 0
  for _, pod in ipairs(new) do
    if pod.first < hold.last.at then
      there = there + 1
      if pod.share and pod.share <= hold.last.at then served = served + 1 end
    end
  end
  if there == 0 then return end
  lgen.check("the load reached the new pods", served == there,
    ("%d of %d had a fair share by the end of the hold"):format(served, there))
end

function M.judge(run, new, hold)
  judge_arrival(run, new)
  if hold then judge_share(new, hold) end
end

return M
