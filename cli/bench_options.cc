#include "bench_options.h"

namespace lgen::cli {
namespace {

constexpr OptionRow kRows[] = {
    {"proto", "FILE", "the .proto file that has the method; without it the server is asked by reflection", "", "Call",
     true},
    {"import-paths", "DIR[,...]", "where its imports are looked for (also --import-path)", "", "Call", true, 'i'},
    {"protoset", "FILE", "instead of --proto: a descriptor set", "", "Call", true},
    {"call", "METHOD", "the method, when it is not the second word", "", "Call"},
    {"timeout", "DURATION", "deadline of every call; 0: none", "20s", "Call", false, 't'},
    {"metadata", "JSON", "an object of strings, sent with every call; base64 where a name ends in -bin", "", "Call",
     false, 'm'},
    {"metadata-file", "FILE", "the same in a file", "", "Call", false, 'M'},
    {"total", "N", "number of calls", "200", "Calls and pace", false, 'n'},
    {"concurrency", "N", "callers: so many calls at a time", "50", "Calls and pace", false, 'c'},
    {"duration", "DURATION", "call for so long, whatever the number", "", "Calls and pace", false, 'z'},
    {"max-duration", "DURATION", "begin no call after this, even if --total is not reached", "", "Calls and pace",
     false, 'x'},
    {"rps", "R",
     "calls a second, at times of their own. When all callers are busy a call waits for one, and that is part of its "
     "duration; the time it was served is told beside it",
     "", "Calls and pace", false, 'r'},
    {"data", "JSON",
     "the message, or an array of messages: dealt to the calls in turn, of a stream from the client sent one after the "
     "other; @ reads standard input",
     "{}", "Data", false, 'd'},
    {"data-file", "FILE", "the same in a file", "", "Data", false, 'D'},
    {"binary", "",
     "messages on the wire from standard input: one, or several with the length as a varint in front of each", "",
     "Data", false, 'b'},
    {"binary-file", "FILE", "the same in a file", "", "Data", false, 'B'},
    {"stream-interval", "DURATION", "pause between the messages sent on a stream", "", "Streams"},
    {"stream-call-count", "N",
     "messages to send on a stream, round and round; of a server's stream messages to receive before it is cancelled",
     "", "Streams"},
    {"stream-call-duration", "DURATION", "no stream sends, or receives a server's, for longer", "", "Streams"},
    {"connections", "N", "connections; each caller keeps to one", "1", "Connections"},
    {"connect-timeout", "DURATION", "the same as --wait-ready", "", "Connections", false, 'T'},
    {"keepalive", "DURATION", "ping a connection that has been quiet for so long", "", "Connections", false, 'L'},
    {"lb-strategy", "pick_first|round_robin", "which address of a name with several is called", "pick_first",
     "Connections"},
    {"enable-compression", "", "gzip what is sent", "", "Connections", false, 'e'},
    {"max-recv-message-size", "SIZE", "the largest reply to accept", "", "Connections"},
    {"max-send-message-size", "SIZE", "the largest message to send", "", "Connections"},
    {"cacert", "FILE", "the same as --ca", "", "Connections"},
    {"cname", "NAME", "the same as --server-name", "", "Connections"},
    {"skipTLS", "", "the same as --skip-verify", "", "Connections"},
    {"insecure", "", "the same as --plaintext", "", "Connections"},
    {"threshold", "'METRIC: CONDITION'", "fail unless, as in 'grpc_call_duration_seconds: p(99) < 0.25'", "", "Result",
     true},
    {"name", "NAME", "name of the run in the report; default: the method's", "", "Result"},
    {"tags", "JSON", "an object of strings: label everything counted, as --tag does", "", "Result"},
    {"format", "summary|json|pretty", "what to print; pretty is json, too", "summary", "Result", false, 'O'},
    {"output", "FILE", "write the JSON there", "", "Result", false, 'o'},
    {"print-plan", "", "print the plan instead of running it: the start of one of your own", "", "Result"},
};

constexpr OptionAlias kAliases[] = {{"import-path", "import-paths"}};

constexpr std::string_view kRateOfPlan =
    "a rate that changes is a plan's lgen.load.ramping_rate; --print-plan prints a plan to start from";
constexpr std::string_view kVusOfPlan =
    "callers that come and go are a plan's lgen.load.ramping_vus; --print-plan prints a plan to start from";
constexpr std::string_view kTemplates =
    "template values are always filled in; a text that has {{ itself writes {\\u007b";

constexpr AbsentOption kAbsent[] = {
    {"async", "with --rps calls begin at times of their own, whatever the answers; --concurrency is how many may run"},
    {"load-*", kRateOfPlan},
    {"concurrency-*", kVusOfPlan},
    {"duration-stop", "calls that run when the time is over may end; --stop-timeout is for Ctrl-C"},
    {"stream-dynamic-messages", "template values are filled in anew for every message anyway"},
    {"disable-template-functions", kTemplates},
    {"disable-template-data", kTemplates},
    {"reflect-metadata", "--metadata goes with the question for the types, too"},
    {"skipFirst", "every call counts; run once with a small --total before"},
    {"count-errors", "latencies are those of all calls, whatever their code"},
    {"cpus", "lgen needs one core; start it several times for more"},
    {"debug", "--trace prints calls whole, --log debug,FILE writes what happens"},
};

}  // namespace

std::span<const OptionRow> bench_options() { return kRows; }
std::span<const OptionAlias> bench_aliases() { return kAliases; }
std::span<const AbsentOption> bench_absent() { return kAbsent; }

}  // namespace lgen::cli
