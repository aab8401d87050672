"""`--local`: a stand-in cluster for the length of one run, and nothing of it afterwards."""

import os
import signal
import tempfile
import unittest

import lgen
from cluster import is_running, processes_below
from kube_cluster import data, deployment
from waiting import eventually

PROBE = os.path.join(lgen.REPOSITORY, "plans", "readiness_probe.lua")


def run_directory(processes):
    """Where the cluster keeps its files, from the command line of its HAProxy."""
    haproxy = next(pid for pid, name in processes.items() if name == "haproxy")
    with open(f"/proc/{haproxy}/cmdline", encoding="utf-8") as file:
        arguments = file.read().split("\0")
    return os.path.dirname(arguments[arguments.index("-f") + 1])


def start(spec, *flags):
    return lgen.Run(lgen.MULTI_CHANNEL, "--local" + spec, "--stagger", "0s..5ms", *flags)


class Local(unittest.TestCase):
    def test_each_balance(self):
        for spec, verdict in [("", "per_connection"), ("=pods=2", "per_connection"),
                              ("=pods=3,balance=stream", "per_stream"),
                              ("=balance=zones,pods=4,zones=2", "per_stream_within_subset"),
                              ("=pods=1", "inconclusive")]:
            flags = ["--channels", 4, *lgen.SHUFFLED, "--hold", "1s", "--expect", verdict]
            with self.subTest(spec), start(spec, *flags) as running:
                running.finish()
                self.assertEqual(running.code, 0, running.stdout + running.stderr)
                (note,) = [note for note in running.summary.notes if note.startswith("--local: ")]
                self.assertIn("behind HAProxy at " + running.summary.json["run"]["target"], note)

    def test_manifests_say_what_runs(self):
        with start(f"=manifests={data('ramp.yaml')},time-scale=20,balance=stream", "--channels", 1, "--streams", 30,
                   *lgen.SHUFFLED, "--hold", "1s", "--expect", "per_stream") as running:
            running.finish()
            self.assertEqual(running.code, 0, running.stdout + running.stderr)
            (note,) = [note for note in running.summary.notes if note.startswith("--local: ")]
            self.assertIn("3 of the manifests' pods behind HAProxy at " + running.summary.json["run"]["target"], note)

    def test_a_service_of_the_manifests_may_be_named(self):
        service = ("---\nkind: Service\nmetadata: {{name: {}}}\nspec:\n  selector: {{app: server}}\n"
                   "  ports: [{{name: {}, port: 80, targetPort: {}}}]\n")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(deployment() + service.format("api", "grpc", 50051) + service.format("web", "http", 8100))
            file.flush()
            for name, code in [("web", 0), ("nobody", 104)]:
                with self.subTest(name), lgen.Run(PROBE, f"--local=manifests={file.name},service={name}", "--http",
                                                  "/hellohttp", "--rate", 50, "--duration", "1s") as running:
                    running.finish()
                    self.assertEqual(running.code, code, running.stdout + running.stderr)

    def test_pods_of_other_deployments_are_neither_counted_nor_watched(self):
        plan = os.path.join(lgen.REPOSITORY, "plans", "hpa_ramp.lua")
        other = deployment("", "replicas: 2", name="other")
        with open(data("ramp.yaml"), encoding="utf-8") as ramp, tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(ramp.read() + "---\n" + other)
            file.flush()
            with lgen.Run(plan, f"--local=manifests={file.name},time-scale=20", "--streams", 6, "--ramp", "0.2s",
                          "--hold", "2s", "--down", "0.2s", "--interval", "0.2s") as running:
                running.finish()
                self.assertEqual(running.code, 0, running.stdout + running.stderr)
                self.assertTrue(any("3 of the manifests' pods" in note and note.endswith(", 2 others elsewhere")
                                    for note in running.summary.notes), running.summary.notes)
                self.assertTrue(all(name.startswith("server-") for name in
                                    running.summary.totals("up", "pod")), running.stdout)

    def test_manifests_that_are_none(self):
        with start("=manifests=/nowhere/x.yaml") as running:
            running.finish()
            self.assertEqual(running.code, 104)
            self.assertIn("cannot read /nowhere/x.yaml", running.stderr)

    def end_and_check(self, running, number, codes):
        """Sends the signal; then the exit code is one of `codes` and no process stays."""
        below = processes_below(running.process.pid)
        self.assertIn("lgen-cluster", below.values())
        running.send_signal(number)
        running.finish()
        self.assertIn(running.code, codes, running.stdout + running.stderr)
        eventually(lambda: not any(map(is_running, below)), "the end of every process")

    def end_in_the_middle(self, number, code):
        with start("=pods=2,balance=connection", "--hold", "1h", "--trace") as running:
            running.err.wait_for("^trace #1 ")
            below = processes_below(running.process.pid)
            self.assertEqual(list(below.values()).count("lgen-server"), 2)
            directory = run_directory(below)
            self.assertTrue(os.path.isdir(directory), directory)
            self.end_and_check(running, number, [code])
            eventually(lambda: not os.path.exists(directory), "its directory removed")

    def test_an_interrupted_run_stops_its_cluster(self):
        self.end_in_the_middle(signal.SIGINT, lgen.STOPPED)

    def test_a_killed_run_takes_its_cluster_along(self):
        self.end_in_the_middle(signal.SIGKILL, -signal.SIGKILL)

    def test_a_cluster_that_dies_on_the_way_is_told_of(self):
        with start("=pods=2,balance=connection", "--hold", "2s", "--trace") as running:
            running.err.wait_for("^trace #1 ")
            (pid,) = [pid for pid, name in processes_below(running.process.pid).items() if name == "lgen-cluster"]
            os.kill(pid, signal.SIGKILL)
            running.finish()
            self.assertIn(f"lgen: --local: lgen-cluster (pid {pid}) was killed by signal 9 before the run was over",
                          running.stderr)

    def test_an_interrupt_while_the_cluster_starts_stops_it_too(self):
        with start("=pods=2", "--hold", "1h") as running:
            eventually(lambda: "lgen-cluster" in processes_below(running.process.pid).values(), "lgen-cluster")
            self.end_and_check(running, signal.SIGINT, [-signal.SIGINT, lgen.STOPPED])

    def test_a_spec_it_does_not_know_is_refused_before_anything_starts(self):
        for spec, message in [("=pod=3", "did you mean 'pods'?"), ("=balance=ring", "ring"), ("=pods=0", "pods"),
                              ("=zones=2,pods=3,balance=zones", "zones")]:
            with self.subTest(spec), start(spec) as running:
                running.finish()
                self.assertEqual(running.code, lgen.CONFIGURATION, running.stdout + running.stderr)
                self.assertIn(message, running.stderr)

    def test_local_and_target_contradict_each_other(self):
        ran = lgen.multi_channel("127.0.0.1:1", "--local")
        self.assertEqual(ran.code, lgen.CONFIGURATION)
        self.assertIn("--local contradicts --target", ran.stderr)


if __name__ == "__main__":
    unittest.main()
