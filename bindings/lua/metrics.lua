-- lgen.group: in Lua, because fn may wait.
local modules = ...
local lgen, metrics = modules.lgen, modules._metrics

function lgen.group(name, fn, ...)
  local before = metrics.tag_value "group"
  lgen.tag("group", name)
  local function leave(ok, ...)
    lgen.tag("group", before)
    if ok then return ... end
    error((...), 0)
  end
  return leave(pcall(fn, ...))
end
