-- First calls of each pod against those that come later: how long its cold start was, and whether it is over.
--
-- A book has a page for each pod, of a size that does not grow: its earliest calls and its latest.
local cells = require "lib.cells"

local M = {}

local earliest, latest = 50, 200
local run = 5 -- so many calls in a row as fast as later: warm

local Book = {}
Book.__index = Book

function M.book() return setmetatable({ pages = {}, pods = {} }, Book) end

local function median(list)
  local sorted = { unpack(list) }
  table.sort(sorted)
  return sorted[math.ceil(#sorted / 2)]
end

-- Calls end in another order than they begin, and the first one ends late.
local function insert_by_start(list, call)
  local i = #list
  while i > 0 and list[i].at > call.at do i = i - 1 end
  table.insert(list, i + 1, call)
  list[earliest + 1] = nil
end

function Book:page(pod)
  local page = self.pages[pod]
  if not page then
    page = { calls = 0, lost = 0, first = {}, last = {}, next = 1 }
    self.pages[pod] = page
    self.pods[#self.pods + 1] = pod
  end
  return page
end

-- One of its first calls has never come back.
function Book:lose(pod)
  local page = self:page(pod)
  page.lost = page.lost + 1
end

-- The pods that have answered since.
function Book:answering(since)
  local list = {}
  for _, pod in ipairs(self.pods) do
    if (self.pages[pod].answered_at or 0) >= since then list[#list + 1] = pod end
  end
  return list
end

function Book:add(pod, at, took)
  local page = self:page(pod)
  page.calls = page.calls + 1
  page.answered_at = math.max(page.answered_at or 0, at + took)
  page.last[page.next] = took
  page.next = page.next % latest + 1
  if #page.first < earliest or at < page.first[earliest].at then
    insert_by_start(page.first, { at = at, took = took })
  end
end

-- How many calls came before the first `run` in a row that took no more than twice the steady time.
local function cold_calls(first, steady)
  local fast = 0
  for i, call in ipairs(first) do
    fast = call.took <= 2 * steady + 0.002 and fast + 1 or 0
    if fast == run then return i - run end
  end
  return #first - fast
end

-- What a pod's page comes to: {calls =, lost =, at =, first =, longest = (of the earliest), next = (median of the 2nd to
-- the 5th), steady =, cold = (calls, the lost ones included), warm_at =} in seconds; of a pod that has lost all only
-- counts. nil when it has none.
function Book:cold_start(pod)
  local page = self.pages[pod]
  if not page then return end
  if page.calls == 0 then return { calls = 0, lost = page.lost, cold = page.lost } end
  local few, steady, longest = {}, median(page.last), 0
  for i = 2, math.min(5, #page.first) do few[#few + 1] = page.first[i].took end
  for _, call in ipairs(page.first) do longest = math.max(longest, call.took) end
  local cold = cold_calls(page.first, steady)
  return {
    calls = page.calls, lost = page.lost, at = page.first[1].at, first = page.first[1].took, next = median(few),
    longest = longest, steady = steady, cold = page.lost + cold,
    warm_at = cold > 0 and page.first[cold].at + page.first[cold].took or page.first[1].at,
  }
end

-- Whether a pod has answered `count` calls, and the later half of its latest took no less and no more than the half
-- before.
function Book:is_flat(pod, count)
  local page = self.pages[pod]
  if page.calls < count then return false end
  local list, half = {}, math.max(run, math.floor(math.min(count, latest) / 2))
  for i = math.max(1, page.calls - 2 * half + 1), page.calls do list[#list + 1] = page.last[(i - 1) % latest + 1] end
  if #list < 2 * half then return false end
  local before, now = { unpack(list, 1, half) }, { unpack(list, half + 1) }
  return math.abs(median(now) - median(before)) <= 0.25 * median(before) + 0.001
end

-- 1.23ms, 123ms, 1.23s
function M.text(seconds)
  if not seconds then return "·" end
  if seconds < 0.01 then return ("%.2fms"):format(seconds * 1000) end
  if seconds < 0.9995 then return ("%.0fms"):format(seconds * 1000) end
  return ("%.2fs"):format(seconds)
end

-- In a cell of eight columns.
local function dotted(seconds) return cells.right(M.text(seconds), 8) end

-- A table of at most `most` pods, in the order in which they were met.
function Book:print(title, most)
  if #self.pods == 0 then return end
  local width = #"pod"
  for _, pod in ipairs(self.pods) do width = math.max(width, math.min(28, #pod)) end
  print(title)
  local line = ("  %%-%ds %%8s %%6s %%8s %%8s %%8s %%5s"):format(width)
  print(line:format("pod", "first at", "calls", "1st took", "2nd-5th", "steady", "cold"))
  for i, pod in ipairs(self.pods) do
    if i > most then
      print(("  and %d more"):format(#self.pods - most))
      break
    end
    local c = self:cold_start(pod)
    local first = c.lost > 0 and ("lost %d"):format(c.lost) or M.text(c.first)
    print(line:format(pod:sub(-width), c.at and ("%.1fs"):format(c.at) or "never", c.calls, first, dotted(c.next),
      dotted(c.steady), c.cold))
  end
end

return M
