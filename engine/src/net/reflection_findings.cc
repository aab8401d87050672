#include "reflection_findings.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>

#include <utility>

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Question = ReflectionQuestion;
using Kind = ReflectionQuestion::Kind;

std::string words(const GrpcStatus& status) {
  return status.message.empty() ? std::string(to_string(status.code))
                                : fmt::format("{}: {}", to_string(status.code), status.message);
}

}  // namespace

std::optional<Question> ReflectionFindings::next(bool waiting) {
  if (!std::exchange(started_, true)) return Question{Kind::services, "*"};
  if (to_ask_.empty() && !waiting) look_further();
  if (to_ask_.empty()) return std::nullopt;
  Question question = std::move(to_ask_.front());
  to_ask_.pop_front();
  return question;
}

void ReflectionFindings::look_further() {
  while (!unasked_.empty() && to_ask_.empty()) {
    const std::string service = unasked_.extract(unasked_.begin()).value();
    if (!files_.defines(service)) to_ask_.push_back({Kind::file_with_symbol, service});
  }
  if (!to_ask_.empty()) return;
  for (const std::string& type : files_.extendable()) {
    if (asked_types_.insert(type).second) to_ask_.push_back({Kind::extension_numbers, type});
  }
  complete_ = to_ask_.empty();
}

Outcome ReflectionFindings::take(const Question& question, const ReflectionAnswer& answer) {
  if (answer.error) return refused(question, *answer.error);
  if (question.kind == Kind::services) {
    services_ = {answer.services.begin(), answer.services.end()};
    unasked_ = services_;
  }
  for (const std::int32_t number : answer.extension_numbers) {
    to_ask_.push_back({Kind::file_with_extension, question.name, number});
  }
  std::set<std::string> imports;
  for (const std::string& bytes : answer.files) {
    if (const Outcome taken = take_file(bytes, imports); !taken) return taken;
  }
  for (const std::string& import : imports) {  // another file of this answer may have been the one
    if (!files_.has(import) && asked_files_.insert(import).second) to_ask_.push_back({Kind::file_by_name, import});
  }
  return Done{};
}

Outcome ReflectionFindings::refused(const Question& question, const GrpcStatus& status) {
  if (question.kind == Kind::services) {
    return make_error(ErrorCode::unavailable, fmt::format("it does not list its services ({})", words(status)));
  }
  if (question.kind == Kind::file_with_symbol || question.kind == Kind::file_by_name) {
    reasons_[question.name] = words(status);
  }
  return Done{};
}

Outcome ReflectionFindings::take_file(const std::string& bytes, std::set<std::string>& imports) {
  pb::FileDescriptorProto file;
  if (!file.ParseFromString(bytes) || file.name().empty()) {
    return make_error(ErrorCode::protocol, "it sent a file descriptor that cannot be read");
  }
  if (files_.has(file.name())) return Done{};
  for (std::string& import : files_.missing_imports(file)) imports.insert(std::move(import));
  files_.add(std::move(file));
  return Done{};
}

Result<DescriptorSet> ReflectionFindings::link() {
  leave_out_torn_files();
  Result<DescriptorSet> set = files_.link();
  if (!set) return set;
  set->owner = "the server has";
  for (const std::string& service : services_) {
    if (set->pool->FindServiceByName(service) == nullptr) set->undescribed[service] = why_not(service);
  }
  return set;
}

/// Files that lack an import cannot be used, nor can those that import them.
void ReflectionFindings::leave_out_torn_files() {
  for (bool again = true; again;) {
    again = false;
    for (const std::string& name : files_.names()) {
      const auto missing = files_.missing_imports(*files_.find(name));
      if (missing.empty()) continue;
      torn_[name] = missing.front();
      files_.remove(name);
      again = true;
    }
  }
}

std::string ReflectionFindings::why_not(const std::string& service) const {
  if (const auto reason = reasons_.find(service); reason != reasons_.end()) return reason->second;
  for (const auto& [file, import] : torn_) {
    const auto reason = reasons_.find(import);
    if (reason != reasons_.end()) return fmt::format("{} imports \"{}\", {}", file, import, reason->second);
  }
  return "no file of it was sent";
}

}  // namespace lgen
