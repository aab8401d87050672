"""The manifests fit each other and the programs: checks.py finds nothing in them, and finds what is wrong on purpose."""

import functools
import os
import re
import subprocess
import unittest

import checks
from manifests import K8S, PATIENCE_SECONDS, container, get, names, rendered, with_components
from programs import Program, Server, binary, http_get
from waiting import eventually, free_ports

ROOT = os.path.dirname(K8S)


def help_flags(*command):
    text = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE_SECONDS, check=True, cwd=ROOT).stdout
    return set(re.findall(r"^\s+(?:-\w,\s*)?(--[\w-]+)", text, re.MULTILINE))


@functools.lru_cache(maxsize=None)
def lgen_flags(plan):
    return help_flags(binary("lgen"), plan, "--help")


@functools.lru_cache(maxsize=None)
def facts():
    with Server() as server:
        page = server.get("/metrics")[1]
    plans = {f"plans/{name}" for name in os.listdir(os.path.join(ROOT, "plans")) if name.endswith(".lua")}
    return checks.Facts(help_flags(binary("lgen-server"), "--help"), lgen_flags,
                        dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE)), plans)


# What somebody may want together.
COMBINATIONS = [["hpa-cpu"], ["hpa-counter", "hpa-adapter", "podmonitor"], ["hpa", "hpa-adapter", "podmonitor", "netpol"],
                ["no-readiness"], ["no-prestop"], ["no-readiness", "no-prestop"], ["readiness-warm", "hpa-cpu"],
                ["short-age", "hpa-cpu", "placement"], ["dashboard"]]


class CleanTest(unittest.TestCase):
    maxDiff = None

    def test_nothing_is_wrong_with_an_overlay(self):
        for overlay in names("overlays"):
            with self.subTest(overlay):
                self.assertEqual(checks.problems(rendered(f"overlays/{overlay}"), facts()), [])

    def test_nothing_is_wrong_with_the_base_and_components(self):
        self.assertEqual(checks.problems(rendered("base"), facts()), [])
        for components in COMBINATIONS:
            with self.subTest(components):
                self.assertEqual(checks.problems(with_components(*components), facts()), [])

    def test_every_component_is_in_use_or_combined(self):
        used = {name for components in COMBINATIONS for name in components}
        for overlay in names("overlays"):
            with open(os.path.join(K8S, "overlays", overlay, "kustomization.yaml"), encoding="utf-8") as file:
                used |= set(re.findall(r"components/([\w-]+)", file.read()))
        self.assertEqual(set(names("components")) - used, set())


def server(things):
    return container(things, "Deployment", "lgen-server")


def loadgen(things):
    return container(things, "Job", "lgen-loadgen")


def add_argument(word):
    return lambda things: server(things)["args"].append(word)


def spec(kind, name):
    return lambda things: get(things, kind, name)["spec"]


def change(kind, name, edit):
    return lambda things: edit(get(things, kind, name)["spec"])


def drop(kind, name):
    return lambda things: things.remove(get(things, kind, name))


