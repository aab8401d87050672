"""plans/readiness_probe.lua: what is lost while pods come, roll and go, and what it is put down to."""

import collections
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest

import lgen
from kube_cluster import KubeCluster, autoscaler, deployment
from programs import Server, binary
from waiting import eventually

PLAN = os.path.join(lgen.REPOSITORY, "plans", "readiness_probe.lua")

NOT_READY, TERMINATING = "sent to a pod not ready", "sent to a terminating pod"
COLD, RESET, REFUSED, GOAWAY = "cold start of a pod", "reset in flight", "refused", "GOAWAY unprocessed"
STOPPED, AGE = "its pod stopped", "connection age limit"

# The cluster's time runs ten times as fast. Pods listen 5 s after their start; balancers hear of a change after 3 s.
SCALE, ENDPOINT_DELAY = 10, "3s"
PODS, FEWER = 4, 3
PRE_STOP = "lifecycle: {preStop: {sleep: {seconds: 30}}}"
PROBES = {"grpc": "readinessProbe: {grpc: {port: 50051}, periodSeconds: 1}",
          "http": "readinessProbe: {httpGet: {path: /readyz, port: 9464}, periodSeconds: 1}"}
GAUGE = ("{type: Pods, pods: {metric: {name: grpc_server_active_streams}, "
         "target: {type: AverageValue, averageValue: \"10\"}}}")
# A rollout's pods are of another version than those before.
VERSION = "env: [{name: APP_VERSION, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['pod-template-hash']\"}}}]"


def manifests(protocol="grpc", readiness=True, pre_stop=True, args="--startup-delay=5s", replicas=PODS):
    container = [f"args: [--shutdown-grace=5s, {args}]", VERSION,
                 "ports: [{name: grpc, containerPort: 50051}, {name: metrics, containerPort: 9464}]"]
    container += [PROBES[protocol]] if readiness else []
    container += [PRE_STOP] if pre_stop else []
    port = {"grpc": "{name: grpc, port: 50051, targetPort: 50051}", "http": "{name: http, port: 80, targetPort: 8100}"}
    return (deployment("\n".join(container), f"replicas: {replicas}\nstrategy: {{rollingUpdate: "
                       "{maxSurge: 2, maxUnavailable: 0}}", "terminationGracePeriodSeconds: 90") +
            "---\nkind: Service\nmetadata: {name: server}\nspec:\n  selector: {app: server}\n"
            f"  ports: [{port[protocol]}]\n")


def hpa():
    """One pod too many for what there is to do, which it may say half a minute after its start."""
    return autoscaler(f"minReplicas: {FEWER}\nmaxReplicas: {PODS}\nmetrics: [{GAUGE}]\n"
                      "behavior: {scaleDown: {stabilizationWindowSeconds: 30}}")


def checks(summary):
    """{name: (times it held, times it did not)}."""
    return {check["name"]: (check["passes"], check["fails"]) for check in summary.json["checks"]}


def losses(summary, what="lost"):
    """{cause: how many}."""
    counts = collections.Counter()
    for (kind, cause), count in summary.totals("losses", "what", "cause").items():
        counts[cause] += count if kind == what else 0
    return +counts


class Probing(lgen.Run):
    """The plan at work beside a cluster, with its events as they come."""

    def __init__(self, target, *flags, sd=None):
        self._folder = tempfile.TemporaryDirectory(prefix="lgen-test-")
        self._events = os.path.join(self._folder.name, "events.ndjson")
        metrics = ["--metrics", "sd+" + sd] if sd else []
        super().__init__(PLAN, "--target", target, "--plaintext", "--duration", "1h", "--timeout", "20s",
                         "--slow", "10s", *metrics, "--out", "ndjson=" + self._events, *flags)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._folder.cleanup()

    def lines(self, kind, name=None):
        if not os.path.exists(self._events):
            return []
        with open(self._events, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["type"] == kind and name in (None, line.get("name"))]

    def wait_until_seen(self, pods):
        """Each of them has answered."""
        def missing():
            return set(pods()) - {line["fields"]["pod"] for line in self.lines("event", "pod_seen")}
        eventually(lambda: not missing(), "an answer of every pod")


class ClusterCase(unittest.TestCase):
    def cluster(self, text, *flags, balance="stream", pods=PODS):
        cluster = self.enterContext(KubeCluster(text, "--balance", balance, "--endpoint-delay", ENDPOINT_DELAY, *flags,
                                                scale=SCALE))
        cluster.wait_for_ready(pods)
        cluster.event("endpoint_added", count=pods)
        return cluster

    def probing(self, cluster, *flags):
        return self.enterContext(Probing(cluster.address, *flags, sd=cluster.facts["sd"]))

    def roll(self, cluster, run, number):
        cluster.order("rollout", "restart", "deployment/server")
        cluster.event("rollout_complete", count=number)
        run.wait_until_seen(cluster.pods)

    def quiet(self, cluster):
        """Whatever goes has gone, and balancers know."""
        eventually(lambda: len(cluster.events("pod_gone")) == len(cluster.events("pod_created")) - len(cluster.pods()),
                   "the end of all that go")

        def pods(event):
            return {one["pod"] for one in cluster.events(event)}
        eventually(lambda: pods("pod_gone") & pods("endpoint_added") <= pods("endpoint_removed"), "balancers to know")

    def assert_explained(self, run):
        told = checks(run.summary)
        for name in ("every lost call has a cause", "every slow call has a cause",
                     "every held stream is drained or has a cause"):
            self.assertEqual(told[name], (1, 0), run.stdout)


