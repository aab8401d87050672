-- Tasks: spawn, join, all, race, timeout, cancellation and what belongs to a task. Needs no server.
local lgen = require "lgen"
local support = require "support"
local check, raises, error_of = support.check, support.raises, support.error_of
local hits = lgen.counter("hits", { labels = { "who" } })

local tests = {}

function tests.join_gives_the_values()
  local t = lgen.spawn(function(a, b) lgen.sleep(0.001) return a + b, nil, "c" end, 1, 2)
  check("a task that has not begun is not done", not t:done())
  local sum, none, c = t:join()
  check("join gives all values", sum == 3 and none == nil and c == "c")
  check("a joined task is done", t:done())
  check("join may be repeated", t:join() == 3)
end

function tests.join_raises_the_error_of_the_task()
  local t = lgen.spawn(function() error { reason = "mine" } end)
  check("join raises the task's own error value", error_of(t.join, t).reason == "mine")
  local u = lgen.spawn(function() error("text") end)
  check("join raises with the line of the task", raises("tasks.lua:", u.join, u))
end

function tests.join_with_a_time_limit()
  local t = lgen.spawn(lgen.sleep, 3600)
  local value, err = t:join("1ms")
  check("a join out of time gives nil, err", value == nil and err.kind == "timeout" and err.code == "DEADLINE_EXCEEDED")
  check("the err tells the limit", tostring(err) == "DEADLINE_EXCEEDED: not done within 1ms", tostring(err))
  check("the task goes on", not t:done())
  t:cancel()
  check("joining a cancelled task raises lgen.cancelled", error_of(t.join, t) == lgen.cancelled)
  check("a time limit must fit", raises("time limit: a duration is not negative, got -1", t.join, lgen.spawn(lgen.sleep, 1), -1))
end

function tests.a_task_cannot_wait_for_itself()
  local t
  t = lgen.spawn(function() return t:join() end)
  check("a task cannot wait for itself", raises("a task cannot wait for itself", t.join, t))
end

function tests.two_tasks_join_one()
  local slow = lgen.spawn(function() lgen.sleep(0.002) return 7 end)
  local both = lgen.all { function() return slow:join() end, function() return slow:join() end }
  check("two tasks may join one", both[1] == 7 and both[2] == 7)
end

