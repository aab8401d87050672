#include <fmt/format.h>

#include "catch.h"
#include "manifests.h"
#include "pod_command.h"
#include "quantity.h"

namespace lgen::kube {
namespace {

using namespace std::chrono_literals;

Manifests read(const std::string& text) {
  Manifests manifests;
  add_manifests(text, "x.yaml", manifests);
  return manifests;
}

// A Deployment with `spec` beside its template and `container` in its only container, both as flow maps' insides.
std::string deployment(const std::string& spec, const std::string& container, const std::string& pod = "") {
  return fmt::format(R"(kind: Deployment
metadata: {{name: server}}
spec:
  {}
  template:
    metadata: {{labels: {{app: server}}}}
    spec:
      {}
      containers:
      - name: main
        {}
)",
                     spec, pod, container);
}

std::string autoscaler(const std::string& spec) {
  return "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\nspec:\n"
         "  scaleTargetRef: {kind: Deployment, name: server}\n  " +
         spec + "\n";
}

TEST_CASE("quantities are Kubernetes'") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> thousandths;
  };
  for (const auto& [text, thousandths] : std::initializer_list<Row>{{"15", 15000},
                                                                    {"250m", 250},
                                                                    {"0.1", 100},
                                                                    {"1.5k", 1500000},
                                                                    {"1e3", 1000000},
                                                                    {"1E", std::nullopt},  // 1e18, too large
                                                                    {"64Mi", 64LL * 1048576 * 1000},
                                                                    {"100u", 1},  // rounded up
                                                                    {"-2", -2000},
                                                                    {"", std::nullopt},
                                                                    {"m", std::nullopt},
                                                                    {"1.5 k", std::nullopt},
                                                                    {"1.2.3", std::nullopt},
                                                                    {"inf", std::nullopt},
                                                                    {"0x10", std::nullopt}}) {
    INFO(text);
    CHECK(parse_quantity(text) == thousandths);
  }
  CHECK(format_quantity(15000) == "15");
  CHECK(format_quantity(8500) == "8500m");
  CHECK(format_quantity(0) == "0");
  CHECK(format_quantity(2000000) == "2k");
}

TEST_CASE("what a Deployment leaves out has Kubernetes' defaults") {
  const auto all = read(deployment("paused: false", "image: lgen-server"));
  const Deployment& one = all.deployments.at(0);
  CHECK(one.name == "server");
  CHECK(one.replicas == 1);
  CHECK_FALSE(one.replicas_given);
  CHECK(one.strategy.max_surge.of_up(3) == 1);
  CHECK(one.strategy.max_unavailable.of_down(3) == 0);
  CHECK(one.pod.grace == 30s);
  CHECK(one.pod.cpu_request == 0);
  CHECK_FALSE(one.pod.readiness);
}

TEST_CASE("probes, hooks, resources and ports of a container") {
  const auto all = read(deployment("replicas: 3", R"(args: [--max-connection-age=600s]
        ports: [{name: grpc, containerPort: 50051}, {name: metrics, containerPort: 9999}]
        resources: {limits: {cpu: "1"}}
        startupProbe: {grpc: {port: 50051, service: lgen.echo.Echo}, periodSeconds: 1, failureThreshold: 30}
        readinessProbe: {httpGet: {port: metrics, path: readyz}, initialDelaySeconds: 2, successThreshold: 2}
        livenessProbe: {exec: {command: ["true"]}, timeoutSeconds: 5}
        lifecycle: {preStop: {exec: {command: ["/bin/sh", "-c", "sleep 60"]}}})",
                                   "terminationGracePeriodSeconds: 90"));
  const PodTemplate& pod = all.deployments.at(0).pod;
  CHECK(all.deployments[0].replicas == 3);
  CHECK(pod.grace == 90s);
  CHECK(pod.cpu_request == 1000);
  CHECK(pod.startup->kind == Probe::Kind::grpc);
  CHECK(pod.startup->service == "lgen.echo.Echo");
  CHECK(pod.startup->period == 1s);
  CHECK(pod.startup->failure_threshold == 30);
  CHECK(pod.readiness->port == 9999);
  CHECK(pod.readiness->path == "/readyz");
  CHECK(pod.readiness->initial_delay == 2s);
  CHECK(pod.readiness->success_threshold == 2);
  CHECK(pod.readiness->period == 10s);
  CHECK(pod.liveness->timeout == 5s);
  CHECK(pod.pre_stop.kind == PreStop::Kind::exec);
  CHECK(pod.pre_stop.command.back() == "sleep 60");
  CHECK(metrics_port(pod) == 9999);
  CHECK(target_port(pod, "grpc") == 50051);
  CHECK(target_port(pod, "8100") == 8100);
  CHECK(target_port(pod, "nothing") == 0);
}