class ReadinessAndPreStop(ClusterCase):
    """200 calls a second through two rollouts and one scale-down by the autoscaler."""

    def probe(self, protocol, readiness, pre_stop, *flags):
        cluster = self.cluster(manifests(protocol, readiness, pre_stop) + hpa())
        run = self.probing(cluster, *(["--http", "/hellohttp"] if protocol == "http" else []), *flags)
        run.wait_until_seen(cluster.pods)
        for number in (1, 2):
            self.roll(cluster, run, number)
        cluster.event("scaled", to=FEWER, why="hpa server")
        self.quiet(cluster)
        run.interrupt()
        self.assertEqual(run.code, lgen.STOPPED, run.stdout + run.stderr)
        self.assert_explained(run)
        self.assertEqual(losses(run.summary, "slow"), {}, run.stdout)
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 80)
        return run

    def losses_of(self, protocol, readiness, pre_stop, *flags):
        """The causes and the report; they are those of all calls that failed."""
        with self.subTest(protocol, readiness=readiness, pre_stop=pre_stop):
            run = self.probe(protocol, readiness, pre_stop, *flags)
            lost = losses(run.summary)
            ends = run.summary.totals("http_requests" if protocol == "http" else "grpc_calls", "code")
            failed = sum(count for code, count in ends.items() if code not in ("OK", "200"))
            cut_short = sum(count for code, count in ends.items() if code.lower() == "cancelled") # most by the end
            self.assertLessEqual(sum(lost.values()), failed, run.stdout)
            self.assertGreaterEqual(sum(lost.values()), failed - cut_short, run.stdout)
            self.assertEqual(sum(lost.values()), run.summary.totals("answers", "outcome").get("lost", 0))
            return set(lost), run.stdout

    def check(self, protocol, *flags):
        """The balancer says whom it could not reach, so the causes are exact."""
        lost, report = self.losses_of(protocol, True, True, *flags)
        self.assertEqual(lost, set(), report)
        lost, report = self.losses_of(protocol, False, True, *flags)
        self.assertEqual(lost, {NOT_READY}, report)
        lost, report = self.losses_of(protocol, True, False, *flags)
        self.assertIn(TERMINATING, lost, report)
        self.assertLessEqual(lost, {TERMINATING, RESET}, report)
        lost, report = self.losses_of(protocol, False, False, *flags)
        self.assertLessEqual({NOT_READY, TERMINATING}, lost, report)
        self.assertLessEqual(lost, {NOT_READY, TERMINATING, RESET}, report)

    def test_grpc(self):
        self.check("grpc", "--transport", "h2")

    def test_http(self):
        self.check("http")

    def test_grpc_core(self):
        """It shows no headers of such answers: pods' states at that time have to do."""
        lost, report = self.losses_of("grpc", True, True)
        self.assertEqual(lost, set(), report)
        lost, report = self.losses_of("grpc", False, False)
        self.assertLessEqual({NOT_READY, TERMINATING}, lost, report)


class ClusterThatDies(ClusterCase):
    def test_its_events_until_then_are_known(self):
        cluster = self.cluster(manifests(replicas=2), pods=2)
        run = self.probing(cluster)
        run.wait_until_seen(cluster.pods)
        eventually(lambda: run.lines("event", "cluster_tells"), "the cluster's events")
        cluster.stop()
        eventually(lambda: run.lines("event", "nobody_answers"), "many lost calls")
        run.interrupt()
        self.assertNotIn("No cluster told its events.", run.stdout)
        self.assertRegex(run.stdout, r"The cluster's events reach until [\d.]+s only: it has told none since\.")


    def test_one_that_is_killed_explains_nothing(self):
        for victim in ("haproxy", "lgen-cluster"):
            with self.subTest(victim):
                cluster = self.cluster(manifests(replicas=2), pods=2)
                run = self.probing(cluster)
                run.wait_until_seen(cluster.pods)
                eventually(lambda run=run: run.lines("event", "cluster_tells"), "the cluster's events")
                pids = {name: pid for pid, name in cluster.processes().items()}
                os.kill(pids.get(victim, cluster.process.pid), signal.SIGKILL)
                eventually(lambda run=run: run.lines("event", "nobody_answers"), "many lost calls")
                run.interrupt()
                lost = losses(run.summary)
                self.assertIn("unexplained", lost, run.stdout)
                self.assertNotIn(NOT_READY, lost, run.stdout)
                self.assertEqual(checks(run.summary)["every lost call has a cause"], (0, 1))


