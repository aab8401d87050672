#include "plan_compiler.h"

#include <fmt/format.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <atomic>
#include <numeric>

namespace lgen {
namespace {

namespace pb = google::protobuf;

/// Numbers for names and plans that no two schemas of the process share, from 1: the first of `count`.
std::uint32_t next_key(std::uint32_t count = 1) {
  static std::atomic<std::uint32_t> next{1};
  return next.fetch_add(count);
}

FieldKind kind_of(pb::FieldDescriptor::Type type) {
  switch (type) {
    case pb::FieldDescriptor::TYPE_DOUBLE:
      return FieldKind::double_;
    case pb::FieldDescriptor::TYPE_FLOAT:
      return FieldKind::float_;
    case pb::FieldDescriptor::TYPE_INT64:
      return FieldKind::int64;
    case pb::FieldDescriptor::TYPE_UINT64:
      return FieldKind::uint64;
    case pb::FieldDescriptor::TYPE_INT32:
      return FieldKind::int32;
    case pb::FieldDescriptor::TYPE_FIXED64:
      return FieldKind::fixed64;
    case pb::FieldDescriptor::TYPE_FIXED32:
      return FieldKind::fixed32;
    case pb::FieldDescriptor::TYPE_BOOL:
      return FieldKind::boolean;
    case pb::FieldDescriptor::TYPE_STRING:
      return FieldKind::string;
    case pb::FieldDescriptor::TYPE_GROUP:
      return FieldKind::group;
    case pb::FieldDescriptor::TYPE_MESSAGE:
      return FieldKind::message;
    case pb::FieldDescriptor::TYPE_BYTES:
      return FieldKind::bytes;
    case pb::FieldDescriptor::TYPE_UINT32:
      return FieldKind::uint32;
    case pb::FieldDescriptor::TYPE_ENUM:
      return FieldKind::enumeration;
    case pb::FieldDescriptor::TYPE_SFIXED32:
      return FieldKind::sfixed32;
    case pb::FieldDescriptor::TYPE_SFIXED64:
      return FieldKind::sfixed64;
    case pb::FieldDescriptor::TYPE_SINT32:
      return FieldKind::sint32;
    case pb::FieldDescriptor::TYPE_SINT64:
      return FieldKind::sint64;
  }
  return FieldKind::bytes;
}

WireType wire_type_of(const pb::FieldDescriptor* field) {
  using Lite = pb::internal::WireFormatLite;
  return static_cast<WireType>(Lite::WireTypeForFieldType(static_cast<Lite::FieldType>(field->type())));
}

void set_tag(FieldPlan& field) {
  const WireType type = field.packed ? WireType::bytes : field.wire_type;
  std::uint32_t raw = field.number << 3 | static_cast<std::uint32_t>(type);
  for (; raw >= 0x80; raw >>= 7) field.tag[field.tag_size++] = static_cast<std::uint8_t>(raw | 0x80);
  field.tag[field.tag_size++] = static_cast<std::uint8_t>(raw);
}

/// Dense while at most half of the table stays empty; field numbers usually have no or small holes.
void index_by_number(MessagePlan& plan) {
  std::vector<std::uint32_t> order(plan.fields.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return plan.fields[a].number < plan.fields[b].number; });
  for (std::uint32_t placed = 0; placed < order.size(); ++placed) {
    const std::uint32_t number = plan.fields[order[placed]].number;
    if (number > 2 * placed + 16) {
      plan.far_fields.assign(order.begin() + placed, order.end());
      return;
    }
    plan.index_of_number.resize(number + 1, MessagePlan::kNoField);
    plan.index_of_number[number] = order[placed];
  }
}

void note_oneof(MessagePlan& plan, const pb::OneofDescriptor* oneof, FieldPlan& field) {
  if (oneof == nullptr) return;
  if (plan.oneofs.empty() || plan.oneofs.back().name != oneof->name()) {
    plan.oneofs.push_back({oneof->name(), static_cast<std::uint32_t>(plan.fields.size()), 0});
  }
  ++plan.oneofs.back().count;
  field.oneof = static_cast<std::int16_t>(plan.oneofs.size() - 1);
}

struct WellKnown {
  std::string_view name;  // below google.protobuf
  MessageForm form;
  std::initializer_list<pb::FieldDescriptor::Type> fields;  // with the numbers 1, 2, ...
};

/// A message that only borrows the name stays plain: its fields are compared, too.
bool fits(const pb::Descriptor* type, const WellKnown& known) {
  if (type->full_name().substr(16) != known.name) return false;
  if (type->field_count() != static_cast<int>(known.fields.size())) return false;
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->number() != i + 1 || type->field(i)->type() != known.fields.begin()[i]) return false;
  }
  return true;
}

