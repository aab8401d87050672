#include "resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <uv.h>

#include <optional>
#include <utility>

#include "loop_internal.h"

namespace lgen {
namespace {

class Resolving;

/// What libuv holds on to; outlives a dropped operation.
struct Lookup {
  uv_getaddrinfo_t uv{};
  Resolving* owner = nullptr;  // nullptr: nobody waits any more
};

class Resolving final : public Operation {
 public:
  Resolving(Loop& loop, std::string host, ResolveDone done)
      : loop_(loop), host_(std::move(host)), done_(std::move(done)), later_(loop, [this] { finish(); }) {}
  ~Resolving() { let_go(); }

  void start(int port);
  void finish_later(Result<std::vector<Address>> result);
  void looked_up(int status, addrinfo* found);
  void cancel() noexcept override;
  void drop() noexcept override;

 private:
  void finish();
  void let_go();

  Loop& loop_;
  std::string host_;
  ResolveDone done_;
  Timer later_;
  Lookup* lookup_ = nullptr;
  std::optional<Result<std::vector<Address>>> result_;
  bool finishing_ = false;
  bool dropped_ = false;
};

Error no_such_name(const std::string& host, int status) {
  const bool unknown = status == UV_EAI_NONAME || status == UV_EAI_NODATA || status == UV_EAI_ADDRFAMILY;
  return make_error(unknown ? ErrorCode::not_found : ErrorCode::unavailable,
                    fmt::format("the name '{}' does not resolve ({}); check its spelling, /etc/hosts and DNS", host,
                                uv_strerror(status)));
}

void Resolving::start(int port) {
  if (const auto address = numeric_address(host_, port)) return finish_later(std::vector<Address>{*address});
  lookup_ = new Lookup;
  lookup_->owner = this;
  lookup_->uv.data = lookup_;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const auto ready = [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
    auto* lookup = static_cast<Lookup*>(request->data);
    note_awake(request->loop);
    if (lookup->owner != nullptr) lookup->owner->looked_up(status, found);
    uv_freeaddrinfo(found);
    delete lookup;
  };
  const int error = uv_getaddrinfo(uv(loop_), &lookup_->uv, ready, host_.c_str(), std::to_string(port).c_str(), &hints);
  if (error == 0) return count_open(loop_, 1);
  delete std::exchange(lookup_, nullptr);
  finish_later(no_such_name(host_, error));
}

void Resolving::looked_up(int status, addrinfo* found) {
  lookup_ = nullptr;
  count_open(loop_, -1);
  result_ = status == 0 ? Result<std::vector<Address>>(addresses_of(found)) : no_such_name(host_, status);
  finish();
}

void Resolving::let_go() {
  if (lookup_ == nullptr) return;
  lookup_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&lookup_->uv));  // fails when it is already running: then it is waited for
  lookup_ = nullptr;
  count_open(loop_, -1);
}

void Resolving::finish_later(Result<std::vector<Address>> result) {
  if (result_) return;
  result_ = std::move(result);
  later_.arm(loop_.now());
}

void Resolving::finish() {
  finishing_ = true;
  std::exchange(done_, nullptr)(std::move(*result_));
  finishing_ = false;
  if (dropped_) delete this;
}

void Resolving::cancel() noexcept {
  let_go();
  finish_later(make_error(ErrorCode::cancelled, "looking up '" + host_ + "' was cancelled"));
}

void Resolving::drop() noexcept {
  dropped_ = true;
  if (!finishing_) delete this;
}

}  // namespace

Op resolve(Loop& loop, const std::string& host, int port, ResolveDone done) {
  auto* operation = new Resolving(loop, host, std::move(done));
  operation->start(port);
  return Op(operation);
}

}  // namespace lgen
