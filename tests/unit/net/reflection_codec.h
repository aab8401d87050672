// A second source and sink besides the Lua table: protobuf's own messages by reflection. Slow, but an oracle.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lgen/codec.h"

namespace lgen::test {

namespace pb = google::protobuf;

/// The field of a plan; "[pkg.name]" is an extension.
inline const pb::FieldDescriptor* find_field(const pb::Message& message, const FieldPlan& plan) {
  const pb::Descriptor* type = message.GetDescriptor();
  if (!plan.name.starts_with('[')) return type->FindFieldByName(plan.name);
  return type->file()->pool()->FindExtensionByName(plan.name.substr(1, plan.name.size() - 2));
}

class ReflectionSource {
 public:
  static constexpr std::size_t kFirstIndex = 0;

  explicit ReflectionSource(const pb::Message& root) : root_(root) {}

  bool enter(const MessagePlan&, Fault&) {
    levels_.push_back({&as_message(), at_.size()});
    return true;
  }
  bool leave(const MessagePlan&, std::size_t, Fault&) {
    at_.resize(levels_.back().base);
    levels_.pop_back();
    return true;
  }
  bool select(const FieldPlan& plan, std::uint32_t) {
    at_.resize(levels_.back().base);
    const pb::Message& message = *levels_.back().message;
    const pb::FieldDescriptor* field = find_field(message, plan);
    const pb::Reflection& r = *message.GetReflection();
    if (field->is_repeated() ? r.FieldSize(message, field) == 0 : !r.HasField(message, field)) return false;
    at_.push_back({&message, field, -1});
    return true;
  }
  void release() { at_.pop_back(); }
  std::size_t place() { return at_.size() - 1; }

  bool list_size(const FieldPlan&, std::size_t& size, Fault&) {
    size = static_cast<std::size_t>(top_size());
    return true;
  }
  bool select_item(std::size_t list, std::size_t i, Fault&) {
    at_.push_back({at_[list].owner, at_[list].field, static_cast<int>(i)});
    return true;
  }
  bool enter_map(const FieldPlan&, Fault&) {
    entries_left_.push_back(top_size());
    return true;
  }
  bool next_entry(std::size_t place) {
    at_.resize(place + 1);
    if (--entries_left_.back() < 0) {
      entries_left_.pop_back();
      return false;
    }
    const At map = at_.back();
    const pb::Message& entry =
        map.owner->GetReflection()->GetRepeatedMessage(*map.owner, map.field, entries_left_.back());
    at_.push_back({&entry, entry.GetDescriptor()->map_key(), -1});
    at_.push_back({&entry, entry.GetDescriptor()->map_value(), -1});
    return true;
  }
  bool describe_entry(std::size_t, Fault& fault) { return fault.in_entry("?"); }

#define LGEN_GET(TYPE, NAME)                                                                                      \
  bool get(const FieldPlan&, TYPE& value, Fault&) {                                                               \
    const At& at = at_.back();                                                                                    \
    const pb::Reflection& r = *at.owner->GetReflection();                                                         \
    value = at.index < 0 ? r.Get##NAME(*at.owner, at.field) : r.GetRepeated##NAME(*at.owner, at.field, at.index); \
    return true;                                                                                                  \
  }
  LGEN_GET(std::int32_t, Int32)
  LGEN_GET(std::int64_t, Int64)
  LGEN_GET(std::uint32_t, UInt32)
  LGEN_GET(std::uint64_t, UInt64)
  LGEN_GET(float, Float)
  LGEN_GET(double, Double)
  LGEN_GET(bool, Bool)
#undef LGEN_GET

  bool get(const FieldPlan&, std::string_view& value, Fault&) {
    const At& at = at_.back();
    const pb::Reflection& r = *at.owner->GetReflection();
    value = at.index < 0 ? r.GetStringReference(*at.owner, at.field, &scratch_)
                         : r.GetRepeatedStringReference(*at.owner, at.field, at.index, &scratch_);
    return true;
  }
  bool get_enum(const FieldPlan&, std::int32_t& number, Fault&) {
    const At& at = at_.back();
    const pb::Reflection& r = *at.owner->GetReflection();
    number = at.index < 0 ? r.GetEnumValue(*at.owner, at.field) : r.GetRepeatedEnumValue(*at.owner, at.field, at.index);
    return true;
  }

 private:
  struct At {
    const pb::Message* owner = nullptr;
    const pb::FieldDescriptor* field = nullptr;
    int index = -1;  // -1: not an item of a list
  };
  struct Level {
    const pb::Message* message;
    std::size_t base;  // of at_
  };

  int top_size() const { return at_.back().owner->GetReflection()->FieldSize(*at_.back().owner, at_.back().field); }
  const pb::Message& as_message() const {
    if (at_.empty()) return root_;
    const At& at = at_.back();
    const pb::Reflection& r = *at.owner->GetReflection();
    return at.index < 0 ? r.GetMessage(*at.owner, at.field) : r.GetRepeatedMessage(*at.owner, at.field, at.index);
  }

  const pb::Message& root_;
  std::vector<At> at_;
  std::vector<Level> levels_;
  std::vector<int> entries_left_;
  std::string scratch_;
};
static_assert(MessageSource<ReflectionSource>);

class ReflectionSink {
 public:
  static constexpr std::size_t kFirstIndex = 0;

  std::unique_ptr<pb::Message> take() { return std::get<MessagePtr>(pop()); }