MessageForm form_of(const pb::Descriptor* type) {
  using Field = pb::FieldDescriptor;
  static const WellKnown kWellKnown[] = {
      {"Timestamp", MessageForm::timestamp, {Field::TYPE_INT64, Field::TYPE_INT32}},
      {"Duration", MessageForm::duration, {Field::TYPE_INT64, Field::TYPE_INT32}},
      {"Any", MessageForm::any, {Field::TYPE_STRING, Field::TYPE_BYTES}},
      {"Struct", MessageForm::bare, {Field::TYPE_MESSAGE}},
      {"ListValue", MessageForm::bare, {Field::TYPE_MESSAGE}},
      {"Value",
       MessageForm::value,
       {Field::TYPE_ENUM, Field::TYPE_DOUBLE, Field::TYPE_STRING, Field::TYPE_BOOL, Field::TYPE_MESSAGE,
        Field::TYPE_MESSAGE}},
      {"FieldMask", MessageForm::bare, {Field::TYPE_STRING}},
      {"DoubleValue", MessageForm::bare, {Field::TYPE_DOUBLE}},
      {"FloatValue", MessageForm::bare, {Field::TYPE_FLOAT}},
      {"Int64Value", MessageForm::bare, {Field::TYPE_INT64}},
      {"UInt64Value", MessageForm::bare, {Field::TYPE_UINT64}},
      {"Int32Value", MessageForm::bare, {Field::TYPE_INT32}},
      {"UInt32Value", MessageForm::bare, {Field::TYPE_UINT32}},
      {"BoolValue", MessageForm::bare, {Field::TYPE_BOOL}},
      {"StringValue", MessageForm::bare, {Field::TYPE_STRING}},
      {"BytesValue", MessageForm::bare, {Field::TYPE_BYTES}},
  };
  if (!std::string_view(type->full_name()).starts_with("google.protobuf.")) return MessageForm::plain;
  const auto known =
      std::find_if(std::begin(kWellKnown), std::end(kWellKnown), [&](const WellKnown& w) { return fits(type, w); });
  return known == std::end(kWellKnown) ? MessageForm::plain : known->form;
}

/// Of the files that are loaded, in a fixed order.
std::vector<const pb::FieldDescriptor*> extensions_of(const pb::Descriptor* type) {
  std::vector<const pb::FieldDescriptor*> extensions;
  if (type->extension_range_count() == 0) return extensions;
  type->file()->pool()->FindAllExtensions(type, &extensions);
  std::sort(extensions.begin(), extensions.end(), [](auto a, auto b) { return a->number() < b->number(); });
  return extensions;
}

}  // namespace

Result<const MessagePlan*> PlanCompiler::message(const pb::Descriptor* type) {
  const MessagePlan* plan = compile(type);
  if (oversized_.empty()) return plan;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("message type {} has more than {} fields, the most lgen can handle", oversized_,
                                MessagePlan::kMaxFields));
}

