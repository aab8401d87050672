-- Does an autoscaler add pods in time for held streams, and does the load reach them? Streams are ramped up, held and
-- ramped down, lost ones come back as clients' do, and the gauge of every pod is watched: streams and pods over time,
-- how long each step from the crossed target to a fair share took, how even it was, and what the autoscaler should do.
local lgen = require "lgen"

lgen.plan {
  api = 1, name = "hpa_ramp",
  about = "Ramps held streams and watches pods come, get their share, and go.",
}

local opt = lgen.options {
  { "streams", "int", default = 120, min = 1, help = "streams held at the top" },
  { "ramp", "duration", default = "2m", help = "how long the way up takes, and the way down" },
  { "hold", "duration", default = "5m", help = "how long all are held" },
  { "down", "duration", default = "10m", help = "how long to watch once all are closed" },
  { "every", "duration", default = "1s", min = 0.001, help = "pause between messages of a stream" },
  { "channels", "int", default = 12, min = 1, help = "channels that the streams are dealt to" },
  { "channel-per-stream", "bool", help = "a channel, and a connection, for each stream" },
  { "reconnect", "duration_range", default = "1s..5s", choices = { "never" },
    help = "pause before a lost stream comes back, or never" },
  { "target-streams", "number", default = 15, min = 0.1, help = "the autoscaler's averageValue" },
  { "min-pods", "int", default = 3, min = 1, help = "its minReplicas" },
  { "max-pods", "int", default = 10, min = 1, help = "its maxReplicas" },
  { "metric-lag", "duration", default = "0s", help = "how old the autoscaler's metrics are" },
  { "speed", "number", default = 1, min = 0.01,
    help = "how many times as fast the cluster's time runs (lgen-cluster --time-scale)" },
  { "gauge", "string", default = "grpc_server_active_streams", help = "what it scales by" },
  { "interval", "duration", default = "1s", min = 0.01, help = "between two looks at the pods" },
  { "age", "duration", help = "the servers' limit of connection age: lost streams' lifetimes are held against it" },
  { "grace", "duration", default = "60s", help = "and its grace" },
  { "added-within", "duration", help = "fail unless a pod was added so soon after the target was crossed" },
  { "even", "number", min = 1,
    help = "fail unless the fullest pod has at most so many times the mean as the hold ends" },
}
assert(lgen.metrics, "hpa_ramp watches the pods: say --metrics WHERE, e.g. dns:///NAME:9464")

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local channels = opt.channel_per_stream and opt.streams or opt.channels
local pool = lgen.grpc.pool("main", lgen.target, { size = channels })
local pods = lgen.prom.target("pods", lgen.metrics, { interval = opt.interval, metrics = { opt.gauge } })
local losses = lgen.counter("stream_losses", { help = "streams that ended before their time" })

-- The streams ------------------------------------------------------------------------------------------------------

local open_now = 0
local lifetimes = {} -- seconds, of lost streams

