-- Pods' lives, and which of them explains that a call was lost or slow.
--
-- A life is a table of times in seconds of the run, each of which may be missing:
--   created                   when the cluster made the pod
--   ready, probed             when it first was ready, and whether a probe says so: without one it is, from its start on
--   answered                  when it first answered a call of ours
--   added, removed            when balancers began and ceased to know of it
--   draining, stopping        when it was told to go: its preStop hook begins, its SIGTERM comes
--   ends                      when its process ended, once or, where it was restarted, several times
--   readies                   every time it became ready
-- They come from a cluster's events. Where there are none, first and last answers stand in for them (`inferred`).

local connection_age = require "lib.connection_age"

local M = {}

M.causes = {
  "cold start of a pod", "sent to a pod not ready", "sent to a terminating pod", "reset in flight", "refused",
  "GOAWAY unprocessed", "its pod stopped", "connection age limit", "unexplained",
}

-- Events are stamped in milliseconds; a balancer that is told of one takes a while to heed it, and an end is noticed a
-- while after it has happened. What fits better is looked for first.
local slacks = { 0.005, 0.05, 1 }

local later = math.huge

-- So many seconds after balancers have come to know of it a pod that is ready by its probe may still not serve; that
-- nobody has asked it yet says nothing later on.
local newly = 2

-- Which time of a life an event tells: the first of its kind, except where a list has all.
local first_of = {
  pod_created = "created", pod_ready = "ready", endpoint_added = "added", pod_draining = "draining",
  pod_stopping = "stopping",
}
local all_of = { pod_ready = "readies", pod_stopped = "ends", pod_crashed = "ends" }

-- {name = life} of an lgen-cluster's events.
function M.from_events(events)
  local lives = {}
  for _, event in ipairs(events) do
    if event.pod then
      local life = lives[event.pod]
      if not life then
        life = { name = event.pod, readies = {}, ends = {} }
        lives[event.pod] = life
      end
      local one, list = first_of[event.event], all_of[event.event]
      if one then life[one] = life[one] or event.at end
      if list then table.insert(life[list], event.at) end
      if event.probed then life.probed = true end
      if event.event == "endpoint_added" then life.removed = nil end
      if event.event == "endpoint_removed" then life.removed = event.at end
      life.server, life.ip = event.server or life.server, event.ip or life.ip
    end
  end
  return lives
end

-- The addresses that one pod alone has answered from: {name = address}. Behind a balancer there are none.
local function own_addresses(answers)
  local pods_at, own = {}, {}
  for _, seen in pairs(answers) do
    if seen.peer then pods_at[seen.peer] = (pods_at[seen.peer] or 0) + 1 end
  end
  for name, seen in pairs(answers) do
    if seen.peer and pods_at[seen.peer] == 1 then own[name] = seen.peer end
  end
  return own
end

-- What the answers tell: {name = {first = {at =, done =}, last = {at =, done =}, peer =}} up to `now`. A pod that
-- answered first while the run went on has become ready then, one that has not answered for `near` seconds has gone;
-- losses up to `near` seconds before or behind are put down to that.
function M.from_answers(answers, now, near)
  local lives, own = {}, own_addresses(answers)
  for name, seen in pairs(answers) do
    local life = { name = name, inferred = true, readies = {}, ends = {}, answered = seen.first.done }
    life.added = math.max(0, seen.first.at - near)
    if seen.last.done < now - near then life.stopping, life.removed = seen.last.done, seen.last.done + near end
    life.ip = own[name] and own[name]:match "^(.+):%d+$"
    lives[name] = life
  end
  return lives
end

-- The last two are Envoy's, and so many gateways'.
local words_of_refusal = { "REFUSED_STREAM", "onnection refused", "connection failure", "no healthy upstream" }

-- How a call was lost, as far as its client can see: "goaway", "refused", "reset", "timeout", or, by an error,
-- "answered". `err` is an lgen.Error, or {status =} of an answer over HTTP.
function M.manner(err)
  local text = err.message or ""
  local status = err.status or tonumber(text:match "HTTP status (%d+)")
  if text:find("GOAWAY", 1, true) then return "goaway" end
  if status == 503 then return "refused" end
  if status == 502 then return "reset" end
  if status == 504 or err.kind == "timeout" then return "timeout" end
  if status then return "answered" end
  if err.code == "CANCELLED" then return "reset" end -- not by us: a server that goes says it to calls it has not begun
  if err.kind == "connect" then return "refused" end
  for _, words in ipairs(words_of_refusal) do
    if text:find(words, 1, true) then return "refused" end
  end
  if err.kind == "closed" or text:find("RST_STREAM", 1, true) or text:find("closed", 1, true)
      or text:find("reset", 1, true) then
    return "reset"
  end
  return "answered"
end

