---@meta lgen
-- Generated from the binding registry by `lgen-meta`; a test keeps both equal. Do not edit.
-- Marks: [Y] may wait, [R] raises on misuse, [E] returns nil, err.

---@alias lgen.Duration number|string seconds, or "250ms", "1m30s"
---@alias lgen.Size number|string bytes, or "64KiB"

---@class lgen.PlanOptions
---@field api integer version of the plan API the plan is written for: 1
---@field name? string name of the plan in reports
---@field about? string one line for --help
---@field defaults? table<string, any> engine options, by flag name, unless the user says otherwise

---@class lgen.Option
---@field name? string the flag's name, without --; may stand first without its key
---@field type? string string int number bool duration duration_range size bitrate address url file choice stages; default string
---@field default? any used when nothing else is given, in the notation of the flag
---@field required? boolean no default; the run does not start without it
---@field help? string one line for --help
---@field choices? string[] for type choice; with other types: words allowed besides its own notation
---@field min? number smallest value (durations: seconds)
---@field max? number largest value
---@field list? boolean may be given several times or with commas; read as a list
---@field env? string environment variable that sets it
---@field secret? boolean never shown: *** in outputs, errors, traces and logs

---@class lgen.Scenario
---@field load lgen.Load how much, and when
---@field fixed? table<string, string> fields that no flag and no config file may override, and what to say to who tries
---@field run? fun(vu: lgen.Vu, stream?: lgen.Stream) one iteration; held_streams do without, too
---@field vu_start? fun(vu: lgen.Vu) before a VU's first iteration
---@field vu_stop? fun(vu: lgen.Vu) after its last one
---@field setup? fun(data: any): any once before the scenario; what it returns is vu.data
---@field start_after? lgen.Duration starts so long after the run
---@field background? boolean ends when all other scenarios have
---@field graceful_stop? lgen.Duration how long running iterations may go on after the end; default 30s
---@field phases? table[] {{"warmup", "10s"}, …}: sets the label phase; reports leave out warmup
---@field tags? table<string, string|number|boolean> labels of everything the scenario counts

---@class lgen.Vu
---@field id integer 1, 2, ... over all scenarios
---@field index integer 1, 2, ... within the scenario
---@field iter integer 1, 2, ... within the VU
---@field scenario string name of the scenario
---@field data? any what setup returned
---@field state table the VU's own, kept from iteration to iteration
---@field scheduled_at number intended start of the iteration, in lgen.now() time
---@field stopping boolean no further iteration will come; end soon

---@class lgen.Error
---@field code string "UNAVAILABLE", ...
---@field number integer gRPC's number of it
---@field message string what happened
---@field kind "status"|"timeout"|"connect"|"cancelled"|"closed" who ended it
---@field details? string bytes of grpc-status-details-bin
---@field trailers? table<string, string|string[]> trailing metadata
---@field call? lgen.Call the failed call

---@class lgen.ConstantVus
---@field vus? integer number of virtual users, default 1
---@field duration lgen.Duration how long they run

---@class lgen.Iterations
---@field vus? integer number of virtual users, default 1
---@field iterations? integer per VU, or shared by all; default 1
---@field max_duration? lgen.Duration ends the load even if iterations are left; default 10m; math.huge: never

---@class lgen.Stage
---@field duration lgen.Duration how long the way to the target takes; 0: a jump
---@field target number VUs, streams, or iterations started a second at its end

---@class lgen.RampingVus
---@field stages (lgen.Stage|table)[] {{duration = "30s", target = 10}, {"1m", 50}, …}: straight lines
---@field start_vus? integer where the first stage begins; default 0

---@class lgen.ConstantRate
---@field rate number iterations started a second
---@field duration lgen.Duration how long
---@field max_vus integer so many may run at a time; all are made at the start
---@field backlog? lgen.Duration so long one that is due may wait for a free VU, then it is dropped; default 10s
---@field arrivals? "even"|"poisson" evenly spaced, or at random; default even

---@class lgen.RampingRate
---@field stages (lgen.Stage|table)[] {{duration = "30s", target = 100}, {"1m", 500}, …}: straight lines
---@field start_rate? number where the first stage begins; default 0
---@field max_vus integer so many may run at a time; all are made at the start
---@field backlog? lgen.Duration so long one that is due may wait for a free VU, then it is dropped; default 10s
---@field arrivals? "even"|"poisson" evenly spaced, or at random; default even

---@class lgen.HeldStreams
---@field stages (lgen.Stage|table)[] {{duration = "30s", target = 10}, {"1m", 50}, …}: streams held
---@field open fun(vu: lgen.Vu): lgen.Stream opens a VU's stream: before its first run, and again after it has ended

---@class lgen.External
---@field vus? integer virtual users at the start; default 0
---@field max_vus integer as far as lgen.scale may go
---@field duration lgen.Duration how long

---@class lgen.EveryOptions
---@field jitter? lgen.Duration each tick is moved by up to ± this
---@field count? integer ends after this many ticks
---@field duration? lgen.Duration no tick is due later than this after the first

