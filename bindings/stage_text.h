// Stages as text, "30s:10,1m:50": what an option of type stages and a config file say.
// Thread: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/schedule.h"

namespace lgen::lua {

/// Fails with the stage that is none: "'30s' is no stage; write DURATION:TARGET, as in 30s:10,1m:50".
Result<std::vector<Stage>> parse_stages(std::string_view text);

}  // namespace lgen::lua