-- What no pod's coming or going leads to: whoever answers there is not the one that was meant. A connection that closes
-- before the first answer is none of these: a balancer without pods does that as well.
local words_of_wrong_target = {
  "does not resolve", "does not answer in HTTP", "does not speak TLS", "wrong version number", "speaks neither TLS",
  "speaks TLS but not HTTP/2", "was not agreed on", "its first frame is no SETTINGS", "speaks HTTP/1, not",
  "speaks something else than HTTP/2", "the certificate expired", "the certificate is not valid",
  "for the certificate (", "is not in the certificate", "shows no certificate", "has a certificate",
}

-- Whether an error says that the target itself is wrong.
function M.at_wrong_target(message)
  for _, words in ipairs(words_of_wrong_target) do
    if (message or ""):find(words, 1, true) then return true end
  end
  return false
end

-- Whether it could not serve yet what was sent then: true, false, or "maybe" where its probe says that it could, and
-- yet nobody has had an answer.
local function not_able(life, at)
  if not life.inferred and at < (life.ready or later) then return true end
  if at >= (life.answered or later) then return false end
  return life.probed and "maybe" or true
end

-- Whether its process ended in [from, to].
local function end_within(life, from, to)
  for _, at in ipairs(life.ends) do
    if from <= at and at <= to then return true end
  end
  return false
end

-- Restarted, and not ready again.
local function down_at(life, at)
  for _, ended in ipairs(life.ends) do
    local back = later
    for _, ready in ipairs(life.readies) do
      if ready > ended then back = math.min(back, ready) end
    end
    if ended <= at and at < back then return true end
  end
  return false
end

-- Whether one that nothing but the lack of an answer speaks against may be the reason: while it is new, and, of what
-- waited in vain, until its first answer came.
local function may_be_new(life, call, cold)
  return call.at <= (life.added or life.ready or later) + newly or (cold and life.answered ~= nil)
end

-- Why this pod may have lost the call, or nil; and whether that is doubtful. What happened up to `slack` behind the
-- call may have been its reason. `certain`: it was sent there.
local function state(life, call, manner, slack, certain)
  local from, to = call.at, call.at + call.took
  local leaving, unable = life.stopping or life.draining, not call.served and not_able(life, from)
  if leaving and from >= leaving then return "sent to a terminating pod" end
  if unable then
    -- Ready, and still without an answer to anybody: what waits for it waits for its start.
    local cold = manner == "timeout" and from >= (life.ready or later)
    -- What was sent before balancers knew of the pod may have waited for a connection, and came from there to it.
    local doubtful = unable == "maybe" or from < (life.added or later) - slack
    if unable == "maybe" and not certain and not may_be_new(life, call, cold) then return end
    return cold and "cold start of a pod" or "sent to a pod not ready", doubtful
  end
  if leaving and leaving <= to + slack then return "reset in flight" end
  if down_at(life, from) then return "sent to a pod not ready" end
  if end_within(life, from, to + slack) then
    return manner == "refused" and "sent to a pod not ready" or "reset in flight"
  end
end

