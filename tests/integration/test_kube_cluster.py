"""lgen-cluster with manifests: pods that come, change and go as Kubernetes would have them."""

import json
import os
import signal
import stat
import tempfile
import unittest

from clients import TextStream, plain_channel
from cluster import is_running
from kube_cluster import KubeCluster, autoscaler, data, deployment
from programs import Program, binary, http_get
from waiting import eventually

READINESS = "readinessProbe: {grpc: {port: 50051}, periodSeconds: 1}"
GAUGE = ("{type: Pods, pods: {metric: {name: %s}, target: {type: AverageValue, averageValue: \"2\"}}}"
         % "grpc_server_active_streams")
CPU = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
NEVER = 1000000  # seconds


class KubeCase(unittest.TestCase):
    def start(self, *arguments, **more):
        return self.enterContext(KubeCluster(*arguments, **more))

    def open_streams(self, cluster, count, channels=4):
        """Streams whose pods are known."""
        opened = [self.enterContext(plain_channel(cluster.address)) for _ in range(channels)]
        streams = [TextStream(opened[i % channels]).send("hello") for i in range(count)]
        for stream in streams:
            self.addCleanup(stream.cancel)
            stream.headers()
        return streams


class Scaling(KubeCase):
    def test_pods_follow_the_gauge_up_and_down(self):
        cluster = self.start(deployment(READINESS) + autoscaler(f"minReplicas: 3\nmaxReplicas: 10\nmetrics: [{GAUGE}]"),
                             "--balance", "stream")
        cluster.event("ready")
        cluster.wait_for_ready(3)
        streams = self.open_streams(cluster, 16)
        cluster.event("scaled", to=8, why="hpa server")
        cluster.wait_for_ready(8)
        rounds = cluster.events("hpa", desired=8)
        self.assertIn("above target", rounds[0]["cause"])
        eventually(lambda: cluster.table("hpa")[0]["TARGETS"] == "2/2", "the average of all eight")
        row = cluster.table("hpa")[0]
        self.assertEqual([row[key] for key in ("REFERENCE", "MINPODS", "MAXPODS", "REPLICAS")],
                         ["Deployment/server", "3", "10", "8"])
        self.assertRegex(cluster.order("describe", "hpa/server"),
                         r'(?s)"grpc_server_active_streams" on pods: +2 / 2\n.*Deployment pods: +8 current / 8 desired\n'
                         r".*SuccessfulRescale .* New size: 8; reason: pods metric grpc_server_active_streams above")
        busy = {stream.headers()["x-backend"] for stream in streams}
        for pod in busy:
            cluster.event("pod_first_request", pod=pod)
        for stream in streams:
            stream.cancel()
        cluster.wait_for_ready(3)
        eventually(lambda: cluster.events("scaled")[-1]["to"] == 3, "that three are wanted")
        stabilized = [one for one in cluster.events("hpa") if one["able_to_scale"]["reason"] == "ScaleDownStabilized"]
        self.assertTrue(stabilized, "it has waited for the stabilization window")

    def test_pods_follow_their_cpu(self):
        cluster = self.start(deployment(READINESS + "\nresources: {requests: {cpu: 1m}}") +
                             autoscaler(f"minReplicas: 1\nmaxReplicas: 3\nmetrics: [{CPU}]"), scale=100)
        cluster.event("ready")
        (stream,) = self.open_streams(cluster, 1, channels=1)

        def busy():
            stream.send(*["x" * 1000] * 200)
            return cluster.events("scaled", to=3)
        eventually(busy, "more pods for the load")
        cause = next(one["cause"] for one in cluster.events("hpa") if one["desired"] > one["replicas"])
        self.assertEqual(cause, "cpu resource utilization (percentage of request) above target")
        self.assertRegex(cluster.table("hpa")[0]["TARGETS"], r"^cpu: \d+%/50%$")

    def test_a_metric_that_nobody_has_holds_the_replicas_and_says_why(self):
        missing = GAUGE.replace("grpc_server_active_streams", "no_such_gauge")
        for metric, reason, targets in [(CPU, "FailedGetResourceMetric", "cpu: <unknown>/50%"),
                                        (missing, "FailedGetPodsMetric", "<unknown>/2")]:
            with self.subTest(reason), KubeCluster(
                    deployment("", "replicas: 2") + autoscaler(f"maxReplicas: 5\nmetrics: [{metric}]")) as cluster:
                eventually(lambda: any("metrics" in one and one["metrics"] and "missing request" in
                                       one["scaling_active"]["message"] or reason == "FailedGetPodsMetric"
                                       for one in cluster.events("hpa")), "a round with samples")
                round_ = cluster.events("hpa")[-1]
                self.assertEqual(round_["scaling_active"]["reason"], reason)
                self.assertFalse(round_["scaling_active"]["status"])
                self.assertEqual((round_["replicas"], round_["desired"]), (2, 2))
                self.assertEqual(cluster.table("hpa")[0]["TARGETS"], targets)

    def test_a_pod_that_cannot_be_scraped_leaves_its_metric_unknown(self):
        cluster = self.start(deployment("", "replicas: 1") + autoscaler(f"maxReplicas: 5\nmetrics: [{GAUGE}]"))
        eventually(lambda: any(one["targets"] == "0/2" for one in cluster.events("hpa")), "a known gauge")
        (pod,) = cluster.pods()
        # Without a readiness probe it may have been scraped before it listened.
        failed, recovered = (len(cluster.events(name)) for name in ("scrape_failed", "scrape_recovered"))
        os.kill(cluster.pid(pod), signal.SIGSTOP)
        self.assertEqual(cluster.event("scrape_failed", count=failed + 1)["why"], "no answer for 2000 ms")
        seen = len(cluster.events("hpa"))
        last = cluster.event("hpa", count=seen + 2)
        self.assertEqual((last["targets"], last["desired"]), ("<unknown>/2", 1))
        os.kill(cluster.pid(pod), signal.SIGCONT)
        cluster.event("scrape_recovered", count=recovered + 1)

    def test_scale_sets_the_replicas(self):
        cluster = self.start(deployment(READINESS, "replicas: 1"))
        cluster.wait_for_ready(1)
        self.assertEqual(cluster.order("scale", "deployment/server", "--replicas", "4"),
                         "deployment.apps/server scaled\n")
        cluster.wait_for_ready(4)
        cluster.order("scale", "deployment", "server", "--replicas=0")
        eventually(lambda: len(cluster.events("pod_gone")) == 4, "the end of all")
        self.assertEqual(cluster.order("get", "pods"), "No resources found.\n")


