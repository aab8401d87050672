-- How evenly held streams lie on pods, and which pods were given more than they handle.
local lgen = require "lgen"
local cells = require "lib.cells"

local M = {}

-- The fullest pod over the mean, and Jain's index; nothing without streams.
function M.ratio(look) return look.sum > 0 and look.most * look.pods / look.sum or nil end
local function jain(look) return look.sum > 0 and look.sum * look.sum / (look.pods * look.squares) or nil end

-- Of `streams` so many must be held where evenness is judged: how a few lie is chance.
local most_of = 0.8

-- The looks while all streams were wanted, or nothing: {first =, last =, least =, greatest = streams that clients had
-- then, judged = the last look of its later half at which the pods had most of them}.
function M.hold(looks, streams)
  local most, hold = 1, nil
  for _, look in ipairs(looks) do most = math.max(most, look.vus) end
  for _, look in ipairs(looks) do
    if look.vus == most and look.pods > 0 then
      hold = hold or { first = look }
      hold.last = look
    end
  end
  if not hold then return end
  hold.least, hold.greatest = hold.last.client, hold.last.client
  for _, look in ipairs(looks) do
    if look.at > hold.first.at and look.at <= hold.last.at then
      hold.least, hold.greatest = math.min(hold.least, look.client), math.max(hold.greatest, look.client)
      local late = look.at >= (hold.first.at + hold.last.at) / 2
      if late and look.pods > 0 and look.sum >= most_of * streams then hold.judged = look end
    end
  end
  return hold
end

-- The last look before the first connection was asked to leave, or the first stream was lost.
local function before_goaway(run)
  local first, before = math.huge, nil
  for _, at in pairs(run.left) do first = math.min(first, at) end
  for _, life in ipairs(run.lost) do first = math.min(first, life.at) end
  for _, look in ipairs(run.looks) do
    if look.at < first and first < math.huge and look.sum > 0 then before = look end
  end
  return before
end

-- Whether `count` pods can have all channels, `larger` of them with one stream more than `size`, and none more than
-- `most` streams. A pod with n channels has room for at most most - n * size of the larger ones; as that falls as n
-- grows, channels are best spread as evenly as they go.
local function fits(channels, size, larger, count, most)
  local n, with_one_more = math.floor(channels / count), channels % count
  if (with_one_more > 0 and n + 1 or n) * size > most then return false end
  local room = (count - with_one_more) * math.min(n, most - n * size)
  if with_one_more > 0 then room = room + with_one_more * math.min(n + 1, most - (n + 1) * size) end
  return room >= larger
end

-- The least that the fullest of `count` pods can have over the mean, when each channel stays on one of them: exactly, as
-- the streams of two channels differ by one at most.
local function best_by_channel(run, count)
  local streams, channels = run.opt.streams, run.channels
  local size, larger = math.floor(streams / channels), streams % channels
  local most = math.ceil(streams / count)
  while not fits(channels, size, larger, count, most) do most = most + 1 end
  return most * count / streams
end

local function tell(when, look, best)
  local r = cells.rounded
  lgen.event("evenness", { when = when, at = r(look.at), pods = look.pods, streams = look.sum, jain = r(jain(look)),
    max_over_mean = r(M.ratio(look)), best = r(best) })
end

local function judge(run, hold)
  local ratio = hold.judged and M.ratio(hold.judged)
  local detail = ratio and ("the fullest had %.2f of the mean"):format(ratio)
    or ("not judged: only %d of %d streams were held"):format(hold.last.sum, run.opt.streams)
  lgen.check("the load is even as the hold ends", ratio and ratio <= run.opt.even, detail)
end

local function print_messages(run, hold)
  local seconds, streams = hold.last.at - hold.first.at, run.opt.streams
  if seconds <= 0 then return end
  local were = hold.least >= streams and "all were" or hold.greatest == 0 and "none was" or hold.least == hold.greatest
    and ("%d were"):format(hold.least) or ("%d to %d were"):format(hold.least, hold.greatest)
  print(("  %d streams on %d channels sent %.0f messages/s while %s held."):format(streams, run.channels,
    (hold.last.messages - hold.first.messages) / seconds, were))
