// Where connections of a plan really go and come from, whatever their URL or target says: curl's --connect-to,
// --resolve and --interface. Thread: the loop's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"

namespace lgen {

struct NetOptions {
  struct Redirect {
    std::string host;  // asked for; "": any
    int port = 0;      // 0: any
    std::string to_host;
    int to_port = 0;  // "" and 0: as asked for
  };
  struct Pinned {
    std::string host;  // "*": any
    int port = 0;
    std::vector<std::string> addresses;  // numeric
  };
  std::vector<Redirect> connect_to;
  std::vector<Pinned> resolve;
  std::vector<std::string> sources;     // numeric addresses of this machine, taken in turn
  mutable std::size_t next_source = 0;  // of the next connection

  bool empty() const { return connect_to.empty() && resolve.empty() && sources.empty(); }
};

// What the options' values say. The error says what is wrong with the text.
/// "HOST1:PORT1:HOST2:PORT2"; each part may be empty.
Outcome add_connect_to(NetOptions& options, std::string_view text);
/// "HOST:PORT:ADDRESS[,ADDRESS]..."; HOST may be *.
Outcome add_resolve(NetOptions& options, std::string_view text);
/// "ADDRESS|NAME[,ADDRESS|NAME]...": addresses of this machine, or its interfaces by name.
Outcome add_sources(NetOptions& options, std::string_view text);

}  // namespace lgen
