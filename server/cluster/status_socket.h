// A unix socket that tells the cluster's state and takes orders: what `lgen-cluster get`, `describe`, `rollout`,
// `scale` and `delete` talk to. One line of JSON asks; the answer is lines of JSON until the connection ends:
//   {"verb": "get", "table": "pods"|"hpa"|"deployments", "names": ["..."], "watch": true}
//   {"verb": "describe", "names": ["..."]}
//   {"verb": "restart"|"status"|"scale"|"delete", "name": "...", "replicas": 3, "grace_seconds": 5}
//   {"out": "text for standard output"}   {"note": "text for standard error"}   {"error": "the same, and a failure"}
//
// *Thread:* the loop's. *Lifetime:* destruction closes every connection. Only the socket's owner can connect.
#pragma once

#include <uv.h>

#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "columns.h"
#include "rollout.h"
#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

enum class Table { pods, hpa, deployments };

// What the socket tells of and orders from. Orders return what is wrong with them, or nothing.
class StatusSource {
 public:
  virtual std::vector<kube::Row> rows(Table table) const = 0;
  virtual std::vector<kube::HpaView> autoscalers() const = 0;
  virtual std::string restart(const std::string& deployment) = 0;
  virtual std::string scale(const std::string& deployment, int replicas) = 0;
  virtual std::string remove(const std::string& pod, std::optional<Duration> grace) = 0;
  virtual bool has_pod(const std::string& pod) const = 0;
  // Nothing: there is no such Deployment.
  virtual std::optional<kube::RolloutStatus> rollout(const std::string& deployment) const = 0;

 protected:
  ~StatusSource() = default;
};

// kubectl's words.
std::string not_found(const std::string& resource, const std::string& name);

class StatusSocket {
 public:
  StatusSocket(uv_loop_t* loop, std::string path, StatusSource& source);
  ~StatusSocket();
  StatusSocket(const StatusSocket&) = delete;
  StatusSocket& operator=(const StatusSocket&) = delete;

  const std::string& path() const { return path_; }

  // Something may have changed: those who watch or wait are told.
  void changed();

 private:
  struct Client;
  using Clients = std::list<Client>;

  void accept_one();
  void readable(Clients::iterator client);
  void answer(Client& client, const std::string& line);
  void answer_get(Client& client, const nlohmann::json& request);
  void answer_describe(Client& client, const nlohmann::json& request);
  void answer_order(Client& client, const nlohmann::json& request);
  void show(Client& client, std::vector<kube::Row> rows, bool with_header);
  void update(Client& client);
  void update_rollout(Client& client);
  std::vector<kube::Row> rows_for(const Client& client) const;
  void say(Client& client, const char* kind, const std::string& text);
  void flush(Clients::iterator client);
  void watch_for(Clients::iterator client, bool room);

  uv_loop_t* loop_;
  std::string path_;
  StatusSource& source_;
  UniqueFd listener_;
  FdWatch watch_;
  Clients clients_;
};

}  // namespace lgen::cluster
