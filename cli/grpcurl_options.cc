#include "grpcurl_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lgen/settings.h"
#include "lgen/units.h"
#include "request_headers.h"

namespace lgen::cli {
namespace {

constexpr std::array kSchemaRows = {
    OptionRow{"proto", "FILE", "take the schema from this .proto file", "", "Schema", true},
    OptionRow{"import-path", "FOLDER",
              "where .proto files and their imports are looked for (also -import-paths DIR,...)", "", "Schema", true},
    OptionRow{"protoset", "FILE", "take the schema from this descriptor set", "", "Schema", true},
    OptionRow{"use-reflection", "",
              "ask the server for its schema, before -proto and -protoset; the default without them "
              "(-use-reflection=false: never)",
              "", "Schema"},
    OptionRow{"protoset-out", "FILE", "write the schema as a descriptor set", "", "Schema"},
};

constexpr std::array kConnectionRows = {
    OptionRow{"transport", "grpc|h2", "gRPC core, or lgen's own HTTP/2 client", "grpc", "Connection"},
    OptionRow{"plaintext", "", "no TLS, whatever the port; the default unless it is 443", "", "Connection"},
    OptionRow{"tls", "", "TLS, whatever the port", "", "Connection"},
    OptionRow{"cacert", "FILE", "certificates to trust (PEM) instead of the system's (also --ca)", "", "Connection"},
    OptionRow{"cert", "FILE", "client certificate (PEM)", "", "Connection"},
    OptionRow{"key", "FILE", "its key (PEM)", "", "Connection"},
    OptionRow{"insecure", "", "accept any certificate (also --skip-verify)", "", "Connection"},
    OptionRow{"servername", "NAME", "name in the server's certificate, SNI and :authority (also --server-name)", "",
              "Connection"},
    OptionRow{"authority", "NAME", ":authority, when it is not the server name", "", "Connection"},
    OptionRow{"user-agent", "TEXT", "put in front of the user-agent header", "", "Connection"},
    OptionRow{"connect-timeout", "DURATION", "how long connecting may take", "10s", "Connection"},
    OptionRow{"keepalive-time", "DURATION", "ping a silent connection this often; default: never", "", "Connection"},
    OptionRow{"max-msg-sz", "SIZE", "largest message to receive; default: no limit", "", "Connection"},
    OptionRow{"max-time", "DURATION", "of everything, connecting included; default: no limit", "", "Connection"},
};

constexpr std::array kHeaderRows = {
    OptionRow{"header", "'NAME: VALUE'", "metadata to send; base64 when NAME ends in -bin", "", "Headers", true, 'H'},
    OptionRow{"reflect-header", "'NAME: VALUE'", "the same, only when asking for the schema", "", "Headers", true},
    OptionRow{"expand-headers", "", "${NAME} in a header's value is that environment variable", "", "Headers"},
};

constexpr std::array kRpcHeaderRows = {
    OptionRow{"rpc-header", "'NAME: VALUE'", "the same, only with the call itself", "", "Headers", true},
};

constexpr std::array kVerboseRows = {
    OptionRow{"verbose", "", "say how the server is reached", "", "Output", false, 'v'},
};

constexpr std::array kTemplateRows = {
    OptionRow{"msg-template", "", "also print a message to start from", "", "Output"},
    OptionRow{"format", "json|text|lua", "how the template is written", "json", "Output"},
};

constexpr std::array kCallRows = {
    OptionRow{"data", "JSON",
              "the request: one message or, when the client streams, several in a row; @: read them "
              "from standard input, each is sent as soon as it is complete",
              "", "Messages", false, 'd'},
    OptionRow{"format", "json|text", "how messages are written; text ones are separated by the character 0x1E", "json",
              "Messages"},
    OptionRow{"allow-unknown-fields", "", "skip fields of the request that its type does not have", "", "Messages"},
    OptionRow{"emit-defaults", "", "print fields of replies that have their default, too", "", "Messages"},
    OptionRow{"format-error", "", "print a failed call's status as -format says", "", "Messages"},
    OptionRow{"compress", "gzip|deflate", "compress the request", "", "Messages"},
};

constexpr std::array kCallVerboseRows = {
    OptionRow{"verbose", "", "print headers, trailers and how the server is reached", "", "Output", false, 'v'},
    OptionRow{"vv", "", "the same, and when things happened", "", "Output"},
};

template <std::size_t... sizes>
constexpr auto join(const std::array<OptionRow, sizes>&... parts) {
  std::array<OptionRow, (sizes + ...)> all{};
  std::size_t at = 0;
  ((std::copy(parts.begin(), parts.end(), all.begin() + at), at += sizes), ...);
  return all;
}

constexpr auto kList = join(kSchemaRows, kConnectionRows, kHeaderRows, kVerboseRows);
constexpr auto kDescribe = join(kTemplateRows, kVerboseRows, kSchemaRows, kConnectionRows, kHeaderRows);
constexpr auto kCall = join(kCallRows, kHeaderRows, kRpcHeaderRows, kCallVerboseRows, kSchemaRows, kConnectionRows);

constexpr OptionAlias kAliases[] = {
    {"import-paths", "import-path"},
    {"d", "data"},
    {"H", "header"},
    {"v", "verbose"},
    {"very-verbose", "vv"},
    {"ca", "cacert"},
    {"skip-verify", "insecure"},
    {"server-name", "servername"},
};

constexpr AbsentOption kAbsent[] = {
    {"unix", "a socket is a target: unix:PATH instead of HOST:PORT"},
    {"alts*", "lgen speaks TLS or plaintext"},
    {"proto-out-dir",
     "-protoset-out FILE keeps the schema as a descriptor set, `lgen describe` prints it as .proto text"},
    {"version", "`lgen version` says it"},
};

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

/// Keeps the first error while the options are read one by one.
class Reader {
 public:
  explicit Reader(const Words& words) : words_(words) {}

