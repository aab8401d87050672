-- Channels that come to every kind of end, each in a task of its own, several rounds of them. Before the first round and
-- after each it asks /scripted/look on a channel that stays, which is when the test counts descriptors.
local lgen = require "lgen"

lgen.plan { api = 1, name = "descriptors", about = "Connections that end in every way." }

local opt = lgen.options {
  { "rounds", "int", default = 3, min = 1, help = "how often all of it" },
  { "names", "string", required = true, help = "scripts that end a call, with commas between" },
  { "mute", "address", required = true, help = "where connections are made and nothing is said" },
  { "nobody", "address", required = true, help = "where nobody listens" },
}

local main = lgen.grpc.channel("main", lgen.target)
local patience = { initial = "20ms", min = "200ms", max = "200ms" }

local function tell(form, name, status) lgen.event("ended", { form = form, name = name, code = status.code }) end

local function unary(ch, name, options)
  local reply, err = ch:call("/scripted/" .. name, "ping", options)
  tell("unary", name, reply and { code = "OK" } or err)
end

local function stream(ch, name, options)
  local s = ch:open("/scripted/" .. name, options)
  s:send "ping"
  s:half_close()
  for _ in s:messages() do end
  tell("stream", name, s:status())
end

-- Each has a channel of its own, which is closed when its task ends.
local function alone(name, target, o, run)
  o.backoff = patience
  return lgen.spawn(function() run(lgen.grpc.channel(name, target, o), name) end)
end

local function ended_by_the_server(tasks)
  for name in opt.names:gmatch "[^,]+" do
    for _, form in ipairs { unary, stream } do
      tasks[#tasks + 1] = alone(name, lgen.target, {}, function(ch) form(ch, name, { timeout = 20, wait_for_ready = true }) end)
    end
  end
end

local function never_made(tasks)
  local soon = { timeout = 0.5, wait_for_ready = true }
  for name, how in pairs {
    mute = { opt.mute, {} },
    nobody = { opt.nobody, {} },
    handshake = { opt.mute, { tls = { verify = false } } },
    ["no TLS there"] = { lgen.target, { tls = { verify = false } } },
  } do
    tasks[#tasks + 1] = alone(name, how[1], how[2], function(ch)
      local err = select(2, ch:call("/scripted/answer", "ping", soon))
      tell("unary", name, err)
    end)
  end
end

local function ended_by_us(tasks)
  for _, form in ipairs { unary, stream } do
    tasks[#tasks + 1] = alone("deadline", lgen.target, {}, function(ch)
      form(ch, "silence", { timeout = 0.5, wait_for_ready = true })
    end)
    tasks[#tasks + 1] = alone("closed", lgen.target, {}, function(ch)
      assert(ch:wait_ready(20))
      local waiting = lgen.spawn(form, ch, "silence", { timeout = 20 })
      assert(ch:call("/scripted/answer", "ping", { timeout = 20 })) -- the other one has arrived
      ch:close()
      waiting:join()
    end)
  end
  tasks[#tasks + 1] = alone("left", lgen.target, {}, function(ch)
    assert(ch:call("/scripted/answer", "ping", { timeout = 20, wait_for_ready = true }))
    ch:open("/scripted/silence"):send "ping" -- and the task ends
  end)
end

local function look() assert(main:call("/scripted/look", "ping", { timeout = 60 })) end

lgen.scenario("descriptors", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "120s" },
  run = function()
    look()
    for _ = 1, opt.rounds do
      local tasks = {}
      ended_by_the_server(tasks)
      never_made(tasks)
      ended_by_us(tasks)
      lgen.all(tasks)
      look()
    end
  end,
})
