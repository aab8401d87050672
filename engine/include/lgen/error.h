// Result<T>: a value or the reason why there is none. Outcomes of the system under test and of the outside world are
// values; exceptions stay for bugs.
// Thread: values, no shared state.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lgen {

/// Closed set: every failure of the engine is one of these.
enum class ErrorCode {
  invalid_argument,  // the caller's fault: a plan, an option, a message
  not_found,         // a file, a method, a name that does not resolve
  io,                // reading or writing failed
  refused,           // nobody listens there
  timeout,           // a deadline passed
  tls,               // the handshake or the certificates do not fit
  protocol,          // the peer broke its protocol, or bytes could not be decoded
  closed,            // the other side or we have closed it
  cancelled,         // somebody asked for it
  exhausted,         // descriptors, ports, memory, a bounded buffer
  unavailable,       // not possible on this machine or in this state
  internal,          // a bug of lgen
};

std::string_view to_string(ErrorCode code);

/// What happened, where, and what to do: `message` says all three in one line.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
};

/// A value or an Error; `Outcome` below where there is no value.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

/// Success, or the reason why not.
struct Done {};
using Outcome = Result<Done>;

inline Error make_error(ErrorCode code, std::string message) { return Error{code, std::move(message)}; }

}  // namespace lgen
