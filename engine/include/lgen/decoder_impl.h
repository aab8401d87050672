// The bodies of Decoder; included by codec.h, never by itself.
#pragma once

#include "lgen/codec.h"

namespace lgen {

/// The value of a field that is not on the wire.
template <MessageSink Sink>
void put_default(Sink& sink, const FieldPlan& field) {
  if (field.shape != FieldShape::single) return sink.put_empty(field);
  switch (field.kind) {
    case FieldKind::string:
    case FieldKind::bytes:
      return sink.put(field, std::string_view{});
    case FieldKind::enumeration:
      return sink.put_enum(field, field.enumeration->values.front().number);
    case FieldKind::boolean:
      return sink.put(field, false);
    case FieldKind::double_:
      return sink.put(field, 0.0);
    case FieldKind::float_:
      return sink.put(field, 0.0F);
    case FieldKind::int64:
    case FieldKind::sint64:
    case FieldKind::sfixed64:
      return sink.put(field, std::int64_t{0});
    case FieldKind::uint64:
    case FieldKind::fixed64:
      return sink.put(field, std::uint64_t{0});
    case FieldKind::uint32:
    case FieldKind::fixed32:
      return sink.put(field, std::uint32_t{0});
    default:
      return sink.put(field, std::int32_t{0});
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::root(const MessagePlan& plan, std::string_view bytes) {
  if constexpr (NativeSink<Sink>) {
    if (plan.form != MessageForm::plain) return native(plan, bytes, 0);
  }
  WireReader in(bytes);
  sink_.begin_message(plan);
  return message(plan, in, nullptr, true, 0);
}

template <MessageSink Sink>
bool Decoder<Sink>::message(const MessagePlan& plan, WireReader& in, const FieldPlan* group, bool fresh, int nesting) {
  if (nesting > kMaxNesting) return fault_.fail("nested deeper than 100 messages");
  Level level(plan, group, fresh);
  return fields(level, in, nesting) && finish(level);
}

template <MessageSink Sink>
bool Decoder<Sink>::fields(Level& level, WireReader& in, int nesting) {
  const FieldPlan* const all = level.plan.fields.data();
  const FieldPlan* const end = all + level.plan.fields.size();
  // Nearly all writers keep the order of the fields, so the next one is guessed before it is looked up.
  const FieldPlan* guess = all;
  std::uint32_t next = 0;  // its index
  while (!in.done()) {
    if (guess != end && guess->simple && in.next_byte_is(*guess)) {
      if (!simple(level, *guess, next, in)) return fault_.in_field(*guess);
      ++guess;
      ++next;
      continue;
    }
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
      continue;
    }
    const FieldPlan& known = all[index];
    guess = &known + 1;
    next = index + 1;
    const bool ok = known.simple && type == known.wire_type ? simple(level, known, index, in)
                                                            : field(level, index, type, in, nesting);
    if (!ok) return fault_.in_field(known);
  }
  return level.group == nullptr || fault_.fail("the message ends inside a group");
}

template <MessageSink Sink>
inline bool Decoder<Sink>::simple(Level& level, const FieldPlan& field, std::uint32_t index, WireReader& in) {
  level.mark(index);
  sink_.begin_field(field, index);
  if (!scalar(field, in)) return false;
  sink_.end_field(field, index);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::field(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  if (field.shape == FieldShape::list) return list(level, index, type, in, nesting);
  if (type != field.wire_type) return mismatch(field, type);
  return field.shape == FieldShape::single ? single(level, index, in, nesting) : map(level, index, in, nesting);
}

template <MessageSink Sink>
bool Decoder<Sink>::single(Level& level, std::uint32_t index, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  if (field.closed_enum) return closed_enum(level, index, in);
  if (field.oneof >= 0) clear_other_members(level, index);
  const bool first = level.first_time(index);
  level.mark(index);
  sink_.begin_field(field, index);
  if (!field.is_message()) {
    if (!scalar(field, in)) return false;
  } else if (first) {
    if (!new_message(field, in, nesting)) return false;
  } else {
    if (NativeSink<Sink> && field.message->form != MessageForm::plain) return in_pieces();
    const bool more = sink_.resume_message(field, index);
    if (!(more ? sub_message(field, in, false, nesting) : new_message(field, in, nesting))) return false;
  }
  sink_.end_field(field, index);
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
  sink_.begin_field(field, index);
  sink_.put_enum(field, number);
  sink_.end_field(field, index);
  return true;
}

template <MessageSink Sink>
void Decoder<Sink>::clear_other_members(Level& level, std::uint32_t index) {
  const OneofPlan& oneof = level.plan.oneofs[static_cast<std::size_t>(level.plan.fields[index].oneof)];
  for (std::uint32_t i = oneof.first; i < oneof.first + oneof.count; ++i) {
    if (i != index && !level.first_time(i)) sink_.clear_field(level.plan.fields[i], i);
  }
}

template <MessageSink Sink>
bool Decoder<Sink>::new_message(const FieldPlan& field, WireReader& in, int nesting) {
  if constexpr (NativeSink<Sink>) {
    if (field.message->form != MessageForm::plain) {
      std::string_view bytes;
      return in.bytes(bytes) ? native(*field.message, bytes, nesting + 1) : broken(in);
    }
  }
  sink_.begin_message(*field.message);
  return sub_message(field, in, true, nesting);
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
bool Decoder<Sink>::list(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  const bool packable = field.wire_type != WireType::bytes && field.wire_type != WireType::start_group;
  const bool packed = packable && type == WireType::bytes;
  if (!packed && type != field.wire_type) return mismatch(field, type);
  const bool first = level.first_time(index);
  level.mark(index);
  sink_.begin_list(field, index, first);
  std::size_t size = first ? 0 : sink_.list_size();
  do {
    const bool ok = packed ? packed_items(field, in, size) : item(field, in, size, nesting);
    if (!ok) return fault_.in_item(size + Sink::kFirstIndex);
  } while (packed == field.packed && in.next_is(field));  // the tag in the plan is the one of the declared way
  sink_.end_list(field, index);
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
    if (!new_message(field, in, nesting)) return false;
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
bool Decoder<Sink>::map(Level& level, std::uint32_t index, WireReader& in, int nesting) {
  const FieldPlan& field = level.plan.fields[index];
  const bool first = level.first_time(index);
  level.mark(index);
  sink_.begin_map(field, index, first);
  do {
    if (!entry(field, in, nesting + 1)) return false;
  } while (in.next_is(field));
  sink_.end_map(field, index);
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
      if (!superseded(parts[number - 1], at[number - 1])) return false;
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
    put_default(sink_, parts[0]);
  } else if (!scalar(parts[0], *at[0])) {
    return fault_.in_key();
  }
  if (!entry_value(parts[1], at[1], bytes, nesting)) return false;
  sink_.end_entry();
  return true;
}

// What another value follows must be valid, too, though nobody will see it.
template <MessageSink Sink>
bool Decoder<Sink>::superseded(const FieldPlan& field, std::optional<WireReader> at) {
  std::string_view text;
  if (!at || !field.check_utf8 || !at->bytes(text) || is_utf8(text)) return true;
  return fault_.fail("the string is not valid UTF-8");
}

template <MessageSink Sink>
bool Decoder<Sink>::entry_value(const FieldPlan& value, std::optional<WireReader> at, std::string_view whole,
                                int nesting) {
  if (value.is_message()) return entry_message(value, whole, nesting);
  if (at) return scalar(value, *at);
  put_default(sink_, value);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::entry_message(const FieldPlan& value, std::string_view entry, int nesting) {
  bool fresh = true;
  for (WireReader in(entry); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (number != value.number) {
      if (!in.skip(number, type, nesting)) return broken(in);
      continue;
    }
    if (fresh) {
      if (!new_message(value, in, nesting)) return false;
    } else {
      if (NativeSink<Sink> && value.message->form != MessageForm::plain) return in_pieces();
      sink_.reopen_message(*value.message);
      if (!sub_message(value, in, false, nesting)) return false;
    }
    fresh = false;
  }
  if (!fresh) return true;
  constexpr char kEmpty[] = {0};  // a sub-message of no bytes
  WireReader nothing{std::string_view(kEmpty, 1)};
  return new_message(value, nothing, nesting);
}

// One switch, because this is where the time goes.
template <MessageSink Sink>
bool Decoder<Sink>::scalar(const FieldPlan& field, WireReader& in) {
  std::uint64_t raw = 0;
  std::uint32_t half = 0;
  switch (field.kind) {
    case FieldKind::int32:
      return in.varint(raw) ? put(field, static_cast<std::int32_t>(raw)) : broken(in);
    case FieldKind::int64:
      return in.varint(raw) ? put(field, static_cast<std::int64_t>(raw)) : broken(in);
    case FieldKind::uint32:
      return in.varint(raw) ? put(field, static_cast<std::uint32_t>(raw)) : broken(in);
    case FieldKind::uint64:
      return in.varint(raw) ? put(field, raw) : broken(in);
    case FieldKind::sint32:
      return in.varint(raw) ? put(field, unzigzag32(static_cast<std::uint32_t>(raw))) : broken(in);
    case FieldKind::sint64:
      return in.varint(raw) ? put(field, unzigzag64(raw)) : broken(in);
    case FieldKind::boolean:
      return in.varint(raw) ? put(field, raw != 0) : broken(in);
    case FieldKind::double_:
      return in.fixed64(raw) ? put(field, std::bit_cast<double>(raw)) : broken(in);
    case FieldKind::fixed64:
      return in.fixed64(raw) ? put(field, raw) : broken(in);
    case FieldKind::sfixed64:
      return in.fixed64(raw) ? put(field, static_cast<std::int64_t>(raw)) : broken(in);
    case FieldKind::float_:
      return in.fixed32(half) ? put(field, std::bit_cast<float>(half)) : broken(in);
    case FieldKind::fixed32:
      return in.fixed32(half) ? put(field, half) : broken(in);
    case FieldKind::sfixed32:
      return in.fixed32(half) ? put(field, static_cast<std::int32_t>(half)) : broken(in);
    case FieldKind::enumeration:
      if (!in.varint(raw)) return broken(in);
      sink_.put_enum(field, static_cast<std::int32_t>(raw));
      return true;
    default:
      return text(field, in);
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

// What was not on the wire: defaults where absence cannot be told, an empty list or map, a complaint where required.
template <MessageSink Sink>
bool Decoder<Sink>::finish(Level& level) {
  const auto& all = level.plan.fields;
  const bool fill = level.fresh && sink_.wants_defaults();
  for (std::uint32_t i = 0; (fill || (level.fresh && level.plan.has_required)) && i < all.size(); ++i) {
    if (level.has(i)) continue;
    if (all[i].required) return fault_.fail("required field is missing") || fault_.in_field(all[i]);
    if (all[i].presence || !fill) continue;
    sink_.begin_field(all[i], i);
    put_default(sink_, all[i]);
    sink_.end_field(all[i], i);
  }
  sink_.end_message(level.plan);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::mismatch(const FieldPlan& field, WireType type) {
  return fault_.fail(wire_type_mismatch(field, type));
}

}  // namespace lgen
