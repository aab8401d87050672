-- Replicas over time: as a cluster wanted them, as pages showed them, and as the autoscaler's function has them.
--
-- Replicas are a list of {at, count}: from `at` seconds of the run on there were so many; the first is the beginning.
local lgen = require "lgen"
local cells = require "lib.cells"

local M = {}

-- Of Kubernetes' autoscaler, in seconds of its time: between two rounds, and how long it remembers a larger load.
local sync_period, down_window = 15, 300

-- What lgen-cluster tells ----------------------------------------------------------------------------------------

local steps = { pod_created = "created", pod_ready = "ready", pod_draining = "draining", pod_crashed = "ended",
  pod_stopped = "ended", pod_gone = "ended", pod_not_ready = "unready", pod_unhealthy = "unready" }

-- Of each step of a pod the first time.
local function note(cluster, event)
  if event.event == "scaled" then table.insert(cluster.scaled, event) end
  if event.event == "pod_created" then cluster.pods[event.pod] = { deployment = event.deployment } end
  local step, pod = steps[event.event], cluster.pods[event.pod]
  if not pod or not step or pod[step] or (step == "unready" and pod.draining) then return end
  pod[step] = event.at
  if step == "unready" then pod.why = event.why end
end

-- What a story tells of the Deployments behind the target, or else of those of the pods `answering`: {told, until_at,
-- scaled = events, pods = {name = {deployment, created, ready, draining, ended, unready, why}}, others = {name = true}}.
-- `told` is false where no cluster tells anything of them; it has told no more from `until_at` seconds of the run on.
function M.read_cluster(story, answering)
  local cluster = { pods = {}, scaled = {}, others = {} }
  for _, event in ipairs(story:own_events(answering)) do note(cluster, event) end
  cluster.told = next(cluster.pods) ~= nil
  if not cluster.told then return cluster end
  if story.cut_short then cluster.until_at = story.until_at end
  for _, event in ipairs(story.events) do
    if event.event == "pod_created" and not cluster.pods[event.pod] then cluster.others[event.pod] = true end
  end
  return cluster
end

-- Takes pods of other Deployments, which the service discovery of a whole cluster lists as well, out of the looks.
function M.leave_out_others(run)
  for _, look in ipairs(run.looks) do
    for name, value in pairs(look.values) do
      if run.cluster.others[name] then
        look.pods, look.sum, look.squares = look.pods - 1, look.sum - value, look.squares - value * value
        look.values[name] = nil
      end
    end
    look.most = 0
    for _, value in pairs(look.values) do look.most = math.max(look.most, value) end
  end
  for name in pairs(run.cluster.others) do run.seen[name] = nil end
end

-- How many each Deployment wanted as the run began: {deployment = count}.
local function at_start(cluster)
  local counts, created = {}, {}
  for _, event in ipairs(cluster.scaled) do
    if event.at <= 0 then counts[event.deployment] = event.to end
  end
  for _, event in ipairs(cluster.scaled) do counts[event.deployment] = counts[event.deployment] or event.from end
  for _, pod in pairs(cluster.pods) do
    local there = pod.created <= 0 and (pod.draining or math.huge) > 0
    created[pod.deployment] = (created[pod.deployment] or 0) + (there and 1 or 0)
  end
  for deployment, count in pairs(created) do counts[deployment] = counts[deployment] or count end
  return counts
end

local function sum(counts)
  local all = 0
  for _, count in pairs(counts) do all = all + count end
  return all
end

-- How many pods were wanted as the run began, or nothing where no cluster tells.
function M.count_at_start(cluster) return cluster.told and sum(at_start(cluster)) or nil end

-- Over time --------------------------------------------------------------------------------------------------------

local function add(list, at, count)
  if #list == 0 or list[#list][2] ~= count then list[#list + 1] = { at, count } end
end

function M.at(list, at)
  local count = list[1][2]
  for _, step in ipairs(list) do
    if step[1] <= at then count = step[2] end
  end
  return count
end

local function range(list, from, to)
  local least = M.at(list, from)
  local most = least
  for _, step in ipairs(list) do
    if step[1] > from and step[1] <= to then least, most = math.min(least, step[2]), math.max(most, step[2]) end
  end
  return least, most
end

-- Of others' streams, before the first of the run's.
local function load_at_first(run) return math.max(0, run.looks[1].sum - run.looks[1].client) end

