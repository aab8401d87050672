-- Which backend gets which call where clients take turns themselves, and when do they meet new backends? Calls to a
-- headless name on a fresh channel each and on one shared channel, requests to gateways that ask the same backends (who
-- got which, twice: client to gateway, gateway to backend), and a look every second which backends there are.
local lgen = require "lgen"

lgen.plan {
  api = 1, name = "round_robin",
  about = "Calls over the backends of a headless name, by fresh channels, a shared one, and gateways.",
}

local verdicts = { "per_connection", "per_stream", "per_stream_within_subset", "inconclusive" }
local opt = lgen.options {
  { "gateway", "url", help = "also ask gateways: http://serve-svc; without --target, only these" },
  { "lb", "choice", default = "round_robin", choices = { "round_robin", "pick_first" },
    help = "balancing policy of the channels" },
  { "dns-floor", "duration", default = "30s",
    help = "least time between two questions of a channel to DNS (30 s is gRPC's own)" },
  { "look", "duration", default = "1s", min = 0.01, help = "how often to look which backends there are" },
  { "timeout", "duration", default = "5s", help = "deadline of a call or request" },
  { "clients", "int", default = 3, min = 1, help = "clients of the gateways, each with a connection that it keeps" },
  { "pause", "duration", default = "50ms", help = "a client's pause after it has asked each path both ways" },
  { "paths", "choice", list = true, default = "hellogrpc,hellohttp", choices = { "hellogrpc", "hellohttp" },
    help = "what gateways are asked for" },
  { "even", "number", min = 1,
    help = "fail unless the shared channel's busiest backend has at most so many times the mean" },
  { "newcomers", "choice", choices = { "met", "unmet" },
    help = "fail unless backends came while it ran, and the shared channel met them all, or none" },
  { "expect-kept", "choice", choices = verdicts, help = "fail unless kept connections spread over gateways so" },
  { "expect-grpc", "choice", choices = verdicts, help = "fail unless gateways spread /hellogrpc over backends so" },
  { "expect-http", "choice", choices = verdicts, help = "fail unless gateways spread /hellohttp over backends so" },
}

local direct = not opt.gateway or pcall(function() return lgen.target end)

-- Backends: who was there from when on, and how often each way has met it. -------------------------------------------

local ways = { "fresh", "shared", "look" }
local backends = {} -- {name = {from = s, newcomer =, fresh = {calls =, first = s}, shared = …, look = …}}
local looks = 0

local function meet(way, name)
  local now = lgen.now()
  local backend = backends[name]
  if not backend then
    backend = { from = now, newcomer = looks >= 3 }
    for _, each in ipairs(ways) do backend[each] = { calls = 0 } end
    backends[name] = backend
    lgen.event("backend_seen", { backend = name, way = way })
  end
  local met = backend[way]
  if not met.first then
    met.first = now
    if way == "shared" then lgen.event("backend_met", { backend = name, after = now - backend.from }) end
  end
  met.calls = met.calls + 1
end

-- Straight to the backends -------------------------------------------------------------------------------------------

if direct then
  local api = lgen.proto { files = { "hello.proto" } }
  local SayHello = api:method "hello.Hello/SayHello"
  local dns = { ["grpc.dns_min_time_between_resolutions_ms"] = math.floor(opt.dns_floor * 1000) }
  local options = { lb = opt.lb, timeout = opt.timeout, args = dns }

  -- Calls once; the backend's name, or nil.
  local function call(channel, way)
    local reply, err, done = channel:call(SayHello, { name = way })
    if lgen.check("every call is answered", reply, err) then
      meet(way, done.backend)
      return done.backend
    end
  end

  local shared = lgen.grpc.channel("shared", lgen.target, options)
  lgen.scenario("shared", {
    load = lgen.load.constant_rate { rate = 20, duration = "30s", max_vus = 1 },
    run = function() call(shared, "shared") end,
  })
  lgen.scenario("fresh", {
    load = lgen.load.constant_rate { rate = 20, duration = "30s", max_vus = 10 },
    run = function() call(lgen.grpc.channel("fresh", lgen.target, options), "fresh") end,
  })

  -- A channel that asks DNS anew, and is used until two rounds have met nobody new.
  local function look_round()
    local channel = lgen.grpc.channel("look", lgen.target,
      { lb = "round_robin", transport = "grpc", timeout = opt.timeout, args = dns })
    local seen, count, old = {}, 0, 0
    while old < 2 * count + 2 do
      local name = call(channel, "look")
      if not name then break end
      if seen[name] then
        old = old + 1
      else
        seen[name], count, old = true, count + 1, 0
        lgen.sleep(0.02) -- more connections may be on their way
      end
    end
    channel:close()
    looks = looks + 1
  end
  lgen.scenario("look", {
    background = true,
    load = lgen.load.per_vu_iterations { max_duration = math.huge },
    run = function()
      for _ in lgen.every(opt.look) do look_round() end
    end,
  })
end

-- Through the gateways -----------------------------------------------------------------------------------------------

-- {name of a matrix = distribution}: who answers kept connections and new ones, and whom the gateways ask.
local spread = {}