# (what is wrong, in which overlay, how it comes about, what is said of it)
MISTAKES = [
    ("a Deployment that does not select its pods", "gke",
     change("Deployment", "lgen-server", lambda s: s["selector"]["matchLabels"].update(tier="x")),
     "Deployment lgen-server: its selector does not match its own pods"),
    ("a Service with a misspelt selector", "gke",
     change("Service", "lgen-server", lambda s: s.update(selector={"app": "lgen-server"})),
     "Service lgen-server: its selector matches no pods"),
    ("a budget for nobody", "gke",
     change("PodDisruptionBudget", "lgen-server", lambda s: s["selector"]["matchLabels"].update(x="y")),
     "PodDisruptionBudget lgen-server: its selector matches no pods"),
    ("a monitor of nobody", "gke",
     change("PodMonitoring", "lgen-server", lambda s: s["selector"]["matchLabels"].update(x="y")),
     "HorizontalPodAutoscaler lgen-server: nobody scrapes Deployment lgen-server"),
    ("a policy for nobody", "neutral",
     change("NetworkPolicy", "hello-grpc", lambda s: s["podSelector"]["matchLabels"].update(x="y")),
     "NetworkPolicy hello-grpc: its selector matches no pods"),
    ("pods spread by a label they do not have", "gke",
     change("Deployment", "lgen-server",
            lambda s: s["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].update(
                x="y")),
     "Deployment lgen-server: it spreads pods that are not its own"),
    ("a generator that keeps away from itself", "gke",
     change("Job", "lgen-loadgen",
            lambda s: s["template"]["metadata"]["labels"].update({"app.kubernetes.io/name": "lgen-server"})),
     "Job lgen-loadgen: it keeps apart from nobody, or from itself"),
    ("a target port by a name there is not", "gke",
     change("Service", "lgen-server", lambda s: s["ports"][0].update(targetPort="http2")),
     "Service lgen-server: Deployment lgen-server has no port http2"),
    ("a headless Service that maps a port", "gke",
     change("Service", "grpc-svc", lambda s: s["ports"][0].update(port=80)),
     "Service grpc-svc: a headless service maps no ports, so 80 leads nowhere; Deployment hello-grpc listens on 8000"),
    ("a probe on another port", "gke", lambda t: server(t)["readinessProbe"]["grpc"].update(port=50052),
     "Deployment lgen-server: its readinessProbe asks port 50052, which there is not"),
    ("a probe by a name there is not", "gke",
     lambda t: container(t, "Deployment", "hello-http")["startupProbe"]["httpGet"].update(port="web"),
     "Deployment hello-http: its startupProbe asks port web, which there is not"),
    ("a monitor's port there is not", "neutral",
     change("PodMonitor", "lgen-server", lambda s: s["podMetricsEndpoints"][0].update(port="prometheus")),
     "PodMonitor lgen-server: Deployment lgen-server has no port prometheus"),
    ("Google's monitor with a port there is not", "gke",
     change("PodMonitoring", "lgen-loadgen", lambda s: s["endpoints"][0].update(port="web")),
     "PodMonitoring lgen-loadgen: Job lgen-loadgen has no port web"),
    ("a scrape that outlasts its interval", "neutral",
     change("PodMonitor", "lgen-server", lambda s: s["podMetricsEndpoints"][0].update(scrapeTimeout="10s")),
     "PodMonitor lgen-server: its time-out is longer than its interval"),
    ("a policy for a port there is not", "neutral",
     change("NetworkPolicy", "lgen-server", lambda s: s["ingress"][0]["ports"][0].update(port="h2c")),
     "NetworkPolicy lgen-server: Deployment lgen-server has no port h2c"),
    ("a port that the flags have moved", "gke", add_argument("--metrics-port=9465"),
     "Deployment lgen-server: nothing listens on port 9464 (metrics)"),
    ("a gateway without its role", "gke",
     lambda t: container(t, "Deployment", "hello-serve")["args"].remove("--gateway-port=8200"),
     "Deployment hello-serve: nothing listens on port 8200 (http)"),
    ("a generator whose metrics stay inside", "gke",
     lambda t: loadgen(t)["args"].remove("--out=prometheus=0.0.0.0:9465,linger=60s"),
     "Job lgen-loadgen: nothing listens on port 9465 (metrics)"),
    ("an HPA for nobody", "gke",
     change("HorizontalPodAutoscaler", "lgen-server", lambda s: s["scaleTargetRef"].update(name="server")),
     "HorizontalPodAutoscaler lgen-server: there is no Deployment server"),
    ("replicas beside an HPA", "gke", change("Deployment", "lgen-server", lambda s: s.update(replicas=3)),
     "Deployment lgen-server: replicas beside an HPA; every apply would undo what the HPA did"),
    ("more at least than at most", "gke",
     change("HorizontalPodAutoscaler", "lgen-server", lambda s: s.update(minReplicas=11)),
     "HorizontalPodAutoscaler lgen-server: minReplicas is more than maxReplicas"),
    ("no CPU request", "gke", lambda t: server(t)["resources"]["requests"].pop("cpu"),
     "HorizontalPodAutoscaler lgen-server: without a cpu request of Deployment lgen-server it shows <unknown>"),
    ("a gauge that nobody exports", "neutral",
     change("HorizontalPodAutoscaler", "lgen-server",
            lambda s: s["metrics"][1]["pods"]["metric"].update(name="grpc_active_streams")),
     "HorizontalPodAutoscaler lgen-server: lgen-server exports no grpc_active_streams"),
    ("a gauge called a counter", "gke",
     change("HorizontalPodAutoscaler", "lgen-server",
            lambda s: s["metrics"][1]["pods"]["metric"].update(
                name="prometheus.googleapis.com|grpc_server_active_streams|counter")),
     "HorizontalPodAutoscaler lgen-server: grpc_server_active_streams is a gauge, not a counter"),
    ("Prometheus' name where Google's is wanted", "gke",
     change("HorizontalPodAutoscaler", "lgen-server",
            lambda s: s["metrics"][1]["pods"]["metric"].update(name="grpc_server_active_streams")),
     "HorizontalPodAutoscaler lgen-server: grpc_server_active_streams is not how this cluster's monitoring names it"),
    ("a metric that the adapter does not know", "neutral",
     lambda t: get(t, "ConfigMap", "prometheus-adapter")["data"].update({"config.yaml": "rules: []"}),
     "HorizontalPodAutoscaler lgen-server: the adapter has no rule for grpc_server_active_streams"),
    ("too little time to go down", "gke",
     change("Deployment", "lgen-server", lambda s: s["template"]["spec"].update(terminationGracePeriodSeconds=75)),
     "Deployment lgen-server: preStop, --drain-delay and --shutdown-grace take 75 s, and it is killed after 75 s"),
    ("a drain delay nobody has reckoned with", "gke", add_argument("--drain-delay=20s"),
     "Deployment lgen-server: preStop, --drain-delay and --shutdown-grace take 95 s, and it is killed after 90 s"),
    ("a preStop hook by a shell", "gke",
     lambda t: server(t).update(lifecycle={"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 60"]}}}),
     "Deployment lgen-server: preStop, --drain-delay and --shutdown-grace take 120 s, and it is killed after 90 s"),
    ("a balancer that ends streams", "gke",
     change("GCPBackendPolicy", "lgen-server", lambda s: s["default"].update(timeoutSec=720)),
     "GCPBackendPolicy lgen-server: timeoutSec ends streams before the server does, after up to 720 s"),
    ("a balancer that does not wait", "gke",
     change("GCPBackendPolicy", "lgen-server",
            lambda s: s["default"]["connectionDraining"].update(drainingTimeoutSec=60)),
     "GCPBackendPolicy lgen-server: pods drain for 75 s, the balancer waits less"),
    ("a route to no listener", "neutral",
     change("GRPCRoute", "lgen-server", lambda s: s["parentRefs"][0].update(sectionName="http")),
     "GRPCRoute lgen-server: there is no listener http of a Gateway lgen"),
    ("a route for another host", "gke",
     change("HTTPRoute", "lgen-server", lambda s: s.update(hostnames=["example.com"])),
     "HTTPRoute lgen-server: its hostnames are not the listener's grpc.example.com: every call would be a 404"),
    ("a route to a port there is not", "gke",
     change("HTTPRoute", "lgen-server", lambda s: s["rules"][0]["backendRefs"][0].update(port=443)),
     "HTTPRoute lgen-server: there is no Service lgen-server with port 443"),
    ("a backend that gets HTTP/1.1", "gke",
     change("Service", "lgen-server", lambda s: s["ports"][0].pop("appProtocol")),
     "HTTPRoute lgen-server: port 50051 of lgen-server does not say kubernetes.io/h2c"),
    ("a gateway without a class", "gke", change("Gateway", "lgen", lambda s: s.update(gatewayClassName="CLASS")),
     "Gateway lgen: no overlay has named its class"),
    ("a policy for a Service there is not", "gke",
     change("HealthCheckPolicy", "lgen-server", lambda s: s["targetRef"].update(name="server")),
     "HealthCheckPolicy lgen-server: there is no Service server"),
    ("a distribution for a Service there is not", "gke-spray",
     change("GCPTrafficDistributionPolicy", "lgen-server", lambda s: s["targetRefs"][0].update(name="server")),
     "GCPTrafficDistributionPolicy lgen-server: there is no Service server"),
    ("a health check on another port", "gke",
     change("HealthCheckPolicy", "lgen-server", lambda s: s["default"]["config"]["grpcHealthCheck"].update(port=8080)),
     "HealthCheckPolicy lgen-server: the pods have no port 8080"),
    ("no such account", "gke",
     drop("ServiceAccount", "lgen-server"), "Deployment lgen-server: there is no ServiceAccount lgen-server"),
    ("no such volume", "gke",
     change("Job", "lgen-loadgen",
            lambda s: s["template"]["spec"].pop("volumes")), "Job lgen-loadgen: there is no volume results"),
    ("no such configuration", "neutral",
     drop("ConfigMap", "prometheus-adapter"), "Deployment prometheus-adapter: there is no ConfigMap prometheus-adapter"),
    ("an API without a Service", "neutral",
     drop("Service", "prometheus-adapter"), "APIService v1beta1.custom.metrics.k8s.io: there is no Service prometheus-adapter"),
    ("a target there is not", "gke", lambda t: loadgen(t)["args"].append("--target=lgen-server:443"),
     "Job lgen-loadgen: --target lgen-server:443: there is no such Service and port"),
    ("pods' metrics behind one address", "gke", change("Service", "lgen-server-pods", lambda s: s.pop("clusterIP")),
     "Job lgen-loadgen: --metrics lgen-server-pods:9464: the Service is not headless, so the name has one address"),
    ("a gateway with a backend on the wrong port", "gke",
     lambda t: container(t, "Deployment", "hello-serve")["args"].append("--http-backend=http://http-svc:8100/hellohttp"),
     "Deployment hello-serve: --http-backend http-svc:8100: there is no such Service and port"),
    ("another namespace", "gke", lambda t: get(t, "Service", "lgen-server")["metadata"].update(namespace="default"),
     "Service lgen-server: there is no namespace default"),
    ("a flag there is not", "gke",
     add_argument("--max-age=600s"), "Deployment lgen-server: lgen-server has no flag --max-age"),
    ("an option that the plan does not have", "gke", lambda t: loadgen(t)["args"].append("--stream=5"),
     "Job lgen-loadgen: lgen has no flag --stream"),
    ("another age than the generator's", "gke", add_argument("--max-connection-age=300s"),
     "Job lgen-loadgen: --age 600s, but Deployment lgen-server has --max-connection-age 300s"),
    ("a plan there is not", "gke", lambda t: loadgen(t)["args"].__setitem__(0, "plans/multichannel.lua"),
     "Job lgen-loadgen: lgen has no plans/multichannel.lua"),
    ("pods that may be root", "gke",
     change("Deployment", "hello-http", lambda s: s["template"]["spec"]["securityContext"].pop("runAsNonRoot")),
     "Deployment hello-http: its pods are not restricted (runAsNonRoot, seccompProfile)"),
    ("a container that may write", "gke", lambda t: loadgen(t)["securityContext"].pop("readOnlyRootFilesystem"),
     "Job lgen-loadgen: container lgen is not restricted"),
    ("a generator without a share", "gke", lambda t: loadgen(t)["resources"].pop("requests"),
     "Job lgen-loadgen: container lgen asks for no CPU or memory"),
    ("a generator that is throttled", "gke", lambda t: loadgen(t)["resources"]["limits"].update(cpu="1"),
     "Job lgen-loadgen: container lgen has a CPU limit; throttling would be measured as latency"),
]


