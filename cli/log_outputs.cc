#include "log_outputs.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "lgen/append_file.h"
#include "lgen/run_log.h"

namespace lgen::cli {
namespace {

constexpr std::uint64_t kErrorsASecond = 100;
constexpr std::size_t kFlushAt = 64 * 1024;  // bytes gathered within a second

using File = std::unique_ptr<AppendFile>;

class NdjsonOutput final : public LiveOutput {
 public:
  NdjsonOutput(File file, std::uint64_t rate) : file_(std::move(file)), log_(rate) {}

  void begin(const RunView& view) override {
    file_->begin();
    log_.begin(view.run);
    flush();
  }
  void failure(const Failure& failure) override {
    log_.failure(failure);
    if (log_.size() >= kFlushAt) flush();
  }
  void event(const EventRecord& event) override {
    log_.event(event);
    if (log_.size() >= kFlushAt) flush();
  }
  void tick(const RunSecond& second) override {
    log_.second(second.from, second.to, second.change, second.metrics);
    flush();
  }
  Outcome finish(const Summary&) override {
    flush();
    return file_->settle();
  }
  std::uint64_t lines_lost() const override { return file_->lines_lost(); }
  Outcome last_words(const RunInfo& run) override {
    const bool whole = !file_->failure();
    log_.end(run);
    flush();
    const Outcome closed = file_->close();
    return whole ? closed : Outcome(Done{});  // the rest has been told
  }

 private:
  void flush() { file_->append(log_.take()); }
  File file_;
  NdjsonLog log_;
};

class HdrOutput final : public LiveOutput {
 public:
  explicit HdrOutput(File file) : file_(std::move(file)) {}

  void begin(const RunView& view) override {
    file_->begin();
    file_->append(hdr_log_header(view.run));
  }
  void tick(const RunSecond& second) override { file_->append(hdr_log_second(second.from, second.to, second.change)); }
  Outcome finish(const Summary&) override { return file_->close(); }
  std::uint64_t lines_lost() const override { return file_->lines_lost(); }

 private:
  File file_;
};

}  // namespace

const OutputKey kNdjsonKeys[1] = {{"rate", "N", "at most N errors a second, 100 unless said"}};

Result<std::unique_ptr<LiveOutput>> open_ndjson(const OutputRequest& request, const OutputMeans& means) {
  std::uint64_t rate = kErrorsASecond;
  if (const std::string text = request.key("rate"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (error != std::errc{} || end != text.data() + text.size()) {
      return make_error(ErrorCode::invalid_argument, fmt::format("--out: ndjson: rate: '{}' is no whole number", text));
    }
  }
  auto file = AppendFile::open(request.where, means.stdout_fd);
  if (!file) return file.error();
  return std::unique_ptr<LiveOutput>(std::make_unique<NdjsonOutput>(std::move(*file), rate));
}

Result<std::unique_ptr<LiveOutput>> open_hdr(const OutputRequest& request, const OutputMeans& means) {
  auto file = AppendFile::open(request.where, means.stdout_fd);
  if (!file) return file.error();
  return std::unique_ptr<LiveOutput>(std::make_unique<HdrOutput>(std::move(*file)));
}

}  // namespace lgen::cli
