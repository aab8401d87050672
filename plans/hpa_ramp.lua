-- Does an autoscaler add pods in time for held streams, and does the load reach them? Streams are ramped up, held and
-- ramped down, lost ones come back as clients' do, and the gauge of every pod is watched: streams and pods over time,
-- how long each step from the need to a fair share took, how even it was, what ended streams, and what the autoscaler
-- should have done. Where lgen-cluster runs the pods it is asked for its events, too.
local lgen = require "lgen"
local cluster_story = require "lib.cluster_story"
local evenness = require "lib.evenness"
local losses_of = require "lib.losses"
local pod_lag = require "lib.pod_lag"
local pod_lives = require "lib.pod_lives"
local replicas = require "lib.replicas"
local waits = require "lib.waits"

lgen.plan {
  api = 1, name = "hpa_ramp",
  about = "Ramps held streams and watches pods come, get their share, and go.",
}

local opt = lgen.options {
  { "streams", "int", default = 120, min = 1, help = "streams held at the top" },
  { "ramp", "duration",
    help = "how long the way up takes, and the way down [2m; --channel-per-stream: 0.5s a stream]" },
  { "hold", "duration", default = "5m", help = "how long all are held" },
  { "down", "duration", default = "10m", help = "how long to watch once all are closed" },
  { "every", "duration", default = "0.1s", min = 0.001, help = "pause between messages of a stream" },
  { "channels", "int", min = 1, help = "channels that the streams are dealt to [12]" },
  { "channel-per-stream", "bool", help = "a channel of its own for each stream, made when it starts" },
  { "reconnect", "duration_range", default = "1s..5s", choices = { "never" },
    help = "pause before a lost stream comes back, in the cluster's time, or never" },
  { "gauge", "string", default = "grpc_server_active_streams", help = "what the autoscaler scales by" },
  { "target-streams", "number", default = 15, min = 0,
    help = "its averageValue; 0: it scales by something else, and is not judged" },
  { "min-pods", "int", default = 3, min = 1, help = "its minReplicas" },
  { "max-pods", "int", default = 10, min = 1, help = "its maxReplicas" },
  { "metric-lag", "duration", default = "15s", help = "how old its metrics may be, in the cluster's time" },
  { "pod-start", "duration", default = "30s", help = "how long a pod takes to be ready, in the cluster's time" },
  { "age", "duration", min = 0.001, help = "the servers' limit of connection age, in the cluster's time" },
  { "grace", "duration", default = "60s", help = "and its grace" },
  { "speed", "number", min = 0.01,
    help = "how many times as fast the cluster's time runs [as lgen-cluster tells; 1]" },
  { "interval", "duration", default = "1s", min = 0.01, help = "between two looks at the pods" },
  { "added-within", "duration", default = "5m",
    help = "fail unless each pod came so soon after it was needed, in the cluster's time" },
  { "even", "number", min = 1,
    help = "fail unless the fullest pod has at most so many times the mean as the hold ends, with 80 % of the "
      .. "streams there" },
}
assert(lgen.metrics, "hpa_ramp watches the pods: say --metrics WHERE, e.g. dns:///NAME:9464, "
  .. "or --local for pods on this machine")

if opt.min_pods > opt.max_pods then
  error(("--min-pods %d is more than --max-pods %d: say both as the autoscaler has them"):format(opt.min_pods,
    opt.max_pods), 0)
end
if opt.channel_per_stream and opt.channels then
  error("--channels and --channel-per-stream exclude each other: with the latter there is one for each stream", 0)
end

local channels = opt.channel_per_stream and opt.streams or opt.channels or 12
local ramp = opt.ramp or (opt.channel_per_stream and 0.5 * opt.streams or 120)

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local pool = not opt.channel_per_stream and lgen.grpc.pool("main", lgen.target, { size = channels })
local pods = lgen.prom.target("pods", lgen.metrics, { interval = opt.interval, metrics = { opt.gauge } })
local losses = lgen.counter("stream_losses", {
  help = "streams that ended before their time, told to (GOAWAY) or by their status", labels = { "cause" },
})
local refusals = lgen.counter("streams_not_opened", {
  help = "attempts to open a stream that met no server", labels = { "code" },
})

