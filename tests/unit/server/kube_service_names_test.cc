#include "catch.h"
#include "service_names.h"

namespace lgen::kube {
namespace {

const std::vector<LocalService> kServices = {{"grpc-svc", true, {}},
                                             {"http-svc", false, {{80, "127.0.0.1:40080"}, {8100, "127.0.0.1:48100"}}}};

TEST_CASE("services are found by the names that clusters give them") {
  for (const char* host : {"grpc-svc", "grpc-svc.lgen", "grpc-svc.lgen.svc", "grpc-svc.lgen.svc.cluster.local"}) {
    INFO(host);
    CHECK(find_service(host, kServices) == &kServices[0]);
  }
  for (const char* host : {"", "grpc", "grpc-svc.example.com", "grpc-svc.a.b.svc", "127.0.0.1"}) {
    INFO(host);
    CHECK(find_service(host, kServices) == nullptr);
  }
}

TEST_CASE("targets inside a cluster become those of this machine") {
  for (const auto& [target, here] : std::initializer_list<std::pair<const char*, const char*>>{
           {"dns:///grpc-svc:8000", "dns://127.0.0.1:53/grpc-svc:8000"},
           {"dns:///grpc-svc.lgen.svc:8000", "dns://127.0.0.1:53/grpc-svc.lgen.svc:8000"},
           {"grpc-svc:8000", "grpc-svc:8000"},  // not by gRPC's resolver: left to fail as it is
           {"http://http-svc/hellohttp", "http://127.0.0.1:40080/hellohttp"},
           {"http://http-svc.lgen:8100/a:b", "http://127.0.0.1:48100/a:b"},
           {"dns:///http-svc:80", "dns:///127.0.0.1:40080"},
           {"http-svc:80", "127.0.0.1:40080"},
           {"http-svc", "http-svc"},
           {"http://http-svc:81/", "http://http-svc:81/"},
           {"http://example.com/", "http://example.com/"},
           {"600s", "600s"},
           {"", ""}}) {
    CHECK(localized(target, kServices, "127.0.0.1:53") == here);
  }
}

// A query for one name.
std::string query(const std::string& labels, char type) {
  return std::string("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12) + labels + std::string(1, '\0') +
         std::string(1, '\0') + type + std::string("\0\x01", 2);
}

std::optional<std::vector<std::string>> two_pods(const std::string& name) {
  if (name != "grpc-svc") return std::nullopt;
  return std::vector<std::string>{"127.0.0.11", "127.0.0.12"};
}

TEST_CASE("a name is answered with its addresses, in turns") {
  const std::string asked = query("\x08grpc-svc", 1), answer = dns_reply(asked, 0, two_pods);
  CHECK(answer.substr(0, 12) == std::string("\x12\x34\x85\x80\x00\x01\x00\x02\x00\x00\x00\x00", 12));
  CHECK(answer.substr(12, asked.size() - 12) == asked.substr(12));
  const std::string records = answer.substr(asked.size());
  CHECK(records.substr(0, 16) == std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x7f\x00\x00\x0b", 16));
  CHECK(records.substr(28) == "\x7f" + std::string("\0\0", 2) + "\x0c");
  CHECK(dns_reply(asked, 1, two_pods).back() == '\x0b');
}

TEST_CASE("an unknown name does not exist; a known one without such records does") {
  CHECK(dns_reply(query("\x05other", 1), 0, two_pods).substr(2, 6) == std::string("\x85\x83\x00\x01\x00\x00", 6));
  CHECK(dns_reply(query("\x08grpc-svc", 28), 0, two_pods).substr(2, 6) == std::string("\x85\x80\x00\x01\x00\x00", 6));
}

TEST_CASE("what does not fit into a datagram is left out") {
  const auto many = [](const std::string&) { return std::vector<std::string>(100, "127.0.0.11"); };
  CHECK(dns_reply(query("\x01x", 1), 0, many).size() <= 512);
}

TEST_CASE("what is no query is not answered") {
  const std::string good = query("\x08grpc-svc", 1);
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(dns_reply(good.substr(0, size), 0, two_pods).empty());
  CHECK(dns_reply(dns_reply(good, 0, two_pods), 0, two_pods).empty());
  CHECK(dns_reply(query("\x7fxxxx", 1), 0, two_pods).empty());
}

}  // namespace
}  // namespace lgen::kube
