// A listening socket, TCP or local, on the loop.
// Thread: the loop's.
// Lifetime: may be destroyed inside its callback. A local socket's path goes away with it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "address.h"
#include "lgen/error.h"
#include "lgen/loop.h"
#include "socket.h"

namespace lgen {

class TcpListener final : private SocketOwner {
 public:
  /// `peer`: "127.0.0.1:40112", for messages.
  using Accepted = std::function<void(Socket socket, std::string peer)>;

  /// The error names the address and says what to do.
  static Result<std::unique_ptr<TcpListener>> open(Loop& loop, const std::string& address, Accepted accepted);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  /// With the port the system chose.
  const Address& address() const { return address_; }

 private:
  TcpListener(Loop& loop, int fd, const Address& address, Accepted accepted);
  void on_ready(int events) override;
  bool accept_one();

  Loop& loop_;
  Socket socket_;
  Address address_;
  Accepted accepted_;
  Timer pause_;                                                 // no descriptor was left: another try after a while
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);  // true once destroyed, maybe inside its callback
};

}  // namespace lgen