local story = cluster_story.watch(lgen.metrics, lgen.target)

-- How many times as fast as the machine's time the cluster's runs, as far as that is known by now.
local function speed() return story:facts().time_scale or opt.speed or 1 end

-- The streams ------------------------------------------------------------------------------------------------------

-- Streams that are open, those of them that a server has answered (it counts them from then on), and what has changed
-- since the last look: a pod's page is as old as that at most, and the client hears of an end a little later.
local open, answered = 0, 0
local window = { open = 0, answered = 0, opened = 0, ended = 0, left = 0 }
local waiting = {}         -- {life = true}: opened and not answered yet
local lost = {}            -- lives that ended before their time
local refused = { count = 0, codes = {} } -- attempts that met nobody, and the first of them
local backends = {}        -- {pod = true}: those that answered
local messages = 0
local answers_early = false -- whether any stream was answered before its end
-- Seconds in which streams were wanted, were there by their servers' answers, and had a connection to one.
local times = { wanted = 0, answered = 0, connected = 0 }

local made, left, closed = {}, {}, {} -- {connection = when it was ready, its server said GOAWAY, it ended without}

local function begin_life(stream)
  local life = { opened = lgen.now(), stream = stream }
  open, window.opened = open + 1, window.opened + 1
  waiting[life] = true
  return life
end

local function answer(life)
  waiting[life], life.answered = nil, lgen.now()
  answered, answers_early = answered + 1, true
end

-- From here on the server may count it no more.
local function leave(life)
  waiting[life] = nil
  if life.left then return end
  life.left = true
  window.left = window.left + 1
  if life.answered then answered, window.ended = answered - 1, window.ended + 1 end
end

local function end_life(life)
  leave(life)
  open = open - 1
  life.at = lgen.now()
  times.wanted = times.wanted + life.at - life.opened
  if life.answered then times.answered = times.answered + life.at - life.answered end
  local made_at = life.connection and math.max(life.opened, made[life.connection] or 0)
  if made_at and not life.refused then times.connected = times.connected + math.max(0, life.at - made_at) end
end

local function send_messages(vu, life)
  local text = ("Stream %d"):format(vu.index)
  for _ in lgen.every(opt.every) do
    if not life.stream:send { message = text, channel_id = vu.index, client_id = "hpa_ramp" } then return end
    messages = messages + 1
  end
  life.closing = true
  leave(life)
  life.stream:half_close()
end

-- Until the stream ends; its last message and its status. Many a server answers with its reply only.
local function wait_for_end(life)
  local stream = life.stream
  local backend = stream:backend()
  if backend and backend ~= "unknown" then life.backend, backends[backend] = backend, true end
  if not stream:status() and not life.closing then answer(life) end
  local reply = stream:recv()
  leave(life)
  local _, status = stream:close()
  return reply, status
end

-- Whether an attempt has met nobody: no server, or a balancer without any.
local function met_nobody(life, status)
  if life.answered or not status or status.code == "OK" then return false end
  if not life.connection then return true end
  return not life.stream:headers() and not left[life.connection] and pod_lives.manner(status) == "refused"
end

local function note_refusal(vu, life, status)
  if refused.count == 0 then refused.first = { at = life.at, code = status.code, message = status.message } end
  refused.count, refused.last_at = refused.count + 1, life.at
  refused.codes[status.code] = (refused.codes[status.code] or 0) + 1
  refusals:add(1, { code = status.code })
  if not vu.state.refused then
    lgen.event("stream_not_opened", { code = status.code, message = status.message })
  end
  vu.state.refused = true
end