---@class lgen.ProtoOptions
---@field files? string|string[] the .proto files; paths, or names below an import path
---@field import_paths? string|string[] where imports are looked for, besides the plan's folder
---@field protoset? string|string[] instead of files: descriptor sets, paths from the plan's folder
---@field reflection? lgen.Channel|lgen.Pool instead of files: the server tells its schema, before setup

---@class lgen.ChannelOptions
---@field transport? "grpc"|"h2" gRPC core, or lgen's own client, where a channel is exactly one connection; default: --transport
---@field tls? boolean|lgen.TlsOptions false: plaintext; default: as lgen.target, or by port
---@field authority? string :authority to send; default: the server name, else the target
---@field lb? string load balancing policy, "pick_first" (default) or "round_robin"
---@field service_config? string|table gRPC service config, as JSON text or as a table: { methodConfig = { ... } }
---@field keepalive? lgen.Keepalive pings on idle connections; default: none
---@field backoff? lgen.Backoff pauses between attempts to connect
---@field idle_timeout? lgen.Duration disconnect after so long without calls; default: never
---@field max_recv? lgen.Size largest message to accept; default: any
---@field max_send? lgen.Size largest message to send; default: any
---@field compression? "none"|"gzip"|"deflate" of what is sent; default: none
---@field user_agent? string put in front of the user agent
---@field retries? boolean let gRPC retry as service_config says, unseen by the plan but for call.attempts and stream.attempts; default: false
---@field wait_for_ready? boolean calls wait for a connection instead of failing
---@field timeout? lgen.Duration of unary calls that set none; default: none
---@field metadata? table|fun():table sent with every call and stream
---@field tags? table<string,string|number|boolean> labels of every call and stream
---@field backend? lgen.BackendRule who served a call; default: header x-backend, else peer
---@field max_streams? integer warn when more calls and streams are open on a connection
---@field args? table<string,string|integer|boolean> raw channel arguments, applied last

---@class lgen.PoolOptions
---@field size? integer number of channels; default: 1
---@field pick? "round_robin"|"random"|"least_streams"|"by_vu"|fun(pool: lgen.Pool, vu: table): integer which channel the next call goes to; default: round_robin
---@field connection? "own"|"shared" one TCP connection per channel (default) or one for all
---@field transport? "grpc"|"h2" gRPC core, or lgen's own client, where a channel is exactly one connection; default: --transport
---@field tls? boolean|lgen.TlsOptions false: plaintext; default: as lgen.target, or by port
---@field authority? string :authority to send; default: the server name, else the target
---@field lb? string load balancing policy, "pick_first" (default) or "round_robin"
---@field service_config? string|table gRPC service config, as JSON text or as a table: { methodConfig = { ... } }
---@field keepalive? lgen.Keepalive pings on idle connections; default: none
---@field backoff? lgen.Backoff pauses between attempts to connect
---@field idle_timeout? lgen.Duration disconnect after so long without calls; default: never
---@field max_recv? lgen.Size largest message to accept; default: any
---@field max_send? lgen.Size largest message to send; default: any
---@field compression? "none"|"gzip"|"deflate" of what is sent; default: none
---@field user_agent? string put in front of the user agent
---@field retries? boolean let gRPC retry as service_config says, unseen by the plan but for call.attempts and stream.attempts; default: false
---@field wait_for_ready? boolean calls wait for a connection instead of failing
---@field timeout? lgen.Duration of unary calls that set none; default: none
---@field metadata? table|fun():table sent with every call and stream
---@field tags? table<string,string|number|boolean> labels of every call and stream
---@field backend? lgen.BackendRule who served a call; default: header x-backend, else peer
---@field max_streams? integer warn when more calls and streams are open on a connection
---@field args? table<string,string|integer|boolean> raw channel arguments, applied last

---@class lgen.CallOptions
---@field timeout? lgen.Duration deadline of the call
---@field metadata? table|fun():table added to the channel's
---@field wait_for_ready? boolean wait for a connection instead of failing
---@field compression? "none"|"gzip"|"deflate" of what is sent; default: the channel's
---@field decode? boolean false: replies stay bytes; default: true
---@field tags? table<string,string|number|boolean> labels of this call, beside the task's and the channel's

---@class lgen.StreamOptions
---@field correlate? "order"|string|lgen.Correlate which reply of a bidi stream answers which message, for grpc_message_rtt_seconds: "order", the k-th the k-th; the path of a field that both have; or both sides apart
---@field timeout? lgen.Duration deadline of the call
---@field metadata? table|fun():table added to the channel's
---@field wait_for_ready? boolean wait for a connection instead of failing
---@field compression? "none"|"gzip"|"deflate" of what is sent; default: the channel's
---@field decode? boolean false: replies stay bytes; default: true
---@field tags? table<string,string|number|boolean> labels of this call, beside the task's and the channel's

---@class lgen.Correlate
---@field send string|fun(message: any): string|number path of a field, "a.id", or what tells the key
---@field recv string|fun(message: any): string|number the same of the replies
---@field max? integer messages that wait for an answer at most, then the oldest is given up; default: 10000

---@class lgen.TlsOptions
---@field ca? string PEM file of accepted roots; default: the system's
---@field cert? string PEM file of the client's certificate chain
---@field key? string PEM file of its key
---@field server_name? string name to send and to look for in the certificate
---@field verify? boolean false: accept any certificate; default: true
---@field reuse? boolean false: a full handshake for each connection; default: true (HTTP, transport h2)

