"""lgen.cluster.events: what the stand-in cluster tells a plan of its pods."""

import json
import unittest

from kube_cluster import KubeCluster, deployment
from lgen_runs import LgenCase
from metrics_pages import Page
from programs import http_get

READINESS = "readinessProbe: {grpc: {port: 50051}, periodSeconds: 1}"
ASK = """
local list, err = lgen.cluster.events(lgen.metrics)
lgen.event("answer", { list = list and lgen.json.encode(lgen.array(list)) or "", err = err and tostring(err) or "" })
"""


class ClusterEvents(LgenCase):
    def ask(self, *flags, text=""):
        """What a plan gets: the list of events, and the error."""
        ended = self.run_plan(self.plan(text, ASK), *flags)
        self.assertEqual(ended.code, 0, ended)
        (answer,) = [event["fields"] for event in ended.summary["events"] if event["name"] == "answer"]
        return json.loads(answer["list"] or "null"), answer["err"]

    def test_a_cluster_of_ones_own_tells_them_from_its_start(self):
        manifests = self.path(self.write("server.yaml", deployment(READINESS)))
        events, _ = self.ask(f"--local=manifests={manifests},time-scale=20")
        self.assertEqual((events[0]["event"], events[0]["time_scale"]), ("started", 20))
        (ready,) = [event for event in events if event["event"] == "pod_ready"]
        self.assertRegex(ready["pod"], "^server-")
        self.assertLess(ready["at"], 0, "it was ready before the run began")
        self.assertEqual(events, sorted(events, key=lambda event: event["at"]))

    def test_so_does_one_that_runs_already(self):
        with KubeCluster(deployment(READINESS)) as cluster:
            cluster.event("ready")
            lines = http_get(cluster.facts["events"])[1]
            self.assertEqual([json.loads(line) for line in lines.splitlines()][:3], cluster.events()[:3])
            for where in ("sd+" + cluster.facts["sd"], cluster.facts["events"]):
                with self.subTest(where):
                    events, _ = self.ask("--target", cluster.address, "--metrics", where)
                    self.assertIn("pod_ready", [event["event"] for event in events])

    def test_elsewhere_there_are_none(self):
        _, error = self.ask("--local=pods=1")
        self.assertRegex(error, r"^NOT_FOUND: .*/events answers 404: only a cluster with manifests \(-f\) has events$")
        with Page("a page") as page:
            for where, text in [("dns:///localhost:9464", "NOT_FOUND: no cluster tells its events at dns:///localhost"),
                                (page.url, "INTERNAL: .* no events of lgen-cluster's"),
                                ("http://127.0.0.1:1/events", "UNAVAILABLE: .*refused")]:
                with self.subTest(where):
                    self.assertRegex(self.ask("--target", "127.0.0.1:1", "--metrics", where)[1], text)


if __name__ == "__main__":
    unittest.main()