class Lifecycle(KubeCase):
    def test_a_rollout_replaces_every_pod_within_its_bounds(self):
        cluster = self.start(deployment(READINESS, "replicas: 3\nstrategy: {rollingUpdate: {maxSurge: 1, "
                                        "maxUnavailable: 0}}"))
        before = cluster.wait_for_ready(3)
        self.assertEqual(cluster.order("rollout", "restart", "deployment/server"), "deployment.apps/server restarted\n")
        said = cluster.order("rollout", "status", "deployment/server").splitlines()
        self.assertEqual(said[-1], 'deployment "server" successfully rolled out')
        self.assertTrue(said[:-1], "what it waited for")
        for line in said[:-1]:
            self.assertRegex(line, r'^Waiting for deployment "server" rollout to finish: \d')
        cluster.event("rollout_complete", revision=2)
        eventually(lambda: len(cluster.events("pod_gone")) == 3, "the end of the old ones")
        after = cluster.wait_for_ready(3)
        self.assertFalse(set(before) & set(after))
        ready = lowest = highest = 0
        counted = False
        for one in cluster.events():
            ready += {"pod_ready": 1, "pod_draining": -1}.get(one["event"], 0)
            counted = counted or one["event"] == "rollout_started"
            if counted:
                lowest, highest = min(lowest or ready, ready), max(highest, ready)
        self.assertEqual((lowest, highest), (3, 4))

    def test_a_pod_that_goes_leaves_the_balancer_first(self):
        hook = 'lifecycle: {preStop: {exec: {command: ["/bin/sh", "-c", "sleep 20"]}}}'
        for name, container in [("exec", hook), ("sleep", "lifecycle: {preStop: {sleep: {seconds: 20}}}")]:
            with self.subTest(name), KubeCluster(deployment(READINESS + "\n" + container)) as cluster:
                (pod,) = cluster.wait_for_ready(1)
                cluster.event("endpoint_added", pod=pod)
                self.assertEqual(cluster.order("delete", "pod", pod), f'pod "{pod}" deleted\n')
                self.assertEqual(cluster.end_of(pod),
                                 ["pod_draining", "endpoint_removed", "pod_stopping", "pod_stopped", "pod_gone"])
                times = {one["event"]: one["cluster_seconds"] for one in cluster.events(pod=pod)}
                self.assertGreaterEqual(times["pod_stopping"] - times["pod_draining"], 20)
                cluster.wait_for_ready(1)  # another one

    def test_a_pod_that_does_not_end_is_killed_after_its_grace(self):
        # Ready, and not merely started: SIGTERM ends a stopped process that has no handler yet.
        cluster = self.start(deployment(READINESS, "", "terminationGracePeriodSeconds: 5"))
        (pod,) = cluster.wait_for_ready(1)
        os.kill(cluster.pid(pod), signal.SIGSTOP)
        cluster.order("delete", "pod/" + pod)
        end = [one for one in cluster.end_of(pod) if one != "endpoint_removed"]
        self.assertEqual(end, ["pod_draining", "pod_stopping", "pod_killed", "pod_stopped", "pod_gone"])
        self.assertEqual(cluster.events("pod_stopped", pod=pod)[0]["how"], "was killed by signal 9")

    def test_a_hook_longer_than_the_grace_is_cut_off(self):
        cluster = self.start(deployment('lifecycle: {preStop: {exec: {command: [sleep, "3600"]}}}', "",
                                        "terminationGracePeriodSeconds: 5"))
        (pod,) = cluster.wait_for_ready(1)
        cluster.order("delete", "pod", pod)
        cluster.event("pod_stopping", pod=pod)
        eventually(lambda: "sleep" not in cluster.processes().values(), "the end of the hook")

    def test_a_shorter_grace_can_be_ordered(self):
        cluster = self.start(deployment(f"lifecycle: {{preStop: {{sleep: {{seconds: {NEVER}}}}}}}", "",
                                        f"terminationGracePeriodSeconds: {NEVER}"))
        (pod,) = cluster.wait_for_ready(1)
        cluster.order("delete", "pod", pod, "--grace-period=1")
        second, = cluster.wait_for_ready(1)
        cluster.order("delete", "pod", second, "--now")

    def test_crashes_are_restarted_at_once_and_then_after_a_back_off(self):
        cluster = self.start(deployment(READINESS))
        (pod,) = cluster.wait_for_ready(1)
        os.kill(cluster.pid(pod), signal.SIGKILL)
        crash = cluster.event("pod_crashed", pod=pod)
        self.assertEqual((crash["how"], crash["back_off_seconds"]), ("was killed by signal 9", 0))
        cluster.event("pod_started", pod=pod, restarts=1)
        eventually(lambda: cluster.pods()[pod]["READY"] == "1/1", "readiness after the restart")
        os.kill(cluster.pid(pod), signal.SIGKILL)
        second = cluster.event("pod_crashed", count=2, pod=pod)
        self.assertAlmostEqual(second["back_off_seconds"], 10, places=1)
        cluster.event("pod_started", pod=pod, restarts=2)
        self.assertRegex(cluster.pods()[pod]["RESTARTS"], r"^2 \(\d+\w* ago\)$")
        self.assertTrue(os.path.exists(os.path.join(cluster.facts["logs"], pod + ".previous.log")))

    def test_a_pod_that_crashes_at_once_is_shown_with_its_log(self):
        cluster = self.start(deployment(READINESS + "\nargs: [--no-such-flag]"), scale=1)
        crash = cluster.event("pod_crashed", count=2)
        self.assertIn("no-such-flag", crash["log"])
        cluster.err.wait_for("is started again, as others of Deployment server that do .*; the end of its log:")
        (row,) = cluster.pods().values()
        self.assertEqual((row["READY"], row["STATUS"]), ("0/1", "CrashLoopBackOff"))

    def test_a_pod_that_is_never_ready_gets_no_load(self):
        cluster = self.start(deployment(READINESS + "\nargs: [--startup-delay=1000000s, --listen-early=refuse]"))
        pod = cluster.event("pod_started")["pod"]
        self.assertEqual(cluster.event("probe_failed", pod=pod)["probe"], "readiness")
        eventually(lambda: len(cluster.events("probe_failed")) >= 1, "a probe")
        self.assertEqual(cluster.pods()[pod]["READY"], "0/1")
        self.assertEqual(cluster.events("endpoint_added") + cluster.events("ready"), [])

    def test_a_pod_that_hangs_is_restarted_by_its_liveness_probe(self):
        probe = "livenessProbe: {httpGet: {port: 9464, path: /healthz}, periodSeconds: 1, failureThreshold: 2}"
        started = "\nstartupProbe: {tcpSocket: {port: 9464}, periodSeconds: 1, failureThreshold: 1000}"
        cluster = self.start(deployment(probe + started, "", "terminationGracePeriodSeconds: 3"))
        (pod,) = cluster.wait_for_ready(1)
        os.kill(cluster.pid(pod), signal.SIGSTOP)
        unhealthy = cluster.event("pod_unhealthy", pod=pod)
        self.assertEqual((unhealthy["probe"], unhealthy["why"]), ("liveness", "no answer for 1000 ms"))
        cluster.event("pod_killed", pod=pod)
        cluster.event("pod_started", pod=pod, restarts=1)
        self.assertEqual(list(cluster.pods()), [pod])

    def test_every_kind_of_probe(self):
        for kind in ("grpc: {port: 50051}", "httpGet: {port: metrics, path: /readyz}", "tcpSocket: {port: 50051}",
                     'exec: {command: ["/bin/sh", "-c", "test -n $POD_NAME && exit 0"]}'):
            with self.subTest(kind), KubeCluster(deployment(
                    "ports: [{name: metrics, containerPort: 9464}]\n"
                    f"startupProbe: {{{kind}, periodSeconds: 1, failureThreshold: 1000}}\n"
                    f"readinessProbe: {{{kind}, periodSeconds: 1}}\nlivenessProbe: {{{kind}, periodSeconds: 1}}\n"
                    "env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]")) as cluster:
                cluster.event("ready")

    def test_a_failing_exec_probe_keeps_a_pod_out(self):
        cluster = self.start(deployment('readinessProbe: {exec: {command: ["false"]}, periodSeconds: 1}'))
        self.assertEqual(cluster.event("probe_failed")["why"], "exited with code 1")


