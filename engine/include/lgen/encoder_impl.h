// The bodies of Encoder; included by codec.h, never by itself.
#pragma once

#include "lgen/codec.h"

namespace lgen {

template <MessageSource Source>
bool Encoder<Source>::message(const MessagePlan& plan, int nesting) {
  if (nesting > kMaxNesting) return fault_.fail(kTooDeepToWrite);
  if constexpr (NativeSource<Source>) {
    if (plan.form != MessageForm::plain) return native(plan, nesting);
  }
  return fields(plan, nesting, 0);
}

// `further_keys`: that the value at hand has beside fields of the plan.
template <MessageSource Source>
bool Encoder<Source>::fields(const MessagePlan& plan, int nesting, std::size_t further_keys) {
  if (!source_.enter(plan, fault_)) return false;
  std::size_t found = further_keys;
  const FieldPlan* member = nullptr;  // members of a oneof stand side by side: the last one seen is enough
  for (auto i = static_cast<std::uint32_t>(plan.fields.size()); i-- > 0;) {
    const FieldPlan& at = plan.fields[i];
    if (!source_.select(at, i)) {
      if (at.required) return fault_.fail("required field is missing") || fault_.in_field(at);
      continue;
    }
    ++found;
    if (at.oneof >= 0) {
      if (member != nullptr && member->oneof == at.oneof) return two_members(at, *member, plan);
      member = &at;
    }
    if (!field(at, nesting)) return fault_.in_field(at);
  }
  return source_.leave(plan, found, fault_);
}

template <MessageSource Source>
bool Encoder<Source>::field(const FieldPlan& field, int nesting) {
  if (field.shape == FieldShape::single) return single(field, nesting);
  return field.shape == FieldShape::list ? list(field, nesting) : map(field, nesting);
}

template <MessageSource Source>
bool Encoder<Source>::single(const FieldPlan& field, int nesting) {
  const std::size_t mark = out_.size();
  if (!value(field, nesting)) return false;
  // The default of a field without presence is not written. On the wire it is all zeros, and only it is.
  if (!field.presence && out_.zero_since(mark)) {
    out_.rewind(mark);
  } else {
    out_.put_tag(field);
  }
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::list(const FieldPlan& field, int nesting) {
  std::size_t size = 0;
  if (!source_.list_size(field, size, fault_)) return false;
  const std::size_t place = source_.place();
  const std::size_t mark = out_.size();
  for (std::size_t i = size; i-- > 0;) {
    if (!source_.select_item(place, i, fault_) || !value(field, nesting)) {
      return fault_.in_item(i + Source::kFirstIndex);
    }
    source_.release();
    if (!field.packed) out_.put_tag(field);
  }
  if (field.packed && size > 0) {
    out_.put_varint(out_.size() - mark);
    out_.put_tag(field);
  }
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::map(const FieldPlan& field, int nesting) {
  if (!source_.enter_map(field, fault_)) return false;
  const std::size_t map_place = source_.place();
  while (source_.next_entry(map_place)) {
    const std::size_t place = source_.place();
    if (!entry(field, nesting + 1)) return source_.describe_entry(place, fault_);
  }
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::entry(const FieldPlan& field, int nesting) {
  const FieldPlan& key_field = field.message->fields[0];
  const FieldPlan& value_field = field.message->fields[1];
  const std::size_t mark = out_.size();
  if (!value(value_field, nesting)) return false;
  out_.put_tag(value_field);
  source_.release();
  if (!value(key_field, nesting)) return fault_.in_key();
  out_.put_tag(key_field);
  out_.put_varint(out_.size() - mark);
  out_.put_tag(field);
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::value(const FieldPlan& field, int nesting) {
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint32_t u32 = 0;
  std::uint64_t u64 = 0;
  float f32 = 0;
  double f64 = 0;
  bool flag = false;
  switch (field.kind) {
    case FieldKind::string:
    case FieldKind::bytes:
      return text(field);
    case FieldKind::int32:
      if (!get(field, i32)) return false;
      return out_.put_varint(static_cast<std::uint64_t>(std::int64_t{i32})), true;
    case FieldKind::int64:
      if (!get(field, i64)) return false;
      return out_.put_varint(static_cast<std::uint64_t>(i64)), true;
    case FieldKind::uint32:
      if (!get(field, u32)) return false;
      return out_.put_varint(u32), true;
    case FieldKind::uint64:
      if (!get(field, u64)) return false;
      return out_.put_varint(u64), true;
    case FieldKind::sint32:
      if (!get(field, i32)) return false;
      return out_.put_varint(zigzag32(i32)), true;
    case FieldKind::sint64:
      if (!get(field, i64)) return false;
      return out_.put_varint(zigzag64(i64)), true;
    case FieldKind::boolean:
      if (!get(field, flag)) return false;
      return out_.put_byte(flag ? 1 : 0), true;
    case FieldKind::enumeration:
      if (!source_.get_enum(field, i32, fault_)) return false;
      return out_.put_varint(static_cast<std::uint64_t>(std::int64_t{i32})), true;
    case FieldKind::double_:
      if (!get(field, f64)) return false;
      return out_.put_fixed64(std::bit_cast<std::uint64_t>(f64)), true;
    case FieldKind::float_:
      if (!get(field, f32)) return false;
      return out_.put_fixed32(std::bit_cast<std::uint32_t>(f32)), true;
    case FieldKind::fixed32:
      if (!get(field, u32)) return false;
      return out_.put_fixed32(u32), true;
    case FieldKind::fixed64:
      if (!get(field, u64)) return false;
      return out_.put_fixed64(u64), true;
    case FieldKind::sfixed32:
      if (!get(field, i32)) return false;
      return out_.put_fixed32(static_cast<std::uint32_t>(i32)), true;
    case FieldKind::sfixed64:
      if (!get(field, i64)) return false;
      return out_.put_fixed64(static_cast<std::uint64_t>(i64)), true;
    case FieldKind::message:
    case FieldKind::group:
      return sub_message(field, nesting);
  }
  return fault_.fail("field of a kind that lgen does not know");
}

template <MessageSource Source>
bool Encoder<Source>::sub_message(const FieldPlan& field, int nesting) {
  if (field.kind == FieldKind::group) {
    out_.put_varint(field.number << 3 | static_cast<std::uint32_t>(WireType::end_group));
    return message(*field.message, nesting + 1);
  }
  const std::size_t mark = out_.size();
  if (!message(*field.message, nesting + 1)) return false;
  out_.put_varint(out_.size() - mark);
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::text(const FieldPlan& field) {
  std::string_view text;
  if (!get(field, text)) return false;
  if (field.kind == FieldKind::string && !is_utf8(text)) {
    return fault_.fail("the string is not valid UTF-8; declare the field as bytes to send it as it is");
  }
  out_.put_bytes(text);
  out_.put_varint(text.size());
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::two_members(const FieldPlan& one, const FieldPlan& other, const MessagePlan& plan) {
  const OneofPlan& oneof = plan.oneofs[static_cast<std::size_t>(one.oneof)];
  return fault_.fail("oneof '" + oneof.name + "' takes one member, got '" + one.name + "' and '" + other.name + "'");
}

}  // namespace lgen
