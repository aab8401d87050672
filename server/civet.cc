#include "civet.h"

#include <chrono>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "addresses.h"

namespace lgen::server {

std::unique_ptr<CivetServer> listen_http(const std::vector<std::string>& settings, const std::string& what,
                                         const std::string& address, const std::string& flag) {
  // Civetweb would print its own, shorter, words for what we report ourselves.
  CivetCallbacks quiet;
  quiet.log_message = [](const mg_connection*, const char*) { return 1; };
  try {
    return std::make_unique<CivetServer>(settings, &quiet);
  } catch (const CivetException&) {
    throw std::runtime_error(cannot_listen(what, address, flag));
  }
}

void close_http(CivetServer& server, const std::string& address) {
  // Civetweb's accepting thread looks for its end every two seconds, or when somebody knocks.
  const std::jthread knocking([&address](const std::stop_token& closed) {
    while (!closed.stop_requested()) {
      knock(address);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  server.close();
}

}  // namespace lgen::server
