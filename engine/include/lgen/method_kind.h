// Who streams in a gRPC method. One word for schema and transport.
// Thread: a value.
#pragma once

namespace lgen {

enum class MethodKind {
  unary,
  client,  // the client streams
  server,  // the server streams
  bidi,
};

}  // namespace lgen
