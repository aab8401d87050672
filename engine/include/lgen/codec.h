// Messages to protobuf wire bytes and back, by compiled plans, from and into anything that models a message.
//
// A *source* is a cursor over a message somewhere (a Lua table): the encoder moves it and asks for values. It writes
// backwards, the last field first, because a sub-message's length precedes it and is known only afterwards; so one pass
// is enough and nothing is computed twice. A *sink* is a small stack machine: the decoder pushes messages, lists and
// values and says where they belong. Both are template parameters, so that a value goes from its home to the wire
// without a call that is not inlined.
//
// Strict in both directions: what a source hands over must fit the type; bytes are refused where they are truncated,
// where a varint is over-long, where a known field comes with another wire type than its own, where a proto3 string is
// no UTF-8, where messages nest deeper than kMaxNesting. Unknown fields are passed over; the last of several values of
// a field wins, sub-messages merge, lists append, packed or not.
// Subtleness: where a sub-message comes in several pieces, each piece must hold its required fields (proto2).
//
// Well-known types are messages on the wire. A source or sink that is native (NativeSource, NativeSink) shows them as
// what they stand for; the others see their fields. The price for ordinary messages is one comparison a message.
//
// Thread: no state of its own. Lifetime: nothing is kept after the call; encoder and decoder have no destructors, so a
// source or sink may leave by longjmp (Lua out of memory).
#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/message_plan.h"
#include "lgen/well_known.h"
#include "lgen/wire.h"

namespace lgen {

/// What the encoder asks of a source. "At hand" is the value the cursor is on. After a false the source is not used
/// any more, but for describe_entry.
template <class S>
concept MessageSource = requires(S s, const MessagePlan& plan, const FieldPlan& field, Fault& fault, std::size_t n,
                                 std::uint32_t index, std::int32_t& i32, std::int64_t& i64, std::uint32_t& u32,
                                 std::uint64_t& u64, float& f32, double& f64, bool& flag, std::string_view& text) {
  { S::kFirstIndex } -> std::convertible_to<std::size_t>;  // how its users count list items
  { s.enter(plan, fault) } -> std::same_as<bool>;          // the value at hand has to be such a message
  { s.select(field, index) } -> std::same_as<bool>;   // its field, plan.fields[index], comes to hand; false: absent
  { s.leave(plan, n, fault) } -> std::same_as<bool>;  // n fields were found: complain of any other
  { s.place() } -> std::same_as<std::size_t>;         // where the value at hand is
  { s.list_size(field, n, fault) } -> std::same_as<bool>;  // the value at hand has to be a list
  { s.select_item(n, n, fault) } -> std::same_as<bool>;    // of the list at that place item n (from 0) comes to hand
  { s.enter_map(field, fault) } -> std::same_as<bool>;     // the value at hand has to be a map
  {
    s.next_entry(n)
    } -> std::same_as<bool>;                             // of the map at that place the next entry's value comes to
                                                         // hand, after release() its key; false: none left
  s.release();                                           // back from an item or an entry's value
  { s.describe_entry(n, fault) } -> std::same_as<bool>;  // calls fault.in_entry with the key of the value there
  { s.get(field, i32, fault) } -> std::same_as<bool>;
  { s.get(field, i64, fault) } -> std::same_as<bool>;
  { s.get(field, u32, fault) } -> std::same_as<bool>;
  { s.get(field, u64, fault) } -> std::same_as<bool>;
  { s.get(field, f32, fault) } -> std::same_as<bool>;
  { s.get(field, f64, fault) } -> std::same_as<bool>;
  { s.get(field, flag, fault) } -> std::same_as<bool>;
  { s.get(field, text, fault) } -> std::same_as<bool>;  // string (UTF-8 is checked by the encoder), bytes
  { s.get_enum(field, i32, fault) } -> std::same_as<bool>;
};

/// A source in which the well-known types are what they stand for (see MessageForm) and not messages. All of this is
/// about the value at hand.
template <class S>
concept NativeSource = MessageSource<S> && requires(S s, const MessagePlan& plan, Fault& fault, std::uint32_t& member,
                                                    SecondsAndNanos& time, bool& flag, std::string_view& text) {
  { s.is_message() } -> std::same_as<bool>;  // a Timestamp or Duration may be given by its fields, too
  { s.get_seconds(plan, time, fault) } -> std::same_as<bool>;
  {
    s.member_of_value(plan, member, fault)
    } -> std::same_as<bool>;                                // which field of google.protobuf.Value it goes into
  { s.any_type(text, flag, fault) } -> std::same_as<bool>;  // an Any's type URL, and whether it is there
};

/// What the decoder asks of a sink: a stack on which begin_message ... end_message, begin_list, begin_map and put each
/// leave one value, which the next end_... stores in the container below it. `index`: of the field in its plan.
template <class S>
concept MessageSink = requires(S s, const MessagePlan& plan, const FieldPlan& field, std::size_t n, std::uint32_t index,
                               std::int32_t i32, std::int64_t i64, std::uint32_t u32, std::uint64_t u64, float f32,
                               double f64, bool flag, std::string_view text) {
  { S::kFirstIndex } -> std::convertible_to<std::size_t>;
  s.begin_message(plan);                                     // an empty one
  { s.resume_message(field, index) } -> std::same_as<bool>;  // the one stored in that field; false: none, no change
  s.reopen_message(plan);                                    // the one on top, which had been ended
  { s.wants_defaults() } -> std::same_as<bool>;              // or fills in by itself what was not on the wire
  s.end_message(plan);
  s.begin_field(field, index);  // the next value is for that field of the message on top
  s.end_field(field, index);    // ... store it
  s.clear_field(field, index);
  s.begin_list(field, index, flag);                // true: a new one; false: the one stored there
  { s.list_size() } -> std::same_as<std::size_t>;  // of the list on top
  s.end_item(n);                                   // store as item n (from 0)
  s.end_list(field, index);
  s.begin_map(field, index, flag);  // as begin_list; then for each entry a key, a value and
  s.end_entry();                    // ... store the two
  s.end_map(field, index);
  s.put_empty(field);  // an empty list or map
  s.put(field, i32);
  s.put(field, i64);
  s.put(field, u32);
  s.put(field, u64);
  s.put(field, f32);
  s.put(field, f64);
  s.put(field, flag);
  s.put(field, text);
  s.put_enum(field, i32);
};

/// A sink that gets the well-known types as what they stand for.
template <class S>
concept NativeSink = MessageSink<S> &&
    requires(S s, const MessagePlan& plan, SecondsAndNanos time, std::string_view text) {
  s.restart();  // drop all there is: the message is read once more
  s.put_seconds(time);
  s.put_null();
  s.put_array();      // an empty list of Values
  s.drop();           // the value on top: another one takes its place
  s.prepare(plan);    // a type met on the way, inside an Any
  s.end_any(text);    // the message on top is what an Any with that type URL holds
  s.begin_any(text);  // ... or one value will be, stored by:
  s.end_any_value();
};

/// The smallest valid message of a type: empty, or with zero in its required fields.
Result<std::string> smallest_message(const MessagePlan& plan);

/// The same message with no sub-message in several pieces, as the decoder needs it where a well-known type is split.
bool join_pieces(const MessagePlan& plan, std::string_view bytes, std::string& joined, Fault& fault);

template <MessageSource Source>
class Encoder {
 public:
  Encoder(Source& source, WireBuffer& out, Fault& fault) : source_(source), out_(out), fault_(fault) {}

