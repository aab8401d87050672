-- Which versions answered when: shares of the answers over time, in at most 600 intervals.
local M = {}

local most, narrowest = 600, 0.25 -- intervals; seconds
local rows, columns = 20, 6       -- of the table

local Mix = {}
Mix.__index = Mix

-- names: in the order of their first answers. counts: {[interval] = {[version] = answers}}, from 0.
function M.new() return setmetatable({ names = {}, known = {}, counts = {}, width = narrowest }, Mix) end

-- Neighbours are put together.
local function halve(mix)
  local merged = {}
  for i, each in pairs(mix.counts) do
    local half = math.floor(i / 2)
    merged[half] = merged[half] or {}
    for name, count in pairs(each) do merged[half][name] = (merged[half][name] or 0) + count end
  end
  mix.counts, mix.width = merged, 2 * mix.width
end

-- True when nobody has answered with that version before.
function Mix:add(at, version)
  local is_new = not self.known[version]
  if is_new then self.known[version], self.names[#self.names + 1] = true, version end
  while at / self.width >= most do halve(self) end
  local i = math.floor(at / self.width)
  local each = self.counts[i] or {}
  self.counts[i] = each
  each[version] = (each[version] or 0) + 1
  return is_new
end

-- From one interval before the second version's first answer to one behind the last answer of any but the last to go.
local function changing(mix)
  local firsts, lasts = {}, {}
  for k, name in ipairs(mix.names) do
    local from, to = math.huge, 0
    for i, each in pairs(mix.counts) do
      if each[name] then from, to = math.min(from, i), math.max(to, i) end
    end
    firsts[k], lasts[k] = from, to
  end
  table.sort(firsts)
  table.sort(lasts)
  local to = math.min(lasts[#lasts], lasts[#lasts - 1] + 1)
  while not mix.counts[to] do to = to + 1 end -- nobody answered then: to the next answer
  return math.max(0, firsts[2] - 1), to
end

local function sums_of(mix, first, last)
  local sums, whole = {}, 0
  for i = first, last do
    for name, count in pairs(mix.counts[i] or {}) do
      sums[name], whole = (sums[name] or 0) + count, whole + count
    end
  end
  return sums, whole
end

function Mix:print()
  local names = self.names
  if #names == 0 then return end
  if #names == 1 then return print(("VERSIONS: all answers from %s"):format(names[1])) end
  local shown = { unpack(names, 1, columns) }
  print(("VERSIONS: shares of the answers; %d versions%s"):format(#names,
    #names > columns and (", of which %d are shown"):format(columns) or ""))
  local head = "        time"
  for _, name in ipairs(shown) do head = head .. (" %10s"):format(name:sub(-10)) end
  print(head)
  local from, to = changing(self)
  local count = math.min(rows, to - from + 1)
  for row = 0, count - 1 do
    local first = from + math.floor(row * (to - from + 1) / count)
    local behind = from + math.floor((row + 1) * (to - from + 1) / count)
    local sums, whole = sums_of(self, first, behind - 1)
    local line = ("    %7.2fs"):format(first * self.width)
    for _, name in ipairs(shown) do
      line = line .. (" %10s"):format(sums[name] and ("%.0f%%"):format(100 * sums[name] / whole) or "·")
    end
    print(line)
  end
end

return M
