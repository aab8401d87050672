// Messages as the protobuf library sees them: the oracle for the codec's tests. Random messages of its
// generated classes (tests/data/codec), and a canonical form to compare by.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "codec/everything.pb.h"

namespace lgen::test {

namespace pb = google::protobuf;
using MessagePtr = std::unique_ptr<pb::Message>;

/// How many random messages a property is tried on; fewer where every step is checked by a sanitizer, and
/// LGEN_PROPERTY_RUNS asks for any other number.
inline int property_runs(int usual) {
  const char* asked = std::getenv("LGEN_PROPERTY_RUNS");
#ifdef __SANITIZE_ADDRESS__
  constexpr int kSlower = 20;
#else
  constexpr int kSlower = 1;
#endif
  return asked != nullptr ? std::atoi(asked) : std::max(1, usual / kSlower);
}

/// An empty message of a type in tests/data/codec/everything.proto or what it imports.
inline MessagePtr make_message(const std::string& type) {
  everything::Root::descriptor();  // links the generated code
  const pb::Descriptor* descriptor = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  return MessagePtr(pb::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

/// Equal for equal messages: fields by number, map entries sorted, unknown fields left out.
inline std::string canonical(pb::Message& message) {
  message.DiscardUnknownFields();
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&out);
  }
  return bytes;
}

class RandomMessages {
 public:
  explicit RandomMessages(unsigned seed) : random_(seed) {}

  /// Values whose parts, taken from two messages, still are values: merging takes fields of well-known types apart.
  bool to_be_merged = false;

  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  std::uint64_t bits() { return random_(); }

  /// Fills most fields at the top and fewer below, so that recursive types end.
  void fill(pb::Message& message, int depth = 0) {
    if (fill_well_known(message, depth)) return;
    for (const pb::FieldDescriptor* field : fields_of(message.GetDescriptor())) {
      const bool wanted = field->is_required() || is_value(field) || below(10) < 7 - 2 * depth;
      if (!wanted || (is_message(field) && depth > 3 && !field->is_required() && !is_value(field))) continue;
      if (!field->is_repeated()) {
        set(message, field, depth);
      } else {
        for (int n = below(4); n > 0; --n) add(message, field, depth);
      }
    }
  }

  std::string text() {
    static const char* const kPieces[] = {
        "a", "Z9", " ", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "quite a long piece"};
    std::string text;
    for (int n = below(6); n > 0; --n) text += kPieces[below(7)];
    return text;
  }

