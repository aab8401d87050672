// Where a channel of `h2` connects, from its target and options, and what it cannot do.
// Thread: values.
#pragma once

#include <string>

#include "lgen/error.h"
#include "lgen/grpc.h"
#include "tcp_connect.h"

namespace lgen {

struct H2Target {
  ConnectTo to;           // without TLS and deadline
  std::string address;    // for people: "127.0.0.1:50051"
  std::string authority;  // what :authority says unless the options do
};

/// One address, or one name with whatever addresses it has.
Result<H2Target> parse_h2_target(const std::string& target);

}  // namespace lgen
