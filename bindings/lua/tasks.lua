-- join, all, race and timeout, from the primitives of mod_task.cc: what waits more than once lives in Lua, because a C
-- function cannot go on after a yield.
local modules = ...
local tasks, lgen, Task = modules._tasks, modules.lgen, modules["lgen.Task"]

lgen.spawn = tasks.spawn

local function unpack_results(status, ...)
  if status == "returned" then return ... end
  error((...), 0)
end

local function values_of(task)
  return unpack_results(tasks.results(task))
end

-- A list 1..n of functions and tasks, all of them started; nothing is started when one of them is neither.
local function start_all(what, list)
  if type(list) ~= "table" then
    tasks.raise(("%s: a list of functions and tasks expected, got %s"):format(what, type(list)))
  end
  local entries = 0
  for key, item in pairs(list) do
    entries = entries + 1
    if type(item) ~= "function" and not tasks.is_task(item) then
      tasks.raise(("%s: entry %s: function or task expected, got %s"):format(what, tostring(key), type(item)))
    end
  end
  if entries ~= #list then tasks.raise(what .. ": a list 1..n without holes expected") end
  local started = {}
  for i, item in ipairs(list) do
    started[i] = tasks.is_task(item) and item or tasks.spawn(item)
    tasks.adopt(started[i], true)
  end
  return started
end

local function cancel_all(list)
  for _, task in ipairs(list) do task:cancel() end
end

function Task:join(timeout)
  if tasks.wait_any({ self }, timeout) then return values_of(self) end
  tasks.adopt(self, false)
  return nil, tasks.timeout_error(timeout)
end

function lgen.all(list)
  local started = start_all("lgen.all", list)
  local bad = tasks.wait_all(started)
  if bad then
    cancel_all(started)
    return values_of(started[bad])
  end
  local results = {}
  for i, task in ipairs(started) do results[i] = (values_of(task)) end
  return results
end

function lgen.race(list)
  local started = start_all("lgen.race", list)
  if #started == 0 then tasks.raise "lgen.race: nothing to wait for" end
  local first = started[tasks.wait_any(started)]
  cancel_all(started)
  return values_of(first)
end

function lgen.timeout(seconds, fn, ...)
  local task = tasks.spawn(fn, ...)
  if tasks.wait_any({ task }, seconds) then return values_of(task) end
  task:cancel()
  return nil, tasks.timeout_error(seconds)
end
