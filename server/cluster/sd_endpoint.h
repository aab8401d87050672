// Serves the running pods' metrics addresses as Prometheus HTTP service discovery, and beside it what has happened, on
// the loop: civetweb would take up to two seconds of every stop to end its threads.
//
// *Thread:* the loop's. *Lifetime:* destruction closes the port and every connection.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layout.h"
#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

// [{"targets": ["127.0.0.11:9464"], "labels": {"pod": "pod-1"}}, ...], with "zone" where there are zones.
std::string sd_document(const std::vector<PodSpec>& pods);

// Lines of JSON; nothing where no events are kept.
using EventHistory = std::function<std::string()>;

struct SdDocuments {
  std::string all = "[]";     // GET /sd
  std::string target = "[]";  // GET /sd/target: the pods behind --port alone
};

// The whole HTTP answer to a request that starts like `request`: a document, events for GET /events, else 404 or 405.
std::string sd_answer(std::string_view request, const SdDocuments& documents, const EventHistory& events = {});

class SdEndpoint {
 public:
  // Listens on 127.0.0.1; port 0 takes a free one. Throws ClusterError when the port is taken.
  SdEndpoint(uv_loop_t* loop, std::uint16_t port, EventHistory events = {});
  ~SdEndpoint();
  SdEndpoint(const SdEndpoint&) = delete;
  SdEndpoint& operator=(const SdEndpoint&) = delete;

  // http://127.0.0.1:PORT/sd, /sd/target, /events
  std::string url() const { return url_of("/sd"); }
  std::string target_url() const { return url_of("/sd/target"); }
  std::string events_url() const { return url_of("/events"); }
  void set_documents(SdDocuments documents) { documents_ = std::move(documents); }

 private:
  struct Connection;
  using Connections = std::list<Connection>;

  std::string url_of(const char* path) const;
  void accept_one();
  void read_request(Connections::iterator connection);
  void send_answer(Connections::iterator connection);

  uv_loop_t* loop_;
  EventHistory events_;
  SdDocuments documents_;
  UniqueFd listener_;
  FdWatch watch_;
  Connections connections_;
};

}  // namespace lgen::cluster
