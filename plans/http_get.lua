-- Is a service there, all the time, and which version of it? One GET after another, as a loop around curl would do it:
-- a connection for each, a pause after each answer, a line with status, time and version; 000 is a request that was lost.
-- With --per-second requests begin at their own times instead, whether or not the answers keep up.
local lgen = require "lgen"

lgen.plan { api = 1, name = "http_get", about = "A page asked for again and again: status, time and version of each answer." }

local opt = lgen.options {
  { "url", "url", help = "what to ask for; default: / at --target" },
  { "pause", "duration", default = "10ms", help = "after each answer" },
  { "per-second", "number", default = 0, min = 0, help = "requests a second, in an open load; 0: one after another" },
  { "in-flight", "int", default = 100, min = 1, help = "how many requests may run at a time with --per-second" },
  { "keepalive", "bool", default = false, help = "keep connections; default: a new one for each request" },
  { "follow", "int", default = 0, min = 0, help = "redirects to follow; the status of each hop is printed" },
  { "slow", "duration", default = "1s", help = "answers that take longer are counted as slow" },
  { "lost-after", "duration", help = "an answer that takes longer is lost: 000; default: wait for ever" },
  { "version-from", "choice", choices = { "header", "body" }, default = "header",
    help = "x-version, or `version` in the JSON body" },
  { "silent", "bool", default = false, help = "no line for each answer" },
}

local base, path = (opt.url or ""):match "^(%a+://[^/?]+)(.*)$"
local web = lgen.http.client("web", {
  base = base or "http://" .. lgen.target, keepalive = opt.keepalive, follow = opt.follow, timeout = opt.lost_after or 0,
})
if not path or path == "" then path = "/" end

local answers = lgen.counter("answers", { help = "By outcome and version.", labels = { "outcome", "version" } })
local open = opt.per_second > 0

-- Readable without a run's report: {version = {outcome = count}}.
local seen = {}

local function count(outcome, version)
  answers:add(1, { outcome = outcome, version = version })
  seen[version] = seen[version] or {}
  seen[version][outcome] = (seen[version][outcome] or 0) + 1
end

local function version_of(res)
  if opt.version_from == "header" then return res.headers["x-version"] or "unknown" end
  local value = res:json()
  return type(value) == "table" and value.version and tostring(value.version) or "unknown"
end

-- "301 302 200"
local function statuses(res)
  local list = {}
  for _, hop in ipairs(res.hops) do list[#list + 1] = hop.status end
  list[#list + 1] = res.status == 0 and "000" or res.status
  return table.concat(list, " ")
end

local function ask()
  local res, err = web:get(path)
  if not res then
    count("lost", "none")
    if not opt.silent then print(("000 %.6f %s"):format(err.call.timing.total, err.message)) end
  else
    local version, total = version_of(res), res.timing.total
    count(total > opt.slow and "slow" or "in time", version)
    if not opt.silent then print(("%s %.6f %s"):format(statuses(res), total, version)) end
  end
  lgen.check("answered", res, err)
end

local load = lgen.load.constant_vus { vus = 1, duration = "30s" } -- or what --duration says
if open then
  load = lgen.load.constant_rate { rate = opt.per_second, duration = "30s", max_vus = opt.in_flight }
end

lgen.scenario("get", {
  load = load,
  run = function()
    ask()
    if not open then lgen.sleep(opt.pause) end
  end,
})

lgen.teardown(function()
  local names = {}
  for version in pairs(seen) do names[#names + 1] = version end
  table.sort(names)
  for _, version in ipairs(names) do
    local of = seen[version]
    print(("version %s: %d in time, %d slow, %d lost"):format(version, of["in time"] or 0, of.slow or 0, of.lost or 0))
  end
end)
