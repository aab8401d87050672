// `lgen describe HOST:PORT [SYMBOL]`
#include <fmt/format.h>

#include "commands.h"
#include "exit_code.h"
#include "grpcurl_options.h"
#include "lgen/message_json.h"
#include "run.h"
#include "service_link.h"

namespace lgen::cli {
namespace {

TemplateSyntax syntax_of(const std::string& format) {
  if (format == "lua") return TemplateSyntax::lua;
  return format == "text" ? TemplateSyntax::text : TemplateSyntax::json;
}

/// The message a template is for: the symbol itself, or the request of a method.
Result<std::string> message_of(Schema& schema, const std::string& symbol) {
  if (schema.message(symbol)) return symbol;
  const auto method = schema.method(symbol);
  if (method) return (*method)->input->name;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("-msg-template: {} is neither a message nor a method", symbol));
}

Result<std::string> description(Schema& schema, const std::string& symbol, const ServiceFlags& flags) {
  auto text = schema.describe(symbol);
  if (!text) return text.error();
  if (!flags.msg_template) return *text + "\n";
  const auto message = message_of(schema, symbol);
  if (!message) return message.error();
  const auto model = message_template(schema, *message, syntax_of(flags.format));
  if (!model) return model.error();
  return fmt::format("{}\n\nMessage template:\n{}\n", *text, *model);
}

/// Without a symbol: every service.
Result<std::string> descriptions(Schema& schema, const ServiceFlags& flags) {
  if (!flags.symbol.empty()) return description(schema, symbol_name(flags.symbol), flags);
  if (flags.msg_template) {
    return make_error(ErrorCode::invalid_argument, "-msg-template: of which message? give its name");
  }
  std::string all;
  if (schema.services().empty()) complain("describe: the schema has no service; give the name of a message");
  for (const std::string& service : schema.services()) {
    const auto text = schema.describe(service);
    all += text ? *text + "\n" : fmt::format("{}: {}\n", service, text.error().message);
  }
  return all;
}

int describe(Words words) {
  const auto flags = read_service_flags(words, false);
  if (!flags) {
    complain(fmt::format("describe: {}", flags.error().message));
    return kConfiguration;
  }
  ServiceLink link(*flags);
  if (const auto ended = link.open()) return ended->exit_code;
  const auto text = descriptions(link.schema(), *flags);
  if (!text) {
    complain(text.error().message);
    return kConfiguration;
  }
  return print_result(*text);
}

}  // namespace

const Command kDescribeCommand = {
    .name = "describe",
    .synopsis = "[HOST:PORT] [SYMBOL]",
    .help = "a service, method, message or enum as .proto text",
    .about =
        "Describes a service, method, message, field or enum of a server, or of -proto or -protoset files; "
        "without a name every service. -msg-template adds a message to start from, as JSON, as text or as the "
        "Lua table a plan would send. Options are grpcurl's, with one dash or two.",
    .options = describe_options(),
    .run = describe,
    .one_dash = true,
    .aliases = grpcurl_aliases(),
    .absent = grpcurl_absent()};

}  // namespace lgen::cli
