"""Every object of every overlay is what the API server's types and schemas say of its kind."""

import copy
import json
import os
import subprocess
import unittest

from manifests import PATIENCE_SECONDS, container, get, names, rendered, title, with_components

HERE = os.path.dirname(os.path.abspath(__file__))


def judge(items):
    """{name: [problem, …]} of [(name, object), …]."""
    done = subprocess.run(["node", os.path.join(HERE, "check_kinds.mjs")], text=True, capture_output=True, check=False,
                          input=json.dumps([{"name": name, "object": thing} for name, thing in items]),
                          timeout=PATIENCE_SECONDS)
    if done.returncode:
        raise AssertionError(done.stderr)
    problems = {}
    for found in json.loads(done.stdout):
        problems.setdefault(found["name"], []).append(found["problem"])
    return problems


def all_objects():
    """(where, object) of everything there is, once."""
    seen = set()
    for where, things in ([(folder, rendered(folder)) for folder in ["base", *(f"overlays/{o}" for o in names("overlays"))]]
                          + [(f"components/{name}", with_components(name)) for name in names("components")]):
        for thing in things:
            key = json.dumps(thing, sort_keys=True)
            if key not in seen:
                seen.add(key)
                yield f"{where}: {title(thing)}", thing


# What is wrong, where, how, and a word of the complaint.
MISTAKES = [
    ("an unknown field of a container", "Deployment", "lgen-server",
     lambda d: d["spec"]["template"]["spec"]["containers"][0].update(imagePullPolice="Always"), '"imagePullPolice"'),
    ("a probe with a misspelt kind", "Deployment", "lgen-server",
     lambda d: d["spec"]["template"]["spec"]["containers"][0]["readinessProbe"].update(grcp={"port": 1}), '"grcp"'),
    ("a port that is a text", "Deployment", "lgen-server",
     lambda d: d["spec"]["template"]["spec"]["containers"][0]["ports"][0].update(containerPort="50051"),
     "containerPort must be integer"),
    ("no selector", "Deployment", "lgen-server", lambda d: d["spec"].pop("selector"), '"selector"'),
    ("a field in the wrong place", "Deployment", "lgen-server",
     lambda d: d["spec"].update(terminationGracePeriodSeconds=90), '"terminationGracePeriodSeconds"'),
    ("a type of metric that is none", "HorizontalPodAutoscaler", "lgen-server",
     lambda d: d["spec"]["metrics"][1].update(pod={}), '"pod"'),
    ("maxReplicas forgotten", "HorizontalPodAutoscaler", "lgen-server", lambda d: d["spec"].pop("maxReplicas"), '"maxReplicas"'),
    ("a health check of a type there is not", "HealthCheckPolicy", "lgen-server",
     lambda d: d["spec"]["default"]["config"].update(type="gRPC"), '"gRPC"'),
    ("a health check's path beside its type", "HealthCheckPolicy", "lgen-server",
     lambda d: d["spec"]["default"].update(requestPath="/"), '"requestPath"'),
    ("a health check that is too rare", "HealthCheckPolicy", "lgen-server",
     lambda d: d["spec"]["default"].update(checkIntervalSec=301), "checkIntervalSec must be <= 300"),
    ("draining that is too long", "GCPBackendPolicy", "lgen-server",
     lambda d: d["spec"]["default"]["connectionDraining"].update(drainingTimeoutSec=3601), "drainingTimeoutSec must be <= 3600"),
    ("a time-out in the wrong place", "GCPBackendPolicy", "lgen-server", lambda d: d["spec"].update(timeoutSec=900), '"timeoutSec"'),
    ("a listener without its port", "Gateway", "lgen", lambda d: d["spec"]["listeners"][0].pop("port"), '"port"'),
    ("a TLS mode there is not", "Gateway", "lgen", lambda d: d["spec"]["listeners"][0]["tls"].update(mode="Ends"), '"Ends"'),
    ("a backend's port beyond 65535", "HTTPRoute", "lgen-server",
     lambda d: d["spec"]["rules"][0]["backendRefs"][0].update(port=65536), "port must be <= 65535"),
    ("an algorithm there is not", "GCPTrafficDistributionPolicy", "lgen-server",
     lambda d: d["spec"]["default"].update(serviceLbAlgorithm="SPRAY"), '"SPRAY"'),
    ("one target instead of a list", "GCPTrafficDistributionPolicy", "lgen-server",
     lambda d: d["spec"].update(targetRef=d["spec"].pop("targetRefs")[0]), '"targetRef"'),
    ("the operator's word for Google's", "PodMonitoring", "lgen-server",
     lambda d: d["spec"].update(podMetricsEndpoints=d["spec"].pop("endpoints")), '"podMetricsEndpoints"'),
    ("an endpoint without an interval", "PodMonitoring", "lgen-server",
     lambda d: d["spec"]["endpoints"][0].pop("interval"), "'interval' is missing"),
    ("a misspelt limit of a Job", "Job", "lgen-loadgen",
     lambda d: d["spec"].update(backOffLimit=1), '"backOffLimit"'),
    ("a kind there is not", "Service", "lgen-server", lambda d: d.update(kind="Servize"), "Servize"),
]


class KindsTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        things = rendered("overlays/gke-spray")
        spoilt = []
        for what, kind, name, spoil, _ in MISTAKES:
            thing = copy.deepcopy(get(things, kind, name))
            spoil(thing)
            spoilt.append((what, thing))
        cls.seeded = {what for what, _ in spoilt}
        cls.problems = judge([*all_objects(), *spoilt])

    def test_all_objects_have_known_fields_and_values_that_are_allowed(self):
        self.assertEqual({name: found for name, found in self.problems.items() if name not in self.seeded}, {})

    def test_seeded_mistakes_are_found(self):
        for what, _, _, _, word in MISTAKES:
            with self.subTest(what):
                self.assertIn(word, " ".join(self.problems.get(what, ["nothing was found"])))

    def test_what_is_added_for_a_component_is_there(self):
        self.assertIn("sleep", container(rendered("base"), "Deployment", "lgen-server")["lifecycle"]["preStop"])
        self.assertNotIn("lifecycle", container(with_components("no-prestop"), "Deployment", "lgen-server"))


if __name__ == "__main__":
    unittest.main()