local function ask(web, path, rows, row)
  local res, err = web:get("/" .. path .. "?name=round_robin", { name = path })
  local body = res and res.status == 200 and res:json()
  local answered = type(body) == "table" and type(body.response) == "table"
  if not lgen.check("every request is answered", answered, err or ("status %d: %s"):format(res.status, res.body)) then
    return
  end
  spread[rows]:add(row or res.connection, body.hostname)
  spread[path]:add(body.hostname, body.response.hostname)
end

if opt.gateway then
  spread.kept = lgen.distribution("kept connections over gateways", { cols = "gateway" })
  spread.fresh = lgen.distribution("requests on new connections over gateways", { rows = "client", cols = "gateway" })
  for _, path in ipairs(opt.paths) do
    spread[path] = lgen.distribution("gateways over backends by /" .. path, { rows = "gateway" })
  end

  local base = opt.gateway:match "^(.-)/*$"
  local fresh = lgen.http.client("fresh", { base = base, keepalive = false, timeout = opt.timeout })
  local kept = {}
  for i = 1, opt.clients do
    kept[i] = lgen.http.client(("kept[%d]"):format(i), { base = base, max_connections = 1, timeout = opt.timeout })
  end
  lgen.scenario("gateway", {
    load = lgen.load.constant_vus { vus = opt.clients, duration = "30s" },
    fixed = { vus = "each client has one virtual user; use --clients" },
    run = function(vu)
      for _, path in ipairs(opt.paths) do
        ask(kept[vu.index], path, "kept")
        ask(fresh, path, "fresh", "client " .. vu.index)
      end
      lgen.sleep(opt.pause)
    end,
  })
end

-- What it comes to ---------------------------------------------------------------------------------------------------

-- Backends in the order in which they were found.
local function in_order()
  local names = {}
  for name in pairs(backends) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if backends[a].from ~= backends[b].from then return backends[a].from < backends[b].from end
    return a < b
  end)
  return names
end

local function met_text(met, from, now)
  if met.calls == 0 then return ("never: not in %.1fs"):format(now - from) end
  return ("%6d, first after %.1fs"):format(met.calls, met.first - from)
end

local function print_backends(names)
  local width = #"backend"
  for _, name in ipairs(names) do width = math.max(width, #name) end
  local line = ("  %%-%ds  %%8s  %%-26s  %%s"):format(width)
  print "FRESH AND SHARED: calls that met each backend"
  print(line:format("backend", "there at", "fresh channels", "the shared channel"))
  local now = lgen.now()
  for _, name in ipairs(names) do
    local b = backends[name]
    print(line:format(name, ("%.1fs"):format(b.from), met_text(b.fresh, b.from, now), met_text(b.shared, b.from, now)))
  end
end

-- The shared channel's busiest backend over the mean, among those that were there from the start.
local function unevenness(names)
  local sum, most, count = 0, 0, 0
  for _, name in ipairs(names) do
    local b = backends[name]
    if not b.newcomer then
      sum, most, count = sum + b.shared.calls, math.max(most, b.shared.calls), count + 1
    end
  end
  return sum > 0 and most * count / sum or math.huge
end

local function tell_newcomers(names)
  local came, met, late = 0, 0, 0
  for _, name in ipairs(names) do
    local b = backends[name]
    if b.newcomer then
      came = came + 1
      if b.shared.first then
        met, late = met + 1, math.max(late, b.shared.first - b.from)
      end
    end
  end
  if came > 0 then
    print(("  %d came while it ran, of which the shared channel met %d%s. A channel asks DNS"):format(came, met,
      met > 0 and (", after %.1fs at most"):format(late) or ""))
    print "  again only when a connection of its own has ended: as long as all are healthy"
    print "  it meets nobody new, and the servers' limit of connection age is what ends them."
  end
  return came, met
end

local function judge_direct()
  local names = in_order()
  print_backends(names)
  local ratio = unevenness(names)
  print(("  The shared channel's busiest has %.2f x the mean of those there from the start."):format(ratio))
  local came, met = tell_newcomers(names)
  if opt.even then
    local name = ("the shared channel's busiest backend has at most %g x the mean"):format(opt.even)
    lgen.check(name, ratio <= opt.even, ratio)
  end
  if opt.newcomers then
    local wanted = opt.newcomers == "met" and came or 0
    lgen.check("the shared channel's newcomers are " .. opt.newcomers, came > 0 and met == wanted,
      ("%d came, %d met"):format(came, met))
  end
end

local function expect(kind, distribution, what)
  if not kind or not distribution then return end
  local verdict = distribution:verdict()
  lgen.check(("%s: %s"):format(what, kind), verdict.kind == kind, verdict.kind .. ": " .. verdict.why)
end

lgen.teardown(function()
  if direct then judge_direct() end
  expect(opt.expect_kept, spread.kept, "kept connections over gateways")
  expect(opt.expect_grpc, spread.hellogrpc, "gateways over backends by /hellogrpc")
  expect(opt.expect_http, spread.hellohttp, "gateways over backends by /hellohttp")
end)
