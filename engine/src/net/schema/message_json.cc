#include "lgen/message_json.h"

#include <fmt/format.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include "json_errors.h"
#include "schema_impl.h"
#include "type_lookup.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using MessagePtr = std::unique_ptr<pb::Message>;

constexpr const char* kAny = "google.protobuf.Any";

Error misfit(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

std::string url_of(const pb::Descriptor& type) { return std::string(kTypeDomain) + "/" + type.full_name(); }

/// The library indents by one blank; line breaks inside of strings are escaped, so every line is one of JSON's.
std::string reindent(const std::string& json) {
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t end = std::min(json.find('\n', at), json.size());
    const std::size_t blanks = std::min(json.find_first_not_of(' ', at), end) - at;
    if (!out.empty()) out += '\n';
    out.append(2 * blanks, ' ').append(json, at + blanks, end - at - blanks);
    at = end + 1;
  }
  return out;
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
      : lookup_(schema.impl().pool()), finder_(lookup_), options_(options) {
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
    if (!message->ParsePartialFromArray(wire.data(), static_cast<int>(wire.size()))) {
      return make_error(ErrorCode::protocol, fmt::format("{} bytes that are no {}", wire.size(), name));
    }
    return print(*message);
  }

  MessagePtr parse_status(std::string_view details_bin) const {
    MessagePtr status = make(*rpc_status_pool().FindMessageTypeByName("google.rpc.Status"));
    if (!status->ParseFromArray(details_bin.data(), static_cast<int>(details_bin.size()))) status->Clear();
    return status;
  }

  Result<std::string> print(pb::Message& message) const {
    if (options_.format == MessageFormat::json) return to_json(message);
    std::string text;
    printer_.PrintToString(message, &text);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

 private:
  MessagePtr make(const pb::Descriptor& type) const { return MessagePtr(factory_.GetPrototype(&type)->New()); }

  /// The library also takes what is no JSON (bare keys, single quotes); people who meant JSON are better told.
  Result<std::string> from_json(const pb::Descriptor& type, std::string_view text) const {
    if (const std::string syntax = json_syntax_error(text); !syntax.empty()) return misfit("no JSON: " + syntax);
    pb::util::JsonParseOptions options;
    options.ignore_unknown_fields = options_.allow_unknown_fields;
    std::string wire;
    const auto status =
        pb::util::JsonToBinaryString(&lookup_.strict(), url_of(type), std::string(text), &wire, options);
    if (!status.ok()) return misfit(in_json(explain_json_error(type, text, status.message().ToString()), text));
    if (!is_understood(type, wire)) return misfit("a group of proto2 cannot be given as JSON; use -format text");
    return wire;
  }

  /// The library has no extensions in JSON, and takes the dots of their names for a path.
  static std::string in_json(const std::string& error, std::string_view text) {
    const bool extension = error.starts_with('[') && text.find("\"[") != std::string_view::npos;
    return extension ? "extensions cannot be given as JSON; use -format text" : error;
  }

  /// The library's JSON reader writes groups as messages, which nobody can read.
  bool is_understood(const pb::Descriptor& type, const std::string& wire) const {
    const MessagePtr message = make(type);
    if (!message->ParsePartialFromString(wire)) return false;
    const std::size_t whole = message->ByteSizeLong();
    message->DiscardUnknownFields();
    return message->ByteSizeLong() == whole;
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

  Result<std::string> to_json(pb::Message& message) const {
    wrap_unknown(message);
    pb::util::JsonPrintOptions options;
    options.add_whitespace = true;
    options.always_print_primitive_fields = options_.emit_defaults;
    std::string json;
    const auto status = pb::util::BinaryToJsonString(&lookup_.lenient(), url_of(*message.GetDescriptor()),
                                                     message.SerializePartialAsString(), &json, options);
    if (!status.ok()) {
      return make_error(ErrorCode::protocol,
                        fmt::format("this {} cannot be written as JSON: {}", message.GetDescriptor()->full_name(),
                                    status.message().ToString()));
    }
    return reindent(json);
  }

  /// Gives every Any whose type is not known the form in which the lenient resolver shows it.
  void wrap_unknown(pb::Message& message) const {
    if (message.GetDescriptor()->full_name() == kAny) return wrap_any(message);
    std::vector<const pb::FieldDescriptor*> fields;
    const pb::Reflection& reflection = *message.GetReflection();
    reflection.ListFields(message, &fields);
    for (const pb::FieldDescriptor* field : fields) {
      if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) {
        wrap_unknown(*reflection.MutableMessage(&message, field));
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        wrap_unknown(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    }
  }

  void wrap_any(pb::Message& any) const {
    const pb::Reflection& reflection = *any.GetReflection();
    const pb::FieldDescriptor* url = any.GetDescriptor()->FindFieldByNumber(1);
    const pb::FieldDescriptor* value = any.GetDescriptor()->FindFieldByNumber(2);
    const std::string type_url = reflection.GetString(any, url);
    const std::string bytes = reflection.GetString(any, value);
    if (type_url.empty()) return;
    if (const pb::Descriptor* type = lookup_.find_url(type_url)) {
      const MessagePtr inner = make(*type);
      if (!inner->ParsePartialFromString(bytes)) return;
      wrap_unknown(*inner);
      return reflection.SetString(&any, value, inner->SerializePartialAsString());
    }
    pb::UnknownFieldSet opaque;
    opaque.AddLengthDelimited(1, bytes);
    std::string wrapped;
    opaque.SerializeToString(&wrapped);
    reflection.SetString(&any, value, wrapped);
  }

  TypeLookup lookup_;
  AnyFinder finder_;
  MessageTextOptions options_;
  mutable pb::DynamicMessageFactory factory_;
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
    const auto text = impl_->print(*reflection.MutableRepeatedMessage(status.get(), details, i));
    texts.push_back(text ? *text : text.error().message);
  }
  return texts;
}

std::string MessageText::status(int code, std::string_view message, std::string_view details_bin) const {
  const MessagePtr status = impl_->parse_status(details_bin);
  const pb::Reflection& reflection = *status->GetReflection();
  reflection.SetInt32(status.get(), status->GetDescriptor()->FindFieldByName("code"), code);
  reflection.SetString(status.get(), status->GetDescriptor()->FindFieldByName("message"), std::string(message));
  const auto text = impl_->print(*status);
  return text ? *text : text.error().message;
}

}  // namespace lgen
