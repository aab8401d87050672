#include "admission.h"

#include <iterator>
#include <utility>

namespace lgen::server {

using std::chrono::nanoseconds;

Admission::Admission(const Options& options)
    : places_(options.max_handlers),
      refuses_early_(options.listen_early == EarlyListening::kRefuse),
      first_request_delay_(options.first_request_delay),
      first_request_pending_(options.first_request_delay > nanoseconds(0)),
      free_places_(options.max_handlers) {}

void Admission::open() {
  std::vector<Ticket*> ready;
  {
    const std::lock_guard lock(mutex_);
    open_ = true;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      Ticket* ticket = *it;
      const bool goes = take_place(*ticket);
      if (goes) ready.push_back(ticket);
      if (goes) ticket->waits_ = false;
      it = goes ? waiting_.erase(it) : std::next(it);
    }
  }
  // Answers are given outside the lock: they start operations of gRPC.
  for (Ticket* ticket : ready) ticket->go();
}

Admission::Place Admission::request(Ticket& ticket) {
  const bool needs_place = places_ > 0 && ticket.needs_ == Ticket::Needs::kStartAndPlace;
  if (open_ && !needs_place) return Place::kNow;
  const std::lock_guard lock(mutex_);
  if (!open_ && refuses_early_) return Place::kNever;
  if (open_ && take_place(ticket)) return Place::kNow;
  ticket.position_ = waiting_.insert(waiting_.end(), &ticket);
  ticket.waits_ = true;
  return Place::kLater;
}

bool Admission::withdraw(Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  if (!ticket.waits_) return false;
  waiting_.erase(ticket.position_);
  ticket.waits_ = false;
  return true;
}

// The place of a finished call goes to the longest waiting one, if any.
void Admission::give_back() {
  Ticket* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ++free_places_;
    if (!open_ || waiting_.empty()) return;
    next = waiting_.front();
    waiting_.pop_front();
    next->waits_ = false;
    take_place(*next);
  }
  next->go();
}

bool Admission::take_place(Ticket& ticket) {
  if (places_ == 0 || ticket.needs_ == Ticket::Needs::kStart) return true;
  if (free_places_ == 0) return false;
  --free_places_;
  ticket.has_place_ = true;
  return true;
}

nanoseconds Admission::delay_of_next_request() {
  const bool first = first_request_pending_ && first_request_pending_.exchange(false);
  return first ? first_request_delay_ : nanoseconds(0);
}

Ticket::~Ticket() {
  if (has_place_) admission_.give_back();
}

void Ticket::enter(std::function<void(Answer)> then) {
  then_ = std::move(then);
  switch (admission_.request(*this)) {
    case Admission::Place::kNow:
      return go();
    case Admission::Place::kNever:
      return then_(Answer::kRefused);
    case Admission::Place::kLater:
      return;
  }
}

void Ticket::cancel() {
  if (admission_.withdraw(*this)) return then_(Answer::kCancelled);
  first_request_.cancel();
}

void Ticket::go() {
  const nanoseconds delay = admission_.delay_of_next_request();
  if (delay == nanoseconds(0)) return then_(Answer::kGo);
  first_request_.start(delay, [this](bool waited) { then_(waited ? Answer::kGo : Answer::kCancelled); });
}

}  // namespace lgen::server
