// The options of `lgen bench`: ghz's words, as a table.
// Thread: values.
#pragma once

#include <span>
#include <string_view>

#include "commands.h"

namespace lgen::cli {

std::span<const OptionRow> bench_options();
std::span<const OptionAlias> bench_aliases();
/// ghz's others.
std::span<const AbsentOption> bench_absent();

inline constexpr std::string_view kBenchAbout =
    "Calls one method and reports as any run does; no plan is needed. The words are ghz's.\n"
    "JSON in --data and --metadata may hold template values, which each call fills in: {{.RequestNumber}} (from 0), "
    "{{.WorkerID}}, {{newUUID}}, {{randomString 8 16}}, {{randomInt 1 10}} (each without its upper end), "
    "{{.Timestamp}}, {{.TimestampUnix}}, {{.TimestampUnixMilli}}, {{.TimestampUnixNano}}, {{.MethodName}}, "
    "{{.ServiceName}}, {{.FullyQualifiedName}}, {{.InputName}}, {{.OutputName}}, {{.IsClientStreaming}}, "
    "{{.IsServerStreaming}}.\n"
    "TLS is chosen as for plans: by the port (443) or by an option.";

}  // namespace lgen::cli
