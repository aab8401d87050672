"""What no schema says: names, ports, times and flags of the manifests that must fit each other and the programs.

Each check takes the objects of an overlay and what is known of the programs (`Facts`), and yields a line for each
mistake. `problems` runs all of them.
"""

import collections
import re
import urllib.parse

from manifests import title

# flags, lgen_flags(plan) → sets of "--name"; metrics: {name: type} of lgen-server's page; plans: files under plans/.
Facts = collections.namedtuple("Facts", "server_flags lgen_flags metrics plans")

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
GRPC_AGE_JITTER = 1.1
GOOGLE_METRIC = re.compile(r"prometheus\.googleapis\.com\|(\w+)\|(\w+)")


def of_kind(things, *kinds):
    return [thing for thing in things if thing["kind"] in kinds]


def named(things, kind, name):
    return next((thing for thing in of_kind(things, kind) if thing["metadata"]["name"] == name), None)


def workloads(things):
    return of_kind(things, "Deployment", "Job")


def pod_labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def pod_spec(workload):
    return workload["spec"]["template"]["spec"]


def containers(workload):
    return pod_spec(workload)["containers"]


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def selected(things, selector):
    """Workloads whose pods have these labels; an empty selector means all."""
    return [one for one in workloads(things) if matches(selector, pod_labels(one))]


def ports_of(workload):
    return [port for one in containers(workload) for port in one.get("ports", [])]


def find_port(workload, port):
    """The container's port that `port`, a name or a number, means."""
    return next((one for one in ports_of(workload) if port in (one.get("name"), one["containerPort"])), None)


def arguments(one):
    """[("--flag", "value" or None), …]"""
    return [(flag, value if equals else None)
            for flag, equals, value in (word.partition("=") for word in one.get("args", []) if word.startswith("--"))]


def argument(one, flag, default=None):
    return next((value for name, value in reversed(arguments(one)) if name == flag), default)


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", text).groups()
    return float(number) * SECONDS[unit or "s"]


def program(one):
    return one["image"].rpartition("/")[2].partition(":")[0]


# --- labels and ports -----------------------------------------------------------------------------------------------

def selectors_match(things, _):
    for one in of_kind(things, "Deployment"):
        if not matches(one["spec"]["selector"]["matchLabels"], pod_labels(one)):
            yield f"{title(one)}: its selector does not match its own pods"
    for one in of_kind(things, "Service"):
        if not selected(things, one["spec"]["selector"]):
            yield f"{title(one)}: its selector matches no pods"
    for one in of_kind(things, "PodDisruptionBudget", "PodMonitor", "PodMonitoring"):
        if not selected(things, one["spec"]["selector"]["matchLabels"]):
            yield f"{title(one)}: its selector matches no pods"
    for one in of_kind(things, "NetworkPolicy"):
        labels = one["spec"]["podSelector"].get("matchLabels", {})
        if not selected(things, labels) and labels.get("app.kubernetes.io/name") != "prometheus-adapter":
            yield f"{title(one)}: its selector matches no pods"
    for one in workloads(things):
        spread = pod_spec(one).get("topologySpreadConstraints", [])
        if any(not matches(rule["labelSelector"]["matchLabels"], pod_labels(one)) for rule in spread):
            yield f"{title(one)}: it spreads pods that are not its own"
        apart = pod_spec(one).get("affinity", {}).get("podAntiAffinity", {})
        for rule in apart.get("requiredDuringSchedulingIgnoredDuringExecution", []):
            others = selected(things, rule["labelSelector"]["matchLabels"])
            if not others or one in others:
                yield f"{title(one)}: it keeps apart from nobody, or from itself"


def service_ports_lead_somewhere(things, _):
    for service in of_kind(things, "Service"):
        headless = service["spec"].get("clusterIP") == "None"
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            for workload in selected(things, service["spec"]["selector"]):
                found = find_port(workload, target)
                if not found:
                    yield f"{title(service)}: {title(workload)} has no port {target}"
                elif headless and found["containerPort"] != port["port"]:
                    yield (f"{title(service)}: a headless service maps no ports, so {port['port']} leads nowhere; "
                           f"{title(workload)} listens on {found['containerPort']}")