  void begin_message(const MessagePlan& plan) {
    stack_.emplace_back(make(pb::DescriptorPool::generated_pool()->FindMessageTypeByName(plan.name)));
  }
  bool wants_defaults() { return false; }
  void end_message(const MessagePlan&) {}
  void reopen_message(const MessagePlan&) {}
  bool resume_message(const FieldPlan& plan, std::uint32_t) {
    const auto [message, field] = target(plan);
    if (!message->GetReflection()->HasField(*message, field)) return false;
    stack_.emplace_back(MessagePtr(message->GetReflection()->ReleaseMessage(message, field)));
    return true;
  }
  void begin_field(const FieldPlan&, std::uint32_t) {}
  void end_field(const FieldPlan& plan, std::uint32_t) {
    Value value = pop();
    const auto [message, field] = target(plan);
    if (!std::holds_alternative<std::monostate>(value)) store(*message, field, value);
  }
  void clear_field(const FieldPlan& plan, std::uint32_t) {
    const auto [message, field] = target(plan);
    message->GetReflection()->ClearField(message, field);
  }

  void begin_list(const FieldPlan& plan, std::uint32_t, bool) { lists_.push_back(target(plan)); }
  std::size_t list_size() {
    const auto [message, field] = lists_.back();
    return static_cast<std::size_t>(message->GetReflection()->FieldSize(*message, field));
  }
  void end_item(std::size_t) {
    Value value = pop();
    add(*lists_.back().first, lists_.back().second, value);
  }
  void end_list(const FieldPlan&, std::uint32_t) { lists_.pop_back(); }

  void begin_map(const FieldPlan& plan, std::uint32_t index, bool is_new) { begin_list(plan, index, is_new); }
  void end_entry() {
    Value value = pop();
    Value key = pop();
    const auto [message, field] = lists_.back();
    MessagePtr entry = make(field->message_type());
    store(*entry, field->message_type()->map_key(), key);
    const std::string wanted = entry->SerializePartialAsString();
    store(*entry, field->message_type()->map_value(), value);
    remove_entry(*message, field, wanted);
    message->GetReflection()->AddAllocatedMessage(message, field, entry.release());
  }
  void end_map(const FieldPlan&, std::uint32_t) { lists_.pop_back(); }

  void put_empty(const FieldPlan&) { stack_.emplace_back(std::monostate{}); }
  template <class T>
  void put(const FieldPlan&, T value) {
    if constexpr (std::is_same_v<T, std::string_view>) {
      stack_.emplace_back(std::string(value));
    } else {
      stack_.emplace_back(value);
    }
  }
  void put_enum(const FieldPlan&, std::int32_t number) { stack_.emplace_back(number); }

 private:
  using MessagePtr = std::unique_ptr<pb::Message>;
  using Value = std::variant<std::monostate, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t, float, double,
                             bool, std::string, MessagePtr>;
  using Target = std::pair<pb::Message*, const pb::FieldDescriptor*>;

  static MessagePtr make(const pb::Descriptor* type) {
    return MessagePtr(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
  }

  Value pop() {
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  Target target(const FieldPlan& plan) {
    pb::Message* message = std::get<MessagePtr>(stack_.back()).get();
    return {message, find_field(*message, plan)};
  }

  static void store(pb::Message& m, const pb::FieldDescriptor* f, Value& value) {
    const pb::Reflection* r = m.GetReflection();
    switch (f->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r->SetInt32(&m, f, std::get<std::int32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r->SetInt64(&m, f, std::get<std::int64_t>(value));
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r->SetUInt32(&m, f, std::get<std::uint32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r->SetUInt64(&m, f, std::get<std::uint64_t>(value));
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r->SetDouble(&m, f, std::get<double>(value));
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r->SetFloat(&m, f, std::get<float>(value));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r->SetBool(&m, f, std::get<bool>(value));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r->SetEnumValue(&m, f, std::get<std::int32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r->SetString(&m, f, std::get<std::string>(value));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return r->SetAllocatedMessage(&m, std::get<MessagePtr>(value).release(), f);
    }
  }

  static void add(pb::Message& m, const pb::FieldDescriptor* f, Value& value) {
    const pb::Reflection* r = m.GetReflection();
    switch (f->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return r->AddInt32(&m, f, std::get<std::int32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return r->AddInt64(&m, f, std::get<std::int64_t>(value));
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return r->AddUInt32(&m, f, std::get<std::uint32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return r->AddUInt64(&m, f, std::get<std::uint64_t>(value));
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return r->AddDouble(&m, f, std::get<double>(value));
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return r->AddFloat(&m, f, std::get<float>(value));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return r->AddBool(&m, f, std::get<bool>(value));
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return r->AddEnumValue(&m, f, std::get<std::int32_t>(value));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return r->AddString(&m, f, std::get<std::string>(value));
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        return r->AddAllocatedMessage(&m, f, std::get<MessagePtr>(value).release());
    }
  }

  static void remove_entry(pb::Message& m, const pb::FieldDescriptor* f, const std::string& key) {
    const pb::Reflection* r = m.GetReflection();
    const int last = r->FieldSize(m, f) - 1;
    for (int i = 0; i <= last; ++i) {
      MessagePtr only_key(r->GetRepeatedMessage(m, f, i).New());
      only_key->CopyFrom(r->GetRepeatedMessage(m, f, i));
      only_key->GetReflection()->ClearField(only_key.get(), f->message_type()->map_value());
      if (only_key->SerializePartialAsString() != key) continue;
      r->SwapElements(&m, f, i, last);
      return r->RemoveLast(&m, f);
    }
  }

  std::vector<Value> stack_;
  std::vector<Target> lists_;
};
static_assert(MessageSink<ReflectionSink>);

}  // namespace lgen::test
