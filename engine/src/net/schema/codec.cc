#include "lgen/codec.h"

namespace lgen {
namespace {

/// A message in which only the required fields are there, each with its default.
struct SmallestSource {
  static constexpr std::size_t kFirstIndex = 0;

  bool enter(const MessagePlan&, Fault&) { return true; }
  bool leave(const MessagePlan&, std::size_t, Fault&) { return true; }
  bool select(const FieldPlan& field, std::uint32_t) { return field.required; }
  std::size_t place() { return 0; }
  void release() {}

  // A list or a map is never required.
  bool list_size(const FieldPlan&, std::size_t& size, Fault&) { return size = 0, true; }
  bool select_item(std::size_t, std::size_t, Fault&) { return false; }
  bool enter_map(const FieldPlan&, Fault&) { return true; }
  bool next_entry(std::size_t) { return false; }
  bool describe_entry(std::size_t, Fault&) { return false; }

  template <class T>
  bool get(const FieldPlan&, T& value, Fault&) {
    value = T{};
    return true;
  }
  bool get_enum(const FieldPlan& field, std::int32_t& number, Fault&) {
    number = field.enumeration->values.front().number;
    return true;
  }
};

}  // namespace

Result<std::string> smallest_message(const MessagePlan& plan) {
  SmallestSource source;
  WireBuffer out;
  Fault fault;
  if (!encode_message(plan, source, out, fault)) return fault.to_error(ErrorCode::invalid_argument);
  return std::string(out.view());
}

}  // namespace lgen
