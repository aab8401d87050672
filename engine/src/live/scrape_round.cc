#include "scrape_round.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "background.h"
#include "lgen/units.h"
#include "resolver.h"
#include "service_discovery.h"

namespace lgen {
namespace {

std::string name_of(const ScrapePlace& place) {
  return place.kind == ScrapePlace::Kind::dns ? fmt::format("dns:///{}:{}", place.host, place.port)
                                              : "sd+" + shown(place.url);
}

std::vector<PodAddress> pods_at(const std::vector<Address>& addresses, const std::string& path) {
  std::vector<PodAddress> pods;
  for (const Address& address : addresses) {
    const std::string text = to_string(address);
    pods.push_back({text, {}, fmt::format("http://{}{}", text, path)});
  }
  return pods;
}

}  // namespace

ScrapeRound::ScrapeRound(Loop& loop, HttpClient& client, std::vector<KnownPlace>& places, const ScrapeOptions& options,
                         std::function<void()> over)
    : loop_(loop),
      client_(client),
      places_(places),
      options_(options),
      over_(std::move(over)),
      lookup_limit_(loop, [this] { lookups_take_too_long(); }) {}

void ScrapeRound::begin() {
  pending_ = 1;  // ours
  for (KnownPlace& known : places_) {
    if (known.place.kind != ScrapePlace::Kind::page) lookups_.push_back({&known, Op(), false});
  }
  for (const KnownPlace& known : places_) {
    if (known.place.kind == ScrapePlace::Kind::page) fetch_pods(known.pods);
  }
  for (Lookup& lookup : lookups_) look_up(lookup);
  if (!lookups_.empty()) lookup_limit_.arm(loop_.precise_now() + options_.timeout);
  one_less();
}

void ScrapeRound::look_up(Lookup& lookup) {
  ++pending_;
  lookup.place->place.kind == ScrapePlace::Kind::dns ? look_up_name(lookup) : ask_discovery(lookup);
}

void ScrapeRound::look_up_name(Lookup& lookup) {
  const ScrapePlace& place = lookup.place->place;
  lookup.op = resolve(loop_, place.host, place.port, [this, &lookup](Result<std::vector<Address>> found) {
    if (!found) return looked_up(lookup, found.error());
    looked_up(lookup, pods_at(*found, lookup.place->place.path));
  });
}

void ScrapeRound::ask_discovery(Lookup& lookup) {
  const std::string& url = lookup.place->place.url;
  lookup.op = client_.send(request(url, "application/json"), [this, &lookup](const HttpResult& result) {
    const std::string& asked = lookup.place->place.url;
    const auto body = body_of(result, asked);
    if (!body) return looked_up(lookup, body.error());
    auto pods = read_discovery(*body);
    if (!pods) pods = make_error(pods.error().code, fmt::format("{}: {}", shown(asked), pods.error().message));
    looked_up(lookup, std::move(pods));
  });
}

/// Without an answer the pods are believed to be the old ones, as Prometheus has it.
void ScrapeRound::looked_up(Lookup& lookup, Result<std::vector<PodAddress>> found) {
  if (std::exchange(lookup.done, true)) return;
  if (found) {
    lookup.place->pods = std::move(*found);
  } else {
    sample_.trouble = found.error().message;
  }
  fetch_pods(lookup.place->pods);
  one_less();
}

void ScrapeRound::lookups_take_too_long() {
  for (Lookup& lookup : lookups_) {
    if (lookup.done) continue;
    lookup.op.reset();
    looked_up(lookup,
              make_error(ErrorCode::timeout, fmt::format("{}: no answer within {}", name_of(lookup.place->place),
                                                         format_duration(options_.timeout))));
  }
}

void ScrapeRound::fetch_pods(const std::vector<PodAddress>& pods) {
  for (const PodAddress& pod : pods) {
    if (asked_.insert(pod.url).second) fetch(pod);
  }
}

void ScrapeRound::fetch(const PodAddress& pod) {
  const bool taken = !names_.insert(pod.pod).second;
  const std::size_t index = sample_.pods.size();
  const std::string name = taken ? fmt::format("{} {}", pod.pod, parse_url(pod.url)->authority()) : pod.pod;
  sample_.pods.push_back({name, pod.labels, nullptr, std::nullopt, Duration{0}});
  urls_.push_back(pod.url);
  ++pending_;
  begun_.push_back(loop_.precise_now());
  pages_.push_back(client_.send(request(pod.url, kExpositionAccept),
                                [this, index](const HttpResult& result) { fetched(index, result); }));
}

/// A large page takes a tenth of a second to read, in which the load must not stand still.
void ScrapeRound::fetched(std::size_t index, const HttpResult& result) {
  auto text = page_text(result, urls_[index]);
  if (!text) return page_read(index, text.error());
  struct Reading {
    std::string text, url;
    std::optional<PageResult> page;
  };
  const auto reading = std::make_shared<Reading>(Reading{std::move(*text), urls_[index], std::nullopt});
  pages_[index] = in_background(
      loop_, [reading] { reading->page = read_page(std::move(reading->text), reading->url); },
      [this, index, reading] { page_read(index, std::move(*reading->page)); });
}

void ScrapeRound::page_read(std::size_t index, PageResult page) {
  PodPage& to = sample_.pods[index];
  to.took = loop_.precise_now() - begun_[index];
  page ? void(to.page = std::move(*page)) : void(to.error = page.error());
  one_less();
}

HttpRequest ScrapeRound::request(const std::string& url, std::string_view accept) const {
  HttpRequest request{.url = url, .headers = options_.headers, .timeout = options_.timeout};
  if (!has_header(request.headers, "accept")) request.headers.emplace_back("Accept", accept);
  return request;
}

void ScrapeRound::one_less() {
  if (--pending_ > 0) return;
  lookup_limit_.disarm();
  sample_.at = loop_.precise_now();
  loop_.post(over_);
}

}  // namespace lgen