end

function M.print(run, hold)
  local rows = { { "hold begins", hold.first }, { "hold ends", hold.last } }
  if hold.judged and hold.judged ~= hold.last then table.insert(rows, 2, { "judged", hold.judged }) end
  local before = before_goaway(run)
  if before then table.insert(rows, before.at < hold.first.at and 1 or 2, { "before GOAWAY", before }) end
  cells.print_head "EVENNESS            at  pods  streams   Jain  fullest of mean  best by channel"
  for _, row in ipairs(rows) do
    local look = row[2]
    print(("  %-13s%6.1fs  %4d  %7d  %s  %s  %15.2f"):format(row[1], look.at, look.pods, look.sum,
      cells.right(cells.dot("%.3f", jain(look)), 5), cells.right(cells.dot("%.2f", M.ratio(look)), 15),
      best_by_channel(run, look.pods)))
    tell(row[1], look, best_by_channel(run, look.pods))
  end
  if not before then print "  Nobody was asked to leave (GOAWAY) and nothing was lost." end
  print_messages(run, hold)
  if run.opt.even then judge(run, hold) end
end

-- Overload ---------------------------------------------------------------------------------------------------------

-- How many pods are as full as the fullest.
local function count_fullest(look)
  local count = 0
  for _, value in pairs(look.values) do
    if value == look.most then count = count + 1 end
  end
  return count
end

-- A pod's gauge stands at its most, and above all others, while streams wait for an answer. Of several that are as full
-- each must have one that may wait for it.
local function find_stuck(run, found)
  for name in pairs(run.seen) do
    local most, count, first, waited = 0, 0, nil, 0
    for _, look in ipairs(run.looks) do most = math.max(most, look.values[name] or 0) end
    for _, look in ipairs(run.looks) do
      local full = most > 0 and look.values[name] == most and most == look.most
      if full and look.waiting > 0 and look.waiting >= count_fullest(look) then
        count, first, waited = count + 1, first or look.at, math.max(waited, look.waiting)
      end
    end
    if count >= 3 then
      found[name] = { ("from %.1fs on it stood at %d streams while up to %d waited for an answer"):format(first, most,
        waited) }
    end
  end
end

-- With streams on it a probe failed.
local function find_failed(run, found)
  for name, pod in pairs(run.cluster.pods) do
    local streams = 0
    for _, look in ipairs(run.looks) do
      if pod.unready and look.at <= pod.unready then streams = look.values[name] or 0 end
    end
    if streams > 0 then
      found[name] = found[name] or {}
      local text = "at %.1fs, with %d streams, its probe failed: %s"
      table.insert(found[name], text:format(pod.unready, streams, pod.why))
    end
  end
end

-- Where streams went that such pods lost, or that nobody had answered: {pod = count}.
local function next_pods(run, found)
  local count = {}
  for _, life in ipairs(run.lost) do
    if not life.backend or found[life.backend] then
      local name = life.back and (life.back.backend or "nobody") or "nowhere"
      count[name] = (count[name] or 0) + 1
    end
  end
  return count
end

function M.print_overload(run)
  local found, names = {}, {}
  find_stuck(run, found)
  find_failed(run, found)
  for name in pairs(found) do names[#names + 1] = name end
  table.sort(names)
  lgen.check("no pod was overloaded", #names == 0, table.concat(names, ", "))
  if #names == 0 then return end
  cells.print_head "OVERLOADED"
  for _, name in ipairs(names) do
    print("  " .. name)
    for _, text in ipairs(found[name]) do print("    " .. text) end
  end
  local went = next_pods(run, found)
  if not next(went) then return print "  None of its streams was lost." end
  print "  Where streams went next that it lost, or that nobody had answered:"
  names = {}
  for name in pairs(went) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do print(("  %6d  %s"):format(went[name], name)) end
end

return M