  /// Writes the message at hand in front of what `out` holds.
  bool message(const MessagePlan& plan, int nesting);

 private:
  bool fields(const MessagePlan& plan, int nesting, std::size_t further_keys);
  bool field(const FieldPlan& field, int nesting);
  bool single(const FieldPlan& field, int nesting);
  bool list(const FieldPlan& field, int nesting);
  bool map(const FieldPlan& field, int nesting);
  bool entry(const FieldPlan& field, int nesting);
  bool value(const FieldPlan& field, int nesting);
  bool sub_message(const FieldPlan& field, int nesting);
  bool text(const FieldPlan& field);
  bool two_members(const FieldPlan& one, const FieldPlan& other, const MessagePlan& plan);

  bool native(const MessagePlan& plan, int nesting);
  bool time(const MessagePlan& plan, int nesting);
  bool value_member(const MessagePlan& plan, int nesting);
  bool any(const MessagePlan& plan, int nesting);
  bool any_value(const MessagePlan& any, const MessagePlan* inside, int nesting);

  template <class T>
  bool get(const FieldPlan& field, T& value) {
    return source_.get(field, value, fault_);
  }

  Source& source_;
  WireBuffer& out_;
  Fault& fault_;
};

template <MessageSink Sink>
class Decoder {
 public:
  Decoder(Sink& sink, Fault& fault) : sink_(sink), fault_(fault) {}

  /// Leaves the message on the sink's stack.
  bool root(const MessagePlan& plan, std::string_view bytes);

  /// Why root() failed: a well-known type came in pieces, which only join_pieces() can put together.
  bool met_pieces() const { return met_pieces_; }

 private:
  /// One message being read: which of its fields have been stored. Only the words that the plan needs are touched.
  struct Level {
    const MessagePlan& plan;
    const FieldPlan* group;  // the field whose end tag ends it; nullptr: ends with its bytes
    bool fresh;              // false: more of a message that has been read before
    std::uint64_t stored[MessagePlan::kMaxFields / 64];