class HeldStreams(ClusterCase):
    """Behind a balancer of streams, which lets no GOAWAY of the pods' through."""

    def test_that_the_age_limit_ends(self):
        limits = "--max-connection-age=30s, --max-connection-age-grace=10s"
        cluster = self.cluster(manifests(args=limits, replicas=2), pods=2)
        told = self.probing(cluster, "--streams", 4, "--age", "30s", "--grace", "10s", "--expect-change")
        untold = self.probing(cluster, "--streams", 4)
        for run in (told, untold):
            eventually(lambda run=run: len(run.lines("event", "stream_cut")) >= 4, "streams that are cut")
            run.interrupt()
        self.assertEqual(set(losses(told.summary, "cut")), {AGE}, told.stdout)
        self.assertEqual(checks(told.summary)["every held stream is drained or has a cause"], (1, 0))
        self.assertEqual(set(losses(untold.summary, "cut")), {"unexplained"}, untold.stdout)
        self.assertIn("--age and\n  --grace say how.", untold.stdout)
        # Pods have had their first requests meanwhile, which is no change.
        self.assertEqual(checks(told.summary)["pods came or went while the calls were made"], (0, 1), told.stdout)

    def test_whose_pod_stops(self):
        cluster = self.cluster(manifests(pre_stop=False, replicas=2), pods=2)
        run = self.probing(cluster, "--streams", 4, "--expect-change")
        wrong = self.probing(cluster, "--http", "http://127.0.0.1:1/x")
        run.wait_until_seen(cluster.pods)
        eventually(lambda: sum(pod["grpc_server_active_streams"] for pod in cluster.metrics().values()) == 4,
                   "held streams")
        eventually(lambda: wrong.lines("event", "nobody_answers"), "many lost calls")
        cluster.order("scale", "deployment/server", "--replicas=1")
        eventually(lambda: run.lines("event", "stream_cut"), "a cut stream")
        self.quiet(cluster)
        run.interrupt()
        wrong.interrupt()
        self.assert_explained(run)
        cut = losses(run.summary, "cut")
        self.assertIn(STOPPED, cut, run.stdout)
        self.assertLessEqual(set(cut), {STOPPED, TERMINATING}, run.stdout)
        self.assertEqual(checks(run.summary)["pods came or went while the calls were made"], (1, 0), run.stdout)
        self.assertEqual(set(losses(wrong.summary)), {"unexplained"}, wrong.stdout)


class OneConnectionAtATime(ClusterCase):
    """A balancer of connections: they outlive the preStop hook, and pods' GOAWAYs reach the client."""

    def test_held_streams_are_drained_or_accounted_for(self):
        for transport in ("grpc", "h2"):
            with self.subTest(transport):
                cluster = self.cluster(manifests(), balance="connection")
                run = self.probing(cluster, "--streams", 4, "--every", "20ms", "--transport", transport)
                eventually(lambda: run.lines("event", "pod_seen"), "calls")
                eventually(lambda: sum(pod["grpc_server_active_streams"] for pod in cluster.metrics().values()) == 4,
                           "held streams")
                # Pods that have no connection are not met.
                cluster.order("rollout", "restart", "deployment/server")
                cluster.event("rollout_complete", count=1)
                self.quiet(cluster)
                run.interrupt()
                self.assert_explained(run)
                (told,) = run.summary.events("held_streams")
                opened, closed, drained, cut = (told[what] for what in ("opened", "closed", "drained", "cut"))
                self.assertRegex(run.stdout, rf"HELD STREAMS: {opened} opened = {closed} closed")
                self.assertLessEqual(closed, 4, run.stdout)
                if told["unfinished"] == 0: # at the end of a run on a machine that is too busy
                    self.assertEqual(opened, closed + drained + cut, run.stdout)
                self.assertEqual(sum(losses(run.summary, "unopened").values()), told["unopened"], run.stdout)
                self.assertEqual(sum(losses(run.summary, "cut").values()), cut, run.stdout)
                self.assertGreaterEqual(drained + cut, 4, run.stdout)
                self.assertGreaterEqual(drained, 1, run.stdout)
                self.assertLessEqual(set(losses(run.summary)), {TERMINATING, RESET, GOAWAY}, run.stdout)


class ColdStarts(ClusterCase):
    """Each pod's first call takes two seconds."""

    def probe(self, *flags):
        cluster = self.cluster(manifests(args="--first-request-delay=20s", replicas=2), pods=2)
        run = self.probing(cluster, "--slow", "1.5s", *flags, "--duration", "2s")
        run.finish()
        self.assertEqual(run.code, 0, run.stdout + run.stderr)
        found = collections.defaultdict(dict)
        for event in run.summary.events("cold_start"):
            found[event["phase"]][event["pod"]] = event
        return run, found

    def test_without_a_warm_up(self):
        run, found = self.probe()
        self.assertEqual(losses(run.summary, "slow"), {COLD: 2}, run.stdout)
        self.assertEqual(list(found), ["all"])
        for pod, event in found["all"].items():
            self.assertGreaterEqual(event["longest"], 2, pod) # by another connection one may overtake it
            self.assertGreaterEqual(event["cold"], 1, pod)
            self.assertLess(event["steady"], 2, pod)

    def test_with_one(self):
        run, found = self.probe("--warm-up", 20, "--backends", 2)
        self.assertEqual(losses(run.summary, "slow"), {}, run.stdout)
        self.assertEqual(set(found["all"]), set(found["measured"]))
        self.assertEqual(len(found["all"]), 2)
        for pod, event in found["measured"].items():
            self.assertGreaterEqual(found["all"][pod]["longest"], 2, pod)
            self.assertLess(event["first"], 2, pod)
        self.assertRegex(run.stdout, r"WARM-UP: \d+ calls; 2 backends answered as it ended\.")
        self.assertIn("\n\nFIRST CALLS of each pod, the warm-up's included\n", run.stdout)
        self.assertIn("\n\nFIRST CALLS of each pod after the warm-up\n", run.stdout)
        parts = run.summary.totals("grpc_calls", "scenario", "part")
        self.assertEqual(set(parts), {("", "warm-up"), ("calls", "")})

    def test_that_lose_calls(self):
        cluster = self.cluster(manifests(args="--first-request-delay=20s", replicas=2), pods=2)
        run = self.probing(cluster, "--timeout", "1s", "--slow", "0.9s", "--duration", "2s").finish()
        lost = losses(run.summary)
        self.assertIn(COLD, lost, run.stdout)
        self.assertEqual(sum(event["lost"] for event in run.summary.events("cold_start")), lost[COLD], run.stdout)
        self.assertRegex(run.stdout, r"\n  server-\S+ .* lost \d+ ")

    def test_a_warm_up_that_does_not_end(self):
        with Server() as server:
            ran = lgen.run(PLAN, "--target", server.target, "--warm-up", 5, "--backends", 2, "--warm-up-limit", "0.5s",
                           "--duration", "0.1s")
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
        self.assertEqual(checks(ran.summary)["every backend is warm before the load begins"], (0, 1))


