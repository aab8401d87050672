#include "known_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "flag_errors.h"

namespace lgen::kube {

namespace {

// Keys between spaces: those that lgen-cluster acts on or whose absence nobody notices, and those it leaves out.
struct Keys {
  const char* fine;
  const char* left_out = "";
};

constexpr Keys kDeployment{
    "replicas selector template strategy minReadySeconds revisionHistoryLimit progressDeadlineSeconds", "paused"};
constexpr Keys kTemplate{"metadata spec"};
constexpr Keys kStrategy{"type rollingUpdate"};
constexpr Keys kRollingUpdate{"maxSurge maxUnavailable"};
constexpr Keys kPod{
    "affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks hostIPC hostNetwork "
    "hostPID "
    "hostUsers hostname hostnameOverride imagePullSecrets nodeName nodeSelector os overhead preemptionPolicy priority "
    "priorityClassName resourceClaims resources restartPolicy runtimeClassName schedulerName securityContext "
    "serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds "
    "tolerations topologySpreadConstraints volumes workloadRef",
    "activeDeadlineSeconds ephemeralContainers hostAliases initContainers readinessGates schedulingGates"};
constexpr Keys kContainer{
    "args command env image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources "
    "restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath "
    "terminationMessagePolicy tty volumeDevices volumeMounts workingDir",
    "envFrom"};
constexpr Keys kEnv{"name value valueFrom"};
constexpr Keys kEnvSource{"fieldRef", "configMapKeyRef fileKeyRef resourceFieldRef secretKeyRef"};
constexpr Keys kPort{"containerPort hostIP hostPort name protocol"};
constexpr Keys kResources{"claims limits requests"};
constexpr Keys kProbe{
    "exec failureThreshold grpc httpGet initialDelaySeconds periodSeconds successThreshold tcpSocket timeoutSeconds",
    "terminationGracePeriodSeconds"};
constexpr Keys kHttpGet{"path port scheme", "host httpHeaders"};
constexpr Keys kTcpSocket{"port", "host"};
constexpr Keys kGrpc{"port service"};
constexpr Keys kExec{"command"};
constexpr Keys kLifecycle{"preStop", "postStart stopSignal"};
constexpr Keys kPreStop{"exec httpGet sleep tcpSocket"};
constexpr Keys kSleep{"seconds"};

constexpr Keys kService{
    "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalTrafficPolicy healthCheckNodePort "
    "internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP loadBalancerSourceRanges ports "
    "selector sessionAffinityConfig topologyKeys trafficDistribution type",
    "externalName publishNotReadyAddresses sessionAffinity"};
constexpr Keys kServicePort{"appProtocol name nodePort port protocol targetPort"};

constexpr Keys kAutoscaler{"behavior maxReplicas metrics minReplicas scaleTargetRef"};
constexpr Keys kScaleTarget{"apiVersion kind name"};
constexpr Keys kBehavior{"scaleDown scaleUp"};
constexpr Keys kRules{"policies selectPolicy stabilizationWindowSeconds tolerance"};
constexpr Keys kPolicy{"periodSeconds type value"};
constexpr Keys kMetric{"containerResource external object pods resource type"};
constexpr Keys kResourceMetric{"container name target"};
constexpr Keys kOtherMetric{"describedObject metric target"};
constexpr Keys kMetricName{"name", "selector"};
constexpr Keys kMetricTarget{"averageUtilization averageValue type value"};

std::vector<std::string> words(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> found;
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

class Check {
 public:
  explicit Check(std::vector<Skipped>& skipped) : skipped_(skipped) {}

  // The node again, for what is inside.
  const YamlNode& operator()(const YamlNode& node, const Keys& keys) {
    const auto fine = words(keys.fine), left_out = words(keys.left_out);
    const auto is_in = [](const std::vector<std::string>& list, const std::string& key) {
      return std::find(list.begin(), list.end(), key) != list.end();
    };
    for (const YamlNode& at : node.keys()) {
      const std::string key = at.text_or("");
      if (is_in(fine, key)) continue;
      if (!is_in(left_out, key)) refuse(at, key, fine, left_out);
      if (node[key].matters()) skipped_.push_back({"field", at.path(), at.where(), "lgen-cluster does not act on it"});
    }
    return node;
  }

 private:
  [[noreturn]] static void refuse(const YamlNode& at, const std::string& key, std::vector<std::string> names,
                                  const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
    const std::string meant = server::nearest(names, key);
    at.refuse("is no field that Kubernetes knows here" +
              (meant.empty() ? "" : fmt::format(" (did you mean {}?)", meant)));
  }

  std::vector<Skipped>& skipped_;
};

void check_actions(Check& check, const YamlNode& node) {
  check(node["exec"], kExec);
  check(node["httpGet"], kHttpGet);
  check(node["tcpSocket"], kTcpSocket);
  check(node["grpc"], kGrpc);
  check(node["sleep"], kSleep);
}

void check_container(Check& check, const YamlNode& container) {
  check(container, kContainer);
  check(container["resources"], kResources);
  for (const YamlNode& port : container["ports"].items()) check(port, kPort);
  for (const YamlNode& variable : container["env"].items()) check(check(variable, kEnv)["valueFrom"], kEnvSource);
  for (const char* probe : {"startupProbe", "readinessProbe", "livenessProbe"}) {
    check_actions(check, check(container[probe], kProbe));
  }
  check_actions(check, check(check(container["lifecycle"], kLifecycle)["preStop"], kPreStop));
}

}  // namespace

void check_deployment_keys(const YamlNode& spec, const YamlNode& container, std::vector<Skipped>& skipped) {
  Check check(skipped);
  check(spec, kDeployment);
  check(check(spec["strategy"], kStrategy)["rollingUpdate"], kRollingUpdate);
  check(check(spec["template"], kTemplate)["spec"], kPod);
  check_container(check, container);
}

void check_service_keys(const YamlNode& spec, std::vector<Skipped>& skipped) {
  Check check(skipped);
  for (const YamlNode& port : check(spec, kService)["ports"].items()) check(port, kServicePort);
}

void check_autoscaler_keys(const YamlNode& spec, std::vector<Skipped>& skipped) {
  Check check(skipped);
  check(check(spec, kAutoscaler)["scaleTargetRef"], kScaleTarget);
  const YamlNode behavior = check(spec["behavior"], kBehavior);
  for (const char* way : {"scaleUp", "scaleDown"}) {
    for (const YamlNode& policy : check(behavior[way], kRules)["policies"].items()) check(policy, kPolicy);
  }
  for (const YamlNode& metric : spec["metrics"].items()) {
    check(metric, kMetric);
    for (const char* kind : {"resource", "containerResource"}) {
      check(check(metric[kind], kResourceMetric)["target"], kMetricTarget);
    }
    for (const char* kind : {"pods", "object", "external"}) {
      check(check(metric[kind], kOtherMetric)["target"], kMetricTarget);
      check(metric[kind]["metric"], kMetricName);
    }
  }
}

}  // namespace lgen::kube
