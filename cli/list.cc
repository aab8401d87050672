// `lgen list HOST:PORT [SERVICE]`
#include <fmt/format.h>

#include <algorithm>

#include "commands.h"
#include "exit_code.h"
#include "grpcurl_options.h"
#include "lgen/units.h"
#include "run.h"
#include "service_link.h"

namespace lgen::cli {
namespace {

/// "pkg.Svc/Method" -> "pkg.Svc.Method", as grpcurl prints it; both can be called.
std::string with_dots(std::string method) {
  std::replace(method.begin(), method.end(), '/', '.');
  return method;
}

Error no_service(const std::string& name, const std::vector<std::string>& services) {
  const std::string_view guess = did_you_mean(name, services);
  const std::string hint = guess.empty() ? fmt::format("there are: {}", fmt::join(services, ", "))
                                         : fmt::format("did you mean '{}'?", guess);
  return make_error(ErrorCode::not_found, fmt::format("no service '{}' ({})", name, hint));
}

Result<std::string> listing(const Schema& schema, const std::string& service) {
  const std::vector<std::string> services = schema.services();
  if (services.empty()) complain("list: the schema has no service");
  if (service.empty()) return services.empty() ? "" : fmt::format("{}\n", fmt::join(services, "\n"));
  if (std::find(services.begin(), services.end(), service) == services.end()) return no_service(service, services);
  std::string out;
  for (const std::string& method : schema.methods()) {
    if (method.starts_with(service + "/")) out += with_dots(method) + "\n";
  }
  return out;
}

int list(Words words) {
  const auto flags = read_service_flags(words, false);
  if (!flags) {
    complain(fmt::format("list: {}", flags.error().message));
    return kConfiguration;
  }
  ServiceLink link(*flags);
  if (const auto ended = link.open()) return ended->exit_code;
  const auto text = listing(link.schema(), flags->symbol);
  if (!text) {
    complain(text.error().message);
    return kConfiguration;
  }
  return print_result(*text);
}

}  // namespace

const Command kListCommand = {
    .name = "list",
    .synopsis = "[HOST:PORT] [SERVICE]",
    .help = "the services of a server, or the methods of one",
    .about =
        "Lists the services of a server, or of -proto or -protoset files, or the methods of one service. "
        "Options are grpcurl's, with one dash or two.",
    .options = list_options(),
    .run = list,
    .one_dash = true,
    .aliases = grpcurl_aliases(),
    .absent = grpcurl_absent()};

}  // namespace lgen::cli
