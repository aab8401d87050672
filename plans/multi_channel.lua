-- Does the load balancer spread connections or streams, and over which pods? N channels (each one TCP connection)
-- carry M long-lived streams, dealt round robin; the report holds the channel x backend matrix and its verdict.
local lgen = require "lgen"

lgen.plan {
  api = 1,
  name = "multi_channel",
  about = "Spreads long-lived streams over channels and tells how the load balancer spreads them over pods.",
}

local opt = lgen.options {
  { "channels", "int", default = 3, min = 1, help = "channels, each with a TCP connection of its own" },
  { "streams", "int", default = 30, min = 1, help = "streams, dealt round robin over the channels" },
  { "hold", "duration", default = "30s", help = "how long streams are held once the last has started" },
  { "expect", "choice", choices = { "per_connection", "per_stream", "per_stream_within_subset", "inconclusive" },
    help = "fail unless this is the verdict" },
  { "client-id", "string", help = "client_id in every message [a random one]" },
  { "list-streams", "bool", help = "print every stream: its connection, backend, messages, how it ended" },
  { "like", "choice", default = "channel_test", choices = { "channel_test", "multiplex" },
    help = "which of the original clients to behave like" },
  { "every", "duration_range", help = "pause between messages of a stream [0.1s; multiplex: 0.1s..0.3s]" },
  { "stagger", "duration_range", help = "pause between starts of streams [0.1s..0.5s; multiplex: none]" },
  { "on-loss", "choice", choices = { "stream", "channel" },
    help = "what is made anew after a loss: the stream, or the channel once its last stream has ended "
      .. "[stream; multiplex: channel]" },
  { "channel-per-stream", "bool", help = "one channel for each stream, started 0.5 s apart" },
  { "reconnect", "duration_range", default = "1s..5s", choices = { "never" },
    help = "pause before what was lost comes back, or never" },
}

-- What the original clients do; explicit flags win.
local styles = {
  channel_test = { every = { min = 0.1, max = 0.1 }, stagger = { min = 0.1, max = 0.5 }, on_loss = "stream",
    text = function(stream, k) return ("[Stream %d] This is message number %d"):format(stream, k) end },
  multiplex = { every = { min = 0.1, max = 0.3 }, stagger = { min = 0, max = 0 }, on_loss = "channel",
    text = function(_, k) return ("Msg num %d"):format(k) end },
}
local style = styles[opt.like]
local every = opt.every or style.every
local stagger = opt.stagger or (opt.channel_per_stream and { min = 0.5, max = 0.5 }) or style.stagger
local on_loss = opt.on_loss or style.on_loss
if every.max == 0 then error("--every: the pause between messages must be longer than 0", 0) end
local channels = opt.channel_per_stream and opt.streams or opt.channels
local client_id = opt.client_id or lgen.random.string(8)

local api = lgen.proto { files = { "streaming.proto" } }
local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
local pool = lgen.grpc.pool("main", lgen.target, { size = channels })

local spread = lgen.distribution "streams over backends"
local losses = lgen.counter("stream_losses", { help = "streams that ended before their time" })
local returns = lgen.counter("stream_returns", { help = "streams opened again after a loss" })

-- Which streams each channel carries: dealt in turn, or (multiplex) in blocks. Either way the first `remainder`
-- channels have one more than the others.
local function deal()
  local base, remainder = math.floor(opt.streams / channels), opt.streams % channels
  local of_channel, next_stream = {}, 1
  for c = 1, channels do
    of_channel[c] = {}
    for n = 1, base + (c <= remainder and 1 or 0) do
      of_channel[c][n] = opt.like == "multiplex" and next_stream or c + (n - 1) * channels
      next_stream = next_stream + 1
    end
  end
  return of_channel
end
local streams_of = deal()

-- When each stream starts, in seconds after the first. The order is shuffled: streams dealt to channels in turn and a
-- balancer that deals to pods in turn would march in step, and every channel would seem to have a pod of its own.
local order = {}
for i = 1, opt.streams do order[i] = i end
lgen.random.shuffle(order)
local starts, last_start = {}, 0
for position, i in ipairs(order) do
  if position > 1 then last_start = last_start + lgen.random.uniform(stagger.min, stagger.max) end
  starts[i] = last_start
end

-- Waits, but not beyond the end of the run; false when that has come.
local function wait(vu, seconds)
  if seconds > 0 then
    for _ in lgen.every(seconds, { count = 2 }) do end -- one tick at once, one in time
  end
  return not vu.stopping
end

local function uniform(range) return lgen.random.uniform(range.min, range.max) end