def probes_and_monitors_ask_ports_that_exist(things, _):
    for workload in workloads(things):
        for one in containers(workload):
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                probe = one.get(kind, {})
                port = probe.get("grpc", probe.get("httpGet", {})).get("port")
                if probe and not find_port(workload, port):
                    yield f"{title(workload)}: its {kind} asks port {port}, which there is not"
    for monitor in of_kind(things, "PodMonitor", "PodMonitoring"):
        endpoints = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"].get("endpoints", [])
        for workload in selected(things, monitor["spec"]["selector"]["matchLabels"]):
            for endpoint in endpoints:
                if not find_port(workload, endpoint["port"]):
                    yield f"{title(monitor)}: {title(workload)} has no port {endpoint['port']}"
                if "scrapeTimeout" in endpoint and seconds(endpoint["scrapeTimeout"]) > seconds(endpoint["interval"]):
                    yield f"{title(monitor)}: its time-out is longer than its interval"


def policies_name_ports_that_exist(things, _):
    for policy in of_kind(things, "NetworkPolicy"):
        for workload in selected(things, policy["spec"]["podSelector"].get("matchLabels", {})):
            for rule in policy["spec"].get("ingress", []):
                for port in rule.get("ports", []):
                    if not find_port(workload, port["port"]):
                        yield f"{title(policy)}: {title(workload)} has no port {port['port']}"


def programs_listen_on_their_ports(things, _):
    """A container's ports are those that its flags, or their defaults, open."""
    defaults = {"--grpc-port": 50051, "--metrics-port": 9464, "--http-port": 8100}
    for workload in workloads(things):
        for one in containers(workload):
            if program(one) == "lgen-server":
                given = {flag: int(value) for flag, value in arguments(one) if flag.endswith("-port")}
                open_ports = {**defaults, **given}.values()
            elif program(one) == "lgen":
                outs = " ".join(value for flag, value in arguments(one) if flag == "--out")
                open_ports = [int(port) for port in re.findall(r"prometheus=0\.0\.0\.0:(\d+)", outs)]
            else:
                continue
            for port in one.get("ports", []):
                if port["containerPort"] not in open_ports:
                    yield f"{title(workload)}: nothing listens on port {port['containerPort']} ({port.get('name')})"


# --- autoscaling ----------------------------------------------------------------------------------------------------

def autoscalers_have_their_metrics(things, facts):
    for scaler in of_kind(things, "HorizontalPodAutoscaler"):
        reference = scaler["spec"]["scaleTargetRef"]
        target = named(things, reference["kind"], reference["name"])
        if not target:
            yield f"{title(scaler)}: there is no {reference['kind']} {reference['name']}"
            continue
        if "replicas" in target["spec"]:
            yield f"{title(target)}: replicas beside an HPA; every apply would undo what the HPA did"
        if scaler["spec"].get("minReplicas", 1) > scaler["spec"]["maxReplicas"]:
            yield f"{title(scaler)}: minReplicas is more than maxReplicas"
        for metric in scaler["spec"]["metrics"]:
            yield from metric_problems(things, facts, scaler, target, metric)


def metric_problems(things, facts, scaler, target, metric):
    if metric["type"] == "Resource":
        name = metric["resource"]["name"]
        if any(name not in one.get("resources", {}).get("requests", {}) for one in containers(target)):
            yield f"{title(scaler)}: without a {name} request of {title(target)} it shows <unknown>"
    if metric["type"] == "Pods":
        name = metric["pods"]["metric"]["name"]
        google = GOOGLE_METRIC.fullmatch(name)
        series, kind = google.groups() if google else (name, None)
        exported = facts.metrics.get(series)
        if not exported:
            yield f"{title(scaler)}: lgen-server exports no {series}"
        elif kind and exported != kind:
            yield f"{title(scaler)}: {series} is a {exported}, not a {kind}"
        if bool(google) != bool(of_kind(things, "PodMonitoring")):
            yield f"{title(scaler)}: {name} is not how this cluster's monitoring names it"
        yield from adapter_problems(things, scaler, series)
        monitors = of_kind(things, "PodMonitor", "PodMonitoring")
        if monitors and not any(target in selected(things, one["spec"]["selector"]["matchLabels"]) for one in monitors):
            yield f"{title(scaler)}: nobody scrapes {title(target)}"


def adapter_problems(things, scaler, series):
    rules = named(things, "ConfigMap", "prometheus-adapter")
    if rules and f"seriesQuery: '{series}{{" not in rules["data"]["config.yaml"]:
        yield f"{title(scaler)}: the adapter has no rule for {series}"


# --- going down -----------------------------------------------------------------------------------------------------

