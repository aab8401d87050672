-- pairs and next, so that LuaJIT compiles loops over them rightly. That of Debian 12 (2.1, March 2022) has instructions of
-- its own for such loops; where one of two nested loops cannot be compiled it patches them, and from then on the outer
-- loop ends early or yields what is no key (https://github.com/LuaJIT/LuaJIT/issues/827). Loops over any function but
-- the builtin one are ordinary ones.
local next, type, error = next, type, error

local function step(t, key) return next(t, key) end

_G.next = step

function _G.pairs(t)
  if type(t) ~= "table" then
    error(("bad argument #1 to 'pairs' (table expected, got %s)"):format(type(t)), 2)
  end
  return step, t, nil
end
