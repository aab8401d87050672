"""plans/hpa_ramp.lua: what it sees of pods that come while streams are ramped."""

import os
import subprocess
import unittest

import lgen
from metrics_pages import Discovery
from programs import Server, binary

PLAN = os.path.join(lgen.REPOSITORY, "plans", "hpa_ramp.lua")
SHORT = ["--streams", 12, "--ramp", "1s", "--hold", "1s", "--down", "1s", "--every", "0.1s", "--interval", "0.1s",
         "--target-streams", 4, "--min-pods", 1, "--max-pods", 4]


def checks(summary):
    """{name: (times it held, times it did not)}."""
    return {check["name"]: (check["passes"], check["fails"]) for check in summary.json["checks"]}


class HpaRamp(unittest.TestCase):
    def setUp(self):
        self.pod = self.enterContext(Server("--pod", "pod-1"))
        self.idle = self.enterContext(Server("--pod", "pod-2"))
        self.discovery = self.enterContext(Discovery(**{"pod-1": self.page(self.pod)}))

    def page(self, server):
        return f"{server.host}:{server.metrics_port}"

    def run_plan(self, *flags):
        return lgen.run(PLAN, "--target", self.pod.target, "--metrics", f"sd+{self.discovery.url}", *SHORT, *flags)

    def test_a_pod_alone(self):
        ran = self.run_plan("--added-within", "10s", "--even", 1)
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout + ran.stderr)
        found = checks(ran.summary)
        self.assertEqual(found["a pod was added in time"], (0, 1))
        self.assertEqual(found["the load reached the pods evenly"], (1, 0))
        self.assertEqual(found["nothing is left at the end"], (1, 0))
        self.assertIn("  no pod came\n", ran.stdout)
        self.assertEqual(len(ran.summary.events("target_crossed")), 1)
        self.assertEqual(ran.summary.total("stream_losses"), 0)

    def test_a_pod_that_comes_and_gets_nothing(self):
        flags = ["--added-within", "1h", "--even", "1.5"]
        run = self.enterContext(lgen.Run(PLAN, "--target", self.pod.target, "--metrics", f"sd+{self.discovery.url}",
                                         *SHORT, *flags, "--hold", "4s"))
        self.pod.wait_for_metric("grpc_server_active_streams", 12)
        self.discovery.show(**{"pod-1": self.page(self.pod), "pod-2": self.page(self.idle)})
        run.finish()
        self.assertEqual(run.code, lgen.FAILED, run.stdout + run.stderr)
        self.assertEqual(checks(run.summary)["a pod was added in time"], (1, 0), run.stdout)
        self.assertEqual(checks(run.summary)["the load reached the pods evenly"], (0, 1), run.stdout)
        self.assertRegex(run.stdout, r"(?m)^ +\d+\.\ds +never +never  pod-2$")

    def test_without_pages_it_says_what_is_missing(self):
        ran = lgen.run(PLAN, "--target", self.pod.target)
        self.assertEqual(ran.code, lgen.CONFIGURATION)
        self.assertIn("say --metrics WHERE", ran.stderr)

    def test_help_fits_a_terminal(self):
        text = subprocess.run([binary("lgen"), PLAN, "--help"], capture_output=True, text=True, check=True).stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 80)


if __name__ == "__main__":
    unittest.main()