TEST_CASE("an autoscaler's metrics of all types, and its behavior") {
  const auto all = read(autoscaler(R"(minReplicas: 3
  maxReplicas: 10
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
  - {type: Pods, pods: {metric: {name: gauge}, target: {type: AverageValue, averageValue: "15"}}}
  - {type: Object, object: {metric: {name: o}, describedObject: {}, target: {type: Value, value: 100}}}
  - {type: External, external: {metric: {name: e}, target: {type: AverageValue, averageValue: 500m}}}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 60
      selectPolicy: Min
      policies: [{type: Pods, value: 1, periodSeconds: 30}])"));
  const Autoscaler& one = all.autoscalers.at(0);
  CHECK(one.deployment == "server");
  CHECK(one.spec.min == 3);
  CHECK(one.spec.max == 10);
  using M = hpa::Metric;
  REQUIRE(one.spec.metrics.size() == 4);
  CHECK(one.spec.metrics[0].target == M::Target::utilization);
  CHECK(one.spec.metrics[0].goal == 80);
  CHECK(one.spec.metrics[1].type == M::Type::pods);
  CHECK(one.spec.metrics[1].goal == 15000);
  CHECK(one.spec.metrics[2].target == M::Target::value);
  CHECK(one.spec.metrics[3].type == M::Type::external);
  CHECK(one.spec.metrics[3].goal == 500);
  CHECK(one.spec.behavior->down.stabilization == 60s);
  CHECK(one.spec.behavior->down.select == hpa::Select::min);
  CHECK(one.spec.behavior->down.policies.at(0).period == 30s);
  CHECK(one.spec.behavior->up.policies.size() == 2);  // left out: the default
}

TEST_CASE("several documents, lists and empty documents are all read; unknown kinds are named") {
  const auto all =
      read("---\nkind: Job\nmetadata: {name: loadgen}\n---\n---\n" + deployment("replicas: 2", "image: lgen-server") +
           "---\nkind: List\nitems:\n- kind: Service\n  metadata: {name: s}\n  spec:\n"
           "    clusterIP: None\n    selector: {app: server}\n    ports: [{port: 80, targetPort: http}]\n");
  CHECK(all.deployments.size() == 1);
  CHECK(all.services.at(0).headless);
  CHECK(all.services.at(0).ports.at(0).target == "http");
  CHECK(all.skipped.at(0).kind == "Job");
  CHECK(all.skipped.at(0).name == "loadgen");
  CHECK(all.skipped.at(0).where == "x.yaml:2");
}

TEST_CASE("of several objects that are left out there is one line for each kind") {
  const auto all = read(
      "kind: NetworkPolicy\nmetadata: {name: a}\n---\nkind: Job\nmetadata: {name: j}\n---\n"
      "kind: NetworkPolicy\nmetadata: {name: b}\n");
  const std::string why = ": lgen-cluster knows Deployment, Service and HorizontalPodAutoscaler";
  CHECK(skipped_lines(all.skipped) ==
        std::vector<std::string>{"skipped 2 NetworkPolicies" + why, "x.yaml:4: skipped Job j" + why});
}

TEST_CASE("a key that nobody knows is refused with its place and what was meant") {
  struct Row {
    std::string text, message;
  };
  const std::string grpc = "image: lgen-server";
  for (const auto& [text, message] : std::initializer_list<Row>{
           {deployment("replicas: 2", "readynessProbe: {tcpSocket: {port: 1}}"),
            "x.yaml:11: spec.template.spec.containers[0].readynessProbe is no field that Kubernetes knows here (did "
            "you "
            "mean readinessProbe?)"},
           {deployment("replica: 2", grpc),
            "spec.replica is no field that Kubernetes knows here (did you mean replicas?)"},
           {deployment("replicas: 2", grpc, "terminationGracePeriod: 3"),
            "spec.template.spec.terminationGracePeriod is"},
           {deployment("strategy: {rollingUpdate: {maxSurges: 1}}", grpc), "(did you mean maxSurge?)"},
           {deployment("replicas: 2", "readinessProbe: {tcpSocket: {port: 1}, period: 3}"),
            "readinessProbe.period is no"},
           {deployment("replicas: 2", "lifecycle: {prestop: {sleep: {seconds: 3}}}"), "(did you mean preStop?)"},
           {deployment("replicas: 2", "readinessProbe: {tcpSocket: {port: 1}, grpc: {port: 1}}"),
            "readinessProbe.tcpSocket may not be given beside grpc"},
           {deployment("replicas: 2", "lifecycle: {preStop: {sleep: {seconds: 3}, exec: {command: [a]}}}"),
            "lifecycle.preStop.exec may not be given beside sleep"},
           {autoscaler("maxReplica: 3"), "spec.maxReplica is no field that Kubernetes knows here (did you mean"},
           {autoscaler("maxReplicas: 3\n  behavior: {scaledown: {}}"), "(did you mean scaleDown?)"},
           {"kind: Service\nmetadata: {name: s}\nspec:\n  selectors: {a: b}\n",
            "x.yaml:4: spec.selectors is no field"}}) {
    INFO(message);
    CHECK_THROWS_WITH(read(text), Catch::Contains(message));
  }
}

TEST_CASE("what Kubernetes would do and lgen-cluster does not is named, unless nobody would notice") {
  const auto names = [](const std::string& text) {
    std::vector<std::string> found;
    for (const Skipped& one : read(text).skipped) found.push_back(one.kind + " " + one.name);
    return found;
  };
  const std::vector<std::string> none;
  CHECK(names(deployment("progressDeadlineSeconds: 5", "securityContext: {privileged: false}", "affinity: {}")) ==
        none);
  CHECK(names(deployment("paused: false", "envFrom: []", "initContainers: []")) == none);
  CHECK(names(deployment("paused: true", "envFrom: [{configMapRef: {name: a}}]", "initContainers: [{name: a}]")) ==
        std::vector<std::string>{"field spec.paused", "field spec.template.spec.initContainers",
                                 "field spec.template.spec.containers[0].envFrom"});
  CHECK(names("kind: Service\nmetadata: {name: s}\nspec: {sessionAffinity: None}\n") == none);
  CHECK(names("kind: Service\nmetadata: {name: s}\nspec: {sessionAffinity: ClientIP}\n") ==
        std::vector<std::string>{"field spec.sessionAffinity"});
}

TEST_CASE("sidecars are named and left out") {
  const auto all = read(
      deployment("replicas: 2",
                 "command: [/usr/bin/lgen-server, --hello-port=8000]\n      - name: proxy\n        command: [envoy]"));
  CHECK(all.deployments.at(0).pod.args.at(0) == "--hello-port=8000");
  CHECK(all.skipped.at(0).name == "proxy");
}

TEST_CASE("what runs an lgen-server is known by its image or its command, and the rest is named") {
  for (const char* container : {"image: europe-docker.pkg.dev/p/lgen/lgen-server:v1", "image: lgen-server@sha256:0",
                                "command: [/usr/bin/lgen-server]", "args: [--hello-port=8000]"}) {
    INFO(container);
    CHECK(read(deployment("replicas: 2", container)).deployments.size() == 1);
  }
  for (const char* container : {"image: registry.k8s.io/prometheus-adapter:v0.12.0", "image: lgen", "command: [nginx]",
                                "{image: x, readinessProbe: {httpGet: {scheme: HTTPS}}}"}) {
    INFO(container);
    const std::string text =
        container[0] == '{' ? "image: x\n        readinessProbe: {httpGet: {scheme: HTTPS}}" : container;
    const auto all = read(deployment("replicas: 2", text));
    CHECK(all.deployments.empty());
    CHECK(all.skipped.back().kind == "Deployment");
  }
}

TEST_CASE("of several Deployments some can be chosen, with their autoscalers") {
  Manifests all = read(deployment("replicas: 1", "image: lgen-server") + "---\n" + autoscaler("maxReplicas: 3"));
  CHECK_THROWS_WITH(keep_only({"other"}, all), Catch::Contains("--deployment other: no manifest has"));
  keep_only({"server"}, all);
  CHECK(all.autoscalers.size() == 1);
}

TEST_CASE("impossible manifests are refused with file, line and place") {
  struct Row {
    std::string text, message;
  };
  const std::string probe = "readinessProbe: {tcpSocket: {port: 1}, ", grpc = "image: lgen-server";
  for (const auto& [text, message] : std::initializer_list<Row>{
           {deployment("replicas: -1", grpc), "x.yaml:4: spec.replicas is -1, which must be 0..2147483647"},
           {deployment("replicas: many", grpc), "x.yaml:4: spec.replicas must be a whole number, not many"},
           {deployment("replicas: \"3\"", grpc), "spec.replicas must be a whole number, not 3"},
           {deployment("replicas: 1.5", grpc), "spec.replicas must be a whole number, not 1.5"},
           {deployment("replicas: 99999999999999999999", grpc), "spec.replicas is 99999999999999999999, which"},
           {deployment("replicas: [1]", grpc), "spec.replicas must be a whole number"},
           {deployment("replicas: 1", probe + "periodSeconds: 0}"), "periodSeconds is 0, which must be 1.."},
           {deployment("replicas: 1", probe + "failureThreshold: 0}"), "failureThreshold is 0"},
           {deployment("replicas: 1", "readinessProbe: {periodSeconds: 1}"), "asks nothing"},
           {deployment("replicas: 1", "readinessProbe: {httpGet: {port: web}}"), "is web, which is no port"},
           {deployment("replicas: 1", "readinessProbe: {tcpSocket: {port: 65536}}"), "must be 1..65535"},
           {deployment("replicas: 1", "livenessProbe: {tcpSocket: {port: 1}, successThreshold: 2}"), "must be 1 for a"},
           {deployment("replicas: 1", "resources: {requests: {cpu: lots}}"), "is lots, which is no quantity"},
           {deployment("replicas: 1", "resources: {requests: {cpu: \"0\"}}"), "must be above 0"},
           {"kind: Deployment\nmetadata: {name: x}\nspec: {}\n", "spec.template.spec.containers is missing"},
           {deployment("replicas: 1", "lifecycle: {preStop: {sleep: {seconds: 31}}}"), "longer than termination"},
           {deployment("selector: {matchLabels: {app: other}}", grpc), "asks for app=other"},
           {deployment("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}", grpc), "could ever be replaced"},
           {deployment("strategy: {rollingUpdate: {maxSurge: half}}", grpc), "must be a whole number, not half"},
           {deployment("strategy: {rollingUpdate: {maxUnavailable: 101%}}", grpc), "must be 100% at most"},
           {deployment("strategy: {type: Canary}", grpc), "must be RollingUpdate or Recreate"},
           {autoscaler("maxReplicas: 0"), "x.yaml:6: spec.maxReplicas is 0"},
           {autoscaler("minReplicas: 5\n  maxReplicas: 2"), "spec.maxReplicas is 2, less than minReplicas, 5"},
           {autoscaler("maxReplicas: 2\n  metrics: [{type: Custom}]"), "spec.metrics[0].type is Custom"},
           {autoscaler("maxReplicas: 2\n  metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: Value}}}]"),
            "target.type is Value, which must be AverageValue"},
           {autoscaler("maxReplicas: 2\n  behavior: {scaleUp: {policies: [{type: Pods, value: 0, periodSeconds: 1}]}}"),
            "value is 0"},
           {autoscaler("maxReplicas: 2\n  behavior: {scaleDown: {stabilizationWindowSeconds: 3601}}"), "3601"},
           {"kind: Deployment\nspec: 3\n", "spec must be a map"},
           {"metadata: {name: x}\n", "kind is missing"},
           {"kind: Deployment\napiVersion: extensions/v1beta1\nmetadata: {name: x}\n", "apiVersion must be apps/v1"},
           {"kind: [\n", "x.yaml:2:"},
           {"a: b: c\n", "x.yaml:1:"}}) {
    INFO(text);
    CHECK_THROWS_WITH(read(text), Catch::Contains(message));
  }
}

TEST_CASE("manifests that do not go together are refused") {
  const std::string server = deployment("replicas: 1", "image: lgen-server"), hpa = autoscaler("maxReplicas: 3");
  const auto check = [](const std::string& text) {
    Manifests manifests = read(text);
    check_together(manifests);
  };
  CHECK_NOTHROW(check(server + "---\n" + hpa));
  CHECK_THROWS_WITH(check(server + "---\n" + server), Catch::Contains("two objects of kind Deployment"));
  CHECK_THROWS_WITH(check(hpa),
                    Catch::Contains("scales Deployment server, which is not among those that can run here"));
  const std::string second = std::string(hpa).replace(hpa.find("name: h"), 7, "name: i");
  CHECK_THROWS_WITH(check(server + "---\n" + hpa + "---\n" + second), Catch::Contains("two HorizontalPodAutoscalers"));
  CHECK_THROWS_WITH(check("kind: Job\nmetadata: {name: j}\n"),
                    Catch::Contains("no manifest has a Deployment that can run here\n  x.yaml:1: skipped Job j: "));
  const std::string nginx = deployment("replicas: 1", "image: nginx");
  CHECK_THROWS_WITH(check(nginx + "---\n" + hpa), Catch::Contains("scales Deployment server, which is not among") &&
                                                      Catch::Contains("skipped Deployment server: no container"));
  CHECK_THROWS_WITH(check(deployment("replicas: 1", "resources: {requests: {cpu: 500m}, limits: {cpu: 100m}}")),
                    Catch::Contains("resources.requests.cpu is more than the limit"));
}

TEST_CASE("a manifest that is cut off or garbled is read or refused, nothing else") {
  const std::string whole = deployment("replicas: 3", "readinessProbe: {grpc: {port: 50051}, periodSeconds: 1}") +
                            "---\n" + autoscaler("maxReplicas: 3\n  metrics: [{type: Pods}]");
  const auto try_to_read = [](const std::string& text) {
    try {
      read(text);
    } catch (const ManifestError&) {
    }
  };
  for (std::size_t size = 0; size < whole.size(); ++size) try_to_read(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char c : {'\0', '\n', '[', '{', '&', '*', ':', '\xff'}) {
      std::string garbled = whole;
      garbled[at] = c;
      try_to_read(garbled);
    }
  }
  try_to_read("a: " + std::string(100000, '['));
  CHECK_THROWS_AS(read("a: &x [*x]\nkind: *x\n"), ManifestError);
}