---@class lgen.Keepalive
---@field time? lgen.Duration between pings
---@field timeout? lgen.Duration for the answer; default: 20 s
---@field without_calls? boolean also while no call is open; default: false

---@class lgen.Backoff
---@field initial? lgen.Duration first pause; default: 100 ms
---@field min? lgen.Duration least time an attempt gets; default: 1 s
---@field max? lgen.Duration longest pause; default: 2 s

---@class lgen.BackendRule
---@field header? string name of a response header (a trailer, if it fails at once)
---@field trailer? string name of a response trailer
---@field field? string path of a field of the first reply, "a.b"
---@field peer? boolean the address of the connection

---@class lgen.ChannelEvent
---@field channel? string "main[1]"
---@field state? string "READY", ...
---@field prev? string the state before
---@field at? number in lgen.now() time
---@field connection? string "main[1]#2": made or left
---@field reason? string why it was left or could not be made, as far as known
---@field goaway? true|"inferred" the server asked to leave: seen, or inferred from a stream that lives on
---@field timing? {dns: number, connect: number, tls: number, settings: number, total: number} of a connection made by transport h2: seconds of each step

---@class lgen.HttpClientOptions
---@field base? string what paths are behind, "http://host:port"; default: the target
---@field version? "1.1"|"2" of HTTP; 2 without TLS: the server is known to speak it; default: what ALPN chooses, without TLS 1.1
---@field keepalive? boolean false: a connection for each request; default: true
---@field max_connections? integer to each host and port; further requests wait; default: as many as are wanted, of HTTP/2 one
---@field timeout? lgen.Duration of a whole request, connecting included; 0: none; default: 30 s
---@field connect_timeout? lgen.Duration name, TCP, TLS and HTTP/2's SETTINGS together; default: 10 s
---@field headers? table<string,string|string[]> of every request
---@field tls? lgen.TlsOptions for https; default: what --ca, --cert and the like say
---@field follow? integer redirects that a request follows at most; default: 0
---@field gzip? boolean false: do not offer it, and leave what comes packed as it is; default: true
---@field max_body? lgen.Size largest body to accept, unpacked; default: 64 MiB
---@field max_head? lgen.Size largest status line and headers to accept; default: 64 KiB
---@field connect_to? string connect here instead: "host:port" or "unix:/path"
---@field user_agent? string default: lgen/VERSION
---@field tags? table<string,string|number|boolean> labels of every request
---@field backend? lgen.BackendRule who answered, not by trailer; default: header x-backend, else peer

---@class lgen.HttpRequestOptions
---@field headers? table<string,string|string[]> added to the client's
---@field json? any the body, as lgen.json.encode writes it
---@field timeout? lgen.Duration of this request; 0: none
---@field name? string what it counts as, where paths are many; default: its path
---@field tags? table<string,string|number|boolean> labels of this request, beside the task's and the client's

---@class lgen.MetricOptions
---@field help? string one line
---@field unit? string "s" or "B"
---@field labels? string[] names a sample may carry
---@field scale? number histograms: the value of one tick; by unit: s 1e-6, B 1, else 1e-3
---@field max_series? integer further label sets share one series; default 1000

---@class lgen.ThresholdOptions
---@field labels? table<string, string> only series with these labels
---@field over? lgen.Duration every window of this length must hold: whole seconds; default: the whole run
---@field after? lgen.Duration the first so many seconds of the load do not count; refused where nothing of it can be left
---@field abort? boolean end the run as soon as it fails

---@class lgen.DistributionOptions
---@field rows? string what a row is; default "connection"
---@field cols? string what a column is; default "backend"

---@class lgen.PromTargetOptions
---@field interval? lgen.Duration between two rounds in the background; default 1s
---@field metrics? string|string[] what of the pages goes into the report: names, or patterns with *; thresholds need the whole name; default: all but the buckets of histograms and the quantiles of summaries
---@field timeout? lgen.Duration of one page; default 5s
---@field headers? table<string, string> sent with every request

---@class lgen.WaitForOptions
---@field agg? "sum"|"max"|"min"|"avg"|"any"|"all" what is compared: a figure of all series, or each of them; default sum
---@field labels? table<string, string|number> only series with these labels
---@field hold? lgen.Duration how long it must hold without a break; default 0
---@field timeout? lgen.Duration default 60s

---@class lgen.CsvOptions
---@field on_end? "wrap"|"stop"|"error" when :next() has given the last row: begin again (default), end the scenario as lgen.stop does, or raise
---@field secret? boolean|string[] columns (true: all) whose values lgen prints nowhere; *** instead
---@field columns? string[] names of the columns, for a file whose first row is data already
---@field delimiter? string between values, default ","; "\t" for TSV

---@class lgen.JsonDataOptions
---@field on_end? "wrap"|"stop"|"error" when :next() has given the last row: begin again (default), end the scenario as lgen.stop does, or raise
---@field secret? boolean|string[] columns (true: all) whose values lgen prints nowhere; *** instead

---@class lgen.LinesOptions
---@field on_end? "wrap"|"stop"|"error" when :next() has given the last row: begin again (default), end the scenario as lgen.stop does, or raise
---@field secret? boolean lgen prints no line of it; *** instead

