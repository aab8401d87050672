// Kubernetes' quantities: "250m", "1", "0.5", "1.5k", "64Mi", "1e3".
//
// *Thread:* pure functions. *Units:* thousandths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lgen::kube {

// Nothing: no quantity, or beyond 64 bits. What is finer than a thousandth is rounded up, as Kubernetes does.
std::optional<std::int64_t> parse_quantity(std::string_view text);

// "15", "8500m": as kubectl prints a quantity with a decimal suffix.
std::string format_quantity(std::int64_t thousandths);

}  // namespace lgen::kube
