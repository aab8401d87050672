#include "waker.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace lgen {

Waker::Waker(int backend_fd, grpc::CompletionQueue& queue)
    : queue_(queue),
      backend_fd_(backend_fd),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      quit_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_fd_ < 0 || quit_fd_ < 0) {
    throw std::runtime_error(std::string("the loop cannot have its waker: ") + std::strerror(errno));
  }
  watch(EPOLL_CTL_ADD, quit_fd_, EPOLLIN);
  watch(EPOLL_CTL_ADD, backend_fd_, EPOLLONESHOT);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it: signals belong to the main thread
  thread_ = std::thread([this] { wait(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Waker::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(quit_fd_, &one, sizeof one);
  thread_.join();
}

Waker::~Waker() {
  ::close(epoll_fd_);
  ::close(quit_fd_);
}

void Waker::watch(int operation, int fd, unsigned events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(epoll_fd_, operation, fd, &event);
}

void Waker::arm() {
  armed_ = true;
  watch(EPOLL_CTL_MOD, backend_fd_, EPOLLIN | EPOLLONESHOT);
}

void Waker::wait() {
  for (;;) {
    epoll_event event{};
    if (epoll_wait(epoll_fd_, &event, 1, -1) <= 0) continue;
    if (event.data.fd == quit_fd_) return;
    alarm_.Set(&queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), static_cast<void*>(static_cast<CqTag*>(this)));
  }
}

}  // namespace lgen
