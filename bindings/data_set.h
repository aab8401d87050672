// Rows of a data file, held as bytes outside of Lua: a row becomes a Lua table when a plan asks for it.
// Thread: the loop's.
// Lifetime: rows stay where they are until the set goes.
// Units: a row costs its bytes, two for each value, and eight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lgen::lua {

enum class CellKind : unsigned char { text, number, integer, natural, yes, no, json };

/// One value; `bytes` are the text, the JSON, or a double, int64_t or uint64_t as it lies in memory.
struct Cell {
  std::size_t column;
  CellKind kind;
  std::string_view bytes;
};

class DataSet {
 public:
  /// Index of the column, which is new when its name is.
  std::size_t column(std::string_view name);
  const std::vector<std::string>& columns() const { return columns_; }

  // A row is made value by value; add_row() closes it.
  void put(std::size_t column, std::string_view text, CellKind kind = CellKind::text);
  void put_number(std::size_t column, double value);
  void put_integer(std::size_t column, std::int64_t value);
  void put_natural(std::size_t column, std::uint64_t value);
  void add_row();

  std::size_t size() const { return rows_.size(); }
  /// Calls see(Cell) for every value of the row `index`, 0 the first.
  template <class See>
  void each(std::size_t index, See&& see) const {
    const char* at = rows_[index];
    for (std::uint64_t left = take_varint(at); left > 0; --left) {
      const std::size_t column = take_varint(at);
      const std::uint64_t head = take_varint(at);
      const std::size_t size = head >> 3;
      see(Cell{column, static_cast<CellKind>(head & 7), {at, size}});
      at += size;
    }
  }

 private:
  static std::uint64_t take_varint(const char*& at) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at++);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  char* room(std::size_t size);

  std::vector<std::string> columns_;
  std::unordered_map<std::string, std::size_t> index_;  // of the columns
  std::string row_;                                     // being made
  std::uint64_t cells_ = 0;                             // in it
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;  // in the last block
  std::size_t left_ = 0;  // bytes behind it
  std::vector<const char*> rows_;
};

}  // namespace lgen::lua
