// What a reader has to be told is the difference between two pages. The parts of a page (page_data.h) are compared as
// text, each by itself. Charts over time are nearly all of it, and grow at their end only; of those a reader gets the
// intervals from the last but one on, unless lines or the length of an interval have changed since.
#include "lgen/dashboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lgen/log.h"
#include "lgen/report.h"
#include "page_data.h"

namespace lgen {
namespace {

using html::Json;

constexpr std::size_t kMostReaders = 32;
constexpr int kPatience = 5;      // texts in a row that a slow reader may miss
constexpr int kShareOfTime = 20;  // one part of so many goes into the page

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Adds a member to the text of an object that is not closed yet.
void add_member(std::string& object, std::string_view name, std::string_view value) {
  object += object.empty() ? "{\"" : ",\"";
  object.append(name).append("\":").append(value);
}

std::string event_text(std::string_view event, const std::string& data) {
  return fmt::format("event: {}\ndata: {}\n\n", event, data);
}

/// What must be the same for a chart to grow: which, and its lines, in words.
std::string shape_of(const Json& time) {
  std::string shape = text_of(time.at("step"));
  for (const Json& chart : time.at("charts")) {
    shape += fmt::format(" {} {}", chart.value("id", ""), chart.contains("step") ? text_of(chart.at("step")) : "");
    for (const Json& line : chart.at("lines")) shape += "|" + line.value("name", "");
  }
  return shape;
}

void drop_first(Json& list, std::size_t count) {
  list.erase(list.begin(), list.begin() + static_cast<Json::difference_type>(std::min(count, list.size())));
}

/// How many intervals of a chart are already known for good.
std::size_t settled(std::size_t length_before) { return length_before - std::min<std::size_t>(length_before, 2); }

}  // namespace

struct Dashboard::Reader {
  std::unique_ptr<HttpStream> stream;
  bool knows_all = false;  // up to the last text
  int missed = 0;
};

/// The page as last computed, and what has changed in it.
struct Dashboard::State {
  Summary summary;
  TimePoint at{};
  std::string all;      // {"part": …, …}
  std::string changes;  // of it, since the time before

  void take(Summary now, TimePoint when);

 private:
  Json time_changes(const Json& time);
  std::map<std::string, std::string> parts_;
  std::string shape_;
  std::map<std::string, std::size_t> lengths_;  // intervals of each chart
};

void Dashboard::State::take(Summary now, TimePoint when) {
  summary = std::move(now);
  at = when;
  const Json page = html::page_data(summary);
  all.clear();
  changes.clear();
  for (const auto& [name, part] : page.items()) {
    std::string text = text_of(part);
    add_member(all, name, text);
    std::string& before = parts_[name];
    if (text == before) continue;
    const bool is_time = name == "time";
    add_member(changes, is_time ? "grown" : name, is_time ? text_of(time_changes(part)) : text);
    before = std::move(text);
  }
  all += all.empty() ? "{}" : "}";
  changes += changes.empty() ? "{}" : "}";
}

/// {"whole": false, "time": the charts, their values from `from` on}.
Json Dashboard::State::time_changes(const Json& time) {
  const std::string shape = shape_of(time);
  const bool whole = shape != shape_;
  shape_ = shape;
  Json cut = time;
  for (Json& chart : cut.at("charts")) {
    const bool heat = chart.contains("columns");
    const Json& values = heat ? chart.at("columns") : chart.at("lines").at(0).at("values");
    std::size_t& length = lengths_[chart.value("id", "")];
    const std::size_t from = whole ? 0 : settled(length);
    length = values.size();
    chart["from"] = from;
    if (heat) drop_first(chart.at("columns"), from);
    for (Json& line : chart.at("lines")) drop_first(line.at("values"), from);
  }
  return {{"whole", whole}, {"time", std::move(cut)}};
}

Dashboard::Dashboard(Loop& loop, HttpServer& server) : loop_(loop), state_(std::make_unique<State>()) {
  server.on("GET", "/", [this](const HttpQuestion&, HttpReply& reply) { show_page(reply); });
  server.on("GET", "/events", [this](const HttpQuestion&, HttpReply& reply) { add_reader(reply); });
}

Dashboard::~Dashboard() = default;

void Dashboard::begin(std::function<Summary()> so_far) { so_far_ = std::move(so_far); }

/// What was computed within the last second will do for one who comes now.
bool Dashboard::is_fresh() const {
  return over_ ||
         (!state_->all.empty() && loop_.precise_now() < std::max(next_refresh_, state_->at + std::chrono::seconds(1)));
}

void Dashboard::refresh() {
  const TimePoint before = loop_.precise_now();
  state_->take(so_far_(), before);
  const TimePoint after = loop_.precise_now();
  next_refresh_ = after + (after - before) * kShareOfTime;
}

void Dashboard::show_page(HttpReply& reply) {
  if (!so_far_ && !over_) return reply.send({.status = 503, .body = "the run has not begun\n"});
  if (!is_fresh()) refresh_for_all();
  reply.send({.body = render_live_page(state_->summary),
              .content_type = "text/html; charset=utf-8",
              .headers = {{"Cache-Control", "no-store"}}});
}

void Dashboard::add_reader(HttpReply& reply) {
  if (!so_far_ && !over_) return reply.send({.status = 503, .body = "the run has not begun\n"});
  if (readers_.size() >= kMostReaders) {
    return reply.send({.status = 503, .body = fmt::format("there are {} readers already\n", kMostReaders)});
  }
  if (!is_fresh()) refresh_for_all();
  auto stream = reply.stream({.body = event_text(over_ ? "end" : "all", state_->all),
                              .content_type = "text/event-stream",
                              .headers = {{"Cache-Control", "no-store"}}});
  if (over_ || stream->closed()) return;
  auto& reader = readers_.emplace_back(std::make_unique<Reader>());
  reader->stream = std::move(stream);
  reader->knows_all = true;
  reader->stream->on_closed(
      [this, gone = reader.get()] { std::erase_if(readers_, [gone](const auto& one) { return one.get() == gone; }); });
}

void Dashboard::tick() {
  if (readers_.empty() || over_ || loop_.precise_now() < next_refresh_) return;
  refresh_for_all();
}

/// The changes count from what was computed last, so nobody may miss any.
void Dashboard::refresh_for_all() {
  refresh();
  tell_readers("parts");
}

/// A text that has no room in a reader's buffer is left out whole; the next one it gets has everything in it again.
void Dashboard::tell_readers(std::string_view event) {
  const std::string changes = event_text(event, state_->changes);
  const bool ends = event == "end";
  std::string all;  // when somebody needs it
  std::vector<Reader*> lost;
  for (const auto& reader : readers_) {
    const bool short_text = reader->knows_all && !ends;
    if (short_text && state_->changes == "{}") continue;
    if (!short_text && all.empty()) all = event_text(ends ? event : "all", state_->all);
    const auto sent = reader->stream->write(short_text ? changes : all);
    reader->knows_all = sent == HttpStream::Sent::accepted;
    reader->missed = reader->knows_all ? 0 : reader->missed + 1;
    if (reader->missed >= kPatience) lost.push_back(reader.get());
  }
  for (const Reader* gone : lost) {
    log(LogLevel::info, "dashboard: a reader that is too slow is let go");
    std::erase_if(readers_, [gone](const auto& one) { return one.get() == gone; });
  }
}

void Dashboard::end(const Summary& summary) {
  so_far_ = nullptr;
  state_->take(summary, loop_.precise_now());
  tell_readers("end");
  over_ = true;
  readers_.clear();
}

}  // namespace lgen
