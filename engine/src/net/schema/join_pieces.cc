// A message on the wire with its split sub-messages put together.
//
// Protobuf lets a sub-message come in any number of pieces, anywhere in the message around it, and reads them as one
// message after the other. A decoder that builds tables merges while it goes. One that gives out a number for a
// Timestamp cannot: so, when it meets a second piece (next to never), the wire is rewritten once, with the pieces of
// every singular sub-message joined, and read again.
//
// All but singular sub-messages is copied as it is, in its order; those follow at the end, each joined from its pieces.
// Setting another member of a oneof drops the pieces so far.
#include <algorithm>
#include <vector>

#include "lgen/codec.h"

namespace lgen {
namespace {

using Pieces = std::vector<std::string_view>;

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Takes everything and keeps nothing.
struct NullSink {
  static constexpr std::size_t kFirstIndex = 0;

  void begin_message(const MessagePlan&) {}
  bool resume_message(const FieldPlan&, std::uint32_t) { return false; }
  void reopen_message(const MessagePlan&) {}
  bool wants_defaults() { return false; }
  void end_message(const MessagePlan&) {}
  void begin_field(const FieldPlan&, std::uint32_t) {}
  void end_field(const FieldPlan&, std::uint32_t) {}
  void clear_field(const FieldPlan&, std::uint32_t) {}
  void begin_list(const FieldPlan&, std::uint32_t, bool) {}
  std::size_t list_size() { return 0; }
  void end_item(std::size_t) {}
  void end_list(const FieldPlan&, std::uint32_t) {}
  void begin_map(const FieldPlan&, std::uint32_t, bool) {}
  void end_entry() {}
  void end_map(const FieldPlan&, std::uint32_t) {}
  void put_empty(const FieldPlan&) {}
  template <class T>
  void put(const FieldPlan&, T) {}
  void put_enum(const FieldPlan&, std::int32_t) {}
};

class Joiner {
 public:
  Joiner(const MessagePlan& plan, Fault& fault, int nesting)
      : plan_(plan), fault_(fault), nesting_(nesting), pieces_(plan.fields.size()) {}

  bool join(const Pieces& parts, std::string& out) {
    if (nesting_ > kMaxNesting) return fault_.fail("nested deeper than 100 messages");
    for (const std::string_view part : parts) {
      for (WireReader in(part); !in.done();) {
        if (!record(in, out)) return false;
      }
    }
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (!pieces_[i].empty() && !write(plan_.fields[i], pieces_[i], out)) return false;
    }
    return true;
  }

 private:
  bool record(WireReader& in, std::string& out) {
    const char* begin = in.position();
    std::uint32_t number = 0;
    WireType type{};
    if (!in.tag(number, type)) return fault_.fail(in.problem());
    const char* content = in.position();
    if (!in.skip(number, type, nesting_)) return fault_.fail(in.problem());
    const std::string_view whole(begin, static_cast<std::size_t>(in.position() - begin));
    const std::uint32_t index = plan_.find_number(number);
    const FieldPlan* field = index == MessagePlan::kNoField ? nullptr : &plan_.fields[index];
    if (field == nullptr || !field->is_message() || type != field->wire_type) {
      out += whole;
      const bool sets = field != nullptr && field->oneof >= 0 && !skipped_enum(*field, content, in);
      return !sets || drop_other_members(*field, MessagePlan::kNoField);
    }
    const std::string_view inside = content_of(*field, {content, static_cast<std::size_t>(in.position() - content)});
    if (field->shape != FieldShape::single) return write(*field, {inside}, out);
    if (field->oneof >= 0 && !drop_other_members(*field, index)) return false;
    pieces_[index].push_back(inside);
    return true;
  }

  /// Without the length before it, or the end tag behind it.
  static std::string_view content_of(const FieldPlan& field, std::string_view record) {
    if (field.kind == FieldKind::group) return record.substr(0, record.size() - field.tag_size);
    WireReader in(record);
    std::string_view bytes;
    in.bytes(bytes);
    return bytes;
  }

  /// A number that a closed enum does not have is as good as not there.
  static bool skipped_enum(const FieldPlan& field, const char* content, const WireReader& behind) {
    if (!field.closed_enum) return false;
    std::uint64_t raw = 0;
    WireReader value({content, static_cast<std::size_t>(behind.position() - content)});
    value.varint(raw);
    return field.enumeration->find(static_cast<std::int32_t>(raw)) == nullptr;
  }

  bool drop_other_members(const FieldPlan& field, std::uint32_t kept) {
    const OneofPlan& oneof = plan_.oneofs[static_cast<std::size_t>(field.oneof)];
    for (std::uint32_t i = oneof.first; i < oneof.first + oneof.count; ++i) {
      if (i != kept && !drop(plan_.fields[i], pieces_[i])) return false;
    }
    return true;
  }

  /// Nobody reads them any more, so here is where they are found to be broken.
  bool drop(const FieldPlan& field, Pieces& pieces) {
    NullSink sink;
    for (const std::string_view piece : pieces) {
      if (!Decoder<NullSink>(sink, fault_).root(*field.message, piece)) return fault_.in_field(field);
    }
    pieces.clear();
    return true;
  }

  bool write(const FieldPlan& field, const Pieces& parts, std::string& out) {
    std::string joined;
    if (!Joiner(*field.message, fault_, nesting_ + 1).join(parts, joined)) return fault_.in_field(field);
    out.append(reinterpret_cast<const char*>(field.tag.data()), field.tag_size);
    if (field.kind != FieldKind::group) {
      append_varint(out, joined.size());
      out += joined;
    } else {
      out += joined;
      append_varint(out, field.number << 3 | static_cast<std::uint32_t>(WireType::end_group));
    }
    return true;
  }

  const MessagePlan& plan_;
  Fault& fault_;
  const int nesting_;
  std::vector<Pieces> pieces_;  // by field; of singular messages only
};

}  // namespace

bool join_pieces(const MessagePlan& plan, std::string_view bytes, std::string& joined, Fault& fault) {
  return Joiner(plan, fault, 0).join({bytes}, joined);
}

}  // namespace lgen