class Tables(KubeCase):
    def test_pods_and_hpa_by_name_and_watched(self):
        cluster = self.start(data("ramp.yaml"))
        cluster.event("ready")
        names = cluster.wait_for_ready(3)
        self.assertEqual([row["NAME"] for row in cluster.table("pods", names[1])], [names[1]])
        self.assertEqual([row["NAME"] for row in cluster.table("pods", *names[1:])], names[1:])
        self.assertEqual([row["NAME"] for row in cluster.table(*(f"pod/{name}" for name in names))], names)
        self.assertEqual(cluster.order("get", "pods").splitlines()[0].split(),
                         ["NAME", "READY", "STATUS", "RESTARTS", "AGE"])
        watch = self.enterContext(cluster.watch("pods"))
        watch.out.wait_for(rf"^{names[2]} +1/1 +Running +0 ")
        cluster.order("delete", "pod", names[0], "--now")
        watch.out.wait_for(rf"^{names[0]} +1/1 +Terminating +0 ")
        cluster.wait_for_ready(3)
        (row,) = cluster.table("deployments")
        self.assertEqual([row[key] for key in ("NAME", "READY", "UP-TO-DATE", "AVAILABLE")], ["server", "3/3", "3", "3"])
        self.assertEqual(cluster.table("deploy/server")[0]["NAME"], "server")
        hpa = self.enterContext(cluster.watch("hpa"))
        hpa.out.wait_for(r"^server +Deployment/server +(0|<unknown>)/15 +3 +10 +3 ")
        self.assertEqual([one["kind"] for one in cluster.facts["skipped"]], ["Namespace"])
        cluster.err.wait_for(r"ramp\.yaml:3: skipped Namespace lgen")

    def test_what_is_not_there_is_told_in_kubectls_words(self):
        cluster = self.start(deployment())
        for words, text in [(("get", "pods", "x"), 'Error from server (NotFound): pods "x" not found\n'),
                            (("describe", "hpa", "x"),
                             'Error from server (NotFound): horizontalpodautoscalers.autoscaling "x" not found\n'),
                            (("delete", "pod", "x"), 'Error from server (NotFound): pods "x" not found\n'),
                            (("rollout", "restart", "deployment/x"),
                             'Error from server (NotFound): deployments.apps "x" not found\n'),
                            (("scale", "deployment/x", "--replicas=1"),
                             'Error from server (NotFound): deployments.apps "x" not found\n')]:
            self.assertEqual(cluster.order(*words, fails=True), text)

    def test_of_several_names_those_that_are_there_are_shown(self):
        cluster = self.start(deployment())
        name = cluster.event("pod_created")["pod"]
        with Program([binary("lgen-cluster"), "get", "pods", "x", name, "--status", cluster.facts["status"]]) as order:
            self.assertEqual(order.wait(), 1)
            order.out.wait_for(f"^{name} ")
            order.err.wait_for('NotFound.*: pods "x" not found')

    def test_the_status_socket_is_its_owners_alone(self):
        cluster = self.start(deployment())
        self.assertEqual(stat.S_IMODE(os.stat(cluster.facts["status"]).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(cluster.facts["run"]).st_mode), 0o700)


