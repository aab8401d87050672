-- Scenarios of lgen.load.held_streams: an iteration finds the VU's stream, opening it where there is none or the last
-- one has ended, and feeds it; the stream belongs to the VU, not to the iteration that opened it.
local modules = ...
local held = modules._held

local function read_on(_, stream)
  for _ in stream:messages() do end
end

local function feeder(open, run)
  run = run or read_on
  return function(vu)
    local stream = held.stream(vu)
    if not stream or stream:status() then
      stream = open(vu)
      held.keep(vu, stream, open)
    end
    run(vu, stream)
  end
end

local function closer(vu_stop)
  return function(vu)
    local stream = held.stream(vu)
    if stream then stream:close() end
    if vu_stop then vu_stop(vu) end
  end
end

held.offer(feeder, closer)
