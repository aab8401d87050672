// The client: requests made ready, places, and calls that are used again.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "http_call.h"
#include "http_client_impl.h"
#include "lgen/http.h"

namespace lgen {

HttpClient::Impl::Impl(Loop& client_loop, HttpClientOptions client_options)
    : loop(client_loop), options(std::move(client_options)), context(std::make_shared<NetContext>(loop)) {}

HttpClient::Impl::~Impl() {
  for (HttpCall* call : spare) delete call;
}

HttpCall& HttpClient::Impl::take_call() {
  if (spare.empty()) return *new HttpCall(*this);
  HttpCall& call = *spare.back();
  spare.pop_back();
  return call;
}

HttpPlace& HttpClient::Impl::place_of(const Url& url) {
  const std::string key = (url.tls ? "https://" : "http://") + url.authority();
  auto& place = places[key];
  if (!place) place = std::make_unique<HttpPlace>(*this, url, key);
  return *place;
}

Result<std::shared_ptr<const HttpPrepared>> HttpClient::Impl::prepare(const HttpRequest& request,
                                                                      std::optional<Url> url) {
  if (!url) {
    Result<Url> parsed = parse_url(request.url);
    if (!parsed) return parsed.error();
    url = std::move(*parsed);
  }
  auto ready = std::make_shared<HttpPrepared>();
  Result<Http1Head> head = write_head(request, *url, options);
  if (!head) return head.error();
  if (url->tls) static_cast<void>(tls_context());  // read before the request's time begins; its errors are told then
  ready->head = std::move(*head);
  ready->request = {.method = request.method, .url = request.url, .headers = request.headers};
  ready->text = url->text();
  ready->place = &place_of(*url);
  ready->url = std::move(*url);
  if (options.version != HttpVersion::one) make_fields(*ready);
  return std::shared_ptr<const HttpPrepared>(std::move(ready));
}

Result<std::shared_ptr<TlsContext>> HttpClient::Impl::tls_context() {
  if (tls) return tls;
  std::vector<std::string> protocols;
  if (options.version != HttpVersion::one) protocols.emplace_back("h2");
  if (options.version != HttpVersion::two) protocols.emplace_back("http/1.1");
  Result<std::shared_ptr<TlsContext>> made = TlsContext::make(options.tls, protocols);
  if (made) tls = *made;
  return made;
}

std::string_view to_string(HttpClosed closed) {
  switch (closed) {
    case HttpClosed::ours:
      return "ours";
    case HttpClosed::answer:
      return "answer";
    case HttpClosed::idle:
      return "idle";
    case HttpClosed::goaway:
      return "goaway";
    case HttpClosed::failed:
      return "failed";
  }
  return "";
}

const std::string& request_url(const HttpPrepared& request) { return request.text; }
const std::string& request_head(const HttpPrepared& request) { return request.head.text; }

HttpClient::HttpClient(Loop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() {
  impl_->closed = true;
  close_idle();
}

Result<std::shared_ptr<const HttpPrepared>> HttpClient::prepare(const HttpRequest& request) {
  return impl_->prepare(request);
}

Outcome HttpClient::load_tls() {
  const auto loaded = impl_->tls_context();
  return loaded ? Outcome(Done{}) : loaded.error();
}

Op HttpClient::send(const HttpRequest& request, HttpDone done) {
  HttpCall& call = impl_->take_call();
  auto ready = impl_->prepare(request);
  if (ready) {
    call.start(impl_, *ready, {request.body, request.timeout, request.intended}, std::move(done));
  } else {
    call.refuse(impl_, request, ready.error(), std::move(done));
  }
  return Op(&call);
}

Op HttpClient::send(const std::shared_ptr<const HttpPrepared>& request, const HttpSend& now, HttpDone done) {
  HttpCall& call = impl_->take_call();
  call.start(impl_, request, now, std::move(done));
  return Op(&call);
}

void HttpClient::on_connection(std::function<void(const HttpConnectionEvent&)> listener) {
  impl_->listener = std::move(listener);
}

std::uint64_t HttpClient::connections() const { return impl_->connections; }

std::size_t HttpClient::idle_connections() const {
  std::size_t count = 0;
  for (const auto& [key, place] : impl_->places) count += place->idle();
  return count;
}

void HttpClient::close_idle() { impl_->close_idle(); }

void HttpClient::Impl::close_idle() {
  close_when_shown = showing > 0;
  if (close_when_shown) return;
  for (const auto& [key, place] : places) place->close_idle();
}

}  // namespace lgen
