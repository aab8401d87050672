-- What do clients lose while pods start, roll and stop, and why? Calls at a steady rate; every lost or slow one is put
-- down to one cause, with the pod and its age. First calls of each pod against its steady latency, with a warm-up and
-- without; held streams, drained or cut; which versions answered when.
local lgen = require "lgen"
local cells = require "lib.cells"
local cluster_story = require "lib.cluster_story"
local cold_starts = require "lib.cold_starts"
local connection_age = require "lib.connection_age"
local held_streams = require "lib.held_streams"
local pod_lives = require "lib.pod_lives"
local version_mix = require "lib.version_mix"
local warm_up = require "lib.warm_up"

lgen.plan {
  api = 1, name = "readiness_probe",
  about = "Steady calls while pods come, roll and go: what is lost or slow, and why. Meanwhile, in another "
    .. "terminal: kubectl (or lgen-cluster) rollout restart deployment/NAME, scale, delete pod.",
}

local opt = lgen.options {
  { "http", "string", help = "GET over HTTP, not SayHello over gRPC: a URL, or a path at --target (/hellohttp), "
    .. "for which --local=manifests=PATH,service=NAME names a service that speaks HTTP/1.1" },
  { "channels", "int", min = 1, help = "channels that the calls take turns on [4]" },
  { "lb", "choice", choices = { "pick_first", "round_robin" },
    help = "balancing policy of the channels, for a headless service (gRPC core only)" },
  { "fresh", "bool", help = "a new connection for each call" },
  { "timeout", "duration", default = "5s", min = 0.001, help = "a call that takes longer is lost" },
  { "slow", "duration", min = 0.001, help = "one that takes longer than this is slow [1s, at most half of --timeout]" },
  { "most-lost", "int", default = 0, min = 0, help = "fail when more calls are lost" },
  { "expect-change", "bool", help = "fail when no pod came or went meanwhile" },
  { "warm-up", "int", default = 0, min = 0,
    help = "first send calls until every backend has answered so many and its latency is flat" },
  { "backends", "int", min = 1, help = "the warm-up waits for so many backends at least [1]" },
  { "warm-up-limit", "duration", min = 0.001, help = "and fails after this [1m]" },
  { "streams", "int", default = 0, min = 0, help = "streams to hold meanwhile (streaming.Streamer at --target)" },
  { "every", "duration", min = 0.001, help = "pause between messages of a held stream [0.2s]" },
  { "age", "duration", min = 0.001, help = "the servers' limit of connection age, in the cluster's time" },
  { "grace", "duration", help = "and its grace [60s]" },
  { "version-from", "choice", choices = { "header", "body" }, default = "header",
    help = "x-version, or `version` of the reply" },
  { "upstream-header", "string", default = "x-upstream",
    help = "where a balancer that answers itself names the pod it could not reach (over gRPC seen by "
      .. "--transport h2 alone)" },
  { "near", "duration", default = "5s",
    help = "without a cluster's events: put losses down to a pod that first or last answered so near" },
  { "list", "bool", help = "print every lost or slow call" },
}

-- Flags that would do nothing are mistakes, and so are those that contradict each other: `because` says what to do.
local function refuse(flag, because)
  if opt[flag:gsub("%-", "_")] ~= nil then error(("--%s: %s"):format(flag, because), 0) end
end

if opt.http == "" then error("--http \"\": say a URL, http://HOST:PORT/PATH, or a path at --target, /hellohttp", 0) end
if opt.http then
  refuse("channels", "requests of --http go on connections as they come; leave it out")
  refuse("lb", "an HTTP client does not balance; leave it out, or call over gRPC without --http")
end
if opt.fresh then refuse("channels", "with --fresh each call has a channel of its own; leave one of them out") end
if opt.warm_up == 0 then
  refuse("backends", "it is the warm-up that waits for them; say --warm-up N, too")
  refuse("warm-up-limit", "there is no warm-up; say --warm-up N, too")
end
if opt.streams == 0 then refuse("every", "no streams are held; say --streams N, too") end
if not opt.age then refuse("grace", "it follows the limit of connection age; say --age, too") end

opt.channels, opt.backends, opt.warm_up_limit = opt.channels or 4, opt.backends or 1, opt.warm_up_limit or 60
opt.every, opt.grace, opt.slow = opt.every or 0.2, opt.grace or 60, opt.slow or math.min(1, opt.timeout / 2)
if opt.slow >= opt.timeout then
  error(("--slow %gs: a call that takes longer than --timeout %gs is lost, so none would be slow; "
    .. "say less than that, or a longer --timeout"):format(opt.slow, opt.timeout), 0)