function tests.all_gives_the_first_values_in_order()
  local r = lgen.all { function() lgen.sleep(0.003) return "a", "x" end, function() return "b" end,
    lgen.spawn(function() lgen.yield() return "c" end) }
  check("all gives the first values in order", r[1] == "a" and r[2] == "b" and r[3] == "c" and #r == 3)
  check("all of nothing is nothing", #lgen.all {} == 0)
  check("the same task may stand twice", #lgen.all((function() local t = lgen.spawn(lgen.now) return { t, t } end)()) == 2)
end

function tests.all_cancels_the_others_when_one_fails()
  local other = lgen.spawn(lgen.sleep, 3600)
  local failure = error_of(lgen.all, { other, function() lgen.yield() error("first") end })
  check("all raises the first error", tostring(failure):find("first", 1, true))
  check("all cancels the others", error_of(other.join, other) == lgen.cancelled)
end

function tests.race_gives_the_first()
  local loser = lgen.spawn(lgen.sleep, 3600)
  check("race gives the values of the first", lgen.race { loser, function() return "won" end } == "won")
  check("race cancels the others", error_of(loser.join, loser) == lgen.cancelled)
  check("race raises when the first fails", raises("lost", lgen.race, { function() error("lost") end }))
end

function tests.timeout_limits_a_function()
  local a, b = lgen.timeout(3600, function(x) lgen.yield() return x, "b" end, "a")
  check("timeout gives the values", a == "a" and b == "b")
  local cleaned = false
  local value, err = lgen.timeout("1ms", function()
    local _, reason = pcall(lgen.sleep, 3600)
    cleaned = reason == lgen.cancelled or cleaned
  end)
  check("timeout gives nil, err", value == nil and err.kind == "timeout")
  lgen.sleep(0.001)
  check("the function is cancelled", err ~= nil)
  check("timeout raises the function's error", raises("inside", lgen.timeout, 1, function() error("inside") end))
end

function tests.misuse_is_refused()
  check("all wants a list", raises("lgen.all: a list of functions and tasks expected, got nil", lgen.all))
  check("all wants functions", raises("lgen.all: entry 2: function or task expected, got number", lgen.all, { print, 3 }))
  check("all wants no keys", raises("lgen.all: a list 1..n without holes expected", lgen.all, { a = print }))
  check("race wants something", raises("lgen.race: nothing to wait for", lgen.race, {}))
  check("spawn wants a function", raises("lgen.spawn: function expected, got table", lgen.spawn, {}))
  check("misuse names the plan's line", raises("tasks.lua:", function() lgen.all() end))
  check("methods want ':'", raises("task:cancel: lgen.Task expected, got nothing; call methods with ':'",
    lgen.spawn(print).cancel))
end

function tests.cancel_reaches_the_wait()
  local seen, after = nil, nil
  local t = lgen.spawn(function()
    local ok, reason = pcall(function() lgen.sleep(3600) end)
    seen = not ok and reason
    after = error_of(lgen.sleep, 0)
  end)
  lgen.yield()
  t:cancel()
  check("joining it raises lgen.cancelled although it caught it", error_of(t.join, t) == lgen.cancelled)
  check("the wait raised lgen.cancelled", seen == lgen.cancelled)
  check("every further wait raises it, too", after == lgen.cancelled)
  check("lgen.cancelled has a text", tostring(lgen.cancelled) == "cancelled")
end

function tests.pcall_cannot_keep_a_task_alive()
  local rounds = 0
  local t = lgen.spawn(function()
    while true do
      rounds = rounds + 1
      pcall(function() lgen.sleep(3600) end)
    end
  end)
  lgen.yield()
  t:cancel()
  check("a loop of pcalls is ended", error_of(t.join, t) == lgen.cancelled)
  check("it had some waits to clean up", rounds >= 10 and rounds < 1000, rounds)
  local hot = lgen.spawn(function() -- long enough for the compiler to take an interest
    pcall(lgen.sleep, 3600)
    for _ = 1, 1e9 do
      pcall(function() pcall(lgen.sleep, 1) end)
    end
  end)
  lgen.yield()
  hot:cancel()
  check("also a nested and compiled one", error_of(hot.join, hot) == lgen.cancelled)
end

function tests.cancel_before_the_first_line()
  local ran = false
  local t = lgen.spawn(function() ran = true end)
  t:cancel()
  check("a task cancelled before it began never runs", error_of(t.join, t) == lgen.cancelled and not ran)
end

function tests.cancel_reaches_children()
  local child
  local t = lgen.spawn(function()
    child = lgen.spawn(lgen.sleep, 3600)
    child:join()
  end)
  lgen.sleep(0.001)
  t:cancel()
  check("cancelling a task cancels its children", error_of(t.join, t) == lgen.cancelled and child:done())
end

function tests.the_end_of_a_task_ends_its_children()
  local child
  lgen.spawn(function() child = lgen.spawn(lgen.sleep, 3600) lgen.yield() end):join()
  check("a task has ended when its children have", child:done())
  check("and they were cancelled", error_of(child.join, child) == lgen.cancelled)
end

function tests.an_error_nobody_joins_ends_the_parent()
  local parent = lgen.spawn(function()
    lgen.spawn(function() error("of the child") end)
    pcall(lgen.sleep, 3600)
    lgen.sleep(3600)
  end)
  check("an error nobody joins ends the parent", raises("of the child", parent.join, parent))
end

function tests.a_join_out_of_time_looks_away_again()
  local parent = lgen.spawn(function()
    local child = lgen.spawn(function() lgen.sleep(0.003) error("late") end)
    child:join("1ms")
    lgen.sleep(3600)
  end)
  check("an error after a join out of time ends the parent", raises("late", parent.join, parent))
end

function tests.errors_of_any_type()
  local odd = setmetatable({}, { __tostring = function() error("no text") end })
  local t = lgen.spawn(error, odd)
  check("an error value whose __tostring fails is only a value", error_of(t.join, t) == odd)
  local u = lgen.spawn(error, nil)
  check("even nil is an error", not pcall(u.join, u))
end

function tests.dropping_the_last_handle_inside_its_own_end()
  local order = {}
  local t = lgen.spawn(function() lgen.yield() return 1 end)
  local waiter = lgen.spawn(function() local v = t:join() t = nil collectgarbage() collectgarbage() order[1] = v end)
  waiter:join()
  check("a task may lose its last handle in its end", order[1] == 1)
end

function tests.yield_goes_where_it_can()
  local t = { 3, 1, 2 }
  check("not inside table.sort", raises("yield not possible inside table.sort; collect first, then wait", table.sort, t,
    function(a, b) lgen.yield() return a < b end))
  check("not inside table.sort, even in a pcall", raises("yield not possible inside table.sort", table.sort, t,
    function(a, b) assert(pcall(lgen.yield)) return a < b end))
  check("not inside string.gsub", raises("yield not possible inside string.gsub", string.gsub, "x", "x",
    function() lgen.sleep(1) end))
  local co = coroutine.create(function() lgen.sleep(1) end)
  local _, message = coroutine.resume(co)
  check("not inside a coroutine of one's own",
    message:find("lgen.sleep: waiting inside a coroutine of your own is not possible; use lgen.spawn", 1, true), message)
  local proxy = setmetatable({}, { __index = function(_, k) lgen.yield() return k .. "!" end })
  check("inside a metamethod", proxy.a == "a!")
  local function iterate() lgen.yield() return nil end
  for _ in iterate do end
  check("inside an iterator and a pcall", pcall(lgen.yield))
end

function tests.tags_belong_to_tasks()
  lgen.tag("who_tag", "parent")
  local inner = lgen.spawn(function() lgen.tag("who_tag", "child") hits:add(1) end)
  inner:join()
  hits:add(10)
  lgen.group("outer", function()
    hits:add(100)
    lgen.group("inner", function() lgen.yield() hits:add(1000) end)
    local _ = pcall(lgen.group, "broken", error, "x")
    hits:add(100)
  end)
  lgen.tag("who_tag", nil)
  hits:add(10000, { who = "me" })
  check("group gives the values", select("#", lgen.group("g", function(...) return ... end, 1, nil, 3)) == 3)
  check("group wants a name", raises("lgen.group: name expected, got function", lgen.group, print))
  check("group wants a function", raises("lgen.group: function expected, got nil", lgen.group, "x"))
  for i = 1, 3 do -- tags that come to lie where others have been
    lgen.spawn(function() lgen.tag("turn", i) hits:add(1) end):join()
  end
end

support.run(tests)
