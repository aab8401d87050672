// What is said on the connection of a probe or a scrape: nothing, one GET of HTTP/1.1, one gRPC health check.
//
// *Thread:* the loop's.
#pragma once

#include <memory>
#include <string>

#include "exchange.h"

namespace lgen::cluster {

// Well as soon as the connection stands.
std::unique_ptr<Dialogue> tcp_dialogue();

// Well with a status of 200 to 399. `body`, if given, gets the body, and must outlive the dialogue.
std::unique_ptr<Dialogue> http_dialogue(const std::string& host, const std::string& path,
                                        std::shared_ptr<std::string> body = nullptr);

// Well when grpc.health.v1.Health/Check says SERVING.
std::unique_ptr<Dialogue> grpc_health_dialogue(const std::string& service);

}  // namespace lgen::cluster