class Balancing(KubeCase):
    def test_services_have_ports_of_their_own(self):
        service = ("---\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: server}\n"
                   "  ports: [{name: http, port: 80, targetPort: 8100}]\n"
                   "---\nkind: Service\nmetadata: {name: grpc}\nspec:\n  selector: {app: server}\n"
                   "  ports: [{name: grpc, port: 8000, targetPort: 50051}]\n")
        for balance in ("connection", "stream", "zones"):
            with self.subTest(balance), KubeCluster(deployment(READINESS, "replicas: 4") + service, "--balance",
                                                    balance) as cluster:
                cluster.event("ready")
                main, web = cluster.facts["services"]
                self.assertEqual((main["service"], main["address"]), ("grpc", cluster.address))
                channels = [self.enterContext(plain_channel(cluster.address)) for _ in range(4)]
                streams = [TextStream(channels[i % 4]).send("hello") for i in range(16)]
                seen = {stream.headers()["x-backend"] for stream in streams}
                self.assertEqual(seen, set(cluster.pods()))
                for stream in streams:
                    self.assertEqual(stream.close(), 1)
                status, _, headers = http_get(f"http://{web['address']}/hellohttp")
                self.assertEqual((status, headers["x-backend"] in cluster.pods()), (200, True))


class Endings(KubeCase):
    def assert_all_gone(self, pids):
        eventually(lambda: not any(map(is_running, pids)), "the end of every process")

    def with_a_hook(self):
        """A cluster one of whose pods is in a hook that starts processes of its own; all pids below it."""
        hook = 'lifecycle: {preStop: {exec: {command: ["/bin/sh", "-c", "sleep 100000; sleep 100000"]}}}'
        cluster = self.start(deployment(READINESS + "\n" + hook, "replicas: 2",
                                        f"terminationGracePeriodSeconds: {NEVER}"))
        pods = cluster.wait_for_ready(2)
        deleting = self.enterContext(Program([binary("lgen-cluster"), "delete", "pod", pods[0], "--status",
                                              cluster.facts["status"]]))
        deleting.out.wait_for("deleted")
        eventually(lambda: "sleep" in cluster.processes().values(), "the hook's process")
        return cluster, list(cluster.processes())

    def test_a_stop_leaves_nothing(self):
        cluster, pids = self.with_a_hook()
        self.assertEqual(cluster.stop(), 0)
        self.assert_all_gone(pids)
        self.assertFalse(os.path.exists(cluster.facts["run"]))
        self.assertEqual(cluster.events("pod_crashed"), [])

    def test_a_kill_leaves_no_process(self):
        cluster, pids = self.with_a_hook()
        cluster.send_signal(signal.SIGKILL)
        self.assert_all_gone(pids)

    def test_the_end_of_haproxy_ends_the_cluster(self):
        cluster = self.start(deployment(READINESS))
        cluster.event("ready")
        pids = cluster.processes()
        os.kill(next(pid for pid, name in pids.items() if name == "haproxy"), signal.SIGKILL)
        self.assertEqual(cluster.wait(), 1)
        cluster.err.wait_for(r"HAProxy \(pid \d+\) was killed by signal 9")
        self.assertIn("HAProxy", cluster.event("failed")["why"])
        self.assert_all_gone(pids)


