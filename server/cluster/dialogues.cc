#include "dialogues.h"

#include <fmt/format.h>

#include <charconv>

namespace lgen::cluster {

namespace {

constexpr std::size_t kLargestPage = 8 << 20;

class TcpDialogue final : public Dialogue {
 public:
  std::string open() override { return {}; }
  std::string take(std::string_view) override { return {}; }
  std::optional<Answer> answer() const override { return Answer{true, "connected"}; }
};

class HttpDialogue final : public Dialogue {
 public:
  HttpDialogue(std::string host, std::string path, std::shared_ptr<std::string> body)
      : host_(std::move(host)), path_(std::move(path)), body_(std::move(body)) {}

  std::string open() override {
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: lgen-cluster\r\nConnection: close\r\n\r\n", path_,
                       host_);
  }

  // A probe is content with the status line; a scrape waits for the end of the connection that it has asked for.
  std::string take(std::string_view bytes) override {
    text_.append(bytes);
    if (text_.size() > kLargestPage) answer_ = Answer{false, "the answer is larger than 8 MiB"};
    const bool complete = bytes.empty() || (body_ == nullptr && text_.find("\r\n") != std::string::npos);
    if (complete && !answer_) conclude();
    return {};
  }

  std::optional<Answer> answer() const override { return answer_; }

 private:
  void conclude() {
    int status = 0;
    if (text_.starts_with("HTTP/1.") && text_.size() > 12) std::from_chars(&text_[9], &text_[12], status);
    if (status == 0) {
      answer_ = Answer{false, "no HTTP answer"};
      return;
    }
    answer_ = Answer{status >= 200 && status < 400, fmt::format("HTTP {}", status)};
    const std::size_t head_end = text_.find("\r\n\r\n");
    if (body_ != nullptr && head_end != std::string::npos) *body_ = text_.substr(head_end + 4);
  }

  std::string host_, path_;
  std::shared_ptr<std::string> body_;
  std::string text_;
  std::optional<Answer> answer_;
};

}  // namespace

std::unique_ptr<Dialogue> tcp_dialogue() { return std::make_unique<TcpDialogue>(); }

std::unique_ptr<Dialogue> http_dialogue(const std::string& host, const std::string& path,
                                        std::shared_ptr<std::string> body) {
  return std::make_unique<HttpDialogue>(host, path, std::move(body));
}

}  // namespace lgen::cluster
