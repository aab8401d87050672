// A short way for the most frequent answer: one that has come whole and says nothing unusual. Whatever is not surely
// that is left to http_parser, which is the judge: a fuzz target gives both the same bytes. Thread: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lgen {

struct Http1Whole {
  struct Field {
    std::size_t name, name_size, value, value_size;  // places in the bytes
  };
  int status = 0;
  std::string_view reason;
  std::size_t head = 0;      // bytes of status line and headers, the empty line included
  std::uint64_t length = 0;  // of the body, which is there
};

/// Fills `fields`. Nothing: let http_parser look at it.
std::optional<Http1Whole> read_whole(std::string_view bytes, std::vector<Http1Whole::Field>& fields);

}  // namespace lgen