class Readers(KubeCase):
    """Of the events on stdout."""

    def run_to(self, redirection):
        manifests = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=".yaml"))
        manifests.write(deployment(READINESS))
        manifests.flush()
        command = f'"{binary("lgen-cluster")}" -f {manifests.name} --port 0 --time-scale 30'
        return self.enterContext(Program(["bash", "-c", command.join(redirection)]))

    def test_a_reader_that_has_gone_ends_it(self):
        cluster = self.run_to(("", ' | head -n 1; exit "${PIPESTATUS[0]}"'))
        cluster.err.wait_for("nobody reads the events on stdout any more")
        self.assertEqual(cluster.wait(), 113)
        run = json.loads(cluster.out.wait_for(r'^\{"event":"started".*')[0])["run"]
        self.assertFalse(os.path.exists(run))

    def test_a_full_disk_is_told_once_and_does_not_end_it(self):
        cluster = self.run_to(("exec ", " >/dev/full"))
        events = cluster.err.wait_for(r"cannot write the events to stdout: No space left on device; .* (http\S+)$")[1]
        eventually(lambda: b'"event":"ready"' in http_get(events)[1].encode(), "that its pods are there")
        cluster.stop()
        self.assertEqual(cluster.process.returncode, 0)
        self.assertEqual(sum("cannot write" in line for line in cluster.err.all_until_end()), 1)


