// Makes plans from protobuf's descriptors, each type once, with everything it refers to.
//
// Thread: one at a time. Lifetime: owns the plans; the descriptors must outlive it.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "lgen/error.h"
#include "lgen/message_plan.h"

namespace lgen {

class PlanCompiler {
 public:
  Result<const MessagePlan*> message(const google::protobuf::Descriptor* type);
  const EnumPlan* enumeration(const google::protobuf::EnumDescriptor* type);

 private:
  MessagePlan* compile(const google::protobuf::Descriptor* type);
  FieldPlan field(const google::protobuf::FieldDescriptor* descriptor);

  std::unordered_map<const google::protobuf::Descriptor*, std::unique_ptr<MessagePlan>> messages_;
  std::unordered_map<const google::protobuf::EnumDescriptor*, std::unique_ptr<EnumPlan>> enums_;
  std::string oversized_;  // a type with more than kMaxFields fields, if one was met
};

}  // namespace lgen
