-- Time, random, metrics, distribution, log and json as the plan API says. Needs no server.
local lgen = require "lgen"
local support = require "support"
local check, raises = support.check, support.raises
local random = lgen.random

local latency = lgen.histogram("latency", { unit = "s", labels = { "kind" } })
local level = lgen.gauge "level"
local hits = lgen.rate("hits", { labels = { "kind", "hot" } })
local total = lgen.counter("total", { help = "all of them", max_series = 3, labels = { "n" } })
local spread = lgen.distribution("spread", { rows = "row", cols = "col" })
local known = lgen.proto {
  files = { "google/protobuf/struct.proto", "google/protobuf/timestamp.proto", "google/protobuf/duration.proto",
    "google/protobuf/wrappers.proto" },
}
local at_load = { random.int(1, 1e9), random.int(1, 1e9), lgen.now() }

local tests = {}

function tests.time_passes()
  local before = lgen.now()
  lgen.sleep "2ms"
  check("sleep takes its time", lgen.now() - before >= 0.002)
  before = lgen.now()
  lgen.delay("1ms", 0.002)
  check("delay is at least its minimum", lgen.now() - before >= 0.001)
  lgen.sleep_until(lgen.now() + 0.001)
  lgen.sleep_until(0)
  lgen.sleep_until(-1 / 0)
  check("time is the wall clock", math.abs(lgen.time() - os.time()) < 60)
  check("the run has started", lgen.now() > 0 and at_load[3] == 0)
  local _, err = lgen.timeout("1ms", lgen.sleep, math.huge)
  check("for ever is possible", err.kind == "timeout")
  check("a sleep is not negative", raises("lgen.sleep: a duration is not negative, got -1", lgen.sleep, -1))
  check("nor nan", raises("a duration is not negative", lgen.sleep, 0 / 0))
  check("a sleep is a duration", raises('lgen.sleep: duration (seconds or "250ms") expected, got table', lgen.sleep, {}))
end

