-- ch:health and ch:watch_health, by calls and streams as a plan could make them itself.
local modules = ...
local grpc = modules._grpc

local function health(self, service, options)
  local method, request = grpc.health_request("ch:health", "Check", self, service)
  local reply, err = self:call(method, request, options)
  if not reply then return nil, err end
  return reply.status
end

-- The end of a watch that nobody wanted is told once, as UNKNOWN with the reason.
local function watch_health(self, service, options)
  local method, request = grpc.health_request("ch:watch_health", "Watch", self, service)
  local stream = self:open(method, options)
  grpc.attend(stream)
  stream:send(request)
  local next_message = stream:messages()
  local over = false
  return function()
    if over then return nil end
    local message = next_message(stream)
    if message then return message.status end
    over = true
    local status = stream:status()
    if status and status.kind ~= "cancelled" then return "UNKNOWN", status end
    stream:cancel "the watch is over"
  end
end

for _, class in ipairs { modules["lgen.Channel"], modules["lgen.Pool"] } do
  class.health, class.watch_health = health, watch_health
end
