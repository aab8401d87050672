// How long each step of making a connection took.
// Thread: values.
// Units: zero: there was no such step.
#pragma once

#include <string>

#include "lgen/time.h"

namespace lgen {

struct ConnectSteps {
  Duration dns{0};       // the name became addresses
  Duration connect{0};   // TCP or the local socket
  Duration tls{0};       // the handshake
  Duration settings{0};  // until the peer's SETTINGS were here (HTTP/2)

  Duration total() const { return dns + connect + tls + settings; }
};

/// "name 300us, dial 120us, TLS 12ms, SETTINGS 1.1ms".
std::string to_string(const ConnectSteps& steps);

}  // namespace lgen