    Level(const MessagePlan& p, const FieldPlan* end, bool is_fresh) : plan(p), group(end), fresh(is_fresh) {
      stored[0] = 0;  // mostly all there is, and cheaper than a call
      if (plan.fields.size() > 64) std::memset(stored, 0, (plan.fields.size() + 63) / 64 * sizeof(std::uint64_t));
    }
    bool has(std::uint32_t index) const { return (stored[index / 64] >> (index % 64) & 1) != 0; }
    void mark(std::uint32_t index) { stored[index / 64] |= 1ULL << (index % 64); }
    bool first_time(std::uint32_t index) const { return fresh && !has(index); }
  };

  bool message(const MessagePlan& plan, WireReader& in, const FieldPlan* group, bool fresh, int nesting);
  bool fields(Level& level, WireReader& in, int nesting);
  bool simple(Level& level, const FieldPlan& field, std::uint32_t index, WireReader& in);
  bool field(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting);
  bool single(Level& level, std::uint32_t index, WireReader& in, int nesting);
  bool closed_enum(Level& level, std::uint32_t index, WireReader& in);
  void clear_other_members(Level& level, std::uint32_t index);
  bool new_message(const FieldPlan& field, WireReader& in, int nesting);
  bool sub_message(const FieldPlan& field, WireReader& in, bool fresh, int nesting);
  bool list(Level& level, std::uint32_t index, WireType type, WireReader& in, int nesting);
  bool packed_items(const FieldPlan& field, WireReader& in, std::size_t& size);
  bool item(const FieldPlan& field, WireReader& in, std::size_t& size, int nesting);
  bool map(Level& level, std::uint32_t index, WireReader& in, int nesting);
  bool entry(const FieldPlan& field, WireReader& in, int nesting);
  bool superseded(const FieldPlan& field, std::optional<WireReader> at);
  bool entry_value(const FieldPlan& value, std::optional<WireReader> at, std::string_view whole, int nesting);
  bool entry_message(const FieldPlan& value, std::string_view entry, int nesting);
  bool scalar(const FieldPlan& field, WireReader& in);
  bool text(const FieldPlan& field, WireReader& in);
  bool finish(Level& level);

  bool native(const MessagePlan& plan, std::string_view bytes, int nesting);
  bool bare(const MessagePlan& plan, std::string_view bytes, int nesting);
  bool bare_part(const FieldPlan& field, WireReader& in, std::size_t& size, int nesting);
  bool time(const MessagePlan& plan, std::string_view bytes, int nesting);
  bool value_member(const MessagePlan& plan, std::string_view bytes, int nesting);
  bool member_content(const FieldPlan& field, WireReader& in, int nesting);
  bool any(const MessagePlan& plan, std::string_view bytes, int nesting);
  bool any_value(const MessagePlan& plan, std::string_view type_url, std::string_view bytes, int nesting);
  bool in_pieces() {
    met_pieces_ = true;
    return false;
  }

  template <class T>
  bool put(const FieldPlan& field, T value) {
    sink_.put(field, value);
    return true;
  }

  bool broken(const WireReader& in) { return fault_.fail(in.problem()); }
  bool mismatch(const FieldPlan& field, WireType type);

  Sink& sink_;
  Fault& fault_;
  bool met_pieces_ = false;
};

template <MessageSource Source>
bool encode_message(const MessagePlan& plan, Source& source, WireBuffer& out, Fault& fault) {
  return Encoder<Source>(source, out, fault).message(plan, 0) || fault.in_message(plan);
}

// Rare, and so not worth a way that needs no memory.
template <NativeSink Sink>
bool decode_in_pieces(const MessagePlan& plan, std::string_view bytes, Sink& sink, Fault& fault) {
  std::string joined;
  if (!join_pieces(plan, bytes, joined, fault)) return false;
  sink.restart();
  return Decoder<Sink>(sink, fault).root(plan, joined);
}

template <MessageSink Sink>
bool decode_message(const MessagePlan& plan, std::string_view bytes, Sink& sink, Fault& fault) {
  Decoder<Sink> decoder(sink, fault);
  if (decoder.root(plan, bytes)) return true;
  if constexpr (NativeSink<Sink>) {
    if (decoder.met_pieces()) return decode_in_pieces(plan, bytes, sink, fault) || fault.in_message(plan);
  }
  return fault.in_message(plan);
}

}  // namespace lgen

#include "lgen/decoder_impl.h"  // IWYU pragma: export
#include "lgen/encoder_impl.h"  // IWYU pragma: export
#include "lgen/native_impl.h"   // IWYU pragma: export
