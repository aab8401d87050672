#include "stdout_loan.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace lgen::cli {

void StdoutLoan::take() {
  if (kept_ >= 0) return;
  std::fflush(stdout);
  kept_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (kept_ >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
}

void StdoutLoan::give_back() {
  if (kept_ < 0) return;
  std::fflush(stdout);
  dup2(kept_, STDOUT_FILENO);
  close(std::exchange(kept_, -1));
}

}  // namespace lgen::cli