end

-- One call -----------------------------------------------------------------------------------------------------------

local function text_or_nil(value)
  if value == "" or value == "unknown" then return nil end
  return value
end

local function first_value(headers, name)
  local value = headers and headers[name]
  return type(value) == "table" and value[1] or value
end

local function version_of(headers, body)
  local version = first_value(headers, "x-version")
  if opt.version_from == "body" then version = type(body) == "table" and body.version or nil end
  return type(version) == "string" and version or "unknown"
end

-- {took =, backend =, version =} or {took =, message =, manner =, ...}; `done` is what is known of the call's end.
local function lost(err, done, took, headers, backend)
  return {
    took = took, code = err.code, message = err.message, kind = err.kind, manner = pod_lives.manner(err),
    backend = text_or_nil(backend), upstream = text_or_nil(first_value(headers, opt.upstream_header)),
    peer = done and done.peer,
  }
end

local ask    -- function(warming) -> as above
local target -- what it asks, as cluster_story.watch wants it
if opt.http then
  local base, path = opt.http:match "^(%a+://[^/?]+)(.*)$"
  if not base then path = opt.http end
  if path:sub(1, 1) ~= "/" then path = "/" .. path end
  target = base or lgen.target
  local web = lgen.http.client("web", { base = base, keepalive = not opt.fresh, timeout = opt.timeout })
  ask = function(warming)
    local res, err = web:get(path, warming and { name = "warm-up " .. path } or nil)
    if not res then return lost(err, err.call, err.call.timing.total, nil, nil) end
    local took = res.timing.total
    if res.status < 400 then
      return { took = took, backend = text_or_nil(res.backend), peer = res.peer,
        version = version_of(res.headers, opt.version_from == "body" and res:json()) }
    end
    -- By its header: where that is missing somebody else has answered in the pod's place.
    local said = { status = res.status, code = "HTTP " .. res.status, kind = "status",
      message = ("HTTP status %d %s"):format(res.status, res.reason) }
    local result = lost(said, res, took, res.headers, first_value(res.headers, "x-backend"))
    if result.backend then result.manner = "answered" end
    return result
  end
else
  target = lgen.target
  local api = lgen.proto { files = { "hello.proto" } }
  local SayHello = api:method "hello.Hello/SayHello"
  local pool = not opt.fresh
    and lgen.grpc.pool("main", lgen.target, { size = opt.channels, lb = opt.lb, timeout = opt.timeout })
  ask = function()
    local channel = pool or lgen.grpc.channel("fresh", lgen.target, { lb = opt.lb, timeout = opt.timeout })
    local reply, err, done = channel:call(SayHello, { name = "readiness_probe" })
    if not reply then
      local ended = err.call
      local who = first_value(ended.headers, "x-backend") or first_value(ended.trailers, "x-backend")
      return lost(err, ended, ended.duration, ended.headers, who)
    end
    return { took = done.duration, backend = text_or_nil(done.backend), version = version_of(done.headers, reply),
      peer = done.peer }
  end
end

-- What is written down of all calls -----------------------------------------------------------------------------------

local most_kept = 10000 -- lost or slow calls whose cause can be told

local answers = {}      -- {pod = {first = {at =, done =}, last = {at =, done =}}}
local everything, measured = cold_starts.book(), cold_starts.book()
local counts = { calls = 0, lost = 0, slow = 0 }
local to_explain = {}   -- lost and slow calls
local versions = version_mix.new()
local outcomes = lgen.counter("answers", {
  help = "Calls by what became of them, and the version that answered.", labels = { "outcome", "version" },
})

local function note_answer(pod, at, took, peer)
  local seen = answers[pod]
  if not seen then
    seen = { first = { at = at, done = at + took }, last = { at = at, done = at + took } }
    answers[pod] = seen
    lgen.event("pod_seen", { pod = pod })
  end
  if at + took < seen.first.done then seen.first = { at = at, done = at + took } end
  if at + took > seen.last.done then seen.last = { at = at, done = at + took } end
  seen.peer = peer
  everything:add(pod, at, took)
end

local last_loss = -math.huge
local last_answer      -- when anybody answered last
local lost_since = 0   -- calls lost since then
local silent_since     -- as in pod_lives.cause_of_loss

