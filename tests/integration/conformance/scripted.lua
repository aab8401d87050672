-- Calls /scripted/NAME for each of --names, as a unary call and as a stream, each on a connection of its own, and says
-- in an event how it ended; then whether the channel still serves.
local lgen = require "lgen"

lgen.plan { api = 1, name = "scripted", about = "What a client makes of a server that misbehaves." }

local opt = lgen.options {
  { "names", "string", required = true, help = "scripts, with commas between" },
  { "hanging", "string", help = "those that are given up after --patience" },
  { "patience", "duration", default = "2s", help = "for those" },
  { "limit", "size", default = "1MiB", help = "largest reply to accept" },
}

local names, hanging = {}, {}
for name in opt.names:gmatch "[^,]+" do names[#names + 1] = name end
for name in (opt.hanging or ""):gmatch "[^,]+" do hanging[name] = true end

-- The replies and the status.
local forms = {
  unary = function(ch, path, options)
    local reply, err = ch:call(path, "ping", options)
    return reply and { reply } or {}, err or { code = "OK" }
  end,
  stream = function(ch, path, options)
    local s, replies = ch:open(path, options), {}
    s:send "ping"
    s:half_close()
    for message in s:messages() do replies[#replies + 1] = message end
    return replies, s:status()
  end,
}

for form, run in pairs(forms) do
  lgen.scenario(form, {
    load = lgen.load.per_vu_iterations { vus = #names, iterations = 1, max_duration = "60s" },
    run = function(vu)
      local name = names[vu.index]
      local ch = lgen.grpc.channel(name, lgen.target, { max_recv = opt.limit })
      local timeout = hanging[name .. "/" .. form] and opt.patience or 10
      local replies, status = run(ch, "/scripted/" .. name, { timeout = timeout, wait_for_ready = true })
      local text = table.concat(replies, "|")
      lgen.event("ended", {
        name = name, form = form, code = status.code, kind = status.kind or "", message = status.message or "",
        replies = #text < 100 and text or #text .. " bytes",
      })
      local tries, err = 0, nil
      repeat
        tries = tries + 1
        err = select(2, ch:call("/scripted/answer", "ping", { timeout = 5, wait_for_ready = true }))
      until not err or tries == 3
      lgen.event("afterwards", { name = name, form = form, tries = tries, err = err and tostring(err) or "" })
    end,
  })
end
