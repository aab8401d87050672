// What was told on the way. Losses come first, then what is rare; what happened a hundred times is only counted.

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kFew = 5;         // kinds with at most so many events are shown event by event
constexpr std::size_t kMaxLosses = 10;  // of every kind of loss
constexpr std::size_t kMaxLines = 20;

/// Events of one name.
struct Kind {
  std::string name;
  std::vector<const EventRecord*> events;

  bool is_loss() const { return name.find("lost") != std::string::npos || name.find("loss") != std::string::npos; }
  std::size_t shown() const {
    if (is_loss()) return std::min(events.size(), kMaxLosses);
    return events.size() <= kFew ? events.size() : 0;
  }
};

/// The section CONNECTIONS has told of these already.
bool told_elsewhere(const EventRecord& event, const Summary& summary) {
  return !summary.connections.empty() && (event.name == "connection_lost" || event.name == "reconnected");
}

std::vector<Kind> kinds_of(const Summary& summary) {
  std::vector<Kind> kinds;
  for (const EventRecord& event : summary.events) {
    if (told_elsewhere(event, summary)) continue;
    auto at = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == event.name; });
    if (at == kinds.end()) at = kinds.insert(at, Kind{event.name, {}});
    at->events.push_back(&event);
  }
  std::stable_sort(kinds.begin(), kinds.end(), [](const Kind& a, const Kind& b) {
    return a.is_loss() != b.is_loss() ? a.is_loss() : a.events.size() < b.events.size();
  });
  return kinds;
}

std::string text_of(const std::string& text) { return text; }
std::string text_of(bool yes) { return yes ? "true" : "false"; }
std::string text_of(double number) { return fmt::format("{:.14g}", number); }

std::string fields_text(const EventRecord& event) {
  std::string text;
  for (const auto& [key, value] : event.fields) {
    const std::string shown = std::visit([](const auto& typed) { return text_of(typed); }, value);
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, shown);
  }
  return text;
}

/// Lines printed.
std::size_t print_kind(Page& page, const Kind& kind, std::size_t room) {
  page.item({Span("  ")}, fmt::format("{} ×{}", kind.name, grouped(kind.events.size())));
  const std::size_t shown = std::min(kind.shown(), room);
  for (std::size_t i = 0; i < shown; ++i) {
    const EventRecord& event = *kind.events[i];
    const std::string fields = fields_text(event);
    page.item({Span("  " + pad_left(moment(event.at), 6) + " ", Tone::dim)}, fields.empty() ? event.name : fields);
  }
  return shown;
}

}  // namespace

void print_events(Page& page, const Summary& summary) {
  const std::vector<Kind> kinds = kinds_of(summary);
  if (kinds.empty()) return;
  page.heading("EVENTS");
  std::size_t all = 0, shown = 0;
  for (const Kind& kind : kinds) {
    shown += print_kind(page, kind, kMaxLines - shown);
    all += kind.events.size();
  }
  if (shown < all) page.line({Span("  --out json=FILE has them one by one", Tone::dim)});
  if (summary.events_dropped > 0) {
    page.line({Span(fmt::format("  {} more were not kept", grouped(summary.events_dropped)), Tone::warn)});
  }
}

}  // namespace lgen
