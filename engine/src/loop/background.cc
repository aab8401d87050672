#include "background.h"

#include <uv.h>

#include <utility>

#include "loop_internal.h"

namespace lgen {
namespace {

class Background;

/// What libuv and the pool's thread hold on to; outlives a dropped operation.
struct Job {
  uv_work_t uv{};
  std::function<void()> work;
  Background* owner = nullptr;  // nullptr: nobody waits any more
};

class Background final : public Operation {
 public:
  Background(Loop& loop, std::function<void()> done)
      : loop_(loop), done_(std::move(done)), later_(loop, [this] { finish(); }) {}
  ~Background() { let_go(); }

  void start(std::function<void()> work);
  void worked();
  void cancel() noexcept override {
    if (job_ == nullptr) return;
    let_go();
    later_.arm(loop_.now());
  }
  void drop() noexcept override {
    dropped_ = true;
    if (!finishing_) delete this;
  }

 private:
  void let_go();
  void finish();

  Loop& loop_;
  std::function<void()> done_;
  Timer later_;
  Job* job_ = nullptr;
  bool finishing_ = false, dropped_ = false;
};

void Background::start(std::function<void()> work) {
  job_ = new Job{.work = std::move(work), .owner = this};
  job_->uv.data = job_;
  const auto run = [](uv_work_t* request) { static_cast<Job*>(request->data)->work(); };
  const auto over = [](uv_work_t* request, int) {
    auto* job = static_cast<Job*>(request->data);
    note_awake(request->loop);
    if (job->owner != nullptr) job->owner->worked();
    delete job;
  };
  uv_queue_work(uv(loop_), &job_->uv, run, over);  // fails only without a function
  count_open(loop_, 1);
}

void Background::worked() {
  job_ = nullptr;
  count_open(loop_, -1);
  finish();
}

void Background::let_go() {
  if (job_ == nullptr) return;
  job_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&job_->uv));  // fails when it is already running: then it is waited for
  job_ = nullptr;
  count_open(loop_, -1);
}

void Background::finish() {
  finishing_ = true;
  std::exchange(done_, nullptr)();
  finishing_ = false;
  if (dropped_) delete this;
}

}  // namespace

Op in_background(Loop& loop, std::function<void()> work, std::function<void()> done) {
  auto* operation = new Background(loop, std::move(done));
  operation->start(std::move(work));
  return Op(operation);
}

}  // namespace lgen
