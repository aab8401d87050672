// Makes plans from protobuf's descriptors, each type once, with everything it refers to.
//
// Thread: one at a time. Lifetime: owns the plans; the descriptors must outlive it.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lgen/error.h"
#include "lgen/message_plan.h"

namespace lgen {

class PlanCompiler {
 public:
  Result<const MessagePlan*> message(const google::protobuf::Descriptor* type);
  const EnumPlan* enumeration(const google::protobuf::EnumDescriptor* type);
  /// Of the pool that Any came from; null when it has no such type.
  const MessagePlan* find(std::string_view full_name);

  PlanCompiler() = default;
  PlanCompiler(const PlanCompiler&) = delete;  // plans of Any point here
  PlanCompiler& operator=(const PlanCompiler&) = delete;

 private:
  MessagePlan* compile(const google::protobuf::Descriptor* type);
  void add_field(MessagePlan& plan, const google::protobuf::FieldDescriptor* descriptor);
  FieldPlan field(const google::protobuf::FieldDescriptor* descriptor);

  std::unordered_map<const google::protobuf::Descriptor*, std::unique_ptr<MessagePlan>> messages_;
  std::unordered_map<const google::protobuf::EnumDescriptor*, std::unique_ptr<EnumPlan>> enums_;
  const google::protobuf::DescriptorPool* pool_ = nullptr;  // set as soon as there is a plan of Any
  std::string oversized_;                                   // a type with more than kMaxFields fields, if one was met
};

}  // namespace lgen
