-- Finds globals in bytecode (jit.util), and makes math.random draw from the task's own stream.
--
-- A plan has no globals of its own, so every GSET is a mistake, and every GGET of a name that Lua does not define too.
local modules = ...
local jutil = require "jit.util"
local bit = require "bit"

math.random = modules._math.random
math.randomseed = modules._math.randomseed

-- Operation numbers differ between builds of LuaJIT: two chunks that must contain them tell.
local function opcode(text, pc)
  return bit.band(jutil.funcbc(loadstring(text), pc), 0xff)
end
local GSET, GGET = opcode("x = 1", 2), opcode("return x", 1)

local known = {}
for name in pairs(_G) do known[name] = true end

local function finding(fn, pc, what)
  local info = jutil.funcinfo(fn, pc)
  return info.source:gsub("^@", "") .. ":" .. info.currentline .. ": " .. what
end

local function scan(fn, findings)
  local pc = 1
  while true do
    local instruction = jutil.funcbc(fn, pc)
    if not instruction then break end
    local op = bit.band(instruction, 0xff)
    if op == GGET or op == GSET then
      local name = jutil.funck(fn, -bit.rshift(instruction, 16) - 1)
      if op == GSET then
        findings[#findings + 1] = finding(fn, pc, "writes global '" .. name .. "'; add 'local'")
      elseif not known[name] then
        findings[#findings + 1] = finding(fn, pc, "reads global '" .. name .. "', which nobody defines")
      end
    end
    pc = pc + 1
  end
  for index = -1, -jutil.funcinfo(fn).gcconsts, -1 do
    local constant = jutil.funck(fn, index)
    if type(constant) == "proto" then scan(constant, findings) end
  end
end

local function findings_in(fn)
  local findings = {}
  scan(fn, findings)
  return table.concat(findings, "\n")
end

-- The loader of require for Lua files, with the scan in between.
local searchers = package.loaders
local load_file = searchers[2]
modules._lint.set_install(function()
  searchers[2] = function(name)
    local loader, extra = load_file(name)
    if type(loader) == "function" and jutil.funcinfo(loader).source then
      local findings = findings_in(loader)
      if findings ~= "" then error(findings, 0) end
    end
    return loader, extra
  end
end)
modules._lint.set_findings(findings_in)
