#include "lgen/scrape.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <deque>
#include <string_view>

#include "scrape_place.h"
#include "scrape_recorder.h"
#include "scrape_round.h"

namespace lgen {
namespace {

class ScrapeWait;

double unix_now() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

bool is_secure(std::string_view place) { return place.starts_with("https://") || place.starts_with("sd+https://"); }

HttpClientOptions client_options(const ScrapeOptions& options) {
  HttpClientOptions client;
  client.tls = options.tls;
  client.max_body = options.max_page;
  client.max_idle = 2;
  return client;
}

/// Who waits for a round to end.
struct WaitLists {
  std::deque<ScrapeWait*> now;         // for the round that is running, or for the next one
  std::deque<ScrapeWait*> after;       // for the one behind it
  std::deque<ScrapeWait*> delivering;  // a round has ended; these have not been told yet

  void leave(ScrapeWait* wait) {
    for (auto* list : {&now, &after, &delivering}) std::erase(*list, wait);
  }
};

class ScrapeWait final : public Operation {
 public:
  ScrapeWait(Loop& loop, std::shared_ptr<WaitLists> lists, ScrapeDone done)
      : loop_(loop), lists_(std::move(lists)), done_(std::move(done)) {}

  void cancel() noexcept override {
    if (over_) return;
    lists_->leave(this);
    over_ = posted_ = true;
    loop_.post([this] { complete(nullptr); });
  }
  void drop() noexcept override {
    done_ = {};
    dropped_ = true;
    if (posted_ || telling_) return;
    lists_->leave(this);
    delete this;
  }
  void complete(const SamplePtr& sample) {
    posted_ = false;
    over_ = telling_ = true;
    if (const auto done = std::move(done_)) done(sample);
    telling_ = false;
    if (dropped_) delete this;
  }

 private:
  ~ScrapeWait() = default;
  Loop& loop_;
  std::shared_ptr<WaitLists> lists_;
  ScrapeDone done_;
  bool over_ = false, posted_ = false, telling_ = false, dropped_ = false;
};

}  // namespace

struct ScrapeTarget::Impl : std::enable_shared_from_this<Impl> {
  Impl(Loop& loop_in, Metrics& metrics, std::string name_in, const ScrapeOptions& options_in)
      : loop(loop_in),
        name(std::move(name_in)),
        options(options_in),
        client(loop, client_options(options)),
        recorder(metrics, name, options.metrics),
        timer(loop, [this] { tick(); }) {}

  Outcome add_place(const std::string& text);
  void tick();
  void begin_round();
  void round_over();
  void keep_books();

  Loop& loop;
  std::string name;
  ScrapeOptions options;
  HttpClient client;
  std::vector<KnownPlace> places;
  ScrapeRecorder recorder;
  std::unique_ptr<ScrapeRound> round;
  std::shared_ptr<WaitLists> waits = std::make_shared<WaitLists>();
  SamplePtr latest;
  std::map<std::string, PodBook> books;
  std::string first_trouble;
  TimePoint started{};
  Timer timer;
};

Outcome ScrapeTarget::Impl::add_place(const std::string& text) {
  auto place = parse_scrape_place(text);
  if (!place) return place.error();
  KnownPlace known{std::move(*place), {}};
  if (known.place.kind == ScrapePlace::Kind::page) {
    known.pods.push_back({parse_url(known.place.url)->authority(), {}, known.place.url});
  }
  places.push_back(std::move(known));
  return Done{};
}

void ScrapeTarget::Impl::tick() {
  const TimePoint now = loop.precise_now();
  timer.arm(now + options.interval - (now - started) % options.interval);
  if (!round) begin_round();
}

void ScrapeTarget::Impl::begin_round() {
  const std::weak_ptr<Impl> weak = weak_from_this();
  round = std::make_unique<ScrapeRound>(loop, client, places, options, [weak] {
    if (const auto self = weak.lock()) self->round_over();
  });
  round->begin();
}

void ScrapeTarget::Impl::round_over() {
  if (!round || !round->is_over()) return;  // of a round that was dropped
  latest = std::make_shared<const ScrapeSample>(round->take_result());
  round = nullptr;
  keep_books();
  recorder.record(*latest);
  const auto keep = shared_from_this();
  WaitLists& lists = *waits;
  lists.delivering.insert(lists.delivering.end(), lists.now.begin(), lists.now.end());
  lists.now = std::exchange(lists.after, {});
  if (!lists.now.empty()) begin_round();
  for (const SamplePtr sample = latest; !lists.delivering.empty();) {
    ScrapeWait* const wait = lists.delivering.front();
    lists.delivering.pop_front();
    wait->complete(sample);
  }
}

void ScrapeTarget::Impl::keep_books() {
  if (first_trouble.empty()) first_trouble = latest->trouble;
  for (const PodPage& pod : latest->pods) {
    PodBook& book = books[pod.pod];
    ++book.asked;
    if (pod.page) ++book.read;
    if (pod.error && book.first_failure.empty()) book.first_failure = pod.error->message;
  }
}

Result<std::unique_ptr<ScrapeTarget>> ScrapeTarget::make(Loop& loop, Metrics& metrics, const std::string& name,
                                                         std::span<const std::string> where,
                                                         const ScrapeOptions& options) {
  auto impl = std::make_shared<Impl>(loop, metrics, name, options);
  for (const std::string& text : where) {
    if (const Outcome added = impl->add_place(text); !added) return added.error();
  }
  if (std::any_of(where.begin(), where.end(), is_secure)) {
    if (const Outcome loaded = impl->client.load_tls(); !loaded) return loaded.error();
  }
  if (const Outcome defined = impl->recorder.define(); !defined) return defined.error();
  return std::unique_ptr<ScrapeTarget>(new ScrapeTarget(std::move(impl)));
}

ScrapeTarget::ScrapeTarget(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
ScrapeTarget::~ScrapeTarget() { stop(); }

const std::string& ScrapeTarget::name() const { return impl_->name; }
const ScrapeOptions& ScrapeTarget::options() const { return impl_->options; }
SamplePtr ScrapeTarget::latest() const { return impl_->latest; }
const std::map<std::string, PodBook>& ScrapeTarget::books() const { return impl_->books; }
const std::string& ScrapeTarget::first_trouble() const { return impl_->first_trouble; }
bool ScrapeTarget::records(std::string_view metric) const { return impl_->recorder.records(metric); }

const std::vector<std::string>& ScrapeTarget::cut() const { return impl_->recorder.cut(); }

void ScrapeTarget::start() {
  impl_->started = impl_->loop.precise_now();
  impl_->recorder.begin(unix_now());
  impl_->tick();
}

void ScrapeTarget::stop() {
  impl_->timer.disarm();
  impl_->round = nullptr;
  impl_->client.close_idle();
}

Op ScrapeTarget::fresh(ScrapeDone done) {
  auto* wait = new ScrapeWait(impl_->loop, impl_->waits, std::move(done));
  if (impl_->round) {
    impl_->waits->after.push_back(wait);
  } else {
    impl_->waits->now.push_back(wait);
    impl_->begin_round();
  }
  return Op(wait);
}

Op ScrapeTarget::next(ScrapeDone done) {
  auto* wait = new ScrapeWait(impl_->loop, impl_->waits, std::move(done));
  impl_->waits->now.push_back(wait);
  return Op(wait);
}

}  // namespace lgen