---@class lgen.HpaSimulation
---@field stages? (lgen.Stage|table)[] the load in straight lines: {{duration = "5m", target = 120}, {"10m", 120}}; this or load
---@field load? number[][] the load as it was measured: {{at, load}, …}, at in seconds, rising; straight lines between
---@field start_load? number where the first stage begins; default 0
---@field length? lgen.Duration how long to go on; default: the stages and 10m, or to the last point of load
---@field min? integer minReplicas, default 1
---@field max integer maxReplicas
---@field replicas? integer pods at the start, default min
---@field target? number averageValue of a Pods metric that counts the load; this, cpu, or both
---@field cpu? lgen.HpaCpu a Resource metric
---@field behavior? lgen.HpaBehavior policies and stabilization windows
---@field tolerance? number within which nothing moves, default 0.1
---@field sync_period? lgen.Duration between two rounds of the autoscaler, default 15s
---@field metric_lag? lgen.Duration how old its metrics are, default 0
---@field pod_start? lgen.Duration from a pod's creation to its readiness, default 0

---@class lgen.HpaCpu
---@field percent number averageUtilization
---@field per_load number cores that one unit of load takes
---@field request? number cores that each pod requests; without it the metric fails, as in Kubernetes

---@class lgen.HpaBehavior
---@field up? lgen.HpaRules scaleUp
---@field down? lgen.HpaRules scaleDown

---@class lgen.HpaRules
---@field policies? lgen.HpaPolicy[] default: up 4 pods or 100 % in 15s, down 100 % in 15s; {}: Kubernetes' own
---@field select? "max"|"min"|"disabled" which of several counts; default max
---@field stabilization? lgen.Duration default: up 0s, down 5m

---@class lgen.HpaPolicy
---@field pods? integer so many pods; either this or percent
---@field percent? integer or so many percent of the pods
---@field period lgen.Duration within which they may come or go

---@class lgen.HpaRound
---@field at number seconds from the start
---@field load number then
---@field replicas integer before the round
---@field ready integer of these
---@field desired integer after it
---@field why string what keeps the replicas or moves them, in Kubernetes' words

---@class lgen.DigestOptions
---@field encoding? "hex"|"base64"|"base64url"|"raw" of the result; default: hex

---@class lgen.HmacOptions
---@field hash? "sha1"|"sha256"|"sha384"|"sha512" default: sha256
---@field encoding? "hex"|"base64"|"base64url"|"raw" of the result; default: hex

---@class lgen.Base64Options
---@field url? boolean the alphabet for URLs (- and _), without padding; default: false

---@class lgen.JwtOptions
---@field alg? "HS256"|"RS256"|"ES256" default: HS256
---@field key string HS256: the secret; else a private key, as PEM text or the path of its file
---@field header? table more for the header, kid for example

---@class lgen.ClusterEvent
---@field event string pod_created, pod_started, probe_failed, pod_ready, pod_not_ready, endpoint_added, pod_first_request, pod_draining, endpoint_removed, pod_stopping, pod_killed, pod_stopped, pod_crashed, pod_gone, hpa, scaled, rollout_started, rollout_complete, started, ready, …
---@field at number seconds since the start of the run; less than 0: before it
---@field unix_seconds number when, as lgen.time() counts
---@field cluster_seconds number since the cluster's start, in its own time (--time-scale)
---@field pod? string of pods' events
---@field why? string of many

