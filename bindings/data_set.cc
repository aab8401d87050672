// A row is: number of values, and for each of them its column, its length with its kind in the lowest three bits, its
// bytes. All numbers are varints. Rows lie one behind the other in blocks that never move, so a file of any size is
// taken in without being copied again.
#include "data_set.h"

#include <algorithm>
#include <cstring>

namespace lgen::lua {
namespace {

constexpr std::size_t kBlock = 1 << 20;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

std::size_t DataSet::column(std::string_view name) {
  const auto [at, fresh] = index_.try_emplace(std::string(name), columns_.size());
  if (fresh) columns_.emplace_back(name);
  return at->second;
}

void DataSet::put(std::size_t column, std::string_view text, CellKind kind) {
  put_varint(row_, column);
  put_varint(row_, (text.size() << 3) | static_cast<std::uint64_t>(kind));
  row_ += text;
  ++cells_;
}

void DataSet::put_number(std::size_t column, double value) { put(column, bytes_of(value), CellKind::number); }
void DataSet::put_integer(std::size_t column, std::int64_t value) { put(column, bytes_of(value), CellKind::integer); }
void DataSet::put_natural(std::size_t column, std::uint64_t value) { put(column, bytes_of(value), CellKind::natural); }

void DataSet::add_row() {
  std::string count;
  put_varint(count, cells_);
  char* to = room(count.size() + row_.size());
  std::memcpy(to, count.data(), count.size());
  std::memcpy(to + count.size(), row_.data(), row_.size());
  rows_.push_back(to);
  row_.clear();
  cells_ = 0;
}

char* DataSet::room(std::size_t size) {
  if (size > left_) {
    left_ = std::max(size, kBlock);
    free_ = blocks_.emplace_back(new char[left_]).get();
  }
  char* at = free_;
  free_ += size;
  left_ -= size;
  return at;
}

}  // namespace lgen::lua
