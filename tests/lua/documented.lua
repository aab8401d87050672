-- Finds every function behind lgen's tables with the debug library and asks bindings/meta/lgen.d.lua for it.
local lgen = require "lgen"

local folder = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local documented, class = {}, nil
for line in io.lines(folder .. "/../../bindings/meta/lgen.d.lua") do
  class = line:match "^%-%-%-@class (%S+)" or class
  local field = line:match "^%-%-%-@field ([%w_]+)"
  if field then documented[class .. "." .. field] = true end
end

-- The one upvalue of an object's __index that is a table.
local function functions_of(object)
  local index = debug.getmetatable(object).__index
  for i = 1, 9 do
    local _, value = debug.getupvalue(index, i)
    if type(value) == "table" then return value end
  end
end

local bound = 0
local function look(name, object)
  for key, value in pairs(functions_of(object)) do
    bound = bound + 1
    lgen.check(name .. "." .. key .. " is documented", documented[name .. "." .. key] ~= nil)
    if type(value) == "table" then look(name .. "." .. key, value) end
  end
end

lgen.scenario("test", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1 },
  run = function()
    look("lgen", lgen)
    look("lgen.Task", lgen.spawn(print))
    lgen.check("there are many", bound > 50, bound)
    lgen.check("every test ran", true)
  end,
})
