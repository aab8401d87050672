// Making a connection: name to addresses, address after address until one takes it, then TLS; all by one deadline.
// Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lgen/http.h"
#include "lgen/net_options.h"
#include "lgen/op.h"
#include "lgen/time.h"
#include "net_context.h"
#include "tcp_stream.h"
#include "tls_context.h"

namespace lgen {

struct ConnectTo {
  std::string host;  // a name or a numeric address
  int port = 0;
  std::string local_path;           // a local socket instead, when not empty
  std::shared_ptr<TlsContext> tls;  // nothing: plain
  std::string tls_host;             // for SNI and the certificate
  Deadline deadline = kNever;
  std::shared_ptr<const NetOptions> net = nullptr;  // nothing: where it says, from wherever the system likes
};

/// Open: its TLS handshake is through. It wants set_events() before the callback returns.
struct Connected {
  std::unique_ptr<TcpStream> stream;
  ConnectTiming timing;
};
using ConnectDone = std::function<void(Result<Connected>)>;

/// Each address gets its share of the time that is left, so that one that swallows everything does not keep us from
/// the next.
Op tcp_connect(std::shared_ptr<NetContext> context, ConnectTo to, ConnectDone done);

}  // namespace lgen
