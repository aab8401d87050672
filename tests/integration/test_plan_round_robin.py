"""plans/round_robin.lua: who meets which backend, straight and through gateways, and what becomes of new backends."""

import contextlib
import json
import os
import subprocess
import tempfile
import unittest

import lgen
from name_server import NameServer
from programs import Server, binary
from proxies import Haproxy
from waiting import eventually

PLAN = os.path.join(lgen.REPOSITORY, "plans", "round_robin.lua")
SERVED = 'grpc_server_call_duration_seconds_count{grpc_method="hello.Hello/SayHello",grpc_status="OK"}'


def checks(summary):
    """{name: (times it held, times it did not)}."""
    return {check["name"]: (check["passes"], check["fails"]) for check in summary.json["checks"]}


class OnItsOwn(unittest.TestCase):
    def words(self, *arguments):
        return subprocess.run([binary("lgen"), *arguments], capture_output=True, text=True, check=False)

    def test_lgen_check(self):
        self.assertIn(f"{PLAN}: ok (shared, fresh, look)\n", self.words("check", PLAN).stdout)

    def test_help_fits_a_terminal(self):
        self.assertLessEqual(max(map(len, self.words(PLAN, "--help").stdout.splitlines())), 80)

    def test_without_target_and_gateway_it_asks_for_a_target(self):
        ran = lgen.run(PLAN)
        self.assertEqual(ran.code, lgen.CONFIGURATION)
        self.assertIn("this plan needs a target", ran.stderr)

    def test_channels_of_one_connection_cannot_take_turns(self):
        ran = lgen.run(PLAN, "--target", "127.0.0.1:1", "--transport", "h2")
        self.assertEqual(ran.code, lgen.CONFIGURATION)
        self.assertIn("'round_robin' spreads calls over several connections", ran.stderr)


class Pods:
    """Servers with one port behind one name, as behind a headless service."""

    def __init__(self, stack, *flags):
        self.flags, self._stack, self.all = flags, stack, []
        self.start()
        for _ in range(2):
            self.start()
        self.names = stack.enter_context(NameServer("hello.test", [pod.host for pod in self.all]))
        self.target = f"dns://{self.names.address}/hello.test:{self.all[0].grpc_port}"

    def start(self):
        number = len(self.all) + 1
        port = ["--grpc-port", self.all[0].grpc_port] if self.all else []
        pod = Server("--pod", f"pod-{number}", *port, *self.flags, host=f"127.0.61.{number}")
        self.all.append(self._stack.enter_context(pod))

    def add(self):
        """Ready, and in the answers of DNS from now on."""
        self.start()
        self.names.addresses = [pod.host for pod in self.all]

    def served(self):
        return sum(pod.metrics().get(SERVED, 0) for pod in self.all)


