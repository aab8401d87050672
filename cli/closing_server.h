// A server of a page about one run: it stays open for a while after the run, if wanted, and its last answers still go
// out.
// Thread: the loop's.
#pragma once

#include <string>

#include "lgen/http_server.h"
#include "lgen/loop.h"

namespace lgen::cli {

class ClosingServer {
 public:
  explicit ClosingServer(Loop& loop);

  HttpServer& http() { return server_; }
  /// Stays for `most`, or until leave(), then closes.
  void linger(Duration most);
  void leave();
  /// Lingers, or answers are still on their way.
  bool busy() const;

 private:
  void close();
  Loop& loop_;
  HttpServer server_;
  bool closing_ = false;
  Timer limit_;
};

}  // namespace lgen::cli
