// lgen.http: everything of HTTP that a plan has, in one place: its clients, requests in flight, their record.
// Thread: the loop's.
// Lifetime: outlives the Lua state (handles point to it). close() must run before the loop ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "free_list.h"
#include "http_connections.h"
#include "lgen/http.h"
#include "lgen/http_recorder.h"

namespace lgen::lua {

struct Host;
class HttpLink;
class HttpRun;

struct HttpState {
  explicit HttpState(Host& host);
  ~HttpState();
  HttpState(const HttpState&) = delete;
  HttpState& operator=(const HttpState&) = delete;

  /// Drops requests, closes clients; afterwards nothing of ours is on the loop. Handles stay valid.
  void close();

  Host& host;
  bool closed = false;
  HttpRecorder recorder;
  HttpConnections connections;
  std::uint64_t links_made = 0;
  std::vector<HttpLink*> links;                           // all there are
  std::map<std::string, std::string, std::less<>> names;  // of the plan's clients -> where they were made
  FreeList<HttpRun> runs;
  // Scratch of the request being started or ended.
  std::shared_ptr<const HttpPrepared> request;
  std::string json;
  Labels labels;
  std::vector<int> statuses;
};

}  // namespace lgen::lua
