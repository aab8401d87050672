// Decides when a call may be handled: after the start, within --max-handlers, the first one later than the rest.
//
// *Thread:* any. A ticket's answer comes exactly once, inside `enter` or later on another call's thread.
// *Lifetime:* the Admission outlives its tickets; a ticket lives until its answer has come.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "delay.h"
#include "options.h"

namespace lgen::server {

class Ticket;

class Admission {
 public:
  explicit Admission(const Options& options);

  // The start is over: everything held goes ahead, as far as there are places.
  void open();

 private:
  friend class Ticket;
  enum class Place { kNow, kLater, kNever };

  Place request(Ticket& ticket);
  bool withdraw(Ticket& ticket);
  void give_back();
  bool take_place(Ticket& ticket);
  std::chrono::nanoseconds delay_of_next_request();

  const std::uint32_t places_;  // 0: no limit
  const bool refuses_early_;
  const std::chrono::nanoseconds first_request_delay_;
  std::atomic<bool> first_request_pending_;
  std::atomic<bool> open_{false};
  std::mutex mutex_;
  std::uint32_t free_places_;
  std::list<Ticket*> waiting_;  // in order of arrival
};

enum class Answer { kGo, kRefused, kCancelled };

// One call's wait for its turn. Gives its place back when destroyed.
class Ticket {
 public:
  enum class Needs { kStart, kStartAndPlace };

  Ticket(Admission& admission, Needs needs) : admission_(admission), needs_(needs) {}
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void enter(std::function<void(Answer)> then);
  // The caller has gone: an answer still awaited becomes kCancelled.
  void cancel();

 private:
  friend class Admission;
  void go();

  Admission& admission_;
  const Needs needs_;
  bool has_place_ = false;
  bool waits_ = false;                     // guarded by Admission::mutex_, as is the next line
  std::list<Ticket*>::iterator position_;  // in Admission::waiting_, while waits_
  std::function<void(Answer)> then_;
  Delay first_request_;
};

}  // namespace lgen::server
