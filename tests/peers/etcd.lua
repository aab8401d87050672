-- Load on etcd: virtual users put, read and transact on keys of their own while one watch sees every write of them all
-- and one lease is kept alive. The test compares what lgen has counted with what etcd says of itself.
local lgen = require "lgen"

lgen.plan { api = 1, name = "etcd", about = "Puts, ranges, transactions, a watch and a lease." }

local opt = lgen.options {
  { "users", "int", default = 4, min = 1, help = "virtual users, each with keys of its own" },
  { "rounds", "int", default = 25, min = 1, help = "put, range, two transactions: by each user, so often" },
  { "keepalives", "int", default = 10, min = 1, help = "how often the lease is kept alive" },
}

local PREFIX, PREFIX_END = "lgen/", "lgen0" -- '0' follows '/'

local api = lgen.proto { files = { "etcd.proto" } }
local Put = api:method "etcdserverpb.KV/Put"
local Range = api:method "etcdserverpb.KV/Range"
local Txn = api:method "etcdserverpb.KV/Txn"
local Watch = api:method "etcdserverpb.Watch/Watch"
local LeaseGrant = api:method "etcdserverpb.Lease/LeaseGrant"
local LeaseKeepAlive = api:method "etcdserverpb.Lease/LeaseKeepAlive"

local ch = lgen.grpc.channel("etcd", lgen.target, { timeout = "10s" })
local writes = lgen.counter("etcd_writes", { help = "puts that etcd has confirmed, in transactions or not" })
local seen = lgen.counter("etcd_watch_events", { help = "writes the watch was told of", labels = { "type" } })

-- A transaction that writes `value` when the key has `version`, and else reads it.
local function write_if(key, version, value)
  return {
    compare = { { result = "EQUAL", target = "VERSION", key = key, version = version } },
    success = { { request_put = { key = key, value = value } } },
    failure = { { request_range = { key = key } } },
  }
end

lgen.setup(function()
  local now = assert(ch:call(Range, { key = PREFIX, range_end = PREFIX_END, count_only = true }))
  return { revision = now.header.revision }
end)

lgen.scenario("keys", {
  load = lgen.load.per_vu_iterations { vus = opt.users, iterations = opt.rounds, max_duration = "60s" },
  run = function(vu)
    local key, value = PREFIX .. vu.index .. "/" .. vu.iter, lgen.random.bytes(200)
    assert(ch:call(Put, { key = key, value = value }))
    writes:add()
    local found = assert(ch:call(Range, { key = key }))
    lgen.check("what was put is there", found.count == 1 and found.kvs[1].value == value and found.kvs[1].version == 1)
    local changed = assert(ch:call(Txn, write_if(key, 1, "changed")))
    lgen.check("version 1 is changed", changed.succeeded and changed.responses[1].response_put ~= nil)
    writes:add()
    local refused = assert(ch:call(Txn, write_if(key, 1, "too late")))
    local kept = refused.responses[1].response_range
    lgen.check("version 2 is kept", not refused.succeeded and kept and kept.kvs[1].value == "changed")
  end,
})

lgen.scenario("watch", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function(vu)
    local watch = ch:open(Watch)
    watch:send { create_request = { key = PREFIX, range_end = PREFIX_END, start_revision = vu.data.revision + 1 } }
    local created = assert(watch:recv(10))
    lgen.check("the watch is created", created.created and not created.canceled, created.cancel_reason)
    local expected, count, last = 2 * opt.users * opt.rounds, 0, vu.data.revision
    while count < expected do
      for _, event in ipairs(assert(watch:recv(30)).events) do
        lgen.check("every write has a revision of its own", event.kv.mod_revision > last)
        count, last = count + 1, event.kv.mod_revision
        seen:add(1, { type = event.type })
      end
    end
    lgen.check("the watch saw every write", count == expected)
    -- A half-closed watch goes on, so it is called off in the API's own way, and its stream cancelled.
    watch:send { cancel_request = { watch_id = created.watch_id } }
    lgen.check("the watch is called off", assert(watch:recv(10)).canceled)
    watch:cancel()
    local _, status = watch:recv(10)
    lgen.check("the watch ends as cancelled", status and status.code == "CANCELLED", status)
  end,
})

lgen.scenario("lease", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "60s" },
  run = function()
    local lease = assert(ch:call(LeaseGrant, { TTL = 600 }))
    local alive = ch:open(LeaseKeepAlive)
    for _ = 1, opt.keepalives do
      alive:send { ID = lease.ID }
      local answer = assert(alive:recv(10))
      lgen.check("the lease lives on", answer.ID == lease.ID and answer.TTL == 600)
    end
    local _, status = alive:close(10)
    lgen.check("the lease's stream ends well", status == nil or status.code == "OK", status)
  end,
})
