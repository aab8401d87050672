#include "field_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/units.h"

namespace lgen::lua {
namespace {

Error no_field(const MessagePlan& plan, std::string_view name) {
  const std::string_view guess = did_you_mean(name, plan.field_names());
  return make_error(ErrorCode::invalid_argument,
                    guess.empty() ? fmt::format("{} has no field '{}' (it has: {})", plan.name, name,
                                                fmt::join(plan.field_names(), ", "))
                                  : fmt::format("{} has no field '{}' (did you mean '{}'?)", plan.name, name, guess));
}

bool can_be_last(const FieldPlan& field) {
  return !field.is_message() && field.kind != FieldKind::double_ && field.kind != FieldKind::float_;
}

Error cannot_lead_on(const MessagePlan& plan, const FieldPlan& field, bool last) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}.{} is {}: {}", plan.name, field.name, field.type_name(),
                                last ? "messages are told apart by an integer, an enum, a bool, a string or bytes"
                                     : "only a single message can be in the middle of a path"));
}

std::int64_t from_varint(FieldKind kind, std::uint64_t raw) {
  if (kind == FieldKind::sint32) return unzigzag32(static_cast<std::uint32_t>(raw));
  if (kind == FieldKind::sint64) return unzigzag64(raw);
  return static_cast<std::int64_t>(raw);
}

}  // namespace

Result<FieldPath> FieldPath::make(const MessagePlan& plan, std::string_view path) {
  FieldPath made;
  made.root_ = plan.name;
  const MessagePlan* at = &plan;
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const FieldPlan* field = at->find(path.substr(0, dot));
    if (!field) return no_field(*at, path.substr(0, dot));
    made.steps_.push_back(field);
    const bool last = dot == path.size();
    const bool single = field->shape == FieldShape::single;
    if (!single || !(last ? can_be_last(*field) : field->kind == FieldKind::message)) {
      return cannot_lead_on(*at, *field, last);
    }
    if (last) return made;
    at = field->message;
    path.remove_prefix(dot + 1);
  }
}

bool FieldPath::is_text() const {
  return steps_.back()->kind == FieldKind::string || steps_.back()->kind == FieldKind::bytes;
}

std::string FieldPath::describe() const {
  std::string text = root_;
  for (const FieldPlan* step : steps_) text.append(1, '.').append(step->name);
  return fmt::format("{} ({})", text, steps_.back()->type_name());
}

bool FieldPath::read(std::string_view message, FieldValue& value) const {
  value.number = 0;
  value.text.clear();
  return read_step(0, message, value);
}

/// The last of several occurrences counts, and parts of one sub-message may lie apart, as protobuf has it.
bool FieldPath::read_step(std::size_t step, std::string_view message, FieldValue& value) const {
  const FieldPlan& field = *steps_[step];
  WireReader in(message);
  while (!in.done()) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return false;
    if (number != field.number || type != field.wire_type) {
      if (!in.skip(number, type, 0)) return false;
    } else if (step + 1 == steps_.size()) {
      if (!read_value(field, in, value)) return false;
    } else {
      std::string_view inner;
      if (!in.bytes(inner) || !read_step(step + 1, inner, value)) return false;
    }
  }
  return true;
}

bool FieldPath::read_value(const FieldPlan& field, WireReader& in, FieldValue& value) {
  switch (field.wire_type) {
    case WireType::varint: {
      std::uint64_t raw = 0;
      if (!in.varint(raw)) return false;
      value.number = from_varint(field.kind, raw);
      return true;
    }
    case WireType::fixed32: {
      std::uint32_t raw = 0;
      if (!in.fixed32(raw)) return false;
      value.number = field.kind == FieldKind::sfixed32 ? static_cast<std::int32_t>(raw) : std::int64_t{raw};
      return true;
    }
    case WireType::fixed64: {
      std::uint64_t raw = 0;
      if (!in.fixed64(raw)) return false;
      value.number = static_cast<std::int64_t>(raw);
      return true;
    }
    default: {
      std::string_view raw;
      if (!in.bytes(raw)) return false;
      value.text = raw;
      return true;
    }
  }
}

}  // namespace lgen::lua
