-- Streams that are held while pods come and go: closed and opened anew when the server says that it goes.
local lgen = require "lgen"
local cells = require "lib.cells"
local connection_age = require "lib.connection_age"

local M = {}

local Held = {}
Held.__index = Held

-- {goaways = (how many), made = {connection = when it was ready}, ended = {connection = when it was no more}}.
local function note_connections(channel, notes)
  for event in channel:events() do
    local id = event.connection
    if event.goaway then notes.goaways = notes.goaways + 1 end
    if not id then
      -- nothing is known but the channel's state
    elseif event.state == "READY" then
      notes.made[id] = event.at
    elseif event.prev == "READY" then
      notes.ended[id] = notes.ended[id] or event.at
    end
  end
end

-- How old the connection was that ended together with a stream, or nil where it did not. One that is older than the run
-- was made just before it.
local function age_at_end(notes, connection, at)
  local ended = notes.ended[connection]
  if ended and math.abs(ended - at) <= connection_age.early then return ended - (notes.made[connection] or 0) end
end

-- The background scenario "streams". opt = {streams =, every =}; lost: what the plan makes of an error and what is
-- known of its call. To be called while a plan is loaded.
function M.hold(opt, lost)
  local held = setmetatable({
    lost = lost, every = opt.every, opened = 0, closed = 0, drained = 0, unfinished = 0, cut = {}, unopened = {},
  }, Held)
  if opt.streams == 0 then return held end
  local api = lgen.proto { files = { "streaming.proto" } }
  local ProcessTextStream = api:method "streaming.Streamer/ProcessTextStream"
  local pool = lgen.grpc.pool("streams", lgen.target, { size = opt.streams })
  lgen.scenario("streams", {
    background = true,
    load = lgen.load.per_vu_iterations { vus = opt.streams, max_duration = math.huge },
    fixed = { vus = "each stream has a virtual user; use --streams", iterations = "streams are held throughout" },
    run = function(vu)
      local channel, notes = pool[vu.index], { goaways = 0, made = {}, ended = {} }
      lgen.spawn(note_connections, channel, notes)
      while not vu.stopping do
        if not held:live(vu, ProcessTextStream, channel, notes) then lgen.sleep(0.1) end
      end
    end,
  })
  return held
end

-- One that nobody has begun with, and nobody could be reached for, was never open.
function Held:note_end(stream, at, err, notes)
  local now = lgen.now()
  local ended = self.lost(err, nil, now - at, nil, stream:headers())
  ended.at, ended.served, ended.held = at, ended.backend ~= nil, true
  ended.connection_age = stream.connection and age_at_end(notes, stream.connection, now)
  local unopened = ended.manner == "refused" and not ended.served
  if unopened then self.opened = self.opened - 1 end
  table.insert(unopened and self.unopened or self.cut, ended)
  lgen.event(unopened and "stream_not_opened" or "stream_cut",
    { pod = ended.backend or "unknown", code = err.code, message = err.message })
end

-- One life of a stream; false when it was not ended by us.
function Held:live(vu, method, channel, notes)
  local stream, at, goaways = channel:open(method), lgen.now(), notes.goaways
  self.opened = self.opened + 1
  for _ in lgen.every(self.every) do
    if notes.goaways > goaways then break end
    if not stream:send { message = "held", channel_id = vu.index, client_id = "readiness_probe" } then break end
  end
  local told = notes.goaways > goaways
  local early = not told and not vu.stopping
  local finished, reply, status = pcall(function()
    local last, err = stream:close()
    return last, err
  end)
  if not finished then -- the run is over, and the server has not answered
    self.unfinished = self.unfinished + 1
    error(reply, 0)
  end
  if reply and not early then
    local how = told and "drained" or "closed"
    self[how] = self[how] + 1
    return true
  end
  self:note_end(stream, at, status or { code = "OK", message = "ended by the server", kind = "status" }, notes)
  return false
end

function Held:print()
  local sums = { opened = self.opened, closed = self.closed, drained = self.drained, cut = #self.cut,
    unopened = #self.unopened, unfinished = self.unfinished }
  local text = ("%d opened = %d closed at the end + %d drained after a GOAWAY + %d cut"):format(sums.opened,
    sums.closed, sums.drained, sums.cut)
  if sums.unfinished > 0 then text = text .. (" + %d unfinished"):format(sums.unfinished) end
  if sums.unopened > 0 then text = text .. ("; %d could not be opened"):format(sums.unopened) end
  cells.print_text("HELD STREAMS:", text)
  lgen.event("held_streams", sums)
end

return M
