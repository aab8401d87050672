"""A gRPC server of another make (Python's) inside a test: the echo service, with the test's own idea of an answer."""

from concurrent import futures

import grpc

import protos

echo = protos.messages("echo")
SERVICE = "lgen.echo.Echo"


def send_back(request, _context):
    return echo.EchoReply(payload=request.payload)


class Peer:
    """Serves at `target` in threads of this process. `answer(request, context)` makes each reply of Unary and
    BidiStream; `seen` collects every call's metadata as a dict. `handlers`: of services besides."""

    def __init__(self, answer=send_back, address="127.0.0.1:0", compression=None, handlers=()):
        self.seen = []
        self.answer = answer
        self._server = grpc.server(futures.ThreadPoolExecutor(8), compression=compression,
                                   options=[("grpc.so_reuseport", 0)])
        methods = {
            "Unary": grpc.unary_unary_rpc_method_handler(
                self._unary, echo.EchoRequest.FromString, echo.EchoReply.SerializeToString),
            "BidiStream": grpc.stream_stream_rpc_method_handler(
                self._bidi, echo.EchoRequest.FromString, echo.EchoReply.SerializeToString),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods), *handlers))
        port = self._server.add_insecure_port(address)
        self.target = address if address.startswith("unix:") else f"{address.rsplit(':', 1)[0]}:{port}"
        self._server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(None).wait()

    def _note(self, context):
        self.seen.append({pair.key: pair.value for pair in context.invocation_metadata()})

    def _unary(self, request, context):
        self._note(context)
        return self.answer(request, context)

    def _bidi(self, requests, context):
        self._note(context)
        for request in requests:
            yield self.answer(request, context)
