// grpc.health.v1.Health/Check as one stream of HTTP/2, by nghttp2: lgen-cluster has no use for the rest of gRPC. The
// messages are so small that they are written and read by hand:
//   HealthCheckRequest{string service = 1}, HealthCheckResponse{enum status = 1, SERVING = 1}
#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstring>

#include "dialogues.h"

namespace lgen::cluster {

namespace {

constexpr std::size_t kPrefix = 5;  // compression flag, length
constexpr const char* kServing = "\x08\x01";

void append_varint(std::string& bytes, std::size_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

std::string request_message(const std::string& service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';
    append_varint(message, service.size());
    message += service;
  }
  std::string framed(kPrefix, '\0');
  for (std::size_t i = 0; i < 4; ++i) framed[4 - i] = static_cast<char>(message.size() >> (8 * i));
  return framed + message;
}

nghttp2_nv header(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

class GrpcHealthDialogue final : public Dialogue {
 public:
  explicit GrpcHealthDialogue(const std::string& service) : request_(request_message(service)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~GrpcHealthDialogue() override { nghttp2_session_del(session_); }
  GrpcHealthDialogue(const GrpcHealthDialogue&) = delete;
  GrpcHealthDialogue& operator=(const GrpcHealthDialogue&) = delete;

  std::string open() override {
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    const std::array headers = {
        header(":method", "POST"),           header(":scheme", "http"), header(":path", "/grpc.health.v1.Health/Check"),
        header(":authority", "localhost"),   header("te", "trailers"),  header("content-type", "application/grpc"),
        header("user-agent", "lgen-cluster")};
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = read_request;
    nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &provider, nullptr);
    return pending();
  }

  std::string take(std::string_view bytes) override {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    if (nghttp2_session_mem_recv(session_, data, bytes.size()) < 0) answer_ = Answer{false, "no HTTP/2 answer"};
    return pending();
  }

  std::optional<Answer> answer() const override { return answer_; }

 private:
  std::string pending() {
    std::string bytes;
    const std::uint8_t* data = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &data)) > 0;) {
      bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    return bytes;
  }

  static ssize_t read_request(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t room,
                              std::uint32_t* flags, nghttp2_data_source* source, void*) {
    std::string& rest = static_cast<GrpcHealthDialogue*>(source->ptr)->request_;
    const std::size_t count = std::min(room, rest.size());
    std::memcpy(buffer, rest.data(), count);
    rest.erase(0, count);
    if (rest.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    if (std::string_view(reinterpret_cast<const char*>(name), name_size) == "grpc-status") {
      static_cast<GrpcHealthDialogue*>(self)->status_.assign(reinterpret_cast<const char*>(value), value_size);
    }
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t size,
                     void* self) {
    static_cast<GrpcHealthDialogue*>(self)->reply_.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t error, void* self) {
    static_cast<GrpcHealthDialogue*>(self)->conclude(error);
    return 0;
  }

  void conclude(std::uint32_t error) {
    const bool serving = status_ == "0" && reply_.size() >= kPrefix && reply_.substr(kPrefix) == kServing;
    if (serving) {
      answer_ = Answer{true, "SERVING"};
    } else if (status_ == "0") {
      answer_ = Answer{false, "NOT_SERVING"};
    } else {
      answer_ = Answer{false, status_.empty() ? fmt::format("stream reset, HTTP/2 error {}", error)
                                              : fmt::format("gRPC status {}", status_)};
    }
  }

  nghttp2_session* session_ = nullptr;
  std::string request_, reply_, status_;
  std::optional<Answer> answer_;
};

}  // namespace

std::unique_ptr<Dialogue> grpc_health_dialogue(const std::string& service) {
  return std::make_unique<GrpcHealthDialogue>(service);
}

}  // namespace lgen::cluster
