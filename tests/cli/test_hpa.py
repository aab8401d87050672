"""`lgen hpa simulate`: Kubernetes' autoscaler over a load, as a table and as JSON; every option changes what it says."""

import json
import os

from lgen_runs import LgenCase

RAMP = ["--stages", "5m:120,10m:120,1m:0", "--target", "15", "--min", "3", "--max", "10"]


class HpaCase(LgenCase):
    def simulate(self, *words):
        ended = self.run_words("hpa", "simulate", *words, "--format", "json")
        self.check(ended, 0)
        return json.loads(ended.out)

    def desired(self, *words):
        return [one["desired"] for one in self.simulate(*RAMP, *words)["rounds"]]

    def first_at(self, replicas, *words):
        return next(one["at"] for one in self.simulate(*RAMP, *words)["rounds"] if one["desired"] >= replicas)

    def on_terminal(self, *words):
        master, slave = os.openpty()
        try:
            self.check(self.run_words("hpa", "simulate", *words, stdout=slave), 0)
            return os.read(master, 65536).decode(errors="replace")
        finally:
            os.close(master)
            os.close(slave)

    def refused(self, message, *words):
        self.check(self.run_words("hpa", *words), 104, message)


class SimulateTest(HpaCase):
    def test_a_ramp(self):
        desired = self.desired()
        self.assertEqual((desired[0], max(desired), desired[-1]), (3, 8, 3))
        ended = self.run_words("hpa", "simulate", *RAMP)
        self.check(ended, 0)
        self.assertIn("At most 8 pods, from 5m", ended.out)
        self.assertIn("load above target", ended.out)
        self.assertRegex(ended.out, r"ScaleDownStabilized .* 0/15 ")
        self.assertTrue(all(len(line) <= 80 for line in ended.out.splitlines()))

    def test_load(self):
        self.assertEqual(self.desired("--start-load", "120")[0], 6)  # twice the three that there are
        self.assertEqual(len(self.desired("--length", "1m")), 5)

    def test_limits(self):
        self.assertEqual(min(self.desired("--min", "5")), 5)
        self.assertEqual(max(self.desired("--max", "6")), 6)
        self.assertEqual(self.simulate(*RAMP, "--replicas", "7")["rounds"][0]["replicas"], 7)
        self.assertEqual(max(self.desired("--target", "30")), 4)

    def test_cpu(self):
        cpu = ["--cpu", "80", "--cpu-per-load", "17m"]
        lacking = self.simulate(*RAMP[:2], *cpu, "--min", "3")["rounds"]
        self.assertEqual({one["desired"] for one in lacking}, {3})
        self.assertEqual(lacking[0]["scaling_active"]["reason"], "FailedGetResourceMetric")
        self.assertEqual(lacking[0]["usage"], [None])
        asked = ["--stages", "1m:0,0s:240,5m:240", *cpu, "--cpu-request", "0.25", "--min", "3", "--max", "20",
                 "--pod-start", "10s", "--stabilization-down", "0s"]
        late = self.simulate(*asked)["rounds"]
        early = self.simulate(*asked, "--cpu-initialization-period", "0s")["rounds"]
        self.assertEqual(max(one["desired"] for one in early), 20)
        self.assertLess(sum(one["desired"] for one in late), sum(one["desired"] for one in early))
        self.assertIn("<unknown>/80%", self.run_words("hpa", "simulate", *RAMP, *cpu).out)

    def test_behavior(self):
        self.assertEqual(max(self.desired("--scale-up", "1/5m")[:40]), 5)
        self.assertEqual(max(self.desired("--scale-up", "disabled")), 3)
        wide, narrow = ["--scale-up", "1/5m,100%/15s"], ["--scale-up", "1/5m,100%/15s", "--select-up", "min"]
        self.assertGreater(self.desired(*wide)[20], self.desired(*narrow)[20])
        self.assertEqual(self.desired("--scale-down", "disabled")[-1], 8)
        self.assertEqual(self.desired("--scale-down", "1/1m,100%/15s", "--select-down", "min", "--length", "22m")[-1], 5)  # 3 in 2 minutes
        self.assertGreater(self.first_at(4, "--stabilization-up", "2m"), self.first_at(4))
        self.assertEqual(self.desired("--stabilization-down", "0s", "--length", "16m")[-1], 3)

    def test_cluster(self):
        self.assertLess(self.first_at(4, "--tolerance", "0.01"), self.first_at(4))
        self.assertGreater(len(self.desired("--sync-period", "5s")), 2 * len(self.desired()))
        self.assertGreaterEqual(self.first_at(8, "--metric-lag", "1m"), self.first_at(8) + 45)
        waiting = [one for one in self.simulate(*RAMP, "--pod-start", "1m")["rounds"] if one["ready"] < one["replicas"]]
        self.assertTrue(waiting)
        self.assertIn("□", self.run_words("hpa", "simulate", *RAMP, "--pod-start", "1m").out)

    def test_output(self):
        some, everything = (self.run_words("hpa", "simulate", *RAMP, *all_).out for all_ in ([], ["--all"]))
        self.assertGreater(len(everything.splitlines()), len(self.desired()))
        self.assertLess(len(some.splitlines()), 40)
        self.assertIn("\x1b[", self.on_terminal(*RAMP))
        self.assertNotIn("\x1b[", self.on_terminal(*RAMP, "--no-color"))


