// The options of `lgen list`, `describe` and `call`: grpcurl's words, as a table, and what they say as typed values.
// Thread: values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands.h"
#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/message_json.h"
#include "lgen/time.h"
#include "words.h"

namespace lgen::cli {

std::span<const OptionRow> list_options();
std::span<const OptionRow> describe_options();
std::span<const OptionRow> call_options();

/// lgen's own names of some of them, and grpcurl's letters with two dashes.
std::span<const OptionAlias> grpcurl_aliases();
/// What grpcurl has and lgen does not.
std::span<const AbsentOption> grpcurl_absent();

struct ServiceFlags {
  std::string target;  // empty: no server, the schema comes from files alone
  std::string symbol;  // the service, type or method asked for
  std::string transport = "grpc";
  ChannelOptions wire;
  std::string security;  // how the connection is secured and why, in words
  Metadata rpc_headers;
  Metadata reflection_headers;
  Duration connect_timeout = std::chrono::seconds(10);
  std::optional<Duration> max_time;  // of everything, from the start

  std::vector<std::string> protos, import_paths, protosets;
  bool use_reflection = true;
  std::string protoset_out;

  std::optional<std::string> data;  // "@": standard input
  MessageTextOptions messages;
  std::string format = "json";
  bool format_error = false;
  bool msg_template = false;
  int verbose = 0;  // 2: with timings
};

/// Errors name the option as it was meant to be written. `wants_target`: without a server there is nothing to do.
Result<ServiceFlags> read_service_flags(const Words& words, bool wants_target);

}  // namespace lgen::cli
