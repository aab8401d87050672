"""multi_channel against HAProxy: the four verdicts, and how many connections there really are."""

import collections
import os
import tempfile
import unittest

import certificates
import lgen
from cluster import Cluster
from clients import GUIDE_NAME
from programs import Program, Server
from waiting import eventually

SHARED_PLAN = """
local lgen = require "lgen"
local api = lgen.proto { files = { "streaming.proto" } }
local pool = lgen.grpc.pool("main", lgen.target, { size = 3, connection = "shared" })
lgen.scenario("streams", {
  load = lgen.load.per_vu_iterations { vus = 3, iterations = 1, max_duration = "1h" },
  run = function(vu)
    local s = pool[vu.index]:open(api:method "streaming.Streamer/ProcessTextStream")
    for k in lgen.every(0.05) do s:send { message = "m" .. k } end
    lgen.check("closed", s:close())
  end,
})
"""


def sockets(pid, port):
    """The local ends of the process' established connections to `port`."""
    with Program(["ss", "-Htnp", "state", "established", f"( dport = :{port} )"]) as listing:
        listing.wait()
        lines = listing.out.all_until_end()
    return {line.split()[2] for line in lines if f"pid={pid}," in line}


class Verdicts(unittest.TestCase):
    def verdict(self, expected, *flags, streams=30, **cluster):
        with Cluster(**cluster) as balancer:
            ran = lgen.multi_channel(balancer.address, *lgen.QUICK, "--expect", expected, *flags)
            self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
            self.assertEqual(ran.summary.verdict["kind"], expected)
            self.assertEqual(ran.summary.total("grpc_streams_opened"), streams)
            self.assertEqual(balancer.accepted_connections(), len(ran.summary.connections))
        return ran

    def test_connection(self):
        ran = self.verdict("per_connection", pods=3, balance="connection")
        self.assertEqual(sorted(ran.summary.matrix().values()), [10, 10, 10])
        self.assertIn("per_connection: connections are spread over pod-1, pod-2 and pod-3", ran.stdout)
        self.assertIn("3 sockets for 3 channels: no reconnect", ran.stdout)

    def test_stream(self):
        ran = self.verdict("per_stream", pods=3, balance="stream")
        by_pod = collections.Counter()
        for (_, pod), n in ran.summary.matrix().items():
            by_pod[pod] += n
        self.assertEqual(by_pod, {"pod-1": 10, "pod-2": 10, "pod-3": 10})

    def test_zones(self):
        ran = self.verdict("per_stream_within_subset", "--channels", 4, *lgen.SHUFFLED, streams=120, balance="zones")
        self.assertEqual(sorted(map(sorted, ran.summary.verdict["subsets"])),
                         [["pod-a1", "pod-a2"], ["pod-b1", "pod-b2"]])
        self.assertRegex(ran.stdout, r"set 1: pod-[ab]1 and pod-[ab]2")

    def test_one_pod_is_inconclusive_and_the_report_says_why(self):
        ran = self.verdict("inconclusive", pods=1)
        self.assertIn("one backend", ran.summary.verdict["why"])
        self.assertIn("one backend", ran.stdout)

    def test_another_verdict_than_expected_is_exit_code_99(self):
        with Cluster(pods=3, balance="connection") as balancer:
            ran = lgen.multi_channel(balancer.address, *lgen.QUICK, "--expect", "per_stream")
        self.assertEqual(ran.code, lgen.FAILED)
        (check,) = [check for check in ran.summary.json["checks"] if "verdict" in check["name"]]
        self.assertEqual((check["passes"], check["fails"]), (0, 1))
        self.assertIn("per_connection", check["first_failure"])
        self.assertRegex(ran.stdout, "✗ the verdict is per_stream")
        self.assertIn("✗ exit code 99: 1 check failed", ran.stdout)


class Sockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.certificate = certificates.self_signed(directory)
        cls.shared = os.path.join(directory, "shared.lua")
        with open(cls.shared, "w", encoding="utf-8") as plan:
            plan.write(SHARED_PLAN)
        cls.tls_server = ["--tls-cert", cls.certificate.cert, "--tls-key", cls.certificate.key]
        cls.tls_client = ["--tls", "--ca", cls.certificate.cert, "--server-name", GUIDE_NAME]

    def run_and_count(self, plan, *flags, server_flags=()):
        """(the finished run, its sockets while all its streams were open, the server)"""
        server = self.enterContext(Server(*server_flags))
        running = self.enterContext(lgen.Run(plan, "--target", server.target, *flags))
        streams = 30 if plan == lgen.MULTI_CHANNEL else 3
        server.wait_for_metric("grpc_server_active_streams", streams)
        seen = sockets(running.process.pid, server.grpc_port)
        running.interrupt()
        self.assertEqual(running.code, lgen.STOPPED, running.stdout + running.stderr)
        eventually(lambda: server.metrics()["grpc_server_active_streams"] == 0, "the end of all streams")
        return running, seen

    def modes(self):
        yield "plaintext", [], []
        yield "TLS", self.tls_client, self.tls_server

    def test_three_channels_are_three_sockets(self):
        for name, client, server in self.modes():
            with self.subTest(name):
                ran, seen = self.run_and_count(lgen.MULTI_CHANNEL, *client, "--stagger", "0s..5ms", "--hold", "1h",
                                               server_flags=server)
                self.assertEqual(len(seen), 3)
                self.assertIn("3 sockets for 3 channels: no reconnect", ran.stdout)
                self.assertEqual([channel["connections"] for channel in ran.summary.channels], [1, 1, 1])
                self.assertEqual(ran.summary.total("grpc_connections"), 3)

    def test_a_shared_connection_is_one_socket(self):
        for name, client, server in self.modes():
            with self.subTest(name):
                ran, seen = self.run_and_count(self.shared, *client, server_flags=server)
                self.assertEqual(len(seen), 1)
                self.assertRegex(ran.stdout, r"1 socket for 3 channels: shared, no reconnect")
                self.assertEqual(ran.summary.total("grpc_connections"), 1)

    def test_tls_through_a_balancer_is_told_apart_too(self):
        for balance, expected in [("connection", "per_connection"), ("stream", "per_stream")]:
            with self.subTest(balance), Cluster(*self.tls_server, pods=3, balance=balance) as balancer:
                ran = lgen.multi_channel(balancer.address, *self.tls_client, *lgen.QUICK, "--expect", expected)
                self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
                self.assertEqual(balancer.accepted_connections(), 3)
                self.assertIn("TLS", ran.summary.json["run"]["security"])


if __name__ == "__main__":
    unittest.main()