TEST_CASE("files that cannot be read are named") {
  CHECK_THROWS_WITH(read_manifests({"/nowhere/x.yaml"}), Catch::Contains("cannot read /nowhere/x.yaml: No such file"));
}

TEST_CASE("a pod's command line: variables, scaled times, what comes after --, and what is ours to set") {
  PodTemplate spec;
  spec.args = {
      "--max-connection-age=600s", "--drain-delay",  "5s",           "--message-delay=10ms", "--health-shares-handlers",
      "--app-version=$(VERSION)",  "--service-name", "$(NOBODY)$$5", "--bind=0.0.0.0"};
  spec.env = {{"VERSION", "v2", ""}, {"POD_NAME", "", "metadata.name"}, {"POD_IP", "", "status.podIP"}};
  const PodIdentity pod{.name = "server-1", .deployment = "server", .ip = "127.0.0.11", .zone = "zone-a"};
  const Surroundings around{20, {"--max-handlers", "10"}, {{"grpc-svc", true, {}}}, "127.0.0.1:53"};
  CHECK(pod_arguments(spec, pod, around) ==
        std::vector<std::string>{"--max-connection-age=30000ms", "--drain-delay=250ms", "--message-delay=10ms",
                                 "--health-shares-handlers", "--app-version=v2", "--service-name=$(NOBODY)$5",
                                 "--bind=0.0.0.0", "--max-handlers", "10", "--bind", "127.0.0.11", "--pod", "server-1",
                                 "--zone", "zone-a"});
  spec.args = {"--max-connection-age", "600s"};
  CHECK(pod_arguments(spec, pod, {})[0] == "--max-connection-age=600s");
  spec.args = {"--grpc-backend=dns:///grpc-svc:8000"};
  CHECK(pod_arguments(spec, pod, around)[0] == "--grpc-backend=dns://127.0.0.1:53/grpc-svc:8000");
  CHECK(pod_environment(spec, pod) == std::vector<std::string>{"VERSION=v2", "POD_NAME=server-1", "POD_IP=127.0.0.11"});
}

TEST_CASE("the downward API knows a pod's labels") {
  PodTemplate spec;
  spec.labels = {{"app", "shop"}};
  const PodIdentity pod{.name = "p", .deployment = "d", .ip = "i", .zone = "", .template_hash = "x7k2"};
  for (const auto& [field, value] :
       std::vector<std::pair<std::string, std::string>>{{"metadata.labels['app']", "shop"},
                                                        {"metadata.labels['pod-template-hash']", "x7k2"},
                                                        {"metadata.labels['none']", ""},
                                                        {"metadata.labels['']", ""},
                                                        {"metadata.labels", ""},
                                                        {"metadata.labels['app", ""}}) {
    INFO(field);
    spec.env = {{"X", "", field}};
    CHECK(pod_environment(spec, pod) == std::vector<std::string>{"X=" + value});
  }
}

}  // namespace
}  // namespace lgen::kube
