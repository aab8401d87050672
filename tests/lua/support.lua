-- What the test plans share.
local lgen = require "lgen"
local support = {}

-- lgen.check; whatever can be collected is gone before the next step.
function support.check(...)
  collectgarbage()
  return lgen.check(...)
end

-- What fn raises.
function support.error_of(fn, ...)
  local ok, value = pcall(fn, ...)
  return not ok and value or "no error"
end

-- Whether fn raises an error with that text in it.
function support.raises(text, fn, ...)
  return tostring(support.error_of(fn, ...)):find(text, 1, true) ~= nil
end

-- One iteration that runs every function of `tests`, in the order of their names.
function support.run(tests)
  lgen.scenario("test", {
    load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
    run = function()
      local names = {}
      for name in pairs(tests) do names[#names + 1] = name end
      table.sort(names)
      for _, name in ipairs(names) do
        local ok, message = pcall(tests[name])
        support.check(name, ok, tostring(message))
      end
      support.check("every test ran", true)
    end,
  })
end

return support
