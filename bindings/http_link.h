// A client as plans hold it: the engine's client under a name, the requests it has sent before, made ready, and where
// they are counted.
// Thread: the loop's.
// Lifetime: shared by handles and requests.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "http_options.h"
#include "lgen/http.h"
#include "lgen/http_recorder.h"
#include "rc.h"
#include "stack.h"
#include "task.h"

namespace lgen::lua {

struct HttpState;

/// A method and a path: what requests without headers of their own have in common.
class HttpRoute {
 public:
  std::string method;  // "GET /path", as metrics name it
  std::shared_ptr<const HttpPrepared> plain;
  std::shared_ptr<const HttpPrepared> json;  // with Content-Type: application/json; made at first use

  /// Where requests by `task` are counted, found again without hashing labels.
  template <class Make>
  HttpSite& site(std::string_view scenario, std::string_view phase, const TagSet& tags, Make make);

 private:
  struct Slot {
    std::string_view scenario, phase;
    TagSet tags;
    HttpSite* site = nullptr;

    bool fits(std::string_view of, std::string_view in, const TagSet& with) const {
      return scenario.data() == of.data() && phase.data() == in.data() && (tags == with || *tags == *with);
    }
  };
  static constexpr std::size_t kSlots = 16;
  std::vector<Slot> slots_;
  std::size_t last_ = 0, next_ = 0;
};

class HttpLink {
 public:
  HttpLink(HttpState& state, std::string name, HttpDecl decl);
  ~HttpLink();
  HttpLink(const HttpLink&) = delete;
  HttpLink& operator=(const HttpLink&) = delete;

  const std::string& name() const { return name_; }
  const HttpDecl& decl() const { return decl_; }
  /// Null after the plan has been closed.
  HttpClient* wire() const { return wire_.get(); }
  void close() { wire_.reset(); }

  /// Raises when the URL is none.
  const Rc<HttpRoute>& route(lua_State* L, std::string_view verb, std::string_view where, std::string_view function);
  /// A request with headers of its own, or with a body in JSON. Raises when it cannot be sent.
  std::shared_ptr<const HttpPrepared> prepare(lua_State* L, std::string_view verb, std::string_view where,
                                              HttpHeaders own, std::string_view function);
  HttpSite& site(HttpRoute& route, const Task* task, std::string_view name, std::string_view verb, const Labels* extra);

  /// Of a connection of the wire's: its number among all of this client's name, and one that no other of the run has.
  std::uint64_t number_of(std::uint64_t connection) const { return connection == 0 ? 0 : earlier_ + connection; }
  std::uint64_t id_of(std::uint64_t connection) const { return connection == 0 ? 0 : first_id_ + connection; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Routes = std::unordered_map<std::string, Rc<HttpRoute>, Hash, std::equal_to<>>;
  static constexpr std::size_t kKept = 10'000;  // routes
  static constexpr std::size_t kNamed = 100;    // methods in metrics

  Rc<HttpRoute> find_route(lua_State* L, std::string_view verb, std::string_view where, std::string_view function);
  std::string url_of(lua_State* L, std::string_view where, std::string_view function) const;
  std::string method_name(std::string_view verb, const std::string& url);
  void on_connection(const HttpConnectionEvent& event);
  SeriesId closed_series(HttpClosed why);

  HttpState& state_;
  std::string name_;
  HttpDecl decl_;
  const std::uint64_t earlier_;   // connections of clients of that name before
  const std::uint64_t first_id_;  // less one
  std::unique_ptr<HttpClient> wire_;
  std::unordered_map<std::string, Routes, Hash, std::equal_to<>> routes_;  // by verb, by what the plan writes
  std::size_t kept_ = 0;
  // The one asked for last; mostly the next one, too.
  std::string last_verb_, last_where_;
  Rc<HttpRoute> last_;
  std::unordered_set<std::string> methods_;
  SeriesId connections_, open_;
  std::map<HttpClosed, SeriesId> closed_;
};

struct HttpClientHandle {
  static constexpr ObjectType kType{"lgen.HttpClient"};
  Rc<HttpLink> link;
};

template <class Make>
HttpSite& HttpRoute::site(std::string_view scenario, std::string_view phase, const TagSet& tags, Make make) {
  if (last_ < slots_.size() && slots_[last_].fits(scenario, phase, tags)) return *slots_[last_].site;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].fits(scenario, phase, tags)) continue;
    last_ = i;
    return *slots_[i].site;
  }
  const bool room = slots_.size() < kSlots;
  last_ = room ? slots_.size() : next_++ % kSlots;
  if (room) slots_.emplace_back();
  slots_[last_] = Slot{scenario, phase, tags, &make()};
  return *slots_[last_].site;
}

}  // namespace lgen::lua
