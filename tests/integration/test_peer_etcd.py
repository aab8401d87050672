"""lgen against etcd, a server nobody wrote for lgen: both count the same."""

import os
import tempfile
import unittest

import lgen
import peers
from waiting import eventually

USERS, ROUNDS, KEEPALIVES = 4, 25, 10
WRITES = 2 * USERS * ROUNDS


WATCH = "etcdserverpb.Watch/Watch"


def spelled_as_in_go(code):
    """DEADLINE_EXCEEDED is DeadlineExceeded to etcd; only OK is OK."""
    return code if code == "OK" else "".join(word.capitalize() for word in code.split("_"))


class EtcdCase(unittest.TestCase):
    def check_books(self, etcd, summary, expected):
        """lgen and etcd have both counted what is `expected`: {(method, code): calls or streams}."""
        counted = {key: count for metric in ["grpc_calls", "grpc_streams_ended"]
                   for key, count in summary.totals(metric, "method", "code").items()}
        self.assertEqual(counted, expected)
        watches = expected[WATCH, "CANCELLED"]
        # etcd learns of a cancellation a moment later, and files it under one of two codes.
        ended = eventually(lambda: self.watches_ended(etcd, watches), f"{watches} watches ended in etcd's books")
        self.assertLessEqual(ended, {"Canceled", "Unavailable"})
        self.assertEqual(without_watch(etcd.counts("grpc_server_handled_total", "grpc_code")),
                         {(method, spelled_as_in_go(code)): count
                          for (method, code), count in without_watch(counted).items()})

    def watches_ended(self, etcd, count):
        """The codes of that many watches."""
        codes = {code: n for (method, code), n in etcd.counts("grpc_server_handled_total", "grpc_code").items()
                 if method == WATCH}
        return set(codes) if sum(codes.values()) == count else None


def without_watch(counts):
    return {key: count for key, count in counts.items() if key[0] != WATCH}


class EtcdCounts(EtcdCase):
    @classmethod
    def setUpClass(cls):
        cls.etcd = cls.enterClassContext(peers.Etcd())
        cls.ran = lgen.run(peers.plan("etcd.lua"), "--target", cls.etcd.target, "--users", USERS, "--rounds", ROUNDS,
                           "--keepalives", KEEPALIVES)

    def test_every_check_of_the_plan_holds(self):
        self.assertEqual(self.ran.code, 0, self.ran.stdout + self.ran.stderr)
        checks = {check["name"]: check["passes"] for check in self.ran.summary.json["checks"]}
        self.assertEqual(checks, {
            "what was put is there": USERS * ROUNDS, "version 1 is changed": USERS * ROUNDS,
            "version 2 is kept": USERS * ROUNDS, "the watch is created": 1,
            "every write has a revision of its own": WRITES, "the watch saw every write": 1,
            "the watch is called off": 1, "the watch ends as cancelled": 1,
            "the lease lives on": KEEPALIVES, "the lease's stream ends well": 1})
        self.assertEqual(self.ran.summary.json["conservation"], "")

    def test_calls_by_method_and_code(self):
        self.check_books(self.etcd, self.ran.summary, {
            ("etcdserverpb.KV/Put", "OK"): USERS * ROUNDS, ("etcdserverpb.KV/Range", "OK"): USERS * ROUNDS + 1,
            ("etcdserverpb.KV/Txn", "OK"): WRITES, (WATCH, "CANCELLED"): 1,
            ("etcdserverpb.Lease/LeaseGrant", "OK"): 1, ("etcdserverpb.Lease/LeaseKeepAlive", "OK"): 1})

    def test_messages_of_streams(self):
        sent = self.ran.summary.totals("grpc_messages_sent", "method")
        received = self.ran.summary.totals("grpc_messages_received", "method")
        self.assertEqual(sent, {WATCH: 2, "etcdserverpb.Lease/LeaseKeepAlive": KEEPALIVES})
        self.assertEqual(received["etcdserverpb.Lease/LeaseKeepAlive"], KEEPALIVES)
        self.assertEqual(self.of_streams("grpc_server_msg_received_total"), sent)
        self.assertEqual(self.of_streams("grpc_server_msg_sent_total"), received)

    def of_streams(self, metric):
        return {method: count for (method,), count in self.etcd.counts(metric).items()
                if method == WATCH or method.endswith("KeepAlive")}

    def test_the_watch_sees_every_put_and_nothing_else(self):
        self.assertEqual(self.ran.summary.totals("etcd_watch_events", "type"), {"PUT": WRITES})
        self.assertEqual(self.ran.summary.total("etcd_writes"), WRITES)
        self.assertEqual(self.etcd.metrics()["etcd_debugging_mvcc_put_total"], WRITES)
        self.assertEqual(self.etcd.metrics()["etcd_debugging_lease_granted_total"], 1)


class EtcdErrors(EtcdCase):
    """What etcd refuses, it counts under the code that lgen reports."""

    PLAN = """
local lgen = require "lgen"
local api = lgen.proto { files = { "etcd.proto" }, import_paths = { "PEERS" } }
local Put, Txn = api:method "etcdserverpb.KV/Put", api:method "etcdserverpb.KV/Txn"
local Range, Watch = api:method "etcdserverpb.KV/Range", api:method "etcdserverpb.Watch/Watch"
local ch = lgen.grpc.channel("etcd", lgen.target)
lgen.scenario("refused", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 3 },
  run = function()
    local _, empty = ch:call(Put, { key = "" })
    lgen.check("an empty key", empty.code == "INVALID_ARGUMENT" and empty.message:find("key is not provided"), empty)
    local _, lease = ch:call(Put, { key = "k", lease = 4711 })
    lgen.check("no such lease", lease.code == "NOT_FOUND" and lease.message:find("lease not found"), lease)
    local _, twice = ch:call(Txn, { success = { { request_put = { key = "k" } }, { request_put = { key = "k" } } } })
    lgen.check("a key twice", twice.code == "INVALID_ARGUMENT" and twice.message:find("duplicate key"), twice)
    lgen.check("alive", ch:call(Range, { key = "k" }))
    local watch = ch:open(Watch)
    watch:send { create_request = { key = "k" } }
    assert(watch:recv(10))
    watch:cancel("enough")
    local _, status = watch:recv(10)
    lgen.check("cancelled", status.code == "CANCELLED", status)
  end,
})
"""

    def test_codes(self):
        with peers.Etcd() as etcd, tempfile.TemporaryDirectory() as folder:
            plan = os.path.join(folder, "refused.lua")
            with open(plan, "w", encoding="utf-8") as file:
                file.write(self.PLAN.replace("PEERS", peers.PEERS_DIR))
            ran = lgen.run(plan, "--target", etcd.target)
            self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
            self.check_books(etcd, ran.summary, {
                ("etcdserverpb.KV/Put", "INVALID_ARGUMENT"): 3, ("etcdserverpb.KV/Put", "NOT_FOUND"): 3,
                ("etcdserverpb.KV/Txn", "INVALID_ARGUMENT"): 3, ("etcdserverpb.KV/Range", "OK"): 3,
                (WATCH, "CANCELLED"): 3})


if __name__ == "__main__":
    unittest.main()