local function note_loss(vu, life, status)
  life.code = status and status.code or "OK"
  lost[#lost + 1], vu.state.lost = life, life
  losses:add(1, { cause = left[life.connection] and "GOAWAY" or life.code })
  lgen.event("stream_lost", { backend = life.backend or "none", connection = life.connection or "none",
    status = life.code, after = life.at - life.opened })
end

-- One that was lost has come back as `life`.
local function note_return(vu, life)
  if vu.state.lost then vu.state.lost.back, vu.state.lost = life, nil end
  vu.state.refused = nil
end

-- One life of a stream; the life when it was lost, or met nobody.
local function hold_stream(vu, channel)
  local stream = channel:open(ProcessTextStream)
  local life = begin_life(stream)
  local sender = lgen.spawn(send_messages, vu, life)
  local ok, reply, status = pcall(wait_for_end, life)
  life.connection = stream.connection
  life.refused = ok and not reply and met_nobody(life, status)
  end_life(life)
  sender:cancel()
  if not life.refused then note_return(vu, life) end
  if not ok then error(reply, 0) end
  if reply then lgen.check("the reply counts every message", reply.message_count == stream.sent) end
  if reply and life.closing then return end
  if life.refused then note_refusal(vu, life, status) else note_loss(vu, life, status) end
  life.stream = nil
  return life
end

-- Waits before a stream comes back; at most until the VU is to stop.
local function stay_away(life)
  if opt.reconnect == "never" then
    for _ in lgen.every(opt.interval) do end
  else
    local pause = lgen.random.uniform(opt.reconnect.min, opt.reconnect.max) / speed()
    if pause > 0 then
      for _ in lgen.every(pause, { count = 2 }) do end -- one tick at once, one in time
    end
  end
  times.wanted = times.wanted + lgen.now() - life.at
end

local function note_connections(channel)
  for event in channel:events() do
    local id = event.connection
    if event.state == "READY" then
      made[id] = event.at
    elseif event.goaway then
      left[id] = left[id] or event.at
    elseif event.prev == "READY" then
      closed[id] = event.at
    end
  end
end

-- On a channel of its own, whose connection is made now and not before the run.
local function hold_stream_alone(vu)
  local channel = lgen.grpc.channel("own", lgen.target)
  local notes = lgen.spawn(note_connections, channel)
  local life = hold_stream(vu, channel)
  notes:cancel()
  channel:close()
  return life
end

lgen.scenario("streams", {
  load = lgen.load.ramping_vus {
    stages = { { ramp, opt.streams }, { opt.hold, opt.streams }, { ramp, 0 }, { opt.down, 0 } },
  },
  run = function(vu)
    local life
    if pool then
      life = hold_stream(vu, pool[(vu.index - 1) % channels + 1])
    else
      life = hold_stream_alone(vu)
    end
    if life then stay_away(life) end
  end,
})

-- The pods ---------------------------------------------------------------------------------------------------------

local looks = {}
local seen = {}   -- {pod = {at =, first_stream =, share =}}
local needed = {} -- {n = when the streams first asked for an n-th pod}
local initial     -- pods at the start
local speed_told = false -- whether a --speed that is not the cluster's was complained of
local gauge = {}  -- whether it was {found =} on any page, and whether its lack was {told =}

-- Those that have waited so long that their server's page would have them, had it begun with them.
local function count_patient(now)
  local count, patience = 0, math.max(3 * opt.interval, 0.5)
  for life in pairs(waiting) do
    if now - life.opened > patience then count = count + 1 end
  end
  return count
end

-- How many pods `sum` streams ask for when there are `count`, some of which may have come for them since the last look.
local function needs(sum, count)
  if opt.target_streams == 0 then return 0 end
  local pods_for_all = math.min(opt.max_pods, math.ceil(sum / opt.target_streams))
  return sum > 1.1 * opt.target_streams * count and pods_for_all or math.min(count, pods_for_all)
end

-- Before the run is over: what is wrong with --gauge would be wrong to its end.
local function tell_lack_of_gauge()
  gauge.told = true
  lgen.log.warn("%s is on no page of %s: is --gauge right?", opt.gauge, lgen.json.encode(lgen.metrics))
  lgen.event("gauge_missing", { gauge = opt.gauge })
end

local function tell_of_speed()
  local scale = story:facts().time_scale
  if speed_told or not scale or not opt.speed or scale == opt.speed then return end
  speed_told = true
  lgen.log.warn("--speed %g: the cluster's time runs %g times as fast, as it tells; that is taken", opt.speed, scale)
end

-- The pods that streams reached, by what answers say, or else by their gauges.
local function answering()
  local by_answer, by_gauge = {}, {}
  for name, pod in pairs(seen) do
    if backends[name] then by_answer[name] = true end
    if pod.first_stream then by_gauge[name] = true end
  end
  return next(by_answer) and by_answer or next(by_gauge) and by_gauge or seen
end

local function note_values(p)
  for name, value in pairs(p.values) do
    local pod = seen[name]
    if not pod then
      pod = { at = p.at }
      seen[name] = pod
      lgen.event("pod_seen", { pod = name })
    end
    if value > 0 then pod.first_stream = pod.first_stream or p.at end
    if value > 0 and value >= 0.8 * p.sum / p.pods then pod.share = pod.share or p.at end
  end
end

local function look_at(sample)
  tell_of_speed()
  if not initial and sample.up == 0 then return end -- nobody is there yet
  local p = { at = sample.at, pods = sample.up, whole = sample.down == 0, sum = 0, squares = 0, most = 0, values = {},
    client = open, answered = answered, patient = count_patient(lgen.now()), vus = lgen.vus "streams",
    messages = messages, window = window }
  window = { open = open, answered = answered, opened = 0, ended = 0, left = 0 }
  for value, labels in sample:each(opt.gauge) do
    p.sum, p.squares, p.most = p.sum + value, p.squares + value * value, math.max(p.most, value)
    p.values[labels.pod] = value
  end
  gauge.found = gauge.found or next(p.values) ~= nil
  if p.whole and p.pods > 0 and not gauge.found and not gauge.told then tell_lack_of_gauge() end
  looks[#looks + 1] = p
  note_values(p)
  initial = initial or replicas.count_at_start(replicas.read_cluster(story, answering())) or sample.up
  for n = initial + 1, needs(p.sum, sample.up) do
    if not needed[n] then
      needed[n] = p.at
      lgen.event("pod_needed", { streams = p.sum, pods = n })
    end
  end
end

lgen.scenario("watch", {
  background = true,
  load = lgen.load.per_vu_iterations { max_duration = math.huge },
  run = function()
    local notes = pool and lgen.spawn(note_connections, pool)
    for sample in pods:samples() do look_at(sample) end
    if notes then notes:cancel() end
  end,
})

-- What it comes to -------------------------------------------------------------------------------------------------

lgen.teardown(function()
  if #looks > 0 then
    lgen.check("the pods' pages have the gauge", gauge.found, opt.gauge .. " is on none of them: is --gauge right?")
  end
  if #looks < 2 then
    lgen.check("the pods' pages were read", false, "fewer than two looks succeeded")
    return
  end
  if story.where then story:read() end
  local cluster = replicas.read_cluster(story, answering())
  local run = { opt = opt, channels = channels, looks = looks, seen = seen, needed = needed, initial = initial,
    lost = lost, refused = refused, made = made, left = left, closed = closed, times = times,
    answers_early = answers_early, cluster = cluster, speed = speed() }
  replicas.leave_out_others(run)
  waits.note(run)
  local observed, should = replicas.observed(run), replicas.by_function(run)
  replicas.print_looks(run, observed, should)
  replicas.print(run, observed, should)
  local new, hold = pod_lag.newcomers(run), evenness.hold(looks, opt.streams)
  pod_lag.print(run, new)
  pod_lag.judge(run, new, hold)
  if hold then evenness.print(run, hold) end
  losses_of.print(run)
  losses_of.judge_gauges(run)
  evenness.print_overload(run)
  lgen.check("nothing is left at the end", pods:wait_for(opt.gauge, "==", 0, { timeout = "5s" }))
end)