---The load generator's plan API.
---@class lgen
---@field plan fun(o: lgen.PlanOptions) [R] What the plan is called and which API it is written for.
---@field options fun(list: lgen.Option[]): table<string, any> [R] Declares the plan's own flags and returns their values: {"hold", "duration", default = "30s", help = …}.
---@field target string --target HOST:PORT.
---@field metrics string|string[]|nil --metrics WHERE, for lgen.prom.target; --local sets it.
---@field cancelled any The error value raised in cancelled tasks.
---@field scenario fun(name: string, o: lgen.Scenario) [R] Work to do, and how much of it.
---@field setup fun(fn: fun(): any) [R] Runs once before all scenarios; may wait.
---@field teardown fun(fn: fun(data: any)) [R] Runs once after all scenarios; may wait. What it prints is kept in the run's report.
---@field stop fun(scenario: string) [R] Ends a scenario as if its time were up.
---@field scale fun(scenario: string, vus: integer) [R] Sets the number of VUs of a scenario whose load is external.
---@field vus fun(scenario: string): integer [R] VUs running now.
---@field abort fun(reason: string) [R] Ends the run with exit code 108; teardown still runs.
---@field sleep fun(seconds: lgen.Duration) [Y R] Waits.
---@field delay fun(min: lgen.Duration, max: lgen.Duration) [Y R] Waits a random time, uniform in min..max.
---@field sleep_until fun(t: number) [Y R] Waits until lgen.now() is t.
---@field yield fun() [Y] Lets everything else that is ready run first.
---@field now fun(): number Seconds since the start of the run, monotonic.
---@field time fun(): number Unix time in seconds.
---@field every fun(period: lgen.Duration, options?: lgen.EveryOptions): fun(): integer?, integer? [Y R] `for tick, missed in lgen.every(0.1) do`: no drift; missed ticks are counted, not replayed; ends when the VU is told to stop.
---@field spawn fun(fn: function, ...): lgen.Task [R] Runs fn(...) as a child task.
---@field all fun(list: (lgen.Task|function)[]): any[] [Y R] Runs all; their first results; the first error cancels the others and is raised.
---@field race fun(list: (lgen.Task|function)[]): ... [Y R] Results of the first to end; cancels the others.
---@field timeout fun(seconds: lgen.Duration, fn: function, ...): ... [Y R E] Results of fn(...), or nil, err when the time is up.
---@field proto fun(options: lgen.ProtoOptions): lgen.Schema [R] message types and methods, from .proto files (streaming.proto, hello.proto and echo.proto are built in), a descriptor set or a server
---@field counter fun(name: string, o?: lgen.MetricOptions): lgen.Counter [R] A sum that only rises.
---@field gauge fun(name: string, o?: lgen.MetricOptions): lgen.Gauge [R] A value that goes up and down.
---@field rate fun(name: string, o?: lgen.MetricOptions): lgen.Rate [R] The share of true samples.
---@field histogram fun(name: string, o?: lgen.MetricOptions): lgen.Histogram [R] A distribution of values, for percentiles.
---@field tag fun(name: string, value: string|number|boolean|nil) [R] Labels what this task and its later children count. Beyond 1000 sets of tags: overflow="true" instead.
---@field group fun(name: string, fn: function, ...): ... [R] Runs fn(...) with the tag group = name.
---@field event fun(name: string, fields?: table<string, any>) [R] A mark on the time line of the report.
---@field check fun(name: string, ok: any, detail?: any): any [R] Counts whether ok is true; returns ok. A failed check fails the run, unless it was in warm-up or a threshold on checks says otherwise.
---@field threshold fun(metric: string, expression: string, o?: lgen.ThresholdOptions) [R] "p(99) < 0.25"; count rate avg min med max p(N). Judged at the end of the run; with `over` in every window, with `abort` all the time.
---@field distribution fun(name: string, o?: lgen.DistributionOptions): lgen.Distribution [R] Which row met which column how often; the report judges it.
---@field null lightuserdata JSON's null, as in lgen.json and in google.protobuf.Value.
---@field array fun(list: any[]?): any[] [R] Marks a table as a list, which matters where it is empty: lgen.array{} is [] in JSON, {} is {}.
---@field load lgen.load
---@field random lgen.random
---@field grpc lgen.grpc
---@field http lgen.http
---@field prom lgen.prom
---@field data lgen.data
---@field hpa lgen.hpa
---@field log lgen.log
---@field crypto lgen.crypto
---@field json lgen.json
---@field cluster lgen.cluster

---How much work a scenario does, and when.
---@class lgen.load
---@field constant_vus fun(o: lgen.ConstantVus): lgen.Load [R] So many VUs, each one iteration after another, for so long.
---@field ramping_vus fun(o: lgen.RampingVus): lgen.Load [R] VUs whose number goes in straight lines from stage to stage.
---@field constant_rate fun(o: lgen.ConstantRate): lgen.Load [R] Iterations start at their own times, however long they take (open model); response times run from then.
---@field ramping_rate fun(o: lgen.RampingRate): lgen.Load [R] The same at a rate that goes in straight lines from stage to stage.
---@field per_vu_iterations fun(o: lgen.Iterations): lgen.Load [R] Every VU runs so many iterations.
---@field shared_iterations fun(o: lgen.Iterations): lgen.Load [R] So many iterations in all, taken by whichever VU is free.
---@field held_streams fun(o: lgen.HeldStreams): lgen.Load [R] Streams whose number goes by stages: each VU holds one; run(vu, stream) is called again and again to feed it, and when the VU leaves, the stream is closed. One that ends by itself is counted by its status and opened anew for the next run. Without run its messages are read.
---@field external fun(o: lgen.External): lgen.Load [R] As many VUs as lgen.scale says while it runs.
---@field given fun(scenario: string, field: string): string? [R] What --FIELD, the environment or a config file says of that scenario's load: "100" by --rate 100; nil: nothing. It overrides what the load has without being asked for here; this is for plans with a load of another kind for those who give a rate.

---A load, made by lgen.load.*.
---@class lgen.Load
---@field kind string Which executor.

---A task started by lgen.spawn.
---@class lgen.Task
---@field join fun(self: lgen.Task, timeout?: lgen.Duration): ... [Y R E] Waits for the task; returns its values or raises its error; nil, err when the time is up.
---@field cancel fun(self: lgen.Task) lgen.cancelled is raised at the task's current and every further wait.
---@field done fun(self: lgen.Task): boolean Whether it has ended.

