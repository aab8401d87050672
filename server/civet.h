// Civetweb as this server uses it: silent, with errors that say what to do, and quick to close.
//
// *Thread:* any.
#pragma once

#include <CivetServer.h>

#include <memory>
#include <string>
#include <vector>

namespace lgen::server {

// `settings`: civetweb's, names and values in turn. Throws std::runtime_error with a text for the user when it cannot
// listen on `address` for `what` ("metrics"), which `flag` would move.
std::unique_ptr<CivetServer> listen_http(const std::vector<std::string>& settings, const std::string& what,
                                         const std::string& address, const std::string& flag);

// `address`: where it listens.
void close_http(CivetServer& server, const std::string& address);

}  // namespace lgen::server