-- A second without an answer is silence, where many calls are lost meanwhile.
local function note_silence()
  if silent_since or lost_since < 20 or last_loss < (last_answer or 0) + 1 then return end
  silent_since = last_answer or -math.huge
  lgen.event("nobody_answers", { since = last_answer })
end

local function note_loss(call)
  counts.lost, lost_since = counts.lost + 1, lost_since + 1
  if call.at > last_loss + 1 then lgen.event("losing_calls", { code = call.code, message = call.message }) end
  last_loss = math.max(last_loss, call.at)
  note_silence()
end

local function note(call)
  counts.from = math.min(counts.from or call.at, call.at)
  counts.calls = counts.calls + 1
  local slow = call.took > opt.slow
  local outcome = call.manner and "lost" or slow and "slow" or "in time"
  outcomes:add(1, { outcome = outcome, version = call.version or "none" })
  if call.manner then
    note_loss(call)
  else
    if slow then counts.slow = counts.slow + 1 end
    if versions:add(call.at, call.version) then lgen.event("version_seen", { version = call.version }) end
    if call.backend then measured:add(call.backend, call.at, call.took) end
  end
  if (call.manner or slow) and #to_explain < most_kept then to_explain[#to_explain + 1] = call end
end

-- Returns the call, or nil when the run's end has cut it short.
local function call_once(vu)
  local at = lgen.now()
  local call = ask(not vu)
  if call.kind == "cancelled" and (not vu or vu.stopping) then return end
  call.at = at
  if not call.manner then last_answer, lost_since, silent_since = math.max(last_answer or 0, at + call.took), 0, nil end
  if call.backend and not call.manner then note_answer(call.backend, at, call.took, call.peer) end
  return call
end

lgen.scenario("calls", {
  load = lgen.load.constant_rate { rate = 200, duration = "1m", max_vus = 1000 },
  run = function(vu)
    local call = call_once(vu)
    if call then note(call) end
  end,
})

-- Before ------------------------------------------------------------------------------------------------------------

local warmed -- what the warm-up came to

lgen.setup(function()
  if opt.warm_up == 0 then return end
  lgen.tag("part", "warm-up")
  warmed = warm_up.run(opt, everything, call_once, tonumber(lgen.load.given("calls", "rate") or 200))
  lgen.check("every backend is warm before the load begins", warmed.done,
    ("%d backends after %gs"):format(warmed.backends, opt.warm_up_limit))
  lgen.event("warm", { backends = warmed.backends })
end)

-- Meanwhile ----------------------------------------------------------------------------------------------------------

local story = cluster_story.watch(lgen.metrics, target)

local streams = held_streams.hold(opt, function(err, done, took, headers, answered)
  return lost(err, done, took, headers, first_value(answered, "x-backend"))
end)

local function rounded(value) return value and math.floor(value * 1e6 + 0.5) / 1e6 end

-- What it comes to ---------------------------------------------------------------------------------------------------

local losses = lgen.counter("losses", {
  help = "Lost and slow calls, cut and unopened streams, by cause; whether their pod is known or guessed.",
  labels = { "what", "cause", "pod", "certainty" },
})

-- {cause = {{pod =, lost =, slow =, cut =, unopened =, guessed =, ages = {least, most}, times = {…}}, …}}
local groups = {}

local function widen(range, value)
  if not value then return end
  range[1], range[2] = math.min(range[1] or value, value), math.max(range[2] or value, value)
end

