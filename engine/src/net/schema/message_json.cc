#include "lgen/message_json.h"

#include <fmt/format.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "json_errors.h"
#include "json_fit.h"
#include "json_printer.h"
#include "json_scan.h"
#include "parse_message.h"
#include "schema_impl.h"
#include "type_lookup.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using MessagePtr = std::unique_ptr<pb::Message>;

Error misfit(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

std::string url_of(const pb::Descriptor& type) { return std::string(kTypeDomain) + "/" + type.full_name(); }

/// What the library's JSON reader took for messages (TypeLookup::resolver) ends up among what is not known.
bool restore_groups(pb::Message& message) {
  const pb::Reflection& reflection = *message.GetReflection();
  pb::UnknownFieldSet unknown, others;
  unknown.Swap(reflection.MutableUnknownFields(&message));
  for (int i = 0; i < unknown.field_count(); ++i) {
    const pb::UnknownField& found = unknown.field(i);
    const pb::FieldDescriptor* field = message.GetDescriptor()->FindFieldByNumber(found.number());
    if (field == nullptr || field->type() != pb::FieldDescriptor::TYPE_GROUP) {  // a number that its enum does not have
      others.AddField(found);
      continue;
    }
    pb::Message* group =
        field->is_repeated() ? reflection.AddMessage(&message, field) : reflection.MutableMessage(&message, field);
    if (found.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED || !parse_message(found.length_delimited(), *group)) {
      return false;
    }
  }
  reflection.MutableUnknownFields(&message)->Swap(&others);
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated() && !restore_groups(*reflection.MutableMessage(&message, field))) return false;
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i) {
      if (!restore_groups(*reflection.MutableRepeatedMessage(&message, field, i))) return false;
    }
  }
  return true;
}

/// First complaint of the text format's parser, as line:column.
class FirstError final : public pb::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text.empty()) text = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
  }
  std::string text;
};

/// The text format's types of Any, from everywhere.
class AnyFinder final : public pb::TextFormat::Finder {
 public:
  explicit AnyFinder(const TypeLookup& lookup) : lookup_(lookup) {}
  const pb::Descriptor* FindAnyType(const pb::Message&, const std::string&, const std::string& name) const override {
    return lookup_.find(name);
  }

 private:
  const TypeLookup& lookup_;
};

}  // namespace

class MessageText::Impl {
 public:
  Impl(const Schema& schema, MessageTextOptions options)
      : lookup_(schema.impl().pool()),
        finder_(lookup_),
        options_(options),
        json_printer_(lookup_, factory_, options.emit_defaults) {
    printer_.SetFinder(&finder_);
    printer_.SetExpandAny(true);
    printer_.SetUseUtf8StringEscaping(true);
  }

  Result<std::string> to_wire(std::string_view name, std::string_view text) const {
    const pb::Descriptor* type = lookup_.find(name);
    if (type == nullptr) return make_error(ErrorCode::not_found, fmt::format("no message type '{}'", name));
    return options_.format == MessageFormat::json ? from_json(*type, text) : from_text(*type, text);
  }

  Result<std::string> from_wire(std::string_view name, std::string_view wire) const {
    const pb::Descriptor* type = lookup_.find(name);
    if (type == nullptr) return make_error(ErrorCode::not_found, fmt::format("no message type '{}'", name));
    const MessagePtr message = make(*type);
    if (!parse_message(wire, *message)) {
      const bool may_be_deep = wire.size() > 2 * kMaxMessageDepth;
      return make_error(ErrorCode::protocol,
                        fmt::format("{} bytes that are no {}{}", wire.size(), name,
                                    may_be_deep ? fmt::format(", or nested more than {} deep", kMaxMessageDepth) : ""));
    }
    return print(*message);
  }

  MessagePtr parse_status(std::string_view details_bin) const {
    MessagePtr status = make(*rpc_status_pool().FindMessageTypeByName("google.rpc.Status"));
    if (!status->ParseFromArray(details_bin.data(), static_cast<int>(details_bin.size()))) status->Clear();
    return status;
  }

  std::string print(const pb::Message& message) const {
    if (options_.format == MessageFormat::json) return json_printer_.print(message);
    std::string text;
    printer_.PrintToString(message, &text);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

 private:
  MessagePtr make(const pb::Descriptor& type) const { return MessagePtr(factory_.GetPrototype(&type)->New()); }

  /// The library also takes what is no JSON (bare keys, single quotes), and drops or bends values that do not fit;
  /// people are better told.
  Result<std::string> from_json(const pb::Descriptor& type, std::string_view text) const {
    if (std::string problem = json_text_problem(type, text); !problem.empty()) return misfit(std::move(problem));
    if (std::string problem = json_misfit(lookup_, type, nlohmann::ordered_json::parse(text)); !problem.empty()) {
      return misfit(std::move(problem));
    }
    pb::util::JsonParseOptions options;
    options.ignore_unknown_fields = options_.allow_unknown_fields;
    std::string wire;
    const auto status =
        pb::util::JsonToBinaryString(&lookup_.resolver(), url_of(type), std::string(text), &wire, options);
    if (!status.ok()) return misfit(explain_json_error(type, text, status.message().ToString()));
    const MessagePtr message = make(type);
    if (!parse_message(wire, *message)) {
      return misfit(fmt::format("nested more than {} messages deep", kMaxMessageDepth));
    }
    if (!restore_groups(*message)) return misfit("a group of proto2 that cannot be given as JSON; use -format text");
    return message->SerializePartialAsString();
  }

  Result<std::string> from_text(const pb::Descriptor& type, std::string_view text) const {
    const MessagePtr message = make(type);
    FirstError error;
    pb::TextFormat::Parser parser;
    parser.RecordErrorsTo(&error);
    parser.SetFinder(&finder_);
    parser.AllowUnknownField(options_.allow_unknown_fields);
    pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    if (!parser.Parse(&stream, message.get())) return misfit(error.text);
    return message->SerializePartialAsString();
  }

  TypeLookup lookup_;
  AnyFinder finder_;
  MessageTextOptions options_;
  mutable pb::DynamicMessageFactory factory_;
  JsonPrinter json_printer_;
  pb::TextFormat::Printer printer_;
};

MessageText::MessageText(const Schema& schema, MessageTextOptions options)
    : impl_(std::make_unique<Impl>(schema, options)) {}
MessageText::~MessageText() = default;

Result<std::string> MessageText::to_wire(std::string_view type, std::string_view text) const {
  return impl_->to_wire(type, text);
}

Result<std::string> MessageText::from_wire(std::string_view type, std::string_view wire) const {
  return impl_->from_wire(type, wire);
}

std::vector<std::string> MessageText::status_details(std::string_view details_bin) const {
  std::vector<std::string> texts;
  const MessagePtr status = impl_->parse_status(details_bin);
  const pb::Reflection& reflection = *status->GetReflection();
  const pb::FieldDescriptor* details = status->GetDescriptor()->FindFieldByName("details");
  for (int i = 0; i < reflection.FieldSize(*status, details); ++i) {
    texts.push_back(impl_->print(reflection.GetRepeatedMessage(*status, details, i)));
  }
  return texts;
}

std::string MessageText::status(int code, std::string_view message, std::string_view details_bin) const {
  const MessagePtr status = impl_->parse_status(details_bin);
  const pb::Reflection& reflection = *status->GetReflection();
  reflection.SetInt32(status.get(), status->GetDescriptor()->FindFieldByName("code"), code);
  reflection.SetString(status.get(), status->GetDescriptor()->FindFieldByName("message"), std::string(message));
  return impl_->print(*status);
}

}  // namespace lgen