-- One life of a stream; true when it was lost.
local function hold_stream(vu, channel)
  local stream, began = channel:open(ProcessTextStream), lgen.now()
  open_now = open_now + 1
  local ok, reply = pcall(function()
    local text = ("Stream %d"):format(vu.index)
    for _ in lgen.every(opt.every) do
      if not stream:send { message = text, channel_id = vu.index, client_id = "hpa_ramp" } then break end
    end
    local too_early = not vu.stopping
    local last = stream:close()
    return last and not too_early
  end)
  open_now = open_now - 1
  if not ok then error(reply, 0) end
  if reply then return false end
  losses:add()
  lifetimes[#lifetimes + 1] = lgen.now() - began
  return true
end

lgen.scenario("streams", {
  load = lgen.load.ramping_vus {
    stages = { { opt.ramp, opt.streams }, { opt.hold, opt.streams }, { opt.ramp, 0 }, { opt.down, 0 } },
  },
  run = function(vu)
    local lost = hold_stream(vu, pool[(vu.index - 1) % channels + 1])
    if lost and opt.reconnect == "never" then
      while not vu.stopping do lgen.sleep(opt.interval) end
    elseif lost then
      lgen.delay(opt.reconnect.min, opt.reconnect.max)
    end
  end,
})

-- The pods ---------------------------------------------------------------------------------------------------------

local points = {} -- {at =, pods =, sum =, most =, client =}
local seen = {}   -- {pod = {at =, first_stream =, fair =}}
local crossed     -- when the sum first was more than the pods should have
local initial     -- pods at the start

local function look_at(sample)
  local point = { at = sample.at, pods = sample.up, sum = 0, most = 0, client = open_now }
  for value in sample:each(opt.gauge) do
    point.sum, point.most = point.sum + value, math.max(point.most, value)
  end
  points[#points + 1] = point
  initial = initial or sample.up
  if not crossed and point.sum > 1.1 * opt.target_streams * sample.up then
    crossed = sample.at
    lgen.event("target_crossed", { streams = point.sum, pods = sample.up })
  end
  for value, labels in sample:each(opt.gauge) do
    local pod = seen[labels.pod]
    if not pod then
      pod = { at = sample.at }
      seen[labels.pod] = pod
      lgen.event("pod_seen", { pod = labels.pod })
    end
    if value > 0 then pod.first_stream = pod.first_stream or sample.at end
    if value > 0 and value >= 0.8 * point.sum / sample.up then pod.fair = pod.fair or sample.at end
  end
end

lgen.scenario("watch", {
  background = true,
  load = lgen.load.per_vu_iterations { max_duration = math.huge },
  run = function()
    for sample in pods:samples() do look_at(sample) end
  end,
})

-- What it comes to -------------------------------------------------------------------------------------------------

local function seconds(value, since)
  return value and ("%.1fs"):format(value - since) or "never"
end

-- At most 20 of them, the first and the last included.
local function print_points(rounds)
  print "STREAMS AND PODS"
  print "      time  pods  should be  streams: client  gauges  fullest  of mean"
  local step = math.max(1, (#points - 1) / 19)
  for k = 0, math.min(19, #points - 1) do
    local p, should = points[math.floor(k * step + 0.5) + 1], initial
    for _, round in ipairs(rounds) do
      if round.at <= p.at * opt.speed then should = round.desired end
    end
    local ratio = p.sum > 0 and ("%.2f"):format(p.most * p.pods / p.sum) or "·"
    print(("  %7.1fs  %4d  %9d  %15d  %6d  %7d  %7s"):format(p.at, p.pods, should, p.client, p.sum, p.most, ratio))
  end
end

-- Pods that came after the start, in order.
local function newcomers()
  local list = {}
  for name, pod in pairs(seen) do
    if pod.at > points[1].at then list[#list + 1] = { name = name, pod = pod } end
  end
  table.sort(list, function(a, b)
    if a.pod.at ~= b.pod.at then return a.pod.at < b.pod.at end
    return a.name < b.name
  end)
  return list
end

local function print_lag(new)
  if not crossed then return print "  The streams never asked for more pods than there were." end
  print(("LAG since %.1fs, when the streams were 10 %% more than the pods should have"):format(crossed))
  print "      seen  first stream  fair share  pod"
  for _, each in ipairs(new) do
    local pod = each.pod
    print(("  %8s  %12s  %10s  %s"):format(seconds(pod.at, crossed), seconds(pod.first_stream, crossed),
      seconds(pod.fair, crossed), each.name))
  end
  if #new == 0 then print "  no pod came" end
end

-- The fullest over the mean: {least, last} while the streams were held.
local function evenness()
  local least, last
  for _, p in ipairs(points) do
    if p.sum >= 0.9 * opt.streams then
      last = p.most * p.pods / p.sum
      least = math.min(least or math.huge, last)
    end
  end
  return least, last
end

local function simulate()
  local load = {}
  for i, p in ipairs(points) do load[i] = { p.at * opt.speed, p.sum } end
  return lgen.hpa.simulate {
    load = load, target = opt.target_streams, min = opt.min_pods, max = opt.max_pods, replicas = initial,
    metric_lag = opt.metric_lag,
  }
end

local function judge_lifetimes()
  if not opt.age or #lifetimes == 0 then return end
  table.sort(lifetimes)
  local least, most = 0.9 * opt.age, 1.1 * opt.age + opt.grace
  print(("  %d streams were lost after %.1fs to %.1fs; the age limit explains %.1fs to %.1fs."):format(#lifetimes,
    lifetimes[1], lifetimes[#lifetimes], least, most))
  lgen.check("the age limit explains how long lost streams lived", lifetimes[1] >= least - opt.interval
    and lifetimes[#lifetimes] <= most + 1, ("%.1fs to %.1fs"):format(lifetimes[1], lifetimes[#lifetimes]))
end

lgen.teardown(function()
  if #points < 2 then
    lgen.check("the pods' pages were read", false, "fewer than two looks succeeded")
    return
  end
  print_points(simulate())
  local new = newcomers()
  print_lag(new)
  local least, last = evenness()
  if least then
    print(("  While all were held the fullest pod had %.2f x the mean at best, %.2f at last."):format(least, last))
  end
  if channels < opt.streams then
    print(("  %d streams on %d channels: balanced by connection, %.2f is the best there can be."):format(opt.streams,
      channels, math.ceil(channels / points[#points].pods) * points[#points].pods / channels))
  end
  judge_lifetimes()
  if opt.added_within then
    local first = crossed and new[1] and new[1].pod.at - crossed
    lgen.check("a pod was added in time", first and first <= opt.added_within, seconds(first, 0))
  end
  if opt.even then lgen.check("the load reached the pods evenly", last and last <= opt.even, last) end
  lgen.check("nothing is left at the end", pods:wait_for(opt.gauge, "==", 0, { timeout = "10s" }))
end)
