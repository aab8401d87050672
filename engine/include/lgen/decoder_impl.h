// The bodies of Decoder; included by codec.h, never by itself.
#pragma once

#include "lgen/codec.h"

namespace lgen {

template <MessageSink Sink>
bool Decoder<Sink>::root(const MessagePlan& plan, std::string_view bytes) {
  WireReader in(bytes);
  sink_.begin_message(plan);
  return message(plan, in, nullptr, true, 0);
}

template <MessageSink Sink>
bool Decoder<Sink>::message(const MessagePlan& plan, WireReader& in, const FieldPlan* group, bool fresh, int nesting) {
  if (nesting > kMaxNesting) return fault_.fail("nested deeper than 100 messages");
  Level level(plan, group, fresh);
  return fields(level, in, nesting) && fill_absent(level);
}

template <MessageSink Sink>
bool Decoder<Sink>::fields(Level& level, WireReader& in, int nesting) {
  while (!in.done()) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (type == WireType::end_group) {
      if (level.group != nullptr && level.group->number == number) return true;
      return fault_.fail("end of a group that was not begun");
    }
    const std::uint32_t index = level.plan.find_number(number);
    if (index == MessagePlan::kNoField) {
      if (!in.skip(number, type, nesting)) return broken(in);
    } else if (!field(level, index, type, in, nesting)) {
      return fault_.in_field(level.plan.fields[index]);
    }
  }
  return level.group == nullptr || fault_.fail("the message ends inside a group");
}

template <MessageSink Sink>
bool Decoder<Sink>::field(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  if (field.shape == FieldShape::list) {
    const bool first = level.first_time(index);
    level.mark(index);
    return list(field, first, type, in, nesting);
  }
  if (type != field.wire_type) return mismatch(field, type);
  if (field.shape == FieldShape::single) return single(level, index, in, nesting);
  const bool first = level.first_time(index);
  level.mark(index);
  return map(field, first, in, nesting);
}