-- In a line of a terminal that is not too narrow, where names are not too long.
local function list_call(what, at, pod, age, cause, message)
  local aged, reason = age and ("%.2fs"):format(age) or "unknown", message and ": " .. message:gsub("%c", " ") or ""
  local line = ("%7.2fs  %s  %s  aged %s  %s%s"):format(at, what, pod, aged, cause, reason)
  print(#line <= 100 and line or line:sub(1, 99):gsub("[\194-\244]?[\128-\191]*$", "") .. "…")
end

local function put_down(what, call, cause, life, guessed)
  local pod = call.backend or life and life.name or call.upstream or "unknown"
  local of_cause = groups[cause] or {}
  groups[cause] = of_cause
  local group = of_cause[pod]
  if not group then
    group = { pod = pod, lost = 0, slow = 0, cut = 0, unopened = 0, guessed = 0, ages = {}, times = {} }
    of_cause[pod], of_cause[#of_cause + 1] = group, group
  end
  group[what] = group[what] + 1
  group.guessed = group.guessed + (guessed and 1 or 0)
  local born = life and (life.created or life.answered)
  local at = what == "cut" and call.at + call.took or call.at
  widen(group.times, at)
  widen(group.ages, born and at - born)
  group.message = group.message or call.message
  if what == "lost" and cause == "cold start of a pod" and life then
    everything:lose(life.name)
    measured:lose(life.name)
  end
  losses:add(1, { what = what, cause = cause, pod = pod, certainty = guessed and "guessed" or "certain" })
  if opt.list then list_call(what, at, pod, born and at - born, cause, call.message) end
end

local wrong = { calls = 0 } -- and the message of the first of the calls that say that the target is wrong

local function explain_loss(what, call, lives, knows_events, limit)
  if pod_lives.at_wrong_target(call.message) then
    wrong.calls, wrong.message = wrong.calls + 1, wrong.message or call.message
  end
  local silence = not last_answer and -math.huge or silent_since
  local told = knows_events and not story:ended_before(call.at)
  call.by_balancer = story:balancer_refused(call.message)
  local cause, life, _, guessed = pod_lives.cause_of_loss(lives, call, told, silence, limit)
  put_down(what, call, cause, life, guessed)
end

local function explain(lives, knows_events)
  local limit = opt.age and connection_age.limit(opt.age, opt.grace, story:facts().time_scale or 1)
  for _, call in ipairs(to_explain) do
    if call.manner then
      explain_loss("lost", call, lives, knows_events, limit)
    else
      local life, page = lives[call.backend], everything:cold_start(call.backend)
      put_down("slow", call, pod_lives.cause_of_delay(life, call, page and page.warm_at or 0), life)
    end
  end
  for _, ended in ipairs(streams.cut) do explain_loss("cut", ended, lives, knows_events, limit) end
  for _, ended in ipairs(streams.unopened) do explain_loss("unopened", ended, lives, knows_events, limit) end
end

local function range_text(range)
  local from, to = ("%.1f"):format(range[1]), ("%.1fs"):format(range[2])
  return from .. "s" == to and to or from .. ".." .. to
end

local function age_text(ages)
  if not ages[1] then return "of unknown age" end
  if ages[2] < 0 then return "not seen before" end -- inferred: counted from its first answer
  return ("aged %s"):format(range_text({ math.max(0, ages[1]), ages[2] }))
end

local function sums_text(list)
  local sums, words = { lost = 0, slow = 0, cut = 0, unopened = 0 }, {}
  for _, group in ipairs(list) do
    for what in pairs(sums) do sums[what] = sums[what] + group[what] end
  end
  for _, pair in ipairs { { "lost", "lost" }, { "slow", "slow" }, { "cut", "streams cut" },
    { "unopened", "streams not opened" } } do
    if sums[pair[1]] > 0 then words[#words + 1] = ("%d %s"):format(sums[pair[1]], pair[2]) end
  end
  return table.concat(words, ", "), sums
end

local function print_group(group)
  local count = group.lost + group.slow + group.cut + group.unopened
  print(("  %6s  %-29s %-19s at %s"):format((group.guessed > 0 and "~" or "") .. count, group.pod:sub(-29),
    age_text(group.ages), range_text(group.times)))
  lgen.event("put_down", {
    cause = group.cause, pod = group.pod, lost = group.lost, slow = group.slow, cut = group.cut,
    unopened = group.unopened, guessed = group.guessed, from = rounded(group.times[1]), to = rounded(group.times[2]),
    youngest = rounded(group.ages[1]), oldest = rounded(group.ages[2]), message = group.message,
  })
end

local function print_text(text) cells.print_text(" ", text) end

-- What is to be known of all losses together.
local function print_remarks(knows_events, guessed)
  if counts.lost + counts.slow > #to_explain then
    print_text(("of the %d only the first %d have been looked into"):format(counts.lost + counts.slow, #to_explain))
  end
  if wrong.calls > 0 then
    print_text(("%d were not sent to what was meant; the target is wrong: %s"):format(wrong.calls, wrong.message))
  end
  if counts.lost > 0 and not last_answer then
    print_text "Nobody has ever answered at the target."
  elseif silent_since then
    print_text(("Since %.1fs nobody has answered any more: %d calls were lost."):format(silent_since, lost_since))
  end
  if guessed > 0 then
    print_text(("~ %d of these are guesses by time alone, as nothing tells whom they were sent to: a pod that was sure "
      .. "to lose them then is named, or else the one that came or left last."):format(guessed))
  end
  local unknown_cuts = groups.unexplained and select(2, sums_text(groups.unexplained)).cut or 0
  if unknown_cuts > 0 and not opt.age then
    print_text "Where servers limit the age of connections, that ends streams: --age and --grace say how."
  end
  if not knows_events then
    local why = story.of_others and "The cluster that told its events has none of the pods that answered."
      or "No cluster told its events."
    print_text(("%s Who starts and who goes is inferred from first and last answers, %gs around them; ages run from "
      .. "the first answer; whom a call without an answer was sent to, and whether it was told to go, is not "
      .. "known."):format(why, opt.near))
  elseif story.cut_short then
    print_text(("The cluster's events reach until %.1fs only: it has told none since."):format(story.until_at))
  end
end

local function print_causes(knows_events)
  print(("LOST AND SLOW: of %d calls %d were lost and %d took longer than %gs"):format(counts.calls, counts.lost,
    counts.slow, opt.slow))
  local guessed = 0
  for _, cause in ipairs(pod_lives.causes) do
    local list = groups[cause]
    if list then
      print(("  %s: %s"):format(cause, (sums_text(list))))
      table.sort(list, function(a, b) return a.times[1] < b.times[1] end)
      for _, group in ipairs(list) do
        group.cause = cause
        guessed = guessed + group.guessed
        print_group(group)
      end
    end
  end
  print_remarks(knows_events, guessed)
end

local function judge_change(knows_events)
  local changed = story:changed(answers, counts.from or 0)
  if not changed then
    print("  No pod came or went while the calls were made"
      .. (knows_events and "." or next(answers) and ", as far as answers tell." or ", as far as is known."))
    lgen.event("no_pod_came_or_went", { cluster_told = knows_events })
  end
  if opt.expect_change then lgen.check("pods came or went while the calls were made", changed) end
end

local function tell_cold_starts(phase, book)
  for _, pod in ipairs(book.pods) do
    local c = book:cold_start(pod)
    lgen.event("cold_start", {
      phase = phase, pod = pod, at = rounded(c.at), first = rounded(c.first), steady = rounded(c.steady), cold = c.cold,
      lost = c.lost, longest = rounded(c.longest),
    })
  end
end

local function print_cold_starts()
  tell_cold_starts("all", everything)
  if not warmed then return everything:print("FIRST CALLS of each pod", 12) end
  cells.print_text("WARM-UP:", ("%d calls; %d backend%s answered as it ended. LATENCY and STATUS CODES have them "
    .. "without a scenario, counters with the label part=warm-up."):format(warmed.calls, warmed.backends,
    warmed.backends == 1 and "" or "s"))
  print ""
  everything:print("FIRST CALLS of each pod, the warm-up's included", 12)
  print ""
  measured:print("FIRST CALLS of each pod after the warm-up", 12)
  tell_cold_starts("measured", measured)
end

local function count_of(cause, what)
  local _, sums = sums_text(groups[cause] or {})
  return sums[what]
end

-- {{whether it is there, what prints it}, …}, an empty line between two.
local function print_parts(parts)
  local printed = false
  for _, part in ipairs(parts) do
    if part[1] then
      if printed then print "" end
      part[2]()
      printed = true
    end
  end
end

lgen.teardown(function()
  local lives, knows_events = story:lives(answers, opt.near)
  explain(lives, knows_events)
  print_parts({
    { #everything.pods > 0 or warmed, print_cold_starts },
    { #versions.names > 0, function() versions:print() end },
    { opt.streams > 0, function() streams:print() end },
    { true, function() print_causes(knows_events) end },
  })
  judge_change(knows_events)
  lgen.check(("at most %d calls are lost"):format(opt.most_lost), counts.lost <= opt.most_lost,
    ("%d of %d"):format(counts.lost, counts.calls))
  for _, pair in ipairs { { "lost", "every lost call has a cause" }, { "slow", "every slow call has a cause" },
    { "cut", "every held stream is drained or has a cause" } } do
    local unexplained = count_of("unexplained", pair[1])
    if pair[1] == "cut" then unexplained = unexplained + count_of("unexplained", "unopened") end
    lgen.check(pair[2], unexplained == 0, ("%d have none; --list shows them"):format(unexplained))
  end
end)
