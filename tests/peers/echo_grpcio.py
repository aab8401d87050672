"""lgen.echo.Echo over grpcio, as one of several servers of different make that must look alike to lgen.

Beside what echo.proto says of the requests, these metadata have a meaning to it:
  echo-KEY         comes back as a header, trail-KEY as a trailer; ASCII and -bin, every value
  fail-reason      a failure carries a google.rpc.Status with an ErrorInfo of this reason
  gzip-replies     replies are compressed
The headers x-backend and x-user-agent say who answers and who asked. SIGTERM ends it once its calls have ended, with
one line of JSON: calls by method and code, messages read and written by method.
"""

import collections
import contextlib
import json
import signal
import threading
from concurrent import futures

import grpc

import protos

echo = protos.messages("echo")
rpc_status = protos.messages("rpc_status", protos.PEERS_DIR)

CODES = {code.value[0]: code for code in grpc.StatusCode}


class Ledger:
    """What the server has seen, for the line at its end."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts = {name: collections.Counter() for name in ["calls", "read", "written"]}

    def add(self, name, key):
        with self._lock:
            self._counts[name][key] += 1

    def line(self):
        return json.dumps(self._counts)


class Gone(Exception):
    """The caller has left, or its deadline has passed."""


class Conversation:
    """One call: what was read and answered so far, and how it ends."""

    def __init__(self, ledger, method, context):
        self._ledger, self._method, self._context = ledger, method, context
        self._gone = threading.Event()
        self._metadata = list(context.invocation_metadata())
        self._messages = self._bytes = self._replies = 0
        self._ended = False
        if not context.add_callback(self._gone.set):
            self._gone.set()
        if "gzip-replies" in dict(self._metadata):
            context.set_compression(grpc.Compression.Gzip)
        context.send_initial_metadata([("x-backend", "grpcio"), ("x-user-agent", dict(self._metadata)["user-agent"]),
                                       *self._asked_for("echo-")])
        context.set_trailing_metadata(self._asked_for("trail-"))

    def _asked_for(self, prefix):
        return [(key, value) for key, value in self._metadata if key.startswith(prefix)]

    def read(self, request):
        self._ledger.add("read", self._method)
        self._messages += 1
        self._bytes += len(request.payload)

    def obey(self, request):
        """Waits and fails as the request asks."""
        if request.delay_seconds and self._gone.wait(request.delay_seconds):
            raise Gone
        if request.status_code:
            self._fail(request)

    def _fail(self, request):
        code = request.status_code
        self.end(CODES[code].name)
        for _, reason in self._asked_for("fail-reason"):
            status = rpc_status.Status(code=code, message=request.status_message)
            status.details.add().Pack(rpc_status.ErrorInfo(reason=reason, domain="grpcio", metadata={"cost": "42"}))
            self._context.set_trailing_metadata(
                [*self._asked_for("trail-"), ("grpc-status-details-bin", status.SerializeToString())])
        self._context.abort(CODES[code], request.status_message)

    def reply(self, request):
        self._ledger.add("written", self._method)
        self._replies += 1
        return echo.EchoReply(payload=b"x" * request.reply_size or request.payload, sequence=self._replies,
                              messages_seen=self._messages, payload_bytes_seen=self._bytes, pod="grpcio",
                              peer=self._context.peer())

    def end(self, code):
        """The first end counts."""
        if not self._ended:
            self._ended = True
            self._ledger.add("calls", f"{self._method} {code}")


class Echo:
    """The four methods; each is what grpcio wants of it, a function of (request or requests, context)."""

    def __init__(self, ledger):
        self._ledger = ledger

    def unary(self, request, context):
        with self._conversation("Unary", context) as talk:
            talk.read(request)
            talk.obey(request)
            return talk.reply(request)

    def client_stream(self, requests, context):
        with self._conversation("ClientStream", context) as talk:
            last = echo.EchoRequest()
            for last in requests:
                talk.read(last)
                talk.obey(last)
            return talk.reply(last)

    def server_stream(self, request, context):
        with self._conversation("ServerStream", context) as talk:
            talk.read(request)
            for _ in range(request.replies or 1):
                talk.obey(request)
                yield talk.reply(request)

    def bidi_stream(self, requests, context):
        with self._conversation("BidiStream", context) as talk:
            for request in requests:
                talk.read(request)
                talk.obey(request)
                yield talk.reply(request)

    @contextlib.contextmanager
    def _conversation(self, name, context):
        """The call's end goes into the ledger, whatever it is."""
        talk = Conversation(self._ledger, "lgen.echo.Echo/" + name, context)
        try:
            yield talk
            talk.end("OK")
        finally:
            talk.end("CANCELLED")  # unless it has ended already


def handlers(service):
    kinds = {"Unary": (grpc.unary_unary_rpc_method_handler, service.unary),
             "ClientStream": (grpc.stream_unary_rpc_method_handler, service.client_stream),
             "ServerStream": (grpc.unary_stream_rpc_method_handler, service.server_stream),
             "BidiStream": (grpc.stream_stream_rpc_method_handler, service.bidi_stream)}
    return {name: make(method, echo.EchoRequest.FromString, echo.EchoReply.SerializeToString)
            for name, (make, method) in kinds.items()}


def main():
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    ledger = Ledger()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lgen.echo.Echo", handlers(Echo(ledger))),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening on {port}", flush=True)
    stopped.wait()
    server.stop(grace=20).wait()
    print(ledger.line(), flush=True)


if __name__ == "__main__":
    main()