class Versions(ClusterCase):
    def test_their_mix_during_a_rollout(self):
        cluster = self.cluster(manifests())
        run = self.probing(cluster)
        run.wait_until_seen(cluster.pods)
        (before,) = {pod.split("-")[1] for pod in cluster.pods()}
        self.roll(cluster, run, 1)
        self.quiet(cluster)
        (after,) = {pod.split("-")[1] for pod in cluster.pods()}
        run.interrupt()
        self.assertEqual(set(run.summary.totals("answers", "version")), {before, after})
        rows = re.search(rf"VERSIONS: shares of the answers; 2 versions\n +time +{before} +{after}\n"
                         r"((?: +[\d.]+s .*\n)+)", run.stdout)
        self.assertTrue(rows, run.stdout)
        self.assertRegex(rows[1].splitlines()[-1], r"s +· +100%$")
        shares = [line for line in rows[1].splitlines() if "%" in line]
        self.assertRegex(shares[0], r"s +100% +·$|s +\d+% +\d+%$")

    def test_from_the_body(self):
        with Server("--app-version", "v7") as server:
            for flags, version in [([], "v7-hellogrpc"),
                                   (["--http", f"http://{server.host}:{server.http_port}/hellohttp"], "v7-hellohttp")]:
                ran = lgen.run(PLAN, "--target", server.target, "--version-from", "body", "--duration", "0.2s", *flags)
                self.assertEqual(ran.code, 0, ran.stdout + ran.stderr)
                self.assertIn(f"VERSIONS: all answers from {version}\n", ran.stdout)


class WithoutEvents(unittest.TestCase):
    """As on Kubernetes: only what a client can see."""

    def test_a_cluster_that_does_not_tell(self):
        cluster = self.enterContext(KubeCluster(manifests(pre_stop=False, replicas=2), "--balance", "stream",
                                                "--endpoint-delay", ENDPOINT_DELAY, scale=SCALE))
        cluster.wait_for_ready(2)
        cluster.event("endpoint_added", count=2)
        run = self.enterContext(Probing(cluster.address))
        run.wait_until_seen(cluster.pods)
        cluster.order("scale", "deployment/server", "--replicas=1")
        eventually(lambda: run.lines("event", "losing_calls"), "a lost call")
        run.interrupt()
        self.assertIn("No cluster told its events.", run.stdout)
        self.assertEqual(checks(run.summary)["every lost call has a cause"], (1, 0), run.stdout)
        self.assertLessEqual(set(losses(run.summary)), {REFUSED, RESET, TERMINATING}, run.stdout)

    def test_an_answer_that_nothing_explains_fails(self):
        with Server() as server:
            web = f"http://{server.host}:{server.http_port}/nothing"
            ran = lgen.run(PLAN, "--http", web, "--duration", "0.1s", "--list")
        self.assertEqual(ran.code, lgen.FAILED, ran.stdout)
        self.assertEqual(set(losses(ran.summary)), {"unexplained"})
        self.assertEqual(checks(ran.summary)["every lost call has a cause"], (0, 1))
        self.assertIn("unexplained: HTTP status 404 Not Found\n", ran.stdout)

    def test_a_target_where_nobody_ever_answers_explains_nothing(self):
        with Server() as server:
            wrong = f"http://{server.target}/hellohttp" # gRPC's port
            cases = [("http://127.0.0.1:1/x", "Nobody has ever answered at the target."),
                     (wrong, "were not sent to what was meant; the target is wrong:")]
            for web, words in cases:
                with self.subTest(web):
                    ran = lgen.run(PLAN, "--http", web, "--duration", "0.2s", "--list")
                    self.assertNotEqual(ran.code, 0, ran.stdout)
                    self.assertEqual(set(losses(ran.summary)), {"unexplained"}, ran.stdout)
                    self.assertEqual(checks(ran.summary)["every lost call has a cause"], (0, 1))
                    self.assertIn(words, ran.stdout)
                    listed = [line for line in ran.stdout.splitlines() if "  lost  unknown  " in line]
                    self.assertTrue(listed, ran.stdout)
                    self.assertLessEqual(max(map(len, listed)), 100, listed)

    def test_a_target_that_dies_explains_nothing(self):
        with Server() as server:
            run = self.enterContext(Probing(server.target))
            eventually(lambda: run.lines("event", "pod_seen"), "an answer")
            server.process.kill()
            eventually(lambda: run.lines("event", "nobody_answers"), "many lost calls")
            run.interrupt()
        self.assertIn("unexplained", losses(run.summary), run.stdout)
        self.assertEqual(checks(run.summary)["every lost call has a cause"], (0, 1))
        self.assertRegex(run.stdout, r"Since [\d.]+s nobody has answered any more: \d+ calls\s+were\s+lost\.")

    def test_a_run_in_which_nothing_happens_says_so(self):
        with Server() as server:
            for flags, code in [([], 0), (["--expect-change"], lgen.FAILED)]:
                ran = lgen.run(PLAN, "--target", server.target, "--plaintext", "--timeout", "20s", "--slow", "10s",
                               "--duration", "0.2s", *flags)
                self.assertEqual(ran.code, code, ran.stdout + ran.stderr)
                self.assertIn("  No pod came or went while the calls were made, as far as answers tell.\n", ran.stdout)
                self.assertEqual(len(ran.summary.events("no_pod_came_or_went")), 1)

    def test_flags_that_do_nothing_or_contradict_each_other_are_refused(self):
        cases = [(["--slow", "10s", "--timeout", "1s"], "--slow 10s: a call that takes longer than --timeout 1s is"),
                 (["--slow", "0s"], "--slow: 0s is too small"), (["--timeout", "0"], "--timeout: 0s is too small"),
                 (["--http", ""], '--http "": say a URL'),
                 (["--http", "/hellohttp", "--channels", "4"], "--channels: requests of --http"),
                 (["--http", "http://127.0.0.1:1/", "--lb", "round_robin"], "--lb: an HTTP client does not balance"),
                 (["--fresh", "--channels", "4"], "--channels: with --fresh"),
                 (["--backends", "1"], "--backends: it is the warm-up"),
                 (["--warm-up-limit", "1m"], "--warm-up-limit: there is no warm-up"),
                 (["--every", "1s"], "--every: no streams are held"), (["--grace", "1s"], "--grace: it follows")]
        for flags, words in cases:
            with self.subTest(flags):
                ran = lgen.run(PLAN, "--target", "127.0.0.1:1", *flags)
                self.assertEqual(ran.code, lgen.CONFIGURATION, ran.stdout)
                self.assertIn(words, ran.stderr)

    def test_a_server_that_refuses_while_it_starts_has_named_itself(self):
        with Server("--pod", "pod-1", "--startup-delay", "4s", "--listen-early", "refuse", wait=False) as server:
            server.wait_until_listening()
            web = f"http://{server.host}:{server.http_port}/hellohttp"
            runs = [self.enterContext(Probing(server.target, *flags)) for flags in ([], ["--http", web])]
            for run in runs:
                eventually(lambda run=run: run.lines("event", "losing_calls"), "a lost call")
                run.wait_until_seen(lambda: ["pod-1"])
                run.interrupt()
                self.assertEqual(list(run.summary.totals("losses", "cause", "pod")), [(NOT_READY, "pod-1")], run.stdout)