class SeededTest(unittest.TestCase):
    def test_each_mistake_is_found(self):
        for what, overlay, spoil, complaint in MISTAKES:
            with self.subTest(what):
                things = rendered(f"overlays/{overlay}")
                spoil(things)
                self.assertIn(complaint, checks.problems(things, facts()))

    def test_every_check_has_found_something(self):
        silent = {check.__name__ for check in checks.CHECKS}
        for _, overlay, spoil, _ in MISTAKES:
            things = rendered(f"overlays/{overlay}")
            spoil(things)
            silent -= {check.__name__ for check in checks.CHECKS if list(check(things, facts()))}
        self.assertEqual(silent, set())


class CommandLinesTest(unittest.TestCase):
    """The containers' own command lines, on ports of this machine; a flag given twice counts the second time."""

    def test_every_server_starts_is_probed_and_goes_down(self):
        things = with_components("short-age", "readiness-warm")
        for name in ("lgen-server", "hello-grpc", "hello-http", "hello-serve"):
            with self.subTest(name):
                one = container(things, "Deployment", name)
                flags = ["--grpc-port", "--metrics-port", "--http-port",
                         *(flag for flag, _ in checks.arguments(one) if flag in ("--hello-port", "--gateway-port"))]
                ports = dict(zip(flags, free_ports(len(flags))))
                moved = [f"{flag}={port}" for flag, port in ports.items()]
                with Program([binary("lgen-server"), *one["args"], "--bind=127.0.0.1", *moved]) as running:
                    self.probe(one.get("readinessProbe", {}), ports)
                    self.assertEqual(running.stop(), 0)

    def probe(self, probe, ports):
        eventually(lambda: status(ports["--metrics-port"], "/readyz") == 200, "readiness")
        path = probe.get("httpGet", {}).get("path", "")
        if path.startswith("/hellohttp"):
            self.assertEqual(status(ports["--http-port"], path), 200)
        elif path.startswith("/hellogrpc"):  # on this machine its backend's name means nothing
            self.assertEqual(status(ports["--gateway-port"], path), 502)

    def test_the_generator_takes_its_options(self):
        args = loadgen(rendered("base"))["args"]
        ended = subprocess.run([binary("lgen"), "check", args[0], *(word for word in args[1:] if "=" in word and "out=" not in word)],
                               text=True, capture_output=True, timeout=PATIENCE_SECONDS, check=False, cwd=ROOT)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


def status(port, path):
    try:
        return http_get(f"http://127.0.0.1:{port}{path}")[0]
    except OSError:
        return None


if __name__ == "__main__":
    unittest.main()