---Random numbers, reproducible from --seed; every task has its own stream. math.random draws from it too.
---@class lgen.random
---@field uniform fun(a: number, b: number): number [R] Uniform in [a, b).
---@field exponential fun(mean: number): number [R] Exponential.
---@field normal fun(mean: number, sd: number): number [R] Normal.
---@field lognormal fun(mean: number, sd: number): number [R] exp of a normal with that mean and sd.
---@field int fun(a: integer, b: integer): integer [R] Whole number in [a, b].
---@field bool fun(p: number): boolean [R] True with probability p.
---@field choice fun(list: any[]): any [R] One of the list.
---@field weighted fun(list: table[]): any [R] A value of {{value, weight}, …}.
---@field string fun(n: integer): string [R] n letters and digits.
---@field bytes fun(n: integer): string [R] n random bytes.
---@field uuid fun(): string A random UUID, version 4.
---@field shuffle fun(list: any[]): any[] [R] Shuffles the list in place and returns it.

---Message types and methods of a service. By reflection they are known from setup on, methods excepted.
---@class lgen.Schema
---@field method fun(self, name: string): lgen.Method [R] a method, "pkg.Service/Method"; by reflection it is looked up before setup
---@field message fun(self, type: string, message: table): lgen.Encoded [R] encodes a message once, to be sent often
---@field enum fun(self, type: string): table<string, integer> [R] an enum's numbers by name
---@field decode fun(self, type: string, bytes: string): table?, lgen.Error? [R E] a message from its bytes
---@field types fun(self): string[] full names of all message types

---A method of a service.
---@class lgen.Method
---@field name string "pkg.Service/Method"
---@field kind "unary"|"client"|"server"|"bidi" who streams
---@field input string type of what is sent
---@field output string type of what comes back

---A message encoded once.
---@class lgen.Encoded
---@field type string its message type
---@field bytes string its wire format; # gives their number

---gRPC channels and pools.
---@class lgen.grpc
---@field channel fun(name: string, target: string, options?: lgen.ChannelOptions): lgen.Channel [R] a channel; made inside a task, it closes with it
---@field pool fun(name: string, target: string, options?: lgen.PoolOptions): lgen.Pool [R] several channels under one name, dealt out call by call

---A gRPC channel: one connection at a time.
---@class lgen.Channel
---@field call fun(self, method: lgen.Method|string, message: table|lgen.Encoded|string, options?: lgen.CallOptions): any, lgen.Error?, lgen.Call? [Y R E] a unary call: reply, nil, call; or nil, err
---@field open fun(self, method: lgen.Method|string, options?: lgen.StreamOptions): lgen.Stream [R] opens a stream, without waiting
---@field health fun(self, service?: string, options?: lgen.CallOptions): "SERVING"|"NOT_SERVING"|"UNKNOWN"|nil, lgen.Error? [Y E] asks grpc.health.v1; a service the server does not know is NOT_FOUND
---@field watch_health fun(self, service?: string, options?: lgen.StreamOptions): fun(): string?, lgen.Error? [Y R] for status in ch:watch_health(): now and at every change, also SERVICE_UNKNOWN, until the VU is told to stop; when the watch fails, last UNKNOWN and the error
---@field state fun(self): "IDLE"|"CONNECTING"|"READY"|"TRANSIENT_FAILURE"|"SHUTDOWN" of a pool: READY when all are, else that of the first that is not
---@field connect fun(self) starts connecting, without waiting
---@field wait_ready fun(self, timeout?: lgen.Duration): true?, lgen.Error? [Y E] connects and waits until READY
---@field reconnect fun(self) a new connection for new calls; the old one lives until its streams end
---@field close fun(self) no new calls; running ones are cancelled
---@field events fun(self): fun(): lgen.ChannelEvent? [Y] for ev in ch:events(): every change of state from now on
---@field name string as given; of a pool's channel "main[1]"

