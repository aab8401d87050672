// Requests of plans: c:get and its like from their arguments to their results.
// Thread: the loop's.
// Lifetime: HttpRuns are kept and used again; one is busy from start() until its task has been woken.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <string_view>

#include "http_link.h"
#include "lgen/http.h"
#include "lgen/op.h"
#include "task.h"

namespace lgen::lua {

struct HttpState;

class HttpRun final : public Waiter {
 public:
  explicit HttpRun(HttpState& state) : state_(state) {}

  /// `request` is taken before it waits.
  int start(lua_State* L, Task& task, const Rc<HttpLink>& link, const std::shared_ptr<const HttpPrepared>& request,
            std::string_view method, HttpSite& site, const HttpSend& now);
  void interrupt() noexcept override { op_.cancel(); }
  /// The plan is closed: nobody is called back any more.
  void drop() noexcept { op_.reset(); }

 private:
  void begin_trace(std::string_view method, const HttpPrepared& request, std::string_view body);
  void end_trace(const HttpResult& result);
  void answer_check();
  void ended(const HttpResult& result);
  int push_results(lua_State* L, const HttpResult& result);
  void record(const HttpResult& result);
  void tell_first(FirstOn first, const HttpSample& sample, const HttpResult& result);

  HttpState& state_;
  Task* task_ = nullptr;
  Rc<HttpLink> link_;
  HttpSite* site_ = nullptr;
  std::uint64_t trace_ = 0;
  std::string_view backend_;  // valid while `ended` runs
  std::string field_backend_;
  Op op_;
};

/// c:get(where, body?, options?) and its like; `verb` "": c:request(verb, where, body?, options?).
int send_request(lua_State* L, std::string_view verb, std::string_view function);

}  // namespace lgen::lua
