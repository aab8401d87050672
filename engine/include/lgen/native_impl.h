// What Encoder and Decoder do for the well-known types when source or sink is native; included by codec.h, never by
// itself.
//
// A type that is `bare` stands for its only field, so Struct is a map, ListValue and FieldMask are lists and a wrapper
// is its scalar: no code of their own but the way in. Value, Any and the two times are spelled out.
#pragma once

#include "lgen/codec.h"

namespace lgen {

// ---- Source to wire ----

template <MessageSource Source>
bool Encoder<Source>::native(const MessagePlan& plan, int nesting) {
  switch (plan.form) {
    case MessageForm::bare:
      return field(plan.fields[0], nesting);
    case MessageForm::timestamp:
    case MessageForm::duration:
      return source_.is_message() ? fields(plan, nesting, 0) : time(plan, nesting);
    case MessageForm::value:
      return value_member(plan, nesting);
    case MessageForm::any:
      return any(plan, nesting);
    default:
      return fields(plan, nesting, 0);
  }
}

template <MessageSource Source>
bool Encoder<Source>::time(const MessagePlan& plan, int nesting) {
  (void)nesting;
  SecondsAndNanos time;
  if (!source_.get_seconds(plan, time, fault_)) return false;
  if (time.nanos != 0) {
    out_.put_varint(static_cast<std::uint64_t>(std::int64_t{time.nanos}));
    out_.put_tag(plan.fields[1]);
  }
  if (time.seconds != 0) {
    out_.put_varint(static_cast<std::uint64_t>(time.seconds));
    out_.put_tag(plan.fields[0]);
  }
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::value_member(const MessagePlan& plan, int nesting) {
  std::uint32_t member = 0;
  if (!source_.member_of_value(plan, member, fault_)) return false;
  const FieldPlan& field = plan.fields[member];
  if (field.kind == FieldKind::enumeration) {
    out_.put_byte(0);  // NULL_VALUE
  } else if (!value(field, nesting)) {
    return false;
  }
  out_.put_tag(field);
  return true;
}

template <MessageSource Source>
bool Encoder<Source>::any(const MessagePlan& plan, int nesting) {
  std::string_view type_url;
  bool given = false;
  if (!source_.any_type(type_url, given, fault_)) return false;
  if (!given) return fields(plan, nesting, 0);  // by its own fields, type_url and value
  const MessagePlan* inside = type_inside(plan, type_url);
  const std::size_t mark = out_.size();
  const bool by_fields = inside != nullptr && inside->form == MessageForm::plain;
  if (!(by_fields ? fields(*inside, nesting + 1, 1) : any_value(plan, inside, nesting))) return false;
  if (out_.size() > mark) {
    out_.put_varint(out_.size() - mark);
    out_.put_tag(plan.fields[1]);
  }
  if (!is_utf8(type_url)) return fault_.fail("the type is not valid UTF-8");
  out_.put_bytes(type_url);
  out_.put_varint(type_url.size());
  out_.put_tag(plan.fields[0]);
  return true;
}

// What is not shown by its fields stands in the field `value`: a well-known type; the bytes of an unknown one.
template <MessageSource Source>
bool Encoder<Source>::any_value(const MessagePlan& any, const MessagePlan* inside, int nesting) {
  if (!source_.enter(any, fault_)) return false;
  const FieldPlan& field = any.fields[1];
  const bool there = source_.select(field, 1);
  std::string_view bytes;
  if (there && inside != nullptr) {
    if (!message(*inside, nesting + 1)) return fault_.in_field(field);
  } else if (there) {
    if (!get(field, bytes)) return fault_.in_field(field);
    out_.put_bytes(bytes);
  } else if (inside != nullptr) {
    return fault_.fail(inside->name + " expected") || fault_.in_field(field);
  }
  return source_.leave(any, there ? 2 : 1, fault_);
}

// ---- Wire to sink ----

template <MessageSink Sink>
bool Decoder<Sink>::native(const MessagePlan& plan, std::string_view bytes, int nesting) {
  if constexpr (NativeSink<Sink>) {
    if (nesting > kMaxNesting) return fault_.fail("nested deeper than 100 messages");
    switch (plan.form) {
      case MessageForm::bare:
        return bare(plan, bytes, nesting);
      case MessageForm::timestamp:
      case MessageForm::duration:
        return time(plan, bytes, nesting);
      case MessageForm::value:
        return value_member(plan, bytes, nesting);
      case MessageForm::any:
        return any(plan, bytes, nesting);
      default:
        break;
    }
  }
  WireReader in(bytes);
  sink_.begin_message(plan);
  return message(plan, in, nullptr, true, nesting);
}

template <MessageSink Sink>
bool Decoder<Sink>::bare(const MessagePlan& plan, std::string_view bytes, int nesting) {
  const FieldPlan& field = plan.fields[0];
  const bool single = field.shape == FieldShape::single;
  if (!single) field.shape == FieldShape::list&& field.is_message() ? sink_.put_array() : sink_.put_empty(field);
  std::optional<WireReader> last;
  std::size_t size = 0;
  for (WireReader in(bytes); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (number == field.number && type != field.wire_type) return mismatch(field, type);
    if (number == field.number && single) {
      if (!superseded(field, last)) return false;
      last = in;
    }
    if (number == field.number && !single) {
      if (!bare_part(field, in, size, nesting)) return false;
    } else if (!in.skip(number, type, nesting)) {
      return broken(in);
    }
  }
  if (!single) return true;
  if (last) return scalar(field, *last);
  put_default(sink_, field);
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::bare_part(const FieldPlan& field, WireReader& in, std::size_t& size, int nesting) {
  if (field.shape == FieldShape::map) return entry(field, in, nesting + 1);
  return item(field, in, size, nesting) || fault_.in_item(size + Sink::kFirstIndex);
}

template <MessageSink Sink>
bool Decoder<Sink>::time(const MessagePlan& plan, std::string_view bytes, int nesting) {
  std::uint64_t parts[2] = {};
  for (WireReader in(bytes); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (number > 2) {
      if (!in.skip(number, type, nesting)) return broken(in);
      continue;
    }
    const FieldPlan& field = plan.fields[number - 1];
    if (type != WireType::varint) return mismatch(field, type) || fault_.in_field(field);
    if (!in.varint(parts[number - 1])) return broken(in) || fault_.in_field(field);
  }
  sink_.put_seconds({static_cast<std::int64_t>(parts[0]), static_cast<std::int32_t>(parts[1])});
  return true;
}

// The last member counts, but all of them must be valid.
template <MessageSink Sink>
bool Decoder<Sink>::value_member(const MessagePlan& plan, std::string_view bytes, int nesting) {
  const FieldPlan* member = nullptr;
  for (WireReader in(bytes); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    const std::uint32_t index = plan.find_number(number);
    if (index == MessagePlan::kNoField) {
      if (!in.skip(number, type, nesting)) return broken(in);
      continue;
    }
    const FieldPlan& field = plan.fields[index];
    if (type != field.wire_type) return mismatch(field, type);
    if (member == &field && field.is_message()) return in_pieces();
    if (member != nullptr) sink_.drop();
    member = &field;
    if (!member_content(field, in, nesting)) return false;
  }
  if (member == nullptr) sink_.put_null();
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::member_content(const FieldPlan& field, WireReader& in, int nesting) {
  if (field.is_message()) return new_message(field, in, nesting);
  if (field.kind != FieldKind::enumeration) return scalar(field, in);
  std::uint64_t null = 0;
  if (!in.varint(null)) return broken(in);
  sink_.put_null();
  return true;
}

template <MessageSink Sink>
bool Decoder<Sink>::any(const MessagePlan& plan, std::string_view bytes, int nesting) {
  std::string_view parts[2];
  for (WireReader in(bytes); !in.done();) {
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return broken(in);
    if (number > 2) {
      if (!in.skip(number, type, nesting)) return broken(in);
      continue;
    }
    const FieldPlan& field = plan.fields[number - 1];
    if (type != WireType::bytes) return mismatch(field, type) || fault_.in_field(field);
    if (!in.bytes(parts[number - 1])) return broken(in) || fault_.in_field(field);
    if (!is_utf8(parts[0])) return fault_.fail("the string is not valid UTF-8") || fault_.in_field(plan.fields[0]);
  }
  return any_value(plan, parts[0], parts[1], nesting);
}

template <MessageSink Sink>
bool Decoder<Sink>::any_value(const MessagePlan& plan, std::string_view type_url, std::string_view bytes, int nesting) {
  const MessagePlan* inside = type_inside(plan, type_url);
  if (inside != nullptr) sink_.prepare(*inside);
  if (inside != nullptr && inside->form == MessageForm::plain) {
    if (!native(*inside, bytes, nesting + 1)) return false;
    sink_.end_any(type_url);
    return true;
  }
  sink_.begin_any(type_url);
  if (inside == nullptr) {
    if (bytes.empty()) return true;
    sink_.put(plan.fields[1], bytes);
  } else if (!native(*inside, bytes, nesting + 1)) {
    return fault_.in_field(plan.fields[1]);
  }
  sink_.end_any_value();
  return true;
}

}  // namespace lgen
