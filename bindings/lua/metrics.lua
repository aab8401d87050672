-- lgen.group: in Lua, because fn may wait.
local modules = ...
local lgen, metrics, tasks = modules.lgen, modules._metrics, modules._tasks

function lgen.group(name, fn, ...)
  if type(name) ~= "string" then tasks.raise("lgen.group: name expected, got " .. type(name)) end
  if type(fn) ~= "function" then tasks.raise("lgen.group: function expected, got " .. type(fn)) end
  local before = metrics.tag_value "group"
  lgen.tag("group", name)
  local function leave(ok, ...)
    lgen.tag("group", before)
    if ok then return ... end
    error((...), 0)
  end
  return leave(pcall(fn, ...))
end
