#include "service_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace lgen::kube {

namespace {

constexpr std::size_t kHeader = 12, kLargestReply = 512, kRecord = 16;
constexpr std::uint16_t kTypeA = 1, kClassInternet = 1;
constexpr std::uint32_t kTtlSeconds = 5;  // CoreDNS's for services

struct Target {
  std::string scheme;  // with "://"; may be empty
  std::string host, port, rest;
};

Target parse_target(const std::string& text) {
  Target target;
  std::size_t at = text.find("://");
  if (at != std::string::npos) {
    at = text.starts_with("dns:///") ? 7 : at + 3;
    target.scheme = text.substr(0, at);
  } else {
    at = 0;
  }
  const std::size_t host_end = std::min(text.find_first_of(":/", at), text.size());
  target.host = text.substr(at, host_end - at);
  std::size_t rest = host_end;
  if (rest < text.size() && text[rest] == ':') {
    rest = std::min(text.find_first_not_of("0123456789", rest + 1), text.size());
    target.port = text.substr(host_end + 1, rest - host_end - 1);
  }
  target.rest = text.substr(rest);
  return target;
}

std::uint16_t read_16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

void append_16(std::string& bytes, std::uint32_t value) {
  bytes += static_cast<char>(value >> 8);
  bytes += static_cast<char>(value);
}

struct Question {
  std::string name;
  std::uint16_t type = 0;
  std::size_t end = 0;  // in the query
};

std::optional<Question> parse_question(std::string_view query) {
  // Opcode 0, no answer, one question.
  if (query.size() < kHeader || (query[2] & 0xf8) != 0 || read_16(query, 4) != 1) return std::nullopt;
  Question question;
  std::size_t at = kHeader;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    if (length > 63 || at + 1 + length >= query.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > query.size()) return std::nullopt;
  question.type = read_16(query, at + 1);
  question.end = at + 5;
  return question;
}

// A record for the name of the question, to which 0xc00c points.
void append_address(std::string& reply, const std::string& ip) {
  append_16(reply, 0xc00c);
  append_16(reply, kTypeA);
  append_16(reply, kClassInternet);
  append_16(reply, 0);
  append_16(reply, kTtlSeconds);
  append_16(reply, 4);
  const char* text = ip.c_str();
  for (int i = 0; i < 4; ++i) {
    char* end = nullptr;
    reply += static_cast<char>(std::strtol(text, &end, 10));
    text = end + 1;
  }
}

}  // namespace

const LocalService* find_service(std::string_view host, const std::vector<LocalService>& services) {
  const std::size_t dot = host.find('.');
  const std::string_view name = host.substr(0, dot);
  const std::string_view domain = dot == std::string_view::npos ? "" : host.substr(dot + 1);
  const std::string_view after_namespace = domain.substr(std::min(domain.find('.'), domain.size()));
  constexpr std::array<std::string_view, 4> kDomains = {"", ".svc", ".svc.cluster.local", ".svc.cluster.local."};
  if (std::find(kDomains.begin(), kDomains.end(), after_namespace) == kDomains.end()) return nullptr;
  const auto found =
      std::find_if(services.begin(), services.end(), [&](const LocalService& one) { return one.name == name; });
  return found == services.end() ? nullptr : &*found;
}

std::string localized(const std::string& text, const std::vector<LocalService>& services, const std::string& dns) {
  const Target target = parse_target(text);
  const LocalService* service = find_service(target.host, services);
  if (service == nullptr) return text;
  const bool is_dns = target.scheme == "dns:///";
  if (service->headless) return is_dns ? "dns://" + dns + "/" + text.substr(target.scheme.size()) : text;
  const int port = !target.port.empty() ? std::atoi(target.port.c_str()) : target.scheme == "https://" ? 443 : 80;
  const auto address = service->addresses.find(port);
  // A bare name without a port may be anything.
  if (address == service->addresses.end() || (target.scheme.empty() && target.port.empty())) return text;
  return target.scheme + address->second + target.rest;
}

std::string dns_reply(std::string_view query, unsigned turn,
                      const std::function<std::optional<std::vector<std::string>>(const std::string&)>& lookup) {
  const auto question = parse_question(query);
  if (!question) return {};
  auto addresses = lookup(question->name);
  const bool known = addresses.has_value();
  if (!known || question->type != kTypeA) addresses.emplace();
  if (!addresses->empty())
    std::rotate(addresses->begin(), addresses->begin() + turn % addresses->size(), addresses->end());
  addresses->resize(std::min(addresses->size(), (kLargestReply - question->end) / kRecord));
  std::string reply(query.substr(0, 2));
  // An authoritative answer, recursion as asked for and available; 3: there is no such name.
  reply += static_cast<char>(0x84 | (query[2] & 1));
  reply += static_cast<char>(0x80 | (known ? 0 : 3));
  for (const std::size_t count : {std::size_t(1), addresses->size(), std::size_t(0), std::size_t(0)}) {
    append_16(reply, static_cast<std::uint32_t>(count));
  }
  reply += query.substr(kHeader, question->end - kHeader);
  for (const std::string& ip : *addresses) append_address(reply, ip);
  return reply;
}

}  // namespace lgen::kube