-- Sends a message every so often until the stream is lost or the run ends.
local function send_messages(vu, s, i)
  local k = 0
  local function send_one()
    k = k + 1
    return s:send { message = style.text(i, k), channel_id = vu.index, client_id = client_id }
  end
  if every.min < every.max then
    repeat until not send_one() or not wait(vu, uniform(every))
  else
    for _ in lgen.every(every.min) do
      if not send_one() then return end
    end
  end
end

local lives = {} -- for --list-streams: one entry for every stream that has ended

-- Who served a stream, as far as it is known; nil when it reached nobody.
local function backend_of(s)
  local known, backend = pcall(s.backend, s) -- raises when the run is cut short and nobody has answered
  return known and backend or (s.connection and "unknown")
end

-- Writes down what became of a stream. One that reached nobody says nothing about the balancer.
local function remember(s, i, opened, lost, code)
  local backend = backend_of(s)
  local life = { stream = i, connection = s.connection or "none", backend = backend or "none", sent = s.sent,
    status = code }
  if backend then spread:add(s.connection or s.channel .. "#?", backend) end
  lgen.event(lost and "stream_lost" or "stream_ended", life)
  if opt.list_streams then
    life.opened, life.ended = opened, lgen.now()
    table.insert(lives, life)
  end
end

-- One life of a stream; true when it was lost.
local function hold_stream(vu, channel, i)
  local opened = lgen.now()
  local s = channel:open(ProcessTextStream)
  send_messages(vu, s, i)
  local too_early = not vu.stopping
  local finished, reply, status = pcall(function()
    local r, st = s:close() -- no tail call: the end of the run must be raised in here
    return r, st
  end)
  if not finished then -- the run is over, and the server still has not answered
    losses:add()
    remember(s, i, opened, true, "CANCELLED")
    error(reply, 0)
  end
  if reply then lgen.check("the reply counts every message", reply.message_count == s.sent) end
  local lost = too_early or not reply
  if lost then losses:add() end
  remember(s, i, opened, lost, status and status.code or "OK")
  return lost
end

local function comes_back(vu) return opt.reconnect ~= "never" and wait(vu, uniform(opt.reconnect)) end

local function came_back(i)
  returns:add()
  lgen.event("stream_returned", { stream = i })
end

-- Rule `stream`: each stream opens itself anew on its channel.
local function keep_stream(vu, channel, i)
  while hold_stream(vu, channel, i) and comes_back(vu) do came_back(i) end
end

-- Rule `channel`: when the last stream of the channel has ended, the channel and its streams are made anew.
local function keep_channel(vu, channel, streams)
  local delays = starts
  repeat
    local lives_of = {}
    for n, i in ipairs(streams) do
      lives_of[n] = function() return wait(vu, delays and delays[i] or 0) and hold_stream(vu, channel, i) end
    end
    local any_lost = false
    for _, lost in ipairs(lgen.all(lives_of)) do any_lost = any_lost or lost end
    local again = any_lost and comes_back(vu)
    if again then
      channel:reconnect()
      for _, i in ipairs(streams) do came_back(i) end
      delays = nil
    end
  until not again
end

local function keep_streams(vu, channel, streams)
  local tasks = {}
  for n, i in ipairs(streams) do
    tasks[n] = function()
      if wait(vu, starts[i]) then keep_stream(vu, channel, i) end
    end
  end
  lgen.all(tasks)
end

lgen.scenario("streams", {
  load = lgen.load.per_vu_iterations {
    vus = channels, iterations = 1, max_duration = last_start + opt.hold,
  },
  fixed = {
    vus = "each channel has one virtual user; use --channels and --streams",
    iterations = "each channel holds its streams once; use --hold for how long",
  },
  run = function(vu)
    local keep = on_loss == "channel" and keep_channel or keep_streams
    keep(vu, pool[vu.index], streams_of[vu.index])
  end,
})

local function list_streams()
  table.sort(lives, function(a, b)
    if a.stream ~= b.stream then return a.stream < b.stream end
    return a.opened < b.opened
  end)
  for _, life in ipairs(lives) do
    print(("stream %-4d %-10s  %s  %.1fs..%.1fs  %d messages  %s"):format(life.stream, life.connection, life.backend,
      life.opened, life.ended, life.sent, life.status))
  end
end

lgen.teardown(function()
  list_streams()
  if not opt.expect then return end
  local verdict = spread:verdict()
  lgen.check("the verdict is " .. opt.expect, verdict.kind == opt.expect, verdict.kind .. ": " .. verdict.why)
end)