def prestop_seconds(one):
    hook = one.get("lifecycle", {}).get("preStop", {})
    command = " ".join(hook.get("exec", {}).get("command", []))
    slept = re.search(r"sleep (\d+)", command)
    return hook.get("sleep", {}).get("seconds", int(slept[1]) if slept else 0)


def going_down_seconds(one):
    return prestop_seconds(one) + seconds(argument(one, "--drain-delay", "0s")) + seconds(argument(one, "--shutdown-grace", "10s"))


def pods_have_time_to_go_down(things, _):
    for workload in workloads(things):
        grace = pod_spec(workload).get("terminationGracePeriodSeconds", 30)
        for one in containers(workload):
            if program(one) == "lgen-server" and going_down_seconds(one) >= grace:
                yield (f"{title(workload)}: preStop, --drain-delay and --shutdown-grace take {going_down_seconds(one):g} s, "
                       f"and it is killed after {grace} s")


def balancers_wait_for_the_server(things, _):
    for policy in of_kind(things, "GCPBackendPolicy"):
        service = named(things, "Service", policy["spec"]["targetRef"]["name"])
        for workload in selected(things, service["spec"]["selector"]) if service else []:
            one = containers(workload)[0]
            longest = (seconds(argument(one, "--max-connection-age", "600s")) * GRPC_AGE_JITTER
                       + seconds(argument(one, "--max-connection-age-grace", "60s")))
            if policy["spec"]["default"]["timeoutSec"] <= longest:
                yield f"{title(policy)}: timeoutSec ends streams before the server does, after up to {longest:g} s"
            if policy["spec"]["default"]["connectionDraining"]["drainingTimeoutSec"] < going_down_seconds(one):
                yield f"{title(policy)}: pods drain for {going_down_seconds(one):g} s, the balancer waits less"


def generators_know_the_ages(things, _):
    """What a plan holds lost streams against is what its target does."""
    for workload in workloads(things):
        for one in containers(workload):
            service = named(things, "Service", argument(one, "--target", "").rpartition(":")[0])
            for server in selected(things, service["spec"]["selector"]) if service else []:
                yield from age_problems(workload, one, server)


def age_problems(workload, generator, server):
    for mine, its in (("--age", "--max-connection-age"), ("--grace", "--max-connection-age-grace")):
        said, real = argument(generator, mine), argument(containers(server)[0], its)
        if said and real and seconds(said) != seconds(real):
            yield f"{title(workload)}: {mine} {said}, but {title(server)} has {its} {real}"


# --- what refers to what --------------------------------------------------------------------------------------------

def routes_resolve(things, _):
    for route in of_kind(things, "HTTPRoute", "GRPCRoute"):
        for parent in route["spec"]["parentRefs"]:
            gateway = named(things, "Gateway", parent["name"])
            listeners = gateway["spec"]["listeners"] if gateway else []
            listener = next((one for one in listeners if one["name"] == parent.get("sectionName", one["name"])), None)
            if not listener:
                yield f"{title(route)}: there is no listener {parent.get('sectionName')} of a Gateway {parent['name']}"
            elif listener.get("hostname") not in (None, *route["spec"]["hostnames"]):
                yield f"{title(route)}: its hostnames are not the listener's {listener['hostname']}: every call would be a 404"
        for backend in (one for rule in route["spec"]["rules"] for one in rule["backendRefs"]):
            service = named(things, "Service", backend["name"])
            ports = service["spec"]["ports"] if service else []
            port = next((one for one in ports if one["port"] == backend["port"]), None)
            if not port:
                yield f"{title(route)}: there is no Service {backend['name']} with port {backend['port']}"
            elif port.get("appProtocol") != "kubernetes.io/h2c":
                yield f"{title(route)}: port {backend['port']} of {backend['name']} does not say kubernetes.io/h2c"
    for gateway in of_kind(things, "Gateway"):
        if gateway["spec"]["gatewayClassName"] == "CLASS":
            yield f"{title(gateway)}: no overlay has named its class"