LIVES = """
package.path = %r .. "/?.lua;" .. package.path
local lgen = require "lgen"
local pod_lives = require "lib.pod_lives"
local connection_age = require "lib.connection_age"
lgen.plan { api = 1, name = "lives" }
local limit = connection_age.limit(30, 10, 2) -- 13.5s to 21.5s of the run, 5s of which are grace
for _, case in ipairs(lgen.json.decode %r) do
  local lives, knows
  if case.events then
    lives, knows = pod_lives.from_events(case.events), true
    for name, at in pairs(case.answered or {}) do lives[name].answered = at end
  else
    lives, knows = pod_lives.from_answers(case.answers, 100, 5), false
  end
  local call = case.call
  call.manner = call.manner or pod_lives.manner(call)
  if call.silence == "never" then call.silence = -math.huge end
  local cause, life, others = pod_lives.cause_of_loss(lives, call, knows, call.silence, call.limited and limit)
  print(("%%s | %%s | %%d"):format(cause, life and life.name or "nobody", others))
end
lgen.scenario("none", { load = lgen.load.per_vu_iterations {}, run = function() end })
"""


def life(pod, **times):
    """A pod's events; names as in the plan: created, ready (by a probe, unless probed=False), added, ..."""
    names = {"created": "pod_created", "ready": "pod_ready", "added": "endpoint_added", "removed": "endpoint_removed",
             "draining": "pod_draining", "stopping": "pod_stopping", "ended": "pod_stopped", "crashed": "pod_crashed"}
    facts = {"pod": pod, "server": "slot-" + pod, "ip": "10.0.0." + pod, "probed": times.pop("probed", True)}
    return [{"event": names[name.rstrip("2")], "at": at, **facts} for name, at in times.items()]


STEADY = life("1", created=-9, ready=-5, added=-4)
STARTING = life("2", created=10, ready=10, added=11, probed=False)
LEAVING = life("3", created=-9, ready=-5, added=-4, draining=10, stopping=10, ended=10.1, removed=11)
DRAINED = life("4", created=-9, ready=-5, added=-4, draining=10, removed=11, stopping=20, ended=25)
CRASHED = life("5", created=-9, ready=-5, added=-4, crashed=10, ready2=13)
LYING = life("6", created=-9, ready=-5, added=0)    # has not answered anybody
COLD_ONE = life("7", created=-9, ready=-5, added=0) # answers at last
ANSWERED = {"7": 20, "1": -3, "3": -3, "4": -3, "5": -3}


def call(at, took=0.001, **facts):
    return {"at": at, "took": took, **facts}


def cut(at, took, pod, **facts):
    """A held stream; the servers limit the connections' age."""
    return call(at, took, **{"code": "UNAVAILABLE", "message": "RST_STREAM", "backend": pod, "served": True,
                             "held": True, "limited": True, **facts})


def seen(first, last, **facts):
    return {"first": {"at": first, "done": first + 0.01}, "last": {"at": last, "done": last + 0.01}, **facts}