-- Whether it may have been sent there, give or take `slack`: balancers knew of the pod, or had made a connection to it
-- before they forgot it.
local function may_have_got_it(life, call, manner, slack)
  local from, to = call.at, call.at + call.took
  if (life.added or later) > to + math.min(slack, slacks[2]) then return false end
  if (life.removed or later) >= from - slack then return true end
  return manner ~= "refused" and not life.inferred and (life.ends[#life.ends] or later) >= from - slack
end

local orders = setmetatable({}, { __mode = "k" }) -- {lives = list}: many calls ask for it

-- By name. No life comes once this has been asked for.
local function in_order(lives)
  local list = orders[lives]
  if list then return list end
  list = {}
  for _, life in pairs(lives) do list[#list + 1] = life end
  table.sort(list, function(a, b) return a.name < b.name end)
  orders[lives] = list
  return list
end

-- Which life a balancer's word for its server means: a pod's name, its address, or the cluster's name of a server,
-- which is another pod's later on.
local function of_upstream(lives, upstream, call)
  if lives[upstream] then return lives[upstream] end
  local ip, found = upstream:match "^([^:]+):%d+$" or upstream, nil
  for _, life in ipairs(in_order(lives)) do
    local there = (life.added or life.created or 0) <= call.at + call.took + slacks[2]
    local same = life.server == upstream or life.ip == ip
    if same and there and (not found or (life.added or 0) > (found.added or 0)) then found = life end
  end
  return found
end

-- The pod that a lost call was sent to, as far as the call itself says.
local function told(lives, call)
  if call.backend then
    local stranger = { name = call.backend, readies = {}, ends = {}, inferred = true, answered = -later }
    return lives[call.backend] or stranger
  end
  if call.upstream then return of_upstream(lives, call.upstream, call) end
  local address = (call.message or ""):match "(%d+%.%d+%.%d+%.%d+:%d+)" or call.peer
  return address and address ~= "" and of_upstream(lives, address, call) or nil
end

-- Whether what was sent to it then was lost in any case: it had been told to go, and balancers knew of it still. That a
-- pod has not answered anybody yet is not as telling: it may only not have been asked.
local function sure_to_lose(life, call)
  return not life.inferred and call.at >= (life.stopping or later) and call.at < (life.removed or later)
end

-- The lives that would explain it: {{life =, cause =, sure =}, …}, sure ones first, then the one that came or left
-- last.
local function candidates(lives, call, slack, with_doubtful)
  local list = {}
  for _, life in ipairs(in_order(lives)) do
    if may_have_got_it(life, call, call.manner, slack) then
      local cause, doubtful = state(life, call, call.manner, slack)
      if cause and (with_doubtful or not doubtful) then
        list[#list + 1] = {
          life = life, cause = cause, since = life.stopping or life.added or 0, sure = sure_to_lose(life, call),
        }
      end
    end
  end
  table.sort(list, function(a, b)
    if a.sure ~= b.sure then return a.sure end
    if a.since ~= b.since then return a.since > b.since end
    return a.life.name < b.life.name
  end)
  return list
end

local function agree(list)
  for _, each in ipairs(list) do
    if each.cause ~= list[1].cause then return false end
  end
  return true
end

-- The life that a call is put down to of which nothing says where it was sent, the cause, and how many others fit.
local function likeliest(lives, call, knows_events)
  for _, with_doubtful in ipairs { false, true } do
    for _, slack in ipairs(slacks) do
      local list = candidates(lives, call, slack, with_doubtful)
      -- Inferred lives that contradict each other prove nothing.
      if list[1] and (knows_events or agree(list)) then return list[1].life, list[1].cause, #list - 1 end
    end
  end
  return nil, nil, 0
end

-- What a client can tell by itself.
local seen_by_client = { goaway = "GOAWAY unprocessed", refused = "refused" }

-- Whether balancers knew of no pod at all then.
local function nobody_there(lives, at)
  for _, life in ipairs(in_order(lives)) do
    if (life.added or later) <= at and at < (life.removed or later) then return false end
  end
  return true
end

-- Whether nothing speaks for a loss but that it was lost, as all calls were since `silence`. Where nobody has ever
-- answered, a pod that would explain it may be another's.
local function in_silence(lives, call, life, guessed, knows_events, silence)
  if call.at < (silence or later) or call.manner == "goaway" then return false end
  if not knows_events then return not call.backend end
  if silence == -later then return not life or guessed end
  return not life and not nobody_there(lives, call.at)
end

-- Whether the server's limit of connection age has ended it (see connection_age). A pod that ended meanwhile comes
-- before that.
local function ended_by_age(life, call, limit)
  if not limit or call.manner == "timeout" or call.manner == "refused" then return false end
  local ended = call.at + call.took
  if life and ((life.stopping or later) <= ended + slacks[3] or end_within(life, call.at, ended + slacks[3])) then
    return false
  end
  return connection_age.explains(limit, call)
end

-- Why a call was lost, which life it is put down to (or nil), how many other pods would explain it as well, and whether
-- that life is a guess, as nothing says whom it was sent to.
-- call = {at =, took =, manner =, backend =, upstream =, peer =, message =, served = true (the pod had begun with it),
--   held = true (a stream), connection_age = (where it ended with its connection), by_balancer = true}
-- silence: since when nobody has answered any more, -math.huge where nobody ever has.
-- limit: of connection age, as connection_age.limit has it, or nil.
function M.cause_of_loss(lives, call, knows_events, silence, limit)
  if call.by_balancer or M.at_wrong_target(call.message) then return "unexplained", nil, 0, false end
  local manner, life = call.manner, told(lives, call)
  local cause, others, guessed = nil, 0, false
  if life then
    for _, slack in ipairs(slacks) do cause = cause or state(life, call, manner, slack, true) end
  else
    life, cause, others = likeliest(lives, call, knows_events)
    guessed = life ~= nil
  end
  if in_silence(lives, call, life, guessed, knows_events, silence) then return "unexplained", nil, 0, false end
  if manner == "goaway" and not call.served then cause = "GOAWAY unprocessed" end
  local cut = not cause or cause == "reset in flight"
  if cut and ended_by_age(life, call, limit) then cause = "connection age limit" end
  if cause == "reset in flight" and call.held then cause = "its pod stopped" end
  if not cause then
    cause = seen_by_client[manner]
    if manner == "reset" and not knows_events then cause = "reset in flight" end
  end
  return cause or "unexplained", life, others, guessed
end

-- Why a call that was answered took so long. `warm_at`: from when on its pod was as fast as later.
function M.cause_of_delay(life, call, warm_at)
  if life and not life.inferred then
    local leaving = life.draining or life.stopping
    if call.at < (life.ready or 0) then return "sent to a pod not ready" end
    if leaving and call.at + call.took >= leaving then return "sent to a terminating pod" end
  end
  if call.at < warm_at then return "cold start of a pod" end
  return "unexplained"
end

return M
