#include "status_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "unix_socket.h"

namespace lgen::cluster {

namespace {

constexpr std::size_t kLongestRequest = 65536, kLargestBacklog = 1 << 20;
constexpr std::size_t kMostClients = 64;

kube::Row header(Table table) {
  return table == Table::pods  ? kube::pods_header()
         : table == Table::hpa ? kube::hpa_header()
                               : kube::deployments_header();
}

Table table_of(const std::string& word) {
  return word == "hpa" ? Table::hpa : word == "deployments" ? Table::deployments : Table::pods;
}

const char* resource_of(Table table) {
  return table == Table::pods  ? "pods"
         : table == Table::hpa ? "horizontalpodautoscalers.autoscaling"
                               : "deployments.apps";
}

bool is_among(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// An age alone is no change.
kube::Row without_age(kube::Row row) {
  row.pop_back();
  return row;
}

}  // namespace

std::string not_found(const std::string& resource, const std::string& name) {
  return fmt::format("Error from server (NotFound): {} \"{}\" not found", resource, name);
}

struct StatusSocket::Client {
  UniqueFd socket;
  std::string request, unsent;
  bool answered = false;
  bool done = false;               // to be closed once everything is sent
  std::unique_ptr<FdWatch> watch;  // for what can be read, or for room while something is unsent
  bool wants_room = false;
  // What it waits for.
  bool watching = false;
  Table table = Table::pods;
  std::vector<std::string> names;          // none: all
  std::map<std::string, kube::Row> shown;  // by the first cell
  std::vector<std::size_t> widths;
  std::string pod_to_go, rollout, told;
};

StatusSocket::StatusSocket(uv_loop_t* loop, std::string path, StatusSource& source)
    : loop_(loop),
      path_(std::move(path)),
      source_(source),
      listener_(listen_unix(path_)),
      watch_(loop, listener_.get(), UV_READABLE, [this] { accept_one(); }) {}

StatusSocket::~StatusSocket() = default;

void StatusSocket::accept_one() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return;
  // Whoever connects and says nothing must not keep the others out for ever.
  if (clients_.size() == kMostClients) clients_.pop_front();
  clients_.emplace_back();
  const auto client = std::prev(clients_.end());
  client->socket = std::move(socket);
  watch_for(client, false);
}

void StatusSocket::readable(Clients::iterator client) {
  char bytes[4096];
  const ssize_t count = recv(client->socket.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0) client->request.append(bytes, static_cast<std::size_t>(count));
  if (count <= 0 || client->request.size() > kLongestRequest) {
    clients_.erase(client);
    return;
  }
  const std::size_t end = client->request.find('\n');
  if (end == std::string::npos || std::exchange(client->answered, true)) return;
  answer(*client, client->request.substr(0, end));
  flush(client);
}

void StatusSocket::answer(Client& client, const std::string& line) {
  client.done = true;
  const auto request = nlohmann::json::parse(line, nullptr, false);
  try {
    const std::string verb = request.at("verb");
    verb == "get"        ? answer_get(client, request)
    : verb == "describe" ? answer_describe(client, request)
                         : answer_order(client, request);
  } catch (const nlohmann::json::exception& e) {
    say(client, "error", fmt::format("lgen-cluster does not understand this request: {}", e.what()));
  }
}

void StatusSocket::answer_get(Client& client, const nlohmann::json& request) {
  client.table = table_of(request.at("table"));
  client.names = request.value("names", client.names);
  const auto rows = rows_for(client);
  client.watching = request.value("watch", false) && (client.names.empty() || !rows.empty());
  client.done = !client.watching;
  if (!rows.empty() || client.watching) show(client, rows, true);
  if (rows.empty() && client.names.empty() && client.done) say(client, "note", "No resources found.");
  for (const std::string& name : client.names) {
    if (!client.shown.contains(name)) say(client, "error", not_found(resource_of(client.table), name));
  }
}

std::vector<kube::Row> StatusSocket::rows_for(const Client& client) const {
  auto rows = source_.rows(client.table);
  const auto unasked = [&](const kube::Row& row) { return !is_among(row.front(), client.names); };
  if (!client.names.empty()) std::erase_if(rows, unasked);
  return rows;
}

// A blank line between two, as kubectl has it.
void StatusSocket::answer_describe(Client& client, const nlohmann::json& request) {
  const auto names = request.value("names", std::vector<std::string>());
  std::string text;
  std::vector<std::string> found;
  for (const kube::HpaView& hpa : source_.autoscalers()) {
    if (!names.empty() && !is_among(hpa.name, names)) continue;
    text += (text.empty() ? "" : "\n\n") + kube::description(hpa);
    found.push_back(hpa.name);
  }
  if (!text.empty()) say(client, "out", text);
  if (text.empty() && names.empty()) say(client, "note", "No resources found.");
  for (const std::string& name : names) {
    if (!is_among(name, found)) say(client, "error", not_found(resource_of(Table::hpa), name));
  }
}

void StatusSocket::answer_order(Client& client, const nlohmann::json& request) {
  const std::string verb = request.at("verb"), name = request.at("name");
  std::string problem, done;
  if (verb == "restart") {
    problem = source_.restart(name);
    done = fmt::format("deployment.apps/{} restarted\n", name);
  } else if (verb == "scale") {
    problem = source_.scale(name, request.at("replicas"));
    done = fmt::format("deployment.apps/{} scaled\n", name);
  } else if (verb == "delete") {
    const auto grace = request.find("grace_seconds");
    problem = source_.remove(
        name, grace == request.end() ? std::nullopt : std::optional<Duration>(std::chrono::seconds(grace->get<int>())));
    done = fmt::format("pod \"{}\" deleted\n", name);
    client.pod_to_go = problem.empty() ? name : "";
  } else if (verb == "status") {
    if (!source_.rollout(name)) problem = not_found("deployments.apps", name);
    client.rollout = problem.empty() ? name : "";
  } else {
    problem = fmt::format("lgen-cluster does not know the order {}", verb);
  }
  if (!problem.empty()) return say(client, "error", problem);
  if (!done.empty()) say(client, "out", done);
  client.done = client.pod_to_go.empty() && client.rollout.empty();
  update(client);
}

void StatusSocket::show(Client& client, std::vector<kube::Row> rows, bool with_header) {
  for (const kube::Row& row : rows) client.shown[row.front()] = without_age(row);
  if (with_header) rows.insert(rows.begin(), header(client.table));
  say(client, "out", kube::layout(rows, client.widths));
}

void StatusSocket::update(Client& client) {
  if (client.watching) {
    std::vector<kube::Row> changed;
    for (const kube::Row& row : rows_for(client)) {
      if (client.shown[row.front()] != without_age(row)) changed.push_back(row);
    }
    if (!changed.empty()) show(client, changed, false);
  }
  if (!client.pod_to_go.empty() && !source_.has_pod(client.pod_to_go)) client.done = true;
  if (!client.rollout.empty()) update_rollout(client);
}

// A line for every change, as kubectl prints them.
void StatusSocket::update_rollout(Client& client) {
  const auto status = source_.rollout(client.rollout);
  if (status && status->text != client.told) say(client, "out", status->text + "\n");
  if (status) client.told = status->text;
  client.done = !status || status->complete;
}

void StatusSocket::changed() {
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto current = client++;
    if (!current->answered || current->done) continue;
    update(*current);
    flush(current);
  }
}

void StatusSocket::say(Client& client, const char* kind, const std::string& text) {
  const nlohmann::json line = {{kind, text}};
  client.unsent += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void StatusSocket::flush(Clients::iterator client) {
  std::string& rest = client->unsent;
  if (!rest.empty()) {
    const ssize_t count = send(client->socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count > 0) rest.erase(0, static_cast<std::size_t>(count));
    // One who watches and does not read is left, rather than kept in mind without end.
    const bool broken = count < 0 && errno != EAGAIN;
    if (broken || rest.size() > kLargestBacklog) {
      clients_.erase(client);
      return;
    }
  }
  if (rest.empty() && client->done) {
    clients_.erase(client);
  } else if (client->wants_room == rest.empty()) {
    watch_for(client, !rest.empty());
  }
}

void StatusSocket::watch_for(Clients::iterator client, bool room) {
  client->wants_room = room;
  client->watch.reset();
  client->watch = std::make_unique<FdWatch>(loop_, client->socket.get(), room ? UV_WRITABLE : UV_READABLE,
                                            [this, client, room] { room ? flush(client) : readable(client); });
}

}  // namespace lgen::cluster
