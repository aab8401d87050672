-- What ended held streams before their time, and whether clients and pods count the same streams.
local lgen = require "lgen"
local cells = require "lib.cells"
local connection_age = require "lib.connection_age"

local M = {}

local early, late = connection_age.early, connection_age.late

local function last_seen(run, name)
  for i = #run.looks, 1, -1 do
    if run.looks[i].values[name] then return run.looks[i].at end
  end
end

-- Clients may hear of a pod's end before the cluster, or its page, tells of it.
local function pod_has_left(run, life)
  local pod, slack = run.cluster.pods[life.backend] or {}, run.opt.interval + early
  local page = life.backend and last_seen(run, life.backend)
  local ended = math.min(pod.draining or math.huge, pod.ended or math.huge)
  return ended <= life.at + slack or (page and page < run.looks[#run.looks].at and page <= life.at + slack)
end

local function limit_of(run) return connection_age.limit(run.opt.age, run.opt.grace, run.speed) end

-- Of the connection when it lost the stream. One that is older than the run was made just before it.
local function age_of(run, life) return life.at - (run.made[life.connection] or 0) end

-- "pod", "goaway", "balancer" or "none". A GOAWAY that is seen together with the end looks like a closed connection; of
-- a channel for one stream that may be missed. Where a balancer ends HTTP/2, its own connection's age is what counts.
local function cause_of(run, life)
  if pod_has_left(run, life) then return "pod" end
  if run.left[life.connection] then return "goaway" end
  if not run.opt.age then return "none" end
  local limit = limit_of(run)
  local ended = run.closed[life.connection] or (life.connection and run.opt.channel_per_stream)
  if ended and connection_age.ended(limit, age_of(run, life)) then return "goaway" end
  return connection_age.ended_unseen(limit, life.at - life.opened) and "balancer" or "none"
end

-- How old the connections were whose GOAWAY ended streams, held against the limit.
local function judge_ages(run, lives)
  local least, most = math.huge, 0
  for _, life in ipairs(lives) do
    local age = age_of(run, life)
    least, most = math.min(least, age), math.max(most, age)
  end
  if not run.opt.age then
    return print(("  %5d  by GOAWAY, at the age of %.1fs to %.1fs"):format(#lives, least, most))
  end
  local limit = limit_of(run)
  print(("  %5d  by GOAWAY, at the age of %.1fs to %.1fs; by limit and grace %.1fs to %.1fs"):format(#lives, least,
    most, limit.from, limit.to))
  print(("         (%gs before that and %gs after it are let pass: timers are late)"):format(early, late))
  local explained = connection_age.ended(limit, least) and connection_age.ended(limit, most)
  lgen.check("the age limit explains how long lost streams lived", explained,
    ("connections were %.2fs to %.2fs old"):format(least, most))
end

local function print_unexplained(lives)
  local count, codes = {}, {}
  for _, life in ipairs(lives) do
    if not count[life.code] then codes[#codes + 1] = life.code end
    count[life.code] = (count[life.code] or 0) + 1
  end
  table.sort(codes)
  for _, code in ipairs(codes) do print(("  %5d  unexplained, with %s"):format(count[code], code)) end
end

local words = { pod = "with their pod", goaway = "by GOAWAY", balancer = "within the age limit, behind the balancer",
  none = "unexplained" }

-- For who reads the events: how many, when, and how long such streams had lived.
local function tell(run, cause, lives)
  if #lives == 0 then return end
  local first, last, least, most = math.huge, 0, math.huge, 0
  for _, life in ipairs(lives) do
    first, last = math.min(first, life.at), math.max(last, life.at)
    least, most = math.min(least, life.at - life.opened), math.max(most, life.at - life.opened)
  end
  local r = cells.rounded
  lgen.event("losses", { cause = words[cause], count = #lives, of = #run.lost, from = r(first), to = r(last),
    shortest = r(least), longest = r(most), code = lives[1].code })
end

-- Of lives that were lost so many came back: were answered, or, where servers answer with their reply only, connected.
local function count_returned(run)
  local count = 0
  for _, life in ipairs(run.lost) do
    local back = life.back
    if back and (back.answered or back.connection and not run.answers_early) then count = count + 1 end
  end
  return count
end

-- How much of the time in which streams were wanted they were not there. In a line before a server they are not.
local function share_lost(run)
  local times = run.times
  local there = run.answers_early and times.answered or times.connected
  return times.wanted > 0 and 100 * math.max(0, 1 - there / times.wanted) or 0
end

local function print_time(run)
  local returned, count = count_returned(run), #run.lost
  local who = count == 0 and "Meanwhile" or returned == 0 and "None came back:" or returned == count
    and "All came back; meanwhile" or ("%d of %d came back; meanwhile"):format(returned, count)
  print(("  %s %.1f %% of the streams' time was lost."):format(who, share_lost(run)))
end

-- What met no server was never open, and is not lost.
local function print_refused(refused)
  local first, codes = refused.first, {}
  for code in pairs(refused.codes) do codes[#codes + 1] = code end
  table.sort(codes)
  print(("  could not be opened, as nobody was there: %d"):format(refused.count))
  print(("    from %.1fs to %.1fs, with %s"):format(first.at, refused.last_at, table.concat(codes, ", ")))
  lgen.event("not_opened", { attempts = refused.count, from = cells.rounded(first.at),
    to = cells.rounded(refused.last_at), code = first.code, message = first.message })
end

local function judge_refused(refused)
  local first = refused.first
  lgen.check("whenever a stream was opened, somebody was there", not first,
    first and ("%d attempts met nobody; the first at %.1fs: %s: %s"):format(refused.count, first.at, first.code,
      first.message))
end

function M.print(run)
  local by = { pod = {}, goaway = {}, balancer = {}, none = {} }
  for _, life in ipairs(run.lost) do table.insert(by[cause_of(run, life)], life) end
  for _, cause in ipairs { "goaway", "balancer", "pod", "none" } do tell(run, cause, by[cause]) end
  cells.print_head(#run.lost == 0 and "LOST STREAMS none" or ("LOST STREAMS %d"):format(#run.lost))
  if #by.goaway > 0 then judge_ages(run, by.goaway) end
  if #by.balancer > 0 then print(("  %5d  %s"):format(#by.balancer, words.balancer)) end
  if #by.pod > 0 then print(("  %5d  %s"):format(#by.pod, words.pod)) end
  print_unexplained(by.none)
  if run.refused.count > 0 then print_refused(run.refused) end
  if #run.lost + run.refused.count > 0 then print_time(run) end
  local first = by.none[1]
  lgen.check("nothing was lost unexplained", not first, first and ("%d; the first with %s at %.1fs, on %s"):format(
    #by.none, first.code, first.at, first.backend or "no pod"))
  judge_refused(run.refused)
end

-- Clients and gauges -----------------------------------------------------------------------------------------------

-- Streams when last seen on pods that are listed no more: nobody counts them.
function M.unlisted(run, i)
  local look, sum = run.looks[i], 0
  for name, pod in pairs(run.seen) do
    if not look.values[name] and pod.at < look.at then
      local k = i
      while not run.looks[k].values[name] do k = k - 1 end
      sum = sum + run.looks[k].values[name]
    end
  end
  return sum
end

-- What clients held around a look, at least and at most: pages are up to an interval old, and the other side hears of
-- an end up to an interval later.
local function range(run, i)
  local before, now, after = run.looks[i - 1].window, run.looks[i].window, run.looks[i + 1].window
  local least = now.answered - now.ended - after.ended - M.unlisted(run, i)
  return math.max(0, least), before.open + before.opened + now.opened
end

-- By how much each look is off that can be compared: {look, off, least, most}.
local function compare(run)
  local list = {}
  for i = 2, #run.looks - 1 do
    local look = run.looks[i]
    if look.whole then
      local least, most = range(run, i)
      local off = math.max(0, least - look.sum, look.sum - most)
      list[#list + 1] = { look = look, off = off, least = least, most = most }
    end
  end
  return list
end

-- A busy machine may tell of an end a little later than that. What leaks, or is there on one side alone, lasts: so the
-- check fails where two looks in a row are off.
function M.judge_gauges(run)
  local compared = compare(run)
  local worst, lasting, detail = 0, 0, nil
  for i, one in ipairs(compared) do
    local following = compared[i + 1]
    lasting = math.max(lasting, following and math.min(one.off, following.off) or 0)
    if one.off > worst then
      worst, detail = one.off, ("%d at %.1fs, where clients held %d to %d"):format(one.look.sum, one.look.at, one.least,
        one.most)
    end
  end
  local same = lasting > 0 and "not the same" or worst > 0 and "not the same for a moment"
    or "the same within an interval"
  cells.print_head(("GAUGES and clients' streams at %d look%s: %s"):format(#compared, #compared == 1 and "" or "s", same))
  if detail then print("  the worst: " .. detail) end
  lgen.check("the gauges count the clients' streams", lasting == 0, detail)
end

return M