class Straight(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(contextlib.ExitStack())

    def test_a_shared_channel_takes_turns_and_a_picky_one_does_not(self):
        pods = Pods(self.stack)
        for lb, code in [("round_robin", 0), ("pick_first", lgen.FAILED)]:
            with self.subTest(lb):
                ran = lgen.run(PLAN, "--target", pods.target, "--plaintext", "--lb", lb, "--even", "1.25", "--look", "0.2s",
                               "--duration", "2s", "--rate", "shared=100")
                self.assertEqual(ran.code, code, ran.stdout + ran.stderr)
                calls = ran.summary.totals("grpc_calls", "scenario", "backend")
                shared = {backend: count for (scenario, backend), count in calls.items() if scenario == "shared"}
                self.assertEqual(len(shared), 3 if lb == "round_robin" else 1)
                self.assertEqual({backend for scenario, backend in calls if scenario == "look"}, {"pod-1", "pod-2", "pod-3"})
                self.assertEqual(sum(shared.values()), ran.summary.totals("iterations", "scenario")["shared"])
                self.assertEqual(checks(ran.summary)["every call is answered"][1], 0)
                self.assertRegex(ran.stdout, r"(?m)^  pod-1 +\d+\.\ds +\d+, first after \d+\.\ds ")

    def watch(self, newcomers, *flags, pod_flags=()):
        """A run that lasts until a pod has come and `newcomers` is so; returns the run and its events' file."""
        pods = Pods(self.stack, *pod_flags)
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.events_path = os.path.join(folder, "events.ndjson")
        run = lgen.Run(PLAN, "--target", pods.target, "--plaintext", "--look", "0.2s", "--duration", "1h",
                       "--newcomers", newcomers, "--out", "ndjson=" + self.events_path, *flags)
        self.enterContext(run)
        # At most 20 calls a second of each of two scenarios, and looks of at least 11: by then there have been some.
        eventually(lambda: pods.served() > 250, "calls before a pod comes")
        pods.add()
        eventually(lambda: self.seen("backend_seen", "pod-4"), "a look that meets pod-4")
        return pods, run

    def seen(self, name, backend):
        with open(self.events_path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line.get("name") == name and line["fields"]["backend"] == backend]

    def test_a_new_pod_is_not_met_while_all_connections_are_healthy(self):
        pods, run = self.watch("unmet", "--dns-floor", "0.1s")
        before = pods.served()
        eventually(lambda: pods.served() > before + 150, "calls that could have met it")
        run.interrupt()
        self.assertEqual(run.code, lgen.STOPPED, run.stdout + run.stderr)
        self.assertEqual(checks(run.summary)["the shared channel's newcomers are unmet"], (1, 0), run.stdout)
        self.assertEqual(self.seen("backend_met", "pod-4"), [])
        self.assertRegex(run.stdout, r"(?m)^  pod-4 .* never: not in \d")
        self.assertIn("1 came while it ran, of which the shared channel met 0. A channel asks DNS\n", run.stdout)

    def test_a_new_pod_is_met_once_the_age_limit_has_ended_a_connection(self):
        _, run = self.watch("met", "--dns-floor", "0.1s",
                            pod_flags=["--max-connection-age", "2s", "--max-connection-age-grace", "2s"])
        eventually(lambda: self.seen("backend_met", "pod-4"), "a call of the shared channel to pod-4")
        run.interrupt()
        self.assertEqual(run.code, lgen.STOPPED, run.stdout + run.stderr)
        self.assertEqual(checks(run.summary)["the shared channel's newcomers are met"], (1, 0), run.stdout)
        self.assertEqual(checks(run.summary)["every call is answered"][1], 0, run.stdout)
        self.assertIn("1 came while it ran, of which the shared channel met 1, after ", run.stdout)

    def test_a_run_without_newcomers_says_nothing_of_them(self):
        pods = Pods(self.stack)
        for newcomers in ("met", "unmet"):
            with self.subTest(newcomers):
                ran = lgen.run(PLAN, "--target", pods.target, "--plaintext", "--duration", "0.5s", "--newcomers", newcomers)
                self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
                self.assertIn("0 came, 0 met", " ".join(ran.stdout.split()))


class Gateways(unittest.TestCase):
    """Two gateways behind a balancer of connections; over gRPC they share the backends, over HTTP each has its own."""

    @classmethod
    def setUpClass(cls):
        cls.backs = [cls.enterClassContext(Server("--pod", f"back-{i}")) for i in (1, 2)]
        grpc = "ipv4:" + ",".join(back.target for back in cls.backs)
        lines = ["mode tcp", "balance roundrobin"]
        for i, back in enumerate(cls.backs, 1):
            gate = cls.enterClassContext(Server("--pod", f"gate-{i}", "--gateway-port", "0", "--grpc-backend", grpc,
                                                "--http-backend", f"http://{back.host}:{back.http_port}/hellohttp"))
            port = gate.out.wait_for(r"Gateway started on port (\d+)\.")[1]
            lines.append(f"server gate-{i} {gate.host}:{port}")
        cls.front = cls.enterClassContext(Haproxy("\n  mode tcp", "\n  ".join(lines)))
        cls.url = f"http://{cls.front.target}/"

    def run_plan(self, *flags):
        return lgen.run(PLAN, "--gateway", self.url, "--clients", 4, "--pause", "20ms", "--duration", "2s", *flags)

    def test_the_matrices(self):
        ran = self.run_plan("--expect-kept", "per_connection", "--expect-grpc", "per_stream", "--expect-http",
                            "per_connection")
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        tables = {each["name"]: each["table"] for each in ran.summary.json["distributions"]}
        sums = {name: sum(map(sum, table["counts"])) for name, table in tables.items()}
        asked = sums["gateways over backends by /hellogrpc"]
        self.assertGreaterEqual(asked, 40)
        self.assertEqual(sums, {"kept connections over gateways": asked,
                                "requests on new connections over gateways": asked,
                                "gateways over backends by /hellogrpc": asked,
                                "gateways over backends by /hellohttp": asked})
        self.assertEqual(sorted(tables["kept connections over gateways"]["row_names"]),
                         [f"kept[{i}]#1" for i in (1, 2, 3, 4)])
        self.assertEqual(sorted(tables["gateways over backends by /hellohttp"]["row_names"]), ["gate-1", "gate-2"])
        self.assertNotIn("FRESH AND SHARED", ran.stdout)

    def test_another_verdict_fails(self):
        ran = self.run_plan("--expect-kept", "per_stream", "--paths", "hellohttp")
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
        self.assertIn("kept connections over gateways: per_stream", ran.stdout)
        self.assertEqual(len(ran.summary.json["distributions"]), 3)

    def test_straight_and_through_gateways_side_by_side(self):
        ran = self.run_plan("--target", self.backs[0].target)
        self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
        self.assertIn("FRESH AND SHARED", ran.stdout)
        self.assertEqual(set(ran.summary.totals("iterations", "scenario")), {"shared", "fresh", "look", "gateway"})

    def test_what_is_no_gateway_fails_with_its_answer(self):
        back = self.backs[0]
        ran = lgen.run(PLAN, "--gateway", f"http://{back.host}:{back.http_port}", "--duration", "0.3s", "--paths", "hellogrpc")
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
        self.assertIn("status 404", ran.stdout)


if __name__ == "__main__":
    unittest.main()
