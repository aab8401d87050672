#include "admission.h"

#include <memory>
#include <vector>

#include "catch.h"

using lgen::server::Admission;
using lgen::server::Answer;
using lgen::server::EarlyListening;
using lgen::server::Options;
using lgen::server::Ticket;

namespace {

// A ticket and the answers it got.
struct Caller {
  Caller(Admission& admission, Ticket::Needs needs) : ticket(std::make_unique<Ticket>(admission, needs)) {
    ticket->enter([this](Answer answer) { answers.push_back(answer); });
  }
  std::vector<Answer> answers;
  std::unique_ptr<Ticket> ticket;
};

constexpr auto kStream = Ticket::Needs::kStartAndPlace;
constexpr auto kCall = Ticket::Needs::kStart;
const std::vector<Answer> kNone;
const std::vector<Answer> kGone = {Answer::kGo};

Options with_handlers(std::uint32_t places) {
  Options options;
  options.max_handlers = places;
  return options;
}

}  // namespace

TEST_CASE("calls and streams wait for the start and then all go") {
  Admission admission{Options{}};
  Caller call(admission, kCall);
  Caller stream(admission, kStream);
  CHECK(call.answers == kNone);
  admission.open();
  CHECK(call.answers == kGone);
  CHECK(stream.answers == kGone);
  CHECK(Caller(admission, kStream).answers == kGone);
}

TEST_CASE("only so many streams go at a time, the others in order of arrival") {
  Admission admission(with_handlers(1));
  admission.open();
  Caller first(admission, kStream);
  Caller second(admission, kStream);
  Caller third(admission, kStream);
  CHECK(first.answers == kGone);
  CHECK(second.answers == kNone);
  first.ticket.reset();
  CHECK(second.answers == kGone);
  CHECK(third.answers == kNone);
  CHECK(Caller(admission, kCall).answers == kGone);
  second.ticket.reset();
  CHECK(third.answers == kGone);
}

TEST_CASE("the start lets in no more streams than there are places") {
  Admission admission(with_handlers(2));
  Caller streams[] = {{admission, kStream}, {admission, kStream}, {admission, kStream}};
  admission.open();
  CHECK(streams[0].answers == kGone);
  CHECK(streams[1].answers == kGone);
  CHECK(streams[2].answers == kNone);
  streams[1].ticket.reset();
  CHECK(streams[2].answers == kGone);
}

TEST_CASE("who gives up while waiting is told so once and takes no place") {
  Admission admission(with_handlers(1));
  admission.open();
  Caller first(admission, kStream);
  Caller second(admission, kStream);
  Caller third(admission, kStream);
  second.ticket->cancel();
  CHECK(second.answers == std::vector<Answer>{Answer::kCancelled});
  first.ticket->cancel();
  CHECK(first.answers == kGone);
  second.ticket.reset();
  CHECK(third.answers == kNone);
  first.ticket.reset();
  CHECK(third.answers == kGone);
}

TEST_CASE("a start that refuses answers at once") {
  Options options;
  options.listen_early = EarlyListening::kRefuse;
  Admission admission(options);
  CHECK(Caller(admission, kCall).answers == std::vector<Answer>{Answer::kRefused});
  admission.open();
  CHECK(Caller(admission, kCall).answers == kGone);
}
