// The .proto text of one element, in the form people know from grpcurl: sorted (an enum's values are as declared,
// the first of them being its default), compact, every type by its full name, with the comments that stand before an
// element.
//
// Thread: one at a time.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace lgen {

class ProtoText {
 public:
  /// `pool`: where options of the plan's own making are defined.
  explicit ProtoText(const google::protobuf::DescriptorPool& pool) : pool_(pool) {}

  void add(const google::protobuf::ServiceDescriptor* service);
  void add(const google::protobuf::MethodDescriptor* method);
  void add(const google::protobuf::Descriptor* message);
  void add(const google::protobuf::FieldDescriptor* field);
  void add(const google::protobuf::OneofDescriptor* oneof);
  void add(const google::protobuf::EnumDescriptor* type);
  void add(const google::protobuf::EnumValueDescriptor* value);
  /// `extend .pkg.Message { ... }` around an extension.
  void add_extension(const google::protobuf::FieldDescriptor* extension);

  /// Without a line break at the end.
  std::string text() const { return text_.substr(0, text_.empty() ? 0 : text_.size() - 1); }

 private:
  void line(std::string_view words);
  void open(std::string_view words);
  void close();
  template <class Descriptor>
  void comments(const Descriptor* element);
  void options(const google::protobuf::Message& options);
  void body(const google::protobuf::Descriptor* message);
  void fields(const google::protobuf::Descriptor* message);
  void nested(const google::protobuf::Descriptor* message);
  void ranges(const google::protobuf::Descriptor* message);
  std::vector<std::string> settings(const google::protobuf::Message& options) const;
  std::string bracketed(std::vector<std::string> first, const google::protobuf::Message& options) const;

  const google::protobuf::DescriptorPool& pool_;
  std::string text_;
  int depth_ = 0;
};

}  // namespace lgen