class RefusedTest(HpaCase):
    def test_each(self):
        for message, *words in [
                ("hpa: what? lgen hpa simulate --stages",),
                ("hpa: 'simulated' is not known; there is simulate: lgen hpa simulate --stages", "simulated"),
                ("hpa: simulate takes options alone, and no 'now'", "simulate", "now"),
                ("--stages: which load?", "simulate", "--target", "15"),
                ("--target: which metric? --target 15, or --cpu 80, or both", "simulate", "--stages", "1m:5"),
                ("--stages: '5m' is no LENGTH:LOAD; write it as 5m:120", "simulate", *RAMP, "--stages", "5m"),
                ("--stages: '5m:-1' is no LENGTH:LOAD", "simulate", *RAMP, "--stages", "5m:-1"),
                ("--min: '0' is no whole number from 1", "simulate", *RAMP, "--min", "0"),
                ("--max: less than --min", "simulate", *RAMP, "--max", "2"),
                ("--target: a target is at least 0.001", "simulate", *RAMP, "--target", "0"),
                ("--cpu: how much CPU is that?", "simulate", *RAMP, "--cpu", "80"),
                ("--cpu-request: 'much' is no amount of CPU; write 250m or 0.25", "simulate", *RAMP, "--cpu-request",
                 "much"),
                ("--scale-up: '4' is no policy; write 4/15s or 100%/15s (a period of at most 30m), or disabled",
                 "simulate", *RAMP, "--scale-up", "4"),
                ("--scale-up: '4/5000s' is no policy", "simulate", *RAMP, "--scale-up", "4/5000s"),
                ("--scale-down: '1e30/15s' is no policy", "simulate", *RAMP, "--scale-down", "1e30/15s"),
                ("--stabilization-down: Kubernetes takes at most 1h", "simulate", *RAMP, "--stabilization-down", "5h"),
                ("--stages: '5m:1e12': a load of at most 1e+09", "simulate", *RAMP, "--stages", "5m:1e12"),
                ("--select-down: 'most' is neither max nor min", "simulate", *RAMP, "--select-down", "most"),
                ("--metric-lag: ", "simulate", *RAMP, "--metric-lag", "soon"),
                ("--sync-period: at least 1s", "simulate", *RAMP, "--sync-period", "0"),
                ("--length: more than 100000 rounds of 15s", "simulate", *RAMP, "--length", "9999h"),
                ("--format: 'yaml' is neither text nor json", "simulate", *RAMP, "--format", "yaml")]:
            with self.subTest(message):
                self.refused(message, *words)
