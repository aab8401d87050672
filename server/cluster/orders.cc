#include "orders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cluster_options.h"
#include "columns.h"
#include "error.h"
#include "flag_errors.h"
#include "run_directory.h"
#include "standard_streams.h"
#include "unix_socket.h"

namespace lgen::cluster {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 5> kVerbs = {"get", "describe", "rollout", "scale", "delete"};
constexpr const char* kSocketVariable = "LGEN_CLUSTER_STATUS";

struct Order {
  nlohmann::json request;
  std::string socket;
};

// "  (pid 4711, since 3m10s, of k8s.yaml)"
std::string about(const std::string& socket) {
  const auto owner = owner_of(fs::path(socket).parent_path());
  if (!owner) return "";
  return fmt::format("  (pid {}, since {}, of {})", owner->pid, kube::human_duration(owner->age),
                     fmt::join(owner->manifests, " "));
}

std::string the_only_cluster() {
  const char* temporary = std::getenv("TMPDIR");
  const auto found = running_clusters({"/tmp", temporary != nullptr ? temporary : ""});
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw ClusterError("no lgen-cluster with manifests runs here; start one: lgen-cluster -f MANIFESTS");
  std::string list;
  for (const std::string& path : found) list += fmt::format("\n  --status {}{}", path, about(path));
  throw ClusterError(
      fmt::format("{} clusters run here; say which, or set ${}:{}", found.size(), kSocketVariable, list));
}

std::string socket_of(const Order& order) {
  if (!order.socket.empty()) return order.socket;
  const char* variable = std::getenv(kSocketVariable);
  return variable != nullptr && *variable != '\0' ? variable : the_only_cluster();
}

bool is_deployment(std::string_view kind) {
  return kind == "deployment" || kind == "deployments" || kind == "deploy" || kind == "deployment.apps";
}

// "deployment/NAME", or "deployment NAME".
std::string deployment_name(const std::vector<std::string>& words) {
  const std::string joined = words.size() == 2 ? words[0] + "/" + words[1] : words.empty() ? "" : words.front();
  const std::size_t slash = joined.find('/');
  const std::string kind = joined.substr(0, slash);
  if (words.size() > 2 || slash == std::string::npos || !is_deployment(kind) || slash + 1 == joined.size()) {
    throw CLI::ValidationError("RESOURCE", "give deployment/NAME");
  }
  return joined.substr(slash + 1);
}

struct Words {
  std::vector<std::string> resource;
  std::string output, name;
  bool watch = false, now = false;
  int replicas = 0, grace = -1;
};

std::string table_of(const std::string& word) {
  if (word == "pods" || word == "pod" || word == "po") return "pods";
  if (word == "hpa" || word.starts_with("horizontalpodautoscaler")) return "hpa";
  if (is_deployment(word)) return "deployments";
  throw CLI::ValidationError("get", word + " cannot be shown; give pods, hpa or deployments");
}

struct Resources {
  std::string table;
  std::vector<std::string> names;
};

// "hpa", "hpa NAME...", or "hpa/NAME...".
Resources resources_of(const char* verb, const std::vector<std::string>& words) {
  const auto slash = [](const std::string& word) { return word.find('/'); };
  Resources asked{table_of(words.front().substr(0, slash(words.front()))), {}};
  const bool named = slash(words.front()) != std::string::npos;
  for (auto word = words.begin() + (named ? 0 : 1); word != words.end(); ++word) {
    if ((slash(*word) != std::string::npos) != named ||
        (named && table_of(word->substr(0, slash(*word))) != asked.table)) {
      throw CLI::ValidationError(verb, "give one kind and names (hpa NAME NAME), or hpa/NAME hpa/NAME");
    }
    asked.names.push_back(named ? word->substr(slash(*word) + 1) : *word);
  }
  return asked;
}

void add_get(CLI::App& app, Words& words, nlohmann::json& request) {
  CLI::App* get = app.add_subcommand("get", "Shows pods, hpa or deployments");
  get->add_option("RESOURCE", words.resource, "pods, hpa or deployments, and names, or hpa/NAME")->required();
  get->add_flag("-w,--watch", words.watch, "Goes on with a row for every change");
  get->callback([&] {
    const Resources asked = resources_of("get", words.resource);
    request = {{"verb", "get"}, {"table", asked.table}, {"names", asked.names}, {"watch", words.watch}};
  });
}

void add_describe(CLI::App& app, Words& words, nlohmann::json& request) {
  CLI::App* describe = app.add_subcommand("describe", "Tells what an hpa sees, decides and did, and why");
  describe->add_option("RESOURCE", words.resource, "hpa, and names, or hpa/NAME")->required();
  describe->callback([&] {
    const Resources asked = resources_of("describe", words.resource);
    if (asked.table != "hpa") {
      throw CLI::ValidationError("describe",
                                 "an hpa can be described; of pods and deployments the events tell, on the "
                                 "cluster's stdout and at GET /events of its --sd-port");
    }
    request = {{"verb", "describe"}, {"names", asked.names}};
  });
}

void add_rollout(CLI::App& app, Words& words, nlohmann::json& request) {
  CLI::App* rollout = app.add_subcommand("rollout", "restart or status of a Deployment");
  for (const char* verb : {"restart", "status"}) {
    CLI::App* sub = rollout->add_subcommand(
        verb, std::string_view(verb) == "restart" ? "Replaces all pods, as the strategy says"
                                                  : "Waits until all pods are of the newest revision and available");
    sub->add_option("RESOURCE", words.resource, "deployment/NAME")->required();
    sub->callback([&words, &request, verb] { request = {{"verb", verb}, {"name", deployment_name(words.resource)}}; });
  }
}

void add_scale(CLI::App& app, Words& words, nlohmann::json& request) {
  CLI::App* scale = app.add_subcommand("scale", "Sets the number of a Deployment's pods");
  scale->add_option("RESOURCE", words.resource, "deployment/NAME")->required();
  scale->add_option("--replicas", words.replicas, "How many")->required()->check(CLI::Range(0, 100000));
  scale->callback([&] {
    request = {{"verb", "scale"}, {"name", deployment_name(words.resource)}, {"replicas", words.replicas}};
  });
}

void add_delete(CLI::App& app, Words& words, nlohmann::json& request) {
  CLI::App* remove = app.add_subcommand("delete", "Deletes a pod, and waits until it is gone");
  remove->add_option("RESOURCE", words.resource, "pod NAME, or pod/NAME")->required();
  remove->add_option("--grace-period", words.grace, "Seconds of the cluster's instead of the manifest's")
      ->check(CLI::Range(0, 1000000));
  remove->add_flag("--now", words.now, "--grace-period=1");
  remove->callback([&] {
    const std::string& first = words.resource.front();
    const std::size_t slash = first.find('/');
    const std::string kind = first.substr(0, slash);
    const bool named = words.resource.size() == 2 || slash != std::string::npos;
    if (!named || (kind != "pod" && kind != "pods" && kind != "po")) {
      throw CLI::ValidationError("RESOURCE", "give pod NAME");
    }
    request = {{"verb", "delete"}, {"name", slash != std::string::npos ? first.substr(slash + 1) : words.resource[1]}};
    if (words.grace >= 0 || words.now) request["grace_seconds"] = words.now ? 1 : words.grace;
  });
}

// What the cluster answers, as it comes; 1 when it was an error.
int print_answer(const std::string& line) {
  const auto answer = nlohmann::json::parse(line, nullptr, false);
  if (answer.contains("out")) {
    const std::string text = answer["out"];
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    return 0;
  }
  const bool is_note = answer.contains("note");
  server::complain(answer.is_object() ? answer.value(is_note ? "note" : "error", line) : line);
  return is_note ? 0 : 1;
}

int converse(const Order& order) {
  const std::string path = socket_of(order);
  const UniqueFd socket = connect_unix(path);
  if (!socket) throw ClusterError(fmt::format("no lgen-cluster answers at {}: {}", path, std::strerror(errno)));
  const std::string request = order.request.dump() + "\n";
  send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string text;
  int exit_code = kExitOk;
  char bytes[4096];
  for (ssize_t count = 0; (count = recv(socket.get(), bytes, sizeof bytes, 0)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(count));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      exit_code = std::max(exit_code, print_answer(text.substr(0, end)));
    }
  }
  return exit_code;
}

}  // namespace

