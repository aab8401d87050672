-- Pools and their pick rules, channels of a task, states, events and reconnects, against a real server.
local lgen = require "lgen"
local api = lgen.proto { files = { "hello.proto", "streaming.proto" } }
local SayHello = api:method "hello.Hello/SayHello"
local Process = api:method "streaming.Streamer/ProcessTextStream"
local robin = lgen.grpc.pool("robin", lgen.target, { size = 3 })
local shared = lgen.grpc.pool("shared", lgen.target, { size = 3, connection = "shared" })
local by_vu = lgen.grpc.pool("by_vu", lgen.target, { size = 3, pick = "by_vu" })
local least = lgen.grpc.pool("least", lgen.target, { size = 2, pick = "least_streams" })
local chosen = lgen.grpc.pool("chosen", lgen.target, {
  size = 3,
  pick = function(pool, vu) return (#pool - vu.id) % #pool + 1 end,
})
local single = lgen.grpc.channel("single", lgen.target)

local check = lgen.check

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  return not ok and tostring(message) or "no error"
end

local function channel_of(pool)
  local _, err, call = pool:call(SayHello, {})
  return call and call.channel or tostring(err)
end

local function pick_rules()
  check("round robin deals in turn", channel_of(robin) == "robin[1]" and channel_of(robin) == "robin[2]"
    and channel_of(robin) == "robin[3]" and channel_of(robin) == "robin[1]")
  local mine = channel_of(by_vu)
  check("by_vu keeps to one channel", mine == channel_of(by_vu) and mine == "by_vu[1]", mine)
  check("a function picks", channel_of(chosen) == "chosen[3]", channel_of(chosen))
  local held = least:open(Process)
  check("least_streams goes where fewer are open", channel_of(least) ~= held.channel)
  held:close(5)
end

local function pools_as_tables()
  check("a pool has a size", #robin == 3)
  check("a pool has its channels", robin[2].name == "robin[2]")
  check("an index beyond the size raises", raises(function() return robin[4] end):find("out of range", 1, true))
  local names = {}
  for i, ch in robin:each() do names[i] = ch.name end
  check("each gives them in order", table.concat(names, " ") == "robin[1] robin[2] robin[3]")
  check("one of a pool's channels can be called", select(3, robin[3]:call(SayHello, {})).channel == "robin[3]")
end

local function connections()
  local streams = {}
  for i = 1, 3 do
    streams[i] = shared:open(Process)
    streams[i]:backend()
  end
  check("a shared pool has one connection", streams[1].connection == "shared#1" and streams[3].connection == "shared#1",
    streams[1].connection)
  check("its handles keep their names", streams[1].channel == "shared[1]" and streams[3].channel == "shared[3]")
  for i = 1, 3 do streams[i]:close(5) end
  local own = robin[2]:open(Process)
  own:backend()
  check("an own pool has one each", own.connection == "robin[2]#1", own.connection)
  own:close(5)
end

local function states_and_events()
  check("ready after --wait-ready", single:state() == "READY", single:state())
  local seen = {}
  local watcher = lgen.spawn(function()
    for ev in single:events() do
      seen[#seen + 1] = ev
      if ev.state == "READY" then return end
    end
  end)
  lgen.yield()
  local old = single:open(Process)
  old:send { message = "before" }
  old:backend()
  single:reconnect()
  watcher:join(10)
  check("a reconnect is seen", #seen > 0 and seen[#seen].connection == "single#2" and seen[#seen].channel == "single",
    #seen > 0 and seen[#seen].connection)
  check("the old stream lives on", old:close(5).message_count == 1)
  local fresh = single:open(Process)
  fresh:backend()
  check("new streams take the new connection", fresh.connection == "single#2", fresh.connection)
  fresh:close(5)
end

local function channels_of_a_task()
  local ended
  lgen.spawn(function()
    local own = lgen.grpc.channel("task", lgen.target)
    check("a task may make a channel", own:call(SayHello, {}) ~= nil)
    ended = own
  end):join()
  check("it closes with the task", ended:state() == "SHUTDOWN", ended:state())
  local reply, err = ended:call(SayHello, {})
  check("calls on a closed channel fail", reply == nil and err.kind == "closed", err)
end

local function waiting_for_ready()
  check("a ready channel is ready at once", robin:wait_ready(5) == true)
  local ok, err = lgen.grpc.channel("nowhere", "127.0.0.1:1"):wait_ready("50ms")
  check("nobody there gives nil, err", ok == nil and tostring(err):find("127.0.0.1:1", 1, true), tostring(err))
  check("the error names the channel", tostring(err):find('channel "nowhere"', 1, true))
end

lgen.scenario("channels", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    pick_rules()
    pools_as_tables()
    connections()
    states_and_events()
    channels_of_a_task()
    waiting_for_ready()
    check("every test ran", true)
  end,
})
