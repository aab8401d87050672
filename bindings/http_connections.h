// The ledger of HTTP connections: how many each client has made to which address, which of them ended before the run
// did and why, and which could not be made.
// Thread: the loop's.
// Units: seconds since the start of the run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lgen/http.h"
#include "lgen/summary.h"

namespace lgen::lua {

struct Host;

class HttpConnections {
 public:
  explicit HttpConnections(Host& host) : host_(host) {}

  /// A client of that name; its numbers of connections go on where those of the last one of the name have ended, and
  /// what is to be added to them is returned. `kept`: its connections are worth a row each.
  std::uint64_t client(const std::string& name) const;
  /// `number`: within all clients of that name; `id`: no other connection of the run has it.
  void note(const std::string& client, bool kept, std::uint64_t number, std::uint64_t id,
            const HttpConnectionEvent& event);
  void fill(Summary& summary) const;

 private:
  using Place = std::pair<std::string, std::string>;  // client, address

  void opened(const std::string& client, std::uint64_t number, std::uint64_t id, const HttpConnectionEvent& event);
  void closed(std::uint64_t id, const HttpConnectionEvent& event);
  double seconds(TimePoint at) const;

  Host& host_;
  std::map<Place, ChannelSummary> places_;
  std::map<std::string, std::uint64_t, std::less<>> numbers_;  // the highest of each client
  std::vector<ConnectionRecord> records_;
  std::unordered_map<std::uint64_t, std::size_t> open_;  // id -> record
  std::uint64_t records_dropped_ = 0;
};

}  // namespace lgen::lua
