// What the pages of the hello roles have in common: JSON answers with the headers that say who this is, on connections
// that are kept.
//
// *Thread:* civetweb's own; each connection that is kept holds one of kThreads.
#pragma once

#include <CivetServer.h>

#include <memory>
#include <string>
#include <string_view>

#include "admission.h"
#include "identity.h"

namespace lgen::server {

// A text of JSON, in its quotes. Bytes that are no UTF-8 go through as they are.
std::string json_text(std::string_view text);

// {"name": ..., "version": ..., "hostname": ...}
std::string introduction_json(std::string_view name, std::string_view version, std::string_view hostname);

// "x-backend: pod-1\r\n..."
std::string identity_headers(const Identity& identity);

// `headers`: lines that end in \r\n. HEAD gets no body.
void answer_json(mg_connection* connection, int status, const std::string& headers, const std::string& body);

// Waits for the end of the start. False: the server goes down before it; 503 has been answered.
bool admitted(Admission& admission, mg_connection* connection, const std::string& headers);

// Throws std::runtime_error with a text for the user when it cannot listen on `address` for `what`.
std::unique_ptr<CivetServer> listen_kept(const std::string& what, const std::string& address, const std::string& flag);

}  // namespace lgen::server