  bool on(std::string_view name) { return given(name).value_or(false); }

  /// A switch may be said "=false".
  std::optional<bool> given(std::string_view name) {
    if (!words_.has(name)) return std::nullopt;
    const std::string value = words_.text(name);
    if (value != "false" && value != "true" && !value.empty())
      fail(name, fmt::format("'{}' is neither true nor false", value));
    return value != "false";
  }

  std::optional<Duration> duration(std::string_view name, std::string_view zero_would) {
    if (!words_.has(name)) return std::nullopt;
    const auto value = parse_duration(words_.text(name));
    if (!value) {
      fail(name, value.error().message);
      return std::nullopt;
    }
    if (*value <= Duration{0}) fail(name, fmt::format("0 {}", zero_would));
    return *value;
  }

  std::optional<std::uint64_t> size(std::string_view name) {
    if (!words_.has(name)) return std::nullopt;
    const auto value = parse_size(words_.text(name));
    if (!value) fail(name, value.error().message);
    return value ? std::optional(*value) : std::nullopt;
  }

  Metadata headers(std::initializer_list<std::string_view> names) {
    Metadata all;
    for (const std::string_view name : names) {
      const auto some =
          parse_headers(words_.all(name), on("expand-headers"), name == "header" ? "-H" : fmt::format("-{}", name));
      if (!some && !error_) error_ = some.error();
      if (some) all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }

  std::string text(std::string_view name, std::string_view fallback = "") const { return words_.text(name, fallback); }
  const Words& words() const { return words_; }

  /// What becomes part of a header.
  std::string sendable(std::string_view name, Outcome (*check)(std::string_view)) {
    const std::string value = text(name);
    if (const Outcome ok = check(value); !ok) fail(name, ok.error().message);
    return value;
  }

  void fail(std::string_view name, std::string_view what) { refuse(fmt::format("-{}: {}", name, what)); }
  void refuse(std::string message) {
    if (!error_) error_ = usage(std::move(message));
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Words& words_;
  std::optional<Error> error_;
};

/// No symbol: four numbers, a dash, "localhost".
bool is_host(std::string_view word) {
  return word == "localhost" || word.find('-') != std::string_view::npos ||
         (!word.empty() && word.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// An address has a colon and a symbol has none, so either may be left out.
void read_operands(Reader& read, ServiceFlags& flags) {
  std::vector<std::string> operands = read.words().operands;
  if (!operands.empty() && operands.front().find(':') != std::string::npos) {
    flags.target = operands.front();
    operands.erase(operands.begin());
  }
  if (!operands.empty() && is_host(operands.front())) {
    return read.refuse(fmt::format("'{0}' has no port; write {0}:PORT", operands.front()));
  }
  if (!operands.empty()) flags.symbol = operands.front();
  if (operands.size() > 1) read.refuse(fmt::format("'{}' is one operand too many", operands[1]));
}

void read_tls(Reader& read, ServiceFlags& flags) {
  TlsOptions tls{read.text("cacert"), read.text("cert"), read.text("key"), read.sendable("servername", check_authority),
                 !read.on("insecure")};
  const bool plaintext = read.on("plaintext");
  const bool wants_tls = read.on("tls");
  if (plaintext && wants_tls) read.fail("tls", "contradicts -plaintext; give one of them");
  for (const std::string_view name : {"cacert", "cert", "key", "insecure"}) {
    if (plaintext && read.words().has(name)) read.fail(name, "means TLS, but -plaintext is given");
  }
  if (!tls.verify && !tls.ca.empty()) read.fail("cacert", "contradicts -insecure");
  if (tls.cert.empty() != tls.key.empty()) {
    read.fail(tls.cert.empty() ? "key" : "cert", "-cert and -key belong together; the other one is missing");
  }
  const std::string authority = read.sendable("authority", check_authority);
  flags.wire.authority = authority.empty() ? tls.server_name : authority;
  const bool implied = !tls.ca.empty() || !tls.cert.empty() || !tls.verify;
  const bool by_port = default_port_wants_tls(flags.target);
  if (plaintext || !(wants_tls || implied || by_port)) {
    flags.security = plaintext ? "plaintext" : "plaintext, because the port is not 443 and nothing asks for TLS";
    return;
  }
  flags.security = fmt::format("TLS, {}{}{}",
                               !tls.verify      ? "certificate not verified"
                               : tls.ca.empty() ? "system roots"
                                                : fmt::format("CA {}", tls.ca),
                               tls.server_name.empty() ? "" : fmt::format(", name {}", tls.server_name),
                               wants_tls || implied ? "" : ", because the port is 443");
  flags.wire.tls = std::move(tls);
}

void read_connection(Reader& read, ServiceFlags& flags) {
  if (!flags.target.empty()) {
    if (const Outcome ok = check_address(flags.target); !ok) read.refuse(ok.error().message);
  }
  read_tls(read, flags);
  flags.transport = read.text("transport", flags.transport);
  if (flags.transport != "grpc" && flags.transport != "h2") {
    read.fail("transport", fmt::format("unknown transport '{}'; there are grpc and h2", flags.transport));
  }
  flags.wire.user_agent = read.sendable("user-agent", check_user_agent);
  flags.connect_timeout = read.duration("connect-timeout", "leaves no time to connect").value_or(flags.connect_timeout);
  flags.wire.backoff.min = flags.connect_timeout;  // what one attempt may take
  flags.wire.keepalive.time = read.duration("keepalive-time", "is no pause between pings").value_or(Duration{0});
  flags.wire.max_recv = read.size("max-msg-sz");
  flags.max_time = read.duration("max-time", "ends every call before it starts; leave it out for no limit");
  const std::string compress = read.text("compress");
  if (compress == "gzip") flags.wire.compression = Compression::gzip;
  if (compress == "deflate") flags.wire.compression = Compression::deflate;
  if (!compress.empty() && flags.wire.compression == Compression::none) {
    read.fail("compress", fmt::format("'{}' is neither gzip nor deflate", compress));
  }
}

void read_schema(Reader& read, ServiceFlags& flags) {
  flags.protos = read.words().all("proto");
  flags.import_paths = split_commas(read.words().all("import-path"));
  flags.protosets = read.words().all("protoset");
  flags.protoset_out = read.text("protoset-out");
  const bool files = !flags.protos.empty() || !flags.protosets.empty();
  flags.use_reflection = read.given("use-reflection").value_or(!files);
  if (!flags.protos.empty() && !flags.protosets.empty()) read.fail("protoset", "and -proto exclude each other");
  if (!flags.import_paths.empty() && flags.protos.empty()) read.fail("import-path", "is for -proto, which is missing");
  if (!flags.use_reflection && !files) {
    read.fail("use-reflection", "without it the schema must come from -proto or -protoset");
  }
}

void read_messages(Reader& read, ServiceFlags& flags) {
  if (read.words().has("data")) flags.data = read.text("data");
  if (flags.data && flags.data->starts_with('@') && flags.data->size() > 1) {
    const std::string file = flags.data->substr(1);
    read.refuse(fmt::format("-d {}: only @ alone is known, for standard input; write -d @{}", *flags.data,
                            file == "-" ? "" : " < " + file));
  }
  flags.format = read.text("format", "json");
  const bool is_template = read.words().has("msg-template") && flags.format == "lua";
  if (flags.format != "json" && flags.format != "text" && !is_template) {
    read.fail("format", flags.format == "lua" ? "lua is for -msg-template of `lgen describe`"
                                              : fmt::format("'{}' is neither json nor text", flags.format));
  }
  flags.messages.format = flags.format == "text" ? MessageFormat::text : MessageFormat::json;
  flags.messages.emit_defaults = read.on("emit-defaults");
  flags.messages.allow_unknown_fields = read.on("allow-unknown-fields");
  flags.format_error = read.on("format-error");
  flags.msg_template = read.on("msg-template");
  flags.verbose = read.on("vv") ? 2 : read.on("verbose") ? 1 : 0;
}

}  // namespace

std::span<const OptionRow> list_options() { return kList; }
std::span<const OptionRow> describe_options() { return kDescribe; }
std::span<const OptionRow> call_options() { return kCall; }
std::span<const OptionAlias> grpcurl_aliases() { return kAliases; }
std::span<const AbsentOption> grpcurl_absent() { return kAbsent; }

Result<ServiceFlags> read_service_flags(const Words& words, bool wants_target) {
  Reader read(words);
  ServiceFlags flags;
  read_operands(read, flags);
  read_connection(read, flags);
  read_schema(read, flags);
  read_messages(read, flags);
  flags.rpc_headers = read.headers({"header", "rpc-header"});
  flags.reflection_headers = read.headers({"header", "reflect-header"});
  if (read.error()) return *read.error();
  if (flags.target.empty() && (wants_target || flags.use_reflection)) {
    return usage(wants_target ? "which server? give HOST:PORT"
                              : "which server? give HOST:PORT, or the schema by -proto or -protoset");
  }
  return flags;
}

}  // namespace lgen::cli