template <MessageSink Sink>
bool Decoder<Sink>::single(Level& level, std::uint32_t index, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  if (field.closed_enum) return closed_enum(level, index, in);
  if (field.oneof >= 0) clear_other_members(level, index);
  const bool first = level.first_time(index);
  level.mark(index);
  sink_.begin_field(field);
  if (!field.is_message()) {
    if (!scalar(field, in)) return false;
  } else {
    const bool more = !first && sink_.resume_message(field);
    if (!more) sink_.begin_message(*field.message);
    if (!sub_message(field, in, !more, nesting)) return false;
  }
  sink_.end_field(field);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::closed_enum(Level& level, std::uint32_t index, WireReader& in) {
  const FieldPlan& field = level.plan.fields[index];
  std::uint64_t raw = 0;
  if (!in.varint(raw)) return broken(in);
  const auto number = static_cast<std::int32_t>(raw);
  if (field.enumeration->find(number) == nullptr) return true;  // as if it were an unknown field
  if (field.oneof >= 0) clear_other_members(level, index);
  level.mark(index);
  sink_.begin_field(field);
  sink_.put_enum(field, number);
  sink_.end_field(field);
  return true;
}

template <MessageSink Sink>
void Decoder<Sink>::clear_other_members(Level& level, std::uint32_t index) {
  const OneofPlan& oneof = level.plan.oneofs[static_cast<std::size_t>(level.plan.fields[index].oneof)];
  for (std::uint32_t i = oneof.first; i < oneof.first + oneof.count; ++i) {
    if (i != index && !level.first_time(i)) sink_.clear_field(level.plan.fields[i]);
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::sub_message(const FieldPlan& field, WireReader& in, bool fresh, int nesting) {
  if (field.kind == FieldKind::group) return message(*field.message, in, &field, fresh, nesting + 1);
  std::string_view bytes;
  if (!in.bytes(bytes)) return broken(in);
  WireReader inner(bytes);
  return message(*field.message, inner, nullptr, fresh, nesting + 1);
}

template <MessageSink Sink>
bool Decoder<Sink>::list(const FieldPlan& field, bool first, WireType type, WireReader& in, int nesting) {
  const bool packable = field.wire_type != WireType::bytes && field.wire_type != WireType::start_group;
  const bool packed = packable && type == WireType::bytes;
  if (!packed && type != field.wire_type) return mismatch(field, type);
  sink_.begin_list(field, first);
  std::size_t size = first ? 0 : sink_.list_size();
  do {
    const bool ok = packed ? packed_items(field, in, size) : item(field, in, size, nesting);
    if (!ok) return fault_.in_item(size + Sink::kFirstIndex);
  } while (packed == field.packed && in.next_is(field));  // the tag in the plan is the one of the declared way
  sink_.end_list(field);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::packed_items(const FieldPlan& field, WireReader& in, std::size_t& size) {
  std::string_view bytes;
  if (!in.bytes(bytes)) return broken(in);
  WireReader items(bytes);
  while (!items.done()) {
    if (!item(field, items, size, 0)) return false;
  }
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::item(const FieldPlan& field, WireReader& in, std::size_t& size, int nesting) {
  if (field.is_message()) {
    sink_.begin_message(*field.message);
    if (!sub_message(field, in, true, nesting)) return false;
  } else if (field.closed_enum) {
    std::uint64_t raw = 0;
    if (!in.varint(raw)) return broken(in);
    const auto number = static_cast<std::int32_t>(raw);
    if (field.enumeration->find(number) == nullptr) return true;
    sink_.put_enum(field, number);
  } else if (!scalar(field, in)) {
    return false;
  }
  sink_.end_item(size++);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::map(const FieldPlan& field, bool first, WireReader& in, int nesting) {
  sink_.begin_map(field, first);
  do {
    if (!entry(field, in, nesting + 1)) return false;
  } while (in.next_is(field));
  sink_.end_map(field);
  return true;
}

// Key and value may come in any order, several times or not at all: look first where the last of each lies.
template <MessageSink Sink>
bool Decoder<Sink>::entry(const FieldPlan& field, WireReader& in, int nesting) {
  if (nesting > kMaxNesting) return fault_.fail("nested deeper than 100 messages");
  std::string_view bytes;
  if (!in.bytes(bytes)) return broken(in);
  const auto& parts = field.message->fields;
  std::optional<WireReader> at[2];
  for (WireReader scan(bytes); !scan.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!scan.tag(number, type)) return broken(scan);
    if (number == 1 || number == 2) {
      if (type != parts[number - 1].wire_type) return mismatch(parts[number - 1], type);
      at[number - 1] = scan;
    }
    if (!scan.skip(number, type, nesting)) return broken(scan);
  }
  if (parts[1].closed_enum && at[1]) {
    std::uint64_t raw = 0;
    WireReader peek = *at[1];
    if (!peek.varint(raw)) return broken(peek);
    if (parts[1].enumeration->find(static_cast<std::int32_t>(raw)) == nullptr) return true;
  }
  if (!at[0]) {
    put_default(parts[0]);
  } else if (!scalar(parts[0], *at[0])) {
    return fault_.in_key();
  }
  if (!entry_value(parts[1], at[1], bytes, nesting)) return false;
  sink_.end_entry();
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::entry_value(const FieldPlan& value, std::optional<WireReader> at, std::string_view whole,
                                int nesting) {
  if (value.is_message()) return entry_message(value, whole, nesting);
  if (at) return scalar(value, *at);
  put_default(value);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::entry_message(const FieldPlan& value, std::string_view entry, int nesting) {
  sink_.begin_message(*value.message);
  bool fresh = true;
  for (WireReader in(entry); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (number != value.number) {
      if (!in.skip(number, type, nesting)) return broken(in);
      continue;
    }
    if (!sub_message(value, in, fresh, nesting)) return false;
    fresh = false;
  }
  if (!fresh) return true;
  WireReader nothing{std::string_view{}};
  return message(*value.message, nothing, nullptr, true, nesting + 1);
}

template <MessageSink Sink>
bool Decoder<Sink>::scalar(const FieldPlan& field, WireReader& in) {
  switch (field.wire_type) {
    case WireType::varint:
      return varint(field, in);
    case WireType::bytes:
      return text(field, in);
    default:
      return fixed(field, in);
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::text(const FieldPlan& field, WireReader& in) {
  std::string_view text;
  if (!in.bytes(text)) return broken(in);
  if (field.check_utf8 && !is_utf8(text)) return fault_.fail("the string is not valid UTF-8");
  sink_.put(field, text);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::varint(const FieldPlan& field, WireReader& in) {
  std::uint64_t raw = 0;
  if (!in.varint(raw)) return broken(in);
  switch (field.kind) {
    case FieldKind::int32:
      return sink_.put(field, static_cast<std::int32_t>(raw)), true;
    case FieldKind::int64:
      return sink_.put(field, static_cast<std::int64_t>(raw)), true;
    case FieldKind::uint32:
      return sink_.put(field, static_cast<std::uint32_t>(raw)), true;
    case FieldKind::uint64:
      return sink_.put(field, raw), true;
    case FieldKind::sint32:
      return sink_.put(field, unzigzag32(static_cast<std::uint32_t>(raw))), true;
    case FieldKind::sint64:
      return sink_.put(field, unzigzag64(raw)), true;
    case FieldKind::boolean:
      return sink_.put(field, raw != 0), true;
    default:
      return sink_.put_enum(field, static_cast<std::int32_t>(raw)), true;
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::fixed(const FieldPlan& field, WireReader& in) {
  std::uint32_t half = 0;
  std::uint64_t full = 0;
  const bool wide = field.wire_type == WireType::fixed64;
  if (wide ? !in.fixed64(full) : !in.fixed32(half)) return broken(in);
  switch (field.kind) {
    case FieldKind::double_:
      return sink_.put(field, std::bit_cast<double>(full)), true;
    case FieldKind::float_:
      return sink_.put(field, std::bit_cast<float>(half)), true;
    case FieldKind::fixed64:
      return sink_.put(field, full), true;
    case FieldKind::sfixed64:
      return sink_.put(field, static_cast<std::int64_t>(full)), true;
    case FieldKind::fixed32:
      return sink_.put(field, half), true;
    default:
      return sink_.put(field, static_cast<std::int32_t>(half)), true;
  }
}

// What was not on the wire: defaults where absence cannot be told, an empty list or map, a complaint where required.
template <MessageSink Sink>
bool Decoder<Sink>::fill_absent(Level& level) {
  if (!level.fresh) return true;
  const auto& all = level.plan.fields;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (level.has(i)) continue;
    if (all[i].required) return fault_.fail("required field is missing") || fault_.in_field(all[i]);
    if (all[i].presence) continue;
    sink_.begin_field(all[i]);
    put_default(all[i]);
    sink_.end_field(all[i]);
  }
  return true;
}

template <MessageSink Sink>
void Decoder<Sink>::put_default(const FieldPlan& field) {
  if (field.shape != FieldShape::single) return sink_.put_empty(field);
  switch (field.kind) {
    case FieldKind::string:
    case FieldKind::bytes:
      return sink_.put(field, std::string_view{});
    case FieldKind::enumeration:
      return sink_.put_enum(field, field.enumeration->values.front().number);
    case FieldKind::boolean:
      return sink_.put(field, false);
    case FieldKind::double_:
      return sink_.put(field, 0.0);
    case FieldKind::float_:
      return sink_.put(field, 0.0F);
    case FieldKind::int64:
    case FieldKind::sint64:
    case FieldKind::sfixed64:
      return sink_.put(field, std::int64_t{0});
    case FieldKind::uint64:
    case FieldKind::fixed64:
      return sink_.put(field, std::uint64_t{0});
    case FieldKind::uint32:
    case FieldKind::fixed32:
      return sink_.put(field, std::uint32_t{0});
    default:
      return sink_.put(field, std::int32_t{0});
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::mismatch(const FieldPlan& field, WireType type) {
  return fault_.fail(wire_type_mismatch(field, type));
}

}  // namespace lgen