---Several channels under one name; has every method of a channel.
---@class lgen.Pool
---@field call fun(self, method: lgen.Method|string, message: table|lgen.Encoded|string, options?: lgen.CallOptions): any, lgen.Error?, lgen.Call? [Y R E] a unary call: reply, nil, call; or nil, err
---@field open fun(self, method: lgen.Method|string, options?: lgen.StreamOptions): lgen.Stream [R] opens a stream, without waiting
---@field health fun(self, service?: string, options?: lgen.CallOptions): "SERVING"|"NOT_SERVING"|"UNKNOWN"|nil, lgen.Error? [Y E] asks grpc.health.v1; a service the server does not know is NOT_FOUND
---@field watch_health fun(self, service?: string, options?: lgen.StreamOptions): fun(): string?, lgen.Error? [Y R] for status in ch:watch_health(): now and at every change, also SERVICE_UNKNOWN, until the VU is told to stop; when the watch fails, last UNKNOWN and the error
---@field state fun(self): "IDLE"|"CONNECTING"|"READY"|"TRANSIENT_FAILURE"|"SHUTDOWN" of a pool: READY when all are, else that of the first that is not
---@field connect fun(self) starts connecting, without waiting
---@field wait_ready fun(self, timeout?: lgen.Duration): true?, lgen.Error? [Y E] connects and waits until READY
---@field reconnect fun(self) a new connection for new calls; the old one lives until its streams end
---@field close fun(self) no new calls; running ones are cancelled
---@field events fun(self): fun(): lgen.ChannelEvent? [Y] for ev in ch:events(): every change of state from now on
---@field each fun(self): fun(): integer, lgen.Channel for i, ch in pool:each()
---@field name string as given
---@field [integer] lgen.Channel pool[1] ... pool[#pool]

---A gRPC stream of any kind.
---@class lgen.Stream
---@field send fun(self, message: table|lgen.Encoded|string): true?, lgen.Error? [Y R E] puts a message into the send buffer; waits only while that is full
---@field recv fun(self, timeout?: lgen.Duration): any, lgen.Error? [Y E] the next message; after the last one nil and the status
---@field messages fun(self): fun(): any [Y] for message in s:messages(): until the stream ends or the VU is told to stop
---@field half_close fun(self) no more messages from us; the stream goes on
---@field close fun(self, timeout?: lgen.Duration): any, lgen.Error? [Y E] half-closes, reads on to the end: the last or only reply, or nil and the status
---@field cancel fun(self, reason?: string) ends the stream at once; its status is CANCELLED
---@field headers fun(self): table<string, string|string[]>? the server's headers; nil until they have come
---@field trailers fun(self): table<string, string|string[]>? the server's trailers; nil until the end
---@field status fun(self): lgen.Error? how it ended, code "OK" included; nil while it is open
---@field backend fun(self, timeout?: lgen.Duration): string?, lgen.Error? [Y E] who serves it; waits until that is known
---@field id integer 1, 2, ... in the order of opening
---@field channel string "main[1]"
---@field sent integer messages accepted; after the end, those really written
---@field received integer messages that have come in
---@field attempts integer? how often it was tried; nil until the server has told, with its headers or at the end, or when it does not
---@field connection string? "main[1]#2": channel and number of its connection; nil until it has left

---What is known of an ended call.
---@class lgen.Call
---@field duration number seconds from start to status
---@field backend string who served it; "unknown" when not learnt, "" when it never left
---@field peer string "127.0.0.1:50051", "" when it never left
---@field channel string "main[1]"
---@field headers table<string, string|string[]> of the response
---@field trailers table<string, string|string[]> of the response
---@field status lgen.Error code "OK" included
---@field attempts integer? how often it was tried; nil when the server does not tell

---HTTP clients.
---@class lgen.http
---@field client fun(name: string, options?: lgen.HttpClientOptions): lgen.HttpClient [R] a client with connections of its own, shared by all VUs; made inside a task, it closes with it

---Requests to one service, on connections that are kept.
---@class lgen.HttpClient
---@field get fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E] the answer, whatever its status; or nil, err when there is none
---@field head fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E]
---@field post fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E]
---@field put fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E]
---@field patch fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E]
---@field delete fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E]
---@field request fun(self, method: string, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error? [Y R E] with any method
---@field close fun(self) closes the connections that no request uses; later requests make new ones
---@field name string as given
---@field base string in front of paths; "": there is none

---An answer.
---@class lgen.HttpResponse
---@field status integer 200, 404, ...; in err.call 0 when not even that came
---@field reason string "Not Found"
---@field headers table<string,string|string[]> names in lower case
---@field body string unpacked
---@field json fun(self): any, string? [E] the body's value, or nil and what is wrong with it
---@field url string that gave the answer: the last one, after redirects
---@field hops {status: integer, url: string}[] redirects followed before
---@field timing {dns: number, connect: number, tls: number, queue: number, first_byte: number, total: number} seconds of each step, 0 where a connection was there; first_byte from sending, total from the start
---@field backend string who answered, by the client's rule; "unknown" when it cannot be learnt
---@field peer string address of the connection
---@field connection string "web#3": the third connection of client web
---@field version string of HTTP: "1.1" or "2"
---@field reused boolean an earlier request had made the connection
---@field retried boolean sent once more, because a kept connection had been closed

---A sum that only rises.
---@class lgen.Counter
---@field add fun(self: lgen.Counter, n?: number, labels?: table<string, any>) [R] Adds n, default 1.

---A value that goes up and down.
---@class lgen.Gauge
---@field set fun(self: lgen.Gauge, value: number, labels?: table<string, any>) [R] Sets it.
---@field add fun(self: lgen.Gauge, by?: number, labels?: table<string, any>) [R] Moves it, default by 1.

---The share of true samples.
---@class lgen.Rate
---@field add fun(self: lgen.Rate, yes: boolean, labels?: table<string, any>) [R] One sample.

---A distribution of values.
---@class lgen.Histogram
---@field record fun(self: lgen.Histogram, value: number, labels?: table<string, any>) [R] One sample, in the metric's unit.

---Counts by row and column, with a verdict.
---@class lgen.Distribution
---@field add fun(self: lgen.Distribution, row: string|number, col: string|number|nil, n?: integer) [R] Counts n (default 1) in a cell; a column of nil is "unknown".
---@field table fun(self: lgen.Distribution): table<string, table<string, number>> Counts by row and column.
---@field jain fun(self: lgen.Distribution): number Jain's index of the columns: 1 is even.
---@field max_over_mean fun(self: lgen.Distribution): number The fullest column over the mean.
---@field verdict fun(self: lgen.Distribution): {kind: string, why: string, p: number, astray: number, subsets: string[][]} per_connection, per_stream, per_stream_within_subset or inconclusive.

---The system under test, watched through its metrics pages.
---@class lgen.prom
---@field target fun(name: string, where: string|string[], o?: lgen.PromTargetOptions): lgen.PromTarget [R] Pods whose metrics pages are read all the time: a URL, a list of them, dns:///NAME:PORT (every address is a pod) or sd+URL (Prometheus' HTTP service discovery). They go into the report with the labels pod and target, and can be thresholds' metrics.
---@field query fun(base: string, promql: string): any, lgen.Error? [Y R E] Asks a Prometheus server: a number, a string, or a list of {labels, value, at} ({labels, values = {{at, value}, …}} for a range).

---Pods that are watched together.
---@class lgen.PromTarget
---@field scrape fun(self: lgen.PromTarget): lgen.Sample?, lgen.Error? [Y R E] All pages, asked for now; nil when no pod is up.
---@field samples fun(self: lgen.PromTarget): fun(): lgen.Sample? [Y R] `for sample in t:samples() do`: every round of the background from now on (while the body runs, rounds are passed over); ends when the VU is told to stop.
---@field wait_for fun(self: lgen.PromTarget, metric: string, op: "<"|"<="|">"|">="|"=="|"~="|"!=", value: number, o?: lgen.WaitForOptions): number?, lgen.Error? [Y R E] Waits until it holds and returns the value. It never holds without a series; for all not while a pod is down.

---What all pods' pages said at one time.
---@class lgen.Sample
---@field value fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number?, lgen.Error? [R E] Of the one series that fits.
---@field sum fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number? [R] Over all series that fit, of all pods; nil without any. NaN is no value.
---@field max fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number? [R] The largest.
---@field min fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number? [R] The smallest.
---@field avg fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number? [R] Their mean.
---@field count fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): number [R] How many there are.
---@field each fun(self: lgen.Sample, metric: string, labels?: table<string, string|number>): fun(): number?, table<string, string>? [R] `for value, labels in sample:each "x" do`; the label pod says whose it is.
---@field up integer Pods whose page was read.
---@field down integer Pods whose page could not be read.
---@field at number When, in seconds since the start of the run.