class Causes(unittest.TestCase):
    """What each lost call is put down to: rows of (what is told, the call, cause, pod)."""

    TOLD = [
        (STEADY + STARTING, call(12, message="HTTP status 503"), NOT_READY, "2"),
        (STEADY + STARTING, call(12, message="HTTP status 503", upstream="slot-2"), NOT_READY, "2"),
        (STEADY + STARTING, call(12, message="HTTP status 503", upstream="10.0.0.2:50051"), NOT_READY, "2"),
        (STEADY + STARTING, call(10.5, message="HTTP status 503"), REFUSED, "nobody"),
        (STEADY + STARTING, call(12, 5, kind="timeout", message="no answer"), COLD, "2"),
        (STEADY + LEAVING, call(10.5, message="HTTP status 503"), TERMINATING, "3"),
        (STEADY + LEAVING, call(9.99, 0.05, message="HTTP status 502"), RESET, "3"),
        (STEADY + LEAVING, call(9.99, 0.05, kind="closed", message="Socket closed (10.0.0.3:50051)"), RESET, "3"),
        (STEADY + LEAVING, call(11.5, message="HTTP status 503"), TERMINATING, "3"), # a balancer that was slow to heed
        (STEADY + LEAVING, call(14, message="HTTP status 503"), REFUSED, "nobody"),
        (STEADY + LEAVING, call(9.99, 0.05, message="not sent: a had said GOAWAY"), GOAWAY, "3"),
        (STEADY + LEAVING, call(5, message="HTTP status 502"), "unexplained", "nobody"),
        (STEADY + LEAVING, call(10.05, code="CANCELLED", message=""), TERMINATING, "3"),
        (STEADY + DRAINED, call(19.999, 0.05, code="CANCELLED", message=""), RESET, "4"), # on a kept connection
        (STEADY + LEAVING, call(-4, 14.09, code="CANCELLED", message="", backend="3", served=True), RESET, "3"),
        (STEADY + DRAINED, call(15, message="HTTP status 503"), REFUSED, "nobody"),
        (STEADY + CRASHED, call(9.5, 0.2, message="HTTP status 502"), RESET, "5"), # its end is noticed late
        (STEADY + CRASHED, call(12, message="HTTP status 503"), NOT_READY, "5"),
        (STEADY, call(5, code="INTERNAL", message="broken", backend="9"), "unexplained", "9"),
        (STEADY, call(5, code="UNAVAILABLE", message="reset reason: connection failure"), REFUSED, "nobody"),
        (STEADY, call(5, code="INTERNAL", message="broken", backend="1"), "unexplained", "1"),
        (STEADY, call(5, code="UNAVAILABLE", message="REFUSED_STREAM"), REFUSED, "nobody"),
        (STEADY, call(5, kind="timeout", message="no answer"), "unexplained", "nobody"),
        # One goes and another has just come, of which nobody knows whether it was asked.
        (STEADY + LEAVING + life("2", created=10.4, ready=10.4, added=10.45, probed=False),
         call(10.5, message="HTTP status 503"), TERMINATING, "3"),
        (STEADY + LEAVING, call(10.5, kind="connect", message="no-such.svc:1 does not resolve: check the name"),
         "unexplained", "nobody"),
        (STEADY + LEAVING, call(10.5, kind="connect", message="TLS with a:1 failed: it does not speak TLS there"),
         "unexplained", "nobody"),
        # The last of all answers came before: no pod speaks for the loss, but that of the pod that goes.
        (STEADY, call(12, message="HTTP status 503", silence=8), "unexplained", "nobody"),
        (STEADY + LEAVING, call(10.5, message="HTTP status 503", silence=8), TERMINATING, "3"),
        (LEAVING, call(14, message="HTTP status 503", silence=8), REFUSED, "nobody"), # there was no pod any more
        # Nobody has ever answered: what pods did that nobody can have asked explains nothing.
        (STEADY + LEAVING, call(10.5, message="HTTP status 503", silence="never"), "unexplained", "nobody"),
        (LYING, call(1, message="HTTP status 503", silence="never"), "unexplained", "nobody"),
        (LYING, call(1, message="HTTP status 503", silence="never", upstream="slot-6"), NOT_READY, "6"),
        # A probe said that it can serve: only while it is new that may have been wrong.
        (STEADY + LYING, call(1, message="HTTP status 503"), NOT_READY, "6"),
        (STEADY + LYING, call(9, message="HTTP status 503"), REFUSED, "nobody"),
        (STEADY + LYING, call(9, message="HTTP status 503", upstream="slot-6"), NOT_READY, "6"),
        (STEADY + LYING, call(9, kind="connect", message="Connection refused (10.0.0.6:50051)"), NOT_READY, "6"),
        (STEADY + LYING, call(1, 5, kind="timeout", message="no answer"), COLD, "6"),
        (STEADY + LYING, call(9, 5, kind="timeout", message="no answer"), "unexplained", "nobody"),
        (STEADY + COLD_ONE, call(9, 5, kind="timeout", message="no answer"), COLD, "7"),
        (STEADY + STARTING, call(12, message="Connection refused", by_balancer=True), "unexplained", "nobody"),
        # Held streams: what their pod did comes first, the limit of connection age only where it can have been that.
        (STEADY + LEAVING, cut(9, 1.05, "3"), STOPPED, "3"),
        (STEADY + LEAVING, cut(-4, 14.5, "3"), STOPPED, "3"),
        (STEADY + CRASHED, cut(4, 6.1, "5"), STOPPED, "5"),
        (STEADY + DRAINED, cut(2, 16, "4"), AGE, "4"),      # its preStop hook goes on
        (STEADY, cut(0, 4.9, "1"), "unexplained", "1"),     # shorter than the grace
        (STEADY, cut(0, 5.1, "1"), AGE, "1"),               # on a connection of the balancer's
        (STEADY, cut(0, 22.4, "1"), AGE, "1"),
        (STEADY, cut(0, 22.6, "1"), "unexplained", "1"),
        (STEADY, cut(0, 5.1, "1", limited=False), "unexplained", "1"),
        (STEADY, cut(8, 6, "1", connection_age=12.9), "unexplained", "1"),
        (STEADY, cut(8, 6, "1", connection_age=13.1), AGE, "1"),
        (STEADY, cut(8, 6, "1", connection_age=22.6), "unexplained", "1"),
        (STEADY, cut(0, 20, "1", message="not sent: it had said GOAWAY"), AGE, "1"),
        (STEADY, cut(0, 20, "1", kind="timeout"), "unexplained", "1"),
        (STEADY, call(0, 6, code="UNAVAILABLE", message="RST_STREAM", limited=True), AGE, "nobody"),
    ]
    SEEN = [
        ({"a": seen(0, 99)}, call(5, message="HTTP status 502"), RESET, "nobody"),
        ({"a": seen(0, 99), "b": seen(20, 99)}, call(18, message="HTTP status 503"), NOT_READY, "b"),
        ({"a": seen(0, 99), "b": seen(20, 99)}, call(10, message="HTTP status 503"), REFUSED, "nobody"),
        ({"a": seen(0, 30), "b": seen(0, 99)}, call(32, message="HTTP status 503"), TERMINATING, "a"),
        # One comes, another goes: nothing tells them apart.
        ({"a": seen(0, 30), "b": seen(33, 99)}, call(32, message="HTTP status 503"), REFUSED, "nobody"),
        ({"a": seen(0, 30, peer="10.0.0.1:80"), "b": seen(33, 99, peer="10.0.0.2:80")},
         call(32, kind="connect", message="10.0.0.1:80 refuses connections"), TERMINATING, "a"),
        ({"a": seen(0, 99)}, call(5, kind="timeout", message="no answer"), "unexplained", "nobody"),
        ({"a": seen(0, 80)}, call(81, message="HTTP status 503", silence=80.01), "unexplained", "nobody"),
        ({"a": seen(0, 80)}, call(79, message="HTTP status 503", silence=80.01), REFUSED, "nobody"),
        ({"a": seen(0, 99)}, call(5, kind="closed", message="a:1 does not answer in HTTP/1.1: it speaks HTTP/2 there"),
         "unexplained", "nobody"),
        ({"a": seen(5, 99)}, call(1, code="UNAVAILABLE", message="starting", backend="a"), NOT_READY, "a"),
    ]

    def test_each(self):
        def answered(told):
            return {event["pod"]: ANSWERED[event["pod"]] for event in told if event["pod"] in ANSWERED}
        cases = [{"events": told, "answered": answered(told), "call": lost} for told, lost, _, _ in self.TOLD]
        cases += [{"answers": answers, "call": lost} for answers, lost, _, _ in self.SEEN]
        rows = self.TOLD + self.SEEN
        with tempfile.TemporaryDirectory(prefix="lgen-test-") as folder:
            plan = os.path.join(folder, "lives.lua")
            with open(plan, "w", encoding="utf-8") as file:
                file.write(LIVES % (os.path.dirname(PLAN), json.dumps(cases)))
            ran = lgen.run(plan)
        told = [line.split(" | ")[:2] for line in ran.stdout.splitlines() if " | " in line]
        self.assertEqual(len(told), len(rows), ran.stdout + ran.stderr)
        for (_, lost, cause, pod), answer in zip(rows, told):
            with self.subTest(call=lost):
                self.assertEqual(answer, [cause, pod])


