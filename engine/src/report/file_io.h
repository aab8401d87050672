// What every way of writing an output shares: errors in words, writing without signals.
// Thread: any.
#pragma once

#include <signal.h>

#include <string>
#include <string_view>

#include "lgen/error.h"

namespace lgen {

/// "cannot write PATH: No space left on device; free some space or name another place".
Error cannot_write(const std::string& path, int error);

/// Keeps SIGPIPE from this thread while a write may raise it, and swallows one that did.
class PipeGuard {
 public:
  PipeGuard();
  ~PipeGuard();
  PipeGuard(const PipeGuard&) = delete;
  PipeGuard& operator=(const PipeGuard&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_;
};

/// False: errno tells.
bool write_all(int fd, std::string_view text);

}  // namespace lgen
