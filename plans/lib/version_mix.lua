-- Which versions answered when: shares of the answers over time, in at most 600 intervals.
local cells = require "lib.cells"

local M = {}

local most, narrowest = 600, 0.25 -- intervals; seconds
local rows, columns = 20, 6       -- of the table
local least = 10                  -- a column's width

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

-- How many bytes all names have in common at their beginning, and behind that at their end.
local function in_common(names)
  local front, back = 0, 0
  local function alike(from, to)
    for _, name in ipairs(names) do
      if #name <= front + back + 1 or name:sub(from, to) ~= names[1]:sub(from, to) then return false end
    end
    return true
  end
  while alike(front + 1, front + 1) do front = front + 1 end
  while alike(-back - 1, -back - 1) do back = back + 1 end
  return front, back
end

local function widest(list)
  local width = least
  for _, text in ipairs(list) do width = math.max(width, #text) end
  return width
end

-- Heads of the columns, no two the same, and their width. Of names that do not fit into a line what they have in common
-- is left out; where that does not do they are numbered.
local function heads_of(names)
  local room, front, back = math.floor(68 / #names) - 1, in_common(names)
  if widest(names) <= room then return names, widest(names) end
  local short, taken, same = {}, {}, false
  for i, name in ipairs(names) do
    short[i] = name:sub(front + 1, -back - 1)
    if #short[i] > room then short[i] = short[i]:sub(-room) end
    same, taken[short[i]] = same or taken[short[i]], true
  end
  if not same then return short, widest(short) end
  for i, name in ipairs(names) do
    short[i] = ("#%d"):format(i)
    print(("  %s: %s"):format(short[i], name))
  end
  return short, least
end

function Mix:print()
  local names = self.names
  if #names == 0 then return end
  if #names == 1 then return print(("VERSIONS: all answers from %s"):format(names[1])) end
  local shown = { unpack(names, 1, columns) }
  print(("VERSIONS: shares of the answers; %d versions%s"):format(#names,
    #names > columns and (", of which %d are shown"):format(columns) or ""))
  local heads, width = heads_of(shown)
  local title = "        time"
  for _, head in ipairs(heads) do title = title .. " " .. cells.right(head, width) end
  print(title)
  local from, to = changing(self)
  local count = math.min(rows, to - from + 1)
  for row = 0, count - 1 do
    local first = from + math.floor(row * (to - from + 1) / count)
    local behind = from + math.floor((row + 1) * (to - from + 1) / count)
    local sums, whole = sums_of(self, first, behind - 1)
    local line = ("    %7.2fs"):format(first * self.width)
    for _, name in ipairs(shown) do
      line = line .. " " .. cells.right(sums[name] and ("%.0f%%"):format(100 * sums[name] / whole) or "·", width)
    end
    print(line)
  end
end

return M
