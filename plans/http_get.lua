-- Is a service there, all the time, and which version of it? One GET after another, as a loop around curl would do it:
-- a connection for each, a pause after each answer, a line with status, time and version; 000 is a request that was lost.
-- With --rate R requests begin at their own times instead, R a second, whether or not the answers keep up.
local lgen = require "lgen"

lgen.plan {
  api = 1, name = "http_get",
  about = "One GET after another, or --rate R of them a second: status, time and version of each answer.",
}

local opt = lgen.options {
  { "url", "url", help = "what to ask for; default: / at --target" },
  { "pause", "duration", default = "10ms", help = "after each answer; not with --rate" },
  { "keepalive", "bool", default = false, help = "keep connections; default: a new one for each request" },
  { "follow", "int", default = 0, min = 0, help = "redirects to follow; the status of each hop is printed" },
  { "slow", "duration", default = "1s", help = "answers that take longer are counted as slow" },
  { "lost-after", "duration", help = "an answer that takes longer is lost: 000; default: wait for ever" },
  { "version-from", "choice", choices = { "header", "body" }, default = "header",
    help = "x-version, or `version` in the JSON body" },
  { "silent", "bool", default = false, help = "no line for each answer" },
}

local base, path
if opt.url then
  base, path = opt.url:match "^(%a+://[^/?]+)(.*)$"
  if not base then error(("--url: '%s' is no URL, such as http://localhost:8080/path"):format(opt.url), 0) end
  if path:find "[^!-~]" then
    error(("--url: '%s' holds a blank or what is not ASCII; write %%20, %%C3%%A9, ..."):format(opt.url), 0)
  end
else
  assert(lgen.target) -- the client's base then, with TLS or without, as its flags say
end
if not path or path == "" then path = "/" end
local web = lgen.http.client("web", {
  base = base, keepalive = opt.keepalive, follow = opt.follow, timeout = opt.lost_after or 0,
})

local answers = lgen.counter("answers", { help = "By outcome and version.", labels = { "outcome", "version" } })

-- Readable without a run's report: {version = {outcome = count}}.
local seen = {}

local function count(outcome, version)
  answers:add(1, { outcome = outcome, version = version })
  seen[version] = seen[version] or {}
  seen[version][outcome] = (seen[version][outcome] or 0) + 1
end

local function version_of(res)
  local version
  if opt.version_from == "header" then
    version = res.headers["x-version"]
  else
    local value = res:json()
    version = type(value) == "table" and value.version
  end
  if type(version) ~= "string" and type(version) ~= "number" then return "unknown" end
  return tostring(version)
end

-- "301 302 200", the last one as `last` says; a redirect that leads nowhere is a hop, too
local function statuses(res, last)
  local list = {}
  for _, hop in ipairs(res.hops) do list[#list + 1] = hop.status end
  if res.status ~= last and res.status >= 300 and res.status < 400 then list[#list + 1] = res.status end
  list[#list + 1] = last
  return table.concat(list, " ")
end

local function ask()
  local res, err = web:get(path)
  if not res then
    count("lost", "none")
    if not opt.silent then print(("%s %.6f %s"):format(statuses(err.call, "000"), err.call.timing.total, err.message)) end
  else
    local version, total = version_of(res), res.timing.total
    count(total > opt.slow and "slow" or "in time", version)
    if not opt.silent then print(("%s %.6f %s"):format(statuses(res, res.status), total, version)) end
  end
  lgen.check("answered", res, err)
end

-- --duration, --rate and --max-vus have the last word on these.
local open = lgen.load.given("get", "rate") ~= nil
local load = lgen.load.constant_vus { vus = 1, duration = "30s" }
if open then load = lgen.load.constant_rate { rate = 1, duration = "30s", max_vus = 100 } end

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
