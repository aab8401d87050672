// `lgen call HOST:PORT METHOD`
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "call_session.h"
#include "commands.h"
#include "exit_code.h"
#include "grpcurl_options.h"
#include "service_link.h"

namespace lgen::cli {
namespace {

int refuse(const std::string& message) {
  complain(fmt::format("call: {}", message));
  return kConfiguration;
}

/// The method is said to be missing, unless a service's name is all that was given.
std::string no_method(const Schema& schema, const ServiceFlags& flags, const Error& error) {
  const std::string service = symbol_name(flags.symbol);
  const std::vector<std::string> services = schema.services();
  if (std::find(services.begin(), services.end(), service) == services.end()) return error.message;
  std::vector<std::string> methods;
  for (const std::string& method : schema.methods()) {
    if (method.starts_with(service + "/")) methods.push_back(method);
  }
  if (methods.empty()) return fmt::format("{} is a service without methods", service);
  return fmt::format("{} is a service; which of its methods? {}", service, fmt::join(methods, ", "));
}

int call(Words words) {
  const auto flags = read_service_flags(words, true);
  if (!flags) return refuse(flags.error().message);
  if (flags->symbol.empty()) return refuse("which method? lgen call HOST:PORT pkg.Service/Method");
  ServiceLink link(*flags);
  if (const auto ended = link.open()) return ended->exit_code;
  const auto method = link.schema().method(flags->symbol);
  if (!method) return refuse(no_method(link.schema(), *flags, method.error()));
  return CallSession(link, *flags, **method).run();
}

}  // namespace

const Command kCallCommand = {
    .name = "call",
    .synopsis = "HOST:PORT METHOD",
    .help = "call a method once, with JSON in and out",
    .about =
        "Calls METHOD (pkg.Service/Method) with the messages of -d and prints the replies, as they come. The "
        "schema is the server's own (reflection), or that of -proto or -protoset files. Options are grpcurl's, "
        "with one dash or two.\n"
        "Exit codes: 0 ok, 64 + the gRPC status code of a failed call, 104 bad options, schema or messages, "
        "105 interrupted, 113 output failed.",
    .options = call_options(),
    .run = call,
    .one_dash = true,
    .aliases = grpcurl_aliases(),
    .absent = grpcurl_absent()};

}  // namespace lgen::cli