function tests.every_ticks_without_drift()
  local started, ticks = lgen.now(), {}
  for tick in lgen.every("2ms", { count = 4 }) do ticks[#ticks + 1] = { tick, lgen.now() } end
  check("count limits the ticks", #ticks >= 1 and #ticks <= 4)
  local early = false
  for _, t in ipairs(ticks) do early = early or t[2] < started + (t[1] - 1) * 0.002 - 1e-6 end
  check("no tick is early", not early)
  local n = 0
  for _ in lgen.every("1ms", { duration = "3ms" }) do n = n + 1 end
  check("duration limits the ticks", n >= 1 and n <= 4, n)
  local last, missed
  for tick, skipped in lgen.every "1ms" do
    last, missed = tick, skipped
    if tick > 1 then break end
    lgen.sleep "10ms"
  end
  check("missed ticks are counted, not replayed", missed >= 8 and last == missed + 2, missed)
  for _ in lgen.every("1ms", { jitter = "0.5ms", count = 3 }) do end
  for _ in lgen.every(1e300, { count = 1 }) do end
  check("unknown options raise", raises("unknown option 'cuont' (did you mean 'count'?)", lgen.every, 1, { cuont = 1 }))
end

function tests.random_draws()
  local sum, low, high = 0, math.huge, -math.huge
  for _ = 1, 10000 do
    local x = random.uniform(2, 4)
    sum, low, high = sum + x, math.min(low, x), math.max(high, x)
  end
  check("uniform", low >= 2 and high < 4 and math.abs(sum / 10000 - 3) < 0.05)
  local seen = {}
  for _ = 1, 1000 do seen[random.int(-1, 1)] = true end
  check("int includes both ends", seen[-1] and seen[0] and seen[1])
  local mean = 0
  for _ = 1, 10000 do mean = mean + random.exponential(5) / 10000 end
  check("exponential has its mean", math.abs(mean - 5) < 0.5)
  local squares = 0
  for _ = 1, 10000 do squares = squares + (random.normal(10, 2) - 10) ^ 2 / 10000 end
  check("normal has its deviation", math.abs(squares - 4) < 0.5)
  check("lognormal is positive", random.lognormal(0, 1) > 0)
  check("bool of 0 and 1", not random.bool(0) and random.bool(1))
  check("string", #random.string(20) == 20 and random.string(20):match "^%w+$")
  check("bytes", #random.bytes(7) == 7 and random.bytes(0) == "")
  check("uuid", random.uuid():match "^%x+%-%x+%-4%x%x%x%-[89ab]%x%x%x%-%x+$" and #random.uuid() == 36)
  check("choice", ({ a = true, b = true })[random.choice { "a", "b" }])
  local weights = { a = 0, b = 0 }
  for _ = 1, 1000 do
    local v = random.weighted { { "a", 9 }, { "b", 1 }, { "c", 0 } }
    weights[v] = weights[v] + 1
  end
  check("weighted", weights.a > 800 and weights.b > 40)
  local list = { 1, 2, 3, 4, 5 }
  local shuffled = random.shuffle(list)
  table.sort(shuffled)
  check("shuffle keeps the list", shuffled == list and table.concat(list) == "12345")
  check("math.random draws, too", math.random() < 1 and math.random(3) <= 3 and math.random(5, 6) >= 5)
  check("draws at load differ", at_load[1] ~= at_load[2])
  check("choice of nothing", raises("lgen.random.choice: the list is empty", random.choice, {}))
  check("weights of nothing", raises("lgen.random.weighted: the weights add up to 0", random.weighted, { { 1, 0 } }))
  check("an empty range", raises("lgen.random.int: 1 is out of range (2..", random.int, 2, 1))
  check("half numbers", raises("math.random: whole number expected, got number 1.5", math.random, 1.5))
end

function tests.metrics_record()
  for i = 1, 10 do latency:record(i / 1000, { kind = i % 2 == 0 and "even" or "odd" }) end
  level:set(5)
  level:add()
  level:add(-2.5)
  hits:add(true, { kind = 1, hot = true })
  hits:add(false, { kind = "x", hot = false })
  for i = 1, 10 do total:add(1, { n = i }) end
  total:add()
  total:add(0.5)
end

function tests.metrics_are_strict()
  local rows = {
    { "counter:add: a counter only rises; use a gauge", total.add, total, -1 },
    { "counter:add: a finite number expected, got", total.add, total, 0 / 0 },
    { "counter:add: a finite number expected, got inf", total.add, total, 1 / 0 },
    { "histogram:record: a finite number expected, got", latency.record, latency, 0 / 0 },
    { "histogram:record: a value is not negative, got -1", latency.record, latency, -1 },
    { "histogram:record: number expected, got string", latency.record, latency, "5" },
    { "gauge:set: a finite number expected, got -inf", level.set, level, -1 / 0 },
    { "rate:add: boolean expected, got number 1", hits.add, hits, 1 },
    { "latency: unknown label 'knid' (it has: kind)", latency.record, latency, 1, { knid = "x" } },
    { "level: unknown label 'x' (it has: none)", level.set, level, 1, { x = "x" } },
    { "latency: label kind: string expected, got table", latency.record, latency, 1, { kind = {} } },
    { "counter:add: lgen.Counter expected, got userdata", total.add, level },
    { "lgen.Gauge has no method or field 'recrod'", function() return level.recrod end },
    { "lgen.Gauge.x cannot be set", function() level.x = 1 end },
    { "lgen.event: fields: table expected, got number 5", lgen.event, "x", 5 },
    { "lgen.tag: value: string expected, got table", lgen.tag, "x", {} },
  }
  for _, row in ipairs(rows) do check(row[1], raises(unpack(row)), select(2, pcall(unpack(row, 2)))) end
end

function tests.distributions_judge()
  check("an empty one is inconclusive", spread:verdict().kind == "inconclusive")
  for row = 1, 3 do
    for _ = 1, 10 do spread:add(row, "pod-" .. row) end
  end
  local verdict = spread:verdict()
  check("each row on one column", verdict.kind == "per_connection" and #verdict.why > 0, verdict.why)
  check("the table", spread:table()["1"]["pod-1"] == 10)
  check("the columns are even", spread:jain() == 1 and spread:max_over_mean() == 1)
  spread:add("4", nil, 30)
  check("unknown is a column", spread:table()["4"].unknown == 30 and spread:verdict().kind == "inconclusive")
  check("n is a count", raises("distribution:add: n: -1 is out of range", spread.add, spread, "r", "c", -1))
end

function tests.json_goes_both_ways()
  local json = lgen.json
  local text = '{"a":[1,2.5,true,null],"b":{},"c":"x\\ny","d":-7}'
  local value = json.decode(text)
  check("decode", value.a[2] == 2.5 and value.a[4] == json.null and value.c == "x\ny" and value.d == -7)
  check("encode", json.encode(value) == text, json.encode(value))
  check("null is lgen.null", json.null == lgen.null and json.encode(lgen.null) == "null")
  check("empty lists and objects", json.encode { a = lgen.array {}, b = {} } == '{"a":[],"b":{}}')
  check("an empty list stays one", json.encode(json.decode "[[],{}]") == "[[],{}]")
  check("64 bits", json.encode(json.decode "[9223372036854775807,-9007199254740993,18446744073709551615]") ==
    "[9223372036854775807,-9007199254740993,18446744073709551615]")
  for _, whole in ipairs { "9007199254740991", "9007199254740992", "-9007199254740992", "9007199254740993",
    "-9223372036854775808", "9223372036854775807", "18446744073709551615", "0", "1000000000000000" } do
    check(whole .. " and back", json.encode(json.decode(whole)) == whole, json.encode(json.decode(whole)))
  end
  check("2^53", json.encode(2 ^ 53) == "9007199254740992" and json.encode(-2 ^ 53) == "-9007199254740992")
  check("cdata", json.encode { 2LL ^ 53, 2ULL ^ 63, -5LL } == "[9007199254740992,9223372036854775808,-5]")
  check("numbers where they are exact", type(json.decode "9007199254740992") == "number")
  check("nil is null", json.encode(nil) == "null")
  check("whole numbers have no point", json.encode { 1e15, 3.0, 0.1 } == "[1000000000000000,3,0.1]", json.encode { 1e15 })
  local none, why = json.decode "{"
  check("bad text gives nil, why", none == nil and why:find "^parse error at line 1", why)
  local _, deep = json.decode(("["):rep(200000) .. ("]"):rep(200000))
  check("text nested too deep gives nil, why", deep == "nested too deep", deep)
  local loop = {}
  loop.loop = loop
  check("a table inside itself", raises("lgen.json.encode: loop: a table that contains itself", json.encode, loop))
  check("and where", raises("lgen.json.encode: [2].a.loop: a table that contains itself", json.encode, { 1, { a = loop } }))
  local tree = {}
  for _ = 1, 101 do tree = { tree } end
  check("a table nested too deep", raises("lgen.json.encode: tables nested too deep", json.encode, tree))
  local twice = { 1 }
  check("a table there twice is none", json.encode { twice, { twice } } == "[[1],[[1]]]")
  check("a function", raises("lgen.json.encode: JSON has no function", json.encode, { print }))
  check("nan", raises("lgen.json.encode: JSON has no nan and no infinity", json.encode, 0 / 0))
  check("bytes", raises("lgen.json.encode: a string is not UTF-8", json.encode, "\255"))
  check("mixed keys", raises("a table is either a list 1..n or has string keys", json.encode, { 1, a = 2 }))
  check("array wants a table", raises("lgen.array: table expected, got number 1", lgen.array, 1))
  check("array wants a plain table", raises("a table without a metatable expected", lgen.array, setmetatable({}, {})))
  check("array gives its table", lgen.array(lgen.array { 1 })[1] == 1 and #lgen.array() == 0)
  check("decode wants a string", raises("lgen.json.decode: string expected, got table", json.decode, {}))
end

function tests.well_known_types_are_what_they_stand_for()
  local function bytes(type, value) return known:message("google.protobuf." .. type, value).bytes end
  check("a wrapper", bytes("Int64Value", 7) == "\8\7" and known:decode("google.protobuf.Int64Value", "\8\7") == 7)
  check("a time", bytes("Timestamp", 5) == "\8\5" and known:decode("google.protobuf.Duration", "\8\5") == 5)
  check("null", bytes("Value", lgen.null) == "\8\0" and known:decode("google.protobuf.Value", "\8\0") == lgen.null)
  check("an empty list", bytes("Value", lgen.array {}) == "\50\0" and bytes("Value", {}) == "\42\0")
  check("JSON as it came", lgen.json.encode(known:decode("google.protobuf.Value",
    bytes("Value", lgen.json.decode '{"a":[],"b":[1,null,{}]}'))) == '{"a":[],"b":[1,null,{}]}')
  check("nothing is no wrapper", raises("api:message: google.protobuf.Int64Value expected, got nil", bytes, "Int64Value"))
  check("another type", raises("api:message: google.protobuf.BoolValue: bool expected, got number 1", bytes, "BoolValue", 1))
end

function tests.checks_return_what_they_check()
  check("a check returns its value", lgen.check("value", 5) == 5)
  check("a check wants a name", raises("lgen.check: name: string expected, got boolean true", lgen.check, true))
end

function tests.errors_leave_nothing_behind()
  collectgarbage()
  local before = collectgarbage "count"
  for _ = 1, 5000 do pcall(lgen.sleep, "a text that is surely no duration, and too long for any small buffer") end
  collectgarbage()
  check("raising does not leak", collectgarbage "count" - before < 200)
end

support.run(tests)
