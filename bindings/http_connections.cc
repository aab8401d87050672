#include "http_connections.h"

#include <fmt/format.h>

#include <algorithm>

#include "host.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kMaxRecords = 10'000;

/// Nothing where both sides have agreed on it: that is no news.
std::string_view reason_of(HttpClosed closed) {
  switch (closed) {
    case HttpClosed::ours:
    case HttpClosed::answer:
      return "";
    case HttpClosed::idle:
      return "closed by the server between requests";
    case HttpClosed::goaway:
      return "the server leaves";
    case HttpClosed::failed:
      return "lost with a request on it";
  }
  return "";
}

}  // namespace

std::uint64_t HttpConnections::client(const std::string& name) const {
  const auto known = numbers_.find(name);
  return known == numbers_.end() ? 0 : known->second;
}

void HttpConnections::note(const std::string& client, bool kept, std::uint64_t number, std::uint64_t id,
                           const HttpConnectionEvent& event) {
  auto [at, fresh] = places_.try_emplace(Place{client, event.to});
  ChannelSummary& place = at->second;
  if (fresh) place = {.name = client, .target = std::string(event.to), .connection = "kept"};
  switch (event.kind) {
    case HttpConnectionEvent::Kind::failed:
      ++place.failed_attempts;
      place.last_error = event.error->message;
      return;
    case HttpConnectionEvent::Kind::opened:
      ++place.connections;
      numbers_[client] = std::max(numbers_[client], number);
      if (kept) opened(client, number, id, event);
      return;
    case HttpConnectionEvent::Kind::closed:
      if (kept) closed(id, event);
      return;
  }
}

void HttpConnections::opened(const std::string& client, std::uint64_t number, std::uint64_t id,
                             const HttpConnectionEvent& event) {
  if (records_.size() == kMaxRecords) {
    ++records_dropped_;
    return;
  }
  open_[id] = records_.size();
  ConnectionRecord& record = records_.emplace_back();
  record.channel = client;
  record.connection = number;
  record.peer = event.peer;
  record.opened_at = seconds(event.at);
}

void HttpConnections::closed(std::uint64_t id, const HttpConnectionEvent& event) {
  const auto at = open_.find(id);
  if (at == open_.end()) return;
  ConnectionRecord& record = records_[at->second];
  open_.erase(at);
  record.closed_at = seconds(event.at);
  record.reason = reason_of(event.closed);
  if (event.closed == HttpClosed::goaway) record.goaway = "seen";
}

void HttpConnections::fill(Summary& summary) const {
  for (const auto& [place, made] : places_) summary.channels.push_back(made);
  summary.connections.insert(summary.connections.end(), records_.begin(), records_.end());
  if (records_dropped_ == 0) return;
  summary.run.notes.push_back(
      fmt::format("the first {} HTTP connections are listed one by one; {} further ones are only counted", kMaxRecords,
                  records_dropped_));
}

/// Connections made before the first iteration count as made at 0.
double HttpConnections::seconds(TimePoint at) const {
  if (host_.run_started == TimePoint{} || at < host_.run_started) return 0;
  return to_seconds(at - host_.run_started);
}

}  // namespace lgen::lua
