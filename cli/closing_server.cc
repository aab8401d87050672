#include "closing_server.h"

namespace lgen::cli {
namespace {

constexpr Duration kLastAnswers = std::chrono::seconds(2);

}  // namespace

ClosingServer::ClosingServer(Loop& loop)
    : loop_(loop), server_(loop), limit_(loop, [this] {
        if (!closing_) close();
      }) {}

void ClosingServer::linger(Duration most) {
  if (most.count() == 0) return close();
  limit_.arm(loop_.precise_now() + most);
}

void ClosingServer::leave() {
  if (limit_.armed() && !closing_) close();
}

void ClosingServer::close() {
  closing_ = true;
  server_.close();
  limit_.arm(loop_.precise_now() + kLastAnswers);
}

bool ClosingServer::busy() const { return limit_.armed() && (!closing_ || server_.connections() > 0); }

}  // namespace lgen::cli
