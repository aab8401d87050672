// What happens around the iterations, each as one operation for the Runner: waiting for the channels, lgen.setup and
// the scenarios' setups, lgen.teardown. Thread: the loop's.
#pragma once

#include <functional>
#include <memory>

#include "lgen/error.h"
#include "lgen/op.h"

namespace lgen::lua {

struct Host;

/// Channels ready -> schemas fetched from servers -> lgen.setup -> every scenario's setup. `done` gets the first error.
Op run_setup(Host& host, std::function<void(Outcome)> done);

/// lgen.teardown(data).
Op run_teardown(Host& host, std::function<void(Outcome)> done);

}  // namespace lgen::lua