const EnumPlan* PlanCompiler::enumeration(const pb::EnumDescriptor* type) {
  std::unique_ptr<EnumPlan>& plan = enums_[type];
  if (plan) return plan.get();
  plan = std::make_unique<EnumPlan>();
  plan->name = type->full_name();
  for (int i = 0; i < type->value_count(); ++i) {
    plan->values.push_back({type->value(i)->name(), type->value(i)->number(), next_key()});
  }
  const auto& values = plan->values;
  auto& names = plan->order_by_name;
  names.resize(values.size());
  std::iota(names.begin(), names.end(), 0U);
  auto& numbers = plan->order_by_number = names;
  std::sort(names.begin(), names.end(), [&](auto a, auto b) { return values[a].name < values[b].name; });
  std::stable_sort(numbers.begin(), numbers.end(), [&](auto a, auto b) { return values[a].number < values[b].number; });
  const auto same = [&](auto a, auto b) { return values[a].number == values[b].number; };
  numbers.erase(std::unique(numbers.begin(), numbers.end(), same), numbers.end());
  return plan.get();
}

MessagePlan* PlanCompiler::compile(const pb::Descriptor* type) {
  if (const auto known = messages_.find(type); known != messages_.end()) return known->second.get();
  // Known before its fields are looked at: a type may contain itself.
  MessagePlan& plan = *(messages_[type] = std::make_unique<MessagePlan>());
  plan.name = type->full_name();
  plan.form = form_of(type);
  if (plan.form == MessageForm::any) {
    plan.types = this;
    pool_ = type->file()->pool();
  }
  for (int i = 0; i < type->field_count(); ++i) add_field(plan, type->field(i));
  for (const pb::FieldDescriptor* extension : extensions_of(type)) add_field(plan, extension);
  if (plan.fields.size() > MessagePlan::kMaxFields) oversized_ = plan.name;
  plan.key = next_key(plan.key_count());
  index_by_number(plan);
  return &plan;
}

void PlanCompiler::add_field(MessagePlan& plan, const pb::FieldDescriptor* descriptor) {
  FieldPlan made = field(descriptor);
  note_oneof(plan, descriptor->real_containing_oneof(), made);
  made.simple = made.shape == FieldShape::single && !made.is_message() && made.oneof < 0 && !made.closed_enum;
  plan.has_required = plan.has_required || made.required;
  if (!made.presence || made.required) ++plan.always_filled;
  plan.fields.push_back(std::move(made));
}

const MessagePlan* PlanCompiler::find(std::string_view full_name) {
  const pb::Descriptor* type = pool_->FindMessageTypeByName(std::string(full_name));
  if (type == nullptr) return nullptr;
  const auto plan = message(type);
  return plan ? *plan : nullptr;
}

const MessagePlan* type_inside(const MessagePlan& any, std::string_view type_url) {
  const std::size_t slash = type_url.rfind('/');
  return slash == std::string_view::npos ? nullptr : any.types->find(type_url.substr(slash + 1));
}

FieldPlan PlanCompiler::field(const pb::FieldDescriptor* descriptor) {
  const bool proto3 = descriptor->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
  FieldPlan field;
  field.name = descriptor->is_extension() ? fmt::format("[{}]", descriptor->full_name()) : descriptor->name();
  field.number = static_cast<std::uint32_t>(descriptor->number());
  field.key = next_key();
  field.kind = kind_of(descriptor->type());
  field.wire_type = wire_type_of(descriptor);
  field.packed = descriptor->is_packed();
  field.presence = descriptor->has_presence() || descriptor->is_extension();
  field.required = descriptor->is_required();
  if (descriptor->is_repeated()) field.shape = descriptor->is_map() ? FieldShape::map : FieldShape::list;
  if (field.is_message()) field.message = compile(descriptor->message_type());
  if (field.kind == FieldKind::enumeration) field.enumeration = enumeration(descriptor->enum_type());
  field.check_utf8 = proto3 && field.kind == FieldKind::string;
  field.closed_enum = !proto3 && field.kind == FieldKind::enumeration;
  field.map_key = descriptor->containing_type()->map_key() == descriptor;
  set_tag(field);
  return field;
}

}  // namespace lgen
