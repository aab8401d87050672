// The protobuf library's own log lines go to lgen's log instead of standard error.
//
// Thread: the main thread, before others parse.
#pragma once

namespace lgen {

/// May be called again. What it warns of is told by our own errors where it matters, so all is of level debug.
void route_protobuf_log();

}  // namespace lgen
