// Reads long client streams of texts, counts them, and logs each stream's life in the original's words.
//
// *Thread:* gRPC's callback threads; no stream holds a thread.
#pragma once

#include "services.h"
#include "streaming.grpc.pb.h"

namespace lgen::server {

class StreamingService final : public streaming::Streamer::CallbackService {
 public:
  explicit StreamingService(const Shared& shared);

  grpc::ServerReadReactor<streaming::TextRequest>* ProcessTextStream(grpc::CallbackServerContext* context,
                                                                     streaming::TextResponse* response) override;

 private:
  const Shared& shared_;
  MethodMetrics& process_text_stream_;
};

}  // namespace lgen::server