class Room(KubeCase):
    def test_more_pods_than_addresses_are_refused(self):
        for manifests, words in [(deployment("", "replicas: 100000"),
                                  "standard input:5: spec.replicas is 100000, for which this cluster has no room: 244"),
                                 (deployment() + autoscaler("minReplicas: 300\nmaxReplicas: 301"),
                                  "spec.minReplicas is 300, for which")]:
            with self.subTest(words):
                cluster = self.start(manifests, wait=False)
                self.assertEqual(cluster.wait(), 104)
                cluster.err.wait_for(words)

    def test_a_scale_beyond_them_is_refused_with_what_fits(self):
        cluster = self.start(deployment() + deployment(name="other", spec="replicas: 2").replace("apiV", "---\napiV") +
                             autoscaler("maxReplicas: 1000"))
        cluster.err.wait_for("spec.maxReplicas is 1000, but this cluster has addresses for 242 pods of Deployment server")
        self.assertIn('Error: 40000 replicas of deployments.apps "server" do not fit: 242 do',
                      cluster.order("scale", "deployment/server", "--replicas", "40000", fails=True))


class Refusals(KubeCase):
    def refused(self, manifests, *flags):
        cluster = self.start(manifests, *flags, wait=False)
        self.assertEqual(cluster.wait(), 104)
        self.assertEqual(cluster.out.all_until_end(), [])
        return "\n".join(cluster.err.all_until_end())

    def test_what_cannot_be_run_is_refused_with_its_place(self):
        for manifests, words in [
                (deployment("", "replicas: -1"), "standard input:5: spec.replicas is -1"),
                ("kind: Job\nmetadata: {name: j}\n", "no manifest has a Deployment that can run here"),
                ("/nowhere/x.yaml", "cannot read /nowhere/x.yaml"),
                (deployment() + "---\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: server}, ports: "
                 "[{port: 80, targetPort: web}]}\n", "sends port 80 to web, which is no port of Deployment server")]:
            with self.subTest(words):
                self.assertIn(words, self.refused(manifests))

    def test_flags_that_make_no_sense(self):
        self.assertIn("no Service of that name", self.refused(deployment(), "--service", "x"))
        self.assertIn("--pods is for", self.refused(deployment(), "--pods", "3"))
        for flag in ("--time-scale=2", "--endpoint-delay=1s", "--scrape-interval=15s", "--service=x"):
            with Program([binary("lgen-cluster"), flag]) as cluster:
                self.assertEqual(cluster.wait(), 104)
                cluster.err.wait_for(flag.split("=", maxsplit=1)[0] + " needs -f")

    def test_orders_without_a_cluster(self):
        with Program([binary("lgen-cluster"), "get", "pods", "--status", "/nowhere/status.sock"]) as order:
            self.assertEqual(order.wait(), 104)
            order.err.wait_for("no lgen-cluster answers at /nowhere/status.sock: No such file")
        with Program([binary("lgen-cluster"), "get", "nodes"]) as order:
            self.assertEqual(order.wait(), 104)
            order.err.wait_for("nodes cannot be shown; give pods, hpa or deployments")

    def test_what_is_not_known_is_answered_with_what_is(self):
        for words, text in [(["foo"], "foo is not known; there are get, describe, rollout, scale and delete"),
                            (["describe", "pod", "x"], "an hpa can be described; of pods and deployments the events"),
                            (["get", "pod/x", "y"], "give one kind and names"),
                            (["get", "pod/x", "hpa/y"], "give one kind and names"),
                            (["rollout", "undo", "deployment/x"], "undo is not known; there are restart and status"),
                            (["-f", "x", "--endpoint-delay", "-3s"], "--endpoint-delay: -3s is no time such as 500ms"),
                            (["-f", "x", "--time-scale", "abc"], "--time-scale: abc is no number from 0.01 to 1000")]:
            with self.subTest(text), Program([binary("lgen-cluster"), *words]) as cluster:
                self.assertEqual(cluster.wait(), 104)
                cluster.err.wait_for(text)

    def test_of_several_clusters_each_is_told_with_its_process_and_manifests(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            clusters = [self.start(deployment(), env={"TMPDIR": folder}) for _ in range(2)]
            with Program([binary("lgen-cluster"), "get", "pods"], {"TMPDIR": folder}) as order:
                self.assertEqual(order.wait(), 104)
                for cluster in clusters:
                    order.err.wait_for(rf"--status {cluster.facts['status']}  \(pid {cluster.process.pid}, since \d+s, "
                                       r"of -\)")
            with Program([binary("lgen-cluster"), "--status", clusters[0].facts["status"], "get", "pod/x"]) as order:
                order.err.wait_for('pods "x" not found')
            clusters[0].send_signal(signal.SIGKILL)
            clusters[0].wait()
            self.start(deployment(), env={"TMPDIR": folder})
            self.assertFalse(os.path.exists(clusters[0].facts["run"]))
            self.assertTrue(os.path.exists(clusters[1].facts["run"]))


if __name__ == "__main__":
    unittest.main()