 private:
  /// With extensions.
  const std::vector<const pb::FieldDescriptor*>& fields_of(const pb::Descriptor* type) {
    auto& fields = fields_[type];
    if (!fields.empty()) return fields;
    type->file()->pool()->FindAllExtensions(type, &fields);
    for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i));
    return fields;
  }

  // ---- Well-known types: only what they allow ----

  bool fill_well_known(pb::Message& message, int depth) {
    const std::string& type = message.GetDescriptor()->full_name();
    if (type == "google.protobuf.Timestamp" || type == "google.protobuf.Duration") {
      fill_time(message, type.ends_with("Duration"));
    } else if (type == "google.protobuf.Value") {
      const pb::Descriptor* kinds = message.GetDescriptor();
      set(message, kinds->field(below(depth > 4 ? 4 : 6)), depth);
    } else if (type == "google.protobuf.Any") {
      fill_any(message);
    } else {
      return false;
    }
    return true;
  }

  /// At most 15 digits in all, which a double holds.
  void fill_time(pb::Message& message, bool has_sign) {
    std::int64_t seconds = static_cast<std::int64_t>(bits() % 253402300800ULL);
    int places = 3;
    if (below(4) != 0 || to_be_merged) {
      seconds %= below(2) == 0 || to_be_merged ? 1000000 : 2000000000;
      places = seconds < 1000000 ? 9 : 5;
    }
    std::int64_t nanos = 0;
    for (int i = 0; i < 9; ++i) nanos = 10 * nanos + (i < places ? below(10) : 0);
    const bool negative = below(3) == 0 && !to_be_merged;
    if (negative) seconds = -(seconds % 62135596800);
    if (has_sign && (negative || seconds < 0)) nanos = -nanos;
    const pb::Descriptor* type = message.GetDescriptor();
    message.GetReflection()->SetInt64(&message, type->field(0), seconds);
    message.GetReflection()->SetInt32(&message, type->field(1), static_cast<std::int32_t>(nanos));
  }

  /// Types without maps: what is inside is compared by its bytes.
  void fill_any(pb::Message& message) {
    google::protobuf::Any any;
    google::protobuf::Duration duration;
    everything::Scalars scalars;
    const int choice = to_be_merged ? 0 : below(4);
    if (choice == 0) {
      duration.set_seconds(1 + below(1000));
      any.PackFrom(duration);
    } else if (choice == 1) {
      fill(scalars);
      any.PackFrom(scalars);
    } else if (choice == 2) {
      any.set_type_url("example.com/nobody.Knows");
      any.set_value(blob());
    }
    message.CopyFrom(any);
  }

  /// A map's entry without a Value has an empty one, which is none.
  static bool is_value(const pb::FieldDescriptor* field) {
    return field->containing_type()->map_value() == field && is_message(field) &&
           field->message_type()->full_name() == "google.protobuf.Value";
  }

  static bool is_message(const pb::FieldDescriptor* field) {
    return field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE;
  }

  /// Small values, edges and anything.
  template <class T>
  T integer() {
    using Limits = std::numeric_limits<T>;
    const T edges[] = {T{0},
                       T{1},
                       Limits::max(),
                       Limits::min(),
                       static_cast<T>(Limits::max() / 2),
                       static_cast<T>(127),
                       static_cast<T>(128),
                       static_cast<T>(-1)};
    switch (below(3)) {
      case 0:
        return edges[below(8)];
      case 1:
        return static_cast<T>(below(300));
      default:
        return static_cast<T>(bits() >> below(64));
    }
  }

  double real() {
    const double edges[] = {
        0.0, -0.0, 1.5, -3e300, 5e-324, std::numeric_limits<double>::infinity(), 9007199254740993.0};
    return below(2) == 0 ? edges[below(7)] : static_cast<double>(static_cast<std::int64_t>(bits())) / 1024;
  }
  float real32() {
    const float edges[] = {0.0F, -0.0F, 1.5F, -3e38F, 1e-45F, -std::numeric_limits<float>::infinity()};
    return below(2) == 0 ? edges[below(6)] : static_cast<float>(below(1 << 20)) / 1024;
  }

  std::string blob() {
    std::string bytes;
    for (int n = below(20); n > 0; --n) bytes += static_cast<char>(bits());
    return bytes;
  }

  /// proto3 enums are open: now and then a number without a name.
  int enum_number(const pb::FieldDescriptor* field) {
    const bool open = field->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
    if (field->enum_type()->full_name() == "google.protobuf.NullValue") return 0;
    if (open && below(5) == 0) return integer<std::int32_t>();
    return field->enum_type()->value(below(field->enum_type()->value_count()))->number();
  }

  void set(pb::Message& m, const pb::FieldDescriptor* f, int depth) {
    const pb::Reflection* r = m.GetReflection();
    switch (f->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r->SetInt32(&m, f, integer<std::int32_t>());
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r->SetInt64(&m, f, integer<std::int64_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r->SetUInt32(&m, f, integer<std::uint32_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r->SetUInt64(&m, f, integer<std::uint64_t>());
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r->SetDouble(&m, f, real());
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r->SetFloat(&m, f, real32());
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r->SetBool(&m, f, below(2) == 1);
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r->SetEnumValue(&m, f, enum_number(f));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r->SetString(&m, f, text_or_blob(f));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return fill(*r->MutableMessage(&m, f), depth + 1);
    }
  }

  void add(pb::Message& m, const pb::FieldDescriptor* f, int depth) {
    const pb::Reflection* r = m.GetReflection();
    switch (f->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r->AddInt32(&m, f, integer<std::int32_t>());
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r->AddInt64(&m, f, integer<std::int64_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r->AddUInt32(&m, f, integer<std::uint32_t>());
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r->AddUInt64(&m, f, integer<std::uint64_t>());
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r->AddDouble(&m, f, real());
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r->AddFloat(&m, f, real32());
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r->AddBool(&m, f, below(2) == 1);
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r->AddEnumValue(&m, f, enum_number(f));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r->AddString(&m, f, text_or_blob(f));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return fill(*r->AddMessage(&m, f), depth + 1);
    }
  }

  std::string text_or_blob(const pb::FieldDescriptor* f) {
    return f->type() == pb::FieldDescriptor::TYPE_STRING ? text() : blob();
  }

  std::mt19937_64 random_;
  std::map<const pb::Descriptor*, std::vector<const pb::FieldDescriptor*>> fields_;
};

/// Tables of the codec's tests: bytes as people write them.
inline std::string bytes_of(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

/// `bytes` as a length-delimited field inside a message, inside a message ...: `depth` times.
inline std::string nested_in(char tag, int depth, std::string bytes) {
  for (; depth > 0; --depth) {
    std::string length;
    for (std::size_t n = bytes.size();; n >>= 7) {
      length += static_cast<char>(n >= 0x80 ? (n & 0x7F) | 0x80 : n);
      if (n < 0x80) break;
    }
    bytes = tag + length + bytes;
  }
  return bytes;
}

/// One random change: a bit, a byte, a cut, a piece doubled.
inline std::string mutated(std::string bytes, RandomMessages& random) {
  if (bytes.empty()) return bytes;
  const auto at = static_cast<std::size_t>(random.below(static_cast<int>(bytes.size())));
  switch (random.below(4)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(random.bits());
      break;
    case 2:
      bytes.resize(at);
      break;
    default:
      bytes.insert(at, bytes.substr(at, static_cast<std::size_t>(random.below(8))));
  }
  return bytes;
}

}  // namespace lgen::test
