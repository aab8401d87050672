-- join, all, race, timeout and spawn, from the primitives of mod_task.cc. Loops that wait live in Lua: a C function
-- cannot go on after a yield.
local modules = ...
local tasks, lgen, Task = modules._tasks, modules.lgen, modules["lgen.Task"]

lgen.spawn = tasks.spawn

local function values_of(task)
  local function unpack_results(status, ...)
    if status == "returned" then return ... end
    error((...), 0)
  end
  return unpack_results(tasks.results(task))
end

local function as_task(item)
  return tasks.is_task(item) and item or tasks.spawn(item)
end

local function start_all(list)
  local started = {}
  for i, item in ipairs(list) do
    started[i] = as_task(item)
    tasks.adopt(started[i])
  end
  return started
end

local function cancel_all(list)
  for _, task in ipairs(list) do task:cancel() end
end

function Task:join(timeout)
  if not tasks.wait_any({ self }, timeout) then return nil, tasks.timeout_error(timeout) end
  return values_of(self)
end

function lgen.all(list)
  local started, results, open = start_all(list), {}, {}
  for i, task in ipairs(started) do open[i] = { task = task, index = i } end
  while #open > 0 do
    local waiting = {}
    for i, entry in ipairs(open) do waiting[i] = entry.task end
    local entry = table.remove(open, tasks.wait_any(waiting))
    local status, value = tasks.results(entry.task)
    if status ~= "returned" then
      cancel_all(started)
      error(value, 0)
    end
    results[entry.index] = value
  end
  return results
end

function lgen.race(list)
  local started = start_all(list)
  local first = started[tasks.wait_any(started)]
  cancel_all(started)
  return values_of(first)
end

function lgen.timeout(seconds, fn, ...)
  local task = tasks.spawn(fn, ...)
  if not tasks.wait_any({ task }, seconds) then
    task:cancel()
    return nil, tasks.timeout_error(seconds)
  end
  return values_of(task)
end