def references_resolve(things, _):
    for policy in things:
        spec = policy.get("spec", {})
        for target in [spec["targetRef"]] if "targetRef" in spec else spec.get("targetRefs", []):
            service = named(things, target["kind"], target["name"])
            check = spec.get("default", {}).get("config", {}).get("grpcHealthCheck")
            if not service:
                yield f"{title(policy)}: there is no {target['kind']} {target['name']}"
            elif check and not any(find_port(one, check["port"]) for one in selected(things, service["spec"]["selector"])):
                yield f"{title(policy)}: the pods have no port {check['port']}"
    for one in workloads(things):
        account = pod_spec(one).get("serviceAccountName")
        if account and not named(things, "ServiceAccount", account):
            yield f"{title(one)}: there is no ServiceAccount {account}"
        volumes = {volume["name"]: volume for volume in pod_spec(one).get("volumes", [])}
        for mount in (mount for each in containers(one) for mount in each.get("volumeMounts", [])):
            if mount["name"] not in volumes:
                yield f"{title(one)}: there is no volume {mount['name']}"
        for volume in volumes.values():
            if "configMap" in volume and not named(things, "ConfigMap", volume["configMap"]["name"]):
                yield f"{title(one)}: there is no ConfigMap {volume['configMap']['name']}"
    for api in of_kind(things, "APIService"):
        if not named(things, "Service", api["spec"]["service"]["name"]):
            yield f"{title(api)}: there is no Service {api['spec']['service']['name']}"


def addresses_in_flags_resolve(things, _):
    for workload in workloads(things):
        for one in containers(workload):
            for flag, value in arguments(one):
                if flag == "--target":
                    yield from address_problems(things, workload, flag, value, headless=False)
                elif flag in ("--metrics", "--grpc-backend") and value.startswith("dns:///"):
                    yield from address_problems(things, workload, flag, value.removeprefix("dns:///"), headless=True)
                elif flag == "--http-backend":
                    url = urllib.parse.urlsplit(value)
                    yield from address_problems(things, workload, flag, f"{url.hostname}:{url.port or 80}", headless=False)


def address_problems(things, workload, flag, address, headless):
    host, _, port = address.rpartition(":")
    service = named(things, "Service", host)
    if not service or all(one["port"] != int(port) for one in service["spec"]["ports"]):
        yield f"{title(workload)}: {flag} {address}: there is no such Service and port"
    elif headless and service["spec"].get("clusterIP") != "None":
        yield f"{title(workload)}: {flag} {address}: the Service is not headless, so the name has one address"


def namespaces_agree(things, _):
    known = {one["metadata"]["name"] for one in of_kind(things, "Namespace")}
    for one in things:
        namespace = one["metadata"].get("namespace")
        if namespace and namespace not in known | {"kube-system"}:
            yield f"{title(one)}: there is no namespace {namespace}"


# --- containers -----------------------------------------------------------------------------------------------------

def flags_are_accepted(things, facts):
    for workload in workloads(things):
        for one in containers(workload):
            if program(one) == "lgen":
                plan = next((word for word in one["args"] if not word.startswith("--")), None)
                if plan not in facts.plans:
                    yield f"{title(workload)}: lgen has no {plan}"
                    continue
                known = facts.lgen_flags(plan)
            elif program(one) == "lgen-server":
                known = facts.server_flags
            else:
                continue
            for flag, _ in arguments(one):
                if flag not in known:
                    yield f"{title(workload)}: {program(one)} has no flag {flag}"


def pods_are_restricted(things, _):
    for workload in workloads(things):
        security = pod_spec(workload).get("securityContext", {})
        if not security.get("runAsNonRoot") or security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{title(workload)}: its pods are not restricted (runAsNonRoot, seccompProfile)"
        for one in containers(workload):
            own = one.get("securityContext", {})
            if (own.get("allowPrivilegeEscalation") is not False or own.get("capabilities", {}).get("drop") != ["ALL"]
                    or not own.get("readOnlyRootFilesystem")):
                yield f"{title(workload)}: container {one['name']} is not restricted"


def resources_are_asked_for(things, _):
    for workload in workloads(things):
        for one in containers(workload):
            resources = one.get("resources", {})
            if not {"cpu", "memory"} <= set(resources.get("requests", {})):
                yield f"{title(workload)}: container {one['name']} asks for no CPU or memory"
            if program(one) in ("lgen", "lgen-server") and "cpu" in resources.get("limits", {}):
                yield f"{title(workload)}: container {one['name']} has a CPU limit; throttling would be measured as latency"


CHECKS = [selectors_match, service_ports_lead_somewhere, probes_and_monitors_ask_ports_that_exist,
          policies_name_ports_that_exist, programs_listen_on_their_ports, autoscalers_have_their_metrics,
          pods_have_time_to_go_down, balancers_wait_for_the_server, generators_know_the_ages, routes_resolve,
          references_resolve, addresses_in_flags_resolve, namespaces_agree, flags_are_accepted, pods_are_restricted, resources_are_asked_for]


def problems(things, facts):
    return [problem for check in CHECKS for problem in check(things, facts)]