// --status may stand before the verb.
bool is_order(int argc, const char* const* argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool is_status = first == "--status" || first.starts_with("--status=");
  return is_status || std::find(kVerbs.begin(), kVerbs.end(), first) != kVerbs.end();
}

std::vector<std::string> running_clusters(const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const fs::path socket = entry.path() / "status.sock";
      if (!entry.path().filename().string().starts_with("lgen-cluster.") || !fs::exists(socket, ignored)) continue;
      const bool known = std::find(found.begin(), found.end(), socket.string()) != found.end();
      if (!known && connect_unix(socket)) found.push_back(socket);
    }
  }
  return found;
}

void add_status(CLI::App& app, std::string& socket) {
  app.add_option(
         "--status", socket,
         "The cluster's status socket, which its event \"started\" names (default: $LGEN_CLUSTER_STATUS, or that "
         "of the only cluster that runs)")
      ->type_name("SOCKET");
}

// What is left over, with more to say of it than that it belongs to no flag.
void check_extras(const CLI::App& app) {
  const CLI::App* rollout = app.get_subcommand("rollout");
  const auto rest = app.remaining(true);
  if (rollout->parsed() && rollout->get_subcommands().empty()) {
    throw CLI::ValidationError("rollout", rest.empty() ? "give restart or status"
                                                       : rest.front() + " is not known; there are restart and status");
  }
  if (!rest.empty()) throw CLI::ExtrasError(rest);
}

int run_order(int argc, const char* const* argv) {
  Order order;
  Words words;
  CLI::App app("Asks a running lgen-cluster -f, in kubectl's words.", "lgen-cluster");
  app.require_subcommand(1);
  app.fallthrough();
  app.allow_extras();
  add_status(app, order.socket);
  add_get(app, words, order.request);
  add_describe(app, words, order.request);
  add_rollout(app, words, order.request);
  add_scale(app, words, order.request);
  add_delete(app, words, order.request);
  // So that every --help has it.
  for (CLI::App* verb : app.get_subcommands(nullptr)) add_status(*verb, order.socket);
  try {
    app.parse(argc, argv);
    check_extras(app);
    return converse(order);
  } catch (const CLI::ParseError& e) {
    return server::refuse_flags(app, e);
  } catch (const ClusterError& e) {
    server::complain(fmt::format("lgen-cluster: {}", e.what()));
    return kExitConfiguration;
  }
}

}  // namespace lgen::cluster