---Test data: files beside the plan, read while it loads and held outside of Lua.
---@class lgen.data
---@field csv fun(path: string, o?: lgen.CsvOptions): lgen.Data [R] CSV (RFC 4180), its first row the names of the columns; all values are strings.
---@field json fun(path: string, o?: lgen.JsonDataOptions): lgen.Data [R] An array of objects, or an object a line; a null is an absent value.
---@field lines fun(path: string, o?: lgen.LinesOptions): lgen.Data [R] Lines of text; a row is the line as a string, without its end.

---Rows of a file; #data is how many. A row is a new table each time, by column.
---@class lgen.Data
---@field next fun(self: lgen.Data): any [R] The next row; all VUs of the process take from one sequence. See on_end.
---@field random fun(self: lgen.Data): any [R] Any row, each as likely, from the task's random stream.
---@field at fun(self: lgen.Data, i: integer): any [R] Row i of 1..#data.
---@field for_vu fun(self: lgen.Data, vu: lgen.Vu): any [R] The VU's own row, by vu.id; VUs beyond the last row share, unless on_end is stop or error: then it raises.

---Kubernetes' replica arithmetic (autoscaling/v2), as a pure function.
---@class lgen.hpa
---@field simulate fun(o: lgen.HpaSimulation): lgen.HpaRound[] [R] The rounds of an autoscaler over a load, shared evenly by the pods that are ready, as `lgen hpa simulate`.

---The run's log, on stderr or where --log says.
---@class lgen.log
---@field debug fun(format: string, ...) [R] Shown with --log debug. At most 10 lines a second from one place.
---@field info fun(format: string, ...) [R] Shown with --log info.
---@field warn fun(format: string, ...) [R] Shown unless --log error.
---@field error fun(format: string, ...) [R] Shown unless --log off.

---Digests, base64 and signed tokens.
---@class lgen.crypto
---@field sha256 fun(text: string, options?: lgen.DigestOptions): string [R] The digest, in hex digits.
---@field hmac fun(key: string, text: string, options?: lgen.HmacOptions): string [R] The keyed digest, in hex digits.
---@field base64 fun(bytes: string, options?: lgen.Base64Options): string [R] Base64, RFC 4648.
---@field base64_decode fun(text: string): string?, string? [R E] The bytes, from either alphabet, with padding or without; or nil and what is wrong.
---@field jwt fun(claims: table, options: lgen.JwtOptions): string [R] A signed JSON Web Token; exp and iat are claims like any other: exp = lgen.time() + 60.

---JSON.
---@class lgen.json
---@field encode fun(value: any): string [R] Lists 1..n and lgen.array become arrays, other tables objects with sorted keys.
---@field decode fun(text: string): any, string? [R E] The value, or nil and what is wrong with the text; arrays are lgen.array, integers beyond 2^53 are cdata.
---@field null lightuserdata lgen.null.

---The stand-in cluster (lgen-cluster -f), where there is one.
---@class lgen.cluster
---@field events fun(where: string): lgen.ClusterEvent[]?, lgen.Error? [Y R E] What has happened in an lgen-cluster with manifests since it started, the oldest first. `where`: its events' URL, or sd+URL of its service discovery, as lgen.metrics has it with --local=manifests=PATH and with --metrics sd+URL. Elsewhere there are none: nil, err.

---@type lgen
local lgen = {}
return lgen
