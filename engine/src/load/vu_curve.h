// A number of VUs over time: the whole number nearest to straight lines from stage to stage.
// Thread: pure functions.
// Units: offsets from the start.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lgen/schedule.h"

namespace lgen {

/// Stages one after another, beginning with `start` VUs. From the end on: nothing.
std::optional<std::uint64_t> vus_on_curve(std::uint64_t start, std::span<const Stage> stages, Duration offset);
/// The next offset at which that may change; nothing: never again.
std::optional<Duration> next_change_on_curve(std::uint64_t start, std::span<const Stage> stages, Duration offset);
Duration stages_end(std::span<const Stage> stages);
/// Most VUs there ever are.
std::uint64_t peak_of_curve(std::uint64_t start, std::span<const Stage> stages);

}  // namespace lgen
