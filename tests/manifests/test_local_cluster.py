"""The manifests run on this machine: lgen-cluster takes every overlay as kustomize renders it."""

import collections
import json
import os
import unittest

import grpc

from clients import say_hello
from kube_cluster import KubeCluster
from manifests import K8S, kustomize, names
from programs import http_get
from waiting import PATIENCE_SECONDS, eventually


def round_robin(target):
    return grpc.insecure_channel(target, options=[("grpc.lb_policy_name", "round_robin"), ("grpc.enable_http_proxy", 0),
                                                  ("grpc.use_local_subchannel_pool", 1)])


def spread(channel):
    """How many of thirty calls each pod got."""
    return collections.Counter(say_hello(channel)[0].hostname for _ in range(30))


class LocalClusterTest(unittest.TestCase):
    def start(self, overlay, *flags):
        cluster = self.enterContext(KubeCluster(kustomize(os.path.join(K8S, "overlays", overlay)), *flags))
        cluster.event("ready")
        return cluster

    def address(self, cluster, service):
        return next(one["address"] for one in cluster.facts["services"] if one["service"] == service)

    def test_every_overlay_comes_up(self):
        for overlay in names("overlays"):
            with self.subTest(overlay):
                cluster = self.start(overlay, "--deployment", "lgen-server")
                self.assertEqual({one["event"] for one in cluster.events()} & {"pod_crashed", "failed"}, set())
                self.assertEqual(cluster.facts["services"][0]["service"], "lgen-server")
                self.assertIn("Job", {one["kind"] for one in cluster.facts["skipped"]})
                self.assertEqual([row["NAME"] for row in cluster.table("hpa")], ["lgen-server"])

    def test_the_gateway_reaches_both_of_its_services(self):
        cluster = self.start("local")
        gateway = self.address(cluster, "serve-svc")
        for path, version in (("/hellogrpc", "v1-hellogrpc"), ("/hellohttp", "v1-hellohttp")):
            answers = [json.loads(http_get(f"http://{gateway}{path}?name=you")[1]) for _ in range(12)]
            self.assertEqual({one["response"]["version"] for one in answers}, {version})
            self.assertEqual(len({one["hostname"] for one in answers}), 3, "the gateway's pods")
            self.assertGreater(len({one["response"]["hostname"] for one in answers}), 1, "the pods behind it")

    def test_a_headless_service_is_a_name(self):
        cluster = self.start("local", "--deployment", "hello-grpc")
        target = self.address(cluster, "grpc-svc")
        with round_robin(target) as channel:
            grpc.channel_ready_future(channel).result(PATIENCE_SECONDS)
            eventually(lambda: len(spread(channel)) == 3, "connections to all three")
            self.assertEqual(sorted(spread(channel).values()), [10, 10, 10])
            # New pods change nothing as long as every connection is well.
            cluster.order("scale", "deployment/hello-grpc", "--replicas=5")
            cluster.wait_for_ready(5)
            cluster.event("endpoint_added", count=5)
            self.assertEqual(sorted(spread(channel).values()), [10, 10, 10])
        with round_robin(target) as channel:
            eventually(lambda: len(spread(channel)) == 5, "connections to all five")


if __name__ == "__main__":
    unittest.main()
