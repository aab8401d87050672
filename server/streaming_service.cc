#include "streaming_service.h"

#include <fmt/format.h>

#include <string>

namespace lgen::server {
namespace {

using streaming::TextRequest;
using streaming::TextResponse;

// A client's name must not be able to forge a second log line.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  }
  return text;
}

// One stream. Whether it was closed or cancelled is known for certain only in OnDone (a read also fails because the
// caller has reset the stream), so that is where its end is logged and leaves the gauge.
class TextStream final : public grpc::ServerReadReactor<TextRequest> {
 public:
  TextStream(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context, TextResponse* response)
      : shared_(shared), call_(shared, method, context), response_(response) {
    call_.enter([this] { begin(); }, [this](const grpc::Status& status) { Finish(status); });
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      on_message();
    } else {
      answer();
    }
  }

  void OnCancel() override { call_.cancel(); }

  void OnDone() override {
    const bool cancelled = call_.cancelled();
    if (call_.handled()) log_end(cancelled);
    const std::int64_t active = call_.finish(grpc::StatusCode::OK);
    if (count_ > 0) log("Stream finished. Active streams: {}.0", active);
    delete this;
  }

 private:
  void begin() {
    StartSendInitialMetadata();  // the caller learns at once who serves it
    StartRead(&request_);
  }

  void on_message() {
    ++count_;
    call_.message_read(request_.ByteSizeLong());
    if (count_ == 1) log_begin();
    const bool pauses = count_ > 1 && shared_.options.message_delay.count() > 0;
    if (!pauses) return StartRead(&request_);
    // A cancelled pause reads on, too: the read then fails and ends the stream.
    call_.delay().start(shared_.options.message_delay, [this](bool) { StartRead(&request_); });
  }

  void answer() {
    response_->set_message_count(count_);
    call_.record().sent(response_->ByteSizeLong());
    Finish(grpc::Status::OK);
  }

  void log_begin() {
    prefix_ = fmt::format("[Client: {}, Channel: {}] ", printable(request_.client_id()), request_.channel_id());
    log("Stream opened. Active streams: {}.0", shared_.metrics.active_streams());
  }

  void log_end(bool cancelled) {
    if (count_ == 0) {
      shared_.log.info("Stream opened but received no messages.");
    } else if (cancelled) {
      log("Stream cancelled by client after {} messages.", count_);
    } else {
      log("Stream closed normally by client. Processed {} messages.", count_);
    }
  }

  template <typename... Values>
  void log(fmt::format_string<const Values&...> line, const Values&... values) {
    shared_.log.info(prefix_ + fmt::format(line, values...));
  }

  const Shared& shared_;
  StreamCall call_;
  TextResponse* response_;
  TextRequest request_;
  std::int32_t count_ = 0;
  std::string prefix_;
};

}  // namespace

StreamingService::StreamingService(const Shared& shared)
    : shared_(shared), process_text_stream_(shared.metrics.method("streaming.Streamer/ProcessTextStream")) {}

grpc::ServerReadReactor<TextRequest>* StreamingService::ProcessTextStream(grpc::CallbackServerContext* context,
                                                                          TextResponse* response) {
  return new TextStream(shared_, process_text_stream_, context, response);
}

}  // namespace lgen::server
