-- Calls /scripted/NAME for each of --names, as a unary call and as a stream, and for each of --open, as a stream that is
-- left open, each on a connection of its own; says in an event how it ended, and then whether the channel still serves.
local lgen = require "lgen"

lgen.plan { api = 1, name = "scripted", about = "What a client makes of a server that misbehaves." }

local opt = lgen.options {
  { "names", "string", required = true, help = "scripts, with commas between" },
  { "open", "string", help = "those that are called by a stream that is left open" },
  { "hanging", "string", help = "those that are given up after --patience" },
  { "patience", "duration", default = "2s", help = "for those" },
  { "limit", "size", default = "1MiB", help = "largest reply to accept" },
}

local function words(text)
  local found = {}
  for word in (text or ""):gmatch "[^,]+" do found[#found + 1] = word end
  return found
end

-- Hundreds of calls at once take a busy machine seconds.
local unlikely = 30

local names, hanging = words(opt.names), {}
for _, name in ipairs(words(opt.hanging)) do hanging[name] = true end

local function read(s)
  local replies = {}
  for message in s:messages() do replies[#replies + 1] = message end
  return replies, s:status()
end

-- The replies and the status.
local forms = {
  unary = function(ch, path, options)
    local reply, err = ch:call(path, "ping", options)
    return reply and { reply } or {}, err or { code = "OK" }
  end,
  stream = function(ch, path, options)
    local s = ch:open(path, options)
    s:send "ping"
    s:half_close()
    return read(s)
  end,
  open = function(ch, path, options)
    local s = ch:open(path, options)
    s:send "ping"
    return read(s)
  end,
}
local names_of = { unary = names, stream = names, open = words(opt.open) }

for form, run in pairs(forms) do
  lgen.scenario(form, {
    load = lgen.load.per_vu_iterations { vus = #names_of[form], iterations = 1, max_duration = "110s" },
    run = function(vu)
      local name = names_of[form][vu.index]
      local ch = lgen.grpc.channel(name, lgen.target, { max_recv = opt.limit })
      local timeout = hanging[name .. "/" .. form] and opt.patience or unlikely
      local replies, status = run(ch, "/scripted/" .. name, { timeout = timeout, wait_for_ready = true })
      local text = table.concat(replies, "|")
      lgen.event("ended", {
        name = name, form = form, code = status.code, kind = status.kind or "", message = status.message or "",
        replies = #text < 100 and text or #text .. " bytes",
      })
      local tries, errors, err = 0, "", nil
      repeat
        tries = tries + 1
        err = select(2, ch:call("/scripted/answer", "ping", { timeout = unlikely, wait_for_ready = true }))
        if err then errors = errors .. tostring(err) .. "; " end
      until not err or tries == 3
      lgen.event("afterwards", {
        name = name, form = form, tries = tries, err = err and tostring(err) or "", errors = errors,
      })
    end,
  })
end
