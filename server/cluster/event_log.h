// What happens in the cluster, as lines of JSON: on a descriptor, which never holds the cluster up, and kept for
// whoever asks for them later.
//
// *Thread:* the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "cluster_clock.h"

namespace lgen::cluster {

using Facts = nlohmann::ordered_json;

class EventLog {
 public:
  EventLog(const ClusterClock& clock, int fd) : clock_(clock), fd_(fd) {}

  // {"event": name, "unix_seconds": ..., "cluster_seconds": ..., facts...}. What a reader does not take yet is kept, up
  // to 4 MiB; of what is lost beyond that, `events_lost` tells the number.
  void write(std::string_view name, const Facts& facts = Facts::object());

  // Sends of what is kept as much as is taken, and looks whether the reader is still there; for every now and then.
  void flush();

  // The errno of the last that was tried: EPIPE once the reader has gone, for ever; 0 when it was taken.
  int trouble() const { return trouble_; }

  // The lines so far, the latest 4 MiB of them; the first one then tells how many `events_forgotten` came before.
  std::string history() const;

 private:
  std::string line_of(std::string_view name, const Facts& facts) const;
  void note_reader();
  void append(std::string_view name, const Facts& facts);
  void remember(std::string line);

  const ClusterClock& clock_;
  int fd_;
  int trouble_ = 0;
  std::string unsent_;
  std::uint64_t lost_ = 0;
  std::deque<std::string> history_;
  std::size_t history_size_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace lgen::cluster
