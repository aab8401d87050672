// The bytes of a request.
// Thread: any.
#pragma once

#include <string>

#include "lgen/error.h"
#include "lgen/http.h"

namespace lgen {

/// A request's first line and headers.
struct Http1Head {
  std::string text;        // all lines, without the empty one behind them
  std::string alone = {};  // the whole request, when it has no body
  bool add_length = true;  // a body is announced by a Content-Length of ours
  bool expects = false;    // a body waits for 100 Continue
  bool upgrades = false;   // it offers to change the protocol
};

/// Refuses methods and headers that would break out of their line.
Result<Http1Head> write_head(const HttpRequest& request, const Url& url, const HttpClientOptions& options);

/// Whether a header may be sent as it is, by RFC 9110: a token, and no control characters in the value.
bool sendable_header(std::string_view name, std::string_view value);

}  // namespace lgen
