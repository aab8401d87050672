"""`lgen analyze logs` on the pods' logs of a run says what lgen's own report says."""

import collections
import json
import os
import subprocess
import tempfile
import unittest

import lgen
from cluster import Cluster
from programs import binary, python_program
from waiting import eventually

ACTIVE = "grpc_server_active_streams"


def analyze(paths):
    """(exit code, the findings as JSON)"""
    done = subprocess.run([binary("lgen"), "analyze", "logs", *paths, "--out", "json=-"], capture_output=True,
                          text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def counts(distribution):
    """Counter of (channel's number, pod): rows of one channel added up."""
    sums = collections.Counter()
    for row, line in zip(distribution["row_names"], distribution["counts"]):
        number = row.split("[")[1].split("]")[0]
        for pod, n in zip(distribution["col_names"], line):
            sums[number, pod] += n
    return +sums


class Analyze(unittest.TestCase):
    def check_same(self, summary, findings):
        own = summary.json["distributions"][0]
        theirs = findings["distribution"]
        self.assertEqual(theirs["verdict"], own["verdict"]["kind"])
        self.assertEqual(sorted(map(sorted, theirs["subsets"])), sorted(map(sorted, own["verdict"]["subsets"])))
        self.assertEqual(counts(theirs), counts(own["table"]))
        self.assertAlmostEqual(theirs["jain"], own["jain"])
        for pod in findings["pods"]:
            with self.subTest(pod["name"]):
                streams = summary.totals("grpc_streams_ended", "backend", "code")
                self.assertEqual(pod["closed"], streams[pod["name"], "OK"])
                self.assertEqual(pod["messages"], summary.totals("grpc_messages_confirmed", "backend")[pod["name"]])

    def test_every_mode_of_the_balancer(self):
        for balance, channels in [("connection", 3), ("stream", 3), ("zones", 4)]:
            with self.subTest(balance), Cluster(balance=balance) as cluster:
                ran = lgen.multi_channel(cluster.address, "--channels", channels, *lgen.QUICK)
                cluster.wait_until_idle()
                code, findings = analyze([cluster.log_path(pod) for pod in cluster.pods])
                self.assertEqual(code, 0)
                self.check_same(ran.summary, findings)
                self.assertEqual(findings["foreign_lines"], 0)

    def test_streams_that_come_back_after_a_kill_are_in_both(self):
        with Cluster(pods=3, balance="connection") as cluster, \
                lgen.Run(lgen.MULTI_CHANNEL, "--target", cluster.address, "--stagger", "0s..5ms", "--hold", "1h",
                         "--reconnect", "0.1s..0.3s") as running:
            eventually(lambda: cluster.sum_of(ACTIVE) == 30, "all streams open")
            cluster.kill_pod("pod-3")
            eventually(lambda: cluster.sum_of(ACTIVE) == 30, "all streams open again")
            summary = running.interrupt().summary
            cluster.wait_until_idle(["pod-1", "pod-2"])
            _, findings = analyze([cluster.log_path(pod) for pod in cluster.pods])
        # No verdict: a killed pod writes no ends, so to its log the connection lives on.
        self.assertEqual(counts(findings["distribution"]), counts(summary.json["distributions"][0]["table"]))
        (killed,) = [pod for pod in findings["pods"] if pod["name"] == "pod-3"]
        self.assertEqual((killed["opened"], killed["unclosed"]), (10, 10))

    def test_the_python_server(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        with python_program("original_server", "--pod", "py-1") as server:
            port = server.out.wait_for(r"gRPC server started on port (\d+) ")[1]
            ran = lgen.multi_channel(f"127.0.0.1:{port}", *lgen.QUICK)
            server.out.wait_for(r"Stream finished\. Active streams: 0\.0$")
            server.stop()
            log = os.path.join(directory, "py-1.log")
            with open(log, "w", encoding="utf-8") as file:
                file.write("\n".join(["[notice] A new release of pip is available", *server.out.all_until_end()]) + "\n")
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        code, findings = analyze([log])
        self.assertEqual(code, 0)
        self.check_same(ran.summary, findings)
        self.assertEqual(findings["foreign_lines"], 1)


if __name__ == "__main__":
    unittest.main()