STORY = """
package.path = %r .. "/?.lua;" .. package.path
local lgen = require "lgen"
local cluster_story = require "lib.cluster_story"
lgen.plan { api = 1, name = "story" }
for _, case in ipairs(lgen.json.decode %r) do
  local story, names = cluster_story.watch(nil, case.target or nil), {}
  story.events = case.events
  local lives, told = story:lives(case.answers, 5)
  for name in pairs(lives) do names[#names + 1] = name end
  table.sort(names)
  print(("%%s | %%s | %%s | %%s"):format(table.concat(names, " "), told, story:changed(case.answers, 0),
    story:balancer_refused(case.message)))
end
lgen.scenario("none", { load = lgen.load.per_vu_iterations {}, run = function() end })
"""


class Stories(unittest.TestCase):
    """A cluster's events are those of several Deployments."""

    CLUSTER = [{"event": "started", "at": -20, "services": [
        {"service": "a", "deployment": "a", "address": "127.0.0.1:80"},
        {"service": "b", "deployment": "b", "address": "127.0.0.1:8080"},
        {"service": "b-pods", "deployment": "b", "address": "dns://127.0.0.1:53/b-pods:8080"}]},
        *({"event": event, "at": at, "pod": pod, **({"deployment": pod[0]} if event == "pod_created" else {})}
          for event, at in [("pod_created", -9), ("pod_ready", -8), ("endpoint_added", -7)] for pod in ("a-1", "b-1")),
        {"event": "pod_first_request", "at": 1, "pod": "a-1"}, {"event": "probe_failed", "at": 2, "pod": "a-1"}]
    COMES = [{"event": "pod_created", "at": 3, "pod": "b-2", "deployment": "b"}]
    GOES = [{"event": "pod_gone", "at": 3, "pod": "b-1", "deployment": "b"}]
    BOTH, THREE = "a-1 b-1", "a-1 b-1 b-2"
    ROWS = [ # (target, who answered, further events, whose lives, told, changed)
        (None, [], [], BOTH, True, False),
        ("127.0.0.1:80", [], COMES, "a-1", True, False),
        ("127.0.0.1:8080", [], COMES, "b-1 b-2", True, True),
        ("127.0.0.1:8080", [], GOES, "b-1", True, True),
        ("http://localhost:8080/hello?x", [], COMES, "b-1 b-2", True, True),
        ("http://127.0.0.1:808/", [], COMES, THREE, True, True),
        ("dns:///127.0.0.1:80", [], COMES, "a-1", True, False),
        ("dns://127.0.0.1:53/b-pods:8080", [], COMES, "b-1 b-2", True, True),
        ("name:80", ["a-1"], COMES, "a-1", True, False),
        ("name:80", ["b-1"], COMES, "b-1 b-2", True, True),
        ("127.0.0.1:80", ["b-1"], COMES, THREE, True, True), # a gateway, and whom it asked
        ("name:80", ["stranger"], COMES, "stranger", False, False),
    ]
    REFUSED = [("127.0.0.1:80 refuses connections (Connection refused)", True), ("127.0.0.1:80: Socket closed", False),
               ("ipv4:127.0.0.1:8080: Connection refused", True), ("127.0.0.1:808: Connection refused", False)]

    def ask(self, cases):
        with tempfile.TemporaryDirectory(prefix="lgen-test-") as folder:
            plan = os.path.join(folder, "story.lua")
            with open(plan, "w", encoding="utf-8") as file:
                file.write(STORY % (os.path.dirname(PLAN), json.dumps(cases)))
            ran = lgen.run(plan)
        told = [line.split(" | ") for line in ran.stdout.splitlines() if " | " in line]
        self.assertEqual(len(told), len(cases), ran.stdout + ran.stderr)
        return told

    def test_of_the_deployment_that_the_run_is_about(self):
        recent = {"first": {"at": 0, "done": 0}, "last": {"at": 1e6, "done": 1e6}}
        told = self.ask([{"target": target or False, "answers": dict.fromkeys(answered, recent),
                          "events": self.CLUSTER + more} for target, answered, more, *_ in self.ROWS])
        for (target, answered, _, pods, known, changed), answer in zip(self.ROWS, told):
            with self.subTest(target=target, answered=answered):
                self.assertEqual(answer[:3], [pods, str(known).lower(), str(changed).lower()])

    def test_a_balancer_that_is_not_there(self):
        told = self.ask([{"answers": {}, "events": self.CLUSTER, "message": message} for message, _ in self.REFUSED])
        self.assertEqual([answer[3] for answer in told], [str(refused).lower() for _, refused in self.REFUSED])


