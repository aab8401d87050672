// The modules and classes of the plan API, each defined beside its functions.
#pragma once

#include "registry.h"

namespace lgen::lua {

extern const Module kLgenModule;                 // mod_lgen.cc: plan, options, scenario, setup, teardown, ...
extern const Module kLoadModule, kLoadClass;     // mod_load.cc: lgen.load.*
extern const Module kTimeModule;                 // mod_time.cc: sleep, delay, every, now; part of `lgen`
extern const Module kEveryClass;                 // mod_time.cc
extern const Module kTaskClass;                  // mod_task.cc: spawn's handle
extern const Module kTaskPrimitives;             // mod_task.cc: what lua/tasks.lua builds join, all, race, timeout from
extern const Module kRandomModule, kMathModule;  // mod_random.cc; _math replaces math.random
extern const Module kProtoModule;                // mod_proto.cc: lgen.proto, part of `lgen`
extern const Module kSchemaClass, kMethodClass, kEncodedClass;
extern const Module kGrpcModule;  // mod_grpc.cc
extern const Module kChannelClass, kPoolClass, kStreamClass, kCallClass, kEventFeedClass;
extern const Module kHttpModule, kHttpClientClass, kHttpResponseClass;  // mod_http.cc
extern const Module kGrpcPrimitives;                                    // grpc_health.cc: what lua/health.lua builds on
extern const Module kHeldPrimitives;  // mod_held.cc: what lua/held.lua builds held_streams from
extern const Module kMetricsModule;   // mod_metrics.cc: counter, gauge, rate, histogram, tag, event; part of `lgen`
extern const Module kMetricsPrimitives;
extern const Module kCounterClass, kGaugeClass, kRateClass, kHistogramClass;
extern const Module kVerdictModule;  // mod_verdict.cc: check, threshold, distribution; part of `lgen`
extern const Module kDistributionClass;
extern const Module kPromModule, kPromTargetClass, kSampleClass;  // mod_prom.cc: lgen.prom
extern const Module kDataModule, kDataClass;                      // mod_data.cc: lgen.data
extern const Module kHpaModule;                                   // mod_hpa.cc: lgen.hpa
extern const Module kClusterModule;                               // mod_cluster.cc: lgen.cluster
extern const Module kLogModule;                                   // mod_log.cc
extern const Module kJsonModule;                                  // mod_json.cc
extern const Module kJsonValuesModule;                            // json_values.cc: null, array; part of `lgen`
extern const Module kCryptoModule;                                // mod_crypto.cc
extern const Module kLintModule;                                  // lint.cc

}  // namespace lgen::lua