local function simulate(run, from)
  local opt, load, list = run.opt, { { 0, load_at_first(run) } }, { { 0, from } }
  for _, look in ipairs(run.looks) do
    if look.at > 0 then load[#load + 1] = { look.at * run.speed, look.sum } end
  end
  for _, round in ipairs(lgen.hpa.simulate {
    load = load, target = opt.target_streams, min = opt.min_pods, max = opt.max_pods, replicas = from,
    metric_lag = opt.metric_lag, pod_start = opt.pod_start,
  }) do
    add(list, round.at / run.speed, round.desired)
  end
  return list
end

-- By the autoscaler's function, from the sums that the looks saw; nothing when it scales by something else.
function M.by_function(run)
  if run.opt.target_streams > 0 then return simulate(run, run.initial) end
end

-- What the load asked for at first, where that is less than there was: then the autoscaler remembers a larger one from
-- before the run, and forgets it nobody knows when.
local function asked_at_first(run)
  local opt = run.opt
  local asked = math.max(opt.min_pods, math.min(opt.max_pods, math.ceil(load_at_first(run) / opt.target_streams)))
  return asked < run.initial and asked or nil
end

-- What the cluster wanted where it tells that, else the pods whose pages were read.
function M.observed(run)
  local list = {}
  if not run.cluster.told then
    for _, look in ipairs(run.looks) do add(list, look.at, look.pods) end
    return list
  end
  local counts = at_start(run.cluster)
  list[1] = { 0, sum(counts) }
  for _, event in ipairs(run.cluster.scaled) do
    counts[event.deployment] = event.to
    if event.at > 0 then add(list, event.at, sum(counts)) end
  end
  return list
end

local function words(list)
  local text = { tostring(list[1][2]) }
  for i = 2, #list do text[i] = ("→ %d (%.1fs)"):format(list[i][2], list[i][1]) end
  return text
end

local function text(list) return list and table.concat(words(list), " ") end

-- Whether the cluster had told by then what it wanted, or, where none does, pages.
local function is_known(run, at) return at <= (run.cluster.until_at or math.huge) end

-- At most 20 looks, the first and the last included.
function M.print_looks(run, observed, should)
  cells.print_head "STREAMS AND PODS"
  print "     time  pods  desired  function  clients  waiting  gauges  fullest  of mean"
  local step = math.max(1, (#run.looks - 1) / 19)
  for k = 0, math.min(19, #run.looks - 1) do
    local look = run.looks[math.floor(k * step + 0.5) + 1]
    local desired = cells.dot("%d", run.cluster.told and is_known(run, look.at) and M.at(observed, look.at) or nil)
    local by_function = cells.dot("%d", should and M.at(should, look.at))
    local ratio = cells.dot("%.2f", look.sum > 0 and look.most * look.pods / look.sum)
    print(("  %6.1fs  %4d  %s  %s  %7d  %7d  %6d  %7d  %s"):format(look.at, look.pods, cells.right(desired, 7),
      cells.right(by_function, 8), look.client, look.waiting, look.sum, look.most, cells.right(ratio, 7)))
  end
  if run.speed ~= 1 then print(("  the machine's time; the cluster's runs %g x as fast"):format(run.speed)) end
  if run.opt.speed and run.opt.speed ~= run.speed then
    print(("  (as it tells itself; --speed %g is not heeded)"):format(run.opt.speed))
  end
end

-- Whether what was observed is, at every look, what the function has within the tolerance around it. `forgetful`: the
-- same as if it remembered nothing from before the run, or nothing; for one window it may be anywhere between the two.
local function judge(run, observed, should, forgetful)
  local tolerance = sync_period + run.opt.metric_lag + run.opt.pod_start
  local worst, detail = 0, nil
  for _, look in ipairs(run.looks) do
    local from, to = look.at - tolerance / run.speed, look.at + tolerance / run.speed
    local least, most = range(should, from, to)
    if forgetful and look.at * run.speed <= down_window then least = math.min(least, (range(forgetful, from, to))) end
    local count = M.at(observed, look.at)
    local off = is_known(run, look.at) and math.max(least - count, count - most) or 0
    if off > worst then
      worst, detail = off, ("%d at %.1fs, the function has %d to %d around then"):format(count, look.at, least, most)
    end
  end
  local name = ("replicas are the autoscaler's function's, %gs of its time early or late"):format(tolerance)
  lgen.check(name, worst == 0, detail)
end

local function print_and_judge(run, observed, should)
  local asked = asked_at_first(run)
  if asked then
    cells.print_text(" ", ("It began with %d where its load asked for %d: of a load before the run. When it forgets that is not "
      .. "known here; for %gs of its time it is not judged by when it goes down."):format(run.initial, asked,
      down_window))
  end
  judge(run, observed, should, asked and simulate(run, asked))
end

-- `should` is nothing where there is no such function.
function M.print(run, observed, should)
  cells.print_head "REPLICAS"
  if should then cells.print_words("  by the autoscaler's function", words(should)) end
  local head = run.cluster.told and "  as the cluster wanted them  " or "  as the pods' pages show them"
  cells.print_words(head, words(observed))
  local at = run.cluster.until_at
  if at then print(("  The cluster told nothing any more after %.1fs: it is judged up to then."):format(at)) end
  lgen.event("replicas", {
    ["function"] = text(should), [run.cluster.told and "cluster" or "pages"] = text(observed), speed = run.speed,
  })
  if should then print_and_judge(run, observed, should) end
end

return M