TABLES = """
package.path = %r .. "/?.lua;" .. package.path
local lgen = require "lgen"
local cold_starts, version_mix = require "lib.cold_starts", require "lib.version_mix"
lgen.plan { api = 1, name = "tables" }
for _, names in ipairs(lgen.json.decode %r) do
  local mix = version_mix.new()
  for i, name in ipairs(names) do mix:add(i, name) end
  mix:print()
end
local book = cold_starts.book()
for i = 1, 20 do book:add("pod-1", i, i == 1 and 2 or 0.01) end
book:add("pod-2", 4, 0.01)
for _, pod in ipairs { "pod-1", "pod-1", "pod-3" } do book:lose(pod) end
print("answering: " .. table.concat(book:answering(10), " "))
book:print("TITLE", 3)
lgen.scenario("none", { load = lgen.load.per_vu_iterations {}, run = function() end })
"""


class Tables(unittest.TestCase):
    HASHES = ["44j2jrxnm-hellogrpc", "z75qkxr46-hellogrpc"]
    MANY = ["release-2026.11.%02d-hellogrpc" % day for day in range(6)]
    LONG = [f"{i}" + "y" * 40 + "pq"[i % 2] for i in range(6)]
    HEADS = [(["v1", "v2"], ["v1", "v2"]), (HASHES, HASHES), (MANY, ["%d" % day for day in range(6)]),
             (LONG, ["#%d" % i for i in range(1, 7)])]

    def test_heads_of_versions_are_never_the_same_and_counts_of_lost_first_calls(self):
        with tempfile.TemporaryDirectory(prefix="lgen-test-") as folder:
            plan = os.path.join(folder, "tables.lua")
            with open(plan, "w", encoding="utf-8") as file:
                file.write(TABLES % (os.path.dirname(PLAN), json.dumps([names for names, _ in self.HEADS])))
            ran = lgen.run(plan)
        lines = ran.stdout.splitlines()
        self.assertEqual([line.split()[1:] for line in lines if line.split()[:1] == ["time"]],
                         [heads for _, heads in self.HEADS], ran.stdout + ran.stderr)
        self.assertEqual(set(map(len, [line for line in lines if re.match(r" +(time|[\d.]+s) .*(v2|%)", line)][:2])),
                         {34}, ran.stdout)
        self.assertIn("answering: pod-1\n", ran.stdout)
        for row in (r"pod-1 +1\.0s +20 +lost 2 +10ms +10ms +3", r"pod-2 +4\.0s +1 +10ms +· +10ms +0",
                    r"pod-3 +never +0 +lost 1 +· +· +1"):
            self.assertRegex(ran.stdout, rf"\n  {row}\n")


class OnItsOwn(unittest.TestCase):
    def words(self, *arguments):
        return subprocess.run([binary("lgen"), *arguments], capture_output=True, text=True, check=False)

    def test_lgen_check(self):
        self.assertIn(f"{PLAN}: ok (calls)\n", self.words("check", PLAN).stdout)

    def test_help_fits_a_terminal(self):
        self.assertLessEqual(max(map(len, self.words(PLAN, "--help").stdout.splitlines())), 80)


if __name__ == "__main__":
    unittest.main()
